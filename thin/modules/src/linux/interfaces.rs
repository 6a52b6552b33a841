//! Network interfaces with their addresses, and what Salt's functions select from them.

use super::netlink::{self, attributes, u32_at};
use halite_wire::subnet::Subnet;
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One interface, in the kernel's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    pub index: u32,
    pub name: String,
    pub is_up: bool,
    /// Hardware address as text; `None` for links without one.
    pub hwaddr: Option<String>,
    /// What stands after `@` in `ip link`: the interface this one rides on.
    pub parent: Option<String>,
    pub addresses: Vec<Address>,
}

/// One address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub ip: IpAddr,
    pub prefix: u8,
    pub broadcast: Option<Ipv4Addr>,
    /// The alias (`eth0:1`), or the interface's name.
    pub label: String,
    pub scope: String,
    /// A further address of a network the interface already has one of. IPv4 only.
    pub is_secondary: bool,
}

/// Version 4 or 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Inet,
    Inet6,
}

impl Family {
    pub fn of(ip: IpAddr) -> Family {
        if ip.is_ipv4() { Family::Inet } else { Family::Inet6 }
    }

    pub fn name(self) -> &'static str {
        match self {
            Family::Inet => "inet",
            Family::Inet6 => "inet6",
        }
    }
}

/// All interfaces of the network namespace; none where the kernel does not answer.
pub fn read() -> Vec<Interface> {
    let links = netlink::dump(netlink::GET_LINK, &[0; 16]).unwrap_or_default();
    let mut interfaces: Vec<Interface> = links.iter().filter_map(|link| parse_link(link)).collect();
    let names: Vec<(u32, String)> = interfaces.iter().map(|i| (i.index, i.name.clone())).collect();
    for interface in &mut interfaces {
        interface.parent = interface.parent.take().map(|parent| parent_name(&parent, &names));
    }
    for body in netlink::dump(netlink::GET_ADDRESS, &[0; 8]).unwrap_or_default() {
        let Some((index, mut address)) = parse_address(&body) else { continue };
        if let Some(interface) = interfaces.iter_mut().find(|interface| interface.index == index) {
            if address.label.is_empty() {
                address.label.clone_from(&interface.name);
            }
            interface.addresses.push(address);
        }
    }
    interfaces
}

/// `if4` is number 4 of another network namespace; 0 is nothing, as for tunnels to anywhere.
fn parent_name(index: &str, names: &[(u32, String)]) -> String {
    let named = names.iter().find(|(i, _)| i.to_string() == index);
    match named {
        Some((_, name)) => name.clone(),
        None if index == "0" => "NONE".to_owned(),
        None if index.starts_with("if") => index.to_owned(),
        None => format!("if{index}"),
    }
}

/// `struct ifinfomsg` (16 bytes) and attributes. The parent is still a number.
fn parse_link(body: &[u8]) -> Option<Interface> {
    let device_kind = netlink::u16_at(body, 2)?;
    let flags = u32_at(body, 8)?;
    let mut interface = Interface { index: u32_at(body, 4)?, is_up: flags & 1 == 1, ..Interface::default() };
    for (kind, data) in attributes(body.get(16..)?) {
        match kind {
            1 => interface.hwaddr = hardware_address(device_kind, data),
            3 => interface.name = text(data),
            5 => interface.parent = u32_at(data, 0).map(|index| index.to_string()),
            37 => interface.parent = interface.parent.map(|index| format!("if{index}")),
            _ => {}
        }
    }
    Some(interface)
}

/// `struct ifaddrmsg` (8 bytes) and attributes.
fn parse_address(body: &[u8]) -> Option<(u32, Address)> {
    let (prefix, flags, scope) = (*body.get(1)?, *body.get(2)?, *body.get(3)?);
    let (mut peer, mut local, mut broadcast, mut label) = (None, None, None, String::new());
    for (kind, data) in attributes(body.get(8..)?) {
        match kind {
            1 => peer = ip(data),
            2 => local = ip(data),
            3 => label = text(data),
            4 => broadcast = ip(data),
            _ => {}
        }
    }
    let ip = local.or(peer)?;
    let is_point_to_point = local.is_some() && peer.is_some() && local != peer;
    let address = Address {
        ip,
        prefix: if is_point_to_point { if ip.is_ipv4() { 32 } else { 128 } } else { prefix },
        broadcast: broadcast.and_then(|b| if let IpAddr::V4(v4) = b { Some(v4) } else { None }),
        label,
        scope: scope_name(scope),
        is_secondary: ip.is_ipv4() && flags & 1 == 1,
    };
    Some((u32_at(body, 4)?, address))
}

fn scope_name(scope: u8) -> String {
    match scope {
        0 => "global".to_owned(),
        200 => "site".to_owned(),
        253 => "link".to_owned(),
        254 => "host".to_owned(),
        255 => "nowhere".to_owned(),
        other => other.to_string(),
    }
}

