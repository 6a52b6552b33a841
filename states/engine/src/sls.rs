//! SLS files into high data: rendered, completed with what they include, merged into one map.

mod decls;
mod include;

use crate::high::High;
use crate::places::Places;
use crate::text::{filter, first, text};
use crate::{Matches, Minion, Options, Rendered, Source};
use halite_wire::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// The high data of all SLS the top files assign to the host; empty where they assign none.
pub fn highstate(source: &mut dyn Source, minion: &Minion, options: &Options) -> High {
    match crate::top(source, minion, options) {
        Err(errors) => High { errors, ..High::default() },
        Ok(matches) => compile(source, options, &keep(matches, options.whitelist.as_deref())),
    }
}

/// The high data of the SLS `names` (globs among them) of one environment.
pub fn sls(source: &mut dyn Source, options: &Options, names: &[String], saltenv: &str) -> High {
    compile(source, options, &vec![(saltenv.to_owned(), names.to_vec())])
}

/// The high data of one template that is no SLS (`state.template`): it includes and excludes nothing.
pub fn template(mut rendered: Rendered) -> High {
    let (mut places, mut errors) = (Places::default(), Vec::new());
    let path = rendered.path.clone();
    places.keep("base", &path, &mut rendered);
    let file = decls::File { saltenv: "base", sls: &path, places: &places, signs: false };
    let mut data = match rendered.data {
        Value::Map(data) => data,
        other if !other.is_truthy() => Map::new(),
        other => {
            errors.push(format!("{}: a template of states is a map of IDs, this is {}", path, other.kind()));
            Map::new()
        }
    };
    for key in ["include", "exclude", "extends"].iter().filter(|key| data.contains_key(key)) {
        errors.push(format!("{}: {key} works in an SLS only", places.show("base", &path, key, None)));
    }
    if errors.is_empty() {
        decls::complete(&mut data, &file, &mut errors);
    }
    High { data, errors, ..High::default() }
}

/// Only the SLS that are on the list.
fn keep(matches: Matches, list: Option<&[String]>) -> Matches {
    let Some(list) = list else { return matches };
    let kept = matches.into_iter().map(|(saltenv, mut names)| {
        names.retain(|name| list.contains(name));
        (saltenv, names)
    });
    kept.filter(|(_, names)| !names.is_empty()).collect()
}

fn compile(source: &mut dyn Source, options: &Options, matches: &Matches) -> High {
    let mut tree = Tree {
        environments: source.environments(),
        source,
        matches,
        auto_order: options.state_auto_order,
        names: HashMap::new(),
        nears: HashMap::new(),
        done: HashSet::new(),
        order: FIRST_ORDER,
        depth: 0,
        places: Places::default(),
        errors: Vec::new(),
    };
    let mut high = Map::new();
    for (saltenv, globs) in matches {
        for glob in globs {
            tree.add(saltenv, glob, &mut high);
        }
    }
    forget_repeated_extends(&mut high);
    if !options.exclude.is_empty() {
        decls::append(&mut high, "__exclude__", options.exclude.iter().cloned());
    }
    let rendered = tree.done.into_iter().map(|(_, name)| name).collect();
    High { data: high, errors: tree.errors, rendered, places: tree.places }
}

/// The order of the first state that says none itself.
const FIRST_ORDER: i64 = 10_000;
/// SLS that include one another in a row. Python gives up at about as many.
const DEPTH_MAX: usize = 400;

/// What is known while SLS are rendered.
struct Tree<'s> {
    source: &'s mut dyn Source,
    environments: Vec<String>,
    matches: &'s Matches,
    auto_order: bool,
    /// Names of all SLS, by environment.
    names: HashMap<String, Rc<Vec<String>>>,
    /// Hints for names that are none, by environment and name.
    nears: HashMap<(String, String), String>,
    /// SLS already rendered, with their environment.
    done: HashSet<(String, String)>,
    order: i64,
    depth: usize,
    places: Places,
    errors: Vec<String>,
}

