//! `cp.*`: files from the controller's file server, from web servers, and from the host itself.
//!
//! `salt://path` is asked of the controller, and only sent where the host has other content. Files appear whole
//! or not at all. A file that does not exist is `''` or `False`, as each function of Salt has it.

mod names;
mod push;
mod source;
mod table;
pub mod web;

use crate::registry::{CallError, Module, always};
use crate::{Bound, Ctx, cache, digest, paths, write};
use halite_wire::{Map, Value};
pub use names::Inclusion;
pub(crate) use names::extern_path;
pub use push::{push, push_dir};
pub use source::Source;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub const MODULE: Module = Module {
    file: "cp",
    virtual_name: "cp",
    doc: "Files from the controller, from web servers and from the host itself.",
    applies: always,
    functions: table::FUNCTIONS,
};

/// Mode of files in the cache: nobody else's business.
const CACHED: u32 = 0o600;

/// `saltenv` of the call, else of the options, else `base`.
fn saltenv(ctx: &Ctx, args: &Bound) -> Result<String, CallError> {
    let given = args.opt_str("saltenv")?.filter(|env| !env.is_empty());
    let default = || ctx.opts.get_str("saltenv").filter(|env| !env.is_empty()).unwrap_or("base").to_owned();
    Ok(given.unwrap_or_else(default))
}

/// The argument as a URL of the file server.
fn source(ctx: &Ctx, args: &Bound, url: &str) -> Result<Source, CallError> {
    let unsupported = || args.wrong(format!("'{url}' is no URL of the file server; they begin with salt://"));
    Source::parse(url, &saltenv(ctx, args)?).ok_or_else(unsupported)
}

/// `path` and `dest`, rendered where `template` names an engine.
fn rendered_names(ctx: &mut Ctx, args: &Bound) -> Result<(String, String), CallError> {
    let (path, dest) = (args.str("path")?, args.str("dest")?);
    let Some(engine) = args.opt_str("template")?.filter(|engine| !engine.is_empty()) else {
        return Ok((path, dest));
    };
    let variables = variables(ctx, args)?;
    let mut render =
        |text: String| ctx.render.render(ctx, &engine, &text, &variables).map_err(CallError::Failed);
    Ok((render(path)?, render(dest)?))
}

fn variables(ctx: &Ctx, args: &Bound) -> Result<Map, CallError> {
    let mut variables: Map = args.keywords().clone();
    if let Some(Value::Map(context)) = variables.remove("context") {
        variables.extend(context);
    }
    variables.insert("saltenv", saltenv(ctx, args)?);
    Ok(variables)
}

/// Where a file goes: into `dest` under its own name where `dest` is a directory or ends in a slash.
fn place(dest: &str, url: &str) -> PathBuf {
    if !dest.ends_with('/') && !Path::new(dest).is_dir() {
        return PathBuf::from(dest);
    }
    let url = url.split_once("?saltenv=").map_or(url, |(path, _)| path);
    Path::new(dest).join(paths::from_bytes(paths::basename(url.as_bytes())))
}

/// Whether the directory for `file` is there, or was made.
fn has_folder(file: &Path, makedirs: bool) -> Result<bool, CallError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() || !makedirs {
        return Ok(folder.is_dir());
    }
    let failed = |error| CallError::Failed(format!("could not make '{}': {error}", folder.display()));
    write::no_planted_links(folder).and_then(|()| std::fs::create_dir_all(folder)).map_err(failed)?;
    Ok(true)
}

pub fn get_file(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (url, dest) = rendered_names(ctx, args)?;
    let source = source(ctx, args, &url)?;
    if dest.is_empty() {
        return Ok(cached(ctx, &source)?.map_or_else(|| Value::from(""), paths::to_value));
    }
    let target = place(&dest, &url);
    if !has_folder(&target, false)? {
        if source.facts(ctx)?.is_none() {
            return Ok(Value::from(""));
        }
        if !has_folder(&target, args.bool("makedirs"))? {
            return Ok(Value::Bool(false));
        }
    }
    let found = source.fetch(ctx, &target, write::default_mode())?;
    Ok(if found { paths::to_value(target) } else { Value::from("") })
}

