//! The directory an archive is unpacked into, and whose it shall be.

use crate::file::Tree;
use crate::{Applied, Look, StateCtx};
use halite_modules::archive::Listing;
use halite_modules::file::perms::Perms;
use halite_modules::file::tree::remove_any;
use halite_modules::{Bound, CallError, accounts};
use halite_wire::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};

/// A directory, and owners of what an archive puts into it.
pub struct Target {
    pub name: PathBuf,
    pub user: Value,
    pub group: Value,
    pub if_missing: Option<PathBuf>,
    enforce_on: Option<PathBuf>,
}

/// What became of owners.
#[derive(Default)]
pub struct Enforced {
    pub changed: bool,
    pub failures: Vec<String>,
}

impl Target {
    /// Reads the arguments; or what is wrong with them.
    ///
    /// # Errors
    /// Where one is of the wrong kind.
    pub fn of(_: &StateCtx, args: &Bound) -> Result<Result<Target, String>, CallError> {
        let path = |name: &str| args.opt_str(name).map(|path| path.map(PathBuf::from));
        let name = PathBuf::from(args.str("name")?);
        let target = Target {
            name: name.components().collect(),
            user: args.get("user").clone(),
            group: args.get("group").clone(),
            if_missing: path("if_missing")?,
            enforce_on: path("enforce_ownership_on")?,
        };
        Ok(target.misfit().map_or(Ok(target), Err))
    }

    fn misfit(&self) -> Option<String> {
        let named = [
            ("name", Some(&self.name)),
            ("if_missing", self.if_missing.as_ref()),
            ("enforce_ownership_on", self.enforce_on.as_ref()),
        ];
        if let Some((name, Some(path))) =
            named.into_iter().find(|(_, path)| path.is_some_and(|path| !path.is_absolute()))
        {
            return Some(format!("'{name}' must be an absolute path, not '{}'", path.display()));
        }
        if self.name.is_file() {
            return Some(format!("{} is there, and no directory", self.name.display()));
        }
        if self.enforce_on.as_ref().is_some_and(|path| !path.starts_with(&self.name)) {
            return Some(format!("'enforce_ownership_on' must be below {}", self.name.display()));
        }
        let no_user = self.user.as_str().filter(|user| !user.is_empty() && accounts::user(user).is_none());
        let no_group =
            self.group.as_str().filter(|group| !group.is_empty() && accounts::group(group).is_none());
        let no_user = no_user.map(|user| format!("there is no user {user}"));
        no_user.or_else(|| no_group.map(|group| format!("there is no group {group}")))
    }

    /// The directory with a slash at its end.
    pub fn shown(&self) -> String {
        format!("{}/", self.name.display().to_string().trim_end_matches('/'))
    }

    /// Whether something of the archive is missing, and names of what is of another kind.
    ///
    /// # Errors
    /// Where something cannot be looked at.
    pub fn compare(&self, listed: &Listing) -> Result<(bool, Vec<String>), CallError> {
        type Fits = fn(std::fs::FileType) -> bool;
        let kinds: [(&[String], Fits); 3] = [
            (&listed.dirs, |kind| kind.is_dir()),
            (&listed.files, |kind| !kind.is_dir() && !kind.is_symlink()),
            (&listed.links, |kind| kind.is_symlink()),
        ];
        let (mut missing, mut wrong) = (false, Vec::new());
        for (names, fits) in kinds {
            for name in names {
                let path = self.name.join(name.trim_end_matches('/').trim_start_matches('/'));
                match path.symlink_metadata() {
                    Ok(meta) if fits(meta.file_type()) => {}
                    Ok(_) => wrong.push(name.clone()),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => missing = true,
                    Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
                    Err(error) => {
                        return Err(CallError::Failed(format!(
                            "could not look at {}: {error}",
                            path.display()
                        )));
                    }
                }
            }
        }
        Ok((missing, wrong))
    }

    /// Paths of the archive that are not there, those further in last.
    pub fn absent(&self, listed: &Listing) -> Vec<PathBuf> {
        let beneath = |name: &String| !name.split('/').any(|part| part == "..");
        let names = listed.plain();
        let mut paths: Vec<PathBuf> = names
            .iter()
            .filter(|name| beneath(name))
            .map(|name| self.name.join(name.trim_matches('/')))
            .filter(|path| *path != self.name && path.symlink_metadata().is_err())
            .collect();
        paths.sort();
        paths
    }

