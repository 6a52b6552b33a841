//! `alias.*`: mail aliases as they shall be.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError, Param, call};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "alias",
    virtual_name: "alias",
    doc: "Mail aliases as they shall be.",
    applies: always,
    functions: &[
        StateFunction {
            name: "absent",
            params: &[Param::Required("name")],
            doc: "There is no such alias.",
            example: "webmaster: {alias.absent: []}",
            call: absent,
        },
        StateFunction {
            name: "present",
            params: &[Param::Required("name"), Param::Required("target")],
            doc: "Mail for the alias goes to this target.",
            example: "postmaster: {alias.present: [{target: root}]}",
            call: present,
        },
    ],
};

/// Calls `fun`, and tells the alias as changed.
fn change(name: String, fun: &'static str, args: Args, comment: String) -> Look {
    Look::differs(format!("to be done: {comment}"), Map::new(), move |state| {
        let done = call(state.ctx, fun, args)?.is_truthy();
        let changes = Map::from([("alias", name)]);
        Ok(if done { Applied::done(comment, changes) } else { Applied::failed(comment, Map::new()) })
    })
}

fn present(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, target) = (args.str("name")?, args.get("target").clone());
    let wanted = Args::of([Value::from(name.as_str()), target]);
    if call(state.ctx, "aliases.has_target", wanted.clone())?.is_truthy() {
        return Ok(Look::in_sync(format!("the alias {name} is there")));
    }
    let comment = format!("the alias {name} set");
    Ok(change(name, "aliases.set_target", wanted, comment))
}

fn absent(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    let asked = Args::of([name.as_str()]);
    if !call(state.ctx, "aliases.get_target", asked.clone())?.is_truthy() {
        return Ok(Look::in_sync(format!("there is no alias {name}")));
    }
    let comment = format!("the alias {name} removed");
    Ok(change(name, "aliases.rm_alias", asked, comment))
}
