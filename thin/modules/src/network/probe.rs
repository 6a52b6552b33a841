//! Functions of `network` that reach out: to other hosts, or to a program that knows more.

use crate::accounts::getent;
use crate::linux::Root;
use crate::linux::names::Hosts;
use crate::process::{Command, which};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

/// Programs that ask a network end by themselves before this.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(120);

/// The argument `host` with only the letters of names and addresses left.
fn host(args: &Bound) -> Result<String, CallError> {
    let text = args.str("host")?;
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text);
    }
    let is_allowed = |letter: &char| letter.is_ascii_alphanumeric() || ".-_".contains(*letter);
    let name: String = text.chars().take(255).filter(is_allowed).collect();
    if name.is_empty() || name.starts_with('-') {
        return Err(args.wrong(format!("'{text}' is neither a host's name nor an address")));
    }
    Ok(name)
}

/// Exit code and both streams as one text, without the last line end.
fn run(words: &[&str]) -> Result<(i64, String), CallError> {
    let program = which(words.first().copied().unwrap_or_default())
        .ok_or_else(|| CallError::failed(format!("the program {} is not on this host", words.join(" "))))?;
    let arguments = words.iter().skip(1).map(OsString::from);
    let command = Command::new(std::iter::once(program.into_os_string()).chain(arguments));
    let output = command.c_locale().merge_stderr().timeout(PROGRAM_TIMEOUT).run();
    let output = output.map_err(|error| CallError::failed(error.to_string()))?;
    Ok((output.code, output.text().trim_end_matches('\n').to_owned()))
}

pub fn ping(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let host = host(args)?;
    let seconds = if args.get("timeout").is_truthy() { Some(args.int("timeout")?.to_string()) } else { None };
    let mut words = vec!["ping"];
    words.extend(seconds.iter().flat_map(|seconds| ["-W", seconds]));
    words.extend(["-c", "4", &host]);
    let (code, text) = run(&words)?;
    Ok(if args.bool("return_boolean") { (code == 0).into() } else { text.into() })
}

pub fn dig(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    run(&["dig", &host(args)?]).map(|(_, text)| text.into())
}

pub fn traceroute(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (_, text) = run(&["traceroute", &host(args)?])?;
    let hops = text.lines().filter(|line| line.contains(' ') && !line.starts_with("traceroute"));
    Ok(hops.map(|line| Value::Map(hop(line))).collect())
}

/// `{count, hostname, ip, ms1, ms2, ms3}` of a line; only the first two where nobody answered, nothing where it is odd.
fn hop(line: &str) -> Map {
    let columns: Vec<&str> = line.trim().split("  ").collect();
    let Some(count) = columns.first().and_then(|count| count.trim().parse::<i64>().ok()) else {
        return Map::new();
    };
    if columns.get(1) == Some(&"* * *") {
        return Map::from([("count", Value::Int(count)), ("hostname", "*".into())]);
    }
    let times: Vec<f64> =
        columns.iter().skip(2).filter_map(|column| column.split_whitespace().next()?.parse().ok()).collect();
    let (Some((name, ip)), [first, second, third]) =
        (columns.get(1).and_then(|who| who.split_once(' ')), &times[..])
    else {
        return Map::new();
    };
    Map::from([
        ("count", Value::Int(count)),
        ("hostname", name.into()),
        ("ip", ip.trim_matches(['(', ')']).into()),
        ("ms1", (*first).into()),
        ("ms2", (*second).into()),
        ("ms3", (*third).into()),
    ])
}

