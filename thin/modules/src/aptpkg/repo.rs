//! `pkg.*_repo` on Debian: repositories in apt's lists of sources.

use super::apt::APT;
use super::keys;
use super::sources::{FOLDER, MAIN_FILE, Source, SourceFile, read, save};
use crate::packages::{is_true, keyword_text};
use crate::registry::CallError;
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

pub fn list_repos(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let mut found = Map::new();
    for file in read() {
        for (line, source) in file.lines.iter().filter_map(|line| Some((line, Source::parse(line)?))) {
            let facts = Value::from(source.facts(&file.path, line));
            if let Value::List(list) = found.entry_or(source.uri.as_str(), || Value::List(Vec::new())) {
                list.push(facts);
            }
        }
    }
    Ok(found.into())
}

/// The repository a definition stands for; a PPA's where it begins with `ppa:`.
fn definition(ctx: &mut Ctx, repo: &str, args: &Bound) -> Result<(Source, Option<PathBuf>), CallError> {
    let unreadable = || {
        CallError::failed(format!("'{repo}' is no repository: it must be the whole line, as in sources.list"))
    };
    let Some(ppa) = repo.strip_prefix("ppa:") else {
        return Ok((Source::parse(repo).ok_or_else(unreadable)?, None));
    };
    let os = ctx.grains().get_str("os").unwrap_or_default();
    if !matches!(os, "Ubuntu" | "Mint" | "neon") {
        return Err(CallError::failed(format!("PPAs are of Ubuntu: '{repo}' has no meaning on {os}")));
    }
    let dist = ctx.grains().get_str("oscodename").unwrap_or_default().to_owned();
    let (owner, name) = ppa.split_once('/').ok_or_else(unreadable)?;
    let line = match keyword_text(args, "ppa_auth") {
        Some(auth) => {
            format!("deb https://{auth}@private-ppa.launchpad.net/{owner}/{name}/ubuntu {dist} main")
        }
        None => format!("deb http://ppa.launchpad.net/{owner}/{name}/ubuntu {dist} main"),
    };
    let file = Path::new(FOLDER).join(format!("{owner}-{name}-{dist}.list"));
    Ok((Source::parse(&line).ok_or_else(unreadable)?, Some(file)))
}

pub fn get_repo(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (wanted, _) = definition(ctx, &args.str("repo")?, args)?;
    for file in read() {
        for (line, source) in file.lines.iter().filter_map(|line| Some((line, Source::parse(line)?))) {
            if source.is_same(&wanted) && (wanted.comps.is_empty() || source.shares_component(&wanted)) {
                return Ok(source.facts(&file.path, line).into());
            }
        }
    }
    Ok(Map::new().into())
}

fn list(args: &Bound, key: &str) -> Option<Vec<String>> {
    let value = args.keywords().get(key)?;
    Some(match value {
        Value::List(items) => items.iter().filter_map(crate::args::as_text).collect(),
        other => crate::args::as_text(other)?.split(',').map(|one| one.trim().to_owned()).collect(),
    })
}

/// Applies the arguments that change a definition.
fn adjust(source: &mut Source, args: &Bound) {
    if let Some(comps) = list(args, "comps") {
        source.comps = comps;
    }
    if let Some(architectures) = list(args, "architectures") {
        source.set_option("arch", &architectures.join(","));
    }
    if let Some(signed_by) = keyword_text(args, "signedby") {
        source.set_option("signed-by", &signed_by);
    }
    for (key, set) in [("uri", &mut source.uri), ("dist", &mut source.dist)] {
        if let Some(text) = keyword_text(args, key) {
            *set = text;
        }
    }
    match (args.keywords().get("disabled"), args.keywords().get("enabled")) {
        (Some(disabled), _) => source.disabled = is_true(disabled),
        (None, Some(enabled)) => source.disabled = !is_true(enabled),
        (None, None) => {}
    }
}

pub fn expand_repo_def(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (mut source, file) = definition(ctx, &args.str("repo")?, args)?;
    adjust(&mut source, args);
    let file = keyword_text(args, "file").map(PathBuf::from).or(file).unwrap_or_else(|| MAIN_FILE.into());
    let line = source.line();
    Ok(source.facts(&file, &line).into())
}

