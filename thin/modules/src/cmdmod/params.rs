//! Parameters of `cmd.*`: Salt's names, order and defaults. What Salt takes as further keywords stands at the
//! end of each list, so that a misspelt name is found.

use crate::registry::Default::{Bool, Null, Str};
use crate::registry::Param::{self, Keywords, Optional, Required};
use crate::registry::joined;

/// Where a command runs and as whom.
const PLACE: &[Param] = &[
    Optional("cwd", Null),
    Optional("stdin", Null),
    Optional("runas", Null),
    Optional("group", Null),
    Optional("shell", Null),
];
/// What counts as success all the same.
const SUCCESS: &[Param] =
    &[Optional("success_retcodes", Null), Optional("success_stdout", Null), Optional("success_stderr", Null)];
/// The command's environment, and what fills it in.
const ENV: &[Param] =
    &[Optional("env", Null), Optional("clean_env", Bool(false)), Optional("template", Null)];
/// How output is read and logged.
const LOG: &[Param] = &[
    Optional("output_encoding", Null),
    Optional("output_loglevel", Str("debug")),
    Optional("log_callback", Null),
];
/// How long, and in which language.
const LIMITS: &[Param] = &[Optional("timeout", Null), Optional("reset_system_locale", Bool(true))];
/// How output is read and where it shows.
const OUTPUT: &[Param] =
    &joined::<7>(&[&[Optional("umask", Null)], LOG, &[Optional("hide_output", Bool(false))], LIMITS]);
/// What of the call is not about the command itself.
const CALL: &[Param] =
    &[Optional("ignore_retcode", Bool(false)), Optional("saltenv", Null), Optional("use_vt", Bool(false))];
/// How the functions begin that run one command line and answer.
const COMMON: &[Param] = &joined::<21>(&[
    &[Required("cmd")],
    PLACE,
    &[Optional("python_shell", Null)],
    ENV,
    &[Optional("rstrip", Bool(true))],
    OUTPUT,
    CALL,
]);

pub const RUN: &[Param] = &joined::<31>(&[
    COMMON,
    &[
        Optional("redirect_stderr", Bool(true)),
        Optional("bg", Bool(false)),
        Optional("password", Null),
        Optional("encoded_cmd", Bool(false)),
        Optional("raise_err", Bool(false)),
        Optional("prepend_path", Null),
    ],
    SUCCESS,
    &[Optional("stdin_raw_newlines", Bool(false))],
]);

pub const SHELL: &[Param] = &joined::<30>(&[
    &[Required("cmd")],
    PLACE,
    ENV,
    &[Optional("rstrip", Bool(true))],
    OUTPUT,
    CALL,
    &[Optional("bg", Bool(false)), Optional("password", Null), Optional("prepend_path", Null)],
    SUCCESS,
    &[
        Optional("python_shell", Bool(true)),
        Optional("redirect_stderr", Bool(true)),
        Optional("raise_err", Bool(false)),
        Optional("stdin_raw_newlines", Bool(false)),
    ],
]);

/// `run_stdout` and `run_stderr`.
pub const RUN_STREAM: &[Param] = &joined::<28>(&[
    COMMON,
    &[Optional("password", Null), Optional("prepend_path", Null)],
    SUCCESS,
    &[Optional("bg", Bool(false)), Optional("stdin_raw_newlines", Bool(false))],
]);

pub const RUN_ALL: &[Param] = &joined::<30>(&[
    COMMON,
    &[
        Optional("redirect_stderr", Bool(false)),
        Optional("password", Null),
        Optional("encoded_cmd", Bool(false)),
        Optional("prepend_path", Null),
    ],
    SUCCESS,
    &[Optional("bg", Bool(false)), Optional("stdin_raw_newlines", Bool(false))],
]);

