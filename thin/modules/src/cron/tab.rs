//! A crontab as its parts: what others wrote, then jobs and variables below the line that marks what is managed.

use crate::args::as_text;
use halite_wire::{Map, Value};

/// Everything below this line is managed. Crontabs written by Salt have it, too.
const MARK: &str = "# Lines below here are managed by Salt, do not edit";
/// Stands before a job's identifier in the comment above it.
const IDENTIFIER: &str = "SALT_CRON_IDENTIFIER";
/// Stands before a job that is kept but must not run.
const DISABLED: &str = "#DISABLED#";
/// The identifier of jobs that have none.
const NO_IDENTIFIER: &str = "NO ID SET";

/// Names of a job's five fields of time, in their order.
pub const FIELDS: [&str; 5] = ["minute", "hour", "daymonth", "month", "dayweek"];

/// When a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// In the order of [`FIELDS`].
    Fields([String; 5]),
    /// `@daily` and the like.
    Special(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub when: When,
    pub cmd: String,
    pub identifier: Option<String>,
    pub comment: Option<String>,
    pub commented: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tab {
    /// Lines above the mark.
    pub pre: Vec<String>,
    pub env: Vec<(String, String)>,
    pub jobs: Vec<Job>,
}

impl Job {
    /// Whether a job with this command and identifier is this one: by identifier, or by command where it has none.
    pub fn is(&self, cmd: &str, identifier: Option<&str>) -> bool {
        let wanted = identifier.filter(|identifier| !identifier.is_empty()).unwrap_or(NO_IDENTIFIER);
        match self.identifier.as_deref().filter(|identifier| !identifier.is_empty()) {
            Some(own) => own == wanted,
            None => self.cmd == cmd,
        }
    }

    pub fn is_special(&self) -> bool {
        matches!(self.when, When::Special(_))
    }

    fn render(&self) -> String {
        let mut text = String::new();
        if self.comment.is_some() || self.identifier.is_some() {
            text.push('#');
            if let Some(comment) = self.comment.as_deref().filter(|comment| !comment.is_empty()) {
                text.push_str(&format!(" {}", comment.replace('\n', "\n# ")));
            }
            if let Some(identifier) = self.identifier.as_deref().filter(|identifier| !identifier.is_empty()) {
                text.push_str(&format!(" {IDENTIFIER}:{identifier}"));
            }
            text.push('\n');
        }
        let when = match &self.when {
            When::Fields(fields) => fields.join(" "),
            When::Special(special) => special.clone(),
        };
        let disabled = if self.commented { DISABLED } else { "" };
        text + &format!("{disabled}{when} {}\n", self.cmd)
    }

    fn value(&self) -> Value {
        let mut map = Map::new();
        match &self.when {
            When::Fields(fields) => map.extend(FIELDS.into_iter().zip(fields.iter().map(String::as_str))),
            When::Special(special) => drop(map.insert("spec", special.as_str())),
        }
        map.insert("identifier", self.identifier.clone());
        map.insert("cmd", self.cmd.as_str());
        map.insert("comment", self.comment.clone());
        map.insert("commented", self.commented);
        map.into()
    }
}

impl Tab {
    pub fn parse(text: &str) -> Tab {
        let mut tab = Tab::default();
        let mut is_managed = false;
        let (mut comment, mut identifier) = (None, None);
        for line in text.lines() {
            if line == MARK {
                is_managed = true;
            } else if is_managed {
                tab.managed_line(line, &mut comment, &mut identifier);
            } else {
                tab.pre.push(line.to_owned());
            }
        }
        tab
    }

    /// `comment` and `identifier` are what the lines above said of the next job.
    fn managed_line(&mut self, line: &str, comment: &mut Option<String>, identifier: &mut Option<String>) {
        let (line, commented) = match line.strip_prefix(DISABLED) {
            Some(job) => (job, true),
            None => (line, false),
        };
        if let Some((name, value)) = variable(line) {
            self.env.push((name.to_owned(), value.to_owned()));
        } else if line.starts_with('#') {
            remark(line, comment, identifier);
        } else if let Some((when, cmd)) = job(line) {
            let (identifier, comment) = (identifier.take(), comment.take());
            self.jobs.push(Job { when, cmd, identifier, comment, commented });
        }
    }

    pub fn render(&self) -> String {
        let mut text: String = self.pre.iter().map(|line| format!("{line}\n")).collect();
        text.push_str(&format!("{MARK}\n"));
        for (name, value) in &self.env {
            let value = if value.is_empty() { "\"\"" } else { value };
            text.push_str(&format!("{name}={value}\n"));
        }
        let (special, timed): (Vec<&Job>, Vec<&Job>) = self.jobs.iter().partition(|job| job.is_special());
        timed.into_iter().chain(special).for_each(|job| text.push_str(&job.render()));
        text
    }

    /// `{pre, crons, special, env}`.
    pub fn value(&self) -> Value {
        let jobs = |special: bool| -> Value {
            self.jobs.iter().filter(|job| job.is_special() == special).map(Job::value).collect()
        };
        let env = self.env.iter().map(|(name, value)| {
            Map::from([("name", Value::from(name.as_str())), ("value", Value::from(value.as_str()))])
        });
        Map::from([
            ("pre", Value::from(self.pre.clone())),
            ("crons", jobs(false)),
            ("special", jobs(true)),
            ("env", env.collect()),
        ])
        .into()
    }
}

/// `NAME=value` without a blank before the sign.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    (!name.is_empty() && !name.contains(' ') && !line.starts_with(['@', '#'])).then_some((name, value))
}

