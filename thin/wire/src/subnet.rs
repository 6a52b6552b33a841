//! Arithmetic on addresses and networks, with the meaning of Python's `ipaddress`, which Salt's functions show.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

/// A network: an address whose host bits are zero, and how many bits are the network's.
///
/// Ordered by address, then prefix, version 4 before version 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    #[error("'{0}' is not an IP address or network")]
    Form(String),
    #[error("'{0}' has host bits set; the network is {1}")]
    HostBits(String, Subnet),
}

impl Subnet {
    /// The network that `address` is in. A prefix too large is taken as the largest.
    pub fn around(address: IpAddr, prefix: u8) -> Subnet {
        let prefix = prefix.min(bits_of(address));
        Subnet { address: from_bits(bits(address) & mask(address, prefix), address), prefix }
    }

    /// Reads `address`, `address/prefix` or `address/netmask`; host bits are dropped.
    ///
    /// # Errors
    /// [`SubnetError::Form`].
    pub fn parse_within(text: &str) -> Result<Subnet, SubnetError> {
        let (address, prefix) = parse_whole(text)?;
        Ok(Subnet::around(address, prefix))
    }

    /// As [`Subnet::parse_within`], where host bits must be zero.
    ///
    /// # Errors
    /// [`SubnetError`].
    pub fn parse_exact(text: &str) -> Result<Subnet, SubnetError> {
        let (address, prefix) = parse_whole(text)?;
        let subnet = Subnet::around(address, prefix);
        if subnet.address == address {
            Ok(subnet)
        } else {
            Err(SubnetError::HostBits(text.to_owned(), subnet))
        }
    }

    /// The first address of the network.
    pub fn address(self) -> IpAddr {
        self.address
    }

    pub fn prefix(self) -> u8 {
        self.prefix
    }

    pub fn netmask(self) -> IpAddr {
        from_bits(mask(self.address, self.prefix), self.address)
    }

    /// The last address of the network.
    pub fn broadcast(self) -> IpAddr {
        from_bits(bits(self.address) | self.host_mask(), self.address)
    }

    /// How many addresses the network has; `None` for the whole of IPv6, whose number (2^128) has no place in `u128`.
    pub fn size(self) -> Option<u128> {
        self.host_mask().checked_add(1)
    }

    /// Whether `address` is one of the network's. Addresses of the other version never are.
    pub fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && Subnet::around(address, self.prefix) == self
    }

    /// The addresses hosts may have: without the network's own, and the broadcast address of IPv4.
    pub fn hosts(self) -> impl Iterator<Item = IpAddr> {
        let (first, last) = (bits(self.address), bits(self.broadcast()));
        let is_small = self.prefix + 2 > bits_of(self.address);
        let from = if is_small { first } else { first + 1 };
        let to = if self.address.is_ipv4() && !is_small { last - 1 } else { last };
        (from..=to).map(move |ip| from_bits(ip, self.address))
    }

    pub fn is_loopback(self) -> bool {
        self.address.is_loopback() && self.broadcast().is_loopback()
    }

    fn host_mask(self) -> u128 {
        !mask(self.address, self.prefix) & full_mask(self.address)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.prefix)
    }
}

/// Whether IANA's registries say the address is not for the whole internet.
pub fn is_private(address: IpAddr) -> bool {
    PRIVATE.iter().filter_map(|text| Subnet::parse_within(text).ok()).any(|subnet| subnet.contains(address))
}

const PRIVATE: &[&str] = &[
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
    "255.255.255.255/32",
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

/// The name whose PTR record belongs to the address.
pub fn reverse_pointer(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let nibbles: Vec<String> =
                format!("{:032x}", u128::from(v6)).chars().rev().map(String::from).collect();
            format!("{}.ip6.arpa", nibbles.join("."))
        }
    }
}

/// Reads `address`, `address/prefix` or `address/netmask`, where a netmask is `255.255.255.0` or the host mask
/// `0.0.0.255`. `None` where it is something else, or where the address has no so long a prefix.
pub fn parse(text: &str) -> Option<(IpAddr, Option<u8>)> {
    let Some((address, mask)) = text.split_once('/') else { return Some((text.parse().ok()?, None)) };
    let address: IpAddr = address.parse().ok()?;
    let is_number = !mask.is_empty() && mask.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = match address {
        _ if is_number => mask.parse().ok().filter(|prefix| *prefix <= bits_of(address))?,
        IpAddr::V4(_) => prefix_of_mask(mask.parse().ok()?)?,
        IpAddr::V6(_) => return None,
    };
    Some((address, Some(prefix)))
}

