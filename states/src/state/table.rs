//! Names, parameters and docs of `state.*`. A keyword nobody knows is refused: `tset=True` must not run for real.

use super::{apply, clear_cache, disabled, packed, pauses, requests, show, single, test};
use halite_modules::Function;
use halite_modules::registry::Default::{Bool, Null, Str};
use halite_modules::registry::Param::{self, Keywords, Optional, Required};

/// Keywords of every run.
macro_rules! run_keywords {
    ($($first:expr),* $(,)?) => {
        &[
            $($first,)*
            Optional("test", Null),
            Optional("exclude", Null),
            Optional("queue", Null),
            Optional("sync_mods", Null),
            Optional("state_events", Null),
            Optional("saltenv", Null),
            Optional("pillar", Null),
            Optional("pillar_enc", Null),
            Optional("pillarenv", Null),
            Optional("localconfig", Null),
            Optional("mock", Bool(false)),
            Optional("concurrent", Bool(false)),
            Optional("terse", Bool(false)),
            Optional("force", Bool(false)),
            Optional("whitelist", Null),
            Optional("output_loglevel", Null),
            Optional("orchestration_jid", Null),
            Optional("cache", Null),
            Optional("cache_name", Null),
            Optional("env", Null),
        ]
    };
}

/// SLS, or none for the top files'.
pub const APPLY: &[Param] = run_keywords![Optional("mods", Null)];

/// All further keywords are the state's.
const SINGLE: &[Param] = &[
    Required("fun"),
    Required("name"),
    Optional("test", Null),
    Optional("queue", Null),
    Optional("pillar", Null),
    Optional("pillar_enc", Null),
    Optional("pillarenv", Null),
    Optional("saltenv", Null),
    Optional("localconfig", Null),
    Optional("mock", Bool(false)),
    Optional("concurrent", Bool(false)),
    Keywords("kwargs"),
];

pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "apply",
        params: APPLY,
        doc: "Applies SLS to this host; without names those the top files assign. With test=True nothing is changed, and what would be is shown.",
        example: "state.apply nginx,users test=True pillar='{port: 8080}'",
        call: apply::apply,
    },
    Function {
        name: "check_request",
        params: &[Optional("name", Null)],
        doc: "The requests that wait, or one of them.",
        example: "state.check_request",
        call: requests::check,
    },
    Function {
        name: "clear_cache",
        params: &[],
        doc: "Removes compiled state data from the cache, and names it.",
        example: "state.clear_cache",
        call: clear_cache,
    },
    Function {
        name: "clear_request",
        params: &[Optional("name", Null)],
        doc: "Forgets a request, or all.",
        example: "state.clear_request",
        call: requests::clear,
    },
    Function {
        name: "disable",
        params: &[Required("states")],
        doc: "Keeps SLS (a name, or part.*) and state functions (globs) from running on this host.",
        example: "state.disable highstate,web.*",
        call: disabled::disable,
    },
    Function {
        name: "enable",
        params: &[Required("states")],
        doc: "Lets what state.disable stopped run again.",
        example: "state.enable highstate",
        call: disabled::enable,
    },
    Function {
        name: "get_pauses",
        params: &[Optional("jid", Null)],
        doc: "Pauses of the runs that are under way.",
        example: "state.get_pauses",
        call: pauses::get,
    },
    Function {
        name: "high",
        params: run_keywords![Required("data")],
        doc: "Runs high data: a map of IDs as in an SLS.",
        example: "state.high '{vim: {pkg: [installed]}}'",
        call: apply::high,
    },
    Function {
        name: "highstate",
        params: run_keywords![],
        doc: "Applies what the top files assign to this host.",
        example: "state.highstate test=True",
        call: apply::highstate,
    },
    Function {
        name: "id_exists",
        params: run_keywords![Required("ids"), Required("mods")],
        doc: "Whether SLS hold all of these IDs.",
        example: "state.id_exists nginx,nginx.conf web",
        call: show::id_exists,
    },
    Function {
        name: "list_disabled",
        params: &[],
        doc: "What state.disable stopped.",
        example: "state.list_disabled",
        call: disabled::list,
    },
    Function {
        name: "low",
        params: run_keywords![Required("data")],
        doc: "Runs one low chunk.",
        example: "state.low '{state: pkg, fun: installed, name: vi}'",
        call: single::low,
    },
    Function {
        name: "pause",
        params: &[Required("jid"), Optional("state_id", Null), Optional("duration", Null)],
        doc: "Lets a run wait before a state, or before its next one, for some seconds or until state.resume.",
        example: "state.pause 20260101000000000000 nginx 60",
        call: pauses::pause,
    },
    Function {
        name: "pkg",
        params: &[
            Required("pkg_path"),
            Required("pkg_sum"),
            Required("hash_type"),
            Optional("test", Null),
            Optional("queue", Null),
            Optional("concurrent", Bool(false)),
            Keywords("kwargs"),
        ],
        doc: "Runs the states of a tarball of this host that was prepared elsewhere: low chunks, pillar and files.",
        example: "state.pkg /tmp/salt_state.tgz 760a9353810e36f6d81416366fc426dc md5",
        call: packed::pkg,
    },
    Function {
        name: "request",
        params: run_keywords![Optional("mods", Null), Optional("name", Null)],
        doc: "Tries a run with test=True, and keeps it under a name for state.run_request.",
        example: "state.request nginx",
        call: requests::request,
    },
    Function {
        name: "resume",
        params: &[Required("jid"), Optional("state_id", Null)],
        doc: "Lets a paused run go on.",
        example: "state.resume 20260101000000000000",
        call: pauses::resume,
    },
    Function {
        name: "run_request",
        params: &[Optional("name", Str("default")), Keywords("kwargs")],
        doc: "Makes the run that was requested.",
        example: "state.run_request",
        call: requests::run,
    },
    Function {
        name: "running",
        params: &[Optional("concurrent", Bool(false))],
        doc: "One line for each run of states that is under way here.",
        example: "state.running",
        call: show::running,
    },
    Function {
        name: "show_highstate",
        params: run_keywords![],
        doc: "High data of what the top files assign.",
        example: "state.show_highstate",
        call: show::highstate,
    },
    Function {
        name: "show_low_sls",
        params: run_keywords![Required("mods")],
        doc: "Low chunks of SLS.",
        example: "state.show_low_sls nginx",
        call: show::low_sls,
    },
    Function {
        name: "show_lowstate",
        params: run_keywords![],
        doc: "Low chunks of what the top files assign.",
        example: "state.show_lowstate",
        call: show::lowstate,
    },
    Function {
        name: "show_sls",
        params: run_keywords![Required("mods")],
        doc: "High data of SLS.",
        example: "state.show_sls nginx",
        call: show::sls,
    },
    Function {
        name: "show_state_usage",
        params: run_keywords![],
        doc: "By environment, the SLS the top files assign and those they do not.",
        example: "state.show_state_usage",
        call: show::usage,
    },
    Function {
        name: "show_states",
        params: run_keywords![],
        doc: "The SLS a highstate runs, in order.",
        example: "state.show_states",
        call: show::states,
    },
    Function {
        name: "show_top",
        params: run_keywords![],
        doc: "What the top files assign to this host.",
        example: "state.show_top",
        call: show::top,
    },
    Function {
        name: "single",
        params: SINGLE,
        doc: "Runs one state function.",
        example: "state.single pkg.installed name=vim",
        call: single::single,
    },
    Function {
        name: "sls",
        params: run_keywords![Required("mods")],
        doc: "Applies SLS to this host.",
        example: "state.sls nginx,users test=True",
        call: apply::sls,
    },
    Function {
        name: "sls_exists",
        params: run_keywords![Required("mods")],
        doc: "Whether these SLS are there and compile.",
        example: "state.sls_exists nginx",
        call: show::sls_exists,
    },
    Function {
        name: "sls_id",
        params: run_keywords![Required("id_"), Required("mods")],
        doc: "Runs one ID of SLS, and what it requires.",
        example: "state.sls_id nginx.conf nginx",
        call: apply::sls_id,
    },
    Function {
        name: "soft_kill",
        params: &[Required("jid"), Optional("state_id", Null)],
        doc: "Ends a run before a state, or before its next one.",
        example: "state.soft_kill 20260101000000000000",
        call: pauses::soft_kill,
    },
    Function {
        name: "template",
        params: run_keywords![Required("tem")],
        doc: "Applies an SLS file of this host.",
        example: "state.template /srv/one.sls",
        call: apply::template,
    },
    Function {
        name: "template_str",
        params: run_keywords![Required("tem")],
        doc: "Applies an SLS given as text.",
        example: "state.template_str '{/tmp/x: file.touch}'",
        call: apply::template_str,
    },
    Function {
        name: "test",
        params: APPLY,
        doc: "The same as state.apply with test=True.",
        example: "state.test nginx",
        call: test,
    },
    Function {
        name: "top",
        params: run_keywords![Required("topfn")],
        doc: "Applies what another top file assigns to this host.",
        example: "state.top other_top.sls",
        call: apply::top,
    },
];
