//! `archive.*`: making, listing and unpacking archives with the host's own tar, zip, unzip, gzip and rar.

pub mod guard;
mod listing;
mod zip;

pub use listing::{Kind, Listing, Member, busybox_letter, guess_format, listing};
pub use zip::{ZipEntry, ZipError, entries as zip_entries};

use crate::args::as_text;
use crate::process::{Command, which};
use crate::registry::Default::{Bool, Null, Str};
use crate::registry::Param::{Optional, Required};
use crate::registry::{CallError, Function, Module, always};
use crate::{Args, Bound, Ctx, call, glob, paths, shell_words};
use halite_wire::Value;
use std::path::Path;

pub const MODULE: Module = Module {
    file: "archive",
    virtual_name: "archive",
    doc: "Archives: made, listed and unpacked.",
    applies: always,
    functions: FUNCTIONS,
};

/// Lines shown where the caller wants the output trimmed and does not say to how many.
const TRIMMED_LINES: usize = 100;

/// A program of the host, or that there is none.
///
/// # Errors
/// [`CallError::Failed`] with its name.
pub fn program(names: &[&'static str]) -> Result<&'static str, CallError> {
    let found = names.iter().copied().find(|name| which(name).is_some());
    found.ok_or_else(|| CallError::Failed(format!("there is no {} on this host", names.join(" and no "))))
}

/// Texts of a list, or of one text split at commas; null is none.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().filter_map(as_text).collect(),
        Value::Str(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        other => as_text(other).into_iter().collect(),
    }
}

/// Paths that sources name; a pattern stands for what it matches, or for itself.
fn sources(args: &Bound) -> Vec<Value> {
    let expand = |source: String| {
        let found = glob::glob(Path::new(&source));
        if found.is_empty() {
            vec![Value::from(source)]
        } else {
            found.into_iter().map(paths::to_value).collect()
        }
    };
    texts(args.get("sources")).into_iter().flat_map(expand).collect()
}

/// Runs a program by `cmd.run`, which knows `cwd`, `template` and `runas`; its output line by line.
fn run(ctx: &mut Ctx, args: &Bound, command: Vec<Value>) -> Result<Vec<String>, CallError> {
    let mut run = Args::of([Value::List(command)]).with("python_shell", false);
    for name in ["cwd", "template", "runas"] {
        if !args.get(name).is_null() {
            run = run.with(name, args.get(name).clone());
        }
    }
    let output = call(ctx, "cmd.run", run)?;
    Ok(output.as_str().unwrap_or_default().lines().map(str::to_owned).collect())
}

/// Cuts a list where `trim` says so: a number of lines, or true for [`TRIMMED_LINES`].
pub fn trimmed(mut lines: Vec<String>, trim: &Value) -> Vec<String> {
    let most = match trim {
        Value::Bool(true) => TRIMMED_LINES,
        other => other.as_i64().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX),
    };
    if lines.len() > most {
        lines.truncate(most);
        lines.push(format!("List trimmed after {most} files."));
    }
    lines
}

fn tar(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    program(&["tar"])?;
    let options = args.str("options")?;
    if options.trim().is_empty() {
        return Err(args.wrong("'options' must say what tar shall do, as in: cjvf"));
    }
    let mut command: Vec<Value> = vec!["tar".into()];
    command.extend(options.split_whitespace().map(Value::from));
    command.push(args.str("tarfile")?.into());
    if let Some(dest) = args.opt_str("dest")?.filter(|dest| !dest.is_empty()) {
        command.extend([Value::from("-C"), dest.into()]);
    }
    command.extend(sources(args));
    run(ctx, args, command).map(Value::from)
}

fn packed(ctx: &mut Ctx, args: &Bound, program_name: &'static str, file: &str) -> Result<Value, CallError> {
    program(&[program_name])?;
    let mut command: Vec<Value> = vec![program_name.into()];
    command.extend(args.opt_str("options")?.filter(|options| !options.is_empty()).map(Value::from));
    command.push(args.str(file)?.into());
    run(ctx, args, command).map(Value::from)
}

fn gzip(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    packed(ctx, args, "gzip", "sourcefile")
}

fn gunzip(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    packed(ctx, args, "gunzip", "gzipfile")
}

fn cmd_zip(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    program(&["zip"])?;
    let mut command: Vec<Value> = vec!["zip".into(), "-r".into(), args.str("zip_file")?.into()];
    command.extend(sources(args));
    run(ctx, args, command).map(Value::from)
}

/// Names that were put into the archive.
fn zip(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let sources = sources(args);
    let is_relative = |source: &Value| source.as_str().is_some_and(|path| !path.starts_with('/'));
    if args.get("cwd").is_null() && sources.iter().any(is_relative) {
        return Err(args.wrong("relative paths need 'cwd', the directory they start from"));
    }
    let lines = cmd_zip(ctx, args)?;
    let added = lines.as_list().unwrap_or_default().iter().filter_map(|line| {
        let (_, name) = line.as_str()?.trim().split_once("adding: ")?;
        Some(Value::from(name.rsplit_once(" (").map_or(name, |(name, _)| name)))
    });
    Ok(Value::List(added.collect()))
}