/// Any address with its prefix, by default the longest.
fn parse_whole(text: &str) -> Result<(IpAddr, u8), SubnetError> {
    let (address, prefix) = parse(text.trim()).ok_or_else(|| SubnetError::Form(text.to_owned()))?;
    Ok((address, prefix.unwrap_or(bits_of(address))))
}

fn prefix_of_mask(mask: Ipv4Addr) -> Option<u8> {
    let mask = u32::from(mask);
    let ones = if mask.leading_ones() > 0 || mask == 0 { mask } else { !mask };
    let prefix = ones.leading_ones();
    (ones.count_ones() == prefix).then(|| u8::try_from(prefix).ok()).flatten()
}

/// Bits of an address of this version: the longest prefix.
pub fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => v6.into(),
    }
}

fn from_bits(bits: u128, like: IpAddr) -> IpAddr {
    match (like, u32::try_from(bits)) {
        (IpAddr::V4(_), Ok(bits)) => IpAddr::V4(bits.into()),
        _ => IpAddr::V6(Ipv6Addr::from(bits)),
    }
}

fn full_mask(like: IpAddr) -> u128 {
    if like.is_ipv4() { u128::from(u32::MAX) } else { u128::MAX }
}

fn mask(like: IpAddr, prefix: u8) -> u128 {
    let host_bits = u32::from(bits_of(like) - prefix);
    full_mask(like) & u128::MAX.checked_shl(host_bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(text: &str) -> String {
        Subnet::parse_within(text).map_or_else(|error| error.to_string(), |subnet| subnet.to_string())
    }

    #[test]
    fn networks_are_read_in_all_their_forms() {
        assert_eq!(within("172.17.0.5/255.255.255.240"), "172.17.0.0/28");
        assert_eq!(within("10.1.2.3/0.0.0.255"), "10.1.2.0/24");
        assert_eq!(within("10.1.2.3"), "10.1.2.3/32");
        assert_eq!(within("10.1.2.3/0"), "0.0.0.0/0");
        assert_eq!(within("2a02:f6e:a000:80:84d8:8332:7866:4e07/64"), "2a02:f6e:a000:80::/64");
        assert_eq!(within("10.1.2.3/33"), "'10.1.2.3/33' is not an IP address or network");
        assert_eq!(within("10.1.2.3/255.0.255.0"), "'10.1.2.3/255.0.255.0' is not an IP address or network");
    }

    #[test]
    fn hosts_have_neither_the_first_nor_the_last_address_of_ipv4() {
        let hosts = |text: &str| {
            let subnet = Subnet::parse_exact(text).unwrap();
            subnet.hosts().map(|ip| ip.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(hosts("10.0.0.0/30"), "10.0.0.1 10.0.0.2");
        assert_eq!(hosts("10.0.0.0/31"), "10.0.0.0 10.0.0.1");
        assert_eq!(hosts("10.0.0.9/32"), "10.0.0.9");
        assert_eq!(hosts("255.255.255.252/30"), "255.255.255.253 255.255.255.254");
        assert_eq!(hosts("fe80::/126"), "fe80::1 fe80::2 fe80::3");
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for text in ["10.0.0.0/+8", "10.0.0.0/", "fe80::/255.0.0.0", "fe80::/129", "10.0.0.0/8/8", "a/8"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn host_bits_are_refused_where_they_must_be_zero() {
        let error = Subnet::parse_exact("10.0.0.1/8").unwrap_err();
        assert_eq!(error.to_string(), "'10.0.0.1/8' has host bits set; the network is 10.0.0.0/8");
    }

    #[test]
    fn a_network_knows_its_ends() {
        let subnet = Subnet::parse_exact("172.31.0.0/16").unwrap();
        assert_eq!(subnet.netmask().to_string(), "255.255.0.0");
        assert_eq!(subnet.broadcast().to_string(), "172.31.255.255");
        assert_eq!(subnet.size(), Some(65536));
        assert!(subnet.contains("172.31.9.9".parse().unwrap()));
        assert!(!subnet.contains("::1".parse().unwrap()));
        assert_eq!(Subnet::parse_exact("::/0").unwrap().size(), None);
    }

    #[test]
    fn private_means_not_for_the_whole_internet() {
        let private = |text: &str| is_private(text.parse().unwrap());
        assert!(["10.0.0.1", "192.168.1.1", "127.0.0.1", "fe80::1", "fd00::1"].into_iter().all(private));
        assert!(!["8.8.8.8", "2a00:1450::1", "172.32.0.1"].into_iter().any(private));
    }

    #[test]
    fn reverse_names_turn_the_address_around() {
        assert_eq!(reverse_pointer("127.0.0.1".parse().unwrap()), "1.0.0.127.in-addr.arpa");
        assert!(reverse_pointer("2001:db8::1".parse().unwrap()).starts_with("1.0.0.0."));
    }
}
