//! Functions that a state tree brings along in Python: `_modules`, `_states`, `_grains` and `_utils`.
//!
//! They run in one `python3` of the host per call ([`Session`]), started when something first names one of them. A host
//! without Python is told which file needs it. In states, a file with the name of a module of ours stands in for it.

mod session;
#[cfg(test)]
mod tests;

pub use session::Session;

use crate::{Applied, Look, STATES, StateCtx, StateFunction, template};
use halite_modules::args::as_text;
use halite_modules::extmods::{self, Custom, Kind};
use halite_modules::{Args, Bound, CallError, Ctx, Param};
use halite_wire::{Map, Value};
use std::rc::Rc;

/// Runs them by the host's `python3`.
pub struct Python;

/// Stands for every state function of the tree; the chunk says which one is meant.
pub const STATE: StateFunction = StateFunction {
    name: "custom",
    params: &[Param::Keywords("kwargs")],
    doc: "A state function of the tree's own `_states`.",
    example: "pulse: {custom.custom: [{rate: 60}]}",
    call: run_state,
};

/// Whether the tree has the state function `name`, and means it where we have such a module, too.
pub fn is_state(ctx: &mut Ctx, name: &str) -> bool {
    let module = name.split('.').next().unwrap_or_default();
    let is_ours = STATES.iter().any(|m| m.virtual_name == module);
    (!is_ours || extmods::overrides(ctx, Kind::States, module)) && Python.has(ctx, Kind::States, name)
}

/// Why the tree's own file has no state function `name`.
pub fn why_not(ctx: &mut Ctx, name: &str) -> Option<String> {
    Python.why_not(ctx, Kind::States, name)
}

impl Custom for Python {
    fn has(&self, ctx: &mut Ctx, kind: Kind, fun: &str) -> bool {
        let Some((module, _)) = fun.split_once('.') else { return false };
        let Some(file) = candidate(ctx, kind, module) else { return false };
        let request = Map::from([("do", "has"), ("kind", kind.folder()), ("fun", fun)]);
        match session(ctx).and_then(|session| session.ask_informed(ctx, request)) {
            Ok(found) => found.is_truthy(),
            // It is called then, and says what is missing.
            Err(_) => file.is_its_own,
        }
    }

    fn call(&self, ctx: &mut Ctx, _: Kind, fun: &str, args: Args) -> Result<Value, CallError> {
        let mut request = Map::from([("do", "call"), ("fun", fun)]);
        request.insert("args", args.positional);
        request.insert("kwargs", args.keywords);
        ask(ctx, Kind::Modules, fun, request)
    }

    fn why_not(&self, ctx: &mut Ctx, kind: Kind, fun: &str) -> Option<String> {
        candidate(ctx, kind, fun.split('.').next()?).filter(|file| file.is_its_own)?;
        let request = Map::from([("do", "why_not"), ("kind", kind.folder()), ("fun", fun)]);
        let why = session(ctx).and_then(|session| session.ask_informed(ctx, request)).ok()?;
        why.as_str().map(str::to_owned)
    }

    fn grains(&self, ctx: &mut Ctx, core: &Map) -> Result<Map, CallError> {
        let environments = extmods::environments(ctx);
        let any = environments.iter().any(|saltenv| {
            ctx.may_bring_grains(saltenv)
                && extmods::files(ctx, "grains", saltenv).is_ok_and(|files| !files.is_empty())
        });
        if !any {
            return Ok(Map::new());
        }
        ctx.assume_grains(core.clone());
        let facts = Map::from([("grains", core.clone()), ("opts", ctx.opts.clone())]);
        let request = Map::from([("do", Value::from("grains")), ("facts", facts.into())]);
        let session = session(ctx).map_err(|why| without("salt://_grains", &why))?;
        let found = session.ask(ctx, request).map_err(CallError::failed)?;
        let problems = found.get("problems").and_then(Value::as_list).unwrap_or_default();
        ctx.notes.extend(problems.iter().filter_map(Value::as_str).map(str::to_owned));
        Ok(found.get("grains").and_then(Value::as_map).cloned().unwrap_or_default())
    }
}

/// A file of the tree that may hold a module.
struct Candidate {
    path: String,
    /// Whether it has the module's name; else it only speaks of it, as `__virtualname__` does.
    is_its_own: bool,
}

/// The file a module may be in, found without running anything.
fn candidate(ctx: &mut Ctx, kind: Kind, module: &str) -> Option<Candidate> {
    let own = [format!("{module}.py"), format!("{module}/__init__.py")];
    let quoted = [format!("'{module}'"), format!("\"{module}\"")];
    let mut speaks = None;
    for saltenv in extmods::environments(ctx) {
        for file in extmods::files(ctx, kind.folder(), &saltenv).ok()? {
            let path = format!("_{}/{file}", kind.folder());
            if own.contains(&file) {
                return Some(Candidate { path, is_its_own: true });
            }
            let text = ctx.file_text(&saltenv, &path).ok().flatten();
            if text.is_some_and(|text| quoted.iter().any(|name| text.contains(name))) {
                speaks = Some(Candidate { path, is_its_own: false });
            }
        }
    }
    speaks
}

/// The call's interpreter, started where it does not run yet.
fn session(ctx: &mut Ctx) -> Result<Rc<Session>, String> {
    if let Some(session) = template::session(ctx) {
        return Ok(session);
    }
    let session = Rc::new(Session::start(ctx)?);
    template::keep_session(ctx, Some(session.clone()));
    Ok(session)
}

fn ask(ctx: &mut Ctx, kind: Kind, fun: &str, request: Map) -> Result<Value, CallError> {
    let session = session(ctx).map_err(|why| {
        let module = fun.split('.').next().unwrap_or_default();
        let path = candidate(ctx, kind, module).map_or_else(|| kind.folder().to_owned(), |file| file.path);
        without(&format!("salt://{path}"), &why)
    })?;
    session.ask_informed(ctx, request).map_err(|why| CallError::failed(format!("{fun}: {why}")))
}

fn without(file: &str, why: &str) -> CallError {
    CallError::failed(format!(
        "{file} is Python, and needs a python3 on this host: {why}; install python3 there, or do without the file"
    ))
}

fn run_state(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let part = |key| state.low.get_str(key).unwrap_or_default();
    let fun = format!("{}.{}", part("state"), part("fun"));
    let mut request = Map::from([("do", "state"), ("fun", fun.as_str())]);
    request.insert("low", state.low.clone());
    request.insert("kwargs", args.keywords().clone());
    request.insert("test", state.test);
    let returned = ask(state.ctx, Kind::States, &fun, request)?;
    let Value::Map(mut returned) = returned else {
        return Err(CallError::failed(format!(
            "{fun}: it returned {}, where a state returns a map",
            returned.kind()
        )));
    };
    let missing =
        ["result", "comment", "changes", "name"].into_iter().find(|key| !returned.contains_key(key));
    if let Some(missing) = missing {
        return Err(CallError::failed(format!("{fun}: its return has no {missing:?}")));
    }
    returned.remove("name");
    let comment = match returned.remove("comment").unwrap_or_default() {
        Value::List(lines) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        comment => as_text(&comment).unwrap_or_default(),
    };
    Ok(Look::Done(Applied {
        result: returned.remove("result").and_then(|result| result.as_bool()),
        changes: returned.remove("changes").unwrap_or_default(),
        comment,
        further: returned,
    }))
}
