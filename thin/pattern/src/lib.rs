//! Regular expressions with the syntax and meaning of Python's `re`: pattern and flags in, matched bytes out.
//!
//! A backtracking matcher over a small program: groups, lazy repeats, back references, conditions, looking ahead and
//! behind. It reads bytes, as characters or one by one, and counts its steps: a pattern that would run for ever ends
//! with an error instead. It has no tables of Unicode but those of the standard library.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod compile;
mod glob;
mod group;
mod lead;
mod parse;
mod replace;
mod run;
mod set;
mod unit;

use compile::Inst;
pub use glob::{fnmatch, has_magic};
use lead::Lead;
pub use replace::escape;
use run::Machine;

/// How a pattern is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub ignore_case: bool,
    /// `^` and `$` also match at line breaks.
    pub multi_line: bool,
    /// `.` also matches a line break.
    pub dot_all: bool,
    /// Blanks and comments in the pattern mean nothing.
    pub verbose: bool,
}

/// What is searched: Python's `str` (classes and cases of Unicode) or `bytes` (those of ASCII, byte by byte).
///
/// In a text, bytes that are no UTF-8 are units of their own; `.` matches them, classes do not hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Bytes,
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why} at character {column}")]
pub struct PatternError {
    /// Counted in characters from 1, one behind the last where the end came too early.
    pub column: usize,
    pub why: String,
}

/// The search took more than its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern takes too many steps on this text")]
pub struct TooManySteps;

/// The bytes each group matched, from and to; group 0 is the whole match.
pub type Groups = Vec<Option<(usize, usize)>>;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    program: Vec<Inst>,
    kind: Kind,
    lead: Lead,
    /// The whole match included.
    groups: usize,
    names: Vec<(String, usize)>,
    /// Slots for groups and loops.
    slots: usize,
    steps: usize,
}

/// Steps of any search, however short the text.
const STEPS: usize = 2_000_000;
/// More of them for each byte of the text. Usual patterns take a few.
const STEPS_PER_BYTE: usize = 50;

impl Pattern {
    /// # Errors
    /// What is wrong with the pattern, and patterns too large to run.
    pub fn new(source: &str, flags: Flags, kind: Kind) -> Result<Pattern, PatternError> {
        let parsed = parse::parse(source, flags, kind)?;
        let (program, slots) = compile::compile(&parsed)
            .map_err(|why| PatternError { column: source.chars().count() + 1, why: why.to_owned() })?;
        let lead = Lead::of(&program, kind);
        Ok(Pattern { program, kind, lead, groups: parsed.groups, names: parsed.names, slots, steps: STEPS })
    }

    /// The same pattern with other steps than two million to begin with.
    pub fn with_steps(self, steps: usize) -> Pattern {
        Pattern { steps, ..self }
    }

    /// The first match at or after the byte `from`.
    ///
    /// # Errors
    /// [`TooManySteps`] where backtracking explodes.
    pub fn search(&self, text: &[u8], from: usize) -> Result<Option<Groups>, TooManySteps> {
        self.machine(text).search(from)
    }

    /// The match that begins with the text.
    ///
    /// # Errors
    /// As [`search`](Pattern::search).
    pub fn match_start(&self, text: &[u8]) -> Result<Option<Groups>, TooManySteps> {
        self.machine(text).run_at(0)
    }

    fn machine<'p>(&'p self, text: &'p [u8]) -> Machine<'p> {
        Machine::new(self, text, self.steps.saturating_add(text.len().saturating_mul(STEPS_PER_BYTE)))
    }
}
