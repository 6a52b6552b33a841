//! Texts that states take from files of the tree: `source`, `sources`, rendered.

use crate::StateCtx;
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::Value;
use std::path::PathBuf;

/// The rendered content of each source; empty where none is given.
///
/// # Errors
/// A source is not there, does not render, or is empty; `source` and `sources` are both given.
pub fn texts(state: &mut StateCtx, args: &Bound) -> Result<Vec<String>, CallError> {
    let (one, several) = (args.opt_str("source")?, args.get("sources").as_list().unwrap_or_default());
    let sources: Vec<Value> = match one.filter(|source| !source.is_empty()) {
        Some(_) if !several.is_empty() => return Err(args.wrong("source and sources exclude each other")),
        Some(source) => vec![source.into()],
        None => several.to_vec(),
    };
    sources.into_iter().map(|source| text(state, args, source)).collect()
}

fn text(state: &mut StateCtx, args: &Bound, source: Value) -> Result<String, CallError> {
    let path = rendered(state, args, source)?;
    std::fs::read_to_string(&path)
        .ok()
        .filter(|text| !text.is_empty())
        .ok_or_else(|| CallError::failed(format!("{} is empty or no text", path.display())))
}

/// Where the rendered source is kept.
///
/// # Errors
/// It is not there, or does not render.
pub fn rendered(state: &mut StateCtx, args: &Bound, source: Value) -> Result<PathBuf, CallError> {
    let name = halite_modules::args::as_text(&source).unwrap_or_default();
    let mut context = args.get("defaults").as_map().cloned().unwrap_or_default();
    context.extend(args.get("context").as_map().cloned().unwrap_or_default());
    let env = state.low.get("__env__").cloned().unwrap_or_else(|| "base".into());
    let wanted = Args::of([source, "".into()])
        .with("template", args.get("template").clone())
        .with("saltenv", env)
        .with("context", context);
    let made = call(state.ctx, "cp.get_template", wanted)?;
    match made.as_str().filter(|path| !path.is_empty()) {
        Some(path) => Ok(PathBuf::from(path)),
        None => {
            let why = state.ctx.notes.last().map(|note| format!(": {note}")).unwrap_or_default();
            Err(CallError::failed(format!("the source '{name}' is not there or does not render{why}")))
        }
    }
}