impl Tree<'_> {
    fn names(&mut self, saltenv: &str) -> Rc<Vec<String>> {
        if let Some(names) = self.names.get(saltenv) {
            return Rc::clone(names);
        }
        let names = self.source.sls_names(saltenv).unwrap_or_else(|error| {
            self.errors.push(error);
            Vec::new()
        });
        let names = Rc::new(names);
        self.names.insert(saltenv.to_owned(), Rc::clone(&names));
        names
    }

    /// What may have been meant by a name that is none. It is looked for once: an include may be said many times.
    fn near(&mut self, saltenv: &str, name: &str) -> String {
        let key = (saltenv.to_owned(), name.to_owned());
        if let Some(known) = self.nears.get(&key) {
            return known.clone();
        }
        let near = missing(name, &self.names(saltenv));
        self.nears.insert(key, near.clone());
        near
    }

    /// The environment whose names count for `saltenv`: itself, or `__env__`, which stands for all there are not.
    fn known<'e>(&self, saltenv: &'e str) -> Option<&'e str> {
        let has = |name: &str| name == "base" || self.environments.iter().any(|known| known == name);
        if has(saltenv) { Some(saltenv) } else { has("__env__").then_some("__env__") }
    }

    fn is_done(&self, saltenv: &str, name: &str) -> bool {
        self.done.contains(&(saltenv.to_owned(), name.to_owned()))
    }

    /// Adds what the top file or the caller asks for.
    fn add(&mut self, saltenv: &str, glob: &str, high: &mut Map) {
        let Some(listed) = self.known(saltenv) else {
            self.errors.push(format!("there is no saltenv {saltenv:?}, of which {glob:?} is asked for"));
            return;
        };
        let mut names = filter(&self.names(listed), glob);
        if names.is_empty() {
            names.push(glob.to_owned());
        }
        for name in names {
            if !self.is_done(saltenv, &name) {
                let state = self.render(saltenv, &name, None);
                self.merge(high, state);
            }
        }
    }

    /// One SLS with all it includes. What is wrong goes to `errors`. `from` is the place of the include.
    fn render(&mut self, saltenv: &str, name: &str, from: Option<&str>) -> Map {
        match self.source.sls(saltenv, name, &Map::new()) {
            Ok(None) => {
                let from = from.map_or_else(String::new, |from| format!("{from}: "));
                let near = self.near(saltenv, name);
                self.errors.push(format!("{from}there is no SLS {name:?} in saltenv {saltenv:?}{near}"));
                Map::new()
            }
            Err(error) => {
                self.done.insert((saltenv.to_owned(), name.to_owned()));
                self.errors.push(error);
                Map::new()
            }
            Ok(Some(mut rendered)) => {
                self.done.insert((saltenv.to_owned(), name.to_owned()));
                self.places.keep(saltenv, name, &mut rendered);
                self.complete(saltenv, name, rendered)
            }
        }
    }

    fn complete(&mut self, saltenv: &str, name: &str, rendered: Rendered) -> Map {
        let mut state = match rendered.data {
            Value::Map(state) => state,
            other if !other.is_truthy() => return Map::new(),
            other => {
                let kind = other.kind();
                self.errors
                    .push(format!("salt://{}:1:1: an SLS is a map of IDs, this is {kind}", rendered.path));
                return Map::new();
            }
        };
        let file = decls::File { saltenv, sls: name, places: &self.places, signs: true };
        let includes = decls::take_includes(&mut state, &file, &mut self.errors);
        decls::take_extends(&mut state, &file, &mut self.errors);
        decls::take_excludes(&mut state, &file, &mut self.errors);
        decls::complete(&mut state, &file, &mut self.errors);
        if self.depth < DEPTH_MAX {
            self.depth += 1;
            let own = include::Includer { saltenv, sls: name, path: &rendered.path };
            for item in includes {
                self.include(&own, item, &mut state);
            }
            self.depth -= 1;
        } else if !includes.is_empty() {
            let place = self.places.show(saltenv, name, "include", None);
            self.errors
                .push(format!("{place}: {DEPTH_MAX} SLS include one another in a row, which is too deep"));
        }
        if self.auto_order {
            decls::number(&mut state, &mut self.order);
        }
        state
    }

    /// Puts the IDs of `state` into `high`: one ID has one meaning.
    fn merge(&mut self, high: &mut Map, state: Map) {
        for (id, body) in state {
            match id.as_str() {
                Some(key @ ("__extend__" | "__exclude__")) => {
                    let items = if let Value::List(items) = body { items } else { Vec::new() };
                    decls::append(high, key, items);
                }
                _ => {
                    if let Some(before) = high.get_value(&id).filter(|before| **before != body) {
                        let error = self.conflict(&id, before, &body);
                        self.errors.push(error);
                    }
                    high.insert(id, body);
                }
            }
        }
    }

    fn conflict(&self, id: &Value, before: &Value, after: &Value) -> String {
        let id = text(id);
        // What is no map of states does not say where it is from.
        let anywhere = || self.places.anywhere(&id).map_or_else(String::new, ToString::to_string);
        let place =
            |body: &Value| body.as_map().map_or_else(anywhere, |body| self.places.of(body, &id, None));
        let saltenv =
            |body: &Value| body.get("__env__").map_or("".into(), |saltenv| text(saltenv).into_owned());
        let of = if saltenv(before) == saltenv(after) {
            String::new()
        } else {
            format!(" of {:?}", saltenv(before))
        };
        let (before, after) = (place(before), place(after));
        format!("{after}: the ID {id:?} is already taken at {before}{of}; an ID can be used only once")
    }
}

/// The same extension said in several SLS counts once.
fn forget_repeated_extends(high: &mut Map) {
    let Some(Value::List(extends)) = high.get_mut("__extend__") else { return };
    let mut seen: Vec<Value> = Vec::new();
    for (id, body) in std::mem::take(extends).into_iter().filter_map(|item| item.as_map().cloned()).flatten()
    {
        let one = Value::Map(Map::from([(id, body)]));
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    *extends = seen;
}

/// What may have been meant by a name that is none.
pub(crate) fn missing(name: &str, names: &[String]) -> String {
    let near = halite_render::suggest::nearest(name, names.iter().map(String::as_str));
    near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"))
}

/// The name an item of a list of arguments has: its first key.
fn argument_name(item: &Value) -> Option<&str> {
    item.as_map().and_then(first).and_then(|(key, _)| key.as_str())
}
