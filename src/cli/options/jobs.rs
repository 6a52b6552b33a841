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
            return Err(UsageError::new(format!(
                "`{name} {verb}` does not take these words; {name} --help shows what it takes"
            )));
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

fn is_job(word: &str) -> bool {
    word == "last" || word.starts_with(|c: char| c.is_ascii_digit())
}

fn job(word: &str) -> Result<JobName, UsageError> {
    if word == "last" {
        return Ok(JobName::Newest);
    }
    let jid = word.parse().map_err(|_| {
        UsageError::new(format!("{word:?} is no job id: 20 digits, as `halite jobs` shows them, or `last`"))
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

/// `resume`: only what was not finished; else `rerun`.
pub(super) fn read_again(name: &str, found: &Found, resume: bool) -> Result<SshOptions, UsageError> {
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
