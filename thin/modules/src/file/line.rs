//! `file.line`: one line of a file, found by an expression or by its neighbours.

use super::{edit, path};
use crate::linux::clock::{self, Civil};
use crate::regex::{Flags, Kind, Pattern};
use crate::registry::CallError;
use crate::{Bound, Ctx, paths};
use halite_wire::Value;
use std::path::Path;

/// What to do with the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Insert,
    Ensure,
    Delete,
    Replace,
}

impl Mode {
    fn of(args: &Bound) -> Result<Mode, CallError> {
        match args.opt_str("mode")?.map(|mode| mode.to_lowercase()).as_deref() {
            Some("insert") => Ok(Mode::Insert),
            Some("ensure") => Ok(Mode::Ensure),
            Some("delete") => Ok(Mode::Delete),
            Some("replace") => Ok(Mode::Replace),
            Some(other) => Err(CallError::failed(format!(
                "unknown mode '{other}'; there are ensure, replace, insert and delete"
            ))),
            None => Err(CallError::failed("a mode is needed: ensure, replace, insert or delete")),
        }
    }
}

pub fn line(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = paths::realpath(&path(args, "path")?);
    if !path.is_file() {
        if args.bool("quiet") {
            return Ok(false.into());
        }
        return Err(CallError::failed(format!("there is no file '{}'", path.display())));
    }
    let old = edit::lines(&read(&path)?);
    let new = Edit::of(args, &old)?.made()?;
    let changed = new != old;
    if changed && !ctx.opts.get("test").is_some_and(Value::is_truthy) {
        if args.bool("backup") {
            edit::keep(&path, &format!(".{}", moment()), old.concat().as_bytes())?;
        }
        edit::store(&path, new.concat().as_bytes(), false)?;
    }
    let diff = edit::differences(old.concat().as_bytes(), new.concat().as_bytes());
    Ok(if changed && args.bool("show_changes") { diff.into() } else { changed.into() })
}

/// Now, on this host's clock, as it stands in a backup's name.
fn moment() -> String {
    let now = clock::now();
    let offset = clock::offset_at(&crate::linux::Root::default(), now);
    Civil::of(now + offset.seconds).format("%Y-%m-%d-%H-%M-%S", &offset)
}

fn read(path: &Path) -> Result<Vec<u8>, CallError> {
    std::fs::read(path).map_err(super::could_not("read", path))
}

/// Lines under edit, and what is asked for.
struct Edit {
    lines: Vec<String>,
    mode: Mode,
    content: String,
    location: Option<String>,
    indent: bool,
    /// Lines found by each expression; `None` where there is no such expression.
    found: Option<Vec<String>>,
    before: Option<Vec<String>>,
    after: Option<Vec<String>>,
}

impl Edit {
    fn of(args: &Bound, old: &[String]) -> Result<Edit, CallError> {
        let mode = Mode::of(args)?;
        let content = args.opt_str("content")?;
        if mode != Mode::Delete && content.is_none() {
            return Err(CallError::failed("only the mode delete can do without content"));
        }
        let mut lines = old.to_vec();
        // The empty line behind the last line end is where a line at the end goes.
        if lines.last().is_some_and(|last| !end_of(last).is_empty()) {
            lines.push(String::new());
        }
        let (before, after) = (args.opt_str("before")?, args.opt_str("after")?);
        let wanted = args.opt_str("match")?.filter(|wanted| !wanted.is_empty());
        let wanted = wanted.or_else(|| content.clone().filter(|_| before.is_none() && after.is_none()));
        Ok(Edit {
            found: matching(&lines, wanted.as_deref())?,
            before: matching(&lines, before.as_deref())?,
            after: matching(&lines, after.as_deref())?,
            location: args.opt_str("location")?.filter(|location| !location.is_empty()),
            content: content.unwrap_or_default(),
            indent: args.bool("indent"),
            lines,
            mode,
        })
    }

    fn made(mut self) -> Result<Vec<String>, CallError> {
        match (self.mode, self.found.as_deref().and_then(<[String]>::first).cloned()) {
            (Mode::Delete, Some(found)) => self.lines.retain(|line| *line != found),
            (Mode::Replace, Some(found)) => {
                let at = self.place_of(&found);
                self.lines[at] = self.indented(&found);
            }
            (Mode::Delete | Mode::Replace, None) => {}
            (Mode::Insert, _) => self.insert()?,
            (Mode::Ensure, _) => self.ensure()?,
        }
        Ok(closed(self.lines))
    }

    fn insert(&mut self) -> Result<(), CallError> {
        match self.location.as_deref() {
            Some("end") => {
                let line = self.lines.last().map_or_else(|| self.content.clone(), |last| self.indented(last));
                self.lines.push(line);
            }
            Some("start") => {
                let end = self.lines.first().map(|first| end_of(first)).filter(|end| !end.is_empty());
                let line = match (self.lines.is_empty(), end) {
                    (true, _) => format!("{}\n", self.content),
                    (false, end) => format!("{}{}", self.content.trim_end(), end.unwrap_or("\n")),
                };
                self.lines.insert(0, line);
            }
            Some(_) => {}
            None if self.before.is_none() && self.after.is_none() => {
                return Err(CallError::failed("insert needs a location, or a line before or after"));
            }
            None => self.insert_at_neighbour()?,
        }
        Ok(())
    }