fn cmd_unzip(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let lines = unpack(args, &[])?;
    Ok(trimmed(lines, args.get("trim_output")).into())
}

/// Names that were unpacked.
fn unzip(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let file = args.str("zip_file")?;
    let excludes = texts(args.get("excludes"));
    let names = zip::entries(Path::new(&file)).map_err(|error| CallError::Failed(error.to_string()))?;
    // Existing files are replaced, as Python's own unpacking does.
    unpack(args, &["-o", "-q"])?;
    let names = names.into_iter().map(|entry| entry.name).filter(|name| !excludes.contains(name)).collect();
    Ok(trimmed(names, args.get("trim_output")).into())
}

fn unpack(args: &Bound, fixed: &[&str]) -> Result<Vec<String>, CallError> {
    program(&["unzip"])?;
    let file = args.str("zip_file")?;
    let mut command = guard::within(&["unzip"], longest(Path::new(&file)));
    for option in fixed {
        command = command.arg(option);
    }
    let options = args.opt_str("options")?.unwrap_or_default();
    for option in shell_words::split(&options).map_err(|error| args.wrong(error.to_string()))? {
        command = command.arg(option);
    }
    command = command.arg(file).arg("-d").arg(args.str("dest")?);
    let excludes = texts(args.get("excludes"));
    if !excludes.is_empty() {
        command = excludes.into_iter().fold(command.arg("-x"), Command::arg);
    }
    // unzip takes options from its environment, which other users of the host cannot see.
    if let Some(password) = args.opt_str("password")?.filter(|password| !password.is_empty()) {
        command = command.env("UNZIP", format!("-P {}", password));
    }
    let output = command.merge_stderr().run().map_err(|error| CallError::failed(error.to_string()))?;
    if !output.ok() {
        return Err(CallError::Failed(format!("unzip failed: {}", output.text().trim())));
    }
    Ok(output.text().lines().map(str::to_owned).collect())
}

/// The size of the longest file in a ZIP archive, as its directory has it; unzip alone would believe the content.
fn longest(file: &Path) -> Option<u64> {
    let entries = zip::entries(file).ok()?;
    entries.iter().map(|entry| entry.size).max()
}

fn cached(ctx: &mut Ctx, args: &Bound) -> Result<String, CallError> {
    let name = args.str("name")?;
    let ask = Args::of([name.as_str()])
        .with("saltenv", args.get("saltenv").clone())
        .with("source_hash", args.get("source_hash").clone());
    match call(ctx, "cp.cache_file", ask)? {
        Value::Str(path) if !path.is_empty() => Ok(path),
        _ => Err(CallError::Failed(format!("there is no {name}"))),
    }
}

fn is_encrypted(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let file = cached(ctx, args)?;
    let entries = zip::entries(Path::new(&file)).map_err(|error| CallError::Failed(error.to_string()))?;
    forget(args, &file);
    Ok(Value::Bool(entries.iter().any(|entry| entry.encrypted)))
}

fn forget(args: &Bound, file: &str) {
    if args.bool("clean") {
        let _ = std::fs::remove_file(file);
    }
}

/// Names, sorted; with `verbose` by kind.
fn list(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let format = args.opt_str("archive_format")?.filter(|format| !format.is_empty());
    let format = format.or_else(|| guess_format(&name).map(str::to_owned));
    let format = format.ok_or_else(|| args.wrong("'archive_format' must say what it is: tar, zip or rar"))?;
    let strip = args.opt_int("strip_components")?.map(usize::try_from).transpose();
    let strip = strip.map_err(|_| args.wrong("'strip_components' must not be negative"))?;
    let file = cached(ctx, args)?;
    let options = args.opt_str("options")?;
    let listed = listing(Path::new(&file), &format, options.as_deref(), strip.unwrap_or(0))?;
    forget(args, &file);
    Ok(if args.bool("verbose") { listed.verbose().into() } else { listed.plain().into() })
}

fn rar(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    program(&["rar"])?;
    let mut command: Vec<Value> = vec!["rar".into(), "a".into(), "-idp".into(), args.str("rarfile")?.into()];
    command.extend(sources(args));
    run(ctx, args, command).map(Value::from)
}

fn unrar(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let program = program(&["unrar", "rar"])?;
    let mut command: Vec<Value> =
        vec![program.into(), "x".into(), "-idp".into(), args.str("rarfile")?.into()];
    command.extend(texts(args.get("excludes")).into_iter().flat_map(|name| [Value::from("-x"), name.into()]));
    command.push(args.str("dest")?.into());
    let lines = run(ctx, args, command)?;
    Ok(trimmed(lines, args.get("trim_output")).into())
}

