//! The command lines of `halite jobs`, `halite rerun` and `halite resume`.

use super::check::{read_common, read_ssh_options};
use super::read::Found;
use super::{CommonOptions, SshOptions, UsageError};
use crate::output::history::Format;
use halite_wire::Jid;

/// Jobs shown where nobody says how many.
const COUNT_USUAL: usize = 20;

/// A job as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobName {
    /// `last`.
    Newest,
    Jid(Jid),
}

/// Everything `halite jobs` was told.
#[derive(Clone, Debug)]
pub struct JobsOptions {
    pub common: CommonOptions,
    pub action: JobsAction,
    /// Only what did not do well.
    pub failed: bool,
    /// Only these hosts; empty for all.
    pub hosts: Vec<String>,
}

/// What `halite jobs` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobsAction {
    List(JobsFilter),
    Show {
        job: JobName,
        group: bool,
    },
    Diff(JobName, JobName),
    /// `None`: the newest one that runs.
    Follow(Option<JobName>),
    Export {
        job: JobName,
        format: Format,
    },
    /// Asks the process of a running job to end it.
    Stop(JobName),
}

/// Which jobs are listed. Empty lists and `None` stand for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobsFilter {
    pub functions: Vec<String>,
    pub targets: Vec<String>,
    pub since: Option<String>,
    pub until: Option<String>,
    pub newest: Option<usize>,
}

/// A job whose call is to run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    pub job: JobName,
    pub which: Which,
}

/// On which of its hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    All,
    /// Those that did not do well or gave no answer.
    Failed,
    /// Those that had not begun when the job was cut off; with `may_have_run` all that have no answer.
    Unfinished {
        may_have_run: bool,
    },
}

pub(super) fn read_jobs(name: &str, found: &Found) -> Result<JobsOptions, UsageError> {
    let words = found.words();
    let mut rest = words.iter().map(String::as_str).peekable();
    let verb = match rest.peek() {
        Some(word) if is_job(word) => "show",
        Some(_) => rest.next().unwrap_or_default(),
        None => "list",
    };
    let rest: Vec<&str> = rest.collect();
    check_options(name, verb, found)?;
    let group = found.is_set("group");
    let action = match (verb, &rest[..]) {
        ("list", []) => JobsAction::List(filter(found)?),
        ("show", [job]) => JobsAction::Show { job: self::job(job)?, group },
        ("show", []) => JobsAction::Show { job: JobName::Newest, group },
        ("diff", [old, new]) => JobsAction::Diff(self::job(old)?, self::job(new)?),
        ("follow", []) => JobsAction::Follow(None),
        ("follow", [job]) => JobsAction::Follow(Some(self::job(job)?)),
        ("export", [job]) => JobsAction::Export { job: self::job(job)?, format: format(found)? },
        ("stop", [job]) => JobsAction::Stop(self::job(job)?),
        ("diff" | "export" | "stop" | "show" | "follow" | "list", _) => {
            let what = match verb {
                "diff" => "two jobs, as in `diff 20261120031502123456 last`",
                "list" => "options alone, as in `list --failed`",
                "follow" => "one job, or none for the one that runs",
                "export" => "one job, as in `export last --format csv`",
                _ => "one job: its id, or `last`",
            };
            return Err(UsageError::new(format!("`{name} {verb}` takes {what}")));
        }
        (other, _) => {
            let verbs = ["list", "show", "diff", "follow", "export", "stop"];
            let hint = halite_roster::did_you_mean(other, verbs);
            return Err(UsageError::new(format!(
                "{other:?} is no job id and nothing {name} does{hint}; there are {}",
                verbs.join(", ")
            )));
        }
    };
    let hosts = found.list("host");
    Ok(JobsOptions { common: read_common(found)?, action, failed: found.is_set("failed"), hosts })
}

/// Options and the words they go with.
const OF_VERBS: [(&[&str], &[&str]); 4] = [
    (&["function", "target", "since", "until", "count"], &["list"]),
    (&["group"], &["show"]),
    (&["host"], &["show", "diff", "follow", "export"]),
    (&["format"], &["export"]),
];