fn remark(line: &str, comment: &mut Option<String>, identifier: &mut Option<String>) {
    let mut text = line.trim_start_matches(['#', ' ']);
    if let Some((before, after)) = text.split_once(IDENTIFIER) {
        text = before.trim_end();
        if let Some(id) = after.get(1..).filter(|id| !id.is_empty()) {
            *identifier = Some(id.to_owned());
        }
    }
    *comment = Some(match comment.take() {
        Some(before) => format!("{before}\n{text}"),
        None => text.to_owned(),
    });
}

fn job(line: &str) -> Option<(When, String)> {
    if line.starts_with('@') {
        let mut words = line.split_whitespace();
        let special = words.next()?.to_owned();
        let cmd = words.collect::<Vec<_>>().join(" ");
        return (!cmd.is_empty()).then_some((When::Special(special), cmd));
    }
    let mut parts = line.splitn(6, ' ').map(str::to_owned);
    let mut next = || parts.next();
    let fields = [next()?, next()?, next()?, next()?, next()?];
    Some((When::Fields(fields), next()?))
}

/// A field of time as text, in small letters.
pub fn field(value: &Value) -> Option<String> {
    as_text(value).map(|text| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "MAILTO=me\n0 1 * * * mine\n# Lines below here are managed by Salt, do not edit\n\
        PATH=/bin\n# every night SALT_CRON_IDENTIFIER:backup\n0 3 * * * tar c  /srv\n\
        # SALT_CRON_IDENTIFIER:off\n#DISABLED#*/5 * * * * poll\n# SALT_CRON_IDENTIFIER:b\n@reboot start it\n";

    #[test]
    fn what_is_read_is_written_again() {
        let tab = Tab::parse(TEXT);
        assert_eq!(tab.render(), TEXT);
        assert_eq!((tab.pre.len(), tab.env.len(), tab.jobs.len()), (2, 1, 3));
        assert_eq!(tab.jobs[0].comment.as_deref(), Some("every night"));
        assert!(tab.jobs[1].commented && tab.jobs[2].is_special());
    }

    #[test]
    fn jobs_are_known_by_identifier_or_else_by_command() {
        let job = |identifier: Option<&str>| Job {
            when: When::Special("@daily".to_owned()),
            cmd: "run".to_owned(),
            identifier: identifier.map(str::to_owned),
            comment: None,
            commented: false,
        };
        assert!(job(Some("x")).is("other", Some("x")) && !job(Some("x")).is("run", Some("y")));
        assert!(job(None).is("run", Some("y")) && job(None).is("run", None));
        assert!(!job(None).is("other", None) && !job(Some("x")).is("run", None));
    }
}
