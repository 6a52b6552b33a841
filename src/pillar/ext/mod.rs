//! `ext_pillar`: further sources of pillar data, merged one after the other over what is known.

mod commands;
mod file_tree;
mod git;
mod nodegroups;
mod paths;
mod saltclass;
mod sql;
mod stack;
mod tops;

pub use git::Repositories;
pub use sql::Databases;
pub use tops::tops;

use super::compile::{Request, flattened};
use super::functions::Host;
use crate::drivers;
use crate::template::{Source as Template, decrypted};
use halite_render::jinja::{NoTemplates, Prepared, Settings};
use halite_render::template::{Context, Rendered};
use halite_wire::{Map, Value};

/// One source: what is configured for it, and the pillar so far, in; data out.
type Source = fn(&Request, &Args, &Map) -> Result<Map, String>;

/// Every source this build has, by the name it has in `ext_pillar`.
const SOURCES: &[(&str, Source)] = &[
    ("cmd_json", commands::json),
    ("cmd_yaml", commands::yaml),
    ("file_tree", file_tree::read),
    ("git", git::read),
    ("http_json", commands::http_json),
    ("http_yaml", commands::http_yaml),
    #[cfg(feature = "mysql")]
    ("mysql", sql::mysql),
    ("nodegroups", nodegroups::read),
    #[cfg(feature = "postgres")]
    ("postgres", sql::postgres),
    ("saltclass", saltclass::read),
    ("sqlite3", sql::sqlite),
    ("stack", stack::read),
];

/// What stands behind the name of a source: one value, a list of them, or named ones.
pub struct Args {
    pub positional: Vec<Value>,
    pub named: Map,
}

impl Args {
    fn of(value: &Value) -> Args {
        match value {
            Value::Map(named) => Args { positional: Vec::new(), named: named.clone() },
            Value::List(items) => Args { positional: items.clone(), named: Map::new() },
            one => Args { positional: vec![one.clone()], named: Map::new() },
        }
    }

    /// The argument `name`, which is the one at `index` where arguments have no names.
    pub fn get(&self, index: usize, name: &str) -> Option<&Value> {
        self.named.get(name).or_else(|| self.positional.get(index))
    }

    /// # Errors
    /// It is not there, or is no text.
    pub fn text(&self, index: usize, name: &str) -> Result<&str, String> {
        self.get(index, name)
            .and_then(Value::as_str)
            .ok_or_else(|| format!("`{name}` is missing, or no text"))
    }
}

/// Merges what all configured sources have over `known`.
pub fn add(request: &Request, known: Map, errors: &mut Vec<String>) -> Map {
    let sources = match request.opts.get("ext_pillar") {
        None | Some(Value::Null) => return known,
        Some(Value::List(sources)) => sources,
        Some(_) => {
            errors.push("ext_pillar takes a list of sources".to_owned());
            return known;
        }
    };
    let excluded = request.opts.get("exclude_ext_pillar").and_then(Value::as_list).unwrap_or_default();
    let mut data = known;
    for entry in sources {
        let Value::Map(entry) = entry else {
            errors.push("an entry of ext_pillar is not a dict with the name of a source".to_owned());
            continue;
        };
        for (name, args) in entry.iter().filter(|(name, _)| !excluded.contains(name)) {
            match source(request, name.as_str().unwrap_or_default(), args, &data) {
                Ok(more) => data = request.merge(data, more),
                Err(why) => errors.push(format!("ext_pillar {}: {why}", name.as_str().unwrap_or("?"))),
            }
        }
    }
    data
}

fn source(request: &Request, name: &str, args: &Value, known: &Map) -> Result<Map, String> {
    if let Some(feature) = drivers::missing_for(name) {
        return Err(format!(
            "it is not in this build; `cargo build --release --features {feature}` makes one that has it"
        ));
    }
    let Some((_, source)) = SOURCES.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = SOURCES.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no such source here; there are {}", names.join(", ")));
    };
    // Salt hands one list to a repository's source: its remotes.
    let args = if name == "git" {
        Args { positional: vec![args.clone()], named: Map::new() }
    } else {
        Args::of(args)
    };
    source(request, &args, known)
}

