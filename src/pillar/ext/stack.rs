//! `stack`: YAML files named by configuration files, each merged over those before it, each a template that sees what
//! the others gave.

use super::paths::expanded;
use super::{Args, Request, host};
use crate::template::Source;
use halite_render::jinja::{DirLoader, Prepared};
use halite_render::yaml;
use halite_wire::{Map, Value, traverse};
use std::path::{Path, PathBuf};

/// In a dict or list: how it is merged.
const STRATEGY: &str = "__";

pub fn read(request: &Request, args: &Args, known: &Map) -> Result<Map, String> {
    let mut files = Vec::new();
    for one in &args.positional {
        configured(one, &mut files)?;
    }
    for (key, choices) in &args.named {
        chosen(request, known, key.as_str().unwrap_or_default(), choices, &mut files)?;
    }
    let mut stack = Map::new();
    for file in files {
        configuration(request, known, &file, &mut stack)?;
    }
    Ok(stack)
}

/// A file, or a list of them.
fn configured(value: &Value, files: &mut Vec<PathBuf>) -> Result<(), String> {
    match value {
        Value::Str(file) => files.push(PathBuf::from(file)),
        Value::List(items) => return items.iter().try_for_each(|item| configured(item, files)),
        other => return Err(format!("a configuration file is named by a text, not {}", other.kind())),
    }
    Ok(())
}

/// `pillar:env`, `grains:os`, `opts:x` and the files for the values they may have; `__env__` among the values, and
/// in names of files, is the pillar environment.
fn chosen(
    request: &Request,
    known: &Map,
    key: &str,
    choices: &Value,
    files: &mut Vec<PathBuf>,
) -> Result<(), String> {
    let options = request.options;
    let env = options.pillarenv.as_deref().or(options.saltenv.as_deref()).unwrap_or("base");
    let Some((place, path)) = key.split_once(':') else { return Err(format!("{key:?} is no `grains:KEY`")) };
    let data = match place {
        "pillar" => known,
        "grains" => request.grains,
        "opts" => request.opts,
        other => return Err(format!("{other:?} is none of pillar, grains and opts")),
    };
    let choices = choices.as_map().ok_or_else(|| format!("{key} takes a dict of values and files"))?;
    let Some(found) = traverse::get(data, path, traverse::DELIMITER) else { return Ok(()) };
    let for_env = choices.get("__env__").filter(|_| found.as_str() == Some(env));
    let Some(chosen) = for_env.or_else(|| choices.get_value(found)) else { return Ok(()) };
    let mut named = Vec::new();
    configured(chosen, &mut named)?;
    files.extend(named.iter().map(|file| PathBuf::from(file.to_string_lossy().replace("__env__", env))));
    Ok(())
}

/// One configuration file: a template that becomes a list of YAML files, or has one on each line, with wildcards.
fn configuration(request: &Request, known: &Map, file: &Path, stack: &mut Map) -> Result<(), String> {
    let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
    let Ok(text) = Source::file(file) else {
        tracing::info!("ext_pillar stack: {} is not there", file.display());
        return Ok(());
    };
    let page = Page { request, known, folder: &folder, cfg: file };
    let listed = page.text(&file.display().to_string(), &text, stack)?;
    for line in lines(&listed) {
        for found in expanded(&folder, &line) {
            let name = found.display().to_string();
            let text = Source::file(&found).map_err(|error| format!("{name}: {error}"))?;
            let yaml = page.text(&name, &text, stack)?;
            let data = yaml::load(&yaml).map_err(|error| error.report(&name, &yaml))?.to_value();
            if let Value::Map(data) = data {
                *stack = merged(std::mem::take(stack), data).map_err(|why| format!("{name}: {why}"))?;
            }
        }
    }
    Ok(())
}