pub fn connect(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let answer = |result: bool, comment: String| {
        Ok(Value::Map(Map::from([("result", Value::Bool(result)), ("comment", comment.into())])))
    };
    for name in ["host", "port"] {
        if !args.get(name).is_truthy() {
            return answer(false, format!("The argument {name} is missing."));
        }
    }
    let (name, port) = (host(args)?, args.int("port")?);
    let port = u16::try_from(port).map_err(|_| args.wrong(format!("there is no port {port}")))?;
    let option = |key: &str| args.keywords().get(key).and_then(crate::args::as_text);
    let protocol = if option("proto").as_deref() == Some("udp") { "udp" } else { "tcp" };
    let seconds: f64 = option("timeout").and_then(|text| text.parse().ok()).unwrap_or(5.0);
    let wait =
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(5)).max(Duration::from_millis(1));
    let family = option("family");
    let fits = |ip: &IpAddr| match family.as_deref() {
        Some("ipv4") => ip.is_ipv4(),
        Some("ipv6") => ip.is_ipv6(),
        _ => true,
    };
    let Some(ip) = addresses(&name).into_iter().find(fits) else {
        return answer(false, format!("The name {name} has no address for {protocol} port {port}"));
    };
    let address = SocketAddr::new(ip, port);
    let place = format!("{name} ({ip}) on {protocol} port {port}");
    let reached = if protocol == "udp" {
        echo_udp(address, wait)
    } else {
        TcpStream::connect_timeout(&address, wait).map(drop)
    };
    match reached {
        Ok(()) => answer(true, format!("Connected to {place}")),
        Err(error) => answer(false, format!("Cannot connect to {place}: {error}")),
    }
}

