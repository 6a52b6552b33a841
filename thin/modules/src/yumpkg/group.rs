//! Groups of packages, as dnf and yum know them.

use super::dnf::{YUM, line};
use crate::packages::{rpm, run};
use crate::registry::CallError;
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};

/// The parts of a group, by the word before them in the program's answer.
const PARTS: [(&str, &str); 4] = [
    ("mandatory", "mandatory packages"),
    ("default", "default packages"),
    ("optional", "optional packages"),
    ("conditional", "conditional packages"),
];

/// Reads `dnf group info`.
fn parse(text: &str) -> Map {
    let mut facts = Map::from([("group", ""), ("id", ""), ("description", "")]);
    facts.extend(PARTS.map(|(part, _)| (part, Value::List(Vec::new()))));
    let mut part = None;
    for line in text.lines() {
        let bare = line.trim();
        let lower = bare.to_lowercase();
        if let Some((known, _)) = PARTS.iter().find(|(_, head)| lower.starts_with(head)) {
            part = Some(*known);
        } else if let Some((key, value)) = bare.split_once(':') {
            part = None;
            let key = key.trim().to_lowercase();
            if let Some(slot) = facts.get_mut(key.trim_start_matches("group-")) {
                *slot = value.trim().into();
            }
        } else if let Some(Value::List(list)) =
            part.and_then(|part| facts.get_mut(part)).filter(|_| !bare.is_empty())
        {
            list.push(bare.trim_start_matches(['+', '-', '=']).into());
        }
    }
    facts
}

fn info(args: &Bound, name: &str) -> Result<Map, CallError> {
    let mut argv = line(args, &["--quiet", "group", "info"]);
    argv.push(name.to_owned());
    let output = run(&YUM, &argv)?;
    if !output.ok() {
        return Err(CallError::failed(tools::complaint(&output)));
    }
    Ok(parse(&output.text()))
}

pub fn group_info(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    info(args, &args.str("name")?).map(Value::from)
}

/// Members of a group, those that are installed apart from those that are not.
pub fn group_diff(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let facts = info(args, &args.str("name")?)?;
    let installed = rpm::list(ctx)?.installed;
    let split = |part: &str| {
        let members = facts.get(part).and_then(Value::as_list).unwrap_or_default();
        let names = members.iter().filter_map(Value::as_str);
        let (there, missing): (Vec<&str>, Vec<&str>) = names.partition(|name| installed.contains_key(*name));
        Map::from([("installed", there), ("not installed", missing)])
    };
    Ok(PARTS.into_iter().map(|(part, _)| (part, split(part))).collect::<Map>().into())
}

pub fn group_list(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let text = tools::text(&[super::dnf::program(), "--quiet", "group", "list", "hidden"])?;
    let (mut installed, mut available) = (Vec::new(), Vec::new());
    let mut into_installed = false;
    for line in text.lines() {
        if line.starts_with(' ') {
            let list = if into_installed { &mut installed } else { &mut available };
            list.push(line.trim().to_owned());
        } else {
            into_installed = line.to_lowercase().starts_with("installed");
        }
    }
    Ok(Map::from([("installed", installed), ("available", available)]).into())
}

pub fn group_install(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let before = rpm::list(ctx)?.installed;
    let mut argv = line(args, &["group", "install"]);
    argv.extend(args.texts("name")?);
    let output = run(&YUM, &argv)?;
    if !output.ok() {
        return Err(CallError::failed(tools::complaint(&output)));
    }
    Ok(crate::packages::changes(&before, &rpm::list(ctx)?.installed).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_read_with_its_parts() {
        let text = "Group: Development Tools\n Description: A basic environment.\n Mandatory Packages:\n   autoconf\n   +gcc\n Optional Packages:\n   cmake\n";
        let facts = parse(text);
        assert_eq!(facts.get_str("group"), Some("Development Tools"));
        assert_eq!(facts.get("mandatory"), Some(&Value::from(vec!["autoconf", "gcc"])));
        assert_eq!(facts.get("optional"), Some(&Value::from(vec!["cmake"])));
        assert_eq!(facts.get("default"), Some(&Value::List(Vec::new())));
    }
}
