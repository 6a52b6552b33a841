//! `dnsutil.*`: names and addresses, by `dig` where the host has it, else by its own resolver; tables of hosts and zones.

use crate::registry::Default::{Bool, Null, Str};
use crate::registry::Param::{self, Optional, Required};
use crate::registry::{CallError, Function, Module, always, call, row};
use crate::{Args, Bound, Ctx, dig, tools, write};
use halite_wire::{Map, Value};
use std::path::Path;

pub const MODULE: Module = Module {
    file: "dnsutil",
    virtual_name: "dnsutil",
    doc: "Names and addresses.",
    applies: always,
    functions: FUNCTIONS,
};

const HOSTSFILE: Param = Optional("hostsfile", Str("/etc/hosts"));

const FUNCTIONS: &[Function] = &[
    row("A", dig::OF_HOST, "IPv4 addresses of a name.", "dnsutil.A www.example.com", |ctx, args| {
        addresses(ctx, args, "A")
    }),
    row("AAAA", dig::OF_HOST, "IPv6 addresses of a name.", "dnsutil.AAAA www.example.com", |ctx, args| {
        addresses(ctx, args, "AAAA")
    }),
    row("MX", dig::MX, "Preferences and mail servers of a domain.", "dnsutil.MX example.com", |ctx, args| {
        by_dig(ctx, args, "MX", &["domain", "resolve", "nameserver"])
    }),
    row("NS", dig::NS, "Name servers of a domain, as addresses.", "dnsutil.NS example.com", |ctx, args| {
        by_dig(ctx, args, "NS", &["domain", "resolve", "nameserver"])
    }),
    row(
        "SPF",
        dig::SPF,
        "Addresses that may send a domain's mail.",
        "dnsutil.SPF example.com",
        |ctx, args| by_dig(ctx, args, "SPF", &["domain", "record", "nameserver"]),
    ),
    row(
        "check_ip",
        &[Required("ip_addr")],
        "Whether a text is an address.",
        "dnsutil.check_ip 127.0.0.1",
        |_, args| Ok(args.get("ip_addr").as_str().is_some_and(dig::is_ip).into()),
    ),
    row(
        "hosts_append",
        &[HOSTSFILE, Optional("ip_addr", Null), Optional("entries", Null)],
        "Adds a line with names, separated by commas, to a table of hosts.",
        "dnsutil.hosts_append /etc/hosts 127.0.0.1 db.example.com,db",
        hosts_append,
    ),
    row(
        "hosts_remove",
        &[HOSTSFILE, Optional("entries", Null)],
        "Takes names, separated by commas, out of a table of hosts.",
        "dnsutil.hosts_remove /etc/hosts db.example.com,db",
        hosts_remove,
    ),
    row(
        "parse_hosts",
        &[HOSTSFILE, Optional("hosts", Null)],
        "Addresses of a table of hosts, each with its names.",
        "dnsutil.parse_hosts",
        |_, args| Ok(hosts(args)?.into()),
    ),
    row(
        "serial",
        &[Optional("zone", Str("")), Optional("update", Bool(false))],
        "The serial number of a zone, kept in a grain; with update the next one.",
        "dnsutil.serial example.com update=true",
        serial,
    ),
];

/// The same function of `dig`.
fn by_dig(ctx: &mut Ctx, args: &Bound, kind: &str, names: &[&str]) -> Result<Value, CallError> {
    tools::find("dig")?;
    let asked = names.iter().fold(Args::default(), |asked, name| asked.with(name, args.get(name).clone()));
    call(ctx, &format!("dig.{kind}"), asked)
}

/// The host's own resolver answers where there is no `dig` and no name server is wanted.
fn addresses(ctx: &mut Ctx, args: &Bound, kind: &str) -> Result<Value, CallError> {
    if tools::has("dig") || !args.get("nameserver").is_null() {
        return by_dig(ctx, args, kind, &["host", "nameserver"]);
    }
    let host = args.str("host")?;
    // Each address comes once for each kind of socket; those of IPv4 hosts are not addresses of IPv6.
    let said = tools::text(&["getent", if kind == "A" { "ahostsv4" } else { "ahostsv6" }, &host])
        .map_err(|_| CallError::Failed(format!("{host} has no address")))?;
    let raw = said.lines().filter(|line| line.contains(" RAW")).filter_map(|line| line.split(' ').next());
    Ok(raw.filter(|ip| !ip.starts_with("::ffff:")).map(Value::from).collect())
}

fn read(file: &str) -> Result<String, CallError> {
    std::fs::read_to_string(file).map_err(|error| CallError::Failed(format!("{file}: {error}")))
}

