//! From what the parser found to typed options; the one place where values are checked.

use super::read::Found;
use super::{
    BatchSize, CommonOptions, LogOptions, LoginOptions, OutputOptions, PaceOptions, RunOptions, SshOptions,
    UsageError,
};
use crate::output::{Level, MODES, UnknownLevel};
use crate::returners::Asked;
use crate::trust::Policy;
use halite_roster::{Secret, TargetKind};
use halite_wire::{Map, Value};
use std::time::Duration;

/// Salt's size of a batch that is made because there are too many hosts.
const BATCH_SAFE_SIZE: usize = 8;

pub(super) fn read_ssh(name: &str, found: &Found) -> Result<SshOptions, UsageError> {
    let options = read_ssh_options(found)?;
    let mut words = found.words().into_iter();
    let target = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    // What does not work yet is said first: it may be why words are missing.
    let is_complete = options.hosts || options.common.unsupported.is_some();
    if target.is_empty() && !is_complete {
        return Err(UsageError::new(format!("which hosts? For example: {name} '*' test.ping")));
    }
    if words.is_empty() && !options.preview_target && !is_complete {
        let (what, example) =
            if options.raw { ("shell command", "-r '*' uptime") } else { ("function", "'*' test.ping") };
        return Err(UsageError::new(format!("which {what}? For example: {name} {example}")));
    }
    Ok(SshOptions { target, words, ..options })
}

/// All options, without the words between them.
pub(super) fn read_ssh_options(found: &Found) -> Result<SshOptions, UsageError> {
    Ok(SshOptions {
        common: read_start(found)?,
        target_kind: target_kind(found)?,
        raw: found.is_set("raw"),
        hosts: found.is_set("hosts"),
        preview_target: found.is_set("preview-target"),
        allow_empty: found.is_set("allow-empty"),
        max_procs: counted(found, "max-procs")?,
        pace: read_pace(found)?,
        is_async: found.is_set("async"),
        metadata: metadata(found)?,
        unkept: found.unkept(),
        subset: counted(found, "subset")?,
        timeout: seconds(found, "timeout")?,
        connect_timeout: seconds(found, "connect-timeout")?,
        exclusive: exclusive(found)?,
        wipe: found.is_set("wipe") || found.is_set("rand-thin-dir"),
        rand_thin_dir: found.is_set("rand-thin-dir"),
        no_cache: found.is_set("no-cache"),
        is_static: found.is_set("static"),
        verbose: found.is_set("verbose"),
        show_jid: found.is_set("show-jid"),
        summary: found.is_set("summary"),
        returners: read_returners(found)?,
        update_roster: found.is_set("update-roster"),
        ..read_reach(found)?
    })
}

/// How hosts are reached, and nothing else.
fn read_reach(found: &Found) -> Result<SshOptions, UsageError> {
    Ok(SshOptions {
        login: read_login(found)?,
        trust: trust(found)?,
        roster: found.text("roster"),
        roster_file: found.path("roster-file"),
        ..SshOptions::default()
    })
}

fn exclusive(found: &Found) -> Result<Option<Duration>, UsageError> {
    let wait = seconds(found, "exclusive-wait")?;
    if !found.is_set("exclusive") && wait.is_none() {
        return Ok(None);
    }
    if found.is_set("raw") || found.is_set("rand-thin-dir") {
        let other = if found.is_set("raw") { "--raw" } else { "--rand-thin-dir" };
        return Err(UsageError::new(format!(
            "--exclusive goes by a lock in the executor's directory, and {other} does without that directory"
        )));
    }
    Ok(Some(wait.unwrap_or_default()))
}

fn counted(found: &Found, long: &str) -> Result<Option<usize>, UsageError> {
    found.parsed(long, "a whole number from 1 on", |count| *count > 0)
}

fn read_pace(found: &Found) -> Result<PaceOptions, UsageError> {
    let limit = counted(found, "limit-failures")?;
    Ok(PaceOptions {
        batch: found.text("batch").map(|text| batch_size(&text)).transpose()?,
        batch_wait: seconds(found, "batch-wait")?.unwrap_or_default(),
        batch_safe_limit: counted(found, "batch-safe-limit")?,
        batch_safe_size: counted(found, "batch-safe-size")?.unwrap_or(BATCH_SAFE_SIZE),
        failures_max: if found.is_set("failhard") { Some(1) } else { limit },
    })
}

fn batch_size(text: &str) -> Result<BatchSize, UsageError> {
    let wrong =
        || UsageError::new(format!("--batch takes a number of hosts or a share like 10%, not {text:?}"));
    match text.trim().strip_suffix('%') {
        Some(percent) => {
            let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
            if percent > 0.0 && percent <= 100.0 { Ok(BatchSize::Percent(percent)) } else { Err(wrong()) }
        }
        None => match text.trim().parse() {
            Ok(count) if count > 0 => Ok(BatchSize::Hosts(count)),
            _ => Err(wrong()),
        },
    }
}

/// `--metadata`: a dict in YAML, as arguments are.
fn metadata(found: &Found) -> Result<Map, UsageError> {
    let Some(text) = found.text("metadata") else { return Ok(Map::new()) };
    let (_, mut keywords) = halite_render::args::parse_input(&[format!("metadata={text}")], &[]);
    match keywords.remove("metadata") {
        Some(Value::Map(map)) => Ok(map),
        _ => Err(UsageError::new(format!("--metadata takes a dict like '{{team: web}}', not {text:?}"))),
    }
}

