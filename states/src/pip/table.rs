//! Functions of `pip`, their parameters and docs.

use super::{installed, removed, uptodate};
use crate::StateFunction;
use halite_modules::Param::{Keywords, Optional, Required};
use halite_modules::pip::{FROM, WHAT, WHERE};
use halite_modules::registry::Default::{Bool, Null};
use halite_modules::registry::joined;

pub const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "installed",
        params: &joined::<48>(&[
            &[Required("name"), Optional("pkgs", Null), Optional("pip_bin", Null)],
            FROM,
            &[Optional("repo", Null)],
            WHAT,
            &[Optional("install_options", Null), Optional("global_options", Null)],
            WHERE,
            &[
                Optional("env_vars", Null),
                Optional("use_vt", Bool(false)),
                Optional("trusted_host", Null),
                Optional("no_cache_dir", Bool(false)),
                Optional("cache_dir", Null),
                Optional("no_binary", Null),
                Optional("extra_args", Null),
                Optional("saltenv", Null),
                Keywords("kwargs"),
            ],
        ]),
        doc: "The packages are there, in versions that fulfill the conditions.",
        example: "requests: {pip.installed: [{bin_env: /srv/venv}]}",
        call: installed::installed,
    },
    StateFunction {
        name: "removed",
        params: &[
            Required("name"),
            Optional("requirements", Null),
            Optional("bin_env", Null),
            Optional("log", Null),
            Optional("proxy", Null),
            Optional("timeout", Null),
            Optional("user", Null),
            Optional("cwd", Null),
            Optional("use_vt", Bool(false)),
        ],
        doc: "The package is not there.",
        example: "requests: {pip.removed: [{bin_env: /srv/venv}]}",
        call: removed,
    },
    StateFunction {
        name: "uptodate",
        params: &[
            Required("name"),
            Optional("bin_env", Null),
            Optional("user", Null),
            Optional("cwd", Null),
            Optional("use_vt", Bool(false)),
        ],
        doc: "All packages are the newest.",
        example: "newest: {pip.uptodate: [{bin_env: /srv/venv}]}",
        call: uptodate,
    },
];
