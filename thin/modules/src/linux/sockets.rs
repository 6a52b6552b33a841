//! Open TCP and UDP sockets, from `/proc/net/{tcp,tcp6,udp,udp6}`.

use super::Root;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// `tcp`, `tcp6`, `udp` or `udp6`.
    pub protocol: &'static str,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub state: &'static str,
    pub receive_queue: u32,
    pub send_queue: u32,
    pub uid: u32,
    pub inode: u64,
}

/// By the kernel's number.
const STATES: [&str; 13] = [
    "UNKNOWN",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "SYN_RECV",
];

/// All sockets: TCP, TCP over IPv6, UDP, UDP over IPv6.
pub fn read(root: &Root) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for protocol in ["tcp", "tcp6", "udp", "udp6"] {
        let text = root.text(&format!("/proc/net/{protocol}")).unwrap_or_default();
        sockets.extend(text.lines().skip(1).filter_map(|line| parse(protocol, line)));
    }
    sockets
}

/// `sl local remote state tx:rx timer:when retransmits uid timeout inode ...`.
fn parse(protocol: &'static str, line: &str) -> Option<Socket> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (send, receive) = fields.get(4)?.split_once(':')?;
    let state = usize::from_str_radix(fields.get(3)?, 16).ok()?;
    Some(Socket {
        protocol,
        local: address(fields.get(1)?)?,
        remote: address(fields.get(2)?)?,
        state: STATES.get(state).copied().unwrap_or("UNKNOWN"),
        receive_queue: u32::from_str_radix(receive, 16).ok()?,
        send_queue: u32::from_str_radix(send, 16).ok()?,
        uid: fields.get(7)?.parse().ok()?,
        inode: fields.get(9)?.parse().ok()?,
    })
}

/// Words of 32 bits in hexadecimal and the machine's byte order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (words, port) = text.split_once(':')?;
    let word = |at: usize| {
        let digits = words.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let ip: IpAddr = if words.len() == 8 {
        Ipv4Addr::from(word(0)?).into()
    } else {
        let octets = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
        Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into()
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Which process holds a socket: `PID/name` by inode. Processes of others are seen by the superuser only.
pub fn owners(root: &Root) -> HashMap<u64, String> {
    let mut owners = HashMap::new();
    for pid in root.names("/proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
        let mut program = None;
        for descriptor in root.names(&format!("/proc/{pid}/fd")) {
            let Ok(target) = std::fs::read_link(root.path(format!("/proc/{pid}/fd/{descriptor}"))) else {
                continue;
            };
            let target = target.to_string_lossy();
            let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            if let Some(inode) = inode.and_then(|digits| digits.parse().ok()) {
                let program = program.get_or_insert_with(|| format!("{pid}/{}", program_name(root, &pid)));
                owners.entry(inode).or_insert_with(|| program.clone());
            }
        }
    }
    owners
}

/// The first word of the command line, without directories.
fn program_name(root: &Root, pid: &str) -> String {
    let command = root.text(&format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let first = command.split(['\0', ' ']).next().unwrap_or_default();
    first.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_row_of_the_kernel_is_read() {
        let row = "  0: 0100007F:1F90 00000000:0000 0A 00000001:00000002 00:00000000 00000000  1000        0 4242 1 0";
        let socket = parse("tcp", row).unwrap();
        assert_eq!((socket.local.to_string().as_str(), socket.state), ("127.0.0.1:8080", "LISTEN"));
        assert_eq!((socket.send_queue, socket.receive_queue, socket.uid, socket.inode), (1, 2, 1000, 4242));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_of_version_6_are_four_words() {
        let socket = address("00000000000000000000000001000000:0016").unwrap();
        assert_eq!(socket.to_string(), "[::1]:22");
    }

    #[test]
    fn our_own_listening_socket_is_found_with_its_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let root = Root::default();
        let ours = listener.local_addr().unwrap();
        let socket = read(&root).into_iter().find(|socket| socket.local == ours).unwrap();
        assert_eq!((socket.protocol, socket.state), ("tcp", "LISTEN"));
        let owner = owners(&root).remove(&socket.inode).unwrap();
        assert!(owner.starts_with(&format!("{}/", std::process::id())), "{owner}");
    }
}
