//! `pip.install` and `pip.uninstall`: Salt's arguments in, pip's options out.

use super::list::QUIET;
use super::program::Pip;
use crate::args::as_text;
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

/// Arguments that are an option where they are true.
const FLAGS: [(&str, &str); 14] = [
    ("use_wheel", "--use-wheel"),
    ("no_use_wheel", "--no-use-wheel"),
    ("no_index", "--no-index"),
    ("disable_version_check", QUIET),
    ("upgrade", "--upgrade"),
    ("force_reinstall", "--force-reinstall"),
    ("ignore_installed", "--ignore-installed"),
    ("no_deps", "--no-deps"),
    ("no_install", "--no-install"),
    ("no_download", "--no-download"),
    ("no_cache_dir", "--no-cache-dir"),
    ("pre_releases", "--pre"),
    ("allow_all_external", "--allow-all-external"),
    ("process_dependency_links", "--process-dependency-links"),
];

/// Arguments that are an option with one value.
const VALUES: [(&str, &str); 14] = [
    ("log", "--log"),
    ("proxy", "--proxy"),
    ("timeout", "--timeout"),
    ("index_url", "--index-url"),
    ("extra_index_url", "--extra-index-url"),
    ("build", "--build"),
    ("target", "--target"),
    ("download", "--download"),
    ("download_cache", "--cache-dir"),
    ("cache_dir", "--cache-dir"),
    ("source", "--source"),
    ("exists_action", "--exists-action"),
    ("cert", "--cert"),
    ("trusted_host", "--trusted-host"),
];

/// Arguments that are an option for each of their values.
const LISTS: [(&str, &str); 7] = [
    ("find_links", "--find-links"),
    ("mirrors", "--mirrors"),
    ("global_options", "--global-option"),
    ("install_options", "--install-option"),
    ("editable", "--editable"),
    ("allow_external", "--allow-external"),
    ("allow_unverified", "--allow-unverified"),
];

