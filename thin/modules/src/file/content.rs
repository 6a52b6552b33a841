//! What is in a file: `read`, `seek_read`, digests, `get_diff`.

use super::{bytes, could_not, digest_of, path};
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, diff, digest, paths};
use halite_wire::Value;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Bytes that tell text from binary.
const SAMPLE_BYTES: usize = 512;

pub fn read(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = paths::from_bytes(&bytes(args, "path")?);
    std::fs::read(&path).map(Value::from_bytes).map_err(could_not("read", &path))
}

pub fn seek_read(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    let size = u64::try_from(args.int("size")?).map_err(|_| args.wrong("'size' must not be negative"))?;
    let offset =
        u64::try_from(args.int("offset")?).map_err(|_| args.wrong("'offset' must not be negative"))?;
    let mut piece = Vec::new();
    File::open(&path)
        .and_then(|mut file| {
            file.seek(SeekFrom::Start(offset))?;
            file.take(size).read_to_end(&mut piece)
        })
        .map_err(could_not("read", &path))?;
    Ok(Value::from_bytes(piece))
}

pub fn get_hash(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    digest_of(&path(args, "path")?, &args.str("form")?).map(Value::from)
}

pub fn get_sum(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    if !path.is_file() {
        return Ok(Value::from("File not found"));
    }
    digest_of(&path, &args.str("form")?).map(Value::from)
}

pub fn check_hash(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    let wanted = args.str("file_hash")?;
    let (algorithm, wanted) = match wanted.split_once(':').or_else(|| wanted.split_once('=')) {
        Some((algorithm, digest)) => (algorithm, digest),
        None => (algorithm_of(args, &wanted)?, wanted.as_str()),
    };
    Ok(Value::Bool(digest_of(&path, algorithm)? == wanted))
}

fn algorithm_of(args: &Bound, digits: &str) -> Result<&'static str, CallError> {
    digest::algorithm_by_length(digits.len()).ok_or_else(|| {
        let lengths: Vec<_> =
            digest::ALGORITHMS.iter().map(|(name, length)| format!("{name} ({length})")).collect();
        args.wrong(format!(
            "no hash type has {} digits like '{digits}'; there are {}",
            digits.len(),
            lengths.join(", ")
        ))
    })
}

pub fn get_diff(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (old, new) =
        (cached(ctx, args, "file1", "source_hash_file1")?, cached(ctx, args, "file2", "source_hash_file2")?);
    let read = |path: &PathBuf| std::fs::read(path).map_err(could_not("read", path));
    let (before, after) = (read(&old)?, read(&new)?);
    if before != after && !args.bool("show_changes") {
        return Ok(Value::from("<show_changes=False>"));
    }
    let names = (old.to_string_lossy(), new.to_string_lossy());
    let names = if args.bool("show_filenames") { (&*names.0, &*names.1) } else { ("", "") };
    Ok(Value::from(difference(&before, &after, names)))
}

/// Unified diff of two contents, or a sentence where one is binary; empty where they are equal.
pub fn difference(before: &[u8], after: &[u8], names: (&str, &str)) -> String {
    if before == after {
        return String::new();
    }
    match (is_text(before), is_text(after)) {
        (false, false) => "Replace binary file".to_owned(),
        (false, true) => "Replace binary file with text file".to_owned(),
        (true, false) => "Replace text file with binary file".to_owned(),
        (true, true) => diff::unified(&lines(before), &lines(after), names),
    }
}

/// The file on this host, fetched first where it is a URL.
fn cached(ctx: &mut Ctx, args: &Bound, name: &str, hash: &str) -> Result<PathBuf, CallError> {
    let source = args.str(name)?;
    let fetch = Args::of([source.as_str()]).with("saltenv", args.get("saltenv").clone());
    match call(ctx, "cp.cache_file", fetch.with("source_hash", args.get(hash).clone()))? {
        Value::Str(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        Value::Bytes(path) => Ok(paths::from_bytes(&path)),
        _ => Err(CallError::Failed(format!("there is no file '{source}'"))),
    }
}

/// Lines of UTF-8 text; of other text each byte is one Latin-1 character, as Salt decodes it.
fn lines(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8(content.to_vec())
        .unwrap_or_else(|_| content.iter().map(|byte| char::from(*byte)).collect());
    diff::split_lines(&text)
}

/// Whether the beginning of a file looks like text: no NUL, and UTF-8 or at most 30 % odd bytes.
pub fn is_text(content: &[u8]) -> bool {
    let sample = &content[..content.len().min(SAMPLE_BYTES)];
    if sample.contains(&0) {
        return false;
    }
    let odd = |byte: &&u8| !matches!(byte, 0x20..=0x7e | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c);
    std::str::from_utf8(sample).is_ok() || sample.iter().filter(odd).count() * 10 <= sample.len() * 3
}
