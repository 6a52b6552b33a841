//! The functions of `cp` as a table, sorted by name.

use crate::cp;
use crate::registry::Default::{Bool, Null, Str};
use crate::registry::Param::{Keywords, Optional, Required};
use crate::registry::{CallError, Function, Param};
use crate::{Bound, Ctx};
use halite_wire::Value;

type Call = fn(&mut Ctx, &Bound) -> Result<Value, CallError>;

const fn row(
    name: &'static str,
    params: &'static [Param],
    doc: &'static str,
    example: &'static str,
    call: Call,
) -> Function {
    Function { name, params, doc, example, call }
}

pub const FUNCTIONS: &[Function] = &[
    row(
        "cache_dest",
        &[Required("url"), Optional("saltenv", Null)],
        "Where the file of a URL would be cached; nothing is fetched.",
        "cp.cache_dest salt://web/site.conf",
        cp::cache_dest,
    ),
    row(
        "cache_dir",
        &[
            Required("path"),
            Optional("saltenv", Null),
            Optional("include_empty", Bool(false)),
            Optional("include_pat", Null),
            Optional("exclude_pat", Null),
        ],
        "Caches all files below a directory of the file server; the paths on the host.",
        "cp.cache_dir salt://web include_pat='*.conf'",
        cp::cache_dir,
    ),
    row(
        "cache_file",
        &[
            Required("path"),
            Optional("saltenv", Null),
            Optional("source_hash", Null),
            Optional("verify_ssl", Bool(true)),
            Optional("use_etag", Bool(false)),
        ],
        "Caches one file; its path on the host, or False.",
        "cp.cache_file salt://web/site.conf",
        cp::cache_file,
    ),
    row(
        "cache_file_ssh",
        &[
            Required("path"),
            Optional("saltenv", Null),
            Optional("source_hash", Null),
            Optional("verify_ssl", Bool(true)),
            Optional("use_etag", Bool(false)),
        ],
        "The same as `cp.cache_file`.",
        "cp.cache_file_ssh salt://web/site.conf",
        cp::cache_file,
    ),
    row(
        "cache_files",
        &[Required("paths"), Optional("saltenv", Null)],
        "Caches several files, as a list or apart by commas.",
        "cp.cache_files salt://a,salt://b",
        cp::cache_files,
    ),
    row(
        "cache_local_file",
        &[Required("path")],
        "Copies a file of the host into the cache.",
        "cp.cache_local_file /etc/hosts",
        cp::cache_local_file,
    ),
    row(
        "cache_master",
        &[Optional("saltenv", Null)],
        "Caches every file of an environment.",
        "cp.cache_master",
        cp::cache_master,
    ),
    row(
        "get_dir",
        &[
            Required("path"),
            Required("dest"),
            Optional("saltenv", Null),
            Optional("template", Null),
            Optional("gzip", Null),
            Keywords("kwargs"),
        ],
        "Brings a directory of the file server into `dest`; the paths written.",
        "cp.get_dir salt://web /srv",
        cp::get_dir,
    ),
    row(
        "get_file",
        &[
            Required("path"),
            Required("dest"),
            Optional("saltenv", Null),
            Optional("makedirs", Bool(false)),
            Optional("template", Null),
            Optional("gzip", Null),
            Keywords("kwargs"),
        ],
        "Brings a file of the file server to `dest`; the path written, empty text where there is no such file, False where there is no such directory.",
        "cp.get_file salt://web/site.conf /etc/nginx/",
        cp::get_file,
    ),
    row(
        "get_file_str",
        &[Required("path"), Optional("saltenv", Null)],
        "Content of a file of the file server, or False.",
        "cp.get_file_str salt://web/site.conf",
        cp::get_file_str,
    ),
    row(
        "get_template",
        &[
            Required("path"),
            Required("dest"),
            Optional("template", Str("jinja")),
            Optional("saltenv", Null),
            Optional("makedirs", Bool(false)),
            Keywords("kwargs"),
        ],
        "Renders a template of the file server to `dest`; further keyword arguments are its variables.",
        "cp.get_template salt://web/site.j2 /etc/nginx/site.conf",
        cp::get_template,
    ),
    row(
        "get_url",
        &[
            Required("path"),
            Optional("dest", Str("")),
            Optional("saltenv", Null),
            Optional("makedirs", Bool(false)),
            Optional("source_hash", Null),
        ],
        "Brings the file of a URL (salt, file, http, https, ftp) to `dest`, or to the cache; its content where `dest` is None.",
        "cp.get_url https://example.com/index.html /srv/index.html",
        cp::get_url,
    ),
    row(
        "hash_file",
        &[Required("path"), Optional("saltenv", Null)],
        "Digest of a file of the file server or of the host.",
        "cp.hash_file salt://web/site.conf",
        cp::hash_file,
    ),
    row(
        "hash_file_ssh",
        &[Required("path"), Optional("saltenv", Null)],
        "The same as `cp.hash_file`.",
        "cp.hash_file_ssh salt://web/site.conf",
        cp::hash_file,
    ),
    row(
        "is_cached",
        &[Required("path"), Optional("saltenv", Null)],
        "Path of the cached file, or empty text.",
        "cp.is_cached salt://web/site.conf",
        cp::is_cached,
    ),
    row(
        "list_master",
        &[Optional("saltenv", Null), Optional("prefix", Str(""))],
        "Paths of all files of the file server.",
        "cp.list_master",
        cp::list_master,
    ),
    row(
        "list_master_dirs",
        &[Optional("saltenv", Null), Optional("prefix", Str(""))],
        "Directories of the file server that hold files.",
        "cp.list_master_dirs",
        cp::list_master_dirs,
    ),
    row(
        "list_minion",
        &[Optional("saltenv", Null)],
        "Paths of all cached files.",
        "cp.list_minion",
        cp::list_minion,
    ),
    row(
        "list_states",
        &[Optional("saltenv", Null)],
        "Names of all SLS files of the file server.",
        "cp.list_states",
        cp::list_states,
    ),
    row(
        "push",
        &[
            Required("path"),
            Optional("keep_symlinks", Bool(false)),
            Optional("upload_path", Null),
            Optional("remove_source", Bool(false)),
        ],
        "Sends a file to the controller, which keeps it below minions/ID/files of its cache where file_recv is True.",
        "cp.push /etc/fstab",
        cp::push,
    ),
    row(
        "push_dir",
        &[Required("path"), Optional("glob", Null), Optional("upload_path", Null)],
        "Sends all files below a directory, or those whose names match, to the controller.",
        "cp.push_dir /etc/modprobe.d glob='*.conf'",
        cp::push_dir,
    ),
    row(
        "stat_file",
        &[Required("path"), Optional("saltenv", Null), Optional("octal", Bool(true))],
        "Mode of a file of the file server or of the host: octal digits, or the number with `octal=False`.",
        "cp.stat_file salt://web/site.conf",
        cp::stat_file,
    ),
];
