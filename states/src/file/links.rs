//! `file.symlink` and `file.hardlink`.

use super::{default_owner, expanded, named, shown, user};
use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::file::perms::{Facts, Perms, normal_mode};
use halite_modules::file::stat::{group_name, user_name};
use halite_modules::file::tree;
use halite_modules::{Args, Bound, CallError, accounts, call, paths};
use halite_wire::{Map, Value};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A symbolic link as it should be.
struct Symlink {
    name: PathBuf,
    target: String,
    perms: Perms,
    dir_mode: Option<String>,
    force: bool,
    atomic: bool,
    follow: bool,
    makedirs: bool,
    backup: Option<PathBuf>,
    no_copy: bool,
}

pub fn symlink(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let link = match named(args)? {
        Ok(name) => wanted(args, name)?,
        Err(look) => return Ok(look),
    };
    if let Some(why) = missing_owner(&link.perms) {
        return Ok(Look::cannot(why));
    }
    link.look(state.test)
}

fn wanted(args: &Bound, name: PathBuf) -> Result<Symlink, CallError> {
    let (mut owner, mut group) = (user(args), args.get("group").clone());
    if args.bool("inherit_user_and_group")
        && let Ok(now) = Facts::of(&name, false)
        && name.is_symlink()
    {
        owner = if owner.is_null() { user_name(now.uid) } else { owner };
        group = if group.is_null() { group_name(now.gid) } else { group };
    }
    let (user, group) = default_owner(owner, group);
    Ok(Symlink {
        target: args.str("target")?,
        perms: Perms { user, group, ..Perms::default() },
        dir_mode: normal_mode(args.get("mode")),
        force: args.bool("force"),
        atomic: args.bool("atomic"),
        follow: args.get("follow_symlinks") != &Value::Bool(false),
        makedirs: args.bool("makedirs"),
        backup: args.opt_str("backupname")?.map(|backup| place_of_backup(&name, &backup)),
        no_copy: args.bool("disallow_copy_and_unlink"),
        name,
    })
}

/// A bare name lies beside the link.
fn place_of_backup(name: &Path, backup: &str) -> PathBuf {
    name.parent().unwrap_or(Path::new("/")).join(backup)
}

fn missing_owner(perms: &Perms) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let no_user = text(&perms.user).filter(|name| accounts::user(name).is_none());
    let no_group = text(&perms.group).filter(|name| accounts::group(name).is_none());
    match (no_user, no_group) {
        (None, None) => None,
        (Some(user), _) => Some(format!("there is no user {user}")),
        (None, Some(group)) => Some(format!("there is no group {group}")),
    }
}

impl Symlink {
    fn look(self, test: bool) -> Result<Look, CallError> {
        let name = self.name.display();
        let there = self.name.is_symlink();
        let exists =
            there || if self.follow { self.name.exists() } else { self.name.symlink_metadata().is_ok() };
        let key = match self.name.read_link() {
            _ if !exists => "new",
            Ok(now) if same_path(&now, &self.target) => return self.look_at_owner(),
            Ok(_) => "change",
            Err(_) if !self.force && (test || (!self.atomic && self.backup.is_none())) => {
                return Ok(Look::cannot(format!("{name} is there, and no link; 'force' replaces it")));
            }
            // Salt says nothing of what would make way.
            Err(_) => "",
        };
        let mut planned = Map::new();
        if !key.is_empty() {
            planned.insert(key, shown(&self.name));
        }
        Ok(Look::differs(format!("{name} would lead to {}", self.target), planned, move |state| {
            self.make(state)
        }))
    }

    fn look_at_owner(self) -> Result<Look, CallError> {
        let Ok(now) = Facts::of(&self.name, false) else { return Ok(Look::cannot("the link went away")) };
        if self.perms.changes(now).is_empty() {
            return Ok(Look::in_sync(format!("{} leads to {}", self.name.display(), self.target)));
        }
        let owner = |user: &Value, group: &Value| {
            format!("{}:{}", as_text(user).unwrap_or_default(), as_text(group).unwrap_or_default())
        };
        let before = owner(&user_name(now.uid), &group_name(now.gid));
        let planned = Map::from([("ownership", before)]);
        Ok(Look::differs("the link would get another owner", planned, move |_| {
            let checked = self.perms.check(&self.name, false, false)?;
            let after = owner(&self.perms.user, &self.perms.group);
            Ok(match checked.failures.is_empty() {
                true => Applied::done("the link got another owner", Map::from([("ownership", after)])),
                false => Applied::failed(checked.failures.join("; "), Map::new()),
            })
        }))
    }

