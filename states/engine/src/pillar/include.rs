//! Includes of pillar SLS: names, `key` and `defaults` in, the merged map out.

use super::Tree;
use crate::text::{filter, first, text};
use halite_wire::{Map, Value};

/// The SLS whose includes are followed.
pub(super) struct Includer<'i> {
    pub saltenv: &'i str,
    pub name: &'i str,
    pub path: &'i str,
    /// Where its `include` stands.
    pub place: &'i str,
    /// What its own template was given, which those it includes are given, too.
    pub defaults: &'i Map,
}

/// One item of an include.
struct Item {
    name: String,
    /// `a:b` puts what comes under `{a: {b: ...}}`.
    key: Option<String>,
    defaults: Option<Map>,
}

impl Tree<'_> {
    /// `own` with everything it includes. The includer wins, unless `pillar_includes_override_sls`.
    pub(super) fn with_includes(&mut self, includer: &Includer, items: &[Value], own: Map) -> Map {
        let mut brought = Vec::new();
        // The defaults of one item also reach the items behind it that bring none.
        let mut defaults = includer.defaults.clone();
        for item in items {
            match read(item) {
                Err(error) => self.errors.push(format!("{}: {error}", includer.place)),
                Ok(item) => {
                    defaults = item.defaults.unwrap_or(defaults);
                    for name in self.names_of(includer, &item.name) {
                        let found = match self.done.get(&name) {
                            Some(said) => said.clone(),
                            None => self.nest(includer, &name, &defaults),
                        };
                        if let Some(found) = found.filter(|found| !found.is_empty()) {
                            brought.push(under(item.key.as_deref(), found));
                        }
                    }
                }
            }
        }
        if self.options.pillar_includes_override_sls {
            return brought.into_iter().fold(own, |below, above| self.merge(below, above));
        }
        brought.push(own);
        brought.into_iter().reduce(|below, above| self.merge(below, above)).unwrap_or_default()
    }

    fn nest(&mut self, includer: &Includer, name: &str, defaults: &Map) -> Option<Map> {
        if self.depth >= DEPTH_MAX {
            self.errors.push(format!("{}: {DEPTH_MAX} SLS include one another in a row", includer.place));
            return None;
        }
        self.depth += 1;
        let found = self.render(includer.saltenv, name, defaults, Some(includer.place));
        self.depth -= 1;
        found
    }

    /// What a name means: itself or what fits it as a glob; relative ones also without their dots.
    fn names_of(&self, includer: &Includer, name: &str) -> Vec<String> {
        let mut found = filter(&self.names, &name.trim_start_matches('.').replace('/', "."));
        let mut absolute = name.to_owned();
        if let Some(rest) = name.strip_prefix('.') {
            let mut parts: Vec<&str> = includer.name.split('.').collect();
            if includer.path != "init.sls" && !includer.path.ends_with("/init.sls") {
                parts.pop();
            }
            parts.push(rest);
            absolute = parts.join(".");
        }
        found.extend(filter(&self.names, &absolute));
        if found.is_empty() { vec![absolute] } else { found }
    }
}

/// SLS that include one another in a row.
const DEPTH_MAX: usize = 400;

/// `name`, or `{name: {defaults: {...}, key: a:b}}`.
fn read(item: &Value) -> Result<Item, String> {
    match item {
        Value::Str(name) => Ok(Item { name: name.clone(), key: None, defaults: None }),
        Value::Map(map) => {
            let (name, options) = first(map).ok_or("an empty map is no SLS")?;
            let (Some(name), Some(options)) = (name.as_str(), options.as_map()) else {
                let (name, kind) = (text(name), options.kind());
                return Err(format!("include of {name:?} takes a map of `key` and `defaults`, not {kind}"));
            };
            let defaults = options.get("defaults").and_then(Value::as_map).cloned().unwrap_or_default();
            let key = options.get("key").filter(|key| key.is_truthy()).map(|key| text(key).into_owned());
            Ok(Item { name: name.to_owned(), key, defaults: Some(defaults) })
        }
        other => Err(format!("an SLS is named by text, not by {}: {}", other.kind(), text(other))),
    }
}

fn under(key: Option<&str>, found: Map) -> Map {
    let parts = key.into_iter().flat_map(|key| key.rsplit(':'));
    parts.fold(found, |inner, part| Map::from([(part, Value::Map(inner))]))
}