fn read_returners(found: &Found) -> Result<Asked, UsageError> {
    let dict = |text: String| match halite_render::yaml::load(&text).map(|node| node.to_value()) {
        Ok(Value::Map(kwargs)) => Ok(kwargs),
        _ => Err(UsageError::new("--return-kwargs takes a dict, as in --return-kwargs '{host: db1}'")),
    };
    Ok(Asked {
        names: found.text("return"),
        set: found.text("return-config"),
        kwargs: found.text("return-kwargs").map(dict).transpose()?.unwrap_or_default(),
    })
}

fn read_login(found: &Found) -> Result<LoginOptions, UsageError> {
    Ok(LoginOptions {
        user: found.text("user"),
        port: found.parsed("port", "a number from 1 to 65535", |port| *port > 0)?,
        private_key: found.text("priv"),
        private_key_passphrase: found.text("priv-passwd").map(Secret::new),
        passwd: found.text("passwd").map(Secret::new),
        askpass: found.is_set("askpass"),
        key_deploy: found.is_set("key-deploy"),
        identities_only: found.is_set("identities-only"),
        ssh_options: found.all("ssh-option"),
        sudo: found.is_set("sudo") || found.is_set("ask-sudo-pass"),
        sudo_user: found.text("sudo-user"),
        ask_sudo_pass: found.is_set("ask-sudo-pass"),
    })
}

pub(super) fn read_run(name: &str, found: &Found) -> Result<RunOptions, UsageError> {
    let options = RunOptions {
        common: read_start(found)?,
        words: found.words(),
        doc: found.is_set("doc"),
        quiet: found.is_set("quiet"),
        timeout: seconds(found, "timeout")?,
        is_async: found.is_set("async"),
        reach: read_reach(found)?,
    };
    if options.words.is_empty() && !options.doc && options.unsupported().is_none() {
        return Err(UsageError::new(format!(
            "which function? For example: {name} jobs.list_jobs; {name} -d shows all"
        )));
    }
    Ok(options)
}

pub(super) fn read_common(found: &Found) -> Result<CommonOptions, UsageError> {
    Ok(CommonOptions {
        config_dir: found.path("config-dir"),
        saltfile: found.path("saltfile"),
        output: OutputOptions {
            output: found.text("out"),
            indent: found.parsed("out-indent", "a whole number", |_| true)?,
            file: found.path("out-file"),
            append: found.is_set("out-file-append"),
            no_color: found.is_set("no-color"),
            force_color: found.is_set("force-color"),
            state_output: state_output(found)?,
            state_verbose: state_verbose(found)?,
            state_output_diff: found.is_set("state-output-diff"),
        },
        log: LogOptions { level: log_level(found, "log-level")? },
        unsupported: found.unsupported(),
        without_effect: found.without_effect(),
        ..CommonOptions::default()
    })
}

/// The same for a command that begins something.
fn read_start(found: &Found) -> Result<CommonOptions, UsageError> {
    let jid = found.parsed("jid", halite_wire::Jid::FORM, |_| true)?;
    Ok(CommonOptions { jid, no_parse: found.list("no-parse"), ..read_common(found)? })
}

fn state_output(found: &Found) -> Result<Option<String>, UsageError> {
    let mode = found.text("state-output").map(|mode| mode.to_lowercase());
    match mode {
        Some(mode) if !MODES.contains(&mode.as_str()) => {
            Err(UsageError::new(format!("--state-output takes {}, not {mode:?}", MODES.join(", "))))
        }
        mode => Ok(mode),
    }
}

fn state_verbose(found: &Found) -> Result<Option<bool>, UsageError> {
    match found.text("state-verbose").map(|word| word.to_lowercase()).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(UsageError::new(format!("--state-verbose takes True or False, not {other:?}"))),
    }
}

fn target_kind(found: &Found) -> Result<TargetKind, UsageError> {
    match (found.is_set("pcre"), found.is_set("list")) {
        (true, true) => Err(UsageError::new("-E and -L exclude each other: a target is of one kind")),
        (true, false) => Ok(TargetKind::Pcre),
        (false, true) => Ok(TargetKind::List),
        (false, false) => Ok(TargetKind::Glob),
    }
}

fn trust(found: &Found) -> Result<Option<Policy>, UsageError> {
    let named = match found.text("trust").as_deref() {
        Some("strict") => Some(Policy::Strict),
        Some("accept-new") => Some(Policy::AcceptNew),
        Some("off") => Some(Policy::Off),
        Some(other) => {
            return Err(UsageError::new(format!("--trust takes strict, accept-new or off, not {other:?}")));
        }
        None => None,
    };
    let no_keys = found.is_set("no-host-keys").then_some(Policy::Off);
    let short = no_keys.or(found.is_set("ignore-host-keys").then_some(Policy::AcceptNew));
    match (named, short) {
        (Some(named), Some(short)) if named != short => {
            Err(UsageError::new("--trust contradicts -i or --no-host-keys; give one of them"))
        }
        _ => Ok(named.or(short)),
    }
}

/// A time in seconds, fractions allowed; zero stands for no limit, as in Salt.
fn seconds(found: &Found, long: &str) -> Result<Option<Duration>, UsageError> {
    let limit = f64::from(u32::MAX);
    let given = found.parsed(long, "a number of seconds", |seconds: &f64| (0.0..=limit).contains(seconds))?;
    Ok(given.filter(|seconds| *seconds > 0.0).map(Duration::from_secs_f64))
}

fn log_level(found: &Found, long: &str) -> Result<Option<Level>, UsageError> {
    let level = found.text(long).map(|text| text.parse());
    level.transpose().map_err(|error: UnknownLevel| UsageError::new(format!("--{long}: {error}")))
}
