//! Names, parameters and docs of `cmd.*`.

use super::{mod_watch, run, script, waiting};
use crate::StateFunction;
use halite_modules::Param::{self, Keywords, Optional, Required};
use halite_modules::registry::Default::{Bool, Null, Str};

pub const RUN: &[Param] = &[
    Required("name"),
    Optional("cwd", Null),
    Optional("root", Null),
    Optional("runas", Null),
    Optional("password", Null),
    Optional("shell", Null),
    Optional("env", Null),
    Optional("prepend_path", Null),
    Optional("stateful", Bool(false)),
    Optional("output_loglevel", Str("debug")),
    Optional("hide_output", Bool(false)),
    Optional("timeout", Null),
    Optional("ignore_timeout", Bool(false)),
    Optional("use_vt", Bool(false)),
    Optional("success_retcodes", Null),
    Optional("success_stdout", Null),
    Optional("success_stderr", Null),
    Keywords("kwargs"),
];

pub const SCRIPT: &[Param] = &[
    Required("name"),
    Optional("source", Null),
    Optional("template", Null),
    Optional("cwd", Null),
    Optional("runas", Null),
    Optional("password", Null),
    Optional("shell", Null),
    Optional("env", Null),
    Optional("stateful", Bool(false)),
    Optional("timeout", Null),
    Optional("use_vt", Bool(false)),
    Optional("output_loglevel", Str("debug")),
    Optional("hide_output", Bool(false)),
    Optional("defaults", Null),
    Optional("context", Null),
    Optional("success_retcodes", Null),
    Optional("success_stdout", Null),
    Optional("success_stderr", Null),
    Keywords("kwargs"),
];

const WAIT: &[Param] = &[
    Required("name"),
    Optional("cwd", Null),
    Optional("root", Null),
    Optional("runas", Null),
    Optional("shell", Null),
    Optional("env", Null),
    Optional("stateful", Bool(false)),
    Optional("output_loglevel", Str("debug")),
    Optional("hide_output", Bool(false)),
    Optional("use_vt", Bool(false)),
    Optional("success_retcodes", Null),
    Optional("success_stdout", Null),
    Optional("success_stderr", Null),
    Keywords("kwargs"),
];

pub const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "mod_watch",
        params: &[Required("name"), Keywords("kwargs")],
        doc: "Runs the command or script where a watched state changed.",
        example: "reload: {cmd.wait: [{name: nginx -s reload}, {watch: [file: /etc/nginx/nginx.conf]}]}",
        call: mod_watch,
    },
    StateFunction {
        name: "run",
        params: RUN,
        doc: "Runs a command; pid, exit code and output are its changes, and an exit code above 0 fails. \
              With `stateful` what it prints says whether it changed anything.",
        example: "make install: {cmd.run: [{cwd: /usr/src/x}, {creates: /usr/local/bin/x}]}",
        call: run,
    },
    StateFunction {
        name: "script",
        params: SCRIPT,
        doc: "Fetches a script and runs it, rendered first where `template` says so.",
        example: "set up: {cmd.script: [{source: salt://setup.sh}, {args: --now}]}",
        call: script,
    },
    StateFunction {
        name: "wait",
        params: WAIT,
        doc: "Runs a command only where a watched state changed.",
        example: "newaliases: {cmd.wait: [{watch: [file: /etc/aliases]}]}",
        call: waiting,
    },
    StateFunction {
        name: "wait_script",
        params: SCRIPT,
        doc: "Runs a script only where a watched state changed.",
        example: "set up: {cmd.wait_script: [{source: salt://setup.sh}, {watch: [file: /etc/x]}]}",
        call: waiting,
    },
    StateFunction {
        name: "watch",
        params: WAIT,
        doc: "The same as cmd.wait.",
        example: "newaliases: {cmd.watch: [{watch: [file: /etc/aliases]}]}",
        call: waiting,
    },
];
