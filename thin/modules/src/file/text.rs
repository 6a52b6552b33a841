//! Simple writing: `write`, `append`, `prepend`, `seek_write`, `touch`, `truncate`.

use super::{could_not, path};
use crate::args::as_text;
use crate::registry::CallError;
use crate::{Bound, Ctx, write as whole};
use halite_wire::Value;
use rustix::fs::{CWD, Timespec, Timestamps, UTIME_NOW};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The lines given as further arguments or as `args=`, one or a list.
fn lines(args: &Bound) -> Result<Vec<String>, CallError> {
    if let Some(unknown) =
        args.keywords().keys().filter_map(Value::as_str).find(|key| *key != "args" && !key.starts_with("__"))
    {
        return Err(args.wrong(format!("no argument is named '{unknown}'; lines go into 'args'")));
    }
    let given = match args.keywords().get("args") {
        Some(Value::List(lines)) => lines.as_slice(),
        Some(line) => std::slice::from_ref(line),
        None => args.rest(),
    };
    given.iter().map(|line| text(args, line)).collect()
}

fn text(args: &Bound, line: &Value) -> Result<String, CallError> {
    match line {
        Value::Null => Ok("None".to_owned()),
        other => {
            as_text(other).ok_or_else(|| args.wrong(format!("a line must be text, not {}", other.kind())))
        }
    }
}

fn with_ends(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Python writes such a count as a sentence, and so do we: callers read the number in it.
fn count(verb: &str, lines: &[String], path: &Path) -> Value {
    Value::from(format!("{verb} {} lines to \"{}\"", lines.len(), path.display()))
}

pub fn write(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, lines) = (path(args, "path")?, lines(args)?);
    whole::replace(&path, with_ends(&lines).as_bytes(), whole::default_mode())
        .map_err(could_not("write", &path))?;
    Ok(count("Wrote", &lines, &path))
}

/// A last line without end gets one first. The file must exist.
pub fn append(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, lines) = (path(args, "path")?, lines(args)?);
    let add = || -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).append(true).open(&path)?;
        let mut last = [0];
        if file.seek(SeekFrom::End(-1)).is_ok() {
            file.read_exact(&mut last)?;
        }
        let gap = if matches!(last[0], 0 | b'\n') { "" } else { "\n" };
        file.write_all(format!("{gap}{}", with_ends(&lines)).as_bytes())
    };
    add().map_err(could_not("append to", &path))?;
    Ok(count("Wrote", &lines, &path))
}

/// A file that does not exist or cannot be read counts as empty.
pub fn prepend(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, lines) = (path(args, "path")?, lines(args)?);
    let before = std::fs::read(&path).unwrap_or_default();
    let content = [with_ends(&lines).as_bytes(), &before].concat();
    whole::replace(&path, &content, whole::default_mode()).map_err(could_not("write", &path))?;
    Ok(count("Prepended", &lines, &path))
}

pub fn seek_write(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, data) = (path(args, "path")?, super::bytes(args, "data")?);
    let offset = size(args, "offset")?;
    let write = |file: File| file.write_all_at(&data, offset).and_then(|()| file.sync_all());
    OpenOptions::new().write(true).open(&path).and_then(write).map_err(could_not("write", &path))?;
    Ok(Value::from(data.len()))
}

pub fn truncate(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, length) = (path(args, "path")?, size(args, "length")?);
    let cut = |file: File| file.set_len(length);
    OpenOptions::new().write(true).open(&path).and_then(cut).map_err(could_not("truncate", &path))?;
    Ok(Value::Null)
}

fn size(args: &Bound, name: &str) -> Result<u64, CallError> {
    u64::try_from(args.int(name)?).map_err(|_| args.wrong(format!("'{name}' must not be negative")))
}

pub fn touch(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "name")?;
    let times = Timestamps { last_access: time(args, "atime")?, last_modification: time(args, "mtime")? };
    if !path.exists() {
        OpenOptions::new().append(true).create(true).open(&path).map_err(could_not("create", &path))?;
    }
    rustix::fs::utimensat(CWD, &path, &times, rustix::fs::AtFlags::empty())
        .map_err(|errno| could_not("set the times of", &path)(errno.into()))?;
    Ok(Value::Bool(path.exists()))
}

fn time(args: &Bound, name: &str) -> Result<Timespec, CallError> {
    Ok(match args.opt_int(name)? {
        Some(seconds) => Timespec { tv_sec: seconds, tv_nsec: 0 },
        None => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    })
}
