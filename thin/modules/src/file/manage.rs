//! One file as it should be: content, owner, mode and label in, what differs out, and making it so in one step.
//!
//! A file that changes is written under another name beside its own, gets its final owner and mode, and takes the
//! place of the old one: at no moment does its name stand for half a file, or for one that others may read too early.

mod functions;

pub use functions::{check_managed, check_managed_changes, check_perms, manage_file};

use super::backups;
use super::content::difference;
use super::perms::{Checked, Facts, Owner, Perms, born, normal_mode};
use super::place::Place;
use super::source::Chosen;
use super::tree;
use super::{could_not, is_absent, octal};
use crate::registry::CallError;
use crate::{Ctx, write};
use halite_wire::{Map, Value};
use rustix::fs::FileType;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What a diff is where the user does not want one.
pub const NOT_SHOWN: &str = "<show_changes=False>";

/// Mode of a new file while it is written: our secret.
const PRIVATE: u32 = 0o600;

/// What a file shall hold.
#[derive(Clone, Debug)]
pub enum Content {
    /// Whatever it holds; a new file is empty.
    Any,
    Bytes(Vec<u8>),
    /// A text made from a template that was fetched: like [`Content::Source`] but for where it comes from.
    Rendered(Vec<u8>),
    Source(Box<Chosen>),
}

/// A file as it should be.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub name: PathBuf,
    pub content: Content,
    pub perms: Perms,
    /// Whether a link at `name` is followed, or replaced.
    pub follow: bool,
    pub show_changes: bool,
    /// Whether what is replaced is kept.
    pub backup: bool,
    /// Whether directories above it are made, and their mode.
    pub makedirs: bool,
    pub dir_mode: Option<String>,
}

/// A file as it is, beside what it should be.
#[derive(Debug)]
pub struct Found {
    /// Nothing where there is no file.
    pub now: Option<Facts>,
    /// How the content differs; nothing where it does not.
    pub diff: Option<String>,
}

impl Wanted {
    /// Looks, and changes nothing. Content is fetched only where it must be read to tell a difference.
    ///
    /// # Errors
    /// Where it cannot be read, or is no file.
    pub fn look(&self, ctx: &mut Ctx) -> Result<Found, CallError> {
        let follow = self.follow;
        let now = match Facts::of(&self.name, follow) {
            Ok(now) => Some(now),
            Err(error) if is_absent(&error) => return Ok(Found { now: None, diff: None }),
            Err(error) => return Err(could_not("look at", &self.name)(error)),
        };
        let diff = self.diff(ctx)?.map(|diff| if self.show_changes { diff } else { NOT_SHOWN.to_owned() });
        Ok(Found { now, diff })
    }

    fn diff(&self, ctx: &mut Ctx) -> Result<Option<String>, CallError> {
        let is_link = !self.follow && self.name.is_symlink();
        if let Content::Source(chosen) = &self.content
            && !is_link
            && chosen.is(&self.name)?
        {
            return Ok(None);
        }
        let new = match &self.content {
            Content::Any => return Ok(None),
            Content::Bytes(bytes) | Content::Rendered(bytes) => bytes.clone(),
            Content::Source(chosen) => {
                let file = chosen.file(ctx)?;
                std::fs::read(&file).map_err(could_not("read", &file))?
            }
        };
        let old = std::fs::read(&self.name).map_err(could_not("read", &self.name))?;
        let diff = difference(&old, &new, ("", ""));
        Ok(match diff.is_empty() {
            true if is_link => Some("Replace symbolic link with regular file".to_owned()),
            true => None,
            false => Some(diff),
        })
    }

    /// What a test run says: `newfile`, or `diff`, `user`, `group`, `mode` ...
    ///
    /// # Errors
    /// Where attributes or label cannot be read.
    pub fn planned(&self, found: &Found) -> Result<Map, CallError> {
        let Some(now) = found.now else {
            return Ok(Map::from([("newfile", crate::paths::to_value(&self.name))]));
        };
        let mut changes: Map = found.diff.iter().map(|diff| ("diff", diff.as_str())).collect();
        for (key, value) in self.perms.planned(&self.name, now)? {
            changes.insert(key, value);
        }
        Ok(changes)
    }

