//! Functions of `network` about this host: interfaces, addresses, routes, neighbours, sockets.

use crate::glob::fnmatch;
use crate::linux::interfaces::{self as links, Family, Interface};
use crate::linux::names::Hosts;
use crate::linux::{Root, neighbours, routes as routing, sockets};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::subnet::{Subnet, is_private};
use halite_wire::{Map, Value};
use std::net::{IpAddr, SocketAddr};

pub fn interfaces(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(Value::Map(
        links::read().iter().map(|interface| (interface.name.clone(), interface.to_value())).collect(),
    ))
}

/// `pick` of the interface the call names; a sentence with all names where there is none, as a value like Salt's.
fn of_interface(args: &Bound, pick: fn(&Interface) -> Value) -> Result<Value, CallError> {
    let (name, all) = (args.str("iface")?, links::read());
    Ok(all.iter().find(|interface| interface.name == name).map(pick).unwrap_or_else(|| {
        let names: Vec<_> = all.iter().map(|interface| interface.name.as_str()).collect();
        format!("There is no interface \"{name}\" among \"{}\"", names.join("\", \"")).into()
    }))
}

pub fn hw_addr(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    of_interface(args, |interface| interface.hwaddr.clone().unwrap_or_default().into())
}

pub fn interface(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    of_interface(args, |interface| interface.to_value().get("inet").cloned().unwrap_or_else(|| "".into()))
}

pub fn interface_ip(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    of_interface(args, |interface| {
        let first = interface.addresses.iter().find(|address| address.ip.is_ipv4() && !address.is_secondary);
        first.map_or_else(String::new, |address| address.ip.to_string()).into()
    })
}

/// The interfaces whose names fit one of the globs in the argument `interface`; all where it is null.
fn selected(args: &Bound) -> Result<Vec<Interface>, CallError> {
    let globs = args.texts("interface")?;
    let fits = |name: &str| globs.iter().any(|glob| fnmatch(name.as_bytes(), glob.as_bytes()));
    let all = links::read().into_iter();
    Ok(all.filter(|interface| args.get("interface").is_null() || fits(&interface.name)).collect())
}

fn addresses(args: &Bound, family: Family) -> Result<Vec<IpAddr>, CallError> {
    let all = links::addresses(&selected(args)?, family, args.bool("include_loopback"));
    Ok(match args.opt_str("cidr")?.filter(|cidr| !cidr.is_empty()) {
        None => all,
        Some(cidr) => {
            let subnet = Subnet::parse_exact(&cidr).ok();
            all.into_iter().filter(|ip| subnet.is_some_and(|subnet| subnet.contains(*ip))).collect()
        }
    })
}

fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Value {
    items.into_iter().map(|item| item.to_string()).collect()
}

pub fn ip_addrs(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let all = addresses(args, Family::Inet)?;
    let wanted = if args.get("cidr").is_truthy() { None } else { args.opt_str("type")? };
    Ok(match wanted.as_deref() {
        Some("public") => texts(all.into_iter().filter(|ip| !is_private(*ip))),
        Some("private") => texts(all.into_iter().filter(|ip| is_private(*ip))),
        _ => texts(all),
    })
}

pub fn ip_addrs6(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    addresses(args, Family::Inet6).map(texts)
}

pub fn in_subnet(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Ok(subnet) = Subnet::parse_exact(&args.str("cidr")?) else { return Ok(false.into()) };
    let all = links::read();
    let families = [Family::Inet, Family::Inet6].into_iter();
    Ok(families.flat_map(|family| links::addresses(&all, family, false)).any(|ip| subnet.contains(ip)).into())
}

pub fn subnets(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let names = args.texts("interfaces")?;
    let mut all = links::read();
    all.retain(|interface| args.get("interfaces").is_null() || names.contains(&interface.name));
    Ok(texts(links::subnets(&all, Family::Inet, false)))
}

