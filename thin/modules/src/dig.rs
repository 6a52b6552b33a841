//! `dig.*`: what name servers say, by the host's program `dig`.
//!
//! Where it fails, its words go to the notes and the answer is empty.

use crate::registry::Default::{Bool, Null, Str};
use crate::registry::Param::{self, Optional, Required};
use crate::registry::{CallError, Function, Module, row};
use crate::{Bound, Ctx, tools};
use halite_wire::Value;
use std::net::IpAddr;

pub const MODULE: Module = Module {
    file: "dig",
    virtual_name: "dig",
    doc: "What name servers say, asked by dig.",
    applies: |_| tools::has("dig"),
    functions: FUNCTIONS,
};

const SERVER: Param = Optional("nameserver", Null);
pub const OF_HOST: &[Param] = &[Required("host"), SERVER];
pub const MX: &[Param] = &[Required("domain"), Optional("resolve", Bool(false)), SERVER];
pub const NS: &[Param] = &[Required("domain"), Optional("resolve", Bool(true)), SERVER];
pub const SPF: &[Param] = &[Required("domain"), Optional("record", Str("SPF")), SERVER];

/// Redirections and inclusions of SPF records that are followed, one behind the other.
const SPF_DEPTH_MAX: u8 = 10;

/// Types of records may be written in small letters, too.
const FUNCTIONS: &[Function] = &[
    row("A", OF_HOST, "IPv4 addresses of a name.", "dig.A www.example.com", a),
    row("AAAA", OF_HOST, "IPv6 addresses of a name.", "dig.AAAA www.example.com", aaaa),
    row("CNAME", OF_HOST, "The name another one stands for.", "dig.CNAME www.example.com", cname),
    row("MX", MX, "Preferences and mail servers of a domain.", "dig.MX example.com", mx),
    row("NS", NS, "Name servers of a domain, as addresses.", "dig.NS example.com resolve=false", ns),
    row("PTR", OF_HOST, "Names of an address.", "dig.PTR 192.0.2.1", ptr),
    row("SPF", SPF, "Addresses that may send a domain's mail.", "dig.SPF example.com", spf),
    row("TXT", OF_HOST, "Texts of a name, in quotes.", "dig.TXT example.com", txt),
    row("a", OF_HOST, "IPv4 addresses of a name.", "dig.a www.example.com", a),
    row("aaaa", OF_HOST, "IPv6 addresses of a name.", "dig.aaaa www.example.com", aaaa),
    row(
        "check_ip",
        &[Required("addr")],
        "Whether a text is an address.",
        "dig.check_ip 192.0.2.0/24",
        check_ip,
    ),
    row("cname", OF_HOST, "The name another one stands for.", "dig.cname www.example.com", cname),
    row("mx", MX, "Preferences and mail servers of a domain.", "dig.mx example.com", mx),
    row("ns", NS, "Name servers of a domain, as addresses.", "dig.ns example.com resolve=false", ns),
    row("ptr", OF_HOST, "Names of an address.", "dig.ptr 192.0.2.1", ptr),
    row("spf", SPF, "Addresses that may send a domain's mail.", "dig.spf example.com", spf),
];

/// Lines of `dig +short`; `None` where it fails. No line is one empty line, as in Salt.
fn ask(ctx: &mut Ctx, words: [&str; 2], server: Option<&str>) -> Result<Option<Vec<String>>, CallError> {
    let at = server.map(|server| format!("@{server}"));
    let argv: Vec<&str> = ["dig", "+short"].into_iter().chain(words).chain(at.as_deref()).collect();
    let output = tools::run(&argv)?;
    if !output.ok() {
        ctx.notes.push(format!("{}: {}", argv.join(" "), tools::complaint(&output)));
        return Ok(None);
    }
    Ok(Some(output.text().trim_end().split('\n').map(str::to_owned).collect()))
}

/// A name as an argument of dig: what begins like an option or a server is none.
fn named(args: &Bound, key: &str) -> Result<String, CallError> {
    let name = args.str(key)?;
    let is_name = !name.starts_with(['-', '+', '@']);
    is_name.then_some(name).ok_or_else(|| args.wrong(format!("'{key}' must be a name or an address")))
}

/// Records of one type, as `dig` prints them.
fn records(ctx: &mut Ctx, args: &Bound, key: &str, kind: &str) -> Result<Vec<String>, CallError> {
    let (name, server) = (named(args, key)?, args.opt_str("nameserver")?);
    let words = if kind == "PTR" { ["-x", &name] } else { [&name, kind] };
    Ok(ask(ctx, words, server.as_deref())?.unwrap_or_default())
}

