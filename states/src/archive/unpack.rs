//! Unpacking: an archive and a directory in, names of what was unpacked out; and what was unpacked last.

use super::Archive;
use crate::StateCtx;
use halite_modules::archive::{Listing, busybox_letter, guard, program};
use halite_modules::args::as_text;
use halite_modules::process::Command;
use halite_modules::{Args, Bound, CallError, call, paths, shell_words};
use halite_wire::Value;
use std::path::{Path, PathBuf};

/// `source_hash_update`: a file beside the cache remembers the digest of the archive that was unpacked last.
pub struct Update {
    /// Nothing where the user does not want it.
    note: Option<PathBuf>,
    digits: Option<String>,
}

impl Update {
    pub fn of(state: &StateCtx, args: &Bound, archive: &Archive) -> Update {
        let wanted = args.bool("source_hash_update") && archive.sum.is_some() && !args.bool("skip_verify");
        let name = archive.file.to_string_lossy().replace('/', "_");
        let folder = halite_modules::cache::dir(state.ctx).join("archive_hash");
        let digits = wanted.then(|| halite_modules::digest::of_file("sha256", &archive.file).ok()).flatten();
        Update { note: wanted.then(|| folder.join(format!("{name}.hash"))), digits }
    }

    /// Whether another archive than this was unpacked last.
    pub fn is_due(&self) -> bool {
        let known = self.note.as_ref().and_then(|note| std::fs::read_to_string(note).ok());
        known.is_some_and(|known| {
            Some(known.trim()) != self.digits.as_deref().map(|digits| format!("sha256:{digits}")).as_deref()
        })
    }

    pub fn note(&self, state: &StateCtx) -> Result<(), CallError> {
        let (Some(note), Some(digits), false) = (&self.note, &self.digits, state.test) else { return Ok(()) };
        let failed = |error| CallError::Failed(format!("could not write {}: {error}", note.display()));
        let folder = note.parent().unwrap_or(Path::new("/"));
        halite_modules::write::private_folders(folder)
            .and_then(|()| {
                halite_modules::write::replace(note, format!("sha256:{digits}\n").as_bytes(), 0o600)
            })
            .map_err(failed)
    }
}

/// How it is unpacked.
pub struct Unpack {
    options: Option<String>,
    password: Option<String>,
    /// So many names are told.
    pub trim: Option<usize>,
}

impl Unpack {
    pub fn of(args: &Bound, archive: &Archive) -> Result<Unpack, CallError> {
        let trim = match args.get("trim_output") {
            Value::Bool(true) => Some(100),
            Value::Bool(false) | Value::Null => None,
            other => as_text(other).and_then(|number| number.parse().ok()).filter(|number| *number > 0),
        };
        let wants_unzip = archive.format == "zip" && args.bool("use_cmd_unzip");
        let options = as_text(args.get("options")).or_else(|| wants_unzip.then(|| "-o".to_owned()));
        Ok(Unpack { options, password: as_text(args.get("password")), trim })
    }

    /// What was unpacked, as the changes tell it.
    pub fn run(
        &self,
        state: &mut StateCtx,
        archive: &Archive,
        into: &Path,
        listed: &Listing,
    ) -> Result<Vec<String>, CallError> {
        match (archive.format.as_str(), &self.options) {
            ("tar", None) => {
                tar(&archive.file, into, &["xf".to_owned()])?;
                Ok(listed.names.clone())
            }
            ("tar", Some(options)) => tar(&archive.file, into, &tar_words(options)?),
            ("zip", options) => {
                let fun = if options.is_some() { "archive.cmd_unzip" } else { "archive.unzip" };
                let args = Args::of([paths::to_value(&archive.file), paths::to_value(into)])
                    .with("options", options.clone())
                    .with("password", self.password.clone());
                lines(call(state.ctx, fun, args)?)
            }
            _ => {
                let args = Args::of([paths::to_value(&archive.file), paths::to_value(into)]);
                lines(call(state.ctx, "archive.unrar", args)?)
            }
        }
    }
}

fn lines(value: Value) -> Result<Vec<String>, CallError> {
    Ok(value.as_list().unwrap_or_default().iter().filter_map(as_text).collect())
}

/// The user's options for tar, with extraction and talk added: letters first, then words.
fn tar_words(options: &str) -> Result<Vec<String>, CallError> {
    let words = shell_words::split(options).map_err(|error| CallError::Failed(error.to_string()))?;
    let mut letters = "xv".to_owned();
    let mut rest = Vec::new();
    for (place, word) in
        words.into_iter().filter(|word| !["v", "-v", "--verbose"].contains(&word.as_str())).enumerate()
    {
        match place {
            0 if !word.starts_with('-') => letters.extend(word.chars().filter(|c| !['x', 'f'].contains(c))),
            _ => rest.push(word),
        }
    }
    rest.insert(0, letters);
    rest.push("-f".to_owned());
    Ok(rest)
}

/// Unpacks; the lines tar wrote.
fn tar(file: &Path, into: &Path, words: &[String]) -> Result<Vec<String>, CallError> {
    program(&["tar"])?;
    let mut words = words.to_vec();
    if let (Some(letters), Some(letter)) = (words.first_mut(), busybox_letter(file)?) {
        letters.insert_str(0, letter);
    }
    let command = words.iter().fold(guard::modest(Command::new(["tar"])), |command, word| command.arg(word));
    let output = command.arg(file).cwd(into).run().map_err(|error| CallError::failed(error.to_string()))?;
    if !output.ok() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(CallError::Failed(format!("tar failed: {}", said.trim())));
    }
    Ok(output.text().lines().map(str::to_owned).collect())
}
