//! Filters that look at the machine. Execution functions do the looking.

use super::super::args::Args;
use super::super::fault::{Fault, FaultKind, Outcome};
use super::super::run::Interp;
use super::super::value::{Val, text};
use super::Filter;

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("dns_check", dns_check),
    ("file_hashsum", |interp, value, mut args| {
        let form = args.text("form")?.unwrap_or_else(|| "sha256".into());
        interp.call_function("file.get_hash", Args::of(vec![value, Val::Str(form)]))
    }),
    ("get_uid", |interp, value, _| ask(interp, "file.user_to_uid", value)),
    ("http_query", |interp, value, mut args| {
        args.positional.insert(0, value);
        interp.call_function("http.query", args)
    }),
    ("is_bin_file", |interp, value, _| {
        Ok(Val::Bool(beginning(interp, value)?.is_some_and(|b| is_binary(&b))))
    }),
    ("is_empty", is_empty),
    ("is_text_file", |interp, value, _| {
        Ok(Val::Bool(beginning(interp, value)?.is_some_and(|bytes| !is_binary(&bytes))))
    }),
    ("list_files", |interp, value, _| ask(interp, "file.find", value)),
    ("which", |interp, value, _| ask(interp, "cmd.which", value)),
];

fn ask(interp: &mut Interp, function: &str, value: Val) -> Outcome<Val> {
    interp.call_function(function, Args::of(vec![value]))
}

fn is_empty(interp: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    if !ask(interp, "file.file_exists", value.clone())?.truth()? {
        return Ok(Val::Bool(false));
    }
    let stats = ask(interp, "file.stats", value)?;
    let size = interp.item(&stats, &Val::from("size"))?;
    Ok(Val::Bool(size.as_int() == Some(0)))
}

/// What a file begins with; `None` where there is none to read.
fn beginning(interp: &mut Interp, value: Val) -> Outcome<Option<Vec<u8>>> {
    const BYTES: usize = 2048;
    if !ask(interp, "file.file_exists", value.clone())?.truth()? {
        return Ok(None);
    }
    let args = Args { positional: vec![value], named: vec![("binary".into(), Val::Bool(true))] };
    Ok(match interp.call_function("file.read", args)? {
        Val::Bytes(bytes) => Some(bytes.iter().take(BYTES).copied().collect()),
        other => Some(text(&other).bytes().take(BYTES).collect()),
    })
}

/// A zero byte, or more than three in ten bytes that no text has.
fn is_binary(bytes: &[u8]) -> bool {
    let is_utf8 = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let plain = |byte: u8| match byte {
        32..=126 | b'\n' | b'\r' | b'\t' | 8 | 12 => true,
        128..=254 => is_utf8,
        _ => false,
    };
    let odd = bytes.iter().filter(|byte| !plain(**byte)).count();
    bytes.contains(&0) || odd * 10 > bytes.len() * 3
}

/// An address of a host name, in brackets where it is one of IPv6; one that answers on the port comes first.
fn dns_check(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let (name, port) = (text(&value), args.need("port")?);
    let kind = match args.take("ipv6").or(args.positional.pop()) {
        Some(Val::Bool(true)) => "ahostsv6",
        Some(Val::Bool(false)) => "ahostsv4",
        _ => "ahosts",
    };
    let command = format!("getent {kind} {}", super::salt::shell_quote(&name));
    let listed = text(&ask(interp, "cmd.run", Val::from(command))?);
    let mut addresses: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    addresses.dedup();
    for address in &addresses {
        let asked = Args::of(vec![Val::from(*address), port.clone()]);
        let answer = interp.call_function("network.connect", asked)?;
        if interp.item(&answer, &Val::from("result"))?.truth().unwrap_or(false) {
            return Ok(Val::from(super::network::bracketed(address)));
        }
    }
    match addresses.first() {
        Some(address) => Ok(Val::from(super::network::bracketed(address))),
        None => Err(Fault::new(FaultKind::Function, format!("the name {name:?} has no address"))),
    }
}
