//! How much of each state people want to see: the `state_*` keys of the configuration.

use halite_wire::{Map, Value};

/// What the `highstate` outputter has to know beside the data. The usual values are Salt's.
#[derive(Clone, Debug, PartialEq)]
pub struct StateView {
    pub mode: Mode,
    /// The ID stands where the name would (`full_id`, `terse_id`, ...).
    pub by_id: bool,
    /// Also states that are in order (`state_verbose`).
    pub verbose: bool,
    /// Only what changed or failed (`state_output_diff`).
    pub diff: bool,
    /// Percentages in the summary (`state_output_pct`).
    pub percentages: bool,
    /// When each state began and how long it took (`state_output_profile`).
    pub profile: bool,
    /// States of one ID, function and result as one (`state_compress_ids`).
    pub compress_ids: bool,
    /// The form of terse lines (`state_tabular`).
    pub tabular: Tabular,
    /// Results that are left out, as Python prints them (`state_output_exclude`; mode `filter` alone).
    pub exclude: Vec<String>,
    /// Results shown as one line (`state_output_terse`; mode `filter` alone).
    pub terse: Vec<String>,
}

/// `state_output`: when a state gets a block of lines, and when only one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Full,
    Terse,
    /// Blocks for failures alone.
    Mixed,
    /// Blocks for changes and failures.
    Changes,
    /// Blocks, but for the results named in `exclude` and `terse`.
    Filter,
}

/// `state_tabular`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tabular {
    /// Words with dashes between them.
    #[default]
    No,
    Columns,
    /// A format in the manner of Python's `str.format`.
    Format(String),
}

/// The values `state_output` takes.
pub const MODES: [&str; 10] = [
    "full",
    "terse",
    "mixed",
    "changes",
    "filter",
    "full_id",
    "terse_id",
    "mixed_id",
    "changes_id",
    "filter_id",
];

impl Default for StateView {
    fn default() -> StateView {
        StateView {
            mode: Mode::Full,
            by_id: false,
            verbose: true,
            diff: false,
            percentages: false,
            profile: true,
            compress_ids: false,
            tabular: Tabular::No,
            exclude: Vec::new(),
            terse: Vec::new(),
        }
    }
}

impl StateView {
    /// Takes one of [`MODES`]; any other word stands for `full`.
    pub fn set_mode(&mut self, word: &str) {
        let (word, by_id) = word.strip_suffix("_id").map_or((word, false), |word| (word, true));
        self.by_id = by_id;
        self.mode = match word {
            "terse" => Mode::Terse,
            "mixed" => Mode::Mixed,
            "changes" => Mode::Changes,
            "filter" => Mode::Filter,
            _ => Mode::Full,
        };
    }

    /// `exclude=` and `terse=` of a call count more than the configuration, as in Salt.
    pub fn take_keywords(&mut self, kwarg: &Map) {
        if let Some(exclude) = kwarg.get("exclude") {
            self.exclude = results(exclude);
        }
        if let Some(terse) = kwarg.get("terse") {
            self.terse = results(terse);
        }
    }
}

/// Names of results: a list, a text with commas, or one alone.
pub fn results(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Str(text) => text.split(',').map(str::to_owned).collect(),
        Value::List(items) => items.iter().map(super::pyrepr::text).collect(),
        other => vec![super::pyrepr::text(other)],
    }
}

/// What `state_tabular` says.
impl From<&Value> for Tabular {
    fn from(value: &Value) -> Tabular {
        match value {
            Value::Bool(true) => Tabular::Columns,
            Value::Str(format) => Tabular::Format(format.clone()),
            _ => Tabular::No,
        }
    }
}