    fn make(self, state: &mut StateCtx) -> Result<Applied, CallError> {
        self.folder()?;
        let is_link = self.name.is_symlink();
        if !is_link
            && self.name.symlink_metadata().is_ok()
            && let Some(refused) = self.clear(state)?
        {
            return Ok(refused);
        }
        // A link that leads elsewhere is replaced in one step, so that its name always leads somewhere.
        let args = Args::of([self.target.as_str()])
            .with("path", paths::to_value(&self.name))
            .with("force", self.force)
            .with("atomic", self.atomic || is_link)
            .with("follow_symlinks", self.follow);
        call(state.ctx, "file.symlink", args)?;
        let changes = Map::from([("new", shown(&self.name))]);
        let checked = self.perms.check(&self.name, false, false)?;
        Ok(match checked.failures.is_empty() {
            true => Applied::done(format!("{} leads to {}", self.name.display(), self.target), changes),
            false => Applied::failed(checked.failures.join("; "), changes),
        })
    }

    /// Gets what is there, and no link, out of the way.
    fn clear(&self, state: &mut StateCtx) -> Result<Option<Applied>, CallError> {
        let Some(backup) = &self.backup else {
            if self.name.is_dir() {
                let why = format!("{} is a directory, which no link replaces", self.name.display());
                return Ok(Some(Applied::failed(why, Map::new())));
            }
            return Ok(None);
        };
        if backup.symlink_metadata().is_ok() {
            if !self.force {
                let why = format!("{} is there, so nothing can be kept under that name", backup.display());
                return Ok(Some(Applied::failed(why, Map::new())));
            }
            super::clean::remove(backup)?;
        }
        let args = Args::of([paths::to_value(&self.name), paths::to_value(backup)]);
        call(state.ctx, "file.move", args.with("disallow_copy_and_unlink", self.no_copy))?;
        Ok(None)
    }

    fn folder(&self) -> Result<(), CallError> {
        make_folder(&self.name, self.makedirs, &Perms { mode: self.dir_mode.clone(), ..self.perms.clone() })
    }
}

/// Makes the directory `name` goes into, where it may be made.
///
/// # Errors
/// Where it is not there and may not be made.
pub fn make_folder(name: &Path, makedirs: bool, perms: &Perms) -> Result<(), CallError> {
    let folder = name.parent().unwrap_or(Path::new("/"));
    if folder.is_dir() {
        return Ok(());
    }
    if !makedirs {
        return Err(CallError::Failed(format!(
            "{} is not there; 'makedirs: True' makes it",
            folder.display()
        )));
    }
    let (user, group) = perms.owner().map_err(CallError::Failed)?;
    let mode = perms.mode_bits().map_err(CallError::Failed)?;
    tree::Perms { user, group, mode }.make(folder)
}

fn same_path(now: &Path, target: &str) -> bool {
    paths::normpath(now.as_os_str().as_bytes()) == paths::normpath(target.as_bytes())
}

pub fn hardlink(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = match named(args)? {
        Ok(name) => name,
        Err(look) => return Ok(look),
    };
    let target = expanded(args, "target")?;
    let (user, group) = default_owner(user(args), args.get("group").clone());
    let perms = Perms { user, group, mode: normal_mode(args.get("dir_mode")), ..Perms::default() };
    let force = args.bool("force");
    if let Some(why) = unfit(&name, &target).or_else(|| missing_owner(&perms)) {
        return Ok(Look::cannot(why));
    }
    let inode = |path: &Path| path.symlink_metadata().map(|meta| (meta.dev(), meta.ino(), meta.nlink()));
    let (key, forced) = match (inode(&name), inode(&target)) {
        (Err(_), _) => ("new", false),
        (Ok(now), Ok(wanted)) if now == wanted => {
            return Ok(Look::in_sync(format!("{} is the same file as {}", name.display(), target.display())));
        }
        (Ok((_, _, links)), _) if links > 1 => ("change", false),
        _ if force => ("", true),
        _ => return Ok(Look::cannot(format!("{} is there already; 'force' replaces it", name.display()))),
    };
    let mut planned = Map::new();
    if !key.is_empty() {
        planned.insert(key, shown(&name));
    }
    let makedirs = args.bool("makedirs");
    Ok(Look::differs(format!("{} would become a link", name.display()), planned, move |state| {
        make_folder(&name, makedirs, &perms)?;
        if name.symlink_metadata().is_ok() {
            super::clean::remove(&name)?;
        }
        call(state.ctx, "file.link", Args::of([paths::to_value(&target), paths::to_value(&name)]))?;
        let mut changes = Map::new();
        if forced {
            changes.insert("forced", "File for hard link was forcibly replaced");
        }
        changes.insert("new", shown(&name));
        Ok(Applied::done(format!("{} is the same file as {}", name.display(), target.display()), changes))
    }))
}

fn unfit(name: &Path, target: &Path) -> Option<String> {
    if !target.is_absolute() {
        return Some(format!("'{}' is not an absolute path", target.display()));
    }
    if !target.exists() {
        return Some(format!("there is no {} to link to", target.display()));
    }
    let folder = [target, name].into_iter().find(|path| path.is_dir())?;
    Some(format!("{} is a directory, which has one name only", folder.display()))
}
