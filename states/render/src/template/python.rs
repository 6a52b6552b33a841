//! `py`, `pydsl` and `pyobjects`: files in Python, run by a `python3` where one is at hand.
//!
//! A small driver reads one line of JSON (the file and its variables), runs it, asks for functions line by line
//! while it runs, and ends with a line that holds the result or what went wrong.

use super::pipe::File;
use super::{Rendered, TemplateError};
use crate::jinja::{from_json, to_json};
use crate::yaml::{Mark, Node};
use halite_wire::{Map, Value};

/// How Python speaks with us: `_say`, `_ask`, and `Functions`, which answers as `__salt__`.
pub const TALK: &str = include_str!("python/talk.py");

const DRIVER: &str =
    concat!(include_str!("python/talk.py"), include_str!("python/driver.py"), include_str!("python/dsl.py"));

const TOP: Mark = Mark { line: 1, column: 1 };

pub(super) fn render(file: &File, renderer: &str, text: &str) -> Result<Rendered, TemplateError> {
    let Some(programs) = file.context.functions.programs() else {
        return Err(file.wrong(TOP, format!("`{renderer}` needs a python3, and no programs are run here")));
    };
    let first = request(file, renderer, text).map_err(|why| file.wrong(TOP, why))?;
    let mut last = None;
    // Isolated: neither the current folder nor the environment can put modules in the way.
    let argv = ["python3", "-I", "-c", DRIVER];
    let finished = programs
        .converse(&argv, &first, &mut |line| {
            let said = from_json(line).ok()?;
            if let Some(name) = said.get("call").and_then(Value::as_str) {
                return Some(answer(file, name, &said));
            }
            last = Some(said);
            None
        })
        .map_err(|why| {
            file.wrong(TOP, format!("`{renderer}` needs a python3: {why}"))
                .hinted("install python3 on this host, or write the file in YAML and Jinja")
        })?;
    match last {
        Some(said) => result(file, &said),
        None => Err(file.wrong(TOP, format!("python3 ended without a result: {}", finished.stderr.trim()))),
    }
}

fn request(file: &File, renderer: &str, text: &str) -> Result<String, String> {
    let variables = file.context.variables;
    let mut all = Map::new();
    for name in variables.names() {
        if let Some(variable) = variables.get(&name) {
            all.insert(name, variable.to_value());
        }
    }
    let request = Map::from([
        ("renderer", Value::from(renderer)),
        ("name", Value::from(file.name)),
        ("source", Value::from(text)),
        ("variables", Value::Map(all)),
    ]);
    to_json(&Value::Map(request))
}

/// Calls a function for the file; the line that says what it gave.
fn answer(file: &File, name: &str, said: &Value) -> String {
    let args = said.get("args").and_then(Value::as_list).unwrap_or_default().to_vec();
    let kwargs = said.get("kwargs").and_then(Value::as_map).cloned().unwrap_or_default();
    let functions = file.context.functions;
    let called = match functions.has(name) {
        _ if said.get("only_ask").is_some() => Ok(Value::Bool(functions.has(name))),
        true => functions.call(name, args, kwargs),
        false => Err(format!("there is no function {name}")),
    };
    let answer = match called {
        Ok(value) => Map::from([("value", value)]),
        Err(why) => Map::from([("error", Value::from(why))]),
    };
    to_json(&Value::Map(answer)).unwrap_or_else(|why| format!("{{\"error\": {why:?}}}"))
}

fn result(file: &File, said: &Value) -> Result<Rendered, TemplateError> {
    if let Some(result) = said.get("result") {
        return Ok(Rendered::Data(Node::of(result, TOP)));
    }
    let number = |key: &str| said.get(key).and_then(Value::as_i64).and_then(|n| usize::try_from(n).ok());
    let mark =
        Mark { line: number("line").unwrap_or(1).max(1), column: number("column").unwrap_or(1).max(1) };
    let why = said.get("error").and_then(Value::as_str).unwrap_or("python3 says nothing");
    Err(file.wrong(mark, why))
}
