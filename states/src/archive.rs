//! `archive.extracted`: an archive of the file server, the web or this host, unpacked into a directory.

mod target;
mod unpack;

use crate::file::Tree;
use crate::{Applied, Look, StateCtx, StateFunction, StateModule, find};
use halite_modules::archive::{Listing, guard, guess_format, listing, program};
use halite_modules::args::as_text;
use halite_modules::cp::web;
use halite_modules::file::source::{Request, Search, Sum, first_there, sum_of};
use halite_modules::registry::Default::{Bool, Null};
use halite_modules::registry::Param::{self, Keywords, Optional, Required};
use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError, call, paths};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};
use target::Target;
use unpack::{Unpack, Update};

pub const MODULE: StateModule = StateModule {
    file: "archive",
    virtual_name: "archive",
    doc: "Archives, unpacked.",
    applies: always,
    functions: FUNCTIONS,
};

const EXTRACTED: &[Param] = &[
    Required("name"),
    Required("source"),
    Optional("source_hash", Null),
    Optional("source_hash_name", Null),
    Optional("source_hash_update", Bool(false)),
    Optional("skip_files_list_verify", Bool(false)),
    Optional("skip_verify", Bool(false)),
    Optional("password", Null),
    Optional("options", Null),
    Optional("list_options", Null),
    Optional("force", Bool(false)),
    Optional("overwrite", Bool(false)),
    Optional("clean", Bool(false)),
    Optional("clean_parent", Bool(false)),
    Optional("user", Null),
    Optional("group", Null),
    Optional("if_missing", Null),
    Optional("trim_output", Bool(false)),
    Optional("use_cmd_unzip", Null),
    Optional("extract_perms", Bool(true)),
    Optional("enforce_toplevel", Bool(true)),
    Optional("enforce_ownership_on", Null),
    Optional("archive_format", Null),
    Optional("use_etag", Bool(false)),
    Optional("signature", Null),
    Optional("source_hash_sig", Null),
    Optional("signed_by_any", Null),
    Optional("signed_by_all", Null),
    Optional("keyring", Null),
    Optional("gnupghome", Null),
    Keywords("kwargs"),
];

const FUNCTIONS: &[StateFunction] = &[StateFunction {
    name: "extracted",
    params: EXTRACTED,
    doc: "What is in an archive is in a directory, unpacked with the host's tar, unzip or unrar where something is missing.",
    example: "/opt: {archive.extracted: [{source: 'salt://app.tar.gz'}, {user: root}]}",
    call: extracted,
}];

/// Where the archive is, and what it is.
struct Archive {
    /// As the user names it, with no password.
    shown: String,
    source: String,
    file: PathBuf,
    format: String,
    sum: Option<Sum>,
    is_local: bool,
}

fn extracted(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    if let Some(why) = misfit(args) {
        return Ok(Look::cannot(why));
    }
    let target = match Target::of(state, args)? {
        Ok(target) => target,
        Err(why) => return Ok(Look::cannot(why)),
    };
    if let Some(path) = target.if_missing.as_ref().filter(|path| path.exists()) {
        return Ok(Look::in_sync(format!("{} is there", path.display())));
    }
    let env = state.low.get_str("__env__").unwrap_or("base").to_owned();
    let first = first_there(state.ctx, args.get("source"), args.get("source_hash"), &env, false);
    let (source, hash) = match first {
        Ok(found) => found,
        Err(error) => return Ok(Look::cannot(error.to_string())),
    };
    let is_local = !web::serves(&source) && !source.starts_with("salt://");
    let shown = web::without_password(&source);
    if is_local && !local(&source).is_file() {
        return Ok(Look::cannot(format!("there is no file {shown}")));
    }
    let format = as_text(args.get("archive_format")).map(|format| format.to_lowercase());
    let Some(format) = format.or_else(|| guess_format(&source).map(str::to_owned)) else {
        return Ok(Look::cannot(
            "'archive_format' must say what it is: tar, zip or rar; its name does not tell",
        ));
    };
    if let Some(why) = format_misfit(args, &format) {
        return Ok(Look::cannot(why));
    }
    let sum = match as_text(&hash).filter(|hash| !hash.is_empty()) {
        None => None,
        Some(hash) => {
            let request = Request::of(args, &env);
            let search = Search { hash_name: request.source_hash_name.as_deref(), name: "", source: &source };
            match sum_of(state.ctx, &hash, &search, &request) {
                Ok(sum) => Some(sum),
                Err(error) => return Ok(Look::cannot(error.to_string())),
            }
        }
    };
    let archive = Archive { shown, file: local(&source), source, format, sum, is_local };
    if is_local {
        return look(state, args, archive, target);
    }
    if state.test {
        let comment = format!("{} would be cached, and unpacked where something is missing", archive.shown);
        return Ok(Look::Done(Applied { result: None, ..Applied::done(comment, Map::new()) }));
    }
    fetched(state, args, archive, target, &env)
}

