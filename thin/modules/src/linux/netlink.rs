//! Questions to the kernel's routing socket (rtnetlink): links, addresses, neighbours, the route to an address.
//!
//! Messages are what `linux/netlink.h` and `linux/rtnetlink.h` say: a 16 byte header, a fixed part by kind, then
//! attributes of `len u16 | kind u16 | data`, all in the machine's byte order and padded to four bytes.

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};
use std::io;
use std::time::Duration;

pub const GET_LINK: u16 = 18;
pub const GET_ADDRESS: u16 = 22;
pub const GET_ROUTE: u16 = 26;
pub const GET_NEIGHBOUR: u16 = 30;

const HEADER_BYTES: usize = 16;
const KIND_ERROR: u16 = 2;
const KIND_DONE: u16 = 3;
const FLAG_REQUEST: u16 = 1;
const FLAG_DUMP: u16 = 0x300;
/// The kernel never sends a larger datagram to a dump than 32 KiB.
const DATAGRAM_BYTES_MAX: usize = 64 << 10;
/// The kernel answers at once; a sandbox that swallows the question must not hold us.
const WAIT: Duration = Duration::from_millis(500);

/// The fixed parts and attributes of all objects of `kind`.
///
/// # Errors
/// What the kernel answers: no such socket family, not permitted, out of time.
pub fn dump(kind: u16, fixed: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    ask(kind, FLAG_REQUEST | FLAG_DUMP, fixed)
}

/// The one object that `body` (fixed part and attributes) asks for.
///
/// # Errors
/// As [`dump`]; also where there is no such object.
pub fn get(kind: u16, body: &[u8]) -> io::Result<Vec<u8>> {
    ask(kind, FLAG_REQUEST, body)?.into_iter().next().ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Kinds and data of the attributes in `bytes`; ends at the first that is cut.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (len, kind) = (usize::from(u16_at(bytes, 0)?), u16_at(bytes, 2)?);
        let data = bytes.get(4..len)?;
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind & 0x3fff, data))
    })
}

/// One attribute, padded.
pub fn attribute(kind: u16, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + data.len()).unwrap_or(u16::MAX);
    let mut bytes = [&len.to_ne_bytes(), &kind.to_ne_bytes(), data].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn ask(kind: u16, flags: u16, body: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    // Protocol 0 of this family is the routing one.
    let socket =
        rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(WAIT))?;
    let len = u32::try_from(HEADER_BYTES + body.len()).map_err(io::Error::other)?;
    let question = [
        &len.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &flags.to_ne_bytes(),
        &1u32.to_ne_bytes(),
        &[0; 4],
        body,
    ]
    .concat();
    rustix::net::sendto(&socket, &question, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut objects = Vec::new();
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let (taken, _) = rustix::net::recv(&socket, &mut datagram[..], RecvFlags::empty())?;
        let whole = read_datagram(datagram.get(..taken).unwrap_or_default(), &mut objects)?;
        if whole || flags & FLAG_DUMP == 0 {
            return Ok(objects);
        }
    }
}

/// Puts the bodies of a datagram's messages into `objects`; whether the answer ended.
fn read_datagram(mut bytes: &[u8], objects: &mut Vec<Vec<u8>>) -> io::Result<bool> {
    while let (Some(len), Some(kind)) = (u32_at(bytes, 0), u16_at(bytes, 4)) {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(body) = bytes.get(HEADER_BYTES..len) else { break };
        match kind {
            KIND_DONE => return Ok(true),
            KIND_ERROR => {
                let errno =
                    i32::from_ne_bytes(body.get(..4).and_then(|e| e.try_into().ok()).unwrap_or_default());
                return if errno == 0 { Ok(true) } else { Err(io::Error::from_raw_os_error(-errno)) };
            }
            _ => objects.push(body.to_vec()),
        }
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_they_are_written() {
        let bytes = [attribute(3, b"eth0\0"), attribute(1, &[1, 2, 3, 4, 5, 6])].concat();
        let read: Vec<_> = attributes(&bytes).collect();
        assert_eq!(read, [(3, &b"eth0\0"[..]), (1, &[1, 2, 3, 4, 5, 6][..])]);
    }

    #[test]
    fn cut_attributes_and_datagrams_end_quietly() {
        assert_eq!(attributes(&[200, 0, 1, 0, 7]).count(), 0);
        assert_eq!(attributes(&[0, 0, 0, 0]).count(), 0);
        let mut objects = Vec::new();
        assert!(!read_datagram(&[255; 20], &mut objects).unwrap());
        assert!(objects.is_empty());
    }

    #[test]
    fn the_kernel_knows_the_loopback_link() {
        let links = dump(GET_LINK, &[0; 16]).unwrap();
        assert!(links.iter().any(|link| attributes(&link[16..]).any(|a| a == (3, b"lo\0"))));
    }
}
