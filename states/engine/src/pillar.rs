//! Pillar without I/O: the top files' SLS for one host, merged.
//!
//! Sources outside of the tree (`ext_pillar`) and the caller's values are merged by [`merge()`] afterwards.

mod include;
mod merge;
mod top;

use crate::text::filter;
use crate::{Minion, Options, Source};
use halite_wire::{Map, Value};
use include::Includer;
pub use merge::merge;
use std::collections::{HashMap, HashSet};

/// What the pillar tree gives a host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pillar {
    /// The caller's own values with those of all SLS merged over them. The caller's count in the end: whoever adds
    /// further sources merges `pillar_override` once more behind them.
    pub data: Map,
    /// What was wrong, one line each (Salt's `_errors`). No state may run with a pillar that has errors.
    pub errors: Vec<String>,
}

/// Renders and merges what the pillar tree's top files assign to the host.
pub fn pillar(source: &mut dyn Source, minion: &Minion, options: &Options) -> Pillar {
    let mut assigned = top::read(source, minion, options);
    let errors = std::mem::take(&mut assigned.errors);
    let environments = source.environments();
    let mut tree = Tree {
        source,
        options,
        names: Vec::new(),
        done: HashMap::new(),
        depth: 0,
        ignored: &assigned.ignored,
        errors,
    };
    let mut data = options.pillar_override.clone();
    for (saltenv, globs) in in_order(&assigned.matches, &options.env_order) {
        if environments.contains(saltenv) {
            tree.environment(saltenv, globs, &mut data);
        } else {
            tree.errors.push(format!("there is no pillar environment {saltenv:?}, which the top file names"));
        }
    }
    Pillar { data, errors: tree.errors }
}

/// What the top files say, whomever it is for: `{environment: {target: [{match: kind}, SLS, ...]}}`, and what is wrong
/// with them.
pub fn pillar_top(source: &mut dyn Source, options: &Options) -> (Map, Vec<String>) {
    top::merged(source, options)
}

/// Environments of `env_order` first, in its order; the last one's values win.
fn in_order<'m>(matches: &'m crate::Matches, order: &[String]) -> Vec<&'m (String, Vec<String>)> {
    let mut ordered: Vec<_> = matches.iter().collect();
    ordered.sort_by_key(|(saltenv, _)| order.iter().position(|own| own == saltenv).unwrap_or(order.len()));
    ordered
}

/// What is known while the SLS of one environment are rendered.
struct Tree<'s> {
    source: &'s mut dyn Source,
    options: &'s Options,
    names: Vec<String>,
    /// What each SLS said itself, its includes left out.
    done: HashMap<String, Option<Map>>,
    depth: usize,
    ignored: &'s HashSet<(String, String)>,
    errors: Vec<String>,
}

impl Tree<'_> {
    fn environment(&mut self, saltenv: &str, globs: &[String], data: &mut Map) {
        self.names = self.source.sls_names(saltenv).unwrap_or_else(|error| {
            self.errors.push(error);
            Vec::new()
        });
        self.done.clear();
        let mut names = Vec::new();
        for glob in globs {
            let found = filter(&self.names, glob);
            if found.is_empty() { names.push(glob.clone()) } else { names.extend(found) }
        }
        for name in names {
            if let Some(own) = self.render(saltenv, &name, &Map::new(), None) {
                *data = self.merge(std::mem::take(data), own);
            }
        }
    }

    fn merge(&self, below: Map, above: Map) -> Map {
        let options = self.options;
        let strategy = match options.pillar_source_merging_strategy.as_str() {
            "smart" if options.renderer.split('|').next_back() == Some("yamlex") => "aggregate",
            other => other,
        };
        merge(below, above, strategy, options.pillar_merge_lists)
    }

    /// One SLS with its includes; `from` is the place of the one that led here. `None` where there is none, or
    /// nothing in it.
    fn render(&mut self, saltenv: &str, name: &str, defaults: &Map, from: Option<&str>) -> Option<Map> {
        self.done.insert(name.to_owned(), None);
        let rendered = match self.source.sls(saltenv, name, defaults) {
            Ok(Some(rendered)) => rendered,
            Ok(None) => {
                if !self.ignored.contains(&(saltenv.to_owned(), name.to_owned())) {
                    let from = from.map_or_else(String::new, |from| format!("{from}: "));
                    let near = crate::sls::missing(name, &self.names);
                    let error =
                        format!("{from}there is no pillar SLS {name:?} in environment {saltenv:?}{near}");
                    self.errors.push(error);
                }
                return None;
            }
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        let place = rendered.place("include");
        let Value::Map(mut own) = rendered.data else {
            if rendered.data.is_truthy() {
                self.errors.push(format!("{place}: a pillar SLS is a map, this is {}", rendered.data.kind()));
            }
            return None;
        };
        let includes = match own.remove("include") {
            None => Vec::new(),
            Some(Value::List(items)) => items,
            Some(other) => {
                self.errors.push(format!("{place}: include takes a list of SLS, not {}", other.kind()));
                Vec::new()
            }
        };
        self.done.insert(name.to_owned(), Some(own.clone()));
        let includer = Includer { saltenv, name, path: &rendered.path, place: &place, defaults };
        Some(self.with_includes(&includer, &includes, own))
    }
}
