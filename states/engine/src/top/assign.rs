//! A merged top file against one host: shapes first, then targets.

use super::{Matches, Merged};
use crate::places::Places;
use crate::text::text;
use crate::{Minion, Options, Source, matches};
use halite_wire::{Map, Value};

/// What is wrong with the shape of a merged top file, one line each.
pub(super) fn verify(top: &Merged, places: &Places) -> Vec<String> {
    let mut errors = Vec::new();
    for (saltenv, targets) in top {
        match saltenv.as_str() {
            None => errors.push(format!(
                "the top file has an environment that is no text but {}: {}",
                saltenv.kind(),
                text(saltenv)
            )),
            Some("") => errors.push("the top file has an environment without a name".to_owned()),
            Some(_) => {}
        }
        for (target, assigned) in targets {
            let place = places.of_target(&text(saltenv), &text(target));
            let Value::List(items) = assigned else {
                let (target, found) = (text(target), assigned.kind());
                errors.push(format!("{place}: the target {target:?} takes a list of SLS, not {found}"));
                continue;
            };
            errors.extend(items.iter().filter_map(|item| verify_item(item, &place)));
        }
    }
    errors
}

fn verify_item(item: &Value, place: &str) -> Option<String> {
    match item {
        Value::Map(options) => {
            let (key, value) = options.iter().find(|(_, value)| !value.is_truthy())?;
            let (key, value) = (text(key), text(value));
            Some(format!("{place}: {key} is {value}, which an option cannot be; leave it out"))
        }
        Value::Str(name) if name.is_empty() => Some(format!("{place}: the name of an SLS is empty")),
        _ => None,
    }
}

/// The SLS of all targets that mean the host, then those of other sources.
pub(super) fn assign(
    source: &mut dyn Source,
    top: &Merged,
    minion: &Minion,
    options: &Options,
    places: &Places,
) -> Result<Matches, Vec<String>> {
    let environments = source.environments();
    let mut assigned =
        Assigned { minion, environments: &environments, places, matches: Vec::new(), errors: Vec::new() };
    for (saltenv, targets) in top {
        let Some(saltenv) = saltenv.as_str() else { continue };
        if options.saltenv.as_deref().is_some_and(|only| only != saltenv) {
            continue;
        }
        for (target, items) in targets {
            assigned.target(saltenv, target, items);
        }
    }
    if !assigned.errors.is_empty() {
        return Err(assigned.errors);
    }
    let mut matches = assigned.matches;
    add_master_tops(&mut matches, options);
    Ok(matches)
}

struct Assigned<'a> {
    minion: &'a Minion<'a>,
    environments: &'a [String],
    places: &'a Places,
    matches: Matches,
    errors: Vec<String>,
}

impl Assigned<'_> {
    fn target(&mut self, saltenv: &str, target: &Value, items: &Value) {
        let items = match items {
            Value::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let is_matched = confirm(self.minion, target, items).unwrap_or_else(|error| {
            self.error(saltenv, target, error);
            false
        });
        if !is_matched {
            return;
        }
        self.of(saltenv);
        for item in items {
            match item {
                Value::Str(name) => self.of(saltenv).push(name.clone()),
                Value::Map(options) => self.item(saltenv, target, options),
                Value::List(_) => {}
                other => {
                    let why = format!("an SLS is named by text, not by {}: {}", other.kind(), text(other));
                    self.error(saltenv, target, why);
                }
            }
        }
    }

    /// `match: ...`, `subfilter: {target: [sls]}`, or `environment: sls`.
    fn item(&mut self, saltenv: &str, target: &Value, options: &Map) {
        for (inner, items) in options.get("subfilter").and_then(Value::as_map).into_iter().flatten() {
            self.target(saltenv, inner, items);
        }
        match options.iter().rfind(|(key, _)| key.as_str() != Some("subfilter")) {
            None => self.error(saltenv, target, "an empty map is no SLS".to_owned()),
            Some((key, value)) => {
                let other = key.as_str().filter(|key| self.environments.iter().any(|known| known == key));
                if let (Some(other), Some(name)) = (other.map(str::to_owned), value.as_str()) {
                    self.of(&other).push(name.to_owned());
                }
            }
        }
    }

    fn error(&mut self, saltenv: &str, target: &Value, why: String) {
        let target = text(target);
        let place = self.places.of_target(saltenv, &target);
        self.errors.push(format!("{place}: target {target:?}: {why}"));
    }

    fn of(&mut self, saltenv: &str) -> &mut Vec<String> {
        of(&mut self.matches, saltenv)
    }
}

fn of<'m>(matches: &'m mut Matches, saltenv: &str) -> &'m mut Vec<String> {
    let at = matches.iter().position(|(own, _)| own == saltenv).unwrap_or_else(|| {
        matches.push((saltenv.to_owned(), Vec::new()));
        matches.len() - 1
    });
    &mut matches[at].1
}

/// Whether the target means the host; the last `match:` in its list says how it is read.
pub(crate) fn confirm(minion: &Minion, target: &Value, items: &[Value]) -> Result<bool, String> {
    let kind = items.iter().filter_map(|item| item.get("match")).next_back();
    let kind = kind.map_or("compound".into(), text);
    let is_list = target.as_list().is_some();
    match target.as_str() {
        Some(target) => matches(minion, &kind, target).map_err(|error| error.to_string()),
        None if is_list || kind == "compound" || kind == "glob" => Ok(false),
        None => Err(format!("the target is no text but {}; it may need quotes", target.kind())),
    }
}

fn add_master_tops(matches: &mut Matches, options: &Options) {
    for (saltenv, names) in &options.master_tops {
        let Some(saltenv) = saltenv.as_str() else { continue };
        let names = names.as_list().unwrap_or_default();
        let other: Vec<String> = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let own = of(matches, saltenv);
        let (mut first, second) = if options.master_tops_first {
            (other, std::mem::take(own))
        } else {
            (std::mem::take(own), other)
        };
        let new: Vec<String> = second.into_iter().filter(|name| !first.contains(name)).collect();
        first.extend(new);
        *own = first;
    }
}