pub fn mod_repo(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let repo = args.str("repo")?;
    let (definition, file) = definition(ctx, &repo, args)?;
    keys::for_repo(ctx, args, definition.signed_by())?;
    let file = keyword_text(args, "file").map(PathBuf::from).or(file);
    let mut wanted = definition.clone();
    adjust(&mut wanted, args);
    if let Some(Value::List(comments)) = args.keywords().get("comments") {
        wanted.comment = comments.iter().filter_map(crate::args::as_text).collect::<Vec<_>>().join(" ");
    }
    let all_comps: Vec<&String> = definition.comps.iter().chain(&wanted.comps).collect();
    let (kind, dist) = (keyword_text(args, "type"), keyword_text(args, "dist"));
    let is_it = |source: &Source| {
        let by_line = source.is_same(&definition);
        let by_words = kind.as_deref() == Some(&source.kind) && dist.as_deref() == Some(&source.dist);
        let touches = source.comps.is_empty()
            || source.comps.iter().any(|comp| all_comps.contains(&comp))
            || source.architectures() != wanted.architectures();
        (by_line || by_words) && touches
    };
    let place = put(wanted.clone(), file, is_it)?;
    let asked = args.keywords().get("refresh_db").or_else(|| args.keywords().get("refresh"));
    if asked.is_none_or(is_true) {
        (APT.refresh)(ctx, args)?;
    }
    let facts = wanted.facts(&place, &wanted.line());
    Ok(Map::from([(repo, facts)]).into())
}

/// Puts the line where one of its repository is, else at the end of `file`. A line in another file moves to `file`.
fn put(wanted: Source, file: Option<PathBuf>, is_it: impl Fn(&Source) -> bool) -> Result<PathBuf, CallError> {
    let mut files = read();
    let found = files.iter().enumerate().find_map(|(at, file)| {
        let line =
            file.lines.iter().position(|line| Source::parse(line).is_some_and(|source| is_it(&source)))?;
        Some((at, line))
    });
    let target =
        file.unwrap_or_else(|| found.map_or_else(|| MAIN_FILE.into(), |(at, _)| files[at].path.clone()));
    if let Some((at, line)) = found {
        if files[at].path == target {
            files[at].lines[line] = wanted.line();
            save(&files[at])?;
            return Ok(target);
        }
        files[at].lines.remove(line);
        save_or_remove(&files[at])?;
    }
    let known = files.into_iter().find(|file| file.path == target);
    let mut file = known.unwrap_or_else(|| SourceFile { path: target.clone(), lines: Vec::new() });
    file.lines.push(wanted.line());
    save(&file)?;
    Ok(target)
}

/// A file of `sources.list.d` that names no repository any more goes. True where it went.
fn save_or_remove(file: &SourceFile) -> Result<bool, CallError> {
    let empty = !file.lines.iter().any(|line| Source::parse(line).is_some());
    if empty && file.path.starts_with(FOLDER) {
        let removed = std::fs::remove_file(&file.path);
        return removed.map(|()| true).map_err(|error| CallError::failed(error.to_string()));
    }
    save(file).map(|()| false)
}

pub fn del_repo(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let repo = args.str("repo")?;
    let (unwanted, _) = definition(ctx, &repo, args)?;
    let is_ppa = repo.starts_with("ppa:");
    let mut told = String::new();
    for mut file in read() {
        let before = file.lines.clone();
        file.lines = before.iter().filter_map(|line| without(line, &unwanted, is_ppa)).collect();
        if file.lines != before {
            let gone = save_or_remove(&file)?;
            let path = file.path.display();
            told += &if gone {
                format!("{path} was removed with {repo}.\n")
            } else {
                format!("{repo} was removed from {path}.\n")
            };
        }
    }
    if told.is_empty() {
        return Err(CallError::failed(format!("no list of sources has {repo}")));
    }
    (APT.refresh)(ctx, args)?;
    Ok(told.into())
}

/// The line without the components of `unwanted`; `None` where nothing is left.
fn without(line: &str, unwanted: &Source, is_ppa: bool) -> Option<String> {
    let keep = Some(line.to_owned());
    let Some(mut source) = Source::parse(line) else { return keep };
    let as_binary = Source { kind: unwanted.kind.clone(), ..source.clone() };
    let same = source.is_same(unwanted) || is_ppa && source.kind == "deb-src" && as_binary.is_same(unwanted);
    if !same || source.architectures() != unwanted.architectures() {
        return keep;
    }
    if source.comps.is_empty() && unwanted.comps.is_empty() {
        return None;
    }
    if !source.shares_component(unwanted) {
        return keep;
    }
    source.comps.retain(|comp| !unwanted.comps.contains(comp));
    (!source.comps.is_empty()).then(|| source.line())
}

/// Whether the host still has the tool that trusts keys for every repository.
pub fn has_apt_key() -> bool {
    tools::has("apt-key")
}
