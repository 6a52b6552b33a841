//! `network.*`: wakes machines that sleep (Wake-on-LAN).

use super::cache;
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use halite_wire::Value;
use std::net::UdpSocket;

pub(super) const RUNNER: Runner = Runner { name: "network", functions: FUNCTIONS };

const BCAST: Param = Param("bcast", Default::Text("255.255.255.255"));
const DESTPORT: Param = Param("destport", Default::Int(9));

const FUNCTIONS: &[Function] = &[
    Function {
        name: "network.wol",
        params: &[Param("mac", Default::Required), BCAST, DESTPORT],
        doc: "Wakes the machine with this hardware address.",
        example: "network.wol 08:00:27:13:69:77 bcast=192.168.0.255",
        call: |context, args| Box::pin(wol(context, args)),
    },
    Function {
        name: "network.wollist",
        params: &[Param("maclist", Default::Required), BCAST, DESTPORT],
        doc: "Wakes all machines named in a file, one hardware address a line; gives the addresses.",
        example: "network.wollist /etc/halite/macs",
        call: |context, args| Box::pin(wollist(context, args)),
    },
    Function {
        name: "network.wolmatch",
        params: &[Param("tgt", Default::Required), Param("tgt_type", Default::Text("glob")), BCAST, DESTPORT],
        doc: "Wakes machines by the hardware addresses in their kept grains (see `cache.grains`); gives the addresses.",
        example: "network.wolmatch 'web*' bcast=192.168.0.255",
        call: |context, args| Box::pin(wolmatch(context, args)),
    },
];

async fn wolmatch(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let mut woken = Vec::new();
    for (id, grains) in cache::grains(context, &args)? {
        let cards = grains.get("hwaddr_interfaces").and_then(Value::as_map).cloned().unwrap_or_default();
        for (name, text) in cards.iter().filter(|(name, _)| name.as_str() != Some("lo")) {
            let card =
                || format!("{}, {}", id.as_str().unwrap_or_default(), name.as_str().unwrap_or_default());
            let text = text.as_str().unwrap_or_default().trim();
            let mac = address(text)
                .ok_or_else(|| args.failed(format!("{}: {text:?} is no hardware address", card())))?;
            wake(&args, &mac)?;
            woken.push(Value::from(text));
        }
    }
    Ok(Value::List(woken).into())
}

async fn wol(_: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let text = args.text("mac").unwrap_or_default();
    let mac = address(&text)
        .ok_or_else(|| args.wrong(format!("{text:?} is no hardware address like 08:00:27:13:69:77")))?;
    wake(&args, &mac)?;
    Ok(Value::Bool(true).into())
}

async fn wollist(_: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let file = args.text("maclist").unwrap_or_default();
    let text = std::fs::read_to_string(&file).map_err(|error| args.failed(format!("{file}: {error}")))?;
    let mut woken = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
        let wrong = || args.failed(format!("{file}, line {}: {line:?} is no hardware address", number + 1));
        wake(&args, &address(line).ok_or_else(wrong)?)?;
        woken.push(Value::from(line));
    }
    Ok(Value::List(woken).into())
}

/// Six bytes from twelve hex digits, with or without separators.
fn address(text: &str) -> Option<[u8; 6]> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.' | ' ')).collect();
    if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut mac = [0; 6];
    for (place, byte) in mac.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[place * 2..place * 2 + 2], 16).ok()?;
    }
    Some(mac)
}

/// Six bytes of ones, then the address sixteen times.
fn packet(mac: &[u8; 6]) -> Vec<u8> {
    [&[0xff; 6][..], &mac.repeat(16)].concat()
}

fn wake(args: &Bound, mac: &[u8; 6]) -> Result<(), RunnerError> {
    let port = args.get("destport").as_i64().and_then(|port| u16::try_from(port).ok());
    let port = port.ok_or_else(|| args.wrong("'destport' is a number from 0 to 65535"))?;
    let broadcast = args.text("bcast").unwrap_or_default();
    let sent = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.set_broadcast(true)?;
        socket.send_to(&packet(mac), (broadcast.as_str(), port))
    });
    sent.map(|_| ()).map_err(|error| args.failed(format!("{broadcast}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardware_address_may_be_written_in_all_usual_ways() {
        let mac = Some([8, 0, 0x27, 0x13, 0x69, 0x77]);
        for text in ["08:00:27:13:69:77", "08-00-27-13-69-77", "080027136977", "0800.2713.6977"] {
            assert_eq!(address(text), mac, "{text}");
        }
        for text in ["", "08:00:27:13:69", "08:00:27:13:69:7g", "08:00:27:13:69:77:88"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn the_packet_is_the_one_network_cards_listen_for() {
        let packet = packet(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(packet.len(), 102);
        assert_eq!(&packet[..12], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6]);
        assert!(packet[6..].chunks(6).all(|part| part == [1, 2, 3, 4, 5, 6]));
    }
}
