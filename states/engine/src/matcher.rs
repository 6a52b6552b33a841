//! Whether a target expression means one host: its ID, grains and pillar in, yes or no out.

mod cidr;
mod compound;
mod nodegroup;
mod subdict;

use crate::text::fits;
use halite_pattern::{Flags, Kind, Pattern, PatternError, TooManySteps};
use halite_wire::Map;
use subdict::Compare;

/// What is known of the host.
#[derive(Clone, Copy, Debug)]
pub struct Minion<'a> {
    pub id: &'a str,
    pub grains: &'a Map,
    pub pillar: &'a Map,
    /// Name to expression: text, or a list of words.
    pub nodegroups: &'a Map,
    pub opts: &'a Map,
}

/// Why an expression cannot be judged at all. Most that is wrong with one only makes it match nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    #[error("there is no way of matching called {kind:?}; {}", other_kinds(kind))]
    Kind { kind: String },
    #[error("the regular expression {pattern:?} is not one: {error}")]
    Pattern { pattern: String, error: PatternError },
    #[error("the regular expression {pattern:?} takes too many steps on {id:?}")]
    TooManySteps { pattern: String, id: String },
}

/// What a top file may write after `match:`.
const KINDS: &[&str] = &[
    "compound",
    "data",
    "glob",
    "grain",
    "grain_pcre",
    "ipcidr",
    "list",
    "nodegroup",
    "pcre",
    "pillar",
    "pillar_exact",
    "pillar_pcre",
    "range",
];

fn other_kinds(kind: &str) -> String {
    match halite_render::suggest::nearest(kind, KINDS.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("there are {}", KINDS.join(", ")),
    }
}

/// Whether `expression`, read as a target of `kind`, means this host.
///
/// `data` and `range` ask stores that are kept elsewhere (a host's own data store, a range server): there are none
/// here, so they match nothing.
///
/// # Errors
/// Unknown kinds, and regular expressions that are none where the ID is what they are held against.
pub fn matches(minion: &Minion, kind: &str, expression: &str) -> Result<bool, MatchError> {
    matches_with(minion, kind, expression, ":")
}

/// Like [`matches()`], with another sign between the steps of a path into grains or pillar.
///
/// # Errors
/// As [`matches()`].
pub fn matches_with(
    minion: &Minion,
    kind: &str,
    expression: &str,
    delimiter: &str,
) -> Result<bool, MatchError> {
    Ok(match kind {
        "compound" => compound::matches(minion, words(expression))?,
        "nodegroup" => match minion.nodegroups.contains_key(expression) {
            true => compound::matches(minion, nodegroup::expand(expression, minion.nodegroups))?,
            false => false,
        },
        "pcre" => id_matches(minion.id, expression)?,
        "data" | "range" => false,
        other => simple(minion, other, expression, delimiter)
            .ok_or_else(|| MatchError::Kind { kind: kind.to_owned() })?,
    })
}

/// The kinds that cannot fail; `None` for a name that is none of them.
fn simple(minion: &Minion, kind: &str, expression: &str, delimiter: &str) -> Option<bool> {
    let (data, compare) = match kind {
        "glob" => return Some(fits(minion.id, expression)),
        "list" => return Some(expression.split(',').any(|name| name == minion.id)),
        "ipcidr" => return Some(cidr::matches(minion.grains, expression)),
        "grain" => (minion.grains, Compare::Glob),
        "grain_pcre" => (minion.grains, Compare::Regex),
        "pillar" => (minion.pillar, Compare::Glob),
        "pillar_pcre" => (minion.pillar, Compare::Regex),
        "pillar_exact" => (minion.pillar, Compare::Exact),
        _ => return None,
    };
    Some(subdict::matches(data, expression, delimiter, compare))
}

fn id_matches(id: &str, pattern: &str) -> Result<bool, MatchError> {
    let compiled = Pattern::new(pattern, Flags::default(), Kind::Text)
        .map_err(|error| MatchError::Pattern { pattern: pattern.to_owned(), error })?;
    let found = compiled.match_start(id.as_bytes());
    let found = found.map_err(|TooManySteps| MatchError::TooManySteps {
        pattern: pattern.to_owned(),
        id: id.to_owned(),
    })?;
    Ok(found.is_some())
}

fn words(expression: &str) -> Vec<String> {
    expression.split_whitespace().map(str::to_owned).collect()
}