/// The file in the cache, as new as the file server has it; `None` where there is no such file.
pub(crate) fn cached(ctx: &mut Ctx, source: &Source) -> Result<Option<PathBuf>, CallError> {
    if ctx.has_tree(&source.saltenv) {
        let found = ctx.cached_file(&source.saltenv, &source.path).map_err(CallError::Failed)?;
        if found.is_none() {
            ctx.notes.push(format!("{source} is not there"));
        }
        return Ok(found);
    }
    let target = cache_place(ctx, source)?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    let failed = |error| CallError::Failed(format!("could not make '{}': {error}", folder.display()));
    write::private_folders(folder).map_err(failed)?;
    Ok(source.fetch(ctx, &target, CACHED)?.then_some(target))
}

pub(crate) fn cache_place(ctx: &Ctx, source: &Source) -> Result<PathBuf, CallError> {
    let place = cache::place(ctx, &source.saltenv, &source.path);
    place.ok_or_else(|| CallError::Failed(format!("{source} would be kept outside of the cache")))
}

pub fn get_dir(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (url, dest) = rendered_names(ctx, args)?;
    let top = source(ctx, args, url.trim_end_matches('/'))?;
    let above = top.path.rfind('/').map_or(0, |slash| slash + 1);
    let mut written = Vec::new();
    for path in below(ctx, &top)? {
        let name = cache::below(Path::new(&dest), &path[above..]);
        let target = name.ok_or_else(|| CallError::Failed(format!("'{path}' would lead out of '{dest}'")))?;
        has_folder(&target, true)?;
        let source = Source { path, saltenv: top.saltenv.clone() };
        let found = source.fetch(ctx, &target, write::default_mode())?;
        written.push(if found { paths::to_value(target) } else { Value::from("") });
    }
    Ok(Value::List(written))
}

/// All paths below a directory of the file server.
pub fn below(ctx: &mut Ctx, top: &Source) -> Result<Vec<String>, CallError> {
    let prefix =
        if top.path.is_empty() { String::new() } else { format!("{}/", top.path.trim_end_matches('/')) };
    let mut paths = source::list(ctx, &top.saltenv)?;
    paths.retain(|path| path.starts_with(&prefix));
    Ok(paths)
}

pub fn get_template(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (url, dest, engine) = (args.str("path")?, args.str("dest")?, args.str("template")?);
    let Some(file) = fetched(ctx, args, &url, None)?.filter(|file| file.is_file()) else {
        return Ok(Value::from(""));
    };
    let read = std::fs::read_to_string(&file);
    let text =
        read.map_err(|error| CallError::Failed(format!("could not read '{}': {error}", file.display())))?;
    let variables = variables(ctx, args)?;
    let rendered = match ctx.render.render(ctx, &engine, &text, &variables) {
        Ok(rendered) => rendered,
        Err(why) => {
            ctx.notes.push(why);
            ctx.retcode = 1;
            return Ok(Value::from(""));
        }
    };
    let (target, makedirs) = match dest.as_str() {
        "" => (extern_path(ctx, &url, &saltenv(ctx, args)?)?, true),
        dest => (place(dest, &url), args.bool("makedirs")),
    };
    if !has_folder(&target, makedirs)? {
        return Ok(Value::from(""));
    }
    let failed = |error| CallError::Failed(format!("could not write '{}': {error}", target.display()));
    write::replace(&target, rendered.as_bytes(), CACHED).map_err(failed)?;
    Ok(paths::to_value(target))
}

/// The file of any URL on this host: cached where it comes from elsewhere, the path itself where it is local.
fn fetched(
    ctx: &mut Ctx,
    args: &Bound,
    url: &str,
    source_hash: Option<&str>,
) -> Result<Option<PathBuf>, CallError> {
    let env = saltenv(ctx, args)?;
    if let Some(source) = Source::parse(url, &env) {
        return cached(ctx, &source);
    }
    if let Some(local) = local(args, url)? {
        return Ok(Some(local));
    }
    let target = extern_path(ctx, url, &env)?;
    let known = source_hash.and_then(web::digest_wanted);
    if known
        .is_some_and(|(algorithm, wanted)| digest::of_file(algorithm, &target).is_ok_and(|now| now == wanted))
    {
        return Ok(Some(target));
    }
    let folder = target.parent().unwrap_or(Path::new("/"));
    let failed = |error| CallError::Failed(format!("could not make '{}': {error}", folder.display()));
    write::private_folders(folder).map_err(failed)?;
    web::fetch(ctx, url, &target, CACHED, args.get("verify_ssl") != &Value::Bool(false), source_hash)?;
    Ok(Some(target))
}

