//! `returners.*`: which there are, what waits for them, and how to send it on.

use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use crate::returners::{Definition, Flushed, RETURNERS, flush, spool::Spool, spool_dir};
use halite_wire::{Map, Value};
use std::time::Duration;

pub(super) const RUNNER: Runner = Runner { name: "returners", functions: FUNCTIONS };

const RETURNER: Param = Param("returner", Default::Null);

const FUNCTIONS: &[Function] = &[
    Function {
        name: "returners.dead_letters",
        params: &[RETURNER, Param("retry", Default::Bool(false)), Param("drop", Default::Bool(false))],
        doc: "What a returner or a job store, or any, will never take, and why. With `retry=True` all of it is put back and is due at the next \
              flush; with `drop=True` it is thrown away.",
        example: "returners.dead_letters mysql retry=True",
        call: |context, args| Box::pin(dead_letters(context, args)),
    },
    Function {
        name: "returners.doc",
        params: &[Param("returner", Default::Required)],
        doc: "What a returner does, and its keys in the configuration.",
        example: "returners.doc mysql",
        call: |context, args| Box::pin(doc(context, args)),
    },
    Function {
        name: "returners.flush",
        params: &[Param("patience", Default::Null)],
        doc: "Sends what runs have left for returners and job stores, due or not, once. With `patience` in seconds only what is due, until \
              nothing is left or the time is over: so runs start it in the background.",
        example: "returners.flush",
        call: |context, args| Box::pin(flush_now(context, args)),
    },
    Function {
        name: "returners.list",
        params: &[],
        doc: "All returners, and which of Salt's functions each has, or which feature of the build it needs.",
        example: "returners.list",
        call: |context, args| Box::pin(list(context, args)),
    },
    Function {
        name: "returners.status",
        params: &[],
        doc: "For each returner and job store elsewhere that was ever used: what it got, what waits for it, since which job, and why.",
        example: "returners.status",
        call: |context, args| Box::pin(status(context, args)),
    },
];

async fn list(_: &Context, _: Bound) -> Result<Answer, RunnerError> {
    let functions = |definition: &&Definition| match definition.missing_feature() {
        Some(feature) => (definition.name, Value::from(format!("not in this build (feature {feature})"))),
        None => (definition.name, definition.functions().collect()),
    };
    Ok(Value::Map(RETURNERS.iter().map(functions).collect()).into())
}

async fn doc(_: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let name = args.text("returner").unwrap_or_default();
    let definition = crate::returners::find(&name).map_err(|error| args.wrong(error.to_string()))?;
    Ok(Value::Map(Map::from([(definition.name, definition.full_doc())])).into())
}

async fn flush_now(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let patience = match args.get("patience") {
        Value::Null => None,
        Value::Int(seconds @ 0..=86_400) => Some(Duration::from_secs(seconds.unsigned_abs())),
        _ => return Err(args.wrong("patience is a number of seconds, at most a day")),
    };
    let flushed: Option<Flushed> =
        flush(&context.config, patience).await.map_err(|error| failed("returners.flush", error))?;
    Ok(match flushed {
        Some(flushed) => Value::Map(flushed).into(),
        None => Value::from("another flush is at work").into(),
    })
}

async fn status(context: &Context, _: Bound) -> Result<Answer, RunnerError> {
    let Some(spool) = spool(context).await? else { return Ok(Value::Map(Map::new()).into()) };
    let outlets = spool.status().await.map_err(|error| failed("returners.status", error))?;
    let shown = outlets.iter().map(|outlet| {
        let mut shown = Map::from([("returner", outlet.name.returner.as_str())]);
        shown.extend(outlet.to_map());
        Value::Map(shown)
    });
    Ok(Value::List(shown.collect()).into())
}

async fn dead_letters(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let failed = |error: crate::returners::SpoolError| failed("returners.dead_letters", error);
    let Some(spool) = spool(context).await? else { return Ok(Value::List(Vec::new()).into()) };
    let returner = args.text("returner");
    let returner = returner.as_deref();
    let count = match (args.is_true("retry"), args.is_true("drop")) {
        (true, true) => return Err(args.wrong("`retry` and `drop` exclude each other")),
        (true, false) => spool.revive(returner).await,
        (false, true) => spool.drop_dead(returner).await,
        (false, false) => {
            let letters = spool.dead_letters(returner).await.map_err(failed)?;
            return Ok(Value::List(letters.iter().map(|letter| letter.to_map().into()).collect()).into());
        }
    };
    Ok(Value::from(count.map_err(failed)?).into())
}

async fn spool(context: &Context) -> Result<Option<Spool>, RunnerError> {
    let found = Spool::open_existing(&spool_dir(&context.config)).await;
    found.map_err(|error| failed("returners", error))
}

fn failed(fun: &'static str, error: impl ToString) -> RunnerError {
    RunnerError::Failed { fun, why: error.to_string() }
}
