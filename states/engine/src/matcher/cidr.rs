//! Addresses and networks: whether one of a host's own is in them.

use crate::text::text;
use halite_wire::{Map, Value};
use std::net::{IpAddr, Ipv4Addr};

/// Whether the grain `ipv4` or `ipv6` has the address, or one in the network `10.0.0.0/8`. Bits set behind the
/// network's length make it no network: it matches nothing.
pub(super) fn matches(grains: &Map, target: &str) -> bool {
    let (address, bits) = match target.split_once('/') {
        None => (target, None),
        Some((address, bits)) => (address, Some(bits)),
    };
    let Ok(network) = address.parse::<IpAddr>() else { return false };
    let length = match bits {
        None => width(network),
        Some(bits) => match length(network, bits) {
            Some(length) if number(network) & host_mask(network, length) == 0 => length,
            _ => return false,
        },
    };
    let grain = if network.is_ipv4() { "ipv4" } else { "ipv6" };
    let own = match grains.get(grain) {
        Some(Value::List(own)) => own.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let in_network = |own: IpAddr| {
        own.is_ipv4() == network.is_ipv4()
            && (number(own) ^ number(network)) & !host_mask(network, length) == 0
    };
    own.iter().filter_map(|own| text(own).parse::<IpAddr>().ok()).any(in_network)
}

/// `/24`, and for IPv4 also `/255.255.255.0` and `/0.0.0.255`.
fn length(network: IpAddr, bits: &str) -> Option<u32> {
    if bits.bytes().all(|byte| byte.is_ascii_digit()) {
        return bits.parse().ok().filter(|length| *length <= width(network));
    }
    let mask = u32::from(bits.parse::<Ipv4Addr>().ok().filter(|_| network.is_ipv4())?);
    let whole = |mask: u32| mask.leading_ones() + mask.trailing_zeros().min(32 - mask.leading_ones()) == 32;
    match mask {
        0 => Some(0),
        mask if whole(mask) => Some(mask.leading_ones()),
        mask if whole(!mask) => Some(mask.leading_zeros()),
        _ => None,
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// Ones where the host's part is.
fn host_mask(network: IpAddr, length: u32) -> u128 {
    1u128.checked_shl(width(network) - length).map_or(u128::MAX, |bit| bit - 1)
}
