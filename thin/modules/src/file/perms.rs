//! Owner, mode, attributes and SELinux label as they should be: what differs, and making it so.

use super::attrs::{self, AttrChanges};
use super::place::Place;
use super::selinux::Label;
use super::stat::{group_name, user_name};
use super::{mode_bits, octal, reason};
use crate::accounts;
use crate::args::as_text;
use crate::registry::CallError;
use halite_wire::{Map, Value};
use rustix::fs::{FileType, Stat};
use std::io;
use std::path::Path;

/// What a path shall have; what is null or `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Perms {
    /// A name, or a number.
    pub user: Value,
    pub group: Value,
    /// Four octal digits, as [`normal_mode`] makes them.
    pub mode: Option<String>,
    /// Letters of `chattr`.
    pub attrs: Option<String>,
    pub label: Label,
}

/// Numbers of user and group; nothing for what stays.
pub type Owner = (Option<u32>, Option<u32>);

/// What a path has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub uid: u32,
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    pub kind: FileType,
}

/// What became of a path, or would.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// As Salt's `changes`: `user`, `group`, `mode`, `attrs`, `selinux`.
    pub changes: Map,
    /// What could not be done, one sentence each.
    pub failures: Vec<String>,
}

/// A mode as Salt compares it: `644`, `'0644'` and `0o644` are all `0644`. Null stays nothing.
pub fn normal_mode(value: &Value) -> Option<String> {
    let text = as_text(value)?.replace("0o", "0");
    Some(format!("{:0>4}", text.trim_matches('"').trim_matches('\'').trim_start_matches('0')))
}

impl Facts {
    /// Of a link itself unless `follow`; a link that leads nowhere stands for itself.
    ///
    /// # Errors
    /// Where nothing is there.
    pub fn of(path: &Path, follow: bool) -> io::Result<Facts> {
        let meta = if follow {
            path.metadata().or_else(|_| path.symlink_metadata())
        } else {
            path.symlink_metadata()
        };
        meta.map(|meta| {
            use std::os::unix::fs::MetadataExt;
            Facts {
                uid: meta.uid(),
                gid: meta.gid(),
                mode: meta.mode() & 0o7777,
                kind: FileType::from_raw_mode(meta.mode()),
            }
        })
    }
}

impl From<Stat> for Facts {
    fn from(stat: Stat) -> Facts {
        Facts {
            uid: stat.st_uid,
            gid: stat.st_gid,
            mode: stat.st_mode & 0o7777,
            kind: FileType::from_raw_mode(stat.st_mode),
        }
    }
}

/// Whether an owner is asked for, and is not the one there is. Names and numbers are both known.
fn differs(wanted: &Value, id: u32, name: impl Fn(u32) -> Value) -> bool {
    wanted.is_truthy() && *wanted != Value::from(id) && *wanted != name(id)
}

impl Perms {
    /// Reads `user`, `group`, `mode` and `attrs` of a function's arguments, as far as it has them.
    pub fn of(args: &crate::Bound) -> Perms {
        let attrs = as_text(args.get("attrs")).filter(|attrs| !attrs.is_empty());
        Perms {
            user: args.get("user").clone(),
            group: args.get("group").clone(),
            mode: normal_mode(args.get("mode")),
            attrs,
            label: Label::default(),
        }
    }

    /// What a test run says that would change: owner and mode as they are asked for.
    pub fn planned(&self, path: &Path, now: Facts) -> Result<Map, CallError> {
        let mut changes = self.owner_changes(now);
        if let Some(mode) = self.mode.as_ref().filter(|mode| **mode != octal(now.mode)) {
            changes.insert("mode", mode.as_str());
        }
        if let Some(attrs) = &self.attrs
            && attrs::compare(path, attrs)?.is_some_and(|found| found.any())
        {
            changes.insert("attrs", attrs.as_str());
        }
        if let Some((_, new)) = self.label.difference(path)? {
            changes.insert("selinux", new);
        }
        Ok(changes)
    }

    fn owner_changes(&self, now: Facts) -> Map {
        let mut changes = Map::new();
        if differs(&self.user, now.uid, user_name) {
            changes.insert("user", self.user.clone());
        }
        if differs(&self.group, now.gid, group_name) {
            changes.insert("group", self.group.clone());
        }
        changes
    }

    /// `user`, `group` and `mode` that a path with these facts gets. A link has no mode.
    pub fn changes(&self, now: Facts) -> Map {
        let mut changes = self.owner_changes(now);
        if let Some(mode) =
            self.mode.as_ref().filter(|mode| **mode != octal(now.mode) && now.kind != FileType::Symlink)
        {
            changes.insert("mode", mode.as_str());
        }
        changes
    }