fn lines(listed: &str) -> Vec<String> {
    if let Ok(Value::List(items)) = yaml::load(listed).map(|node| node.to_value()) {
        return items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    listed.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Templates of one configuration file.
struct Page<'p> {
    request: &'p Request<'p>,
    known: &'p Map,
    folder: &'p Path,
    cfg: &'p Path,
}

impl Page<'_> {
    fn text(&self, name: &str, source: &Source, stack: &Map) -> Result<String, String> {
        let Page { request, known, .. } = *self;
        let pillarenv = request.options.pillarenv.clone().map_or(Value::Null, Value::from);
        let variables = Prepared::default()
            .with("__grains__", request.grains.clone())
            .with("__opts__", request.opts.clone())
            .with("__stack__", Map::from([("cfg_path", self.cfg.display().to_string())]))
            .with("pillar", known.clone())
            .with("pillarenv", pillarenv)
            .with("minion_id", request.id.as_str())
            .with("ymlpath", name)
            .with("stack", stack.clone());
        let loader = DirLoader { roots: vec![self.folder.to_owned()] };
        source.render(name, &variables, &loader, &host(request, known)).map_err(|error| error.report())
    }
}

/// `data` over `stack`: each dict says with `__` how it is merged, each list with its first entry.
fn merged(mut stack: Map, mut data: Map) -> Result<Map, String> {
    let strategy = strategy(data.remove(STRATEGY))?;
    if strategy == Strategy::Overwrite {
        return Ok(cleaned_map(data));
    }
    if strategy == Strategy::Remove {
        return Ok(stack.into_iter().filter(|(key, _)| data.get_value(key).is_none()).collect());
    }
    for (key, value) in data {
        let joint = match stack.get_value(&key).cloned() {
            None => cleaned(value),
            // The other way round: what was there is laid over what comes.
            Some(known) if strategy == Strategy::MergeFirst => joined(cleaned(value), known)?,
            Some(known) => joined(known, value)?,
        };
        stack.insert(key, joint);
    }
    Ok(stack)
}

fn joined(below: Value, above: Value) -> Result<Value, String> {
    Ok(match (below, above) {
        (Value::Map(below), Value::Map(above)) => Value::Map(merged(below, above)?),
        (Value::List(below), Value::List(above)) => Value::List(lists(below, above)?),
        (_, above) => cleaned(above),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    MergeFirst,
    MergeLast,
    Overwrite,
    Remove,
}

fn strategy(named: Option<Value>) -> Result<Strategy, String> {
    match named.as_ref().map(Value::as_str) {
        None => Ok(Strategy::MergeLast),
        Some(Some("merge-last")) => Ok(Strategy::MergeLast),
        Some(Some("merge-first")) => Ok(Strategy::MergeFirst),
        Some(Some("overwrite")) => Ok(Strategy::Overwrite),
        Some(Some("remove")) => Ok(Strategy::Remove),
        Some(_) => Err(format!(
            "{STRATEGY} is merge-first, merge-last, overwrite or remove, not {}",
            named.map_or(String::new(), |named| halite_render::repr::repr(&named))
        )),
    }
}

fn lists(below: Vec<Value>, mut above: Vec<Value>) -> Result<Vec<Value>, String> {
    Ok(match strategy(strategy_of(&mut above))? {
        Strategy::Overwrite => above,
        Strategy::Remove => below.into_iter().filter(|item| !above.contains(item)).collect(),
        Strategy::MergeFirst => above.into_iter().chain(below).collect(),
        Strategy::MergeLast => below.into_iter().chain(above).collect(),
    })
}

/// `- __: NAME` at the head of a list, taken off it.
fn strategy_of(list: &mut Vec<Value>) -> Option<Value> {
    let named = list.first()?.as_map()?.get(STRATEGY)?.clone();
    list.remove(0);
    Some(named)
}

/// Without the names of strategies.
fn cleaned(value: Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(cleaned_map(map)),
        Value::List(mut items) => {
            strategy_of(&mut items);
            Value::List(items)
        }
        other => other,
    }
}

fn cleaned_map(mut map: Map) -> Map {
    map.remove(STRATEGY);
    map.into_iter().map(|(key, value)| (key, cleaned(value))).collect()
}