    fn is_owned(&self) -> bool {
        self.user.is_truthy() || self.group.is_truthy()
    }

    /// Trees and single files that shall be owned.
    fn owned(&self, listed: &Listing) -> (Vec<Tree>, Vec<PathBuf>) {
        if !self.is_owned() {
            return (Vec::new(), Vec::new());
        }
        let at = |names: Vec<String>| {
            names.iter().map(|name| self.name.join(name.trim_end_matches('/'))).collect::<Vec<_>>()
        };
        let (dirs, files) = match &self.enforce_on {
            Some(path) if path.is_dir() => (vec![path.clone()], Vec::new()),
            Some(path) => (Vec::new(), vec![path.clone()]),
            None => (
                at(listed.top_level_dirs()),
                at([listed.top_level_files(), listed.top_level_links()].concat()),
            ),
        };
        let words = [("user", &self.user), ("group", &self.group)];
        let recurse: Vec<String> = words
            .into_iter()
            .filter(|(_, owner)| owner.is_truthy())
            .map(|(word, _)| word.to_owned())
            .collect();
        let tree = |name| Tree {
            name,
            user: self.user.clone(),
            group: self.group.clone(),
            recurse: recurse.clone(),
            ..Tree::default()
        };
        (dirs.into_iter().map(tree).collect(), files)
    }

    fn perms(&self) -> Perms {
        Perms { user: self.user.clone(), group: self.group.clone(), ..Perms::default() }
    }

    /// Looks at owners where nothing is to be unpacked.
    ///
    /// # Errors
    /// Where something cannot be looked at.
    pub fn ownership(self, listed: &Listing) -> Result<Look, CallError> {
        let (trees, files) = self.owned(listed);
        let mut differs = false;
        for tree in trees.iter().filter(|tree| tree.name.is_dir()) {
            differs |= !tree.differences()?.is_empty();
        }
        for file in files.iter().filter(|file| file.symlink_metadata().is_ok()) {
            differs |= !self.perms().check(file, false, true)?.changes.is_empty();
        }
        if !differs {
            return Ok(Look::in_sync(format!("everything is in {} already", self.name.display())));
        }
        let changes = Map::from([("updated ownership", true)]);
        let listed = listed.clone();
        Ok(Look::differs("owners would be changed", changes.clone(), move |_| {
            let enforced = self.enforce(&listed)?;
            Ok(match enforced.failures.is_empty() {
                true => Applied::done("owners were changed", changes),
                false => Applied::failed(enforced.failures.join("; "), changes),
            })
        }))
    }

    /// Gives everything to its owner.
    ///
    /// # Errors
    /// Where something cannot be looked at.
    pub fn enforce(&self, listed: &Listing) -> Result<Enforced, CallError> {
        let (trees, files) = self.owned(listed);
        let mut enforced = Enforced::default();
        for tree in trees {
            if !tree.name.is_dir() {
                enforced.missing(&tree.name, self);
                continue;
            }
            let planned = tree.differences()?;
            if planned.is_empty() {
                continue;
            }
            enforced.changed = true;
            let done = tree.make(planned)?;
            if done.result != Some(true) {
                enforced.failures.push(done.comment);
            }
        }
        for file in files {
            if file.symlink_metadata().is_err() {
                enforced.missing(&file, self);
                continue;
            }
            let checked = self.perms().check(&file, false, false)?;
            enforced.changed |= !checked.changes.is_empty();
            enforced.failures.extend(checked.failures);
        }
        Ok(enforced)
    }
}

impl Enforced {
    /// What the user's own mark stands for may be missing.
    fn missing(&mut self, path: &Path, target: &Target) {
        if target.if_missing.is_none() {
            self.failures.push(format!("{} is not there, so it has no owner", path.display()));
        }
    }
}

/// Removes whatever is there; false where nothing was.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> Result<bool, CallError> {
    let Ok(meta) = path.symlink_metadata() else { return Ok(false) };
    let failed = |error| CallError::Failed(format!("could not remove {}: {error}", path.display()));
    remove_any(path, &meta).map_err(failed)?;
    Ok(true)
}