pub fn subnets6(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(texts(links::subnets(&links::read(), Family::Inet6, false)))
}

pub fn ip_networks(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    networks(args, Family::Inet)
}

pub fn ip_networks6(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    networks(args, Family::Inet6)
}

fn networks(args: &Bound, family: Family) -> Result<Value, CallError> {
    let found = links::subnets(&selected(args)?, family, args.bool("include_loopback"));
    if !args.bool("verbose") {
        return Ok(texts(found));
    }
    let describe = |subnet: Subnet| {
        let size = subnet
            .size()
            .map_or_else(|| Value::BigInt("340282366920938463463374607431768211456".into()), Value::from);
        let described = Map::from([
            ("address", Value::from(subnet.address().to_string())),
            ("netmask", subnet.netmask().to_string().into()),
            ("num_addresses", size),
            ("prefixlen", subnet.prefix().into()),
        ]);
        (subnet.to_string(), described)
    };
    Ok(Value::Map(found.into_iter().map(describe).collect()))
}

pub fn ifacestartswith(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let prefix = args.str("cidr")?;
    let all = links::read();
    let addresses =
        all.iter().flat_map(|interface| &interface.addresses).filter(|a| a.ip.is_ipv4() && !a.is_secondary);
    Ok(addresses.filter(|a| a.ip.to_string().starts_with(&prefix)).map(|a| a.label.clone()).collect())
}

fn family(args: &Bound) -> Result<Option<Family>, CallError> {
    match args.opt_str("family")?.as_deref() {
        None => Ok(None),
        Some("inet") => Ok(Some(Family::Inet)),
        Some("inet6") => Ok(Some(Family::Inet6)),
        Some(other) => {
            Err(CallError::failed(format!("no address family is called '{other}': there are inet and inet6")))
        }
    }
}

fn wanted_routes(args: &Bound) -> Result<Vec<routing::Route>, CallError> {
    let family = family(args)?;
    let mut all = routing::read(&Root::default());
    all.retain(|route| family.is_none_or(|family| Family::of(route.gateway) == family));
    Ok(all)
}

pub fn routes(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(wanted_routes(args)?.iter().map(routing::Route::to_value).collect())
}

pub fn default_route(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let all = wanted_routes(args)?;
    let defaults = all.iter().filter(|route| {
        let is_v4 = route.gateway.is_ipv4();
        route.destination.address().is_unspecified() && (is_v4 || route.destination.prefix() == 0)
    });
    Ok(defaults.map(routing::Route::to_value).collect())
}

pub fn get_route(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let text = args.str("ip")?;
    let ip: IpAddr = text.parse().map_err(|_| args.wrong(format!("'{text}' is not an IP address")))?;
    let way = routing::way_to(ip)
        .map_err(|error| CallError::failed(format!("there is no route to {ip}: {error}")))?;
    Ok(Value::Map(Map::from([
        ("destination", Value::from(text)),
        ("gateway", way.gateway.map(|gateway| gateway.to_string()).into()),
        ("interface", way.interface.into()),
        ("source", way.source.map(|source| source.to_string()).into()),
    ])))
}

pub fn arp(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(Value::Map(neighbours::arp(&Root::default()).into_iter().collect()))
}

pub fn ip_neighs(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(neighbours_of(Family::Inet))
}

pub fn ip_neighs6(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(neighbours_of(Family::Inet6))
}

fn neighbours_of(family: Family) -> Value {
    let all = neighbours::read().into_iter().filter(|(_, ip)| Family::of(*ip) == family);
    Value::Map(all.map(|(hwaddr, ip)| (hwaddr, ip.to_string())).collect())
}

pub fn fqdns(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(Value::Map(crate::grains::reverse_names(&links::read(), &Hosts::read(&Root::default()))))
}

