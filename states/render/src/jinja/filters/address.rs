//! Internet addresses with the meaning of Python's `ipaddress`.

use halite_wire::subnet::{self, Subnet, bits_of, is_private};
use std::net::IpAddr;

/// An address, or the address of an interface with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub ip: IpAddr,
    pub prefix: Option<u8>,
}

impl Address {
    /// `10.0.0.1`, `10.0.0.1/24`, `10.0.0.1/255.255.255.0`, `fe80::1/64`.
    pub fn parse(written: &str) -> Option<Address> {
        subnet::parse(written).map(|(ip, prefix)| Address { ip, prefix })
    }

    pub fn version(self) -> i128 {
        if self.ip.is_ipv4() { 4 } else { 6 }
    }

    /// As Python writes it; a bare address as an interface has the longest prefix.
    pub fn shown(self) -> String {
        match self.prefix {
            Some(prefix) => format!("{}/{prefix}", shown(self.ip)),
            None => shown(self.ip),
        }
    }

    pub fn network(self) -> Subnet {
        Subnet::around(self.ip, self.prefix.unwrap_or(bits_of(self.ip)))
    }

    /// Whether the address has the property that Salt's word for it asks for; `None` where there is no such word.
    pub fn is(self, option: &str) -> Option<bool> {
        let within = |v4: &[&str], v6: &[&str]| {
            let list = if self.ip.is_ipv4() { v4 } else { v6 };
            list.iter().filter_map(|net| Address::parse(net)).any(|net| net.network().contains(self.ip))
        };
        Some(match option {
            "global" | "public" => !is_private(self.ip),
            "private" => is_private(self.ip),
            "link-local" | "linklocal" | "link_local" | "ll" => within(&["169.254.0.0/16"], &["fe80::/10"]),
            "loopback" | "lo" => within(&["127.0.0.0/8"], &["::1/128"]),
            "multicast" => within(&["224.0.0.0/4"], &["ff00::/8"]),
            "reserved" => within(&["240.0.0.0/4"], RESERVED_V6),
            "site-local" | "site_local" | "sl" => within(&[], &["fec0::/10"]),
            "unspecified" => within(&["0.0.0.0/32"], &["::/128"]),
            _ => return None,
        })
    }
}

const RESERVED_V6: &[&str] = &[
    "::/8", "100::/8", "200::/7", "400::/6", "800::/5", "1000::/4", "4000::/3", "6000::/3", "8000::/3",
    "a000::/3", "c000::/3", "e000::/4", "f000::/5", "f800::/6", "fe00::/9",
];

/// Unlike the standard library, Python writes `::ffff:a00:1`, never `::ffff:10.0.0.1`.
pub(super) fn shown(ip: IpAddr) -> String {
    match ip {
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => {
            let [.., high, low] = ip.segments();
            format!("::ffff:{high:x}:{low:x}")
        }
        ip => ip.to_string(),
    }
}
