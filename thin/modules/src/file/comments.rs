//! `file.comment`, `file.uncomment`, `file.comment_line`: a sign before the lines an expression fits, or none.

use super::{edit, path};
use crate::regex::{Flags, Kind, Pattern};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::Value;

pub fn comment(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    edited(args, true)
}

pub fn uncomment(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    edited(args, false)
}

pub fn comment_line(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    edited(args, args.bool("cmnt"))
}

/// False where no line fits, else the diff of the lines that do.
fn edited(args: &Bound, adds: bool) -> Result<Value, CallError> {
    let sign = args.str("char")?;
    let pattern = pattern(&args.str("regex")?, &sign, adds)?;
    let (path, old) = edit::load(&path(args, "path")?)?;
    let (mut new, mut fits) = (Vec::new(), (String::new(), String::new()));
    for line in edit::lines(&old) {
        if pattern.is_match(line.as_bytes())? {
            let signs: Vec<char> = sign.chars().collect();
            let edited =
                if adds { format!("{sign}{line}") } else { line.trim_start_matches(&signs[..]).to_owned() };
            fits.0.push_str(&line);
            fits.1.push_str(&edited);
            new.push(edited);
        } else {
            new.push(line);
        }
    }
    if fits.0.is_empty() {
        return Ok(false.into());
    }
    if let Some(suffix) = super::replace::backup_suffix(args.get("backup")) {
        edit::keep(&path, &suffix, &old)?;
    }
    edit::store(&path, new.concat().as_bytes(), false)?;
    Ok(edit::differences(fits.0.as_bytes(), fits.1.as_bytes()).into())
}

/// The expression bound to the start of the line, where it has an anchor or the sign stands before it.
fn pattern(regex: &str, sign: &str, adds: bool) -> Result<Pattern, CallError> {
    let core = regex.trim_start_matches('^').trim_end_matches('$');
    let end = if regex.ends_with('$') { "$" } else { "" };
    let source = if adds { format!("({core}){end}") } else { format!(r"{sign}\s*({core}){end}") };
    Ok(Pattern::prefix(&source, Flags::default(), Kind::Text)?)
}
