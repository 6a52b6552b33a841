//! `pip.list`, `pip.freeze` and their like.

use super::pep440;
use super::program::Pip;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

/// No look at the package index for a newer pip: where there is no network it takes long.
pub const QUIET: &str = "--disable-pip-version-check";

/// A package's name as pip compares it.
pub fn normal(name: &str) -> String {
    let mut normal = String::new();
    for c in name.to_lowercase().chars() {
        let c = if matches!(c, '-' | '_' | '.') { '-' } else { c };
        if c != '-' || !normal.ends_with('-') {
            normal.push(c);
        }
    }
    normal
}

/// `{name: version}` of the packages that are there.
///
/// # Errors
/// Where pip cannot be run.
pub fn installed(ctx: &mut Ctx, pip: &Pip) -> Result<Map, CallError> {
    let listed = pip.text(ctx, &["list", "--format=freeze", QUIET])?;
    Ok(listed.lines().filter_map(|line| line.split_once("==")).collect())
}

pub fn list(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let prefix = args.opt_str("prefix")?.unwrap_or_default().to_lowercase();
    let all = installed(ctx, &Pip::of(args)?)?;
    let begins = |name: &Value| name.as_str().is_some_and(|name| name.to_lowercase().starts_with(&prefix));
    Ok(all.into_iter().filter(|(name, _)| begins(name)).collect::<Map>().into())
}

pub fn list_freeze_parse(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let prefix = normal(&args.opt_str("prefix")?.unwrap_or_default());
    let all = installed(ctx, &Pip::of(args)?)?;
    let named = all.iter().filter_map(|(name, version)| Some((normal(name.as_str()?), version.clone())));
    Ok(named.filter(|(name, _)| name.starts_with(&prefix)).collect::<Map>().into())
}

pub fn freeze(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let text = Pip::of(args)?.text(ctx, &["freeze", "--all", QUIET])?;
    Ok(text.lines().collect())
}

pub fn is_installed(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = args.str("pkgname")?;
    let all = installed(ctx, &Pip::of(args)?)?;
    Ok(all.keys().filter_map(Value::as_str).any(|name| name.eq_ignore_ascii_case(&wanted)).into())
}

pub fn version(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Pip::of(args)?.version(ctx).map(Value::from)
}

pub fn normalize(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(normal(&args.str("name")?).into())
}

/// `{name: "version [kind]"}` of newer ones, out of the table pip prints.
fn upgrades(ctx: &mut Ctx, pip: &Pip) -> Result<Map, CallError> {
    let table = pip.text(ctx, &["list", "--outdated", "--format=columns", QUIET])?;
    let rows = table.lines().skip(2).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let entry = |row: Vec<&str>| match row[..] {
        [name, _, latest, kind, ..] => Some((name.to_owned(), format!("{latest} [{kind}]"))),
        _ => None,
    };
    Ok(rows.filter_map(entry).collect())
}

pub fn list_upgrades(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    upgrades(ctx, &Pip::of(args)?).map(Value::from)
}

pub fn upgrade_available(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("pkg")?;
    Ok(upgrades(ctx, &Pip::of(args)?)?.contains_key(&name).into())
}

pub fn upgrade(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let pip = Pip::of(args)?;
    let before = installed(ctx, &pip)?;
    let (mut failed, mut comment) = (false, String::new());
    for name in upgrades(ctx, &pip)?.keys().filter_map(Value::as_str) {
        let words = ["install", "-U", QUIET, name].map(str::to_owned);
        let ran = pip.run(ctx, &words)?;
        failed |= ran.get("retcode") != Some(&Value::Int(0));
        comment += ran.get("stderr").and_then(Value::as_str).unwrap_or_default();
    }
    let after = installed(ctx, &pip)?;
    let mut changes = Map::new();
    for (name, version) in after.iter().filter(|(name, version)| before.get_value(name) != Some(*version)) {
        let old = before.get_value(name).cloned().unwrap_or_else(|| "".into());
        changes.insert(name.clone(), Map::from([("old", old), ("new", version.clone())]));
    }
    let mut answer = Map::from([("changes", Value::from(changes)), ("result", (!failed).into())]);
    answer.insert("comment", comment);
    Ok(answer.into())
}

pub fn list_all_versions(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let pip = Pip::of(args)?;
    let mut words = vec![QUIET.to_owned(), "index".to_owned(), "versions".to_owned(), args.str("pkg")?];
    for (name, flag) in [("index_url", "--index-url"), ("extra_index_url", "--extra-index-url")] {
        words.extend(args.opt_str(name)?.into_iter().flat_map(|url| [flag.to_owned(), url]));
    }
    let ran = pip.run(ctx, &words)?;
    let said = ran.get("stdout").and_then(Value::as_str).unwrap_or_default();
    let listed = said.lines().find_map(|line| line.trim_start().strip_prefix("Available versions: "));
    let marks = [("include_alpha", "a"), ("include_beta", "b"), ("include_rc", "rc")];
    let unwanted: Vec<&str> =
        marks.iter().filter(|(name, _)| !args.bool(name)).map(|(_, mark)| *mark).collect();
    let mut versions: Vec<&str> = listed.unwrap_or_default().split(", ").filter(|v| !v.is_empty()).collect();
    versions.retain(|version| !unwanted.iter().any(|mark| version.contains(mark)));
    versions.sort_by(|a, b| pep440::compare(a, b));
    Ok(if versions.is_empty() { Value::Null } else { versions.into() })
}