/// An option that would do nothing is a mistake.
fn check_options(name: &str, verb: &str, found: &Found) -> Result<(), UsageError> {
    for (longs, verbs) in OF_VERBS {
        if let Some(opt) = found.first_of(longs).filter(|_| !verbs.contains(&verb)) {
            let long = opt.long;
            let right = match verbs {
                ["list"] => "the list of jobs".to_owned(),
                verbs => verbs.iter().map(|verb| format!("`{name} {verb}`")).collect::<Vec<_>>().join(", "),
            };
            return Err(UsageError::new(format!("--{long} is for {right}, not for `{name} {verb}`")));
        }
    }
    if found.is_set("failed") && verb == "stop" {
        return Err(UsageError::new(format!("--failed has no meaning for `{name} stop`")));
    }
    Ok(())
}

fn is_job(word: &str) -> bool {
    word == "last" || word.starts_with(|c: char| c.is_ascii_digit())
}

fn job(word: &str) -> Result<JobName, UsageError> {
    if word == "last" {
        return Ok(JobName::Newest);
    }
    let jid = word.parse().map_err(|_| {
        UsageError::new(format!(
            "{word:?} is no job id: {}, as `halite jobs` shows them, or `last`",
            Jid::FORM
        ))
    })?;
    Ok(JobName::Jid(jid))
}

fn filter(found: &Found) -> Result<JobsFilter, UsageError> {
    let count = found.parsed("count", "a whole number, 0 or more", |_: &usize| true)?.unwrap_or(COUNT_USUAL);
    Ok(JobsFilter {
        functions: found.list("function"),
        targets: found.list("target"),
        since: found.text("since"),
        until: found.text("until"),
        newest: (count > 0).then_some(count),
    })
}

fn format(found: &Found) -> Result<Format, UsageError> {
    let name = found.text("format").unwrap_or_else(|| "jsonl".to_owned());
    let known = Format::NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, format)| *format).ok_or_else(|| {
        UsageError::new(format!(
            "--format takes {}, not {name:?}",
            Format::NAMES.map(|(name, _)| name).join(", ")
        ))
    })
}

/// Options a job that runs again has no use for: it has its hosts, and its arguments as they were read then.
const OF_THE_JOB: [&str; 8] =
    ["hosts", "pcre", "list", "delimiter", "raw", "no-parse", "update-roster", "allow-empty"];

/// `resume`: only what was not finished; else `rerun`.
pub(super) fn read_again(name: &str, found: &Found, resume: bool) -> Result<SshOptions, UsageError> {
    if let Some(opt) = found.first_of(&OF_THE_JOB) {
        let long = opt.long;
        return Err(UsageError::new(format!(
            "--{long} has no meaning for `{name}`: hosts and call are those of the job; \
             `halite ssh` runs another call, or on other hosts"
        )));
    }
    if found.is_set("key-deploy") {
        return Err(UsageError::new(format!("--key-deploy is for `halite ssh`, not for `{name}`")));
    }
    let words = found.words();
    let [word] = &words[..] else {
        return Err(UsageError::new(format!("which job? For example: {name} last; `halite jobs` shows all")));
    };
    let (failed, may_have_run) = (found.is_set("failed"), found.is_set("may-have-run"));
    let which = match (resume, failed, may_have_run) {
        (true, false, may_have_run) => Which::Unfinished { may_have_run },
        (false, failed, false) => {
            if failed {
                Which::Failed
            } else {
                Which::All
            }
        }
        (true, true, _) => {
            return Err(UsageError::new(
                "--failed is for `halite rerun`; a resumed job takes up what was not finished",
            ));
        }
        (false, _, true) => {
            return Err(UsageError::new(
                "--may-have-run is for `halite resume`; `halite rerun` runs on all hosts",
            ));
        }
    };
    Ok(SshOptions { again: Some(Again { job: job(word)?, which }), ..read_ssh_options(found)? })
}
