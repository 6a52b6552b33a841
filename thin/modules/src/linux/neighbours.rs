//! The neighbours of the host: which address has which hardware address.

use super::netlink::{self, attributes, u16_at};
use super::{Root, interfaces};
use std::net::IpAddr;

/// Hardware address and address of every neighbour that has answered, of both versions.
pub fn read() -> Vec<(String, IpAddr)> {
    let messages = netlink::dump(netlink::GET_NEIGHBOUR, &[0; 12]).unwrap_or_default();
    messages.iter().filter_map(|body| parse(body)).collect()
}

/// `struct ndmsg` (12 bytes) and attributes. Entries that need no asking (loopback, multicast) are left out.
fn parse(body: &[u8]) -> Option<(String, IpAddr)> {
    const NO_ARP: u16 = 0x40;
    if u16_at(body, 8)? & NO_ARP != 0 {
        return None;
    }
    let (mut ip, mut hwaddr) = (None, None);
    for (kind, data) in attributes(body.get(12..)?) {
        match kind {
            1 => ip = interfaces::ip(data),
            2 => hwaddr = Some(interfaces::colons(data)),
            _ => {}
        }
    }
    Some((hwaddr?, ip?))
}

/// The ARP table as `arp -an` shows it: hardware address, or `<incomplete>`, and IPv4 address.
pub fn arp(root: &Root) -> Vec<(String, String)> {
    root.text("/proc/net/arp").unwrap_or_default().lines().skip(1).filter_map(parse_arp).collect()
}

/// `IP address, HW type, Flags, HW address, Mask, Device`.
fn parse_arp(line: &str) -> Option<(String, String)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [ip, _, flags, hwaddr, ..] = fields[..] else { return None };
    let hwaddr = if flags == "0x0" { "<incomplete>" } else { hwaddr };
    Some((hwaddr.to_owned(), ip.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_never_answered_are_incomplete() {
        let row = "192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0";
        assert_eq!(parse_arp(row).unwrap().0, "<incomplete>");
        let row = "192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0";
        assert_eq!(parse_arp(row).unwrap(), ("02:fc:00:00:00:05".to_owned(), "192.0.2.1".to_owned()));
    }
}
