//! One state by hand: `single` and `low`.

use super::wanted::{Stop, Wanted, answer};
use super::{FAILED, NOT_COMPILED, refuse, turn};
use crate::run::{self, Options};
use halite_modules::{Bound, CallError, Ctx};
use halite_wire::{Map, Value};

/// `fun`, `name` and its arguments as keywords.
pub fn single(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    ctx.out = Some("highstate");
    let low = match low_of(args) {
        Ok(low) => low,
        Err(why) => return Ok(refuse(ctx, NOT_COMPILED, vec![why])),
    };
    answer(turn::take(ctx, args, |ctx| {
        let wanted = Wanted::of(ctx, args)?;
        let ret = one(ctx, &low, wanted.test, wanted.mock)?;
        Ok(Map::from([(halite_engine::run::tag(&low), ret)]).into())
    }))
}

fn low_of(args: &Bound) -> Result<Map, String> {
    let fun = args.str("fun").map_err(|error| error.to_string())?;
    let (state, function) =
        fun.split_once('.').ok_or_else(|| format!("'{fun}' is no state function: it has no dot"))?;
    let own = |key: &Value| key.as_str().is_some_and(|key| key.starts_with("__"));
    let given = args.keywords().iter().filter(|(key, _)| !own(key));
    let mut low: Map = given.map(|(key, value)| (key.clone(), value.clone())).collect();
    low.insert("state", state);
    low.insert("fun", function);
    low.insert("__id__", args.get("name").clone());
    low.insert("name", args.get("name").clone());
    Ok(low)
}

/// A low chunk as the caller has it.
pub fn low(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Value::Map(low) = args.get("data").clone() else {
        return Err(args.wrong("'data' must be a low chunk: {state: file, fun: touch, name: /tmp/x}"));
    };
    answer(turn::take(ctx, args, |ctx| {
        let wanted = Wanted::of(ctx, args)?;
        Ok(one(ctx, &low, wanted.test, wanted.mock)?.into())
    }))
}

/// # Errors
/// [`Stop::Answer`] says why it cannot be called at all.
fn one(ctx: &mut Ctx, low: &Map, test: bool, mock: bool) -> Result<Map, Stop> {
    let problems = run::problems(ctx, low);
    if !problems.is_empty() {
        return Err(Stop::Answer(refuse(ctx, NOT_COMPILED, problems)));
    }
    let ret = run::one(ctx, low, &Options { test, mock, ..Options::default() });
    ctx.retcode = if ret.get("result") == Some(&Value::Bool(false)) { FAILED } else { 0 };
    Ok(ret)
}
