//! `file.replace`: every match of a regular expression in a file.

use super::{edit, path};
use crate::args::as_text;
use crate::regex::{Flags, Kind, Pattern, escape, flags_from_value};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::Value;
use std::path::Path;

pub fn replace(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let given = path(args, "path")?;
    let adds = Adds::of(args)?;
    if !given.exists() && args.bool("ignore_if_missing") {
        return Ok(false.into());
    }
    let (path, old) = edit::load(&given)?;
    let flags = flags_from_value(args.get("flags"))?;
    let pattern = Pattern::search(&args.str("pattern")?, flags, Kind::Bytes)?;
    if args.bool("search_only") {
        return Ok(pattern.is_match(&old)?.into());
    }
    let new = edited(args, &pattern, flags, adds, &old)?;
    if new != old && !args.bool("dry_run") {
        if let Some(suffix) = backup_suffix(args.get("backup")) {
            edit::keep(&path, &suffix, &old)?;
            link_backup(&given, &path, &suffix);
        }
        edit::store(&path, &new, args.bool("preserve_inode"))?;
    }
    Ok(if args.bool("show_changes") { edit::differences(&old, &new).into() } else { (new != old).into() })
}

/// Where the content goes when nothing was found.
#[derive(Clone, Copy, PartialEq)]
enum Adds {
    Nowhere,
    First,
    Last,
}

impl Adds {
    fn of(args: &Bound) -> Result<Adds, CallError> {
        let (first, last) = (args.bool("prepend_if_not_found"), args.bool("append_if_not_found"));
        if first && last {
            return Err(args.wrong("append_if_not_found and prepend_if_not_found exclude each other"));
        }
        if (first || last) && args.bool("search_only") {
            return Err(
                args.wrong("search_only changes nothing, so nothing can be appended or prepended with it")
            );
        }
        Ok(if first {
            Adds::First
        } else if last {
            Adds::Last
        } else {
            Adds::Nowhere
        })
    }
}

/// What makes the name of a backup; none where there shall be no backup.
pub fn backup_suffix(backup: &Value) -> Option<String> {
    as_text(backup).filter(|_| backup.is_truthy())
}

/// A backup of what a link leads to is found beside the link, too.
fn link_backup(given: &Path, path: &Path, suffix: &str) {
    if !given.is_symlink() {
        return;
    }
    let beside = |path: &Path| format!("{}{suffix}", path.display());
    let (link, target) = (beside(given), beside(path));
    if link != target {
        let _ = std::fs::remove_file(&link);
        let _ = std::os::unix::fs::symlink(target, link);
    }
}

fn edited(
    args: &Bound,
    pattern: &Pattern,
    flags: Flags,
    adds: Adds,
    old: &[u8],
) -> Result<Vec<u8>, CallError> {
    let repl = as_text(args.get("repl")).unwrap_or_else(|| "None".to_owned());
    let template = if args.bool("backslash_literal") { repl.replace('\\', r"\\") } else { repl.clone() };
    let most = usize::try_from(args.int("count")?).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
    let (mut new, count) = pattern.replace(old, &template, most)?;
    if adds == Adds::Nowhere || count > 0 {
        return Ok(new);
    }
    let content = args.opt_str("not_found_content")?.filter(|content| !content.is_empty()).unwrap_or(repl);
    let whole_line = Pattern::search(&format!("^{}($|(?=\r\n))", escape(&content)), flags, Kind::Bytes)?;
    if whole_line.is_match(old)? {
        return Ok(new);
    }
    if adds == Adds::First {
        return Ok([content.as_bytes(), b"\n", &new].concat());
    }
    if new.last().is_some_and(|last| *last != b'\n') {
        new.push(b'\n');
    }
    new.extend_from_slice(format!("{content}\n").as_bytes());
    Ok(new)
}
