//! The TCP line under a session: name look-up off the async threads, addresses raced, no waiting for
//! acknowledgements in either direction.

use super::limits::NEXT_ADDRESS_AFTER;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
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

/// A TCP stream that acknowledges at once.
///
/// `sshd` leaves Nagle's algorithm on until a session starts, so its second small packet waits for our
/// acknowledgement, and the kernel would hold that back for 40 ms. The kernel forgets `TCP_QUICKACK` by
/// itself, hence after every read.
pub struct QuickStream(TcpStream);

impl QuickStream {
    /// # Errors
    /// The system's, where the socket is already dead.
    pub fn new(stream: TcpStream) -> io::Result<QuickStream> {
        stream.set_nodelay(true)?;
        Ok(QuickStream(stream))
    }
}

impl AsyncRead for QuickStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context, buf: &mut ReadBuf) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.0).poll_read(cx, buf);
        if polled.is_ready() {
            // Only speed hangs on it.
            let _ = rustix::net::sockopt::set_tcp_quickack(&self.0, true);
        }
        polled
    }
}

impl AsyncWrite for QuickStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
