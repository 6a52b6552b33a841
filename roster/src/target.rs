//! Which hosts a target means.

use crate::Host;
use crate::glob::{Glob, is_glob};
use halite_pattern::{Flags, Kind, Pattern};
use std::collections::HashSet;

/// How a target is written. The rest of Salt's kinds need data of the hosts and are not here yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetKind {
    /// Shell glob on the id.
    #[default]
    Glob,
    /// Regular expression on the id, anchored at its start only (`-E`).
    Pcre,
    /// Names or globs, with commas or blanks between (`-L`).
    List,
}

impl TargetKind {
    /// Salt's name of the kind, as jobs record it.
    pub fn name(self) -> &'static str {
        match self {
            TargetKind::Glob => "glob",
            TargetKind::Pcre => "pcre",
            TargetKind::List => "list",
        }
    }
}

/// A target, ready to be asked.
#[derive(Clone, Debug)]
pub struct Target {
    expression: String,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Glob(Glob),
    Pcre(Box<Pattern>),
    List(List),
}

/// Names are looked up, so that a list of thousands is as quick as a glob.
#[derive(Clone, Debug, Default)]
struct List {
    names: HashSet<String>,
    globs: Vec<(String, Glob)>,
    /// As written, each once.
    items: Vec<String>,
}

/// What a target found.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// In the order of the roster.
    pub hosts: Vec<Host>,
    /// Items of a list that no host fits, as written.
    pub missing: Vec<String>,
}

/// A target that cannot be understood, or not in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the target is empty; '*' means every host")]
    Empty,
    #[error("the regular expression {expression:?} is wrong at character {column}: {why}")]
    BadRegex { expression: String, column: usize, why: String },
    #[error("the regular expression {expression:?} takes too many steps on {id}; make it simpler")]
    TooSlow { expression: String, id: String },
}

/// Steps a regular expression may go back on one id. An honest one needs a few dozen.
const STEPS_MAX: usize = 100_000;

impl Target {
    /// # Errors
    /// An empty target, or a regular expression that cannot be read.
    pub fn parse(expression: &str, kind: TargetKind) -> Result<Target, TargetError> {
        if expression.trim().is_empty() {
            return Err(TargetError::Empty);
        }
        let matcher = match kind {
            TargetKind::Glob => Matcher::Glob(Glob::new(expression)),
            TargetKind::Pcre => Matcher::Pcre(Box::new(compile(expression)?)),
            TargetKind::List => Matcher::List(List::parse(expression)?),
        };
        Ok(Target { expression: expression.to_owned(), matcher })
    }

    /// # Errors
    /// A regular expression that takes too long; a host is never left out for that silently.
    pub fn is_match(&self, id: &str) -> Result<bool, TargetError> {
        match &self.matcher {
            Matcher::Glob(glob) => Ok(glob.is_match(id)),
            Matcher::List(list) => Ok(list.is_match(id)),
            Matcher::Pcre(pattern) => match pattern.match_start(id.as_bytes()) {
                Ok(found) => Ok(found.is_some()),
                Err(_) => {
                    Err(TargetError::TooSlow { expression: self.expression.clone(), id: id.to_owned() })
                }
            },
        }
    }

    /// The hosts that fit.
    ///
    /// # Errors
    /// As [`Target::is_match`].
    pub fn select(&self, hosts: &[Host]) -> Result<Selected, TargetError> {
        let mut selected = Selected::default();
        for host in hosts {
            if self.is_match(host.id.as_str())? {
                selected.hosts.push(host.clone());
            }
        }
        if let Matcher::List(list) = &self.matcher {
            selected.missing = list.missing(&selected.hosts);
        }
        Ok(selected)
    }
}

impl List {
    fn parse(expression: &str) -> Result<List, TargetError> {
        let mut list = List::default();
        for text in expression.split(|c: char| c == ',' || c.is_whitespace()).filter(|text| !text.is_empty())
        {
            if list.names.insert(text.to_owned()) {
                list.items.push(text.to_owned());
                list.globs.extend(is_glob(text).then(|| (text.to_owned(), Glob::new(text))));
            }
        }
        if list.items.is_empty() { Err(TargetError::Empty) } else { Ok(list) }
    }

    fn is_match(&self, id: &str) -> bool {
        self.names.contains(id) || self.globs.iter().any(|(_, glob)| glob.is_match(id))
    }

    fn missing(&self, found: &[Host]) -> Vec<String> {
        let ids: HashSet<&str> = found.iter().map(|host| host.id.as_str()).collect();
        let fits = |item: &String| {
            let mut globs = self.globs.iter().filter(|(text, _)| text == item);
            ids.contains(item.as_str()) || globs.any(|(_, glob)| ids.iter().any(|id| glob.is_match(id)))
        };
        self.items.iter().filter(|item| !fits(item)).cloned().collect()
    }
}

fn compile(expression: &str) -> Result<Pattern, TargetError> {
    match Pattern::new(expression, Flags::default(), Kind::Text) {
        Ok(pattern) => Ok(pattern.with_steps(STEPS_MAX)),
        Err(error) => Err(TargetError::BadRegex {
            expression: expression.to_owned(),
            column: error.column,
            why: error.why,
        }),
    }
}