    /// Makes it so. `changes` are Salt's: `diff`, and what of owner and mode is not as a new file has it anyway.
    ///
    /// # Errors
    /// Where it cannot be done; then the file is as it was.
    pub fn put(&self, ctx: &mut Ctx, found: Found) -> Result<Checked, CallError> {
        match (found.now, &found.diff) {
            (None, _) => self.create(ctx),
            (Some(_), None) => self.perms.check(&self.name, self.follow, false),
            (Some(now), Some(diff)) => self.replace(ctx, now, diff),
        }
    }

    fn create(&self, ctx: &mut Ctx) -> Result<Checked, CallError> {
        let failed = || could_not("create", &self.name);
        let (owner, wanted_mode) = self.numbers()?;
        // A source is fetched before anything is made, so that one that fails leaves nothing.
        let mut content = self.open(ctx)?;
        self.folder(owner)?;
        let place = Place::find(&self.name, self.follow).map_err(failed())?;
        let mut draft = place.create().map_err(failed())?;
        io::copy(&mut content, draft.file()).map_err(failed())?;
        let is_private =
            matches!(self.content, Content::Source(_) | Content::Rendered(_)) || self.perms.mode.is_some();
        let usual = write::default_mode();
        let now = born(draft.file(), if is_private { PRIVATE } else { usual }).map_err(failed())?;
        let perms = Perms { mode: self.perms.mode.clone().or(Some(octal(usual))), ..self.perms.clone() };
        draft.finish(owner, wanted_mode.unwrap_or(usual)).map_err(failed())?;
        let mut changes = match self.content {
            Content::Any => Map::from([("new", format!("file {} created", self.name.display()))]),
            _ => Map::from([("diff", "New file")]),
        };
        perms.changes(now).into_iter().for_each(|(key, value)| drop(changes.insert(key, value)));
        self.and_label(Checked { changes, failures: Vec::new() })
    }

    fn replace(&self, ctx: &mut Ctx, now: Facts, diff: &str) -> Result<Checked, CallError> {
        let failed = || could_not("write", &self.name);
        let (owner, mode) = self.numbers()?;
        let mut content = self.open(ctx)?;
        let place = Place::find(&self.name, self.follow).map_err(failed())?;
        let kind = place.stat().map_err(failed())?.map(|stat| FileType::from_raw_mode(stat.st_mode));
        if kind.is_some_and(|kind| ![FileType::RegularFile, FileType::Symlink].contains(&kind)) {
            return Err(CallError::Failed(format!("'{}' is there, and no file", self.name.display())));
        }
        if self.backup && kind == Some(FileType::RegularFile) {
            backups::keep(ctx, place.path()).map_err(could_not("back up", &self.name))?;
        }
        let mut draft = place.create().map_err(failed())?;
        io::copy(&mut content, draft.file()).map_err(failed())?;
        let ours = born(draft.file(), PRIVATE).map_err(failed())?;
        let keep = |wanted: Option<u32>, old: u32, new: u32| wanted.or((old != new).then_some(old));
        let owner = (keep(owner.0, now.uid, ours.uid), keep(owner.1, now.gid, ours.gid));
        draft.finish(owner, mode.unwrap_or(now.mode)).map_err(failed())?;
        let mut changes = Map::from([("diff", diff)]);
        self.perms.changes(now).into_iter().for_each(|(key, value)| drop(changes.insert(key, value)));
        self.and_label(Checked { changes, failures: Vec::new() })
    }

    /// Attributes and label, which only a file in its place can have.
    fn and_label(&self, mut checked: Checked) -> Result<Checked, CallError> {
        let rest =
            Perms { attrs: self.perms.attrs.clone(), label: self.perms.label.clone(), ..Perms::default() };
        let more = rest.check(&self.name, self.follow, false)?;
        more.changes.into_iter().for_each(|(key, value)| drop(checked.changes.insert(key, value)));
        checked.failures.extend(more.failures);
        Ok(checked)
    }

