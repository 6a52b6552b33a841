//! Functions of `network` that only calculate with their arguments.

use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::subnet::{self, Subnet};
use halite_wire::{Map, Value};
use std::net::{IpAddr, Ipv4Addr};

fn address(args: &Bound, name: &str) -> Result<IpAddr, CallError> {
    let text = args.str(name)?;
    text.parse().map_err(|_| args.wrong(format!("'{text}' is not an IP address")))
}

fn network(args: &Bound, text: &str) -> Result<Subnet, CallError> {
    Subnet::parse_within(text).map_err(|error| args.wrong(error.to_string()))
}

pub fn calc_net(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let text = args.str("ip_addr")?;
    let text = args.opt_str("netmask")?.map_or(text.clone(), |netmask| format!("{text}/{netmask}"));
    Ok(network(args, &text)?.to_string().into())
}

pub fn convert_cidr(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let subnet = network(args, &args.str("cidr")?)?;
    Ok(Value::Map(Map::from([
        ("network", subnet.address().to_string()),
        ("netmask", subnet.netmask().to_string()),
        ("broadcast", subnet.broadcast().to_string()),
    ])))
}

pub fn ip_in_subnet(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let ip = address(args, "ip_addr")?;
    Ok(Subnet::parse_exact(&args.str("cidr")?).is_ok_and(|subnet| subnet.contains(ip)).into())
}

pub fn is_loopback(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(address(args, "ip_addr")?.is_loopback().into())
}

pub fn is_private(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(subnet::is_private(address(args, "ip_addr")?).into())
}

pub fn reverse_ip(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(subnet::reverse_pointer(address(args, "ip_addr")?).into())
}

pub fn iphexval(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let text = args.str("ip")?;
    let ip: Ipv4Addr = text.parse().map_err(|_| args.wrong(format!("'{text}' is not an IPv4 address")))?;
    Ok(format!("{:08X}", u32::from(ip)).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn ok(fun: &str, args: impl IntoIterator<Item = &'static str>) -> Value {
        alone(|ctx| call(ctx, fun, Args::of(args))).unwrap()
    }

    #[test]
    fn calculations_are_those_of_salt() {
        assert_eq!(ok("network.calc_net", ["172.17.0.5", "255.255.255.240"]), "172.17.0.0/28".into());
        assert_eq!(
            ok("network.convert_cidr", ["172.31.0.7/16"]).get("broadcast"),
            Some(&"172.31.255.255".into())
        );
        assert_eq!(ok("network.ip_in_subnet", ["172.17.0.4", "172.16.0.0/12"]), true.into());
        assert_eq!(ok("network.ip_in_subnet", ["172.17.0.4", "172.16.0.1/12"]), false.into());
        assert_eq!(ok("network.iphexval", ["10.0.0.1"]), "0A000001".into());
        assert_eq!(ok("network.reverse_ip", ["172.17.0.4"]), "4.0.17.172.in-addr.arpa".into());
        assert_eq!(ok("network.is_private", ["10.0.0.3"]), true.into());
    }

    #[test]
    fn words_that_are_no_address_are_named() {
        let error = alone(|ctx| call(ctx, "network.is_loopback", Args::of(["localhost"]))).unwrap_err();
        assert_eq!(error.to_string(), "network.is_loopback: 'localhost' is not an IP address");
    }
}
