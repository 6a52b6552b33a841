//! `file.tidied` and `file.pruned`: what is old, large or empty goes.

use super::{clean, expanded, named, shown};
use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::regex::{Flags, Kind, Pattern};
use halite_modules::{Args, Bound, CallError, call, paths};
use halite_wire::{Map, Value};
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_SECONDS: i64 = 86_400;

/// What `tidied` removes.
struct Rules {
    age_days: i64,
    size: u64,
    matches: Vec<Pattern>,
    exclude: Vec<Pattern>,
    rmdirs: bool,
    rmlinks: bool,
    whole_path: bool,
    follow: bool,
    time: fn(&Metadata) -> i64,
    /// Whether age and size decide: both must hold, one of them, or one alone.
    decide: fn(bool, bool) -> bool,
}

pub fn tidied(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = match named(args)? {
        Ok(name) if !name.is_dir() => return Ok(Look::cannot(format!("{} is no directory", name.display()))),
        Ok(name) => name,
        Err(look) => return Ok(look),
    };
    let rules = Rules::of(args)?;
    let mut found = Vec::new();
    rules.find(&name, &mut found)?;
    if found.is_empty() {
        return Ok(Look::in_sync(format!("nothing in {} is to be removed", name.display())));
    }
    let changes = Map::from([("removed", found.iter().map(|path| shown(path)).collect::<Value>())]);
    Ok(Look::differs(format!("{} things would be removed", found.len()), changes.clone(), move |_| {
        // A directory that goes takes what is in it along.
        let gone = |path: &Path| path.symlink_metadata().is_err();
        found.iter().filter(|path| !gone(path)).try_for_each(|path| clean::remove(path))?;
        Ok(Applied::done(format!("{} things were removed from {}", found.len(), name.display()), changes))
    }))
}

impl Rules {
    fn of(args: &Bound) -> Result<Rules, CallError> {
        let word = |name: &str| args.opt_str(name).map(|word| word.unwrap_or_default().to_lowercase());
        let compile = |name: &str| -> Result<Vec<Pattern>, CallError> {
            let texts = args.get(name).as_list().unwrap_or_default().iter().filter_map(as_text);
            texts.map(|text| Ok(Pattern::prefix(&text, Flags::default(), Kind::Text)?)).collect()
        };
        let mut matches = compile("matches")?;
        if args.get("matches").is_null() {
            matches.push(Pattern::prefix(".*", Flags::default(), Kind::Text)?);
        }
        Ok(Rules {
            age_days: args.int("age")?,
            size: size(args.get("size")),
            matches,
            exclude: compile("exclude")?,
            rmdirs: args.bool("rmdirs"),
            rmlinks: args.bool("rmlinks"),
            whole_path: args.bool("full_path_match"),
            follow: args.bool("followlinks"),
            time: match word("time_comparison")?.as_str() {
                "ctime" => MetadataExt::ctime,
                "mtime" => MetadataExt::mtime,
                _ => MetadataExt::atime,
            },
            decide: match (word("age_size_only")?.as_str(), word("age_size_logical_operator")?.as_str()) {
                ("age", _) => |old, _| old,
                ("size", _) => |_, large| large,
                (_, "and") => |old, large| old && large,
                _ => |old, large| old || large,
            },
        })
    }

    /// From the bottom up, so that directories come after what is in them; files before directories.
    fn find(&self, folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), CallError> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
        for inner in folders.iter().filter(|path| self.follow || !path.is_symlink()) {
            self.find(inner, found)?;
        }
        for path in files.into_iter().chain(folders) {
            if self.takes(&path)? {
                found.push(path);
            }
        }
        Ok(())
    }

    fn takes(&self, path: &Path) -> Result<bool, CallError> {
        let is_link = path.is_symlink();
        let meta = if is_link { path.symlink_metadata() } else { path.metadata() };
        let Ok(meta) = meta else { return Ok(false) };
        let wanted = if is_link { self.rmlinks } else { !meta.is_dir() || self.rmdirs };
        let size = if is_link || meta.is_dir() { 0 } else { meta.size() };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
        // Days of the calendar, not spans of 24 hours.
        let days = (now.div_euclid(DAY_SECONDS) - (self.time)(&meta).div_euclid(DAY_SECONDS)).abs();
        if !wanted || !(self.decide)(days >= self.age_days, size >= self.size) {
            return Ok(false);
        }
        let name = if self.whole_path { path.as_os_str() } else { path.file_name().unwrap_or_default() };
        let any = |patterns: &[Pattern]| -> Result<bool, CallError> {
            for pattern in patterns {
                if pattern.is_match(name.as_bytes())? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok(any(&self.matches)? && !any(&self.exclude)?)
    }
}

/// Bytes of a number, or of text like `10M`, `1.5 GiB`, `100KB`; what is neither counts as 0, as in Salt. `KB` and the
/// like count by 1000, everything else by 1024.
fn size(value: &Value) -> u64 {
    let Value::Str(text) = value else {
        return value.as_i64().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
    };
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text[..split].parse::<f64>().unwrap_or(0.0);
    let unit = text[split..].trim().to_ascii_lowercase();
    let (letter, rest) = unit.split_at(unit.len().min(1));
    let power = match "kmgtpezy".find(letter) {
        _ if unit.is_empty() || unit == "b" => 0,
        Some(place) => place + 1,
        None => return 0,
    };
    let base: f64 = match rest {
        "b" => 1000.0,
        "" | "ib" => 1024.0,
        _ => return 0,
    };
    (number * base.powi(power as i32)) as u64
}

pub fn pruned(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = expanded(args, "name")?;
    if !name.is_dir() {
        return Ok(Look::in_sync(format!("{} is not there", name.display())));
    }
    let ignore_errors = args.bool("ignore_errors");
    let recurse = args.bool("recurse") || ignore_errors;
    let older_than = args.get("older_than").clone();
    let planned = Map::from([("deleted", shown(&name))]);
    Ok(Look::differs(format!("{} would be removed", name.display()), planned.clone(), move |state| {
        let args = Args::of([paths::to_value(&name)]).with("recurse", recurse).with("verbose", true);
        let mut done = call(state.ctx, "file.rmdir", args.with("older_than", older_than))?;
        let all_gone = done.as_map_mut().and_then(|done| done.remove("result")) == Some(Value::Bool(true));
        let mut deleted: Vec<Value> =
            done.get("deleted").and_then(Value::as_list).unwrap_or_default().to_vec();
        deleted.sort_by_key(as_text);
        Ok(match (all_gone, recurse) {
            (true, false) => Applied::done(format!("{} was removed", name.display()), planned),
            (true, true) if deleted.is_empty() => Applied::done("nothing was old enough", Map::new()),
            _ if all_gone || (ignore_errors && !deleted.is_empty()) => Applied::done(
                "empty directories were removed",
                Map::from([("deleted", Value::List(deleted))]),
            ),
            _ => Applied::failed(format!("could not remove {}", name.display()), done),
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_units() {
        let of = |text: &str| size(&Value::from(text));
        assert_eq!((of("10"), of("1K"), of("1.5KiB"), of("2MB")), (10, 1024, 1536, 2_000_000));
        assert_eq!((of("x"), of("1q"), of("1B"), size(&Value::Int(7))), (0, 0, 1, 7));
    }
}