    fn insert_at_neighbour(&mut self) -> Result<(), CallError> {
        match (self.has(&self.before), self.has(&self.after)) {
            (true, true) => {
                self.only("after")?;
                let at = self.only("before")?;
                self.lines.insert(at, self.indented(&self.lines[at]));
            }
            (false, true) => self.put_after()?,
            (true, false) => {
                let at = self.only("before")?;
                if !self.is_content(at.checked_sub(1).or(self.lines.len().checked_sub(1))) {
                    self.lines.insert(at, self.indented(&self.lines[at]));
                }
            }
            (false, false) => {
                return Err(CallError::failed("neither the line before nor the line after was found"));
            }
        }
        Ok(())
    }

    fn ensure(&mut self) -> Result<(), CallError> {
        match (self.has(&self.before), self.has(&self.after)) {
            (true, true) => self.ensure_between()?,
            (false, true) => self.put_after()?,
            (true, false) => {
                let at = self.only("before")?;
                if at == 0 || !self.is_content(at.checked_sub(1)) {
                    let above = at.checked_sub(1).unwrap_or(self.lines.len() - 1);
                    self.lines.insert(at, self.indented(&self.lines[above]));
                }
            }
            (false, false) => {
                return Err(CallError::failed("ensure needs a line before or after that is in the file"));
            }
        }
        Ok(())
    }

    fn ensure_between(&mut self) -> Result<(), CallError> {
        let (after, before) = (self.only("after")?, self.only("before")?);
        if self.lines.iter().any(|line| line.trim_start() == self.content) {
            return Ok(());
        }
        let line = self.indented(&self.lines[after]);
        match before.checked_sub(after) {
            Some(1) => self.lines.insert(before, line),
            Some(2) => self.lines[after + 1] = line,
            _ => return Err(CallError::failed("there is more than one line between 'before' and 'after'")),
        }
        Ok(())
    }

    fn put_after(&mut self) -> Result<(), CallError> {
        let at = self.only("after")?;
        if !self.is_content(Some(at + 1)) {
            self.lines.insert(at + 1, self.indented(&self.lines[at]));
        }
        Ok(())
    }

    fn has(&self, found: &Option<Vec<String>>) -> bool {
        found.as_ref().is_some_and(|found| !found.is_empty())
    }

    /// Where the one line of this expression is.
    fn only(&self, which: &str) -> Result<usize, CallError> {
        let found = if which == "before" { &self.before } else { &self.after };
        match found.as_deref().unwrap_or_default() {
            [one] => Ok(self.place_of(one)),
            lines => Err(CallError::failed(format!("'{which}' must fit one line, and fits {}", lines.len()))),
        }
    }

    fn place_of(&self, line: &str) -> usize {
        self.lines.iter().position(|other| other == line).unwrap_or(0)
    }

    fn is_content(&self, at: Option<usize>) -> bool {
        let ends = ['\r', '\n'];
        at.and_then(|at| self.lines.get(at))
            .is_some_and(|line| line.trim_end_matches(ends) == self.content.trim_end_matches(ends))
    }

    /// The content, as deep as `model` is where lines shall be indented.
    fn indented(&self, model: &str) -> String {
        if !self.indent {
            return self.content.clone();
        }
        let depth = model.len() - model.trim_start_matches([' ', '\t']).len();
        format!("{}{}", &model[..depth], self.content.trim_start())
    }
}

/// Lines an expression is found in, be it as a pattern or as it stands. No lines or no expression: `None`.
fn matching(lines: &[String], source: Option<&str>) -> Result<Option<Vec<String>>, CallError> {
    let Some(source) = source.filter(|source| !source.is_empty() && !lines.is_empty()) else {
        return Ok(None);
    };
    let pattern = Pattern::search(source, Flags { dot_all: true, ..Flags::default() }, Kind::Text)?;
    let mut found = Vec::new();
    for line in lines {
        if pattern.is_match(line.as_bytes())? || line.contains(source) {
            found.push(line.clone());
        }
    }
    Ok(Some(found))
}

fn end_of(line: &str) -> &str {
    ["\r\n", "\n", "\r"].into_iter().find(|end| line.ends_with(end)).unwrap_or("")
}

/// Every line but the last gets an end, that of the line before it (the first: after it).
fn closed(mut lines: Vec<String>) -> Vec<String> {
    for at in 0..lines.len().saturating_sub(1) {
        if end_of(&lines[at]).is_empty() {
            let model = at.checked_sub(1).unwrap_or(1);
            let end = Some(end_of(&lines[model])).filter(|end| !end.is_empty()).unwrap_or("\n");
            lines[at] = format!("{}{end}", lines[at].trim_end());
        }
    }
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}