const FUNCTIONS: &[Function] = &[
    Function {
        name: "cmd_unzip",
        params: &[
            Required("zip_file"),
            Required("dest"),
            Optional("excludes", Null),
            Optional("options", Null),
            Optional("template", Null),
            Optional("runas", Null),
            Optional("trim_output", Bool(false)),
            Optional("password", Null),
        ],
        doc: "Unpacks a ZIP archive with unzip; what the program said.",
        example: "archive.cmd_unzip /srv/app.zip /srv/app/ options=-o",
        call: cmd_unzip,
    },
    Function {
        name: "cmd_zip",
        params: &[
            Required("zip_file"),
            Required("sources"),
            Optional("template", Null),
            Optional("cwd", Null),
            Optional("runas", Null),
        ],
        doc: "Makes a ZIP archive with zip; what the program said.",
        example: "archive.cmd_zip /srv/app.zip /srv/app",
        call: cmd_zip,
    },
    Function {
        name: "gunzip",
        params: &[
            Required("gzipfile"),
            Optional("template", Null),
            Optional("runas", Null),
            Optional("options", Null),
        ],
        doc: "Unpacks a file with gunzip.",
        example: "archive.gunzip /srv/dump.sql.gz",
        call: gunzip,
    },
    Function {
        name: "gzip",
        params: &[
            Required("sourcefile"),
            Optional("template", Null),
            Optional("runas", Null),
            Optional("options", Null),
        ],
        doc: "Packs a file with gzip.",
        example: "archive.gzip /srv/dump.sql",
        call: gzip,
    },
    Function {
        name: "is_encrypted",
        params: &[
            Required("name"),
            Optional("clean", Bool(false)),
            Optional("saltenv", Str("base")),
            Optional("source_hash", Null),
            Optional("use_etag", Bool(false)),
        ],
        doc: "Whether a ZIP archive needs a password.",
        example: "archive.is_encrypted /srv/app.zip",
        call: is_encrypted,
    },
    Function {
        name: "list",
        params: &[
            Required("name"),
            Optional("archive_format", Null),
            Optional("options", Null),
            Optional("strip_components", Null),
            Optional("clean", Bool(false)),
            Optional("verbose", Bool(false)),
            Optional("saltenv", Str("base")),
            Optional("source_hash", Null),
            Optional("use_etag", Bool(false)),
        ],
        doc: "What is in an archive, here or elsewhere; with `verbose` directories, files and links apart. `options` is a command that unpacks a tar archive to its output.",
        example: "archive.list /srv/app.tar.gz verbose=True",
        call: list,
    },
    Function {
        name: "rar",
        params: &[
            Required("rarfile"),
            Required("sources"),
            Optional("template", Null),
            Optional("cwd", Null),
            Optional("runas", Null),
        ],
        doc: "Makes a RAR archive with rar.",
        example: "archive.rar /srv/app.rar /srv/app",
        call: rar,
    },
    Function {
        name: "tar",
        params: &[
            Required("options"),
            Required("tarfile"),
            Optional("sources", Null),
            Optional("dest", Null),
            Optional("cwd", Null),
            Optional("template", Null),
            Optional("runas", Null),
        ],
        doc: "Runs tar with `options`, archive and sources; what it said, line by line.",
        example: "archive.tar cjvf /srv/app.tar.bz2 /srv/app",
        call: tar,
    },
    Function {
        name: "unrar",
        params: &[
            Required("rarfile"),
            Required("dest"),
            Optional("excludes", Null),
            Optional("template", Null),
            Optional("runas", Null),
            Optional("trim_output", Bool(false)),
        ],
        doc: "Unpacks a RAR archive with unrar or rar.",
        example: "archive.unrar /srv/app.rar /srv/app/",
        call: unrar,
    },
    Function {
        name: "unzip",
        params: &[
            Required("zip_file"),
            Required("dest"),
            Optional("excludes", Null),
            Optional("options", Null),
            Optional("template", Null),
            Optional("runas", Null),
            Optional("trim_output", Bool(false)),
            Optional("password", Null),
            Optional("extract_perms", Bool(true)),
        ],
        doc: "Unpacks a ZIP archive over what is there; names that were unpacked.",
        example: "archive.unzip /srv/app.zip /srv/app/ excludes=readme.txt",
        call: unzip,
    },
    Function {
        name: "zip",
        params: &[
            Required("zip_file"),
            Required("sources"),
            Optional("template", Null),
            Optional("cwd", Null),
            Optional("runas", Null),
            Optional("zip64", Bool(false)),
        ],
        doc: "Makes a ZIP archive; names that were packed.",
        example: "archive.zip /srv/app.zip /srv/app",
        call: zip,
    },
];
