//! `locale.*`: the host's language and locales as they shall be.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError, Param, call};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "locale",
    virtual_name: "locale",
    doc: "The host's language and locales as they shall be.",
    applies: always,
    functions: &[
        StateFunction {
            name: "present",
            params: &[Param::Required("name")],
            doc: "The locale was generated.",
            example: "de_DE.UTF-8: {locale.present: []}",
            call: present,
        },
        StateFunction {
            name: "system",
            params: &[Param::Required("name")],
            doc: "The host's language is this locale.",
            example: "de_DE.UTF-8: {locale.system: []}",
            call: system,
        },
    ],
};

/// Calls `fun` with the locale, and tells it as changed.
fn change(name: String, fun: &'static str) -> Look {
    Look::differs(format!("the locale {name} is to be put in place"), Map::new(), move |state| {
        let done = call(state.ctx, fun, Args::of([name.as_str()]))?.is_truthy();
        let comment = format!("the locale {name} {} put in place", if done { "was" } else { "could not be" });
        let changes = Map::from([("locale", name)]);
        Ok(if done { Applied::done(comment, changes) } else { Applied::failed(comment, Map::new()) })
    })
}

fn present(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    if call(state.ctx, "locale.avail", Args::of([name.as_str()]))?.is_truthy() {
        return Ok(Look::in_sync(format!("the locale {name} is there")));
    }
    Ok(change(name, "locale.gen_locale"))
}

fn system(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    if call(state.ctx, "locale.get_locale", Args::default())? == Value::from(name.as_str()) {
        return Ok(Look::in_sync(format!("the language is {name}")));
    }
    Ok(change(name, "locale.set_locale"))
}