/// Numbered from 0. An IPv4 address inside IPv6 is shown as IPv4.
pub fn active_tcp(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let all = sockets::read(&Root::default()).into_iter();
    let active = all.filter(|socket| socket.protocol.starts_with("tcp") && socket.state == "ESTABLISHED");
    let ends = active.map(|socket| {
        Map::from([
            ("local_addr", Value::from(socket.local.ip().to_canonical().to_string())),
            ("local_port", socket.local.port().into()),
            ("remote_addr", socket.remote.ip().to_canonical().to_string().into()),
            ("remote_port", socket.remote.port().into()),
        ])
    });
    Ok(Value::Map(ends.enumerate().collect()))
}

pub fn netstat(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let root = Root::default();
    let owners = sockets::owners(&root);
    let row = |socket: sockets::Socket| {
        let mut row = Map::from([
            ("proto", socket.protocol.to_owned()),
            ("recv-q", socket.receive_queue.to_string()),
            ("send-q", socket.send_queue.to_string()),
            ("local-address", end(socket.local)),
            ("remote-address", end(socket.remote)),
        ]);
        if socket.protocol.starts_with("tcp") {
            row.insert("state", socket.state);
        }
        row.insert("user", socket.uid.to_string());
        row.insert("inode", socket.inode.to_string());
        row.insert("program", owners.get(&socket.inode).map_or("-", String::as_str));
        Value::Map(row)
    };
    Ok(sockets::read(&root).into_iter().map(row).collect())
}

/// `address:port` without brackets, and a star for any port.
fn end(address: SocketAddr) -> String {
    let port = if address.port() == 0 { "*".to_owned() } else { address.port().to_string() };
    format!("{}:{port}", address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn ok(fun: &str, args: Args) -> Value {
        alone(|ctx| call(ctx, fun, args)).unwrap()
    }

    #[test]
    fn the_loopback_interface_is_described() {
        let all = ok("network.interfaces", Args::default());
        assert_eq!(all.get("lo").unwrap().get("up"), Some(&true.into()));
        assert_eq!(ok("network.interface_ip", Args::of(["lo"])), "127.0.0.1".into());
        assert_eq!(ok("network.hw_addr", Args::of(["lo"])), "00:00:00:00:00:00".into());
        assert!(ok("network.hw_addr", Args::of(["nope"])).as_str().unwrap().contains("\"lo\""));
    }

    #[test]
    fn addresses_are_chosen_by_interface_and_network() {
        let lo = Args::default().with("interface", "l?").with("include_loopback", true);
        assert_eq!(ok("network.ip_addrs", lo.clone()), Value::from(vec!["127.0.0.1"]));
        assert_eq!(ok("network.ip_addrs", lo.clone().with("cidr", "10.0.0.0/8")), Value::List(Vec::new()));
        assert_eq!(ok("network.ip_networks", lo), Value::from(vec!["127.0.0.0/8"]));
        assert_eq!(ok("network.ifacestartswith", Args::of(["127."])), Value::from(vec!["lo"]));
    }

    #[test]
    fn a_connection_of_ours_is_active_and_listed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let port = Value::from(client.local_addr().unwrap().port());
        let active = ok("network.active_tcp", Args::default());
        assert!(active.as_map().unwrap().values().any(|end| end.get("local_port") == Some(&port)));
        let address = Value::from(format!("127.0.0.1:{}", listener.local_addr().unwrap().port()));
        let rows = ok("network.netstat", Args::default());
        let mut rows = rows.as_list().unwrap().iter();
        let row = rows
            .find(|r| r.get("local-address") == Some(&address) && r.get("state") == Some(&"LISTEN".into()))
            .unwrap();
        let program = row.get("program").and_then(Value::as_str).unwrap();
        assert!(program.starts_with(&std::process::id().to_string()), "{program}");
    }

    #[test]
    fn unknown_families_are_refused() {
        let error = alone(|ctx| call(ctx, "network.routes", Args::of(["ipx"]))).unwrap_err();
        assert!(error.to_string().contains("inet and inet6"), "{error}");
    }
}
