//! Filters on internet and hardware addresses.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::run::Interp;
use super::super::value::{Dict, Val, text};
use super::Filter;
use super::address::{Address, shown};
use crate::limits::RANGE_MAX;
use halite_wire::subnet::{Subnet, bits_of};
use std::rc::Rc;

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("filter_by_networks", filter_by_networks),
    ("ip_host", |interp, value, args| {
        each(interp, value, args, |_, found| Ok(Val::from(as_interface(found))))
    }),
    ("ipaddr", |_, value, mut args| ipaddr(&value, args.text("options")?.as_deref())),
    ("ipv4", |_, value, mut args| Ok(of_version(&value, 4, args.text("options")?.as_deref()))),
    ("ipv6", |_, value, mut args| Ok(of_version(&value, 6, args.text("options")?.as_deref()))),
    ("ipwrap", |_, value, _| ipwrap(value)),
    ("is_ip", |_, value, mut args| {
        let options = args.text("options")?;
        Ok(Val::Bool([4, 6].iter().any(|version| accepted(&value, *version, options.as_deref()).is_some())))
    }),
    ("is_ipv4", |_, value, mut args| {
        Ok(Val::Bool(accepted(&value, 4, args.text("options")?.as_deref()).is_some()))
    }),
    ("is_ipv6", |_, value, mut args| {
        Ok(Val::Bool(accepted(&value, 6, args.text("options")?.as_deref()).is_some()))
    }),
    ("mac_str_to_bytes", |_, value, _| mac_bytes(&text(&value))),
    ("network_hosts", |interp, value, args| {
        each(interp, value, args, |interp, found| hosts(interp, found.network()))
    }),
    ("network_size", |interp, value, args| {
        each(interp, value, args, |_, found| {
            let size = found.network().size().and_then(|size| i128::try_from(size).ok());
            size.map(Val::Int)
                .ok_or_else(|| Fault::limit("the network has more addresses than can be counted"))
        })
    }),
];

/// The value as an address of this version with all the properties the options name.
fn accepted(value: &Val, version: i128, options: Option<&str>) -> Option<Address> {
    let address = Address::parse(value.as_str()?).filter(|address| address.version() == version)?;
    let mut wanted = options.unwrap_or("").split(',').map(str::trim);
    wanted.all(|option| address.is(option).unwrap_or(true)).then_some(address)
}

/// The address as Python writes it, those of a list that are one, or nothing.
fn of_version(value: &Val, version: i128, options: Option<&str>) -> Val {
    let one = |value: &Val| accepted(value, version, options).map(|address| Val::from(address.shown()));
    match value {
        Val::List(items) => Val::list(items.borrow().iter().filter_map(one).collect()),
        Val::Tuple(items) => Val::list(items.iter().filter_map(one).collect()),
        single => one(single).unwrap_or(Val::None),
    }
}

fn ipaddr(value: &Val, options: Option<&str>) -> Outcome<Val> {
    match (of_version(value, 4, options), of_version(value, 6, options)) {
        (Val::List(v4), Val::List(v6)) => {
            v4.borrow_mut().extend(v6.take());
            Ok(Val::List(v4))
        }
        (Val::None, v6) => Ok(v6),
        (v4, _) => Ok(v4),
    }
}

/// What `of` makes of the address, or of each in a list; nothing where there is none.
fn each(
    interp: &mut Interp,
    value: Val,
    mut args: Args,
    of: fn(&mut Interp, Address) -> Outcome<Val>,
) -> Outcome<Val> {
    let options = args.take("options").filter(|options| !matches!(options, Val::None)).as_ref().map(text);
    let version = args.take("version").and_then(|version| version.as_int());
    let found = match version {
        Some(version) => of_version(&value, version, options.as_deref()),
        None => ipaddr(&value, options.as_deref())?,
    };
    let address = |found: &Val| found.as_str().and_then(Address::parse);
    match &found {
        Val::List(items) if items.borrow().is_empty() => Ok(Val::None),
        Val::List(items) => {
            let mapped =
                items.borrow().iter().filter_map(address).map(|one| of(interp, one)).collect::<Outcome<_>>();
            mapped.map(Val::list)
        }
        single => address(single).map_or(Ok(Val::None), |one| of(interp, one)),
    }
}

fn as_interface(address: Address) -> String {
    Address { prefix: address.prefix.or(Some(bits_of(address.ip))), ..address }.shown()
}

fn hosts(interp: &mut Interp, network: Subnet) -> Outcome<Val> {
    let size = network.size().and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= RANGE_MAX);
    let size = size.ok_or_else(|| Fault::limit(format!("the network has more than {RANGE_MAX} hosts")))?;
    interp.work(size)?;
    Ok(Val::list(network.hosts().map(|ip| Val::from(shown(ip))).collect()))
}

/// The addresses that lie in one of the networks; of a dict, those of each interface.
fn filter_by_networks(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let asked = args.need("networks")?;
    if matches!(asked, Val::None) {
        return Ok(value);
    }
    let networks = asked.items()?.iter().map(network).collect::<Outcome<Vec<_>>>()?;
    let kept = |addresses: &Val| -> Outcome<Val> {
        let mut kept = Vec::new();
        for address in addresses.items()? {
            let wrong = || Fault::of_type(format!("{:?} is no address", text(&address)));
            let ip = Address::parse(&text(&address)).filter(|one| one.prefix.is_none()).ok_or_else(wrong)?.ip;
            kept.extend(networks.iter().filter(|network| network.contains(ip)).map(|_| address.clone()));
        }
        Ok(Val::list(kept))
    };
    let Val::Dict(dict) = &value else { return kept(&value) };
    let mut of_each = Dict::default();
    for (interface, addresses) in dict.borrow().iter() {
        of_each.insert(interface.clone(), kept(addresses)?)?;
    }
    Ok(Val::dict(of_each))
}

fn network(written: &Val) -> Outcome<Subnet> {
    let written = text(written);
    let wrong = || Fault::of_type(format!("{written:?} is no network"));
    let address = Address::parse(&written).ok_or_else(wrong)?;
    let network = address.network();
    if network.address() == address.ip {
        Ok(network)
    } else {
        Err(wrong().hinted("an address of a network ends in zeros after its prefix: 10.0.0.0/8"))
    }
}

fn ipwrap(value: Val) -> Outcome<Val> {
    let wrapped = |one: &Val| match accepted(one, 6, None) {
        Some(_) => Val::from(bracketed(&text(one))),
        None => one.clone(),
    };
    Ok(match &value {
        Val::List(items) => Val::list(items.borrow().iter().map(wrapped).collect()),
        Val::Tuple(items) => Val::list(items.iter().map(wrapped).collect()),
        single => wrapped(single),
    })
}

/// An address as it stands in a URL.
pub(super) fn bracketed(address: &str) -> String {
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    match Address::parse(bare) {
        Some(found) if found.prefix.is_none() && found.version() == 6 => format!("[{}]", found.shown()),
        _ => bare.to_owned(),
    }
}

fn mac_bytes(written: &str) -> Outcome<Val> {
    let separator = written.chars().nth(2).filter(|_| written.len() == 17);
    let digits: String = written.chars().filter(|c| Some(*c) != separator).collect();
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Rc<[u8]>> = (0..12).step_by(2).map(byte).collect();
    let bytes = bytes.filter(|_| digits.len() == 12);
    bytes.map(Val::Bytes).ok_or_else(|| Fault::of_type(format!("{written:?} is no hardware address")))
}
