//! The functions of `file` for files as a whole, sorted by name.

use super::{
    accumulate, cached, decode, directory, links, managed, moving, nodes, presence, recurse, retention,
    serialize, sweeping,
};
use crate::{Look, StateCtx, StateFunction};
use halite_modules::registry::Default::{Bool, Int, Null, Str};
use halite_modules::registry::Param::{self, Keywords, Optional, Required};
use halite_modules::{Bound, CallError};

const fn flag(name: &'static str) -> Param {
    Optional(name, Bool(false))
}

const fn yes(name: &'static str) -> Param {
    Optional(name, Bool(true))
}

const fn none(name: &'static str) -> Param {
    Optional(name, Null)
}

const fn text(name: &'static str, default: &'static str) -> Param {
    Optional(name, Str(default))
}

const NAME: Param = Required("name");
const KWARGS: Param = Keywords("kwargs");

/// Parameters of `recurse`, which other states read from its declaration.
pub const RECURSE: &[Param] = &[
    NAME,
    Required("source"),
    yes("keep_source"),
    flag("clean"),
    none("require"),
    none("user"),
    none("group"),
    none("dir_mode"),
    none("file_mode"),
    none("sym_mode"),
    none("template"),
    none("context"),
    yes("replace"),
    none("defaults"),
    flag("include_empty"),
    text("backup", ""),
    none("include_pat"),
    none("exclude_pat"),
    none("maxdepth"),
    flag("keep_symlinks"),
    flag("force_symlinks"),
    none("win_owner"),
    none("win_perms"),
    none("win_deny_perms"),
    yes("win_inheritance"),
    KWARGS,
];

const MANAGED: &[Param] = &[
    NAME,
    none("source"),
    text("source_hash", ""),
    none("source_hash_name"),
    yes("keep_source"),
    none("user"),
    none("group"),
    none("mode"),
    none("attrs"),
    none("template"),
    flag("makedirs"),
    none("dir_mode"),
    none("context"),
    yes("replace"),
    none("defaults"),
    text("backup", ""),
    yes("show_changes"),
    yes("create"),
    none("contents"),
    text("tmp_dir", ""),
    text("tmp_ext", ""),
    none("contents_pillar"),
    none("contents_grains"),
    yes("contents_newline"),
    text("contents_delimiter", ":"),
    none("encoding"),
    text("encoding_errors", "strict"),
    yes("allow_empty"),
    yes("follow_symlinks"),
    none("check_cmd"),
    flag("skip_verify"),
    none("selinux"),
    none("win_owner"),
    none("win_perms"),
    none("win_deny_perms"),
    yes("win_inheritance"),
    flag("win_perms_reset"),
    yes("verify_ssl"),
    flag("use_etag"),
    none("signature"),
    none("source_hash_sig"),
    none("signed_by_any"),
    none("signed_by_all"),
    none("keyring"),
    none("gnupghome"),
    KWARGS,
];

const DIRECTORY: &[Param] = &[
    NAME,
    none("user"),
    none("group"),
    none("recurse"),
    none("max_depth"),
    none("dir_mode"),
    none("file_mode"),
    flag("makedirs"),
    flag("clean"),
    none("require"),
    none("exclude_pat"),
    flag("follow_symlinks"),
    flag("force"),
    none("backupname"),
    yes("allow_symlink"),
    flag("children_only"),
    none("win_owner"),
    none("win_perms"),
    none("win_deny_perms"),
    yes("win_inheritance"),
    flag("win_perms_reset"),
    KWARGS,
];

const SERIALIZE: &[Param] = &[
    NAME,
    none("dataset"),
    none("dataset_pillar"),
    none("user"),
    none("group"),
    none("mode"),
    text("backup", ""),
    flag("makedirs"),
    yes("show_changes"),
    yes("create"),
    flag("merge_if_exists"),
    none("encoding"),
    text("encoding_errors", "strict"),
    none("serializer"),
    none("serializer_opts"),
    none("deserializer_opts"),
    none("check_cmd"),
    text("tmp_dir", ""),
    text("tmp_ext", ""),
    KWARGS,
];

const SYMLINK: &[Param] = &[
    NAME,
    Required("target"),
    flag("force"),
    none("backupname"),
    flag("makedirs"),
    none("user"),
    none("group"),
    none("mode"),
    none("win_owner"),
    none("win_perms"),
    none("win_deny_perms"),
    none("win_inheritance"),
    flag("atomic"),
    flag("disallow_copy_and_unlink"),
    flag("inherit_user_and_group"),
    yes("follow_symlinks"),
    KWARGS,
];