/// What `name` stands for: itself, what `/etc/hosts` says, else what `getent` hears from name servers. A static program
/// has no resolver of its own: that of glibc needs shared libraries.
fn addresses(name: &str) -> Vec<IpAddr> {
    if let Ok(ip) = name.parse() {
        return vec![ip];
    }
    let known = Hosts::read(&Root::default()).addresses(name);
    if !known.is_empty() {
        return known;
    }
    let heard = getent("ahosts", name).unwrap_or_default();
    heard.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

/// UDP has no connections: a packet goes out, and an answer must come.
fn echo_udp(address: SocketAddr, wait: Duration) -> std::io::Result<()> {
    let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_read_timeout(Some(wait))?;
    socket.connect(address)?;
    socket.send(b"halite")?;
    socket.recv(&mut [0; 255]).map(drop)
}

pub fn wol(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mac = args.str("mac")?;
    let digits: String = mac.chars().filter(char::is_ascii_hexdigit).collect();
    let is_form = mac.len() == 12 || mac.len() == 17;
    let number = u64::from_str_radix(&digits, 16).ok().filter(|_| is_form && digits.len() == 12);
    let number = number.ok_or_else(|| args.wrong(format!("'{mac}' is not a hardware address")))?;
    let [_, _, address @ ..] = number.to_be_bytes();
    let packet = [vec![0xff; 6], address.repeat(16)].concat();
    let port = args.int("destport")?;
    let port = u16::try_from(port).map_err(|_| args.wrong(format!("there is no port {port}")))?;
    let name = args.str("bcast")?;
    let to = addresses(&name).into_iter().find(IpAddr::is_ipv4);
    let to = to.ok_or_else(|| args.wrong(format!("'{name}' has no address")))?;
    let send = || -> std::io::Result<()> {
        let socket = UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_broadcast(true)?;
        socket.send_to(&packet, SocketAddr::new(to, port)).map(drop)
    };
    send()
        .map(|()| true.into())
        .map_err(|error| CallError::failed(format!("cannot send the packet: {error}")))
}

const ETHTOOL: &str = "/sbin/ethtool";

pub fn get_bufsize(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if !Path::new(ETHTOOL).exists() {
        return Ok(Value::Map(Map::new()));
    }
    let (_, text) = run(&[ETHTOOL, "-g", &args.str("iface")?])?;
    Ok(Value::Map(buffer_sizes(&text)))
}

/// `{result, rx-max, rx, ...}`, or `{result: false, comment}`.
fn buffer_sizes(text: &str) -> Map {
    let mut sizes = Map::from([("result", false)]);
    let mut suffix = "max-";
    for line in text.lines() {
        let number =
            line.rsplit_once(':').and_then(|(name, value)| Some((name, value.trim().parse::<i64>().ok()?)));
        match number {
            Some((name, size)) => {
                sizes.insert(name.to_lowercase().replace(' ', "-") + suffix, size);
                sizes.insert("result", true);
            }
            None if line.ends_with("maximums:") => suffix = "-max",
            None if line.ends_with("settings:") => suffix = "",
            None => {}
        }
    }
    if sizes.len() == 1 {
        sizes.insert("comment", text);
    }
    sizes
}

pub fn mod_bufsize(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if !Path::new(ETHTOOL).exists() {
        return Ok(false.into());
    }
    let answer = |result: bool, comment: String| {
        Ok(Value::Map(Map::from([("result", Value::Bool(result)), ("comment", comment.into())])))
    };
    let sizes = ["rx", "tx", "rx-mini", "rx-jumbo"].into_iter();
    let sizes =
        sizes.filter_map(|name| Some((name, args.keywords().get(name).and_then(crate::args::as_text)?)));
    let changes: Vec<String> = sizes.flat_map(|(name, size)| [name.to_owned(), size]).collect();
    if !args.rest().is_empty() || changes.is_empty() {
        return answer(false, "Takes rx=, tx=, rx-mini= and rx-jumbo=, at least one of them".to_owned());
    }
    let iface = args.str("iface")?;
    let words: Vec<&str> =
        [ETHTOOL, "-G", &iface].into_iter().chain(changes.iter().map(String::as_str)).collect();
    let (_, text) = run(&words)?;
    if text.is_empty() { answer(true, changes.join(" ")) } else { answer(false, text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn ok(fun: &str, args: Args) -> Value {
        alone(|ctx| call(ctx, fun, args)).unwrap()
    }

    #[test]
    fn a_listening_port_can_be_reached_and_a_closed_one_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let to = |port: u16| Args::of([Value::from("127.0.0.1"), port.into()]).with("timeout", 2);
        assert_eq!(ok("network.connect", to(port)).get("result"), Some(&true.into()));
        drop(listener);
        assert_eq!(ok("network.connect", to(port)).get("result"), Some(&false.into()));
        assert_eq!(ok("network.connect", Args::of(["127.0.0.1"])).get("result"), Some(&false.into()));
    }

    #[test]
    fn udp_needs_an_answer() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let answering = std::thread::spawn(move || {
            let (_, from) = server.recv_from(&mut [0; 64]).unwrap();
            server.send_to(b"yes", from).unwrap();
        });
        let args = Args::of([Value::from("127.0.0.1"), port.into()]).with("proto", "udp").with("timeout", 5);
        assert_eq!(ok("network.connect", args).get("result"), Some(&true.into()));
        answering.join().unwrap();
    }

    #[test]
    fn a_waking_packet_has_the_address_sixteen_times() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let args = Args::of([Value::from("08-00-27-13-69-77"), "127.0.0.1".into(), port.into()]);
        assert_eq!(ok("network.wol", args), true.into());
        let mut packet = [0; 200];
        assert_eq!(server.recv(&mut packet).unwrap(), 102);
        assert_eq!(packet[..8], [255, 255, 255, 255, 255, 255, 8, 0]);
        assert_eq!(packet[96..102], [8, 0, 0x27, 0x13, 0x69, 0x77]);
    }

    #[test]
    fn names_of_the_hosts_file_have_addresses() {
        assert!(addresses("localhost").contains(&IpAddr::from([127, 0, 0, 1])));
        assert_eq!(addresses("::1"), [IpAddr::from(std::net::Ipv6Addr::LOCALHOST)]);
        assert_eq!(addresses("no-such-name.invalid"), Vec::<IpAddr>::new());
    }

    #[test]
    fn hops_of_traceroute_are_read() {
        let whole = hop(" 1  gw.example.org (192.0.2.1)  0.390 ms  0.351 ms  0.322 ms");
        assert_eq!((whole.get_str("ip"), whole.get("ms3")), (Some("192.0.2.1"), Some(&Value::Float(0.322))));
        assert_eq!(hop(" 2  * * *").get_str("hostname"), Some("*"));
        assert_eq!(hop("something else"), Map::new());
    }

    #[test]
    fn hosts_that_look_like_options_are_refused() {
        let error = alone(|ctx| call(ctx, "network.ping", Args::of(["-f"]))).unwrap_err();
        assert!(error.to_string().contains("neither"), "{error}");
    }

    #[test]
    fn ring_buffers_are_read() {
        let text = "Ring parameters for eth0:\nPre-set maximums:\nRX:\t\t4096\nRX Mini:\t0\nCurrent hardware settings:\nRX:\t\t256\n";
        let expected = Map::from([
            ("result", Value::Bool(true)),
            ("rx-max", 4096.into()),
            ("rx-mini-max", 0.into()),
            ("rx", 256.into()),
        ]);
        assert_eq!(buffer_sizes(text), expected);
    }
}
