//! `http.query`: what a web server answers, watched.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{self, Keywords, Optional, Required};
use halite_modules::args::as_text;
use halite_modules::regex::{Flags, Kind, Pattern};
use halite_modules::registry::Default::{Int, Null, Str};
use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::{Map, Value};
use std::time::{Duration, Instant};

pub const MODULE: StateModule = StateModule {
    file: "http",
    virtual_name: "http",
    doc: "What a web server answers, watched.",
    applies: always,
    functions: &[
        StateFunction {
            name: "query",
            params: QUERY,
            doc: "The server answers with this text or this status.",
            example: "http://example.com/: {http.query: [{status: 200}]}",
            call: query,
        },
        StateFunction {
            name: "wait_for_successful_query",
            params: WAIT,
            doc: "The server answers so at last; it is asked again and again.",
            example: "http://example.com/: {http.wait_for_successful_query: [{status: 200}, {wait_for: 60}]}",
            call: wait,
        },
    ],
};

const QUERY: &[Param] = &[
    Required("name"),
    Optional("match", Null),
    Optional("match_type", Str("string")),
    Optional("status", Null),
    Optional("status_type", Str("string")),
    Optional("wait_for", Null),
    Keywords("kwargs"),
];

const WAIT: &[Param] = &[
    Required("name"),
    Optional("wait_for", Int(300)),
    Optional("match", Null),
    Optional("match_type", Str("string")),
    Optional("status", Null),
    Optional("status_type", Str("string")),
    Optional("request_interval", Null),
    Keywords("kwargs"),
];

fn found(pattern: &str, text: &str) -> Result<bool, CallError> {
    let failed = |error: String| CallError::failed(error);
    let pattern =
        Pattern::search(pattern, Flags::default(), Kind::Text).map_err(|error| failed(error.to_string()))?;
    pattern.is_match(text.as_bytes()).map_err(|error| failed(error.to_string()))
}

/// Whether text and status are what they shall be; with what is told of each.
fn judge(args: &Bound, answer: &Value) -> Result<(bool, String), CallError> {
    let text = |key: &str| answer.get(key).and_then(as_text).unwrap_or_default();
    let (mut good, mut said) = (true, Vec::new());
    if let Some(wanted) = args.opt_str("match")? {
        let fits = match args.str("match_type")?.as_str() {
            "pcre" => found(&wanted, &text("text"))?,
            _ => text("text").contains(&wanted),
        };
        said.push(format!("the answer {} {wanted:?}", if fits { "has" } else { "does not have" }));
        good &= fits;
    }
    if !args.get("status").is_null() {
        let status = text("status");
        let fits = match (args.str("status_type")?.as_str(), args.get("status")) {
            ("pcre", wanted) => found(&as_text(wanted).unwrap_or_default(), &status)?,
            (_, Value::List(items)) => items.iter().filter_map(as_text).any(|wanted| wanted == status),
            (_, wanted) => as_text(wanted).unwrap_or_default() == status,
        };
        said.push(format!("its status is {}", if status.is_empty() { "unknown" } else { &status }));
        good &= fits;
    }
    said.extend(answer.get("error").and_then(as_text));
    Ok((good, said.join(", ")))
}

fn ask(ctx: &mut Ctx, args: &Bound, fun: &str) -> Result<Value, CallError> {
    let mut asked = Args { positional: vec![args.get("name").clone()], keywords: args.keywords().clone() };
    if fun == "http.wait_for_successful_query" {
        asked = asked.with("wait_for", args.get("wait_for").clone());
    }
    call(ctx, fun, asked.with("text", true).with("status", true))
}

fn incomplete(args: &Bound) -> Option<Look> {
    let lacks = args.get("match").is_null() && args.get("status").is_null();
    lacks.then(|| Look::cannot("one of 'match' and 'status' is needed"))
}

/// With `test=True` no server is asked, and nothing is known.
fn untried(args: &Bound) -> Result<Look, CallError> {
    let comment = format!("{} is to be asked", args.str("name")?);
    Ok(Look::Done(Applied { comment, changes: Map::new().into(), ..Applied::default() }))
}

fn ended(good: bool, comment: String, answer: Value) -> Look {
    let mut done =
        if good { Applied::done(comment, Map::new()) } else { Applied::failed(comment, Map::new()) };
    done.further.insert("data", answer);
    Look::Done(done)
}

fn query(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if let Some(look) = incomplete(args) {
        return Ok(look);
    }
    if state.test {
        return untried(args);
    }
    let waits = args.get("wait_for").is_truthy();
    let fun = if waits { "http.wait_for_successful_query" } else { "http.query" };
    let answer = ask(state.ctx, args, fun)?;
    let (good, said) = judge(args, &answer)?;
    Ok(ended(good, said, answer))
}

fn wait(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if state.test {
        return incomplete(args).map_or_else(|| untried(args), Ok);
    }
    let seconds =
        |name: &str| Ok::<_, CallError>(u64::try_from(args.opt_int(name)?.unwrap_or(0)).unwrap_or(0));
    let (limit, pause) = (Duration::from_secs(seconds("wait_for")?), seconds("request_interval")?);
    let started = Instant::now();
    if let Some(look) = incomplete(args) {
        return Ok(look);
    }
    loop {
        let answer = ask(state.ctx, args, "http.query")?;
        let (good, said) = judge(args, &answer)?;
        if good || started.elapsed() > limit {
            return Ok(ended(good, said, answer));
        }
        // Without an interval asked for, a short one spares the host.
        std::thread::sleep(if pause == 0 { Duration::from_millis(200) } else { Duration::from_secs(pause) });
    }
}
