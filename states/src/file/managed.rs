//! `file.managed`: one file with its content, owner and mode.

use super::{accumulate, contents, ended, expanded, named, no_such_owner, saltenv, user};
use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::file::manage::{Content, Found, Wanted, keeps_backups, mode_or_keep};
use halite_modules::file::perms::Perms;
use halite_modules::file::selinux::Label;
use halite_modules::file::source::{Chosen, Request};
use halite_modules::file::template;
use halite_modules::{Args, Bound, CallError, call, paths, write};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

pub fn managed(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = expanded(args, "name")?;
    if let Some(why) = misfit(args) {
        return Ok(Look::cannot(why));
    }
    let contents = match contents::of(state, args) {
        Ok(contents) => contents,
        Err(error) => return Ok(Look::cannot(error.to_string())),
    };
    if !args.bool("create") && !name.is_file() {
        return Ok(Look::in_sync(format!("{} is not there, and is not to be created", name.display())));
    }
    let (user, group) = (user(args), args.get("group").clone());
    if let Some(look) = no_such_owner(state, &user, &group) {
        return Ok(look);
    }
    let name = match named(args)? {
        Ok(name) if name.is_dir() => return Ok(Look::cannot(format!("{} is a directory", name.display()))),
        Ok(name) => name,
        Err(look) => return Ok(look),
    };
    let (mode, keep_mode) = mode_or_keep(args.get("mode"));
    let perms = Perms { user, group, mode, label: Label::of(args.get("selinux")), ..Perms::of(args) };
    let has_source = args.get("source").is_truthy();
    let replace = args.get("replace") != &Value::Bool(false) && (has_source || contents.is_some());
    let mut wanted = Wanted {
        name,
        content: contents.map_or(Content::Any, Content::Bytes),
        perms,
        follow: args.get("follow_symlinks") != &Value::Bool(false),
        show_changes: args.get("show_changes") != &Value::Bool(false),
        backup: keeps_backups(state.ctx, args.get("backup")),
        makedirs: args.bool("makedirs"),
        dir_mode: as_text(args.get("dir_mode")),
    };
    if !replace && wanted.name.exists() {
        wanted.content = Content::Any;
        return look(state, args, wanted, None);
    }
    let mut chosen = None;
    if has_source {
        match sourced(state, args, &wanted) {
            Ok((content, found)) => {
                wanted.content = content;
                if keep_mode {
                    wanted.perms.mode = found.mode.map(|mode| format!("{mode:04o}"));
                }
                chosen = Some(found);
            }
            Err(error) => return Ok(Look::cannot(error.to_string())),
        }
    }
    look(state, args, wanted, chosen)
}

/// Arguments that do not go together, and those nobody can serve.
fn misfit(args: &Bound) -> Option<&'static str> {
    let is_dict = |name: &str| !args.get(name).is_truthy() || args.get(name).as_map().is_some();
    let (_, keep_mode) = mode_or_keep(args.get("mode"));
    let wrong = [
        (args.get("name") == &Value::from(""), "the name of the file is empty"),
        (
            args.get("source").is_truthy() && contents::given(args) > 0,
            "'source' does not go with 'contents', 'contents_pillar' or 'contents_grains': give one of them",
        ),
        (
            keep_mode && contents::given(args) > 0,
            "'mode: keep' needs a 'source' whose mode can be kept; contents have none",
        ),
        (contents::given(args) > 1, "give only one of 'contents', 'contents_pillar' and 'contents_grains'"),
        (!is_dict("context"), "'context' must be a dict"),
        (!is_dict("defaults"), "'defaults' must be a dict"),
        (
            args.get("signature").is_truthy() || args.get("source_hash_sig").is_truthy(),
            "signatures cannot be verified here: the module gpg is not available",
        ),
    ];
    wrong.into_iter().find_map(|(is_wrong, why)| is_wrong.then_some(why))
}

/// The content of the source, rendered where it is a template, and the source itself.
fn sourced(state: &mut StateCtx, args: &Bound, wanted: &Wanted) -> Result<(Content, Chosen), CallError> {
    let (env, name) = (saltenv(state), &wanted.name);
    let chosen = Request::of(args, &env).choose(state.ctx, &name.to_string_lossy())?;
    let Some(engine) = args.opt_str("template")?.filter(|engine| !engine.is_empty()) else {
        return Ok((Content::Source(Box::new(chosen.clone())), chosen));
    };
    let file = chosen.file(state.ctx)?;
    let mut variables = template::variables(args)?;
    let given = [
        ("name", paths::to_value(name)),
        ("source", chosen.source.as_str().into()),
        ("saltenv", env.into()),
        ("user", user(args)),
        ("mode", wanted.perms.mode.clone().into()),
    ];
    for (key, value) in given.into_iter().filter(|(key, _)| args.get("context").get(key).is_none()) {
        variables.insert(key, value);
    }
    if let Some(gathered) = accumulate::gathered(state, name) {
        variables.insert("accumulator", gathered);
    }
    let text = template::render_file(state.ctx, &engine, &file, &variables)?;
    Ok((Content::Rendered(text.into_bytes()), chosen))
}