/// Brings the archive here by `file.cached`, then looks.
fn fetched(
    state: &mut StateCtx,
    args: &Bound,
    mut archive: Archive,
    target: Target,
    env: &str,
) -> Result<Look, CallError> {
    let given = Args::of([archive.source.as_str()])
        .with(
            "source_hash",
            archive.sum.as_ref().map_or(String::new(), |sum| format!("{}={}", sum.algorithm, sum.digits)),
        )
        .with("skip_verify", args.get("skip_verify").clone())
        .with("use_etag", args.get("use_etag").clone())
        .with("saltenv", env);
    let done = run_state(state, "file.cached", given)?;
    if done.result != Some(true) {
        return Ok(Look::Done(done));
    }
    let place = call(state.ctx, "cp.is_cached", Args::of([archive.source.as_str()]).with("saltenv", env))?;
    archive.file = PathBuf::from(place.as_str().unwrap_or_default());
    let keep =
        args.keywords().get("keep_source").or(args.keywords().get("keep")).is_none_or(Value::is_truthy);
    let (source, env) = (archive.source.clone(), env.to_owned());
    let look = look(state, args, archive, target)?;
    if keep {
        return Ok(look);
    }
    let forget = move |state: &mut StateCtx| {
        let args = Args::of([source.as_str()]).with("saltenv", env.as_str());
        run_state(state, "file.not_cached", args).map(drop)
    };
    match look {
        Look::Differs(plan) => Ok(Look::differs(plan.comment, plan.changes, move |state| {
            let done = (plan.apply)(state);
            forget(state)?;
            done
        })),
        other => {
            forget(state)?;
            Ok(other)
        }
    }
}

/// Another state, looked at and made so at once.
fn run_state(state: &mut StateCtx, name: &str, args: Args) -> Result<Applied, CallError> {
    let function = find(state.ctx, name)?;
    let args = args.bind(name, function.params)?;
    Ok(match (function.call)(state, &args)? {
        Look::InSync { comment } => Applied::done(comment, Map::new()),
        Look::Cannot { comment, changes } => Applied::failed(comment, changes),
        Look::Done(done) => done,
        Look::Differs(plan) => (plan.apply)(state)?,
    })
}

fn local(source: &str) -> PathBuf {
    let path = source.strip_prefix("file://").unwrap_or(source);
    paths::realpath(&paths::from_bytes(&paths::expand_user(path.as_bytes())))
}

/// Arguments that do not go together.
fn misfit(args: &Bound) -> Option<&'static str> {
    let wrong = [
        (
            args.bool("skip_files_list_verify") && args.bool("skip_verify"),
            "'skip_files_list_verify' does not go with 'skip_verify'",
        ),
        (args.bool("clean") && args.bool("clean_parent"), "'clean' does not go with 'clean_parent'"),
        (
            args.get("signature").is_truthy() || args.get("source_hash_sig").is_truthy(),
            "signatures cannot be verified here: the module gpg is not available",
        ),
    ];
    wrong.into_iter().find_map(|(is_wrong, why)| is_wrong.then_some(why))
}

fn format_misfit(args: &Bound, format: &str) -> Option<String> {
    let given = |name: &str| args.get(name).is_truthy();
    match format {
        "zip" if given("options") && args.get("use_cmd_unzip") == &Value::Bool(false) => {
            Some("'options' are those of unzip, so 'use_cmd_unzip' cannot be False".to_owned())
        }
        "tar" | "rar" if given("password") => Some("only ZIP archives have a 'password'".to_owned()),
        "rar" if given("options") => Some("'options' are for tar and zip alone".to_owned()),
        "tar" | "zip" => None,
        "rar" => program(&["unrar", "rar"]).err().map(|error| error.to_string()),
        other => Some(format!("there is no format '{other}'; there are tar, zip and rar")),
    }
}

