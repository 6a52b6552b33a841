//! State functions that edit the text inside a file: their table, and what they share.

mod add;
mod comments;
mod keyvalue;
mod patch;
mod replace;
mod source;

use crate::{StateCtx, StateFunction};
use halite_modules::Param::{self, Keywords, Optional, Required};
use halite_modules::registry::Default::{Bool, Int, Null, Str};
use halite_modules::registry::joined;
use halite_modules::{Args, Bound, CallError, call, paths};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

/// The edited file, home directories filled in.
fn named(args: &Bound) -> Result<PathBuf, CallError> {
    let name = args.str("name")?;
    if name.is_empty() {
        return Err(args.wrong("the name of the file is empty"));
    }
    Ok(paths::from_bytes(&paths::expand_user(name.as_bytes())))
}

/// What is wrong with the path of a file that must be there.
fn absent(path: &Path) -> Option<String> {
    if !path.is_absolute() {
        return Some(format!("'{}' is not an absolute path", path.display()));
    }
    (!path.exists()).then(|| format!("there is no file '{}'", path.display()))
}

/// Arguments for the execution function that has parameters of these names.
fn forwarded(args: &Bound, path: &Path, names: &[&'static str]) -> Args {
    let first = Args::of([paths::to_value(path)]);
    names.iter().fold(first, |given, name| given.with(name, args.get(name).clone()))
}

/// Whether `pattern` is found in a file; `^` and `$` are the ends of lines.
fn found(state: &mut StateCtx, path: &Path, pattern: &str) -> Result<bool, CallError> {
    let args = Args::of([paths::to_value(path), Value::from(pattern)]).with("multiline", true);
    Ok(call(state.ctx, "file.search", args)?.is_truthy())
}

fn diff(diff: impl Into<Value>) -> Map {
    Map::from([("diff", diff.into())])
}

const NAME: Param = Required("name");
const TEXT_PARAM: Param = Optional("text", Null);
const MAKEDIRS: Param = Optional("makedirs", Bool(false));
const SOURCE: Param = Optional("source", Null);
const SOURCE_HASH: Param = Optional("source_hash", Null);
const TEMPLATE: Param = Optional("template", Str("jinja"));
const SOURCES: Param = Optional("sources", Null);
const SOURCE_HASHES: Param = Optional("source_hashes", Null);
const DEFAULTS: Param = Optional("defaults", Null);
const CONTEXT: Param = Optional("context", Null);
const ENCODING: Param = Optional("encoding", Null);
const ENCODING_ERRORS: Param = Optional("encoding_errors", Str("strict"));
const APPENDS: Param = Optional("append_if_not_found", Bool(false));
const PREPENDS: Param = Optional("prepend_if_not_found", Bool(false));
const BACKUP: Param = Optional("backup", Str(".bak"));
const SHOW_CHANGES: Param = Optional("show_changes", Bool(true));
const IGNORE_IF_MISSING: Param = Optional("ignore_if_missing", Bool(false));

/// Which texts are added to a file.
const ADDED: &[Param] =
    &[NAME, TEXT_PARAM, MAKEDIRS, SOURCE, SOURCE_HASH, TEMPLATE, SOURCES, SOURCE_HASHES, DEFAULTS, CONTEXT];

pub const TEXT: &[StateFunction] = &[
    StateFunction {
        name: "append",
        params: &joined::<13>(&[
            ADDED,
            &[Optional("ignore_whitespace", Bool(true)), ENCODING, ENCODING_ERRORS],
        ]),
        doc: "Puts texts that are not in a file yet at its end. A file that is not there is made.",
        example: "/etc/motd: {file.append: [{text: Be careful}]}",
        call: add::append,
    },
    StateFunction {
        name: "blockreplace",
        params: &[
            NAME,
            Optional("marker_start", Str("#-- start managed zone --")),
            Optional("marker_end", Str("#-- end managed zone --")),
            SOURCE,
            SOURCE_HASH,
            TEMPLATE,
            SOURCES,
            SOURCE_HASHES,
            DEFAULTS,
            CONTEXT,
            Optional("content", Str("")),
            APPENDS,
            PREPENDS,
            BACKUP,
            SHOW_CHANGES,
            Optional("append_newline", Null),
            Optional("insert_before_match", Null),
            Optional("insert_after_match", Null),
        ],
        doc: "Keeps the text between two marker lines as given, texts of file.accumulated included.",
        example: "/etc/hosts: {file.blockreplace: [{content: 10.0.0.1 db}, {append_if_not_found: True}]}",
        call: replace::blockreplace,
    },
    StateFunction {
        name: "comment",
        params: &[
            NAME,
            Required("regex"),
            Optional("char", Str("#")),
            BACKUP,
            Optional("ignore_missing", Bool(false)),
            ENCODING,
            ENCODING_ERRORS,
        ],
        doc: "Puts a sign before the lines an expression fits.",
        example: "/etc/fstab: {file.comment: [{regex: ^bind 127.0.0.1}]}",
        call: comments::comment,
    },
    StateFunction {
        name: "keyvalue",
        params: &[
            NAME,
            Optional("key", Null),
            Optional("value", Null),
            Optional("key_values", Null),
            Optional("separator", Str("=")),
            APPENDS,
            PREPENDS,
            Optional("search_only", Bool(false)),
            SHOW_CHANGES,
            IGNORE_IF_MISSING,
            Optional("count", Int(1)),
            Optional("uncomment", Null),
            Optional("key_ignore_case", Bool(false)),
            Optional("value_ignore_case", Bool(false)),
            Optional("create_if_missing", Bool(false)),
        ],
        doc: "Keeps lines of the form key, separator, value. With `uncomment`, lines behind these signs count, too.",
        example: "/etc/ssh/sshd_config: {file.keyvalue: [{key: PermitRootLogin}, {value: 'no'}, {separator: ' '}]}",
        call: keyvalue::keyvalue,
    },
    StateFunction {
        name: "line",
        params: &[
            NAME,
            Optional("content", Null),
            Optional("match", Null),
            Optional("mode", Null),
            Optional("location", Null),
            Optional("before", Null),
            Optional("after", Null),
            SHOW_CHANGES,
            Optional("backup", Bool(false)),
            Optional("quiet", Bool(false)),
            Optional("indent", Bool(true)),
            Optional("create", Bool(false)),
            Optional("user", Null),
            Optional("group", Null),
            Optional("file_mode", Null),
        ],
        doc: "Sees to one line: ensures it beside a line, replaces what an expression fits, inserts or deletes it.",
        example: "/etc/nsswitch.conf: {file.line: [{mode: replace}, {match: '^hosts:'}, {content: 'hosts: files dns'}]}",
        call: replace::line,
    },
    StateFunction {
        name: "patch",
        params: &[
            NAME,
            SOURCE,
            SOURCE_HASH,
            Optional("source_hash_name", Null),
            Optional("skip_verify", Bool(false)),
            Optional("template", Null),
            CONTEXT,
            DEFAULTS,
            Optional("options", Str("")),
            Optional("reject_file", Null),
            Optional("strip", Null),
            Optional("saltenv", Null),
            Keywords("kwargs"),
        ],
        doc: "Applies a patch to a file or a directory with the host's patch program, unless it is applied already.",
        example: "/opt/app/app.conf: {file.patch: [{source: salt://app/app.conf.patch}]}",
        call: patch::patch,
    },
    StateFunction {
        name: "prepend",
        params: &joined::<13>(&[ADDED, &[Optional("header", Null), ENCODING, ENCODING_ERRORS]]),
        doc: "Puts texts that are not in a file yet at its start. With `header` they must be its very first lines.",
        example: "/etc/motd: {file.prepend: [{text: Be careful}]}",
        call: add::prepend,
    },
    StateFunction {
        name: "replace",
        params: &[
            NAME,
            Required("pattern"),
            Required("repl"),
            Optional("count", Int(0)),
            Optional("flags", Int(8)),
            Optional("bufsize", Int(1)),
            APPENDS,
            PREPENDS,
            Optional("not_found_content", Null),
            BACKUP,
            SHOW_CHANGES,
            IGNORE_IF_MISSING,
            Optional("backslash_literal", Bool(false)),
            ENCODING,
        ],
        doc: "Replaces matches of a regular expression.",
        example: "/etc/default/ssh: {file.replace: [{pattern: '^SSHD_OPTS=.*'}, {repl: SSHD_OPTS=-4}]}",
        call: replace::replace,
    },
    StateFunction {
        name: "uncomment",
        params: &[NAME, Required("regex"), Optional("char", Str("#")), BACKUP],
        doc: "Takes the sign away before the lines an expression fits.",
        example: "/etc/adduser.conf: {file.uncomment: [{regex: EXTRA_GROUPS}]}",
        call: comments::uncomment,
    },
];