fn addresses(ctx: &mut Ctx, name: &str, kind: &str, server: Option<&str>) -> Result<Vec<String>, CallError> {
    let mut found = ask(ctx, [name, kind], server)?.unwrap_or_default();
    found.retain(|line| is_ip(line));
    Ok(found)
}

fn a(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(addresses(ctx, &named(args, "host")?, "A", args.opt_str("nameserver")?.as_deref())?.into())
}

fn aaaa(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(addresses(ctx, &named(args, "host")?, "AAAA", args.opt_str("nameserver")?.as_deref())?.into())
}

fn ptr(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(records(ctx, args, "host", "PTR")?.into())
}

fn txt(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(records(ctx, args, "host", "TXT")?.into())
}

/// Text, but an empty list where dig fails.
fn cname(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let lines = records(ctx, args, "host", "CNAME")?;
    Ok(if lines.is_empty() { lines.into() } else { lines.join("\n").into() })
}

fn ns(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let names = records(ctx, args, "domain", "NS")?;
    if !args.bool("resolve") {
        return Ok(names.into());
    }
    let (server, mut found) = (args.opt_str("nameserver")?, Vec::new());
    for name in names.iter().filter(|name| !name.is_empty()) {
        found.extend(addresses(ctx, name, "A", server.as_deref())?);
    }
    Ok(found.into())
}

/// Pairs of preference and server; with `resolve` the server's first address instead.
fn mx(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let server = args.opt_str("nameserver")?;
    let mut found = Vec::new();
    for line in records(ctx, args, "domain", "MX")? {
        let mut pair: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        if let (true, [_, name]) = (args.bool("resolve"), pair.as_mut_slice()) {
            *name = addresses(ctx, name, "A", server.as_deref())?.into_iter().next().unwrap_or_default();
        }
        found.push(pair);
    }
    Ok(found.into_iter().map(Value::from).collect())
}

fn spf(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let server = args.opt_str("nameserver")?;
    let record = named(args, "record")?;
    Ok(allowed(ctx, &named(args, "domain")?, &record, server.as_deref(), SPF_DEPTH_MAX)?.into())
}

/// What the SPF record of `domain` allows. A domain without one of type SPF has it as TXT.
fn allowed(
    ctx: &mut Ctx,
    domain: &str,
    record: &str,
    server: Option<&str>,
    depth: u8,
) -> Result<Vec<String>, CallError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(CallError::failed(format!(
            "the SPF records that lead to {domain} include too many others"
        )));
    };
    let text = ask(ctx, [domain, record], server)?.unwrap_or_default().join("\n");
    if text.is_empty() && record == "SPF" {
        return allowed(ctx, domain, "TXT", server, depth);
    }
    let bare = text.replace('"', "");
    let Some(rest) = bare.split_whitespace().collect::<Vec<_>>().split_first().and_then(|(version, rest)| {
        (*version == "v=spf1").then(|| rest.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }) else {
        return Ok(Vec::new());
    };
    if let Some(other) = rest.first().and_then(|word| word.strip_prefix("redirect=")) {
        return allowed(ctx, other, "SPF", None, depth);
    }
    let mut found = Vec::new();
    for word in &rest {
        match word.trim_start_matches(['+', '~']).split_once(':') {
            Some(("include", other)) => found.extend(allowed(ctx, other, "SPF", None, depth)?),
            Some(("ip4" | "ip6", address)) if is_ip(address) => found.push(address.to_owned()),
            _ => {}
        }
    }
    Ok(found)
}

fn check_ip(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(args.get("addr").as_str().is_some_and(is_ip).into())
}

/// An address, also with the length of a prefix: up to 32, or 8 to 128 for IPv6.
pub fn is_ip(text: &str) -> bool {
    let (address, prefix) =
        text.rsplit_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let lengths = match address.parse() {
        Ok(IpAddr::V4(_)) => 1..=32,
        Ok(IpAddr::V6(_)) => 8..=128,
        Err(_) => return false,
    };
    prefix.is_none_or(|prefix| prefix.parse().is_ok_and(|length: u8| lengths.contains(&length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_known_with_and_without_a_prefix() {
        for good in ["127.0.0.1", "10.0.0.0/8", "::1", "fe80::/64"] {
            assert!(is_ip(good), "{good}");
        }
        for bad in ["", "web1", "10.0.0.0/0", "10.0.0.0/33", "fe80::/4", "10.0.0.0/x", "300.1.1.1"] {
            assert!(!is_ip(bad), "{bad}");
        }
    }
}