/// Compares what is in the archive with what is in the directory.
fn look(state: &mut StateCtx, args: &Bound, archive: Archive, target: Target) -> Result<Look, CallError> {
    let strip = strip_components(args, &archive.format);
    let options = args.opt_str("list_options")?;
    let contents = match listing(&archive.file, &archive.format, options.as_deref(), strip) {
        Ok(contents) => contents,
        Err(error) => return Ok(Look::cannot(error.to_string())),
    };
    if archive.format == "zip" && !args.get("password").is_truthy() && is_locked(&archive.file) {
        return Ok(Look::cannot(format!("{} needs a 'password'", archive.shown)));
    }
    let most = args.keywords().get("unpacked_bytes_max").and_then(Value::as_i64);
    let packed = archive.file.metadata().map_or(0, |data| data.len());
    if let Some(why) = guard::refusal(&contents, packed, most.and_then(|most| u64::try_from(most).ok())) {
        return Ok(Look::cannot(format!("{} is not unpacked: {why}", archive.shown)));
    }
    let tops = (contents.top_level_dirs(), contents.top_level_files());
    if args.bool("enforce_toplevel") && (tops.0.len() > 1 || !tops.1.is_empty()) {
        let why = format!(
            "{} holds more than one directory at its top; 'enforce_toplevel: False' unpacks it all the same",
            archive.shown
        );
        return Ok(Look::cannot(why));
    }
    let (missing, wrong) = target.compare(&contents)?;
    let makes_way = args.bool("clean") || args.bool("force") || (state.test && args.bool("clean_parent"));
    if !wrong.is_empty() && !makes_way {
        let why = format!("of another kind than in the archive: {}; 'force' replaces them", wrong.join(", "));
        return Ok(Look::cannot(why));
    }
    let update = Update::of(state, args, &archive);
    let needed = args.bool("overwrite") || missing || !wrong.is_empty() || update.is_due();
    if !needed {
        update.note(state)?;
        return target.ownership(&contents);
    }
    if archive.is_local
        && !args.bool("skip_verify")
        && let Some(sum) = archive.sum.as_ref().filter(|sum| !sum.fits(&archive.file).unwrap_or(false))
    {
        return Ok(Look::cannot(format!("the {} of {} is not {}", sum.algorithm, archive.shown, sum.digits)));
    }
    let comment = format!("{} would be unpacked into {}", archive.shown, target.name.display());
    let job = Job {
        unpack: Unpack::of(args, &archive)?,
        clean: args.bool("clean"),
        clean_parent: args.bool("clean_parent"),
        wrong: if args.bool("clean") { Vec::new() } else { wrong },
    };
    Ok(Look::differs(comment, Map::new(), move |state| {
        update.note(state)?;
        job.run(state, &archive, &target, &contents)
    }))
}

fn is_locked(file: &Path) -> bool {
    halite_modules::archive::zip_entries(file)
        .is_ok_and(|entries| entries.iter().any(|entry| entry.encrypted))
}

/// The number in `--strip-components=N` of the options for tar.
fn strip_components(args: &Bound, format: &str) -> usize {
    let options = as_text(args.get("options")).filter(|_| format == "tar").unwrap_or_default();
    let words: Vec<&str> = options.split([' ', '=', '\t']).filter(|word| !word.is_empty()).collect();
    let place = words.iter().position(|word| ["--strip", "--strip-components"].contains(word));
    let number = place.and_then(|at| words.get(at + 1)).map(|word| word.trim_matches(['"', '\'']));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// All that happens when something is to be unpacked.
struct Job {
    unpack: Unpack,
    clean: bool,
    clean_parent: bool,
    /// Names below the target that are of another kind than in the archive.
    wrong: Vec<String>,
}

impl Job {
    fn run(
        &self,
        state: &mut StateCtx,
        archive: &Archive,
        target: &Target,
        listed: &Listing,
    ) -> Result<Applied, CallError> {
        let mut changes = Map::new();
        self.clear(target, listed, &mut changes)?;
        let is_new = !target.name.is_dir();
        if is_new {
            let tree = Tree {
                name: target.name.clone(),
                user: target.user.clone(),
                makedirs: true,
                ..Tree::default()
            };
            let planned = tree.differences()?;
            tree.make(planned)?;
        }
        let absent = target.absent(listed);
        let unpacked = self.unpack.run(state, archive, &target.name, listed);
        let mut names = match unpacked {
            Ok(names) => names,
            Err(error) => {
                // What came is half of something. What was there before stays.
                absent.iter().rev().for_each(|path| drop(target::remove(path)));
                if is_new {
                    let _ = std::fs::remove_dir(&target.name);
                }
                return Ok(Applied::failed(error.to_string(), changes));
            }
        };
        names.truncate(self.unpack.trim.unwrap_or(usize::MAX));
        let enforced = target.enforce(listed)?;
        if enforced.changed {
            changes.insert("updated ownership", true);
        }
        if names.is_empty() {
            return Ok(Applied::failed(format!("{} holds nothing", archive.shown), changes));
        }
        if is_new {
            changes.insert("directories_created", Value::List(vec![target.shown().into()]));
        }
        changes.insert("extracted_files", names);
        Ok(match enforced.failures.is_empty() {
            true => Applied::done(
                format!("{} was unpacked into {}", archive.shown, target.name.display()),
                changes,
            ),
            false => Applied::failed(enforced.failures.join("; "), changes),
        })
    }

    /// Removes what must make way.
    fn clear(&self, target: &Target, listed: &Listing, changes: &mut Map) -> Result<(), CallError> {
        let mut removed = Vec::new();
        let tops = [listed.top_level_dirs(), listed.top_level_files()].concat();
        let names = if self.clean { tops.as_slice() } else { &self.wrong };
        for name in names {
            if target::remove(&target.name.join(name.trim_end_matches('/')))? {
                removed.push(Value::from(format!("{}{name}", target.shown())));
            }
        }
        if self.clean_parent {
            target::remove(&target.name)?;
            let said = format!("Directory {} was removed prior to the extraction", target.shown());
            changes.insert("removed", said);
        } else if !removed.is_empty() {
            changes.insert("removed", Value::List(removed));
        }
        Ok(())
    }
}
