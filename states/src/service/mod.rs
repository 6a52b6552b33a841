//! `service.*`: services that run or rest, now and at boot.

mod boot;
mod mask;
mod power;
mod watch;

use crate::{Look, StateCtx, StateFunction, StateModule};
use halite_modules::registry::{self, Default, always};
use halite_modules::{Args, Bound, CallError, Ctx, Param};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "service",
    virtual_name: "service",
    doc: "Services that run or rest, now and at boot.",
    applies: always,
    functions: FUNCTIONS,
};

const NAME: Param = Param::Required("name");
const KWARGS: Param = Param::Keywords("kwargs");
const ENABLE: Param = Param::Optional("enable", Default::Null);
const SIG: Param = Param::Optional("sig", Default::Null);
const INIT_DELAY: Param = Param::Optional("init_delay", Default::Null);
const RUNTIME: Param = Param::Optional("runtime", Default::Bool(false));

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "dead",
        params: &[NAME, ENABLE, SIG, INIT_DELAY, KWARGS],
        doc: "The service does not run. enable says whether it starts at boot.",
        example: "redis: {service.dead: [{enable: false}]}",
        call: power::dead,
    },
    StateFunction {
        name: "disabled",
        params: &[NAME, KWARGS],
        doc: "The service does not start at boot.",
        example: "redis: {service.disabled: []}",
        call: boot::disabled,
    },
    StateFunction {
        name: "enabled",
        params: &[NAME, KWARGS],
        doc: "The service starts at boot.",
        example: "redis: {service.enabled: []}",
        call: boot::enabled,
    },
    StateFunction {
        name: "masked",
        params: &[NAME, RUNTIME],
        doc: "The service is masked: nothing can start it.",
        example: "redis: {service.masked: []}",
        call: |state, args| mask::masked(state, args, true),
    },
    StateFunction {
        name: "mod_watch",
        params: &[
            NAME,
            Param::Optional("sfun", Default::Null),
            SIG,
            Param::Optional("reload", Default::Bool(false)),
            Param::Optional("full_restart", Default::Bool(false)),
            INIT_DELAY,
            Param::Optional("force", Default::Bool(false)),
            KWARGS,
        ],
        doc: "What a changed requisite does to a service: a restart, a reload, or a stop.",
        example: "redis: {service.running: [{watch: [{file: /etc/redis.conf}]}]}",
        call: watch::mod_watch,
    },
    StateFunction {
        name: "running",
        params: &[NAME, ENABLE, SIG, INIT_DELAY, KWARGS],
        doc: "The service runs. enable says whether it starts at boot.",
        example: "redis: {service.running: [{enable: true}]}",
        call: power::running,
    },
    StateFunction {
        name: "unmasked",
        params: &[NAME, RUNTIME],
        doc: "The service is not masked.",
        example: "redis: {service.unmasked: []}",
        call: |state, args| mask::masked(state, args, false),
    },
];

/// Arguments for systemd alone: they go to functions that know them.
const SYSTEMD_ONLY: [&str; 3] = ["no_block", "unmask", "unmask_runtime"];

fn has(ctx: &mut Ctx, fun: &str) -> bool {
    registry::find(ctx, fun).is_ok()
}

/// Calls `fun` with the name and those of `passed` that it takes.
fn act(ctx: &mut Ctx, fun: &str, name: &str, kwargs: &Map, passed: &[&str]) -> Result<bool, CallError> {
    let params = registry::find(ctx, fun)?.params;
    let takes = |key: &str| {
        params.iter().any(|param| param.name() == Some(key) || matches!(param, Param::Keywords(_)))
    };
    let mut args = Args::of([name]);
    for key in passed.iter().filter(|key| takes(key)) {
        if let Some(value) = kwargs.get(key) {
            args = args.with(key, value.clone());
        }
    }
    Ok(halite_modules::call(ctx, fun, args)?.is_truthy())
}

/// Whether the service is to start at boot: text counts by its meaning.
fn wanted_at_boot(args: &Bound) -> Option<bool> {
    match args.get("enable") {
        Value::Bool(flag) => Some(*flag),
        Value::Str(_) => Some(args.bool("enable")),
        _ => None,
    }
}

/// A service that is not there: with `test=True` another state may bring it.
fn not_there(state: &StateCtx<'_, '_>, name: &str, otherwise: Option<bool>) -> Look {
    let result = if state.test { None } else { otherwise };
    let comment = format!("there is no service {name} here");
    Look::Done(crate::Applied { result, comment, changes: Map::new().into(), further: Map::new() })
}

fn pause(args: &Bound) {
    let seconds = match args.get("init_delay") {
        Value::Int(seconds) => f64::from(u32::try_from(*seconds).unwrap_or(0)),
        Value::Float(seconds) => *seconds,
        _ => return,
    };
    if let Ok(delay) = std::time::Duration::try_from_secs_f64(seconds) {
        std::thread::sleep(delay);
    }
}