    fn numbers(&self) -> Result<(Owner, Option<u32>), CallError> {
        let owner = self.perms.owner().map_err(CallError::Failed)?;
        Ok((owner, self.perms.mode_bits().map_err(CallError::Failed)?))
    }

    fn open(&self, ctx: &mut Ctx) -> Result<Box<dyn Read + '_>, CallError> {
        Ok(match &self.content {
            Content::Any => Box::new(io::empty()),
            Content::Bytes(bytes) | Content::Rendered(bytes) => Box::new(bytes.as_slice()),
            Content::Source(chosen) => {
                let file = chosen.file(ctx)?;
                Box::new(File::open(&file).map_err(could_not("read", &file))?)
            }
        })
    }

    /// Makes the directory it goes into, where that may be made.
    fn folder(&self, owner: Owner) -> Result<(), CallError> {
        let folder = self.name.parent().unwrap_or(Path::new("/"));
        if folder.is_dir() {
            return Ok(());
        }
        if !self.makedirs {
            let why = format!("the directory '{}' is not there; 'makedirs: True' makes it", folder.display());
            return Err(CallError::Failed(why));
        }
        let mode = self.dir_mode.clone().or_else(|| self.perms.mode.as_deref().and_then(dir_mode_for));
        let mode = mode.as_deref().and_then(super::mode_bits);
        tree::Perms { user: owner.0, group: owner.1, mode }.make(folder)
    }
}

/// The mode of directories for a file's: who may do anything with the file may enter.
pub fn dir_mode_for(mode: &str) -> Option<String> {
    let digits = mode.get(mode.len().saturating_sub(3)..)?;
    let enterable = |digit: char| if digit == '0' { Some(0) } else { digit.to_digit(8).map(|bits| bits | 1) };
    digits.chars().map(|digit| Some(enterable(digit)?.to_string())).collect()
}

/// Whether files that change are kept: what the state says, else the options.
pub fn keeps_backups(ctx: &Ctx, backup: &Value) -> bool {
    let mode = if backup.is_truthy() { backup } else { ctx.opts.get("backup_mode").unwrap_or(&Value::NULL) };
    matches!(mode.as_str(), Some("minion" | "both"))
}

/// A mode argument that may be `keep`.
pub fn mode_or_keep(value: &Value) -> (Option<String>, bool) {
    match value.as_str() {
        Some(text) if text.eq_ignore_ascii_case("keep") => (None, true),
        _ => (normal_mode(value), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::alone;

    fn wanted(name: PathBuf, content: &str) -> Wanted {
        Wanted {
            name,
            content: Content::Bytes(content.into()),
            perms: Perms { mode: Some("0640".to_owned()), ..Perms::default() },
            follow: true,
            show_changes: true,
            backup: false,
            makedirs: true,
            dir_mode: None,
        }
    }

    #[test]
    fn a_file_is_made_then_in_order_then_changed() {
        let dir = std::env::temp_dir().join(format!("manage-{}", std::process::id()));
        let file = dir.join("a/b");
        let run = |content: &str| {
            alone(|ctx| {
                let wanted = wanted(file.clone(), content);
                let found = wanted.look(ctx).unwrap();
                let planned = wanted.planned(&found).unwrap();
                (planned, wanted.put(ctx, found).unwrap().changes)
            })
        };
        let (planned, changes) = run("x\n");
        assert_eq!(planned.get_str("newfile"), file.to_str());
        assert_eq!(changes, Map::from([("diff", "New file"), ("mode", "0640")]));
        assert_eq!(run("x\n"), (Map::new(), Map::new()));
        let diff = Map::from([("diff", "--- \n+++ \n@@ -1 +1 @@\n-x\n+y\n")]);
        assert_eq!(run("y\n"), (diff.clone(), diff));
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn directories_can_be_entered_by_whoever_may_use_the_file() {
        assert_eq!(dir_mode_for("0640").as_deref(), Some("750"));
        assert_eq!(dir_mode_for("0600").as_deref(), Some("700"));
    }
}
