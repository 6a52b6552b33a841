//! `--update-roster`: adds a host to a flat roster. Everything that stands there, comments too, stays as it is.

use crate::template::render;
use crate::{Direct, Problem, Secret, read_text};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Why a host is not in the roster now; the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    #[error("{0}")]
    Unreadable(#[from] Problem),
    #[error("{host} cannot be added to {}: {why}", file.display())]
    DoesNotFit { host: String, file: PathBuf, why: String },
    #[error("{} cannot be written: {source}", file.display())]
    Io { file: PathBuf, source: io::Error },
}

/// Adds `direct` at the end of `file`; a file that is not there yet is made. A password is written only where one is
/// given, and then nobody but the owner may read the file from now on.
///
/// The new text is checked before it counts, and it counts all at once (a rename): a crash leaves the old or the new.
///
/// # Errors
/// A file that cannot be read or written, or that has no place at its end for one more key (a roster in `{...}`).
pub fn append(file: &Path, direct: &Direct, passwd: Option<&Secret>) -> Result<(), UpdateError> {
    let failed = |source| UpdateError::Io { file: file.to_owned(), source };
    let old = if file.exists() { read_text(file)? } else { String::new() };
    let new = format!("{old}{}{}", line_break_after(&old), lines(direct, passwd));
    check(&new, file, direct)?;
    let real = if file.exists() { fs::canonicalize(file).map_err(failed)? } else { file.to_owned() };
    replace(&real, &new, passwd.is_some()).map_err(failed)
}

fn line_break_after(text: &str) -> &str {
    if text.is_empty() || text.ends_with('\n') { "" } else { "\n" }
}

/// The entry in YAML. Every text is in double quotes but the id, so that nothing in it can be read as something else.
fn lines(direct: &Direct, passwd: Option<&Secret>) -> String {
    let mut lines = format!("{}:\n  host: {}\n", quoted(&direct.host), quoted(&direct.host));
    if let Some(user) = &direct.user {
        lines += &format!("  user: {}\n", quoted(user));
    }
    if let Some(port) = direct.port {
        lines += &format!("  port: {port}\n");
    }
    if let Some(passwd) = passwd {
        lines += &format!("  passwd: {}\n", quoted(passwd.expose()));
    }
    lines
}

/// YAML's double quotes, with Jinja's openers taken apart.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_@+".contains(c);
    let escape = |c: char| match c {
        c if is_plain(c) => c.to_string(),
        c if u32::from(c) < 0x80 => format!("\\x{:02x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

fn check(text: &str, file: &Path, direct: &Direct) -> Result<(), UpdateError> {
    let refused =
        |why: String| UpdateError::DoesNotFit { host: direct.host.clone(), file: file.to_owned(), why };
    let document = render(text, file).map_err(|problem| refused(problem.what))?;
    match document.get(&direct.host).and_then(|entry| entry.get("host")) {
        Some(host) if host.as_str() == Some(&direct.host) => Ok(()),
        _ => Err(refused("it would not be read back".into())),
    }
}

/// Keeps mode and, where we may, owner.
fn replace(file: &Path, text: &str, is_secret: bool) -> io::Result<()> {
    let old = fs::metadata(file).ok();
    let old_mode = old.as_ref().map_or(0o600, |metadata| metadata.permissions().mode() & 0o777);
    let mode = if is_secret { old_mode & 0o600 } else { old_mode };
    let beside = file.with_added_extension(format!("{}.new", std::process::id()));
    let written = write_new(&beside, text, mode).and_then(|()| {
        if let Some(old) = old {
            let _ = chown(&beside, Some(old.uid()), Some(old.gid()));
        }
        fs::rename(&beside, file)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut out = File::options().write(true).create_new(true).mode(0o600).open(file)?;
    out.write_all(text.as_bytes())?;
    out.set_permissions(fs::Permissions::from_mode(mode))?;
    out.sync_all()
}
