//! Values to YAML, byte for byte as Salt's `safe_dump` writes them.

use super::tag::Tag;
use super::{resolve, sort};
use crate::{base64, repr};
use halite_wire::{Map, Value};
use libyaml_safer::{Emitter, Event, MappingStyle, ScalarStyle, SequenceStyle};
use std::borrow::Cow;

/// Where lists and maps are written in one line: `[a, b]`, `{a: b}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Never,
    Always,
    /// Those that hold nothing but scalars.
    Leaves,
}

/// How to write. The default is what outputs use: blocks, two spaces, keys in order.
#[derive(Clone, Copy, Debug)]
pub struct DumpOptions {
    pub flow: Flow,
    /// Columns per level, 2 to 9; anything else means 2.
    pub indent: i32,
    /// Keys in order where they can be compared (Salt's habit with plain dicts), else as they stand.
    pub sort_keys: bool,
}

impl Default for DumpOptions {
    fn default() -> DumpOptions {
        DumpOptions { flow: Flow::Never, indent: 2, sort_keys: true }
    }
}

/// `value` as a YAML document that ends in a line break. A bare scalar is followed by a line `...`.
pub fn dump(value: &Value) -> String {
    dump_with(value, DumpOptions::default())
}

/// Like [`dump`], with another style.
pub fn dump_with(value: &Value, options: DumpOptions) -> String {
    let mut out = Vec::new();
    // Writing to memory does not fail, and the events below are always in order.
    let escaped = Dumper::write(value, options, &mut out).unwrap_or_default();
    with_escapes(&String::from_utf8(out).unwrap_or_default(), &escaped)
}

/// Stands for a character above U+FFFF: Salt's writer escapes those in ten columns, ours would write them as they
/// are. It escapes the first of this in six, so with the digits long lines break where Salt's do.
const STAND_IN: &str = "\u{FFFE}0000";
const STAND_IN_WRITTEN: &str = "\\uFFFE0000";

fn is_wide(c: char) -> bool {
    c > '\u{FFFF}'
}

/// Whether some text could be taken for a written stand-in; then there are none.
fn looks_like_stand_in(value: &Value) -> bool {
    match value {
        Value::Str(text) => text.contains('\u{FFFE}') || text.contains("\\uFFFE"),
        Value::List(items) => items.iter().any(looks_like_stand_in),
        Value::Map(map) => {
            map.iter().any(|(key, value)| looks_like_stand_in(key) || looks_like_stand_in(value))
        }
        _ => false,
    }
}

/// Puts the escapes of `escaped` where the stand-ins are, in order.
fn with_escapes(text: &str, escaped: &[char]) -> String {
    let mut parts = text.split(STAND_IN_WRITTEN);
    let mut out = parts.next().unwrap_or("").to_owned();
    for (part, &c) in parts.zip(escaped) {
        out.push_str(&format!("\\U{:08X}{part}", u32::from(c)));
    }
    out
}

struct Dumper<'w> {
    emitter: Emitter<'w>,
    options: DumpOptions,
    /// What each [`STAND_IN`] stands for, in the order written; `None` where none may be used.
    escaped: Option<Vec<char>>,
}

type Emitted = libyaml_safer::Result<()>;

impl<'w> Dumper<'w> {
    fn write(value: &Value, options: DumpOptions, out: &'w mut Vec<u8>) -> libyaml_safer::Result<Vec<char>> {
        let mut emitter = Emitter::new();
        emitter.set_output_string(out);
        emitter.set_unicode(true);
        emitter.set_indent(options.indent);
        emitter.emit(Event::stream_start(libyaml_safer::Encoding::Utf8))?;
        emitter.emit(Event::document_start(None, &[], true))?;
        let escaped = (!looks_like_stand_in(value)).then(Vec::new);
        let mut dumper = Dumper { emitter, options, escaped };
        dumper.value(value)?;
        dumper.emitter.emit(Event::document_end(true))?;
        dumper.emitter.emit(Event::stream_end())?;
        dumper.emitter.flush()?;
        Ok(dumper.escaped.unwrap_or_default())
    }

    fn value(&mut self, value: &Value) -> Emitted {
        match value {
            Value::Null => self.plain(Tag::Null, "null"),
            Value::Bool(flag) => self.plain(Tag::Bool, if *flag { "true" } else { "false" }),
            Value::Int(number) => self.plain(Tag::Int, &number.to_string()),
            Value::BigInt(digits) => self.plain(Tag::Int, digits),
            Value::Float(number) => self.plain(Tag::Float, &float(*number)),
            Value::Str(text) => self.plain(Tag::Str, text),
            Value::Bytes(bytes) => self.binary(bytes),
            Value::List(items) => self.list(items),
            Value::Map(map) => self.map(map),
        }
    }

    fn plain(&mut self, tag: Tag, text: &str) -> Emitted {
        let as_plain = !resolve::only_the_writer_quotes(text) && resolve::plain(text) == tag;
        let uri = format!("tag:yaml.org,2002:{}", tag.spelling().trim_start_matches('!'));
        let quoted = tag == Tag::Str;
        let mut text = Cow::Borrowed(text);
        if let Some(escaped) = &mut self.escaped
            && text.contains(is_wide)
        {
            escaped.extend(text.chars().filter(|&c| is_wide(c)));
            text = Cow::Owned(text.replace(is_wide, STAND_IN));
        }
        self.emitter.emit(Event::scalar(None, Some(&uri), &text, as_plain, quoted, ScalarStyle::Any))
    }

    fn binary(&mut self, bytes: &[u8]) -> Emitted {
        const BYTES_PER_LINE: usize = 57;
        let text: String = bytes.chunks(BYTES_PER_LINE).map(|line| base64::encode(line) + "\n").collect();
        let uri = Some("tag:yaml.org,2002:binary");
        self.emitter.emit(Event::scalar(None, uri, &text, false, false, ScalarStyle::Literal))
    }

    fn list(&mut self, items: &[Value]) -> Emitted {
        let style = match self.in_one_line(items.iter()) {
            true => SequenceStyle::Flow,
            false => SequenceStyle::Block,
        };
        self.emitter.emit(Event::sequence_start(None, None, true, style))?;
        items.iter().try_for_each(|item| self.value(item))?;
        self.emitter.emit(Event::sequence_end())
    }

    fn map(&mut self, map: &Map) -> Emitted {
        let style = match self.in_one_line(map.values().chain(map.keys())) {
            true => MappingStyle::Flow,
            false => MappingStyle::Block,
        };
        self.emitter.emit(Event::mapping_start(None, None, true, style))?;
        let mut entries: Vec<_> = map.iter().collect();
        if self.options.sort_keys {
            sort::by_key(&mut entries);
        }
        for (key, value) in entries {
            self.value(key)?;
            self.value(value)?;
        }
        self.emitter.emit(Event::mapping_end())
    }

    fn in_one_line<'v>(&self, mut parts: impl Iterator<Item = &'v Value>) -> bool {
        match self.options.flow {
            Flow::Never => false,
            Flow::Always => true,
            Flow::Leaves => {
                parts.all(|part| !matches!(part, Value::List(_) | Value::Map(_) | Value::Bytes(_)))
            }
        }
    }
}

/// A float that reads back as one: a point stands before the `e`.
fn float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = repr::float(number);
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}
