//! The functions of `cron` as a table, sorted by name.

use super::{get_entry, list_tab, raw_cron, set, write_cron_file, write_cron_file_verbose};
use crate::registry::Default::{Bool, Null};
use crate::registry::Function;
use crate::registry::Param::{self, Optional, Required};

const USER: Param = Required("user");
const CMD: Param = Required("cmd");
const IDENTIFIER: Param = Optional("identifier", Null);
const RM_JOB: &[Param] = &[
    USER,
    CMD,
    Optional("minute", Null),
    Optional("hour", Null),
    Optional("daymonth", Null),
    Optional("month", Null),
    Optional("dayweek", Null),
    IDENTIFIER,
];

pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "get_entry",
        params: &[USER, IDENTIFIER, Optional("cmd", Null)],
        doc: "One job of a user by its identifier or command, or False.",
        example: "cron.get_entry root identifier=backup",
        call: get_entry,
    },
    Function {
        name: "list_tab",
        params: &[USER],
        doc: "The crontab of a user in parts: pre (lines of others), crons, special, env.",
        example: "cron.list_tab root",
        call: list_tab,
    },
    Function {
        name: "ls",
        params: &[USER],
        doc: "The same as `cron.list_tab`.",
        example: "cron.ls root",
        call: list_tab,
    },
    Function {
        name: "raw_cron",
        params: &[USER],
        doc: "The crontab of a user as it stands.",
        example: "cron.raw_cron root",
        call: raw_cron,
    },
    Function {
        name: "rm",
        params: RM_JOB,
        doc: "The same as `cron.rm_job`.",
        example: "cron.rm root /usr/local/bin/weekly",
        call: set::rm_job,
    },
    Function {
        name: "rm_env",
        params: &[USER, Required("name")],
        doc: "Removes a variable from a crontab: removed or absent.",
        example: "cron.rm_env root MAILTO",
        call: set::rm_env,
    },
    Function {
        name: "rm_job",
        params: RM_JOB,
        doc: "Removes a job by its identifier or command, where given only with these times: removed or absent.",
        example: "cron.rm_job root /usr/local/bin/weekly dayweek=1",
        call: set::rm_job,
    },
    Function {
        name: "rm_special",
        params: &[USER, CMD, Optional("special", Null), IDENTIFIER],
        doc: "Removes a job with a special time: removed or absent.",
        example: "cron.rm_special root /usr/local/bin/start",
        call: set::rm_special,
    },
    Function {
        name: "set_env",
        params: &[USER, Required("name"), Optional("value", Null)],
        doc: "Sets a variable in a crontab: new, updated or present.",
        example: "cron.set_env root MAILTO user@example.com",
        call: set::set_env,
    },
    Function {
        name: "set_job",
        params: &[
            USER,
            Required("minute"),
            Required("hour"),
            Required("daymonth"),
            Required("month"),
            Required("dayweek"),
            CMD,
            Optional("commented", Bool(false)),
            Optional("comment", Null),
            IDENTIFIER,
        ],
        doc: "Sets a job; fields may be `random`. The answer is new, updated or present.",
        example: "cron.set_job root '*' '*' '*' '*' 1 /usr/local/bin/weekly",
        call: set::set_job_fun,
    },
    Function {
        name: "set_special",
        params: &[
            USER,
            Required("special"),
            CMD,
            Optional("commented", Bool(false)),
            Optional("comment", Null),
            IDENTIFIER,
        ],
        doc: "Sets a job with a special time such as @hourly: new, updated or present.",
        example: "cron.set_special root @hourly 'echo foobar'",
        call: set::set_special,
    },
    Function {
        name: "write_cron_file",
        params: &[USER, Required("path")],
        doc: "Replaces the crontab of a user by a file; whether that went well.",
        example: "cron.write_cron_file root /tmp/new_cron",
        call: write_cron_file,
    },
    Function {
        name: "write_cron_file_verbose",
        params: &[USER, Required("path")],
        doc: "Replaces the crontab of a user by a file, with what the program said.",
        example: "cron.write_cron_file_verbose root /tmp/new_cron",
        call: write_cron_file_verbose,
    },
];
