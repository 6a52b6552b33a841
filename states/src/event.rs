//! `event.*`: events sent in the course of a run.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{Keywords, Optional, Required};
use halite_modules::registry::Default::{Bool, Null};
use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError, Param};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "event",
    virtual_name: "event",
    doc: "Events sent in the course of a run.",
    applies: always,
    functions: FUNCTIONS,
};

const SEND: &[Param] = &[
    Required("name"),
    Optional("data", Null),
    Optional("preload", Null),
    Optional("with_env", Bool(false)),
    Optional("with_grains", Bool(false)),
    Optional("with_pillar", Bool(false)),
    Optional("show_changed", Bool(true)),
    Keywords("kwargs"),
];

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "fire_master",
        params: SEND,
        doc: "The same as event.send.",
        example: "site/deployed: {event.fire_master: [{data: {version: 1}}]}",
        call: send,
    },
    StateFunction {
        name: "mod_watch",
        params: SEND,
        doc: "Sends the event where a watched state changed.",
        example: "site/deployed: {event.wait: [{watch: [git: site]}]}",
        call: send,
    },
    StateFunction {
        name: "send",
        params: SEND,
        doc: "Sends an event under its name as tag.",
        example: "site/deployed: {event.send: [{data: {version: 1}}]}",
        call: send,
    },
    StateFunction {
        name: "wait",
        params: &[Required("name"), Optional("sfun", Null), Optional("data", Null)],
        doc: "Sends an event only where a watched state changed.",
        example: "site/deployed: {event.wait: [{watch: [git: site]}]}",
        call: |_, _| Ok(Look::in_sync("")),
    },
];

fn send(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let changes = if args.bool("show_changed") {
        Map::from([("tag", args.get("name").clone()), ("data", args.get("data").clone())])
    } else {
        Map::new()
    };
    let mut event = Args::of([args.get("name").clone()]);
    for key in ["data", "with_env", "with_grains", "with_pillar"] {
        event.keywords.insert(key, args.get(key).clone());
    }
    let further = args.keywords().iter().filter(|(key, _)| key.as_str() != Some("sfun"));
    event.keywords.extend(further.map(|(key, value)| (key.clone(), value.clone())));
    let planned = changes.clone();
    Ok(Look::differs("The event would be sent", planned, move |state| {
        let sent = halite_modules::call(state.ctx, "event.send", event)?;
        let changes: Value = changes.into();
        Ok(if sent.is_truthy() {
            Applied::done("The event was sent", changes)
        } else {
            Applied::failed("The event was not sent", changes)
        })
    }))
}
