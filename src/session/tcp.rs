//! The TCP line under a session: name look-up off the async threads, addresses raced. What it says goes over a
//! [`QuickStream`](crate::quick::QuickStream).

use super::limits::NEXT_ADDRESS_AFTER;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The addresses of `host`, IPv6 and IPv4 taking turns.
///
/// # Errors
/// The resolver's, or that there is no address.
pub async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    // A zone (`fe80::1%eth0`) or a name: the system's resolver, on tokio's blocking threads.
    let (six, four): (Vec<_>, Vec<_>) =
        tokio::net::lookup_host((host, port)).await?.partition(|address| address.is_ipv6());
    let mut addresses = Vec::new();
    for at in 0..six.len().max(four.len()) {
        addresses.extend(six.get(at).into_iter().chain(four.get(at)));
    }
    if addresses.is_empty() { Err(no_address()) } else { Ok(addresses) }
}

fn no_address() -> io::Error {
    io::Error::other("the name has no address")
}

/// Connects to the first address that answers; each has a head start over the next.
///
/// # Errors
/// The last address's.
pub async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    if let [only] = addresses {
        return TcpStream::connect(only).await;
    }
    let mut racing = JoinSet::new();
    let mut failure = no_address();
    for address in addresses.iter().copied() {
        racing.spawn(TcpStream::connect(address));
        while let Ok(Some(ended)) = tokio::time::timeout(NEXT_ADDRESS_AFTER, racing.join_next()).await {
            match ended.map_err(io::Error::other).flatten() {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
    }
    while let Some(ended) = racing.join_next().await {
        match ended.map_err(io::Error::other).flatten() {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
