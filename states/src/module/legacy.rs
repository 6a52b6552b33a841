//! `module.run` as it was first: the function in `name`, its arguments as the other keys.

use super::went_well;
use crate::{Applied, Look, StateCtx};
use halite_modules::registry::find;
use halite_modules::{Args, Bound, CallError, Param};
use halite_wire::{Map, Value};

/// Parameters whose names mean something else in a state; `m_` goes before them.
const TAKEN: [&str; 5] = ["fun", "name", "names", "saltenv", "state"];

pub fn run(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let mut given = args.keywords().clone();
    let Some(name) = given.remove("name").and_then(|name| name.as_str().map(str::to_owned)) else {
        return Err(args.wrong("the argument 'name' is missing"));
    };
    let function = match find(state.ctx, &name) {
        Ok(function) => function,
        Err(error) => return Ok(Look::cannot(error.to_string())),
    };
    if state.test {
        let comment = format!("{name} would be called");
        return Ok(Look::Done(Applied { comment, changes: Map::new().into(), ..Applied::default() }));
    }
    let call = match arguments(function.params, given) {
        Ok(call) => call,
        Err(why) => return Ok(Look::cannot(why)),
    };
    state.ctx.link.flush();
    let value = halite_modules::call(state.ctx, &name, call);
    // The exit code is the state's matter, not the call's.
    state.ctx.retcode = 0;
    Ok(match value {
        Err(error) => Look::cannot(format!("{name} failed: {error}")),
        Ok(value) => Look::Done(Applied {
            result: Some(went_well(&value)),
            comment: format!("{name} was called"),
            changes: Map::from([("ret", value)]).into(),
            further: Map::new(),
        }),
    })
}

/// The keys that are parameters of the function; others are left.
fn arguments(params: &[Param], mut given: Map) -> Result<Args, String> {
    let mut args = Args::default();
    let mut missing = Vec::new();
    for param in params {
        let own = |name: &str| if TAKEN.contains(&name) { format!("m_{name}") } else { name.to_owned() };
        match param {
            Param::Required(name) => match given.remove(&own(name)) {
                Some(value) => drop(args.keywords.insert(*name, value)),
                None => missing.push(own(name)),
            },
            Param::Optional(name, _) => {
                args.keywords.extend(given.remove(&own(name)).map(|value| (*name, value)));
            }
            Param::Rest(name) => match given.remove(&own(name)) {
                Some(Value::List(items)) => args = in_order(params, args, items),
                Some(_) => return Err(format!("'{name}' must be a list")),
                None => {}
            },
            Param::Keywords(name) => match given.remove(name) {
                Some(Value::Map(more)) => args.keywords.extend(more),
                Some(_) => return Err(format!("'{name}' must be a map")),
                None => {}
            },
        }
    }
    if missing.is_empty() {
        Ok(args)
    } else {
        Err(format!("these arguments are missing: {}", missing.join(" ")))
    }
}

/// Named arguments in their places, so that `rest` comes after them.
fn in_order(params: &[Param], mut args: Args, rest: Vec<Value>) -> Args {
    for param in params {
        let value = match param {
            Param::Required(name) => args.keywords.remove(name),
            Param::Optional(name, default) => {
                Some(args.keywords.remove(name).unwrap_or_else(|| default.value()))
            }
            Param::Rest(_) | Param::Keywords(_) => None,
        };
        args.positional.extend(value);
    }
    args.positional.extend(rest);
    args
}
