//! What a managed file shall hold where the state says it: `contents`, `contents_pillar`, `contents_grains`.

use super::saltenv;
use crate::StateCtx;
use halite_modules::args::as_text;
use halite_modules::file::template;
use halite_modules::{Bound, CallError};
use halite_render::repr::repr;
use halite_wire::{Map, Value, traverse};

/// The three arguments; at most one of them may be there.
const ARGUMENTS: [&str; 3] = ["contents", "contents_pillar", "contents_grains"];

/// How many of the three are given.
pub fn given(args: &Bound) -> usize {
    ARGUMENTS.iter().filter(|name| !args.get(name).is_null()).count()
}

/// The bytes; nothing where none of the three is given. A template is rendered.
///
/// # Errors
/// The sentence for the user: no such pillar, empty where it must not be, a template that breaks.
pub fn of(state: &mut StateCtx, args: &Bound) -> Result<Option<Vec<u8>>, CallError> {
    let Some(value) = value(state, args)? else { return Ok(None) };
    if !value.is_truthy() && args.get("allow_empty") == &Value::Bool(false) {
        return Err(CallError::failed("the contents are empty, and 'allow_empty' is False"));
    }
    let engine = args.opt_str("template")?.filter(|engine| !engine.is_empty());
    let text = match text(&value, args.get("contents_newline") != &Value::Bool(false))? {
        Ok(text) => text,
        Err(_) if engine.is_some() => {
            return Err(CallError::failed("the contents are binary data, so they are no template"));
        }
        Err(bytes) => return Ok(Some(bytes)),
    };
    let text = match engine {
        Some(engine) => {
            let mut variables = template::context(args)?;
            variables.entry_or("saltenv", || saltenv(state).into());
            template::render(state.ctx, &engine, &text, &variables)?
        }
        None => text,
    };
    encoded(&text, args).map(Some)
}

fn value(state: &mut StateCtx, args: &Bound) -> Result<Option<Value>, CallError> {
    let delimiter = args.str("contents_delimiter")?;
    for (name, kind) in [("contents_pillar", "pillar"), ("contents_grains", "grain")] {
        let wanted = args.get(name);
        if wanted.is_null() {
            continue;
        }
        let data = match kind {
            "pillar" => state.ctx.pillar().map_err(|error| CallError::Failed(error.to_string()))?.clone(),
            _ => state.ctx.grains().clone(),
        };
        let keys = match wanted {
            Value::List(keys) => keys.as_slice(),
            key => return look_up(&data, key, &delimiter, kind).map(Some),
        };
        let parts = keys.iter().map(|key| {
            let part = look_up(&data, key, &delimiter, kind)?;
            let key = as_text(key).unwrap_or_default();
            as_text(&part)
                .ok_or_else(|| CallError::Failed(format!("the {kind} {key} is {}, no text", part.kind())))
        });
        return Ok(Some(parts.collect::<Result<Vec<_>, _>>()?.join("\n").into()));
    }
    Ok(Some(args.get("contents").clone()).filter(|value| !value.is_null()))
}

fn look_up(data: &Map, key: &Value, delimiter: &str, kind: &str) -> Result<Value, CallError> {
    let key = as_text(key).unwrap_or_default();
    let found = traverse::get(data, &key, delimiter).cloned();
    found.ok_or_else(|| CallError::Failed(format!("there is no {kind} {key}")))
}

/// Lines of the value, each with one line end; `Err` has bytes that are no text.
fn text(value: &Value, newline: bool) -> Result<Result<String, Vec<u8>>, CallError> {
    let parts = match value {
        Value::Bytes(bytes) => return Ok(Err(bytes.clone())),
        Value::List(items) if items.is_empty() => {
            return Err(CallError::failed(
                "the contents are an empty list, neither text nor a list of texts",
            ));
        }
        Value::List(items) => items.iter().map(plain).collect(),
        other => vec![plain(other)],
    };
    let lines = parts.iter().flat_map(|part| split_lines(part));
    let mut text: String = lines.flat_map(|line| [line.trim_end_matches('\r'), "\n"]).collect();
    if !newline {
        text.truncate(text.trim_end_matches('\n').trim_end_matches('\r').len());
    }
    Ok(Ok(text))
}

/// Text as it is, anything else as Python prints it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| repr(value), str::to_owned)
}

/// Lines without their ends, as Python's `splitlines` cuts them: at more characters than the newline.
fn split_lines(text: &str) -> Vec<&str> {
    const ENDS: [char; 10] =
        ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(ENDS) {
        lines.push(&rest[..end]);
        let after = &rest[end..];
        let width =
            if after.starts_with("\r\n") { 2 } else { after.chars().next().map_or(1, char::len_utf8) };
        rest = &after[width..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// The text in the encoding the state names; UTF-8 where it names none.
///
/// # Errors
/// An unknown encoding, or a character it does not have, as `encoding_errors` says.
pub fn encoded(text: &str, args: &Bound) -> Result<Vec<u8>, CallError> {
    let Some(encoding) = args.opt_str("encoding")?.filter(|name| !name.is_empty()) else {
        return Ok(text.as_bytes().to_vec());
    };
    let name = encoding.to_ascii_lowercase().replace(['_', ' '], "-");
    let limit = match name.as_str() {
        "utf-8" | "utf8" | "u8" => return Ok(text.as_bytes().to_vec()),
        "utf-8-sig" => return Ok([b"\xef\xbb\xbf", text.as_bytes()].concat()),
        "utf-16" => return Ok(utf_16(&format!("\u{feff}{text}"), u16::to_le_bytes)),
        "utf-16-le" | "utf-16le" => return Ok(utf_16(text, u16::to_le_bytes)),
        "utf-16-be" | "utf-16be" => return Ok(utf_16(text, u16::to_be_bytes)),
        "ascii" | "us-ascii" => 0x80,
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => 0x100,
        _ => {
            return Err(CallError::Failed(format!(
                "there is no encoding {encoding}; there are ascii, latin-1, utf-8, utf-8-sig, utf-16, utf-16-le and utf-16-be"
            )));
        }
    };
    let errors = args.str("encoding_errors")?;
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match (u32::from(c), errors.as_str()) {
            (code, _) if code < limit => bytes.push(code as u8),
            (_, "ignore") => {}
            (_, "replace") => bytes.push(b'?'),
            (code, "xmlcharrefreplace") => bytes.extend(format!("&#{code};").bytes()),
            (_, "backslashreplace") => {
                let mut escape = String::new();
                halite_render::repr::write_escape(c, &mut escape);
                bytes.extend(escape.bytes());
            }
            _ => return Err(CallError::Failed(format!("{encoding} has no character {c:?}"))),
        }
    }
    Ok(bytes)
}

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_get_one_end_each() {
        let of = |value: Value, newline| text(&value, newline).unwrap().unwrap();
        assert_eq!(of("a\r\nb".into(), true), "a\nb\n");
        assert_eq!(of("a\n\n".into(), false), "a");
        assert_eq!(of(Value::List(vec!["a".into(), 1.into(), Value::Bool(true)]), true), "a\n1\nTrue\n");
        assert_eq!(of("".into(), true), "");
        assert!(text(&Value::List(vec![]), true).is_err());
    }
}