/// The path of `file:///path` and `/path`; `None` where the URL is for a web server.
fn local(args: &Bound, url: &str) -> Result<Option<PathBuf>, CallError> {
    if web::serves(url) {
        return Ok(None);
    }
    let path = url.strip_prefix("file://").unwrap_or(url);
    if path.starts_with('/') {
        let trimmed = path.trim_end_matches('/');
        return Ok(Some(PathBuf::from(if trimmed.is_empty() { "/" } else { trimmed })));
    }
    Err(args.wrong(match url.split_once("://") {
        Some((scheme, _)) => {
            format!("cannot fetch {scheme}:// URLs; there are salt, file, http, https and ftp")
        }
        None => format!("'{url}' is neither a URL nor an absolute path"),
    }))
}

pub fn get_url(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let url = args.str("path")?;
    let hash = args.opt_str("source_hash")?;
    let Some(dest) = args.opt_str("dest")? else {
        let file = fetched(ctx, args, &url, hash.as_deref())?;
        return file.map_or(Ok(Value::Bool(false)), |file| content(&file));
    };
    let source = Source::parse(&url, &saltenv(ctx, args)?);
    if dest.is_empty() || (source.is_none() && !web::serves(&url)) {
        let file = fetched(ctx, args, &url, hash.as_deref())?;
        return Ok(file.map_or(Value::Bool(false), paths::to_value));
    }
    let target = place(&dest, &url);
    if !has_folder(&target, args.bool("makedirs"))? {
        return Ok(if source.is_some() { Value::Bool(false) } else { Value::from("") });
    }
    let found = match source {
        Some(source) => source.fetch(ctx, &target, write::default_mode())?,
        None => {
            web::fetch(ctx, &url, &target, write::default_mode(), true, hash.as_deref()).map(|()| true)?
        }
    };
    Ok(if found { paths::to_value(target) } else { Value::Bool(false) })
}

fn content(file: &Path) -> Result<Value, CallError> {
    let failed = |error| CallError::Failed(format!("could not read '{}': {error}", file.display()));
    std::fs::read(file).map(Value::from_bytes).map_err(failed)
}

pub fn get_file_str(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let file = fetched(ctx, args, &args.str("path")?, None)?;
    Ok(file.and_then(|file| content(&file).ok()).unwrap_or(Value::Bool(false)))
}

pub fn cache_file(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let hash = args.opt_str("source_hash")?;
    Ok(found(fetched(ctx, args, &args.str("path")?, hash.as_deref())?))
}

fn found(file: Option<PathBuf>) -> Value {
    file.map_or(Value::Bool(false), paths::to_value)
}

pub fn cache_files(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    args.texts("paths")?
        .iter()
        .map(|url| fetched(ctx, args, url, None).map(found))
        .collect::<Result<_, _>>()
        .map(Value::List)
}

pub fn cache_dir(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let top = source(ctx, args, &args.str("path")?)?;
    let inclusion = Inclusion::of(args)?;
    let mut files = Vec::new();
    for path in below(ctx, &top)? {
        if inclusion.takes(&path)? {
            let source = Source { path, saltenv: top.saltenv.clone() };
            files.extend(cached(ctx, &source)?.map(paths::to_value));
        }
    }
    Ok(Value::List(files))
}

pub fn cache_master(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let env = saltenv(ctx, args)?;
    let paths = source::list(ctx, &env)?;
    let sources = paths.into_iter().map(|path| Source { path, saltenv: env.clone() });
    sources.map(|source| cached(ctx, &source).map(found)).collect::<Result<_, _>>().map(Value::List)
}

pub fn cache_dest(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (url, env) = (args.str("url")?, saltenv(ctx, args)?);
    if let Some(source) = Source::parse(&url, &env) {
        return cache_place(ctx, &source).map(paths::to_value);
    }
    if url.contains("://") { extern_path(ctx, &url, &env).map(paths::to_value) } else { Ok(Value::from(url)) }
}

