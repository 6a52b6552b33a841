//! `kmod.*`: modules of the kernel as they shall be loaded.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::args::as_text;
use halite_modules::registry::Default;
use halite_modules::{Args, Bound, CallError, Ctx, Param, call};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;

pub const MODULE: StateModule = StateModule {
    file: "kmod",
    virtual_name: "kmod",
    doc: "Modules of the kernel as they shall be loaded.",
    applies: |grains| grains.get_str("kernel") == Some("Linux"),
    functions: &[
        StateFunction {
            name: "absent",
            params: &[
                Param::Required("name"),
                Param::Optional("persist", Default::Bool(false)),
                Param::Optional("comment", Default::Bool(true)),
                Param::Optional("mods", Default::Null),
            ],
            doc: "The modules are not loaded.",
            example: "pcspkr: {kmod.absent: [{persist: True}]}",
            call: absent,
        },
        StateFunction {
            name: "present",
            params: &[
                Param::Required("name"),
                Param::Optional("persist", Default::Bool(false)),
                Param::Optional("mods", Default::Null),
            ],
            doc: "The modules are loaded.",
            example: "kvm_amd: {kmod.present: [{persist: True}]}",
            call: present,
        },
    ],
};

fn wanted(args: &Bound) -> Result<Vec<String>, CallError> {
    match args.get("mods") {
        Value::List(items) => Ok(items.iter().filter_map(as_text).collect()),
        _ => Ok(vec![args.str("name")?]),
    }
}

fn listed(ctx: &mut Ctx, kept: bool) -> Result<BTreeSet<String>, CallError> {
    let names = call(ctx, "kmod.mod_list", Args::default().with("only_persist", kept))?;
    Ok(names.as_list().unwrap_or_default().iter().filter_map(as_text).collect())
}

/// Has `fun` done for each module; what changed with each is `word`.
fn each(
    ctx: &mut Ctx,
    mods: Vec<String>,
    word: &str,
    mut run: impl FnMut(&mut Ctx, &str) -> Result<Value, CallError>,
) -> Result<Applied, CallError> {
    let (mut changes, mut failures) = (Map::new(), Vec::new());
    for name in mods.iter().map(String::as_str) {
        if changes.contains_key(name) {
            continue;
        }
        match run(ctx, name)? {
            Value::List(names) if !names.is_empty() => {
                names.into_iter().for_each(|name| drop(changes.insert(name, word)));
            }
            Value::Str(why) => failures.push(why),
            _ => failures.push(format!("nothing changed with {name}")),
        }
    }
    Ok(if failures.is_empty() {
        Applied::done(format!("{} {word}", mods.join(", ")), changes)
    } else {
        Applied::failed(failures.join("\n"), changes)
    })
}

fn present(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (mut mods, persist) = (wanted(args)?, args.bool("persist"));
    let mut there = listed(state.ctx, false)?;
    if persist {
        let kept = listed(state.ctx, true)?;
        there.retain(|name| kept.contains(name));
    }
    mods.retain(|name| !there.contains(name));
    if mods.is_empty() {
        return Ok(Look::in_sync("The modules are loaded"));
    }
    Ok(Look::differs(format!("To be loaded: {}", mods.join(", ")), Map::new(), move |state| {
        each(state.ctx, mods, "loaded", |ctx, name| {
            if !call(ctx, "kmod.check_available", Args::of([name]))?.is_truthy() {
                return Ok(format!("this kernel has no module {name}").into());
            }
            call(ctx, "kmod.load", Args::of([name]).with("persist", persist))
        })
    }))
}

fn absent(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (mut mods, persist, comment) = (wanted(args)?, args.bool("persist"), args.bool("comment"));
    let mut there = listed(state.ctx, false)?;
    if persist {
        there.extend(listed(state.ctx, true)?);
    }
    mods.retain(|name| there.contains(name));
    if mods.is_empty() {
        return Ok(Look::in_sync("The modules are not loaded"));
    }
    Ok(Look::differs(format!("To be removed: {}", mods.join(", ")), Map::new(), move |state| {
        each(state.ctx, mods, "removed", |ctx, name| {
            call(ctx, "kmod.remove", Args::of([name]).with("persist", persist).with("comment", comment))
        })
    }))
}
