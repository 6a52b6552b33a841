//! Internet addresses and networks with the meaning of Python's `ipaddress`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address, or the address of an interface with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub ip: IpAddr,
    pub prefix: Option<u32>,
}

impl Address {
    /// `10.0.0.1`, `10.0.0.1/24`, `10.0.0.1/255.255.255.0`, `fe80::1/64`.
    pub fn parse(written: &str) -> Option<Address> {
        let Some((ip, mask)) = written.split_once('/') else {
            return Some(Address { ip: written.parse().ok()?, prefix: None });
        };
        let ip: IpAddr = ip.parse().ok()?;
        let digits = !mask.is_empty() && mask.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match (ip, digits) {
            (_, true) => mask.parse().ok().filter(|length| *length <= bits_of(ip))?,
            (IpAddr::V4(_), false) => prefix_of_mask(mask.parse().ok()?)?,
            (IpAddr::V6(_), false) => return None,
        };
        Some(Address { ip, prefix: Some(prefix) })
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

    pub fn network(self) -> Network {
        let bits = bits_of(self.ip);
        let prefix = self.prefix.unwrap_or(bits);
        let host_bits = bits - prefix;
        let first = if host_bits == 128 { 0 } else { number(self.ip) >> host_bits << host_bits };
        Network { first, host_bits, is_v4: self.ip.is_ipv4() }
    }

    /// Whether the address has the property that Salt's word for it asks for; `None` where there is no such word.
    pub fn is(self, option: &str) -> Option<bool> {
        let within = |v4: &[&str], v6: &[&str]| {
            let list = if self.ip.is_ipv4() { v4 } else { v6 };
            list.iter().filter_map(|net| Address::parse(net)).any(|net| net.network().holds(self.ip))
        };
        Some(match option {
            "global" | "public" => !within(PRIVATE_V4, PRIVATE_V6),
            "private" => within(PRIVATE_V4, PRIVATE_V6),
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

const PRIVATE_V4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/29",
    "192.0.0.170/31",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
];

const PRIVATE_V6: &[&str] = &[
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "100::/64",
    "2001::/23",
    "2001:2::/48",
    "2001:db8::/32",
    "2001:10::/28",
    "fc00::/7",
    "fe80::/10",
];

const RESERVED_V6: &[&str] = &[
    "::/8", "100::/8", "200::/7", "400::/6", "800::/5", "1000::/4", "4000::/3", "6000::/3", "8000::/3",
    "a000::/3", "c000::/3", "e000::/4", "f000::/5", "f800::/6", "fe00::/9",
];

/// All addresses with one prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    first: u128,
    host_bits: u32,
    is_v4: bool,
}

impl Network {
    pub fn holds(self, ip: IpAddr) -> bool {
        self.is_v4 == ip.is_ipv4()
            && (self.host_bits == 128 || (number(ip) ^ self.first) >> self.host_bits == 0)
    }

    /// Whether `ip` is the first address: what a network is named by.
    pub fn begins_at(self, ip: IpAddr) -> bool {
        self.first == number(ip)
    }

    /// How many addresses; `None` above what a number holds.
    pub fn size(self) -> Option<i128> {
        1i128.checked_shl(self.host_bits).filter(|size| *size > 0)
    }

    /// The addresses hosts may have: without the network's own, and the broadcast address of IPv4.
    pub fn hosts(self) -> impl Iterator<Item = String> {
        let last = self.first | u128::MAX.checked_shl(self.host_bits).map_or(u128::MAX, |mask| !mask);
        let small = self.host_bits < 2;
        let from = if small { self.first } else { self.first + 1 };
        let to = if self.is_v4 && !small { last - 1 } else { last };
        (from..=to).map(move |ip| match self.is_v4 {
            true => shown(IpAddr::V4(Ipv4Addr::from(ip as u32))),
            false => shown(IpAddr::V6(Ipv6Addr::from(ip))),
        })
    }
}

/// The length of the prefix a mask stands for; a host mask such as `0.0.0.255` is one, too.
fn prefix_of_mask(mask: Ipv4Addr) -> Option<u32> {
    let mask = u32::from(mask);
    let ones = mask.leading_ones();
    match (mask.count_ones() == ones, mask.count_ones() == mask.trailing_ones()) {
        (true, _) => Some(ones),
        (_, true) => Some(mask.leading_zeros()),
        _ => None,
    }
}

fn bits_of(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).into(),
        IpAddr::V6(ip) => ip.into(),
    }
}

/// Unlike the standard library, Python writes `::ffff:a00:1`, never `::ffff:10.0.0.1`.
fn shown(ip: IpAddr) -> String {
    match ip {
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => {
            let [.., high, low] = ip.segments();
            format!("::ffff:{high:x}:{low:x}")
        }
        ip => ip.to_string(),
    }
}