pub const RETCODE: &[Param] = &joined::<26>(&[
    &[Required("cmd")],
    PLACE,
    &[Optional("python_shell", Null)],
    ENV,
    &[Optional("umask", Null)],
    LOG,
    LIMITS,
    CALL,
    &[Optional("password", Null)],
    SUCCESS,
    &[
        Optional("prepend_path", Null),
        Optional("bg", Bool(false)),
        Optional("stdin_raw_newlines", Bool(false)),
    ],
]);

pub const RUN_BG: &[Param] = &joined::<22>(&[
    &[
        Required("cmd"),
        Optional("cwd", Null),
        Optional("runas", Null),
        Optional("group", Null),
        Optional("shell", Null),
        Optional("python_shell", Null),
    ],
    ENV,
    &[Optional("umask", Null), Optional("timeout", Null)],
    LOG,
    &[
        Optional("reset_system_locale", Bool(true)),
        Optional("ignore_retcode", Bool(false)),
        Optional("saltenv", Null),
        Optional("password", Null),
        Optional("prepend_path", Null),
    ],
    SUCCESS,
]);

pub const RUN_CHROOT: &[Param] = &joined::<27>(&[
    &[Required("root"), Required("cmd")],
    PLACE,
    &[Optional("python_shell", Bool(true)), Optional("binds", Null)],
    ENV,
    &[
        Optional("rstrip", Bool(true)),
        Optional("umask", Null),
        Optional("output_encoding", Null),
        Optional("output_loglevel", Str("quiet")),
        Optional("log_callback", Null),
        Optional("hide_output", Bool(false)),
    ],
    LIMITS,
    CALL,
    &[Optional("bg", Bool(false))],
    SUCCESS,
]);

pub const SCRIPT: &[Param] = &joined::<30>(&[
    &[Required("source"), Optional("args", Null)],
    PLACE,
    &[Optional("python_shell", Null), Optional("env", Null), Optional("template", Null)],
    OUTPUT,
    &[
        Optional("saltenv", Null),
        Optional("use_vt", Bool(false)),
        Optional("bg", Bool(false)),
        Optional("password", Null),
    ],
    SUCCESS,
    &[
        Optional("clean_env", Bool(false)),
        Optional("ignore_retcode", Bool(false)),
        Optional("prepend_path", Null),
        Optional("rstrip", Bool(true)),
        Optional("stdin_raw_newlines", Bool(false)),
        Keywords("kwargs"),
    ],
]);

pub const SCRIPT_RETCODE: &[Param] = &joined::<26>(&[
    &[Required("source"), Optional("args", Null)],
    PLACE,
    &[
        Optional("python_shell", Null),
        Optional("env", Null),
        Optional("template", Str("jinja")),
        Optional("umask", Null),
    ],
    LIMITS,
    &[Optional("saltenv", Null)],
    LOG,
    &[Optional("use_vt", Bool(false)), Optional("password", Null)],
    SUCCESS,
    &[
        Optional("clean_env", Bool(false)),
        Optional("ignore_retcode", Bool(false)),
        Optional("prepend_path", Null),
        Keywords("kwargs"),
    ],
]);

pub const EXEC_CODE: &[Param] = &joined::<26>(&[
    &[
        Required("lang"),
        Required("code"),
        Optional("cwd", Null),
        Optional("args", Null),
        Optional("stdin", Null),
        Optional("runas", Null),
        Optional("group", Null),
        Optional("shell", Null),
        Optional("env", Null),
        Optional("clean_env", Bool(false)),
        Optional("rstrip", Bool(true)),
    ],
    OUTPUT,
    &[
        Optional("ignore_retcode", Bool(false)),
        Optional("use_vt", Bool(false)),
        Optional("redirect_stderr", Bool(false)),
        Optional("prepend_path", Null),
    ],
    SUCCESS,
    &[Optional("stdin_raw_newlines", Bool(false))],
]);

pub const WHICH: &[Param] = &[Required("cmd")];

pub const WHICH_BIN: &[Param] = &[Required("cmds")];

pub const TTY: &[Param] = &[Required("device"), Optional("echo", Str(""))];

pub const SHELL_INFO: &[Param] = &[Required("shell"), Optional("list_modules", Bool(false))];