/// Compares, and says how it would be made so.
fn look(
    state: &mut StateCtx,
    args: &Bound,
    wanted: Wanted,
    chosen: Option<Chosen>,
) -> Result<Look, CallError> {
    let found = match wanted.look(state.ctx) {
        Ok(found) => found,
        Err(error) => return Ok(Look::cannot(error.to_string())),
    };
    if state.test
        && found.now.is_none()
        && let Some(absent) = chosen.as_ref().filter(|chosen| !chosen.is_there(state.ctx))
    {
        return Ok(Look::cannot(format!("there is no {}", absent.shown())));
    }
    let planned = wanted.planned(&found)?;
    let forget = chosen.filter(|_| args.get("keep_source") == &Value::Bool(false));
    if planned.is_empty() {
        if let Some(chosen) = forget.filter(|_| !state.test) {
            chosen.forget(state.ctx)?;
        }
        return Ok(Look::in_sync(format!("{} is as it should be", wanted.name.display())));
    }
    let check = Check::of(args)?;
    let comment = format!("{} would be changed", wanted.name.display());
    Ok(Look::differs(comment, planned, move |state| {
        let done = apply(state, &wanted, found, check);
        if let Some(chosen) = forget {
            chosen.forget(state.ctx)?;
        }
        done
    }))
}

/// Writes it, if the check likes it.
///
/// # Errors
/// What checking or writing says.
pub fn apply(
    state: &mut StateCtx,
    wanted: &Wanted,
    found: Found,
    check: Option<Check>,
) -> Result<Applied, CallError> {
    if let Some(refused) = check.map(|check| check.run(state, wanted, &found)).transpose()?.flatten() {
        return Ok(refused);
    }
    let checked = wanted.put(state.ctx, found)?;
    Ok(ended(format!("{} was changed", wanted.name.display()), checked))
}

/// `check_cmd` of states that write files: a command that must like the new file before it takes its place.
pub struct Check {
    command: String,
    folder: PathBuf,
    suffix: String,
}

impl Check {
    /// Reads `check_cmd`, `tmp_dir` and `tmp_ext`.
    ///
    /// # Errors
    /// Where one of them is no text.
    pub fn of(args: &Bound) -> Result<Option<Check>, CallError> {
        let Some(command) = args.opt_str("check_cmd")?.filter(|command| !command.is_empty()) else {
            return Ok(None);
        };
        let folder = args.opt_str("tmp_dir")?.filter(|folder| !folder.is_empty());
        Ok(Some(Check {
            command,
            folder: folder.map_or_else(std::env::temp_dir, PathBuf::from),
            suffix: args.opt_str("tmp_ext")?.unwrap_or_default(),
        }))
    }

    /// Writes the file elsewhere and runs the command with its path. `Some` is a refusal.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn run(
        &self,
        state: &mut StateCtx,
        wanted: &Wanted,
        found: &Found,
    ) -> Result<Option<Applied>, CallError> {
        let mut name = write::fresh_name(&self.folder.join("x")).into_os_string();
        name.push(&self.suffix);
        let content = match (&wanted.content, found.now) {
            // Only owner or mode are to change: what is there is checked.
            (Content::Any, Some(_)) => Content::Bytes(std::fs::read(&wanted.name).unwrap_or_default()),
            (content, _) => content.clone(),
        };
        let trial = Wanted { name: name.into(), content, follow: false, backup: false, ..wanted.clone() };
        let written = trial.look(state.ctx).and_then(|found| trial.put(state.ctx, found));
        let refused = written.and_then(|_| run_check(state, &self.command, &trial.name));
        let _ = std::fs::remove_file(&trial.name);
        refused
    }
}

/// Runs `command file` in the shell; `Some` where it failed.
fn run_check(state: &mut StateCtx, command: &str, file: &Path) -> Result<Option<Applied>, CallError> {
    let args = Args::of([format!("{command} {}", file.display())]).with("python_shell", true);
    let output = call(state.ctx, "cmd.run_all", args)?;
    if output.get("retcode") == Some(&Value::Int(0)) {
        return Ok(None);
    }
    let said = ["stdout", "stderr"].map(|stream| output.get(stream).and_then(as_text).unwrap_or_default());
    let said: String = said.iter().filter(|text| !text.is_empty()).map(|text| format!("\n{text}")).collect();
    let mut refused = Applied::failed(format!("check_cmd refused the file{said}"), Map::new());
    refused.further.insert("skip_watch", true);
    Ok(Some(refused))
}

/// The command that states with `check_cmd` run, as a state of its own.
pub fn mod_run_check_cmd(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (command, file) = (args.str("cmd")?, expanded(args, "filename")?);
    Ok(Look::differs("the command would be run", Map::new(), move |state| {
        let refused = run_check(state, &command, &file)?;
        Ok(refused.unwrap_or_else(|| Applied::done("the command likes the file", Map::new())))
    }))
}
