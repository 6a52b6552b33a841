//! `file.keyvalue`: lines of the form key, separator, value.

use super::{diff, named};
use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::{Bound, CallError, diff as unified, write};
use halite_wire::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};

pub fn keyvalue(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let path = named(args)?;
    let pairs = pairs(args)?;
    let creates = args.bool("create_if_missing");
    let old = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound && creates => String::new(),
        Err(error) => {
            let why = format!("cannot read {}: {error}", path.display());
            return Ok(if args.bool("ignore_if_missing") { Look::in_sync(why) } else { Look::cannot(why) });
        }
    };
    let mut edit = Edit::of(args, pairs)?;
    for line in unified::split_lines(&old) {
        edit.line(line);
    }
    if creates || args.bool("append_if_not_found") {
        edit.append();
    } else if args.bool("prepend_if_not_found") {
        edit.prepend();
    }
    Ok(edit.plan(path, args.bool("show_changes")))
}

/// Keys, and their values as text with the name of the type where it was none.
type Pairs = Vec<(String, String, Option<&'static str>)>;

fn pairs(args: &Bound) -> Result<Pairs, CallError> {
    let (key, value, many) = (args.get("key"), args.get("value"), args.get("key_values"));
    let given = match many {
        Value::Map(_) if !key.is_null() && !value.is_null() => {
            return Err(args.wrong("key and value exclude key_values"));
        }
        _ if !key.is_null() && !value.is_null() => Map::from([(key.clone(), value.clone())]),
        Value::Map(many) if !many.is_empty() => many.clone(),
        _ => return Err(args.wrong("key and value are needed, or a dictionary of them as key_values")),
    };
    let pair = |(key, value): (&Value, &Value)| {
        let text = as_text(value).unwrap_or_else(|| "None".to_owned());
        Some((as_text(key)?, text, python_type(value)))
    };
    Ok(given.iter().filter_map(pair).collect())
}

fn python_type(value: &Value) -> Option<&'static str> {
    match value {
        Value::Str(_) => None,
        Value::Bool(_) => Some("bool"),
        Value::Int(_) | Value::BigInt(_) => Some("int"),
        Value::Float(_) => Some("float"),
        Value::List(_) => Some("list"),
        Value::Map(_) => Some("dict"),
        Value::Bytes(_) => Some("bytes"),
        Value::Null => Some("NoneType"),
    }
}

/// A file under edit: its new lines, and the story of the changes.
struct Edit {
    pairs: Pairs,
    separator: String,
    /// Signs that make a line a comment; blanks where not given.
    signs: Option<Vec<char>>,
    ignore_key_case: bool,
    ignore_value_case: bool,
    /// How many lines each key may still have; all where negative.
    left: Vec<i64>,
    content: Vec<String>,
    story: Vec<String>,
    changes: usize,
}

impl Edit {
    fn of(args: &Bound, pairs: Pairs) -> Result<Edit, CallError> {
        let signs = args.opt_str("uncomment")?;
        Ok(Edit {
            left: vec![args.int("count")?; pairs.len()],
            pairs,
            separator: args.str("separator")?,
            signs: signs.map(|signs| signs.chars().collect()),
            ignore_key_case: args.bool("key_ignore_case"),
            ignore_value_case: args.bool("value_ignore_case"),
            content: Vec::new(),
            story: Vec::new(),
            changes: 0,
        })
    }

    fn line(&mut self, line: String) {
        let bare = match &self.signs {
            Some(signs) => line.trim_start_matches(&signs[..]),
            None => line.trim_start(),
        };
        let bare = bare.to_owned();
        let was_comment = bare.len() < line.len();
        let mut kept = line;
        for which in 0..self.pairs.len() {
            let Some((key, value)) = bare.split_once(self.separator.as_str()) else { continue };
            let fold = |key: &str| self.folded(key, self.ignore_key_case);
            if fold(key) == fold(&self.pairs[which].0) {
                kept = self.matched(which, kept, key, value, was_comment);
            }
        }
        self.content.push(kept);
    }

    fn folded(&self, text: &str, folds: bool) -> String {
        if folds { text.to_lowercase() } else { text.to_owned() }
    }

    /// The line of a key as it shall be; empty where it goes.
    fn matched(&mut self, which: usize, line: String, key: &str, value: &str, was_comment: bool) -> String {
        let (_, wanted, kind) = &self.pairs[which];
        let fold = |text: &str| self.folded(text.trim(), self.ignore_value_case);
        let is_right = fold(value) == fold(wanted);
        // Comments are only woken where the key still lacks a line.
        let changes = match self.left[which] {
            left if was_comment => left > 0,
            left => left == 0 || !is_right,
        };
        let mut kept = line;
        if changes {
            self.story.push(format!("- {kept}"));
            kept.clear();
            if self.left[which] != 0 {
                kept = format!("{key}{}{wanted}\n", self.separator);
                self.story.push(match kind {
                    Some(kind) => format!("+ {} (from {kind} type)\n", kept.trim_end()),
                    None => format!("+ {kept}"),
                });
            }
            self.changes += 1;
        }
        if self.left[which] > 0 {
            self.left[which] -= 1;
        }
        kept
    }

    /// Lines of keys that were found too seldom.
    fn missing(&self) -> Vec<String> {
        let lacking = self.pairs.iter().zip(&self.left).filter(|(_, left)| **left > 0);
        lacking.map(|((key, value, _), _)| format!("{key}{}{value}\n", self.separator)).collect()
    }

    fn append(&mut self) {
        let missing = self.missing();
        if missing.is_empty() {
            return;
        }
        self.changes += missing.len();
        self.story.push("- <EOF>\n".to_owned());
        self.story.extend(missing.iter().map(|line| format!("+ {line}")));
        self.story.push("+ <EOF>\n".to_owned());
        self.content.extend(missing);
    }

    fn prepend(&mut self) {
        for (at, line) in self.missing().into_iter().enumerate() {
            if at == 0 {
                self.story.insert(0, "  <SOF>\n".to_owned());
            }
            self.story.insert(1, format!("+ {line}"));
            self.content.insert(0, line);
            self.changes += 1;
        }
    }

    fn plan(self, path: PathBuf, shows: bool) -> Look {
        if self.changes == 0 {
            return Look::in_sync(format!("{} has the values", path.display()));
        }
        let changes = if shows { diff(self.story.concat()) } else { Map::new() };
        let (content, count) = (self.content.concat(), self.changes);
        Look::differs(
            format!("{count} lines of {} would be changed", path.display()),
            changes.clone(),
            move |_| {
                store(&path, &content)?;
                Ok(Applied::done(format!("changed {count} lines of {}", path.display()), changes))
            },
        )
    }
}

fn store(path: &Path, content: &str) -> Result<(), CallError> {
    if path.exists() {
        return halite_modules::file::edit::store(path, content.as_bytes(), true);
    }
    write::replace(path, content.as_bytes(), write::default_mode())
        .map_err(|error| CallError::failed(format!("cannot write {}: {error}", path.display())))
}
