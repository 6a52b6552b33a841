//! Names and addresses of the host. Name servers are never asked: a grain must not wait for a network.

use crate::linux::interfaces::{self, Family, Interface};
use crate::linux::names::{self, Hosts};
use crate::linux::{Root, routes};
use halite_wire::{Map, Value};
use std::net::IpAddr;

/// All grains of this group.
pub fn gather(root: &Root) -> Map {
    let hosts = Hosts::read(root);
    let interfaces = interfaces::read();
    let mut grains = host_names(&names::hostname(), &hosts);
    let full_name = grains.get_str("fqdn").unwrap_or_default().to_owned();
    grains.extend(gateways(root));
    grains.extend(names::resolver(root).map(|dns| ("dns", dns)));
    grains.extend(reverse_names(&interfaces, &hosts));
    let own = hosts.addresses(&full_name);
    for (family, digit) in [(Family::Inet, 4), (Family::Inet6, 6)] {
        let of_host = interfaces::addresses(&interfaces, family, true);
        let named = own.iter().filter(|ip| Family::of(**ip) == family && !of_host.is_empty());
        grains.insert(format!("fqdn_ip{digit}"), named.map(IpAddr::to_string).collect::<Value>());
        grains.insert(format!("ipv{digit}"), of_host.iter().map(IpAddr::to_string).collect::<Value>());
        grains.insert(format!("ip{digit}_interfaces"), by_interface(&interfaces, Some(family)));
    }
    grains.insert("ip_interfaces", by_interface(&interfaces, None));
    let hardware = interfaces.iter().filter_map(|i| Some((i.name.clone(), i.hwaddr.clone()?)));
    grains.insert("hwaddr_interfaces", hardware.collect::<Map>());
    grains
}

/// `{localhost, fqdn, host, domain}`.
fn host_names(hostname: &str, hosts: &Hosts) -> Map {
    let full_name = names::full_name(hostname, hosts);
    let (host, domain) = full_name.split_once('.').unwrap_or((&full_name, ""));
    Map::from([("localhost", hostname), ("fqdn", &full_name), ("host", host), ("domain", domain)])
}

/// `{ip_gw, ip4_gw, ip6_gw}`: the address, true for a default route without one, or false.
fn gateways(root: &Root) -> Map {
    let routes = routes::read(root);
    let gateway = |family| match routes::default_gateway(&routes, family) {
        None => Value::Bool(false),
        Some(route) if route.gateway.is_unspecified() => Value::Bool(true),
        Some(route) => Value::from(route.gateway.to_string()),
    };
    let (v4, v6) = (gateway(Family::Inet), gateway(Family::Inet6));
    Map::from([("ip_gw", Value::Bool(v4.is_truthy() || v6.is_truthy())), ("ip4_gw", v4), ("ip6_gw", v6)])
}

/// `{fqdns}`: the names `/etc/hosts` has for addresses of the interfaces, loopback left out.
pub fn reverse_names(interfaces: &[Interface], hosts: &Hosts) -> Map {
    let families = [Family::Inet, Family::Inet6];
    let addresses = families.into_iter().flat_map(|family| interfaces::addresses(interfaces, family, false));
    let mut names: Vec<String> = addresses.filter_map(|ip| hosts.name_of(ip)).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    Map::from([("fqdns", names)])
}

/// `{interface: [address]}`: version 4 first, further addresses of the same network last.
fn by_interface(interfaces: &[Interface], family: Option<Family>) -> Map {
    let order = |interface: &Interface| -> Value {
        let mut wanted: Vec<_> = interface
            .addresses
            .iter()
            .filter(|a| family.is_none_or(|family| Family::of(a.ip) == family))
            .collect();
        wanted.sort_by_key(|address| (address.is_secondary, address.ip.is_ipv6()));
        wanted.into_iter().map(|address| address.ip.to_string()).collect()
    };
    interfaces.iter().map(|interface| (interface.name.clone(), order(interface))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_hosts_file() {
        let hosts = Hosts::parse("127.0.1.1 web1.example.org web1\n");
        let grains = host_names("web1", &hosts);
        assert_eq!(grains.get_str("fqdn"), Some("web1.example.org"));
        assert_eq!((grains.get_str("host"), grains.get_str("domain")), (Some("web1"), Some("example.org")));
        assert_eq!(host_names("db1", &hosts).get_str("domain"), Some(""));
    }
}