const TIDIED: &[Param] = &[
    NAME,
    Optional("age", Int(0)),
    none("matches"),
    flag("rmdirs"),
    Optional("size", Int(0)),
    none("exclude"),
    flag("full_path_match"),
    flag("followlinks"),
    text("time_comparison", "atime"),
    text("age_size_logical_operator", "OR"),
    none("age_size_only"),
    yes("rmlinks"),
    KWARGS,
];

const CACHED: &[Param] = &[
    NAME,
    text("source_hash", ""),
    none("source_hash_name"),
    flag("skip_verify"),
    text("saltenv", "base"),
    flag("use_etag"),
    none("source_hash_sig"),
    none("signed_by_any"),
    none("signed_by_all"),
    none("keyring"),
    none("gnupghome"),
];

const SHORTCUT: &[Param] = &[
    NAME,
    Required("target"),
    none("arguments"),
    none("working_dir"),
    none("description"),
    none("icon_location"),
    flag("force"),
    none("backupname"),
    flag("makedirs"),
    none("user"),
    KWARGS,
];

const COPY: &[Param] = &[
    NAME,
    Required("source"),
    flag("force"),
    flag("makedirs"),
    flag("preserve"),
    none("user"),
    none("group"),
    none("mode"),
    none("dir_mode"),
    flag("subdir"),
    KWARGS,
];

/// Windows alone has them.
fn shortcut(_: &mut StateCtx, _: &Bound) -> Result<Look, CallError> {
    Ok(Look::cannot("shortcuts exist on Windows only; file.symlink makes links"))
}

