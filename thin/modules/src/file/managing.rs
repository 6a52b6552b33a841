//! The functions of `file` that manage files, as a table sorted by name.

use super::{attrs, manage, nodes, selinux, source, template, tree};
use crate::registry::Default::{Bool, Int, Null, Str};
use crate::registry::Param::{Keywords, Optional, Required, Rest};
use crate::registry::{Function, Module, Param, always, joined};

pub const MODULE: Module = Module {
    file: "file_managing",
    virtual_name: "file",
    doc: "Files as they should be: content, owner, mode, attributes and label.",
    applies: always,
    functions: FUNCTIONS,
};

const SIGNATURES: &[Param] = &[
    Optional("source_hash_sig", Null),
    Optional("signed_by_any", Null),
    Optional("signed_by_all", Null),
    Optional("keyring", Null),
    Optional("gnupghome", Null),
];
const LABEL: &[Param] = &[
    Optional("seuser", Null),
    Optional("serole", Null),
    Optional("setype", Null),
    Optional("serange", Null),
];
const OWNED: &[Param] = &[Optional("user", Null), Optional("group", Null), Optional("mode", Str("0660"))];

/// Where a file comes from, and whose it becomes.
const SOURCE_AND_OWNER: &[Param] = &[
    Required("source"),
    Required("source_hash"),
    Required("source_hash_name"),
    Required("user"),
    Required("group"),
    Required("mode"),
    Required("attrs"),
];

/// How the functions begin that look at a file and leave it as it is.
const CHECKED: &[Param] = &joined::<14>(&[
    &[Required("name")],
    SOURCE_AND_OWNER,
    &[
        Required("template"),
        Required("context"),
        Required("defaults"),
        Required("saltenv"),
        Optional("contents", Null),
        Optional("skip_verify", Bool(false)),
    ],
]);

pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "apply_template_on_contents",
        params: &[
            Required("contents"),
            Required("template"),
            Required("context"),
            Required("defaults"),
            Required("saltenv"),
        ],
        doc: "Renders a text with `defaults` and, over them, `context`.",
        example: "file.apply_template_on_contents 'Hi {{ name }}' jinja '{name: you}' '{}' base",
        call: template::apply_template_on_contents,
    },
    Function {
        name: "chattr",
        params: &[Rest("files"), Keywords("kwargs")],
        doc: "Adds or removes (`operator`) attributes of files, with the host's chattr; `flags` and `version` are its own.",
        example: "file.chattr /etc/resolv.conf operator=add attributes=i",
        call: attrs::chattr,
    },
    Function {
        name: "check_managed",
        params: &joined::<20>(&[
            CHECKED,
            LABEL,
            &[Optional("follow_symlinks", Bool(false)), Keywords("kwargs")],
        ]),
        doc: "Whether a file is as it should be, and what would change.",
        example: "file.check_managed /etc/motd salt://motd '' '' root root 644 '' '' '{}' '{}' base",
        call: manage::check_managed,
    },
    Function {
        name: "check_managed_changes",
        params: &joined::<22>(&[
            CHECKED,
            &[Optional("keep_mode", Bool(false))],
            LABEL,
            &[
                Optional("verify_ssl", Bool(true)),
                Optional("follow_symlinks", Bool(false)),
                Keywords("kwargs"),
            ],
        ]),
        doc: "What would change, were a file made as it should be.",
        example: "file.check_managed_changes /etc/motd salt://motd '' '' root root 644 '' '' '{}' '{}' base",
        call: manage::check_managed_changes,
    },
    Function {
        name: "check_perms",
        params: &joined::<11>(&[
            &[
                Required("name"),
                Required("ret"),
                Required("user"),
                Required("group"),
                Required("mode"),
                Optional("attrs", Null),
                Optional("follow_symlinks", Bool(false)),
            ],
            LABEL,
        ]),
        doc: "Gives a path owner, mode and attributes; what changed, and what it had before.",
        example: "file.check_perms /etc/sudoers '{}' root root 400 attrs=ai",
        call: manage::check_perms,
    },
    Function {
        name: "extract_hash",
        params: &[
            Required("hash_fn"),
            Optional("hash_type", Str("sha256")),
            Optional("file_name", Str("")),
            Optional("source", Str("")),
            Optional("source_hash_name", Null),
        ],
        doc: "The digest a list of digests has for a file: the line that names it, else the first.",
        example: "file.extract_hash /srv/SHA256SUMS sha256 app.tgz",
        call: source::extract_hash,
    },
    Function {
        name: "get_managed",
        params: &joined::<21>(&[
            &[Required("name"), Required("template")],
            SOURCE_AND_OWNER,
            &[
                Required("saltenv"),
                Required("context"),
                Required("defaults"),
                Optional("skip_verify", Bool(false)),
                Optional("verify_ssl", Bool(true)),
                Optional("use_etag", Bool(false)),
            ],
            SIGNATURES,
            &[Keywords("kwargs")],
        ]),
        doc: "Brings a source to this host, rendered where it is a template: its path, its digest, what went wrong.",
        example: "file.get_managed /etc/motd jinja salt://motd '' '' root root 644 '' base '{}' '{}'",
        call: source::get_managed,
    },
    Function {
        name: "get_source_sum",
        params: &joined::<11>(&[
            &[
                Optional("file_name", Str("")),
                Optional("source", Str("")),
                Optional("source_hash", Null),
                Optional("source_hash_name", Null),
                Optional("saltenv", Str("base")),
                Optional("verify_ssl", Bool(true)),
            ],
            SIGNATURES,
        ]),
        doc: "Algorithm and digits a `source_hash` means: digits, algorithm=digits, or a file of digests.",
        example: "file.get_source_sum /srv/app.tgz source_hash=md5=feb304249b45ec8e6d6a0c1e7f4a5d92",
        call: source::get_source_sum,
    },
    Function {
        name: "lsattr",
        params: &[Required("path")],
        doc: "Attributes of a path as letters, with the host's lsattr; null where there is none.",
        example: "file.lsattr /etc/resolv.conf",
        call: attrs::lsattr,
    },
    Function {
        name: "makedirs_perms",
        params: &[
            Required("name"),
            Optional("user", Null),
            Optional("group", Null),
            Optional("mode", Str("0755")),
        ],
        doc: "Makes a directory and those above it that are missing, each with owner and mode.",
        example: "file.makedirs_perms /opt/code root root 0750",
        call: tree::makedirs_perms,
    },
    Function {
        name: "manage_file",
        params: &joined::<34>(&[
            &[
                Required("name"),
                Required("sfn"),
                Required("ret"),
                Required("source"),
                Required("source_sum"),
                Required("user"),
                Required("group"),
                Required("mode"),
                Required("attrs"),
                Required("saltenv"),
                Required("backup"),
                Optional("makedirs", Bool(false)),
                Optional("template", Null),
                Optional("show_changes", Bool(true)),
                Optional("contents", Null),
                Optional("dir_mode", Null),
                Optional("follow_symlinks", Bool(true)),
                Optional("skip_verify", Bool(false)),
                Optional("keep_mode", Bool(false)),
                Optional("encoding", Null),
                Optional("encoding_errors", Str("strict")),
            ],
            LABEL,
            &[
                Optional("verify_ssl", Bool(true)),
                Optional("use_etag", Bool(false)),
                Optional("signature", Null),
            ],
            SIGNATURES,
            &[Keywords("kwargs")],
        ]),
        doc: "Makes one file as it should be, in one step; what changed.",
        example: "file.manage_file /etc/motd '' '{}' salt://motd '{}' root root 644 '' base ''",
        call: manage::manage_file,
    },
    Function {
        name: "mknod",
        params: &[
            Required("name"),
            Required("ntype"),
            Optional("major", Int(0)),
            Optional("minor", Int(0)),
            Optional("user", Null),
            Optional("group", Null),
            Optional("mode", Str("0600")),
        ],
        doc: "Makes a character device (c), a block device (b) or a named pipe (p).",
        example: "file.mknod /srv/chroot/dev/null c 1 3",
        call: nodes::mknod,
    },
    Function {
        name: "mknod_blkdev",
        params: &joined::<6>(&[&[Required("name"), Required("major"), Required("minor")], OWNED]),
        doc: "Makes a block device.",
        example: "file.mknod_blkdev /srv/chroot/dev/loop0 7 0",
        call: nodes::mknod_blkdev,
    },
    Function {
        name: "mknod_chrdev",
        params: &joined::<6>(&[&[Required("name"), Required("major"), Required("minor")], OWNED]),
        doc: "Makes a character device.",
        example: "file.mknod_chrdev /srv/chroot/dev/null 1 3",
        call: nodes::mknod_chrdev,
    },
    Function {
        name: "mknod_fifo",
        params: &joined::<4>(&[&[Required("name")], OWNED]),
        doc: "Makes a named pipe.",
        example: "file.mknod_fifo /run/app.pipe",
        call: nodes::mknod_fifo,
    },
    Function {
        name: "open_files",
        params: &[Optional("by_pid", Bool(false))],
        doc: "Files that processes have open, each with the processes; with `by_pid` processes, each with its files.",
        example: "file.open_files",
        call: attrs::open_files,
    },
    Function {
        name: "set_selinux_context",
        params: &[
            Required("path"),
            Optional("user", Null),
            Optional("role", Null),
            Optional("type", Null),
            Optional("range", Null),
            Optional("persist", Bool(false)),
        ],
        doc: "Sets parts of a path's SELinux label; the label it has then.",
        example: "file.set_selinux_context /etc/yum.repos.d/x.repo type=system_conf_t",
        call: selinux::set_selinux_context,
    },
    Function {
        name: "source_list",
        params: &[Required("source"), Required("source_hash"), Required("saltenv")],
        doc: "The first of several sources that exists, and the hash that goes with it.",
        example: "file.source_list '[salt://a, salt://b]' '' base",
        call: source::source_list,
    },
];
