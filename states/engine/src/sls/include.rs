//! Includes: which SLS of which environment an item means, and the merging of what it brings.

use super::Tree;
use crate::text::{filter, is_internal, text};
use halite_wire::{Map, Value};

/// Stands for any environment that has the SLS.
const ANY_ENVIRONMENT: &str = "_xenv";

/// The SLS whose include is followed.
pub(super) struct Includer<'i> {
    pub saltenv: &'i str,
    pub sls: &'i str,
    pub path: &'i str,
}

impl Tree<'_> {
    /// Follows `sls.name`, `.relative`, `glob.*` or `{environment: sls}`, and merges what comes into `state`.
    pub(super) fn include(&mut self, own: &Includer, item: Value, state: &mut Map) {
        let place = self.places.show(own.saltenv, own.sls, "include", None);
        match self.resolve(own, &item) {
            Err(error) => self.errors.push(format!("{place}: {error}")),
            Ok((saltenv, names)) => {
                for name in names {
                    if !self.is_done(&saltenv, &name) {
                        let mut included = self.render(&saltenv, &name, Some(&place));
                        mark(&mut included, own.sls);
                        self.merge(state, included);
                    }
                }
            }
        }
    }

    /// The environment and the names in it. A name that nothing fits is kept: rendering it is the error.
    fn resolve(&mut self, own: &Includer, item: &Value) -> Result<(String, Vec<String>), String> {
        let (key, name) = match item {
            Value::Map(map) => map.iter().next_back().ok_or("an empty map is no SLS")?,
            name => (&Value::from(own.saltenv), name),
        };
        let key = text(key).into_owned();
        let Some(name) = name.as_str() else {
            return Err(format!("an SLS is named by text, not by {}: {}", name.kind(), text(name)));
        };
        if self.known(&key).is_none() {
            return Err(format!("there is no saltenv {key:?}, of which {name:?} is to be included"));
        }
        let name = absolute(own, name)?;
        let environments = self.environments_of(&key, &name);
        let saltenv = match environments.as_slice() {
            [only] => only.clone(),
            all if all.iter().any(|saltenv| saltenv == own.saltenv) => own.saltenv.to_owned(),
            [] => {
                let near = self.near(&key, &name);
                return Err(format!("there is no SLS {name:?} in saltenv {key:?}{near}"));
            }
            all => return Err(format!("the SLS {name:?} is in several saltenvs: {}", all.join(", "))),
        };
        let names = filter(&self.names(own.saltenv), &name);
        Ok((saltenv, if names.is_empty() { vec![name] } else { names }))
    }

    /// Environments that may be meant: the one named, where it counts for the host or has the SLS; of `_xenv`, all
    /// of the host's that have it.
    fn environments_of(&mut self, key: &str, name: &str) -> Vec<String> {
        let matched: Vec<String> = self.matches.iter().map(|(saltenv, _)| saltenv.clone()).collect();
        let has = |tree: &mut Self, saltenv: &str| !filter(&tree.names(saltenv), name).is_empty();
        if key == ANY_ENVIRONMENT {
            return matched.into_iter().filter(|saltenv| has(self, saltenv)).collect();
        }
        if matched.iter().any(|saltenv| saltenv == key) || has(self, key) {
            vec![key.to_owned()]
        } else {
            Vec::new()
        }
    }
}

/// `.name` beside the includer, `..name` one folder up, anything else as it is.
fn absolute(own: &Includer, name: &str) -> Result<String, String> {
    let rest = name.trim_start_matches('.');
    let dots = name.len() - rest.len();
    if dots == 0 {
        return Ok(name.to_owned());
    }
    let mut parts: Vec<&str> = own.sls.split('.').collect();
    if own.path == "init.sls" || own.path.ends_with("/init.sls") {
        parts.push("init");
    }
    let Some(kept) = parts.len().checked_sub(dots) else {
        return Err(format!("{name:?} leads out of the tree: {:?} is not that deep", own.sls));
    };
    parts.truncate(kept);
    parts.push(rest);
    Ok(parts.join("."))
}

/// Notes in every ID that it came by this SLS.
fn mark(included: &mut Map, sls: &str) {
    for (_, body) in included.iter_mut().filter(|(id, _)| !is_internal(id)) {
        if let Value::Map(body) = body {
            super::decls::append(body, "__sls_included_from__", [Value::from(sls)]);
        }
    }
}
