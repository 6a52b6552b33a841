//! What answers: program, modules, system.

use crate::registry::{CallError, serves};
use crate::{Bound, Ctx, Module, sysmod};
use halite_wire::{Map, Value};
use std::fmt::Write;

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Width of the names in the report.
const PAD: usize = 14;

fn serving<'c>(ctx: &'c mut Ctx) -> impl Iterator<Item = &'static Module> + 'c {
    ctx.modules().filter(|module| serves(ctx, module))
}

pub fn provider(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("module")?;
    let file = serving(ctx).find(|module| module.virtual_name == name).map(|module| module.file);
    Ok(file.unwrap_or_default().into())
}

pub fn providers(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(Map::from_iter(serving(ctx).map(|module| (module.file, module.virtual_name))).into())
}

pub fn not_loaded(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(ctx.modules().filter(|module| !serves(ctx, module)).map(|module| module.file).collect())
}

pub fn module_report(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let functions: Value = sysmod::available(ctx).into_iter().map(|(name, _)| name).collect();
    let mut names: Vec<_> = serving(ctx).map(|module| module.virtual_name).collect();
    names.dedup();
    let modules = Value::from(names);
    let none = Value::List(Vec::new());
    Ok(Map::from_iter([
        ("functions", functions.clone()),
        ("function_attrs", functions.clone()),
        ("function_subs", functions),
        ("modules", modules.clone()),
        ("module_attrs", modules),
        ("missing_attrs", none.clone()),
        ("missing_subs", none),
    ])
    .into())
}

pub fn opts_pkg(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let mut opts = ctx.opts.clone();
    opts.insert("grains", ctx.grains().clone());
    Ok(opts.into())
}

pub fn versions_information(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(versions(ctx).into())
}

/// Salt's shape, with this program in Salt's place.
fn versions(ctx: &mut Ctx) -> Map {
    let uname = rustix::system::uname();
    let grain = |ctx: &mut Ctx, name: &str| ctx.grains().get_str(name).unwrap_or_default().to_owned();
    let words = |words: &[String]| words.join(" ").trim().to_owned();
    let (os, release, codename) = (grain(ctx, "os"), grain(ctx, "osrelease"), grain(ctx, "oscodename"));
    let full = grain(ctx, "osfullname");
    let system = Map::from_iter([
        ("system", uname.sysname().to_string_lossy().into_owned()),
        ("dist", words(&[os.to_lowercase(), release.clone(), codename.clone()])),
        ("release", uname.release().to_string_lossy().into_owned()),
        ("machine", uname.machine().to_string_lossy().into_owned()),
        ("version", words(&[full, release, codename])),
        ("locale", "utf-8".to_owned()),
    ]);
    Map::from_iter([("Halite Version", Map::from_iter([("Halite", VERSION)])), ("System Versions", system)])
}

pub fn versions_report(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let mut report = String::new();
    for (title, entries) in &versions(ctx) {
        let _ = writeln!(report, "{}:", title.as_str().unwrap_or_default());
        let mut entries: Vec<_> = entries.as_map().into_iter().flatten().collect();
        entries.sort_by_key(|(name, _)| name.as_str());
        for (name, version) in entries {
            let (name, version) = (name.as_str().unwrap_or_default(), version.as_str().unwrap_or_default());
            let _ = writeln!(report, "{name:>PAD$}: {version}");
        }
        report.push_str(" \n");
    }
    Ok(report.trim_end_matches('\n').into())
}