fn options(args: &Bound) -> Result<Vec<String>, CallError> {
    let mut words = Vec::new();
    for (name, flag) in FLAGS {
        words.extend(args.get(name).is_truthy().then(|| flag.to_owned()));
    }
    for (name, flag) in VALUES {
        if args.get(name).is_truthy() {
            words.extend([flag.to_owned(), args.str(name)?]);
        }
    }
    for (name, flag) in LISTS {
        words.extend(args.texts(name)?.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    let no_binary = args.texts("no_binary")?;
    if !no_binary.is_empty() {
        words.extend(["--no-binary".to_owned(), no_binary.join(",")]);
    }
    Ok(words)
}

/// `extra_args`: words, and maps of one option and its value.
fn extra(args: &Bound) -> Vec<String> {
    let items = args.get("extra_args").as_list().unwrap_or_default();
    let words = |item: &Value| match item {
        Value::Map(map) => {
            map.iter().flat_map(|(key, value)| [as_text(key), as_text(value)]).flatten().collect()
        }
        word => as_text(word).into_iter().collect::<Vec<_>>(),
    };
    items.iter().flat_map(words).collect()
}

/// Requirements files as pip can read them: those of the file server fetched, and all of them copied for a user
/// who may not read them where they are.
struct Requirements {
    files: Vec<String>,
    copies: Option<PathBuf>,
}

impl Requirements {
    fn of(ctx: &mut Ctx, args: &Bound) -> Result<Requirements, CallError> {
        let mut files = Vec::new();
        for file in args.texts("requirements")? {
            files.push(if file.starts_with("salt://") { fetched(ctx, &file)? } else { file });
        }
        let Some(user) = args.opt_str("user")?.filter(|_| !files.is_empty()) else {
            return Ok(Requirements { files, copies: None });
        };
        let folder = crate::write::fresh_name(&std::env::temp_dir().join("pip-requirements"));
        let failed = |error: std::io::Error| CallError::failed(format!("{}: {error}", folder.display()));
        crate::write::private_folders(&folder).map_err(failed)?;
        let base = PathBuf::from(args.opt_str("cwd")?.unwrap_or_default());
        for file in &mut files {
            *file = copied(&base.join(&*file), &folder).map_err(failed)?.to_string_lossy().into_owned();
        }
        let owner = Args::of([folder.to_string_lossy().as_ref(), &user, ""]);
        call(ctx, "file.chown", owner)?;
        for entry in std::fs::read_dir(&folder).map_err(failed)?.flatten() {
            call(ctx, "file.chown", Args::of([entry.path().to_string_lossy().as_ref(), &user, ""]))?;
        }
        Ok(Requirements { files, copies: Some(folder) })
    }

    fn words(&self) -> impl Iterator<Item = String> + '_ {
        self.files.iter().flat_map(|file| ["--requirement".to_owned(), file.clone()])
    }
}

impl Drop for Requirements {
    fn drop(&mut self) {
        if let Some(folder) = &self.copies {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn fetched(ctx: &mut Ctx, url: &str) -> Result<String, CallError> {
    let cached = call(ctx, "cp.cache_file", Args::of([url]))?;
    let missing = || CallError::failed(format!("the requirements file {url} is not on the file server"));
    cached.as_str().filter(|path| !path.is_empty()).map(str::to_owned).ok_or_else(missing)
}

/// Copies a requirements file and those it names.
fn copied(file: &Path, folder: &Path) -> std::io::Result<PathBuf> {
    let target = folder.join(file.file_name().unwrap_or_default());
    if target.exists() {
        return Ok(target);
    }
    let text = std::fs::read_to_string(file)?;
    std::fs::write(&target, &text)?;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some("-r" | "--requirement" | "-c" | "--constraint"), Some(next)) =
            (words.next(), words.next())
        {
            copied(&file.with_file_name(next), folder)?;
        }
    }
    Ok(target)
}

/// Salt's answer where there is nothing to give to pip.
fn unable(error: &CallError) -> Value {
    Map::from([("result", Value::Bool(false)), ("comment", error.to_string().into())]).into()
}

pub fn install(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let pip = Pip::of(args)?;
    if args.bool("no_index") && (args.get("index_url").is_truthy() || args.get("extra_index_url").is_truthy())
    {
        return Err(args.wrong("'no_index' does not go together with 'index_url' and 'extra_index_url'"));
    }
    let requirements = match Requirements::of(ctx, args) {
        Ok(requirements) => requirements,
        Err(error) => return Ok(unable(&error)),
    };
    let mut words = vec!["install".to_owned()];
    words.extend(requirements.words());
    words.extend(options(args)?);
    let pkgs = args.texts("pkgs")?;
    if pkgs.is_empty() && requirements.files.is_empty() && !args.get("editable").is_truthy() {
        return Ok(
            Map::from([("retcode", Value::Int(0)), ("stdout", "No packages to install.".into())]).into()
        );
    }
    // Ranges come with semicolons, since commas part the packages.
    words.extend(pkgs.into_iter().map(|pkg| pkg.replace(';', ",")));
    words.extend(extra(args));
    let folder = requirements.copies.as_ref().filter(|_| args.get("cwd").is_null());
    let pip = match folder {
        Some(folder) => pip.at(&folder.to_string_lossy()),
        None => pip,
    };
    pip.run(ctx, &words)
}

pub fn uninstall(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let pip = Pip::of(args)?;
    let requirements = match Requirements::of(ctx, args) {
        Ok(requirements) => requirements,
        Err(error) => return Ok(unable(&error)),
    };
    let mut words = vec!["uninstall".to_owned(), "-y".to_owned()];
    words.extend(requirements.words());
    words.extend(options(args)?);
    words.extend(args.texts("pkgs")?);
    words.extend(extra(args));
    pip.run(ctx, &words)
}
