//! `file.append` and `file.prepend`: texts a file must have, put in where it lacks them.

use super::{absent, diff, named, source};
use crate::{Applied, Look, StateCtx};
use halite_modules::regex::{Flags, Kind, Pattern, escape};
use halite_modules::{Args, Bound, CallError, args::as_text, call, diff as unified, paths};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

pub fn append(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let file = match File::of(state, args)? {
        Ok(file) => file,
        Err(look) => return Ok(look),
    };
    let mut lines = Vec::new();
    for text in &file.texts {
        let source = if args.bool("ignore_whitespace") { loosely(text) } else { text.clone() };
        if !file.has(&source)? {
            lines.extend(split(text));
        }
    }
    let old = split(&file.content);
    let new = [old.as_slice(), &lines].concat();
    let diff = if old == new { Map::new() } else { diff(joined_diff(&old, &new)) };
    Ok(file.put("file.append", lines, diff))
}

pub fn prepend(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let file = match File::of(state, args)? {
        Ok(file) => file,
        Err(look) => return Ok(look),
    };
    let mut lines = Vec::new();
    let header = args.bool("header");
    for text in &file.texts {
        if header || !file.has(&loosely(text))? {
            lines.extend(split(text));
        }
    }
    if header && split(&file.content).starts_with(&lines) {
        lines.clear();
    }
    let added: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let new = format!("{added}{}", file.content);
    let shown = unified::unified(&unified::split_lines(&file.content), &unified::split_lines(&new), ("", ""));
    let diff = if shown.is_empty() { Map::new() } else { diff(shown) };
    Ok(file.put("file.prepend", lines, diff))
}

/// The file a text goes into.
struct File {
    path: PathBuf,
    content: String,
    texts: Vec<String>,
    is_new: bool,
    makedirs: bool,
}

impl File {
    /// `Err` is the answer where the file is not there and cannot be made, or is made with `test=True`.
    fn of(state: &mut StateCtx, args: &Bound) -> Result<Result<File, Look>, CallError> {
        let (path, makedirs) = (named(args)?, args.bool("makedirs"));
        let is_new = match absent(&path) {
            Some(why) if !path.is_absolute() => return Ok(Err(Look::cannot(why))),
            why => why.is_some(),
        };
        if is_new && !state.test && !makedirs && !path.parent().is_some_and(Path::is_dir) {
            let why = format!("the directory of '{}' is not there; makedirs makes it", path.display());
            return Ok(Err(Look::cannot(why)));
        }
        let content = if is_new {
            String::new()
        } else {
            let bytes = std::fs::read(&path);
            let bytes = bytes.map_err(|error| CallError::failed(format!("{}: {error}", path.display())))?;
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let mut texts = source::texts(state, args)?;
        if texts.is_empty() {
            texts = given(args);
        }
        Ok(Ok(File { path, content, texts, is_new, makedirs }))
    }

    fn has(&self, source: &str) -> Result<bool, CallError> {
        let flags = Flags { multi_line: true, ..Flags::default() };
        Ok(Pattern::search(source, flags, Kind::Bytes)?.is_match(self.content.as_bytes())?)
    }

    /// The plan: make the file where it is new, put in the lines.
    fn put(self, fun: &'static str, lines: Vec<String>, diff: Map) -> Look {
        let name = self.path.display().to_string();
        if lines.is_empty() && !self.is_new {
            return Look::in_sync(format!("{name} has the text"));
        }
        let shown =
            if self.is_new { Map::from([("new", paths::to_value(&self.path))]) } else { diff.clone() };
        Look::differs(format!("{name} would get {} lines", lines.len()), shown, move |state| {
            self.make(state)?;
            let count = lines.len();
            if count > 0 {
                let args = Args::of([paths::to_value(&self.path)]).with("args", lines);
                call(state.ctx, fun, args)?;
            }
            Ok(Applied::done(format!("put {count} lines into {name}"), diff))
        })
    }

    fn make(&self, state: &mut StateCtx) -> Result<(), CallError> {
        let path = || Args::of([paths::to_value(&self.path)]);
        if self.makedirs {
            call(state.ctx, "file.makedirs", path())?;
        }
        if self.is_new {
            call(state.ctx, "file.touch", path())?;
        }
        Ok(())
    }
}

/// `text`: one text or several.
fn given(args: &Bound) -> Vec<String> {
    let text = |value: &Value| as_text(value).unwrap_or_else(|| "None".to_owned());
    match args.get("text") {
        Value::List(texts) => texts.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

/// Lines without their ends.
fn split(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// An expression that fits the text whatever blanks stand between its words.
fn loosely(text: &str) -> String {
    const BLANKS: &str = r"(?:[\s]+)?";
    // Words in double quotes hold together only where single quotes are about, too.
    let quotes = text.contains('\'') && text.contains('"') && !text.contains("'\\\"");
    let line = |line: &str| {
        let words: Vec<String> = words(line, quotes).iter().map(|word| escape(word)).collect();
        format!("{BLANKS}{}{BLANKS}", words.join(BLANKS))
    };
    format!("(?m)^{}$", text.lines().map(line).collect::<String>())
}

fn words(line: &str, quotes: bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let closing = rest.get(1..).and_then(|inner| inner.find('"')).filter(|_| quotes && first == '"');
        let end = match closing {
            Some(at) => at + 2,
            None => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        };
        words.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    words
}

/// A diff of lines without ends, its parts joined by line ends: so the head lines are followed by empty ones.
fn joined_diff(old: &[String], new: &[String]) -> String {
    let ended = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>();
    let diff = unified::unified(&ended(old), &ended(new), ("", ""));
    let is_head = |at: usize, line: &str| at < 2 || line.starts_with('@');
    let parts: Vec<String> = diff
        .lines()
        .enumerate()
        .map(|(at, line)| if is_head(at, line) { format!("{line}\n") } else { line.to_owned() })
        .collect();
    parts.join("\n")
}
