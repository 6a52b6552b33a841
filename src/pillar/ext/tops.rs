//! `master_tops`: what else than top files says which SLS a host is to have. Configuration and one host in, SLS by
//! environment out.

use super::{Args, Request, saltclass};
use halite_render::yaml;
use halite_wire::{Map, Value};
use std::process::{Command, Stdio};

/// One source: what is configured for it in, SLS by environment out.
type Source = fn(&Request, &Value) -> Result<Map, String>;

/// Every source there is, by its name in `master_tops`, in the order they are asked.
const SOURCES: [(&str, Source); 2] =
    [("ext_nodes", ext_nodes), ("saltclass", |request, args| saltclass::tops(request, &Args::of(args)))];

/// What all configured sources assign to the host.
///
/// # Errors
/// One line for each source that fails, or that there is not.
pub fn tops(request: &Request) -> Result<Map, Vec<String>> {
    let configured = request.opts.get("master_tops").and_then(Value::as_map).cloned().unwrap_or_default();
    let names = configured.keys().filter_map(Value::as_str);
    let mut errors: Vec<String> = names
        .filter(|name| !SOURCES.iter().any(|(known, _)| known == name))
        .map(|name| format!("master_tops: there is no {name:?} here; there are ext_nodes and saltclass"))
        .collect();
    let mut tops = Map::new();
    for (name, source) in SOURCES {
        let Some(args) = configured.get(name).filter(|args| args.is_truthy()) else { continue };
        match source(request, args) {
            Ok(more) => more.into_iter().for_each(|(saltenv, names)| add(&mut tops, saltenv, names)),
            Err(why) => errors.push(format!("master_tops {name}: {why}")),
        }
    }
    if errors.is_empty() { Ok(tops) } else { Err(errors) }
}

/// Appends the names that are new.
fn add(tops: &mut Map, saltenv: Value, names: Value) {
    let Value::List(all) = tops.entry_or(saltenv, || Value::List(Vec::new())) else { return };
    for name in names.as_list().unwrap_or_default() {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
}

/// A program of this machine that is given the host's ID and prints `{classes: [...] or {...}, environment: ...}`.
fn ext_nodes(request: &Request, command: &Value) -> Result<Map, String> {
    let command = command.as_str().ok_or("it takes a command")?;
    let script = format!("exec {command} \"$0\"");
    let output =
        Command::new("/bin/sh").args(["-c", &script, request.id.as_str()]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command}: {}: {}", output.status, said.trim()));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| format!("{command}: its output is not UTF-8"))?;
    let data = yaml::load(&text).map_err(|error| error.report(command, &text))?.to_value();
    let names = match data.get("classes") {
        Some(Value::Map(classes)) => classes.keys().cloned().collect(),
        Some(Value::List(classes)) => classes.clone(),
        _ => return Ok(Map::new()),
    };
    let saltenv = data.get("environment").cloned().unwrap_or_else(|| "base".into());
    Ok(Map::from([(saltenv, Value::List(names))]))
}
