//! Routes, from `/proc/net/route` and `/proc/net/ipv6_route`, in the form `netstat -rn` gives them.

use super::interfaces::Family;
use super::netlink::{self, attributes, u32_at};
use super::{Root, interfaces};
use halite_wire::subnet::Subnet;
use halite_wire::{Map, Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub destination: Subnet,
    /// `0.0.0.0` or `::` where the network is directly connected.
    pub gateway: IpAddr,
    pub interface: String,
    /// Letters: `U` up, `!` refused, `G` gateway, `H` host ...
    pub flags: String,
    pub metric: u32,
}

/// Routes of version 4, then 6, in the kernel's order.
pub fn read(root: &Root) -> Vec<Route> {
    let v4 = root.text("/proc/net/route").unwrap_or_default();
    let v6 = root.text("/proc/net/ipv6_route").unwrap_or_default();
    v4.lines().skip(1).filter_map(parse_v4).chain(v6.lines().filter_map(parse_v6)).collect()
}

/// The default route of one version with the least metric, refusing ones left out.
pub fn default_gateway(routes: &[Route], family: Family) -> Option<&Route> {
    let defaults = routes.iter().filter(|route| route.destination.prefix() == 0);
    defaults
        .filter(|r| Family::of(r.gateway) == family && !r.flags.contains('!'))
        .min_by_key(|route| route.metric)
}

impl Route {
    /// Salt's form: `{addr_family, destination, gateway, netmask, flags, interface}`. A refusing route of version 4 has
    /// dashes for gateway and interface.
    pub fn to_value(&self) -> Value {
        let leads_nowhere = self.gateway.is_ipv4() && self.flags.starts_with('!');
        let or_dash = |text: String| if leads_nowhere { "-".to_owned() } else { text };
        let (destination, netmask) = if self.gateway.is_ipv4() {
            (self.destination.address().to_string(), self.destination.netmask().to_string())
        } else {
            (self.destination.to_string(), String::new())
        };
        Value::Map(Map::from([
            ("addr_family", Family::of(self.gateway).name().to_owned()),
            ("destination", destination),
            ("gateway", or_dash(self.gateway.to_string())),
            ("netmask", netmask),
            ("flags", self.flags.clone()),
            ("interface", or_dash(self.interface.clone())),
        ]))
    }
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask ...`, addresses in hexadecimal, byte order of the machine.
fn parse_v4(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let address = |at: usize| hex(fields.get(at)?).map(|raw| Ipv4Addr::from(raw.to_ne_bytes()));
    let mask = u32::from(address(7)?);
    Some(Route {
        destination: Subnet::around(address(1)?.into(), u8::try_from(mask.leading_ones()).ok()?),
        gateway: address(2)?.into(),
        interface: (*fields.first()?).to_owned(),
        flags: letters(hex(fields.get(3)?)?, FLAGS_V4),
        metric: fields.get(6)?.parse().ok()?,
    })
}

/// `destination prefix source prefix gateway metric references use flags interface`, all but the last hexadecimal.
fn parse_v6(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let address = |at: usize| u128::from_str_radix(fields.get(at)?, 16).ok().map(Ipv6Addr::from);
    Some(Route {
        destination: Subnet::around(address(0)?.into(), u8::try_from(hex(fields.get(1)?)?).ok()?),
        gateway: address(4)?.into(),
        interface: (*fields.get(9)?).to_owned(),
        flags: letters(hex(fields.get(8)?)?, FLAGS_V6),
        metric: hex(fields.get(5)?)?,
    })
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok()
}

const REFUSED: u32 = 0x200;
const FLAGS_V4: &[(u32, char)] = &[(0x2, 'G'), (0x4, 'H'), (0x8, 'R'), (0x10, 'D'), (0x20, 'M')];
const FLAGS_V6: &[(u32, char)] = &[
    (0x2, 'G'),
    (0x4, 'H'),
    (0x1_0000, 'D'),
    (0x4_0000, 'A'),
    (0x100_0000, 'C'),
    (0x2_0000, 'a'),
    (0x40_0000, 'e'),
    (0x20, 'm'),
    (0x20_0000, 'n'),
    (0x200_0000, 'f'),
];

fn letters(flags: u32, table: &[(u32, char)]) -> String {
    let first = if flags & REFUSED == 0 { 'U' } else { '!' };
    std::iter::once(first).chain(table.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, c)| *c)).collect()
}

/// How a packet to an address would leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    pub gateway: Option<IpAddr>,
    pub interface: Option<String>,
    pub source: Option<IpAddr>,
}

/// Asks the kernel which way it would send to `target`.
///
/// # Errors
/// What the kernel says: the network is unreachable, the route is forbidden.
pub fn way_to(target: IpAddr) -> std::io::Result<Way> {
    const DESTINATION: u16 = 1;
    let (family, octets) = match target {
        IpAddr::V4(v4) => (2, v4.octets().to_vec()),
        IpAddr::V6(v6) => (10, v6.octets().to_vec()),
    };
    let bits = u8::try_from(octets.len() * 8).unwrap_or(128);
    let mut body = vec![family, bits, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    body.extend(netlink::attribute(DESTINATION, &octets));
    let answer = netlink::get(netlink::GET_ROUTE, &body)?;
    let mut way = Way::default();
    for (kind, data) in attributes(answer.get(12..).unwrap_or_default()) {
        match kind {
            4 => {
                let index = u32_at(data, 0);
                way.interface =
                    interfaces::read().into_iter().find(|i| Some(i.index) == index).map(|i| i.name);
            }
            5 => way.gateway = interfaces::ip(data),
            7 => way.source = interfaces::ip(data),
            _ => {}
        }
    }
    Ok(way)
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    const V4: &str = "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0";
    const V6: &str = "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 \
                      00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0";
    const LO: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                      00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo";

    #[test]
    fn a_default_route_of_version_4_has_its_gateway() {
        let route = parse_v4(V4).unwrap();
        assert_eq!(
            (route.gateway.to_string().as_str(), route.flags.as_str(), route.metric),
            ("192.0.2.1", "UG", 100)
        );
        assert_eq!(route.destination.to_string(), "0.0.0.0/0");
    }

    #[test]
    fn a_refusing_route_of_version_4_leads_nowhere() {
        let route = parse_v4("*\t0100500A\t00000000\t0205\t0\t0\t0\tFFFFFFFF\t0\t0\t0").unwrap().to_value();
        let text = |key: &str| route.get(key).and_then(Value::as_str).unwrap().to_owned();
        assert_eq!((text("destination"), text("flags")), ("10.80.0.1".to_owned(), "!H".to_owned()));
        assert_eq!((text("gateway"), text("interface")), ("-".to_owned(), "-".to_owned()));
    }

    #[test]
    fn routes_of_version_6_have_their_flags() {
        assert_eq!(parse_v6(V6).unwrap().to_value().get("destination").unwrap().as_str(), Some("fd00::/64"));
        assert_eq!(parse_v6(LO).unwrap().flags, "!n");
    }

    #[test]
    fn a_refusing_default_route_is_no_gateway() {
        let routes = [parse_v6(LO).unwrap(), parse_v4(V4).unwrap()];
        assert_eq!(default_gateway(&routes, Family::Inet6), None);
        assert_eq!(default_gateway(&routes, Family::Inet), Some(&routes[1]));
    }

    #[test]
    fn the_way_to_oneself_is_the_loopback_interface() {
        let way = way_to("127.0.0.1".parse().unwrap()).unwrap();
        assert_eq!(way.interface.as_deref(), Some("lo"));
        assert_eq!(way.gateway, None);
    }
}