/// A file of a source through its renderers, with what pillar templates see.
fn rendered(
    request: &Request,
    name: &str,
    source: &Template,
    default: &str,
    known: &Map,
) -> Result<Value, String> {
    let variables = variables(request, known);
    let host = host(request, known);
    let settings = Settings::default();
    let context = context(&variables, &host, &settings);
    match source.pipeline(name, default, context).map_err(|error| error.report(source.text()))? {
        Rendered::Data(node) => Ok(node.to_value()),
        Rendered::Text(text) => Ok(text.into()),
    }
}

fn variables(request: &Request, known: &Map) -> Prepared {
    Prepared::default()
        .with("grains", request.grains.clone())
        .with("opts", request.opts.clone())
        .with("pillar", known.clone())
        .with("minion_id", request.id.as_str())
}

fn context<'c>(variables: &'c Prepared, host: &'c Host<'c>, settings: &'c Settings) -> Context<'c> {
    Context { variables, loader: &NoTemplates, functions: host, settings }
}

fn host<'h>(request: &'h Request, pillar: &'h Map) -> Host<'h> {
    Host { id: request.id, grains: request.grains, opts: request.opts, pillar, caller: request.caller }
}

/// A dict, or nothing at all.
fn dict(value: Value) -> Result<Map, String> {
    match value {
        Value::Map(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => Err(format!("it gave {} where a dict is wanted", other.kind())),
    }
}

/// `decrypt_pillar`: values that are to be decrypted, wherever they came from.
pub fn decrypt(request: &Request, data: &mut Map, errors: &mut Vec<String>) {
    let Some(wanted) = request.opts.get("decrypt_pillar").filter(|wanted| wanted.is_truthy()) else { return };
    let delimiter = request.opts.get_str("decrypt_pillar_delimiter").unwrap_or(":");
    let usual = request.opts.get_str("decrypt_pillar_default").unwrap_or("gpg");
    for (key, renderer) in keys(wanted) {
        let renderer = renderer.as_deref().unwrap_or(usual);
        let Some(value) = at_mut(data, &key, delimiter) else { continue };
        if let Err(why) = decrypt_value(request, value, renderer) {
            errors.push(format!("the pillar key {key:?} cannot be decrypted: {why}"));
        }
    }
}

/// Keys with their renderers: `key`, `key: renderer`, in a list or a dict.
fn keys(wanted: &Value) -> Vec<(String, Option<String>)> {
    let items = match wanted {
        Value::List(items) => items.clone(),
        other => vec![other.clone()],
    };
    let mut keys = Vec::new();
    for item in items {
        match item {
            Value::Str(key) => keys.push((key, None)),
            other => keys.extend(flattened(&other).iter().filter_map(|(key, renderer)| {
                Some((key.as_str()?.to_owned(), renderer.as_str().map(str::to_owned)))
            })),
        }
    }
    keys
}

fn at_mut<'d>(data: &'d mut Map, key: &str, delimiter: &str) -> Option<&'d mut Value> {
    let mut steps = key.split(delimiter);
    let first = data.get_mut(steps.next()?)?;
    steps.try_fold(first, |value, step| match value {
        Value::Map(map) => map.get_mut(step),
        Value::List(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn decrypt_value(request: &Request, value: &mut Value, renderer: &str) -> Result<(), String> {
    match value {
        Value::Str(text) => {
            let (known, name) = (Map::new(), "decrypt_pillar");
            let (variables, host) = (variables(request, &known), host(request, &known));
            *value = decrypted(text, name, renderer, context(&variables, &host, &Settings::default()))?;
            Ok(())
        }
        Value::List(items) => items.iter_mut().try_for_each(|item| decrypt_value(request, item, renderer)),
        Value::Map(map) => map.iter_mut().try_for_each(|(_, item)| decrypt_value(request, item, renderer)),
        _ => Ok(()),
    }
}
