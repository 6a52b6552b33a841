//! `file.blockreplace`: the text between two marker lines.

use super::{edit, path};
use crate::regex::{Flags, Kind, Pattern};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::Value;

pub fn blockreplace(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let block = Block::of(args)?;
    let (path, old) = edit::load(&path(args, "path")?)?;
    let lines = edit::lines(&old);
    let new = block.replaced(&lines)?;
    let (before, after) = (lines.concat(), new.concat());
    if before != after && !args.bool("dry_run") {
        if let Some(suffix) = super::replace::backup_suffix(args.get("backup")) {
            edit::keep(&path, &suffix, &old)?;
        }
        edit::store(&path, after.as_bytes(), false)?;
    }
    Ok(if args.bool("show_changes") {
        edit::differences(before.as_bytes(), after.as_bytes()).into()
    } else {
        (before != after).into()
    })
}

/// Where the block goes when its markers are not there.
enum Adds {
    Nowhere,
    First,
    Last,
    Before(Pattern),
    After(Pattern),
}

struct Block {
    start: String,
    end: String,
    content: String,
    /// Whether the end marker has a line of its own even where the content has no line end.
    append_newline: bool,
    adds: Adds,
}

impl Block {
    fn of(args: &Bound) -> Result<Block, CallError> {
        let content = args.str("content")?;
        let newline = args.get("append_newline");
        Ok(Block {
            start: args.str("marker_start")?,
            end: args.str("marker_end")?,
            append_newline: if newline.is_null() {
                !content.ends_with('\n')
            } else {
                args.bool("append_newline")
            },
            content,
            adds: adds(args)?,
        })
    }

    /// # Errors
    /// The block has no end, or there is none and nothing says where it goes.
    fn replaced(&self, lines: &[String]) -> Result<Vec<String>, CallError> {
        let end = if lines.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
        let (mut new, mut inside, mut found) = (Vec::new(), false, false);
        for line in lines {
            if line.contains(&self.start) {
                inside = true;
            } else if inside {
                if let Some(at) = line.find(&self.end) {
                    (inside, found) = (false, true);
                    new.extend(self.body(end, &line[at..]));
                }
                continue;
            }
            new.push(line.clone());
        }
        if inside {
            return Err(CallError::failed("the marked block has no end marker"));
        }
        if !found {
            self.add(&mut new, end)?;
        }
        Ok(new)
    }

    /// The content and the line with the end marker.
    fn body(&self, end: &str, last: &str) -> Vec<String> {
        let content = self.content.replace("\r\n", "\n");
        let last = last.trim_end_matches(['\r', '\n']);
        let text =
            if self.append_newline { format!("{content}\n{last}\n") } else { format!("{content}{last}\n") };
        text.split_inclusive('\n').map(|line| line.replace('\n', end)).collect()
    }

    fn add(&self, lines: &mut Vec<String>, end: &str) -> Result<(), CallError> {
        let at = match &self.adds {
            Adds::First => Some(0),
            Adds::Last => {
                if let Some(last) = lines.last_mut().filter(|last| !last.ends_with(end)) {
                    last.push_str(end);
                }
                Some(lines.len())
            }
            Adds::Before(pattern) => first_match(pattern, lines)?,
            Adds::After(pattern) => first_match(pattern, lines)?.map(|at| at + 1),
            Adds::Nowhere => None,
        };
        let at = at.ok_or_else(|| {
            CallError::failed("the markers are not in the file, and nothing says where the block goes")
        })?;
        let mut whole = vec![format!("{}{end}", self.start)];
        whole.extend(self.body(end, &self.end));
        lines.splice(at..at, whole);
        Ok(())
    }
}

fn first_match(pattern: &Pattern, lines: &[String]) -> Result<Option<usize>, CallError> {
    for (at, line) in lines.iter().enumerate() {
        if pattern.is_match(line.as_bytes())? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn adds(args: &Bound) -> Result<Adds, CallError> {
    let ways = ["append_if_not_found", "prepend_if_not_found", "insert_before_match", "insert_after_match"];
    let given: Vec<&str> = ways.into_iter().filter(|way| args.get(way).is_truthy()).collect();
    let pattern = |name: &str| -> Result<Pattern, CallError> {
        Ok(Pattern::search(&args.str(name)?, Flags::default(), Kind::Text)?)
    };
    Ok(match given.as_slice() {
        [] => Adds::Nowhere,
        ["append_if_not_found"] => Adds::Last,
        ["prepend_if_not_found"] => Adds::First,
        ["insert_before_match"] => Adds::Before(pattern("insert_before_match")?),
        ["insert_after_match"] => Adds::After(pattern("insert_after_match")?),
        several => return Err(args.wrong(format!("{} exclude each other", several.join(" and ")))),
    })
}
