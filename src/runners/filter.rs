//! Which jobs a search means. All filters must agree.

use super::moment;
use super::registry::{Bound, RunnerError};
use super::shape::job_instance;
use crate::jobs::{Job, Search};
use halite_roster::Glob;
use halite_wire::{Jid, Map, Value};

/// The filters of `list_jobs` and `last_run`; an absent one agrees with every job.
#[derive(Default)]
pub(super) struct Filter {
    /// What the store looks for itself.
    pub search: Search,
    metadata: Option<Map>,
    targets: Option<Vec<Glob>>,
}

impl Filter {
    /// The filter of these arguments, under the names of its parts in the function's parameters.
    pub(super) fn new(
        args: &Bound,
        [metadata, function, target]: [&str; 3],
        now: Jid,
    ) -> Result<Filter, RunnerError> {
        let metadata = match args.get(metadata) {
            Value::Map(map) => Some(map.clone()),
            none if !none.is_truthy() => None,
            other => return Err(args.wrong(format!("'{metadata}' must be a dict, not {}", other.kind()))),
        };
        let search = Search {
            since: moment_of(args, "start_time", now)?,
            until: moment_of(args, "end_time", now)?.map(Jid::last_of_moment),
            functions: patterns(args.get(function)).unwrap_or_default(),
            ..Search::default()
        };
        let targets = patterns(args.get(target));
        let targets = targets.map(|targets| targets.iter().map(|pattern| Glob::new(pattern)).collect());
        Ok(Filter { search, metadata, targets })
    }

    /// Whether a job the store found agrees with the rest, too.
    pub(super) fn agrees(&self, job: &Job) -> bool {
        let shape = job_instance(&job.load);
        self.targets.as_ref().is_none_or(|globs| any_match(globs, shape.get("Target")))
            && self.metadata.as_ref().is_none_or(|wanted| shares_an_entry(wanted, shape.get("Metadata")))
    }
}

/// A list, or text with commas; `None` where there is nothing to look for.
fn patterns(wanted: &Value) -> Option<Vec<String>> {
    match wanted {
        Value::List(items) if !items.is_empty() => {
            Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Value::Str(text) if !text.is_empty() => {
            Some(text.split(',').map(|part| part.trim().to_owned()).collect())
        }
        _ => None,
    }
}

/// Whether a text, or one of a list of texts, matches one of the patterns.
fn any_match(globs: &[Glob], value: Option<&Value>) -> bool {
    let matches = |text: &str| globs.iter().any(|glob| glob.is_match(text));
    match value {
        Some(Value::Str(text)) => matches(text),
        Some(Value::List(items)) => items.iter().filter_map(Value::as_str).any(matches),
        _ => false,
    }
}

fn shares_an_entry(wanted: &Map, metadata: Option<&Value>) -> bool {
    let Some(metadata) = metadata.and_then(Value::as_map) else { return false };
    wanted.iter().any(|(key, value)| metadata.get_value(key) == Some(value))
}

fn moment_of(args: &Bound, name: &str, now: Jid) -> Result<Option<Jid>, RunnerError> {
    let Some(text) = args.text(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    moment::parse(&text, now).map(Some).map_err(|error| args.wrong(format!("{name}: {error}")))
}
