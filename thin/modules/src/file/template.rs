//! Templates of managed files: text and variables in, text out.

use super::could_not;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use std::path::Path;

/// `defaults`, with `context` over them.
///
/// # Errors
/// Where one of the two is no dict.
pub fn context(args: &Bound) -> Result<Map, CallError> {
    let mut all = Map::new();
    for name in ["defaults", "context"] {
        match args.get(name) {
            Value::Map(map) => {
                map.iter().for_each(|(key, value)| drop(all.insert(key.clone(), value.clone())))
            }
            empty if !empty.is_truthy() => {}
            other => return Err(args.wrong(format!("'{name}' must be a dict, not {}", other.kind()))),
        }
    }
    Ok(all)
}

/// What a template of a managed file sees: the arguments that describe the file, further keywords, and the context
/// over them all.
///
/// # Errors
/// As [`context`].
pub fn variables(args: &Bound) -> Result<Map, CallError> {
    let mut all: Map = args.keywords().clone();
    for name in ["name", "source", "user", "group", "mode", "attrs", "saltenv"] {
        all.insert(name, args.get(name).clone());
    }
    context(args)?.into_iter().for_each(|(key, value)| drop(all.insert(key, value)));
    Ok(all)
}

/// Renders a file's text.
///
/// # Errors
/// Where it cannot be read, is no text, or the template is broken.
pub fn render_file(ctx: &mut Ctx, engine: &str, file: &Path, variables: &Map) -> Result<String, CallError> {
    let bytes = std::fs::read(file).map_err(could_not("read", file))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| CallError::Failed(format!("'{}' is not UTF-8, so it is no template", file.display())))?;
    render(ctx, engine, &text, variables)
}

/// Renders a text.
///
/// # Errors
/// The whole message for the user.
pub fn render(ctx: &mut Ctx, engine: &str, text: &str, variables: &Map) -> Result<String, CallError> {
    ctx.render.render(ctx, engine, text, variables).map_err(CallError::Failed)
}

/// The rendered text.
pub fn apply_template_on_contents(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut variables = context(args)?;
    variables.entry_or("saltenv", || args.get("saltenv").clone());
    render(ctx, &args.str("template")?, &args.str("contents")?, &variables).map(Value::from)
}