pub fn cache_local_file(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = PathBuf::from(args.str("path")?);
    if !path.is_file() {
        return Ok(Value::from(""));
    }
    let target = local_place(ctx, &path.to_string_lossy());
    let failed = |error| CallError::Failed(format!("could not cache '{}': {error}", path.display()));
    let target =
        target.ok_or_else(|| args.wrong(format!("'{}' has no place in the cache", path.display())))?;
    write::private_folders(target.parent().unwrap_or(Path::new("/"))).map_err(failed)?;
    write::copy(&path, &target).map_err(failed)?;
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(CACHED)).map_err(failed)?;
    Ok(paths::to_value(target))
}

fn local_place(ctx: &Ctx, path: &str) -> Option<PathBuf> {
    cache::below(&cache::dir(ctx).join("localfiles"), path)
}

pub fn is_cached(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (url, env) = (args.str("path")?, saltenv(ctx, args)?);
    let source = Source::parse(&url, &env).unwrap_or(Source { path: url.clone(), saltenv: env.clone() });
    let places =
        [cache_place(ctx, &source).ok(), local_place(ctx, &source.path), extern_path(ctx, &url, &env).ok()];
    let there = places.into_iter().flatten().find(|place| place.exists());
    Ok(there.map_or_else(|| Value::from(""), paths::to_value))
}

/// Everything in the cache, sorted.
pub fn list_minion(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (base, env) = (cache::dir(ctx), saltenv(ctx, args)?);
    let mut folders: Vec<PathBuf> = cache::below(&base.join("files"), &env).into_iter().collect();
    folders.push(base.join("localfiles"));
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files.into_iter().map(paths::to_value).collect())
}

pub fn hash_file(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let url = args.str("path")?;
    let (sum, kind) = match Source::parse(&url, &saltenv(ctx, args)?) {
        Some(source) => match source.facts(ctx)? {
            Some(facts) => (facts.sha256, "sha256".to_owned()),
            None => return Ok(Value::from("")),
        },
        None if !Path::new(&url).is_file() => return Ok(Value::Map(Map::new())),
        None => {
            let kind = ctx.opts.get_str("hash_type").unwrap_or("sha256").to_owned();
            let failed = |error| CallError::Failed(format!("could not take the {kind} of '{url}': {error}"));
            (digest::of_file(&kind, Path::new(&url)).map_err(failed)?, kind)
        }
    };
    Ok(Value::Map(Map::from([("hsum", sum), ("hash_type", kind)])))
}

pub fn stat_file(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    /// The type bits of a regular file, which a mode as a number has.
    const REGULAR: u32 = 0o100_000;
    let url = args.str("path")?;
    let mode = match Source::parse(&url, &saltenv(ctx, args)?) {
        Some(source) => source.facts(ctx)?.map(|facts| REGULAR | facts.mode),
        None => Path::new(&url)
            .metadata()
            .ok()
            .filter(|meta| meta.is_file())
            .map(|meta| meta.permissions().mode()),
    };
    let octal = args.get("octal") == &Value::Bool(true);
    Ok(mode.map_or(Value::Null, |mode| {
        if octal { Value::from(format!("{:04o}", mode & 0o7777)) } else { Value::from(mode) }
    }))
}

pub fn list_master(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (env, prefix) = (saltenv(ctx, args)?, args.str("prefix")?);
    let prefix = prefix.trim_matches('/');
    Ok(source::list(ctx, &env)?.into_iter().filter(|path| path.starts_with(prefix)).collect())
}

/// Directories that hold files; the file server does not tell of empty ones.
pub fn list_master_dirs(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (env, prefix) = (saltenv(ctx, args)?, args.str("prefix")?);
    let files = source::list(ctx, &env)?;
    let mut folders = std::collections::BTreeSet::new();
    for path in &files {
        folders.extend(path.match_indices('/').map(|(slash, _)| &path[..slash]));
    }
    Ok(folders.into_iter().filter(|folder| folder.starts_with(prefix.trim_matches('/'))).collect())
}

pub fn list_states(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let env = saltenv(ctx, args)?;
    let mut states: Vec<String> =
        source::list(ctx, &env)?.iter().filter_map(|path| names::state(path)).collect();
    states.sort();
    states.dedup();
    Ok(Value::from(states))
}
