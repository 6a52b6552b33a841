//! Top files of all environments, merged, and what they assign to one host.

pub(crate) mod assign;
mod merge;

use crate::places::Places;
use crate::text::filter;
use crate::{Minion, Options, Rendered, Source};
use halite_wire::{Map, Value};

/// Environments with the SLS (names or globs) a host is to have of each, in order.
pub type Matches = Vec<(String, Vec<String>)>;

/// Environments and what their top files hold: the top file itself, then those it includes.
type Tops = Vec<(String, Vec<Map>)>;

/// Environments with their targets, each with the list of what it assigns.
type Merged = Vec<(Value, Map)>;

/// What the top files assign to the host; nothing where none does.
///
/// # Errors
/// One line each: top files that do not render or have the wrong shape, targets that cannot be judged.
pub fn top(source: &mut dyn Source, minion: &Minion, options: &Options) -> Result<Matches, Vec<String>> {
    let mut gathering = Gathering::default();
    for saltenv in environments(source, options) {
        gathering.environment(source, &saltenv);
    }
    let Gathering { tops, places, errors } = gathering;
    if !errors.is_empty() {
        return Err(errors);
    }
    let merged = merge::merge(tops, options, &places).map_err(|error| vec![error])?;
    let errors = assign::verify(&merged, &places);
    if errors.is_empty() { assign::assign(source, &merged, minion, options, &places) } else { Err(errors) }
}

fn environments(source: &mut dyn Source, options: &Options) -> Vec<String> {
    if let Some(only) = options.saltenv.as_ref().or(options.state_top_saltenv.as_ref()) {
        return vec![only.clone()];
    }
    let there = source.environments();
    if options.env_order.is_empty() {
        return there;
    }
    let mut ordered: Vec<String> = Vec::new();
    for saltenv in &options.env_order {
        if there.contains(saltenv) && !ordered.contains(saltenv) {
            ordered.push(saltenv.clone());
        }
    }
    ordered
}

/// Top files as they are read.
#[derive(Default)]
struct Gathering {
    tops: Tops,
    places: Places,
    errors: Vec<String>,
}

impl Gathering {
    fn environment(&mut self, source: &mut dyn Source, saltenv: &str) {
        let mut own = self.read(saltenv, source.top(saltenv)).unwrap_or_default();
        let includes = own.remove("include");
        let mut all = vec![own];
        match includes {
            None => {}
            Some(Value::List(globs)) => all.extend(self.included(source, saltenv, &globs)),
            Some(other) => {
                let place = self.places.of_target("include", "");
                self.errors.push(format!("{place}: include takes a list of SLS, not {}", other.kind()));
            }
        }
        self.tops.push((saltenv.to_owned(), all));
    }

    /// The SLS a top file includes: further top files of the same environment.
    fn included(&mut self, source: &mut dyn Source, saltenv: &str, globs: &[Value]) -> Vec<Map> {
        let names = source.sls_names(saltenv).unwrap_or_else(|error| {
            self.errors.push(error);
            Vec::new()
        });
        let mut done: Vec<String> = Vec::new();
        for name in globs.iter().filter_map(Value::as_str).flat_map(|glob| filter(&names, glob)) {
            if !done.contains(&name) {
                done.push(name);
            }
        }
        done.iter().filter_map(|name| self.read(saltenv, source.sls(saltenv, name, &Map::new()))).collect()
    }

    /// Keeps the places of a file and says what is wrong with it.
    fn read(&mut self, saltenv: &str, rendered: Result<Option<Rendered>, String>) -> Option<Map> {
        self.places.keep_top(saltenv, rendered, ("a top file", "salt://"), &mut self.errors)
    }
}
