//! `file.directory`: a directory, its owner and mode, and those of what is in it.

use super::{clean, lay_over, named, no_such_owner, shown, user};
use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::cp::Inclusion;
use halite_modules::file::perms::{Facts, Perms, normal_mode};
use halite_modules::file::tree;
use halite_modules::{Bound, CallError};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What `recurse` may name.
const RECURSE: [&str; 6] = ["user", "group", "mode", "ignore_files", "ignore_dirs", "silent"];

/// A directory as it should be.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub name: PathBuf,
    pub user: Value,
    pub group: Value,
    pub dir_mode: Option<String>,
    pub file_mode: Option<String>,
    /// Words of [`RECURSE`].
    pub recurse: Vec<String>,
    /// Levels below the directory that `recurse` reaches; nothing is all.
    pub max_depth: Option<i64>,
    pub follow: bool,
    /// Leaves the directory itself as it is.
    pub children_only: bool,
    pub makedirs: bool,
}

/// What `clean` keeps.
struct Clean {
    keep: BTreeSet<PathBuf>,
    inclusion: Inclusion,
}

pub fn directory(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let tree = match wanted(args)? {
        Ok(tree) => tree,
        Err(why) => return Ok(Look::cannot(why)),
    };
    if let Some(look) = no_such_owner(state, &tree.user, &tree.group) {
        return Ok(look);
    }
    if let Err(look) = named(args)? {
        return Ok(look);
    }
    let way = match Way::clear(args, &tree.name)? {
        Ok(way) => way,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let clean = match args.bool("clean") {
        true => Some(Clean { keep: clean::kept(state, &tree.name)?, inclusion: Inclusion::of(args)? }),
        false => None,
    };
    if let Some(way) = way {
        return replaced(state, tree, way);
    }
    let mut changes = tree.differences()?;
    if let Some(clean) = &clean {
        lay_over(&mut changes, clean::planned(&tree.name, &clean.keep, &clean.inclusion)?);
    }
    if changes.is_empty() {
        return Ok(Look::in_sync(format!("{} is as it should be", tree.name.display())));
    }
    let planned = changes.clone();
    Ok(Look::differs(format!("{} would be changed", tree.name.display()), changes, move |_| {
        let mut done = tree.make(planned)?;
        let Some(clean) = clean.filter(|_| tree.name.is_dir()) else { return Ok(done) };
        let removed = clean::sweep(&tree.name, &clean.keep, &clean.inclusion, false)?;
        if let Some(changes) = done.changes.as_map_mut().filter(|_| !removed.is_empty()) {
            changes.insert("removed", Value::List(removed));
        }
        Ok(done)
    }))
}

/// The arguments as a directory that is wanted, or what is wrong with them.
fn wanted(args: &Bound) -> Result<Result<Tree, String>, CallError> {
    let text = args.str("name")?;
    let name = match text.strip_suffix('/') {
        Some(name) if !name.is_empty() => super::expanded_text(name),
        _ => super::expanded_text(&text),
    };
    let max_depth = args.opt_int("max_depth")?;
    if max_depth.is_some() && args.bool("clean") {
        return Ok(Err("'max_depth' does not go with 'clean', which reaches everything".to_owned()));
    }
    let recurse = match recursion(args) {
        Ok(recurse) => recurse,
        Err(why) => return Ok(Err(why)),
    };
    let given = |name: &str| Some(args.get(name)).filter(|value| value.is_truthy());
    let dir_mode = given("dir_mode").or(args.keywords().get("mode"));
    Ok(Ok(Tree {
        name,
        user: user(args),
        group: args.get("group").clone(),
        dir_mode: dir_mode.and_then(normal_mode),
        file_mode: given("file_mode").or(dir_mode).and_then(normal_mode),
        recurse,
        max_depth,
        follow: args.bool("follow_symlinks"),
        children_only: args.bool("children_only"),
        makedirs: args.bool("makedirs"),
    }))
}

fn recursion(args: &Bound) -> Result<Vec<String>, String> {
    let words = match args.get("recurse") {
        Value::List(words) => words,
        empty if !empty.is_truthy() => return Ok(Vec::new()),
        _ => return Err("'recurse' must be a list of words".to_owned()),
    };
    let words: Vec<String> = words.iter().map(|word| as_text(word).unwrap_or_default()).collect();
    if let Some(unknown) = words.iter().find(|word| !RECURSE.contains(&word.as_str())) {
        return Err(format!("'recurse' knows no '{unknown}'; there are {}", RECURSE.join(", ")));
    }
    if words.iter().any(|word| word == "ignore_files") && words.iter().any(|word| word == "ignore_dirs") {
        return Err("'recurse' with both 'ignore_files' and 'ignore_dirs' reaches nothing".to_owned());
    }
    Ok(words)
}

/// What stands where the directory should be, and how it is got out of the way.
struct Way {
    /// Where it is kept; else it is removed.
    backup: Option<PathBuf>,
    /// Whether something is at the backup's place already.
    backup_taken: bool,
    kind: &'static str,
}

impl Way {
    /// `Ok(None)` where nothing is in the way.
    fn clear(args: &Bound, name: &Path) -> Result<Result<Option<Way>, String>, CallError> {
        let force = args.bool("force");
        let is_link = name.is_symlink();
        let allowed = args.get("allow_symlink") != &Value::Bool(false);
        if !name.is_file() && !(is_link && (!allowed || force)) {
            return Ok(Ok(None));
        }
        let backup = args.opt_str("backupname")?.map(PathBuf::from);
        let backup_taken = backup.as_ref().is_some_and(|backup| backup.symlink_metadata().is_ok());
        let kind = if name.is_file() { "File" } else { "Symlink" };
        Ok(match (force, &backup) {
            (false, None) => {
                Err(format!("{} is there, and no directory; 'force' replaces it", name.display()))
            }
            (false, Some(backup)) if backup_taken => {
                Err(format!("{} is there, so nothing can be kept under that name", backup.display()))
            }
            _ => Ok(Some(Way { backup, backup_taken, kind })),
        })
    }

    fn planned(&self, name: &Path) -> Map {
        let mut changes = Map::new();
        match &self.backup {
            Some(backup) => {
                if self.backup_taken {
                    let taken = format!("Existing file at backup path {} would be removed", backup.display());
                    changes.insert("forced", taken);
                }
                let renamed = format!("{} would be renamed to {}", name.display(), backup.display());
                changes.insert("backup", renamed);
            }
            None => drop(changes.insert("forced", format!("{} would be forcibly replaced", self.kind))),
        }
        changes
    }

    fn go(&self, name: &Path) -> Result<Map, CallError> {
        let Some(backup) = &self.backup else {
            clean::remove(name)?;
            return Ok(Map::from([("forced", format!("{} was forcibly replaced", self.kind))]));
        };
        if self.backup_taken {
            clean::remove(backup)?;
        }
        let failed = |error| CallError::Failed(format!("could not rename '{}': {error}", name.display()));
        std::fs::rename(name, backup).map_err(failed)?;
        Ok(Map::new())
    }
}

/// A directory in the place of something else.
fn replaced(state: &StateCtx, tree: Tree, way: Way) -> Result<Look, CallError> {
    let mut planned = way.planned(&tree.name);
    if way.backup.is_some() {
        planned.insert(shown(&tree.name), Map::from([("directory", "new")]));
    } else {
        let found = tree.differences()?;
        if found.is_empty() && state.test {
            // What a link leads to is as it should be: Salt calls that no change, though the link would go.
            return Ok(Look::Done(Applied::done("a link would make way for a directory", planned)));
        }
        lay_over(&mut planned, found);
    }
    Ok(Look::differs(format!("{} would become a directory", tree.name.display()), planned, move |_| {
        let mut changes = way.go(&tree.name)?;
        lay_over(&mut changes, tree.differences()?);
        tree.make(changes)
    }))
}

impl Tree {
    fn recurses(&self, word: &str) -> bool {
        self.recurse.iter().any(|given| given == word)
    }

    fn own_perms(&self) -> Perms {
        Perms {
            user: self.user.clone(),
            group: self.group.clone(),
            mode: self.dir_mode.clone(),
            ..Perms::default()
        }
    }

    /// Owner and mode of what is below, as far as `recurse` says.
    fn perms_below(&self, mode: &Option<String>) -> Perms {
        let only = |word: &str, value: &Value| if self.recurses(word) { value.clone() } else { Value::Null };
        Perms {
            user: only("user", &self.user),
            group: only("group", &self.group),
            mode: mode.clone().filter(|_| self.recurses("mode")),
            ..Perms::default()
        }
    }

    /// Everything below that `recurse` reaches, each with what it should have.
    fn below(&self) -> Vec<(PathBuf, Perms)> {
        if self.recurse.is_empty() {
            return Vec::new();
        }
        let (files, folders) = (self.perms_below(&self.file_mode), self.perms_below(&self.dir_mode));
        let with = |paths: Vec<PathBuf>, skip: bool, perms: &Perms| {
            paths.into_iter().filter(|_| !skip).map(|path| (path, perms.clone())).collect::<Vec<_>>()
        };
        let levels = clean::walk(&self.name, self.max_depth).into_iter();
        levels
            .flat_map(|(_, inner, plain)| {
                let mut all = with(plain, self.recurses("ignore_files"), &files);
                all.extend(with(inner, self.recurses("ignore_dirs"), &folders));
                all
            })
            .collect()
    }

    /// What differs, path by path: `{path: {user, group, mode}}`, `{path: {directory: new}}`.
    ///
    /// # Errors
    /// Where something cannot be looked at.
    pub fn differences(&self) -> Result<Map, CallError> {
        let mut changes = Map::new();
        let mut paths = self.below();
        if !self.children_only {
            paths.push((self.name.clone(), self.own_perms()));
        }
        for (path, perms) in paths {
            let Ok(now) = Facts::of(&path, self.follow) else { continue };
            let found = perms.changes(now);
            if !found.is_empty() {
                changes.insert(shown(&path), found);
            }
        }
        if !self.name.is_dir() {
            changes.insert(shown(&self.name), Map::from([("directory", "new")]));
        }
        Ok(changes)
    }

    /// Makes it so. `planned` is what [`Tree::differences`] said; as in Salt the changes have it, and beside it what was
    /// changed, whatever path it was.
    ///
    /// # Errors
    /// Where a directory cannot be made.
    pub fn make(&self, planned: Map) -> Result<Applied, CallError> {
        let mut changes = planned;
        if !self.name.is_dir() {
            return self.create(changes);
        }
        let mut failures = Vec::new();
        if !self.children_only {
            let checked = self.own_perms().check(&self.name, self.follow, false)?;
            lay_over(&mut changes, checked.changes);
            failures.extend(checked.failures);
        }
        for (word, owner) in [("user", &self.user), ("group", &self.group)] {
            if self.recurses(word) && owner.is_null() {
                failures.push(format!("'recurse' names '{word}', but no {word} is given"));
            }
        }
        if self.recurses("silent") {
            changes = Map::from([("recursion", "Changes silenced")]);
        }
        for (path, perms) in self.below() {
            // What went away in the meantime needs no owner.
            let Ok(checked) = perms.check(&path, self.follow, false) else { continue };
            lay_over(&mut changes, checked.changes);
            failures.extend(checked.failures);
        }
        Ok(match failures.is_empty() {
            true => Applied::done(format!("{} was changed", self.name.display()), changes),
            false => Applied::failed(failures.join("; "), changes),
        })
    }

    fn create(&self, changes: Map) -> Result<Applied, CallError> {
        let parent = self.name.parent().unwrap_or(Path::new("/"));
        if !parent.is_dir() && !self.makedirs {
            let why = format!("{} is not there; 'makedirs: True' makes it", parent.display());
            return Ok(Applied::failed(why, changes));
        }
        let perms = self.own_perms();
        let (user, group) = perms.owner().map_err(CallError::Failed)?;
        let mode = perms.mode_bits().map_err(CallError::Failed)?;
        tree::Perms { user, group, mode }.make(&self.name)?;
        let mut changes = changes;
        changes.insert(shown(&self.name), Map::from([("directory", "new")]));
        Ok(Applied::done(format!("{} was made", self.name.display()), changes))
    }
}
