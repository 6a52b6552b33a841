//! `cp.push`, `cp.push_dir`: files of the host that the controller shall keep. It takes them only where its
//! configuration says `file_recv: True`; the answer is False otherwise, and a note says why.

use crate::glob::fnmatch;
use crate::registry::CallError;
use crate::{Bound, Ctx, paths};
use halite_wire::Value;
use halite_wire::message::{Ask, PART_BYTES_MAX};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub fn push(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, upload) = (args.str("path")?, args.opt_str("upload_path")?);
    if !is_plain(&path) || upload.as_deref().is_some_and(|upload| upload.contains("../")) {
        return Ok(false.into());
    }
    let path = PathBuf::from(path);
    let path = if args.bool("keep_symlinks") { path } else { paths::realpath(&path) };
    let is_kept = send(ctx, &path, upload.as_deref().filter(|upload| !upload.is_empty()));
    if is_kept && args.bool("remove_source") {
        let failed =
            |error: io::Error| CallError::failed(format!("could not remove '{}': {error}", path.display()));
        fs::remove_file(&path).map_err(failed)?;
    }
    Ok(is_kept.into())
}

pub fn push_dir(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, upload) =
        (args.str("path")?, args.opt_str("upload_path")?.filter(|upload| !upload.is_empty()));
    if !is_plain(&path) {
        return Ok(false.into());
    }
    let top = paths::realpath(Path::new(&path));
    if top.is_file() {
        let is_good = upload.as_deref().is_none_or(|upload| !upload.contains("../"));
        return Ok((is_good && send(ctx, &top, upload.as_deref())).into());
    }
    let mut files = Vec::new();
    files_below(&top, &mut files);
    if let Some(glob) = args.opt_str("glob")? {
        files.retain(|file| file.file_name().is_some_and(|name| fnmatch(name.as_bytes(), glob.as_bytes())));
    }
    let mut sent = files.iter().map(|file| {
        let below = file.strip_prefix(&top).unwrap_or(file).to_string_lossy();
        let upload = upload.as_ref().map(|upload| format!("{}/{below}", upload.trim_matches('/')));
        send(ctx, &paths::realpath(file), upload.as_deref())
    });
    Ok((sent.all(|is_kept| is_kept) && !files.is_empty()).into())
}

/// Absolute, and without steps back.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && !path.contains("../")
}

/// All files, sorted; links to folders are not followed.
fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files_below(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

/// Sends a file under its own name or under `upload`. What goes wrong is a note.
fn send(ctx: &mut Ctx, path: &Path, upload: Option<&str>) -> bool {
    let name = upload.map_or_else(|| path.as_os_str().as_bytes(), str::as_bytes);
    let start = name.iter().position(|byte| *byte != b'/').unwrap_or(name.len());
    let sent = match String::from_utf8(paths::normpath(&name[start..])) {
        Ok(name) if path.is_file() => pieces(ctx, path, &name),
        Ok(_) => Err("it is no file".to_owned()),
        Err(_) => Err("its name is not UTF-8".to_owned()),
    };
    if let Err(why) = &sent {
        ctx.notes.push(format!("{} was not pushed: {why}", path.display()));
    }
    sent.is_ok()
}

fn pieces(ctx: &mut Ctx, path: &Path, name: &str) -> Result<(), String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let (mut offset, mut ahead) = (0, piece(&mut file)?);
    loop {
        let bytes = ahead;
        ahead = piece(&mut file)?;
        let (length, last) = (bytes.len() as u64, ahead.is_empty());
        let ask = Ask::Push { path: name.to_owned(), offset, bytes, last };
        ctx.link.ask(ask, &mut |_| Ok(())).map_err(|error| error.to_string())?;
        if last {
            return Ok(());
        }
        offset += length;
    }
}

fn piece(file: &mut File) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    file.take(PART_BYTES_MAX as u64).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}
