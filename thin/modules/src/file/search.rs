//! Looking for something in files: `contains` and its kin, `search`, `grep`.

use super::content::is_text;
use super::{bytes, could_not, path};
use crate::args::as_text;
use crate::glob::{fnmatch, glob};
use crate::regex::{Flags, Kind, Pattern, RegexError, flags_from_value};
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, paths};
use halite_wire::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// How much of a file is looked at together, and how far that window moves on.
const WINDOW_BYTES: usize = 256 * 1024;
const STEP_BYTES: usize = 32 * 1024;

impl From<RegexError> for CallError {
    fn from(error: RegexError) -> CallError {
        CallError::Failed(error.to_string())
    }
}

/// Shows a file through a window of [`WINDOW_BYTES`] until `is_hit` says yes.
///
/// # Errors
/// What reading or `is_hit` says.
pub fn any_window<E: From<io::Error>>(
    path: &Path,
    mut is_hit: impl FnMut(&[u8]) -> Result<bool, E>,
) -> Result<bool, E> {
    let mut file = File::open(path)?;
    let mut window = Vec::new();
    let mut room = WINDOW_BYTES;
    loop {
        let count = file.by_ref().take(room as u64).read_to_end(&mut window)?;
        if count == 0 {
            return Ok(false);
        }
        if is_hit(&window)? {
            return Ok(true);
        }
        window.drain(..STEP_BYTES.min(window.len()));
        room = STEP_BYTES;
    }
}

/// No file, or one that cannot be read, contains nothing.
fn contains_where(path: &Path, is_hit: impl Fn(&[u8]) -> bool) -> Value {
    Value::Bool(any_window::<io::Error>(path, |window| Ok(is_hit(window))).unwrap_or(false))
}

pub fn contains(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = bytes(args, "text")?;
    let wanted = wanted.trim_ascii();
    Ok(contains_where(&path(args, "path")?, |window| memchr::memmem::find(window, wanted).is_some()))
}

pub fn contains_glob(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let pattern = bytes(args, "glob_expr")?;
    Ok(contains_where(&path(args, "path")?, |window| fnmatch(window, &pattern)))
}

pub fn contains_regex(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    let pattern = Pattern::search(&args.str("regex")?, Flags::default(), Kind::Text)?;
    let strip = bytes(args, "lchar")?;
    let Ok(file) = File::open(&path) else { return Ok(Value::Bool(false)) };
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
        let skip = line.iter().take_while(|byte| strip.contains(byte)).count();
        if pattern.is_match(&line[skip..])? {
            return Ok(Value::Bool(true));
        }
        line.clear();
    }
    Ok(Value::Bool(false))
}

pub fn search(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = paths::realpath(&path(args, "path")?);
    if !path.exists() {
        if args.bool("ignore_if_missing") {
            return Ok(Value::Bool(false));
        }
        return Err(args.wrong(format!("there is no file '{}'", path.display())));
    }
    let content = std::fs::read(&path).map_err(could_not("read", &path))?;
    if !is_text(&content) {
        return Err(args.wrong(format!("'{}' is a binary file; only text can be searched", path.display())));
    }
    let mut flags = flags_from_value(args.get("flags"))?;
    flags.multi_line |= args.bool("multiline");
    let pattern = Pattern::search(&args.str("pattern")?, flags, Kind::Bytes)?;
    Ok(Value::Bool(pattern.is_match(&content)?))
}

/// Runs the host's `grep`; the shape is that of `cmd.run_all`.
pub fn grep(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let given = path(args, "path")?;
    let mut command = vec![Value::from("grep")];
    for option in args.rest() {
        let option = as_text(option).ok_or_else(|| args.wrong("options must be text"))?;
        if option.split_whitespace().count() > 1 && !option.contains(['\'', '"', '\\']) {
            return Err(
                args.wrong(format!("give each option of grep as an argument of its own, not '{option}'"))
            );
        }
        command.push(Value::from(option.trim()));
    }
    command.push(Value::from(args.str("pattern")?));
    let found = glob(&given);
    command.extend(if found.is_empty() { vec![given] } else { found }.into_iter().map(paths::to_value));
    call(ctx, "cmd.run_all", Args::of([Value::List(command)]).with("python_shell", false))
}
