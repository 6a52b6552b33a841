//! Top files of pillar trees: all environments together, targets by their `order`.

use crate::places::Places;
use crate::text::text;
use crate::top::assign::confirm;
use crate::{Matches, Minion, Options, Rendered, Source};
use halite_wire::{Map, Value};
use std::collections::HashSet;

/// What the top files assign to the host.
#[derive(Default)]
pub(super) struct Assigned {
    pub matches: Matches,
    /// Environment and name of SLS that may be missing.
    pub ignored: HashSet<(String, String)>,
    places: Places,
    pub errors: Vec<String>,
}

/// One target of one environment.
struct Target {
    name: Value,
    order: i64,
    items: Vec<Value>,
}

type Environments = Vec<(String, Vec<Target>)>;

pub(super) fn read(source: &mut dyn Source, minion: &Minion, options: &Options) -> Assigned {
    let (mut assigned, environments) = all(source, options);
    for (saltenv, targets) in environments {
        assigned.assign(minion, saltenv, &targets);
    }
    assigned
}

/// The top files as one; see [`super::pillar_top`].
pub(super) fn merged(source: &mut dyn Source, options: &Options) -> (Map, Vec<String>) {
    let (assigned, environments) = all(source, options);
    let of_env = |(saltenv, targets): (String, Vec<Target>)| {
        let targets = targets.into_iter().map(|target| (target.name, shown(&target.items)));
        (saltenv, Value::Map(targets.collect::<Map>()))
    };
    (environments.into_iter().map(of_env).collect(), assigned.errors)
}

/// How a target is matched, where it says so, and then its SLS; its other options are no part of the top.
fn shown(items: &[Value]) -> Value {
    let is_match = |item: &&Value| item.as_map().is_some_and(|map| map.contains_key("match"));
    let names = items.iter().filter(|item| item.as_str().is_some());
    items.iter().filter(is_match).chain(names).cloned().collect()
}

/// The targets of all environments that count, those of each in their order.
fn all(source: &mut dyn Source, options: &Options) -> (Assigned, Environments) {
    let mut assigned = Assigned::default();
    let mut environments = Environments::new();
    for saltenv in sources(source, options) {
        for top in assigned.gather(source, &saltenv) {
            assigned.collect(&top, &mut environments);
        }
    }
    environments.retain(|(saltenv, _)| options.pillarenv.as_ref().is_none_or(|only| only == saltenv));
    environments.iter_mut().for_each(|(_, targets)| targets.sort_by_key(|target| target.order));
    (assigned, environments)
}

/// The environments whose top files count.
fn sources(source: &mut dyn Source, options: &Options) -> Vec<String> {
    let own = options.saltenv.as_deref().unwrap_or("base");
    let mut environments = source.environments();
    match &options.pillarenv {
        Some(only) => environments.retain(|saltenv| saltenv == only),
        None if options.pillar_source_merging_strategy == "none" => {
            environments.retain(|saltenv| saltenv == own);
        }
        None => {}
    }
    environments
}

impl Assigned {
    /// The top file of an environment, and those it includes.
    fn gather(&mut self, source: &mut dyn Source, saltenv: &str) -> Vec<Map> {
        let Some(mut top) = self.keep(saltenv, source.top(saltenv)) else { return Vec::new() };
        let includes = top.remove("include");
        let mut tops = vec![top];
        let mut done: Vec<&str> = Vec::new();
        for name in includes.iter().filter_map(Value::as_list).flatten().filter_map(Value::as_str) {
            if !done.contains(&name) {
                done.push(name);
                tops.extend(self.keep(saltenv, source.sls(saltenv, name, &Map::new())));
            }
        }
        tops
    }

    fn keep(&mut self, saltenv: &str, rendered: Result<Option<Rendered>, String>) -> Option<Map> {
        self.places.keep_top(saltenv, rendered, ("a pillar top file", ""), &mut self.errors)
    }

    /// Adds the targets of one file. Of two of a name the later one counts, in the earlier's place.
    fn collect(&mut self, top: &Map, environments: &mut Environments) {
        for (saltenv, targets) in top.iter().filter(|(saltenv, _)| saltenv.as_str() != Some("include")) {
            let saltenv = text(saltenv);
            let Value::Map(targets) = targets else {
                let (place, kind) = (self.places.of_target(&saltenv, ""), targets.kind());
                self.errors
                    .push(format!("{place}: the targets of {saltenv:?} must be a map, this is {kind}"));
                continue;
            };
            for (name, items) in targets {
                match items {
                    Value::List(items) => {
                        let target = self.target(&saltenv, name, items);
                        add(environments, &saltenv, target);
                    }
                    other => {
                        let why = format!("a list of SLS is expected, not {}", other.kind());
                        self.error(&saltenv, name, &why);
                    }
                }
            }
        }
    }

    fn target(&mut self, saltenv: &str, name: &Value, items: &[Value]) -> Target {
        let options = || items.iter().filter_map(Value::as_map);
        let order = options().filter_map(|map| map.get("order")).next_back().map_or(0, number);
        if options().any(|map| map.get("ignore_missing").is_some_and(Value::is_truthy)) {
            let names = items.iter().filter_map(Value::as_str);
            self.ignored.extend(names.map(|name| (saltenv.to_owned(), name.to_owned())));
        }
        Target { name: name.clone(), order, items: items.to_vec() }
    }

    fn assign(&mut self, minion: &Minion, saltenv: String, targets: &[Target]) {
        let mut names: Option<Vec<String>> = None;
        for target in targets {
            match confirm(minion, &target.name, &target.items) {
                Err(error) => self.error(&saltenv, &target.name, &error),
                Ok(false) => {}
                Ok(true) => {
                    let names = names.get_or_insert_default();
                    for name in target.items.iter().filter_map(Value::as_str) {
                        if !names.iter().any(|known| known == name) {
                            names.push(name.to_owned());
                        }
                    }
                }
            }
        }
        self.matches.extend(names.map(|names| (saltenv, names)));
    }

    fn error(&mut self, saltenv: &str, target: &Value, why: &str) {
        let target = text(target);
        let place = self.places.of_target(saltenv, &target);
        self.errors.push(format!("{place}: target {target:?}: {why}"));
    }
}

fn number(order: &Value) -> i64 {
    match order {
        Value::Int(order) => *order,
        Value::Bool(flag) => i64::from(*flag),
        Value::Float(order) => *order as i64,
        other => text(other).trim().parse().unwrap_or(0),
    }
}

fn add(environments: &mut Environments, saltenv: &str, target: Target) {
    let at = environments.iter().position(|(own, _)| own == saltenv).unwrap_or_else(|| {
        environments.push((saltenv.to_owned(), Vec::new()));
        environments.len() - 1
    });
    let targets = &mut environments[at].1;
    match targets.iter_mut().find(|own| own.name == target.name) {
        Some(own) => *own = target,
        None => targets.push(target),
    }
}
