//! What a call wants installed or removed: names with versions, or files.

use super::Manager;
use crate::registry::CallError;
use crate::{Args, Bound, Ctx, call};
use halite_wire::Value;

/// Packages of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Names, each with the version it shall have.
    pub wanted: Vec<(String, Option<String>)>,
    /// Package files on this host, for `sources`.
    pub files: Vec<String>,
}

/// The entries of `pkgs` or `sources`: `[a, {b: 1.2}]`, or such a list as YAML text.
///
/// # Errors
/// It is no list of names.
pub fn pairs(ctx: &mut Ctx, value: &Value) -> Result<Vec<(String, Option<String>)>, CallError> {
    let parsed;
    let value = match value {
        Value::Str(text) => {
            let render = ctx.render;
            parsed = render.load_yaml(text).unwrap_or_else(|_| Value::from(text.as_str()));
            if parsed.as_list().is_none() {
                return Ok(text.split(',').map(|name| (name.trim().to_owned(), None)).collect());
            }
            &parsed
        }
        other => other,
    };
    let wrong =
        || CallError::failed("packages are given as a list of names, or of one name and its version each");
    let mut found = Vec::new();
    for item in value.as_list().ok_or_else(wrong)? {
        match item {
            Value::Map(map) => {
                for (name, version) in map {
                    let name = crate::args::as_text(name).ok_or_else(wrong)?;
                    found.push((name, crate::args::as_text(version).filter(|version| !version.is_empty())));
                }
            }
            name => found.push((crate::args::as_text(name).ok_or_else(wrong)?, None)),
        }
    }
    Ok(found)
}

impl Order {
    /// Reads `name`, `version`, `pkgs` and `sources` of a call. Sources are fetched.
    ///
    /// # Errors
    /// They contradict each other, or a source is not to be had.
    pub fn read(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Order, CallError> {
        let (pkgs, sources) = (args.get("pkgs"), args.get("sources"));
        if pkgs.is_truthy() && sources.is_truthy() {
            return Err(args.wrong("only one of pkgs and sources can be used"));
        }
        if sources.is_truthy() {
            return Ok(Order { wanted: Vec::new(), files: fetch(ctx, args, sources)? });
        }
        let mut wanted = if pkgs.is_truthy() { pairs(ctx, pkgs)? } else { by_name(args)? };
        if args.bool("normalize") && args.keywords().get("split_arch").is_none_or(Value::is_truthy) {
            for (name, _) in &mut wanted {
                *name = (manager.normalize)(ctx, name);
            }
        }
        Ok(Order { wanted, files: Vec::new() })
    }
}

fn by_name(args: &Bound) -> Result<Vec<(String, Option<String>)>, CallError> {
    let version = super::keyword_text(args, "version");
    let name =
        args.opt_str("name")?.ok_or_else(|| args.wrong("one of name, pkgs and sources must be given"))?;
    Ok(name.split(',').map(|name| (name.trim().to_owned(), version.clone())).collect())
}

fn fetch(ctx: &mut Ctx, args: &Bound, sources: &Value) -> Result<Vec<String>, CallError> {
    let saltenv = super::keyword_text(args, "saltenv").unwrap_or_else(|| "base".to_owned());
    let mut files = Vec::new();
    for (name, source) in pairs(ctx, sources)? {
        let source = source.ok_or_else(|| args.wrong(format!("the source of package {name} is missing")))?;
        files.push(local(ctx, &source, &saltenv)?);
    }
    Ok(files)
}

/// The file on this host: paths as they are, `salt://` and web addresses fetched.
fn local(ctx: &mut Ctx, source: &str, saltenv: &str) -> Result<String, CallError> {
    if !source.contains("://") {
        let absolute = source.starts_with('/');
        return absolute.then(|| source.to_owned()).ok_or_else(|| {
            CallError::failed(format!("the source {source} is neither an absolute path nor an address"))
        });
    }
    let cached = call(ctx, "cp.cache_file", Args::of([source, saltenv]))?;
    let path = cached.as_str().filter(|path| !path.is_empty()).map(str::to_owned);
    path.ok_or_else(|| CallError::failed(format!("the source {source} cannot be fetched")))
}