/// Replaces `file` at once, so that no name is missing in between.
fn put(file: &str, text: &str) -> Result<(), CallError> {
    write::replace(Path::new(file), text.as_bytes(), 0o644)
        .map_err(|error| CallError::Failed(format!("{file}: {error}")))
}

fn hosts(args: &Bound) -> Result<Map, CallError> {
    let given = args.opt_str("hosts")?.filter(|text| !text.is_empty());
    let text = given.map_or_else(|| read(&args.str("hostsfile")?), Ok)?;
    let mut table = Map::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let Some(ip) = words.next() else { continue };
        if let Value::List(names) = table.entry_or(ip, || Value::List(Vec::new())) {
            names.extend(words.map(Value::from));
        }
    }
    Ok(table)
}

fn entries(args: &Bound) -> Result<Vec<String>, CallError> {
    Ok(args.str("entries")?.split(',').map(str::to_owned).collect())
}

fn hosts_append(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (file, ip, mut names) = (args.str("hostsfile")?, args.str("ip_addr")?, entries(args)?);
    let table = hosts(args)?;
    let known = table.get(&ip).and_then(Value::as_list).unwrap_or_default();
    names.retain(|name| !known.contains(&Value::from(name.as_str())));
    if names.is_empty() {
        return Ok(format!("No additional hosts were added to {file}").into());
    }
    let line = format!("\n{ip} {}", names.join(" "));
    put(&file, &(read(&file)? + &line))?;
    Ok(format!("The following line was added to {file}:{line}").into())
}

/// Comments and empty lines stay; an address without a name goes.
fn hosts_remove(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (file, names) = (args.str("hostsfile")?, entries(args)?);
    let mut out = String::new();
    for line in read(&file)?.lines() {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() || line.trim_start().starts_with('#') {
            out += &format!("{line}\n");
            continue;
        }
        let ip = words.remove(0);
        words.retain(|word| !names.iter().any(|name| name == word));
        if !words.is_empty() {
            out += &format!("{ip} {}\n", words.join(" "));
        }
    }
    put(&file, &out)?;
    Ok(Value::Null)
}

/// `YYYYMMDDNN`: today's first, or one more than what is kept.
fn serial(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let zone = args.str("zone")?;
    let key = if zone.is_empty() { "dnsserial".to_owned() } else { format!("dnsserial_{zone}") };
    let stored = call(ctx, "grains.get", Args::of([key.as_str()]))?;
    let stored = crate::args::as_text(&stored).filter(|stored| !stored.is_empty());
    let today = tools::text(&["date", "+%Y%m%d01"])?.trim().to_owned();
    if !args.bool("update") {
        return Ok(stored.unwrap_or(today).into());
    }
    let next = match stored.filter(|stored| *stored >= today) {
        Some(stored) => match stored.parse::<u64>() {
            Ok(number) => (number + 1).to_string(),
            Err(_) => {
                return Err(CallError::Failed(format!("the grain {key} is {stored}, which is no number")));
            }
        },
        None => today,
    };
    call(ctx, "grains.setval", Args::of([key, next.clone()]))?;
    Ok(next.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::alone;

    #[test]
    fn names_come_into_a_table_of_hosts_and_leave_it() {
        let file = std::env::temp_dir().join(format!("halite-dnsutil-{}", std::process::id()));
        std::fs::write(&file, "# mine\n127.0.0.1 localhost\n10.0.0.1 db").unwrap();
        let path = || Value::from(file.to_string_lossy().into_owned());
        let ask = |fun: &str, args: Args| alone(|ctx| call(ctx, fun, args).unwrap());
        let added = || Args::of([path(), "10.0.0.1".into(), "db,db2".into()]);
        assert!(ask("dnsutil.hosts_append", added()).as_str().unwrap().ends_with("\n10.0.0.1 db2"));
        assert!(ask("dnsutil.hosts_append", added()).as_str().unwrap().starts_with("No additional"));
        let table = ask("dnsutil.parse_hosts", Args::of([path()]));
        assert_eq!(table.get("10.0.0.1"), Some(&vec!["db", "db2"].into()));
        ask("dnsutil.hosts_remove", Args::of([path()]).with("entries", "db,localhost"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\n10.0.0.1 db2\n");
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn a_name_of_the_host_itself_has_an_address_without_a_name_server() {
        if !tools::has("dig") {
            let found = alone(|ctx| call(ctx, "dnsutil.A", Args::of(["localhost"])).unwrap());
            assert_eq!(found.as_list().unwrap().first(), Some(&"127.0.0.1".into()));
        }
    }
}
