//! Filters between data and text: YAML, JSON, Python.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::json::{self, Style};
use super::super::run::{Interp, read_data};
use super::super::syntax::Format;
use super::super::value::{Val, text, to_wire};
use super::Filter;
use super::pretty::pretty;
use crate::yaml::{self, DumpOptions, Flow};

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("json", to_json),
    ("load_json", |_, value, _| read_data(Format::Json, &text(&value), "the value")),
    ("load_text", |_, value, _| Ok(Val::Str(text(&value)))),
    ("load_yaml", |_, value, _| read_data(Format::Yaml, &text(&value), "the value")),
    ("pprint", |_, value, _| Ok(Val::from(pretty(&value)))),
    ("python", |_, value, _| Ok(Val::from(pretty(&value)))),
    ("tojson", tojson),
    ("yaml", to_yaml),
    ("yaml_dquote", yaml_dquote),
    ("yaml_encode", yaml_encode),
    ("yaml_squote", yaml_squote),
];

fn to_json(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let sort_keys = args.flag("sort_keys", true)?;
    let indent = args.take("indent").and_then(|indent| indent.as_int());
    let indent = indent.and_then(|indent| usize::try_from(indent).ok());
    json::write(&value, Style { indent, sort_keys, ..Style::default() }).map(Val::from)
}

/// JSON that may stand inside HTML.
fn tojson(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let indent = args.take("indent").and_then(|indent| indent.as_int());
    let indent = indent.and_then(|indent| usize::try_from(indent).ok());
    let sort_keys = args.flag("sort_keys", false)?;
    let written = json::write(&value, Style { indent, sort_keys, ascii: true, ..Style::default() })?;
    let escaped = written.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    Ok(Val::from(escaped.replace('\'', "\\u0027")))
}

fn to_yaml(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let flow = if args.flag("flow_style", true)? { Flow::Always } else { Flow::Never };
    Ok(Val::from(written(&value, flow)?))
}

fn written(value: &Val, flow: Flow) -> Outcome<String> {
    let text = yaml::dump_with(&to_wire(value)?, DumpOptions { flow, ..DumpOptions::default() });
    let text = text.trim();
    Ok(text.strip_suffix("\n...").unwrap_or(text).to_owned())
}

/// In double quotes, in ASCII with the escapes YAML knows.
fn yaml_dquote(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let mut out = String::from("\"");
    for c in text(&value).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            ' '..='~' => out.push(c),
            c if u32::from(c) <= 0xff => out.push_str(&format!("\\x{:02X}", u32::from(c))),
            c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    out.push('"');
    Ok(Val::from(out))
}

/// In single quotes; a line break becomes an empty line, as YAML folds it.
fn yaml_squote(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    Ok(Val::from(format!("'{}'", text(&value).replace('\'', "''").replace('\n', "\n\n"))))
}

/// A scalar as it is written in YAML; text always in quotes.
fn yaml_encode(interp: &mut Interp, value: Val, args: Args) -> Outcome<Val> {
    match &value {
        Val::Str(_) => yaml_dquote(interp, value, args),
        Val::List(_) | Val::Tuple(_) | Val::Dict(_) | Val::Object(_) => {
            Err(Fault::of_type(format!("a single value is written here, not {}", value.kind()))
                .hinted("the filters yaml and json write lists and dicts"))
        }
        _ => written(&value, Flow::Always).map(Val::from),
    }
}
