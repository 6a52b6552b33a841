//! `cron.*`: jobs and variables in the crontabs of users.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{self, Keywords, Optional, Required};
use halite_modules::cron::{self, Outcome, Setting, Tab, When};
use halite_modules::registry::Default::{Bool, Null, Str};
use halite_modules::{Args, Bound, CallError, call, diff};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "cron",
    virtual_name: "cron",
    doc: "Jobs and variables in the crontabs of users.",
    applies: |_: &Map| halite_modules::process::which("crontab").is_some(),
    functions: FUNCTIONS,
};

const NAME: Param = Required("name");
const USER: Param = Optional("user", Str("root"));
const IDENTIFIER: Param = Optional("identifier", Bool(false));
const SPECIAL: Param = Optional("special", Null);

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "absent",
        params: &[NAME, USER, IDENTIFIER, SPECIAL, Keywords("kwargs")],
        doc: "A job is in no crontab of the user, known by its identifier or by its command.",
        example: "date > /tmp/x: {cron.absent: []}",
        call: absent,
    },
    StateFunction {
        name: "env_absent",
        params: &[NAME, USER],
        doc: "A variable is not in the crontab.",
        example: "MAILTO: {cron.env_absent: []}",
        call: env_absent,
    },
    StateFunction {
        name: "env_present",
        params: &[NAME, Optional("value", Null), USER],
        doc: "A variable is in the crontab, with this value.",
        example: "MAILTO: {cron.env_present: [{value: me@example.com}]}",
        call: env_present,
    },
    StateFunction {
        name: "file",
        params: &[
            NAME,
            Optional("source_hash", Str("")),
            Optional("source_hash_name", Null),
            USER,
            Optional("template", Null),
            Optional("context", Null),
            Optional("replace", Bool(true)),
            Optional("defaults", Null),
            Optional("backup", Str("")),
            Keywords("kwargs"),
        ],
        doc: "The crontab of a user is this file, rendered where `template` says so.",
        example: "salt://cron/root: {cron.file: [{user: root}]}",
        call: file,
    },
    StateFunction {
        name: "present",
        params: &[
            NAME,
            USER,
            Optional("minute", Str("*")),
            Optional("hour", Str("*")),
            Optional("daymonth", Str("*")),
            Optional("month", Str("*")),
            Optional("dayweek", Str("*")),
            Optional("comment", Null),
            Optional("commented", Bool(false)),
            IDENTIFIER,
            SPECIAL,
        ],
        doc: "A job is in the crontab with these times. It is known by its identifier, which is its command where not given.",
        example: "/usr/local/bin/backup: {cron.present: [{minute: 7}, {hour: 2}]}",
        call: present,
    },
];

/// The job's command, without blanks around it.
fn command(args: &Bound) -> Result<String, CallError> {
    Ok(args.str("name")?.trim().to_owned())
}

fn present(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let cmd = command(args)?;
    let mut setting = Setting::of(args, &cmd, args.opt_str("special")?)?;
    if *args.get("identifier") == Value::Bool(false) {
        setting.identifier = Some(cmd.clone());
    }
    planned(args, &cmd, move |tab| cron::set_job(tab, &setting))
}

fn absent(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let cmd = command(args)?;
    let identifier = match args.get("identifier") {
        Value::Bool(false) => Some(cmd.clone()),
        _ => args.opt_str("identifier")?,
    };
    let special = args.opt_str("special")?;
    let fits = move |when: &When| match when {
        When::Fields(_) => special.is_none(),
        When::Special(own) => special.as_ref() == Some(own),
    };
    let name = cmd.clone();
    planned(args, &name, move |tab| Ok(cron::remove_job(tab, &cmd, identifier.as_deref(), fits)))
}

fn env_present(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    let (key, value) = (name.clone(), args.opt_str("value")?.unwrap_or_default());
    planned(args, &name, move |tab| Ok(cron::put_variable(tab, key, value)))
}

fn env_absent(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = command(args)?;
    let key = name.clone();
    planned(args, &name, move |tab| Ok(cron::remove_variable(tab, &key)))
}

/// Edits the user's crontab in memory; the plan is to install it.
fn planned(
    args: &Bound,
    name: &str,
    edit: impl FnOnce(&mut Tab) -> Result<Outcome, CallError>,
) -> Result<Look, CallError> {
    let user = args.str("user")?;
    let mut tab = cron::tab(&user)?;
    let outcome = edit(&mut tab)?;
    let said = format!("'{name}' in the crontab of {user}: {}", outcome.word());
    if !outcome.is_change() {
        return Ok(Look::in_sync(said));
    }
    let name = name.to_owned();
    Ok(Look::differs(format!("{said}, as soon as it is done"), Map::new(), move |_| {
        cron::install(&user, &tab.render())?;
        Ok(Applied::done(said, Map::from([(user, name)])))
    }))
}

fn file(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let user = args.str("user")?;
    let mut old = cron::raw(&user)?;
    if !old.is_empty() && !args.bool("replace") {
        return Ok(Look::in_sync(format!("{user} has a crontab already")));
    }
    if !old.ends_with('\n') {
        old.push('\n');
    }
    let new = source(state, args)?;
    if old == new {
        return Ok(Look::in_sync(format!("the crontab of {user} is as it should be")));
    }
    let shown = diff::unified(&diff::split_lines(&old), &diff::split_lines(&new), ("", ""));
    Ok(Look::differs(format!("the crontab of {user} would be replaced"), Map::new(), move |_| {
        cron::install(&user, &new)?;
        Ok(Applied::done(format!("replaced the crontab of {user}"), Map::from([("diff", shown)])))
    }))
}

/// The wanted crontab.
fn source(state: &mut StateCtx, args: &Bound) -> Result<String, CallError> {
    let env = state.low.get("__env__").cloned().unwrap_or_else(|| "base".into());
    let name = args.str("name")?;
    let from = Args::of([name.as_str()]).with("saltenv", env);
    let cached = if args.get("template").is_null() {
        call(state.ctx, "cp.cache_file", from.with("source_hash", args.get("source_hash").clone()))?
    } else {
        let mut context = args.get("defaults").as_map().cloned().unwrap_or_default();
        context.extend(args.get("context").as_map().cloned().unwrap_or_default());
        let from = from.with("dest", "").with("template", args.get("template").clone());
        call(state.ctx, "cp.get_template", from.with("context", context))?
    };
    let path = cached.as_str().filter(|path| !path.is_empty());
    let text = path.and_then(|path| std::fs::read_to_string(path).ok());
    text.ok_or_else(|| CallError::failed(format!("there is no text file '{name}', or it does not render")))
}