pub const WHOLE: &[StateFunction] = &[
    StateFunction {
        name: "absent",
        params: &[NAME, KWARGS],
        doc: "Nothing is at this path: no file, no link, no directory.",
        example: "/etc/motd: {file.absent: []}",
        call: presence::absent,
    },
    StateFunction {
        name: "accumulated",
        params: &[NAME, Required("filename"), Required("text"), KWARGS],
        doc: "Gathers texts for a file: its template sees them as `accumulator`, file.blockreplace adds them.",
        example: "hosts: {file.accumulated: [{filename: /etc/hosts}, {text: 10.0.0.1 db}, {require_in: [{file: /etc/hosts}]}]}",
        call: accumulate::accumulated,
    },
    StateFunction {
        name: "cached",
        params: CACHED,
        doc: "A file of elsewhere is in this host's cache, with the digest it must have.",
        example: "salt://app.tgz: {file.cached: []}",
        call: cached::cached,
    },
    StateFunction {
        name: "copy",
        params: COPY,
        doc: "A file or directory of this host, copied to another place unless something is there.",
        example: "/etc/app.conf: {file.copy: [{source: /etc/app.conf.dist}]}",
        call: moving::copy,
    },
    StateFunction {
        name: "copy_",
        params: COPY,
        doc: "The same as file.copy.",
        example: "/etc/app.conf: {file.copy_: [{source: /etc/app.conf.dist}]}",
        call: moving::copy,
    },
    StateFunction {
        name: "decode",
        params: &[
            NAME,
            none("encoded_data"),
            none("contents_pillar"),
            text("encoding_type", "base64"),
            text("checksum", "md5"),
        ],
        doc: "A file holds what base64 text stands for.",
        example: "/etc/key: {file.decode: [{encoded_data: aGVsbG8=}]}",
        call: decode::decode,
    },
    StateFunction {
        name: "directory",
        params: DIRECTORY,
        doc: "A directory with owner and mode, also of what is in it, and with `clean` nothing else in it.",
        example: "/srv/www: {file.directory: [{user: www-data}, {mode: '0755'}, {makedirs: true}]}",
        call: directory::directory,
    },
    StateFunction {
        name: "exists",
        params: &[NAME, KWARGS],
        doc: "Fails where nothing is at this path.",
        example: "/etc/fstab: {file.exists: []}",
        call: presence::exists,
    },
    StateFunction {
        name: "hardlink",
        params: &[
            NAME,
            Required("target"),
            flag("force"),
            flag("makedirs"),
            none("user"),
            none("group"),
            none("dir_mode"),
            KWARGS,
        ],
        doc: "Another name of the file `target`.",
        example: "/srv/data.also: {file.hardlink: [{target: /srv/data}]}",
        call: links::hardlink,
    },
    StateFunction {
        name: "managed",
        params: MANAGED,
        doc: "A file with content, owner and mode. The content comes from the file server, from this host, from the web, or stands in the state.",
        example: "/etc/motd: {file.managed: [{contents: hello}, {mode: '0644'}]}",
        call: managed::managed,
    },
    StateFunction {
        name: "missing",
        params: &[NAME, KWARGS],
        doc: "Fails where something is at this path.",
        example: "/etc/nologin: {file.missing: []}",
        call: presence::missing,
    },
    StateFunction {
        name: "mknod",
        params: &[
            NAME,
            Required("ntype"),
            Optional("major", Int(0)),
            Optional("minor", Int(0)),
            none("user"),
            none("group"),
            text("mode", "0600"),
        ],
        doc: "A character device (c), a block device (b) or a named pipe (p).",
        example: "/srv/chroot/dev/null: {file.mknod: [{ntype: c}, {major: 1}, {minor: 3}]}",
        call: nodes::mknod,
    },
    StateFunction {
        name: "mod_run_check_cmd",
        params: &[Required("cmd"), Required("filename"), Keywords("check_cmd_opts")],
        doc: "Runs a command with a file as its last argument; what `check_cmd` of file.managed does.",
        example: "check: {file.mod_run_check_cmd: [{cmd: visudo -c -f}, {filename: /etc/sudoers}]}",
        call: managed::mod_run_check_cmd,
    },
    StateFunction {
        name: "not_cached",
        params: &[NAME, text("saltenv", "base")],
        doc: "A file of elsewhere is not in this host's cache.",
        example: "salt://app.tgz: {file.not_cached: []}",
        call: cached::not_cached,
    },
    StateFunction {
        name: "pruned",
        params: &[NAME, flag("recurse"), flag("ignore_errors"), none("older_than")],
        doc: "An empty directory is gone; with `recurse` the empty ones below it, too.",
        example: "/srv/empty: {file.pruned: [{recurse: true}]}",
        call: sweeping::pruned,
    },
    StateFunction {
        name: "recurse",
        params: RECURSE,
        doc: "A directory of the file server with all its files, and with `clean` nothing else.",
        example: "/srv/www: {file.recurse: [{source: 'salt://www'}, {file_mode: '0644'}]}",
        call: recurse::recurse,
    },
    StateFunction {
        name: "rename",
        params: &[NAME, Required("source"), flag("force"), flag("makedirs"), KWARGS],
        doc: "A file or directory of this host, moved to another place unless something is there.",
        example: "/srv/new: {file.rename: [{source: /srv/old}]}",
        call: moving::rename,
    },
    StateFunction {
        name: "retention_schedule",
        params: &[NAME, Required("retain"), none("strptime_format"), none("timezone")],
        doc: "Of the backups in a directory only those that rules keep: most_recent, first_of_hour, first_of_day, first_of_week, first_of_month, first_of_year.",
        example: "/srv/backup: {file.retention_schedule: [{retain: {most_recent: 5, first_of_month: all}}]}",
        call: retention::retention_schedule,
    },
    StateFunction {
        name: "serialize",
        params: SERIALIZE,
        doc: "Data as a file of YAML, JSON or INI.",
        example: "/etc/app.json: {file.serialize: [{dataset: {port: 80}}, {serializer: json}]}",
        call: serialize::serialize,
    },
    StateFunction {
        name: "shortcut",
        params: SHORTCUT,
        doc: "Shortcuts of Windows; an error on every other system.",
        example: "app: {file.shortcut: [{target: app.exe}]}",
        call: shortcut,
    },
    StateFunction {
        name: "symlink",
        params: SYMLINK,
        doc: "A symbolic link to `target`.",
        example: "/etc/nginx/sites-enabled/app: {file.symlink: [{target: /etc/nginx/sites-available/app}]}",
        call: links::symlink,
    },
    StateFunction {
        name: "tidied",
        params: TIDIED,
        doc: "What is old enough, large enough and of a matching name is gone from a directory and those below it.",
        example: "/var/tmp/app: {file.tidied: [{age: 7}, {matches: ['.*\\.log']}]}",
        call: sweeping::tidied,
    },
    StateFunction {
        name: "touch",
        params: &[NAME, none("atime"), none("mtime"), flag("makedirs")],
        doc: "A file is there, and has these times.",
        example: "/var/run/app.stamp: {file.touch: []}",
        call: presence::touch,
    },
];
