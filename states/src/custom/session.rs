//! One `python3` for the length of a call: requests go in, and what it asks meanwhile is answered.

use crate::run;
use halite_modules::{Args, CallError, Ctx, extmods};
use halite_render::jinja::{from_json, to_json};
use halite_render::template::{TALK, Talk};
use halite_wire::{Map, Value};
use std::cell::{Cell, RefCell};

const DRIVER: &str = include_str!("driver.py");

/// What the driver loads files of. `grains` come by themselves; the others when something names them.
pub const KINDS: [&str; 4] = ["grains", "modules", "states", "utils"];

/// A running interpreter. It asks while it is asked: whoever waits for a line serves what comes in between.
pub struct Session {
    talk: RefCell<Talk>,
    /// The version of grains, pillar and options it was told of.
    told: Cell<Option<u64>>,
}

impl Session {
    /// Brings the tree's files to this host and starts `python3`.
    ///
    /// # Errors
    /// There is none, or the files cannot be had.
    pub fn start(ctx: &mut Ctx) -> Result<Session, String> {
        let environments = extmods::environments(ctx);
        let mut folders = Map::new();
        for kind in KINDS {
            extmods::sync(ctx, kind, &environments)?;
            folders.insert(kind, extmods::folder(ctx, kind).to_string_lossy().into_owned());
        }
        let source = [TALK, DRIVER].concat();
        // Isolated: neither the current folder nor the environment can put modules in the way.
        let talk = Talk::start(&["python3", "-I", "-c", &source])?;
        let session = Session { talk: RefCell::new(talk), told: Cell::new(None) };
        session.ask(
            ctx,
            Map::from([
                ("do", Value::from("has")),
                ("kind", "utils".into()),
                ("fun", "".into()),
                ("folders", folders.into()),
            ]),
        )?;
        Ok(session)
    }

    /// As [`Session::ask`], once it knows this host's grains, pillar and options.
    ///
    /// # Errors
    /// As there.
    pub fn ask_informed(&self, ctx: &mut Ctx, mut request: Map) -> Result<Value, String> {
        if self.told.get() != Some(ctx.facts_version()) {
            let pillar = ctx.pillar().map_err(|error| error.to_string())?.clone();
            let facts = [("grains", ctx.grains().clone()), ("pillar", pillar), ("opts", ctx.opts.clone())];
            request.insert("facts", Map::from(facts));
            self.told.set(Some(ctx.facts_version()));
        }
        self.ask(ctx, request)
    }

    /// Has one request done.
    ///
    /// # Errors
    /// What Python says went wrong.
    pub fn ask(&self, ctx: &mut Ctx, request: Map) -> Result<Value, String> {
        self.talk.borrow_mut().say(&to_json(&request.into())?);
        loop {
            let Some(line) = self.talk.borrow_mut().hear()? else {
                let ended = self.talk.borrow_mut().end()?;
                return Err(format!("python3 ended: {}", ended.stderr.trim()));
            };
            let said = from_json(&line)?;
            let Some(name) = said.get("call").and_then(Value::as_str) else {
                return answer_of(&said);
            };
            let answer = match answered(ctx, name, &said) {
                Ok(value) => Map::from([("value", value)]),
                Err(error) => Map::from([("error", Value::from(error))]),
            };
            self.talk.borrow_mut().say(&to_json(&answer.into())?);
        }
    }
}

fn answer_of(said: &Value) -> Result<Value, String> {
    match said.get("error").and_then(Value::as_str) {
        Some(error) => Err(error.to_owned()),
        None => Ok(said.get("result").cloned().unwrap_or_default()),
    }
}

/// Calls what Python asks for: a function, or a state function.
fn answered(ctx: &mut Ctx, name: &str, said: &Value) -> Result<Value, String> {
    let positional = said.get("args").and_then(Value::as_list).unwrap_or_default().to_vec();
    let keywords = said.get("kwargs").and_then(Value::as_map).cloned().unwrap_or_default();
    if said.get("only_ask").is_some() {
        return Ok(halite_modules::registry::has(ctx, name).into());
    }
    if said.get("kind").and_then(Value::as_str) == Some("states") {
        return state(ctx, name, positional, keywords);
    }
    halite_modules::call(ctx, name, Args { positional, keywords })
        .map_err(|error: CallError| error.to_string())
}

/// A state inside of a state: `__states__['file.managed'](name=...)`.
fn state(ctx: &mut Ctx, name: &str, positional: Vec<Value>, keywords: Map) -> Result<Value, String> {
    let (state, fun) = name.split_once('.').ok_or_else(|| format!("there is no state {name:?}"))?;
    let mut low = Map::from([("state", state), ("fun", fun)]);
    low.extend(keywords);
    if let Some(first) = positional.into_iter().next() {
        low.insert("name", first);
    }
    low.insert("__id__", low.get("name").cloned().unwrap_or_default());
    let test = ctx.opts.get("test").is_some_and(Value::is_truthy);
    let mut ret = run::one(ctx, &low, &run::Options { test, ..run::Options::default() });
    for own in ["__sls__", "__id__", "__run_num__", "duration", "start_time"] {
        ret.remove(own);
    }
    Ok(ret.into())
}