    /// Numbers of the owner asked for.
    ///
    /// # Errors
    /// Where there is no such user or group.
    pub fn owner(&self) -> Result<Owner, String> {
        let number = |wanted: &Value, kind: &str, find: &dyn Fn(&str) -> Option<u32>| match wanted {
            Value::Int(number) => Ok(u32::try_from(*number).ok()),
            wanted if !wanted.is_truthy() => Ok(None),
            wanted => {
                let name = as_text(wanted).unwrap_or_default();
                find(&name).map(Some).ok_or_else(|| format!("{kind} {name} does not exist"))
            }
        };
        Ok((
            number(&self.user, "user", &|name| accounts::user(name).map(|user| user.uid))?,
            number(&self.group, "group", &|name| accounts::group(name).map(|group| group.gid))?,
        ))
    }

    /// The mode's bits.
    ///
    /// # Errors
    /// Where it is none.
    pub fn mode_bits(&self) -> Result<Option<u32>, String> {
        self.mode
            .as_ref()
            .map(|text| mode_bits(text).ok_or_else(|| format!("{text} is no mode; 0644 is one")))
            .transpose()
    }

    /// Makes `path` so, or with `dry` only says what differs.
    ///
    /// # Errors
    /// Where nothing is there.
    pub fn check(&self, path: &Path, follow: bool, dry: bool) -> Result<Checked, CallError> {
        let absent = |_| CallError::Failed(format!("there is no '{}'", path.display()));
        let now = Facts::of(path, follow).map_err(absent)?;
        let mut checked = Checked { changes: self.changes(now), failures: Vec::new() };
        if !dry && !checked.changes.is_empty() {
            match self.change(path, follow, now) {
                Ok(()) => {}
                Err(why) => checked.failures.push(why),
            }
            let then = Facts::of(path, follow).map_err(absent)?;
            let still = self.changes(then);
            for left in still.keys().filter_map(Value::as_str) {
                checked.changes.remove(left);
            }
        }
        if now.kind != FileType::Symlink {
            self.check_attrs(path, now, dry, &mut checked)?;
        }
        self.check_label(path, dry, &mut checked)?;
        Ok(checked)
    }

    fn change(&self, path: &Path, follow: bool, now: Facts) -> Result<(), String> {
        let owner = self.owner()?;
        // Giving a file away takes its suid bits, so the mode is set whenever the owner is.
        let mode = if now.kind == FileType::Symlink { None } else { self.mode_bits()?.or(Some(now.mode)) };
        let set = Place::find(path, follow).and_then(|place| place.set(owner, mode));
        set.map_err(|error| {
            format!("could not change owner or mode of '{}': {}", path.display(), reason(&error))
        })
    }

    fn check_attrs(
        &self,
        path: &Path,
        now: Facts,
        dry: bool,
        checked: &mut Checked,
    ) -> Result<(), CallError> {
        let Some(wanted) = self.attrs.as_ref().filter(|_| now.kind != FileType::Directory) else {
            return Ok(());
        };
        let Some(found) = attrs::compare(path, wanted)?.filter(AttrChanges::any) else { return Ok(()) };
        let old = attrs::letters(path)?.unwrap_or_default();
        let mut new = wanted.clone();
        if !dry {
            found.apply(path)?;
            if attrs::compare(path, wanted)?.is_some_and(|left| left.any()) {
                checked.failures.push(format!("could not change the attributes to {wanted}"));
                new = attrs::letters(path)?.unwrap_or_default();
            }
        }
        if old != new {
            checked.changes.insert("attrs", Map::from([("old", old), ("new", new)]));
        }
        Ok(())
    }

    fn check_label(&self, path: &Path, dry: bool, checked: &mut Checked) -> Result<(), CallError> {
        match self.label.difference(path) {
            Ok(None) => {}
            Ok(Some((old, new))) => {
                if !dry {
                    self.label.apply(path)?;
                }
                checked.changes.insert("selinux", Map::from([("Old", old), ("New", new)]));
            }
            Err(error) => checked.failures.push(error.to_string()),
        }
        Ok(())
    }
}

/// What a new file of this process has: our numbers, or the directory's group where that is inherited.
pub fn born(file: &std::fs::File, mode: u32) -> io::Result<Facts> {
    Ok(Facts { mode, ..Facts::from(rustix::fs::fstat(file)?) })
}