/// Tunnels over IPv4 have an address as hardware address; links of kind "none" have nothing.
fn hardware_address(device_kind: u16, data: &[u8]) -> Option<String> {
    const TUNNELS: [u16; 3] = [768, 776, 778];
    if data.is_empty() {
        return None;
    }
    if TUNNELS.contains(&device_kind) {
        return ip(data).map(|address| address.to_string());
    }
    Some(colons(data))
}

/// Bytes as `02:fc:00`.
pub fn colons(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// An address of 4 or 16 bytes in network order.
pub fn ip(data: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(data).ok().map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
    let v6 = || <[u8; 16]>::try_from(data).ok().map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
    v4().or_else(v6)
}

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data.strip_suffix(b"\0").unwrap_or(data)).into_owned()
}

impl Interface {
    /// Salt's form: `{up, parent?, hwaddr?, inet?: [..], inet6?: [..], secondary?: [..]}`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::from([("up", self.is_up)]);
        let texts = [("parent", &self.parent), ("hwaddr", &self.hwaddr)];
        map.extend(texts.into_iter().filter_map(|(key, text)| Some((key, text.clone()?))));
        for address in &self.addresses {
            let key = if address.is_secondary { "secondary" } else { Family::of(address.ip).name() };
            if let Value::List(list) = map.entry_or(key, || Value::List(Vec::new())) {
                list.push(address.to_value());
            }
        }
        Value::Map(map)
    }
}

impl Address {
    pub fn subnet(&self) -> Subnet {
        Subnet::around(self.ip, self.prefix)
    }

    /// Salt's form: `{address, netmask, broadcast, label}` or `{address, prefixlen, scope}`, with `type` first where
    /// it is secondary.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        if self.is_secondary {
            map.insert("type", Family::of(self.ip).name());
        }
        map.insert("address", self.ip.to_string());
        if self.ip.is_ipv4() {
            map.insert("netmask", self.subnet().netmask().to_string());
            map.insert("broadcast", self.broadcast.map(|broadcast| broadcast.to_string()));
            map.insert("label", self.label.as_str());
        } else {
            map.insert("prefixlen", self.prefix.to_string());
            map.insert("scope", self.scope.as_str());
        }
        Value::Map(map)
    }
}

/// The addresses of one version, sorted, each once.
pub fn addresses(interfaces: &[Interface], family: Family, with_loopback: bool) -> Vec<IpAddr> {
    let all = interfaces.iter().flat_map(|interface| &interface.addresses).map(|address| address.ip);
    let wanted = all.filter(|ip| Family::of(*ip) == family && (with_loopback || !ip.is_loopback()));
    wanted.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The networks of one version, sorted, each once.
pub fn subnets(interfaces: &[Interface], family: Family, with_loopback: bool) -> Vec<Subnet> {
    let all = interfaces.iter().flat_map(|interface| &interface.addresses);
    let wanted = all.filter(|address| Family::of(address.ip) == family).map(Address::subnet);
    wanted
        .filter(|subnet| with_loopback || !subnet.is_loopback())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink::attribute;

    fn address_message(flags: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        [vec![2, 24, flags, 0, 7, 0, 0, 0], attributes.concat()].concat()
    }

    #[test]
    fn an_address_message_has_label_and_broadcast() {
        let body = address_message(
            1,
            &[
                attribute(1, &[10, 0, 0, 5]),
                attribute(2, &[10, 0, 0, 5]),
                attribute(3, b"eth0:1\0"),
                attribute(4, &[10, 0, 0, 255]),
            ],
        );
        let (index, address) = parse_address(&body).unwrap();
        assert_eq!(index, 7);
        let expected = Map::from([
            ("type", Value::from("inet")),
            ("address", "10.0.0.5".into()),
            ("netmask", "255.255.255.0".into()),
            ("broadcast", "10.0.0.255".into()),
            ("label", "eth0:1".into()),
        ]);
        assert_eq!(address.to_value(), Value::Map(expected));
    }

    #[test]
    fn the_far_end_of_a_point_to_point_link_is_not_ours() {
        let body = address_message(0, &[attribute(1, &[10, 0, 0, 2]), attribute(2, &[10, 0, 0, 1])]);
        let (_, address) = parse_address(&body).unwrap();
        assert_eq!((address.ip.to_string().as_str(), address.prefix), ("10.0.0.1", 32));
    }

    #[test]
    fn parents_are_named_numbered_or_none() {
        let names = [(4, "eth0".to_owned())];
        assert_eq!(parent_name("4", &names), "eth0");
        assert_eq!(parent_name("0", &names), "NONE");
        assert_eq!(parent_name("9", &names), "if9");
        assert_eq!(parent_name("if4", &names), "if4");
    }

    #[test]
    fn this_machine_has_a_loopback_interface() {
        let interfaces = read();
        let lo = interfaces.iter().find(|interface| interface.name == "lo").unwrap();
        assert!(lo.is_up);
        assert_eq!(lo.hwaddr.as_deref(), Some("00:00:00:00:00:00"));
        assert!(addresses(&interfaces, Family::Inet, true).contains(&"127.0.0.1".parse().unwrap()));
        assert!(!addresses(&interfaces, Family::Inet, false).contains(&"127.0.0.1".parse().unwrap()));
    }
}
