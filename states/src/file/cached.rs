//! `file.cached` and `file.not_cached`: files of elsewhere in this host's cache.

use crate::{Applied, Look, StateCtx};
use halite_modules::cp::web;
use halite_modules::file::source::{Request, Search, Sum, sum_of};
use halite_modules::{Args, Bound, CallError, call, digest, paths};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

pub fn cached(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, env) = (args.str("name")?, args.str("saltenv")?);
    let hash = args.opt_str("source_hash")?.filter(|hash| !hash.is_empty());
    let skip_verify = args.bool("skip_verify");
    let is_remote = web::serves(&name);
    if is_remote && !skip_verify && hash.is_none() && !args.bool("use_etag") {
        let shown = web::without_password(&name);
        let why = format!("nothing says what {shown} must be: set 'source_hash', or 'skip_verify' to True");
        return Ok(Look::cannot(why));
    }
    let request = Request { source: name.as_str().into(), ..Request::of(args, &env) };
    let sum = match &hash {
        None => None,
        Some(hash) => {
            let search = Search { hash_name: request.source_hash_name.as_deref(), name: "", source: &name };
            match sum_of(state.ctx, hash, &search, &request) {
                Ok(sum) => Some(sum),
                Err(error) => return Ok(Look::cannot(error.to_string())),
            }
        }
    };
    if state.test {
        // Whether it will be fetched is known only after asking, which a test run does not.
        let comment = format!("{} would be cached", web::without_password(&name));
        return Ok(Look::Done(Applied { result: None, ..Applied::done(comment, Map::new()) }));
    }
    if !is_remote && !name.starts_with("salt://") {
        return Ok(local(&name, sum.filter(|_| !skip_verify)));
    }
    fetched(state, &name, &env, sum.filter(|_| !skip_verify)).map(Look::Done)
}

fn local(name: &str, sum: Option<Sum>) -> Look {
    let path = paths::realpath(&super::expanded_text(name.strip_prefix("file://").unwrap_or(name)));
    if !path.exists() {
        return Look::cannot(format!("{} is not there", path.display()));
    }
    match sum {
        Some(sum) if !sum.fits(&path).unwrap_or(false) => {
            Look::cannot(format!("the {} of {} is not {}", sum.algorithm, path.display(), sum.digits))
        }
        _ => Look::in_sync(format!("{} is there", path.display())),
    }
}

fn fetched(state: &mut StateCtx, name: &str, env: &str, sum: Option<Sum>) -> Result<Applied, CallError> {
    let algorithm = sum.as_ref().map_or("sha256", |sum| sum.algorithm.as_str()).to_owned();
    let digest_of = |path: &Path| digest::of_file(&algorithm, path).ok();
    let before = place(state, name, env)?.as_deref().and_then(digest_of);
    let is_right =
        |digits: &Option<String>| sum.as_ref().is_some_and(|sum| digits.as_ref() == Some(&sum.digits));
    if is_right(&before) {
        return Ok(Applied::done(format!("{} is cached already", web::without_password(name)), Map::new()));
    }
    let args =
        Args::of([name]).with("saltenv", env).with("source_hash", sum.as_ref().map(|sum| sum.digits.clone()));
    let Some(path) = path_in(call(state.ctx, "cp.cache_file", args)?) else {
        let why = format!("there is no {}", web::without_password(name));
        return Ok(Applied::failed(why, Map::new()));
    };
    let after = digest_of(&path);
    let mut changes = Map::new();
    if before != after {
        changes
            .insert("hash", Map::from([("old", Value::from(before)), ("new", Value::from(after.clone()))]));
    }
    if sum.is_some() && !is_right(&after) {
        let why = format!("{} is cached, but its {algorithm} is another", web::without_password(name));
        return Ok(Applied::failed(why, changes));
    }
    Ok(Applied::done(format!("cached as {}", path.display()), changes))
}

/// Where the cache has it.
fn place(state: &mut StateCtx, name: &str, env: &str) -> Result<Option<PathBuf>, CallError> {
    call(state.ctx, "cp.is_cached", Args::of([name]).with("saltenv", env)).map(path_in)
}

fn path_in(value: Value) -> Option<PathBuf> {
    value.as_str().filter(|path| !path.is_empty()).map(PathBuf::from)
}

pub fn not_cached(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, env) = (args.str("name")?, args.str("saltenv")?);
    if !web::serves(&name) && !name.starts_with("salt://") {
        return Ok(Look::in_sync(format!("{name} is a path of this host, which no cache has")));
    }
    let Some(path) = place(state, &name, &env)? else {
        return Ok(Look::in_sync(format!("{} is not cached", web::without_password(&name))));
    };
    // As in Salt a test run removes it, too: a cache is no part of the host's state.
    let failed = |error| CallError::Failed(format!("could not remove {}: {error}", path.display()));
    std::fs::remove_file(&path).map_err(failed)?;
    Ok(Look::Done(Applied::done(format!("{} was removed", path.display()), Map::from([("deleted", true)]))))
}
