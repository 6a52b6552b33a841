//! `saltclass`: a file for each node names classes, which name further ones; each adds pillar values, states and an
//! environment. Values refer to others as `${a:b:c}`.

mod expand;
mod merge;

use super::paths::expanded;
use super::{Args, Request, host};
use crate::template::Source;
use halite_render::jinja::{DirLoader, Prepared};
use halite_render::yaml;
use halite_wire::{Map, Value};
use merge::Node;
use std::path::{Path, PathBuf};

/// Where Salt looks if the configuration names no folder.
const FOLDER: &str = "/srv/saltclass";

/// Classes inside each other.
const DEPTH_MAX: usize = 64;

pub fn read(request: &Request, args: &Args, known: &Map) -> Result<Map, String> {
    let (node, classes) = defined(request, args, known)?;
    Ok(summary(request.id.as_str(), node, classes))
}

/// The states of the node and its classes, in their environment: what `master_tops` wants of it.
///
/// # Errors
/// A file that cannot be read.
pub fn tops(request: &Request, args: &Args) -> Result<Map, String> {
    let (node, classes) = defined(request, args, &Map::new())?;
    let (states, environment) = assigned(&node, &classes);
    Ok(Map::from([(environment, Value::List(states))]))
}

/// The node, and its classes in the order in which they count.
fn defined(request: &Request, args: &Args, known: &Map) -> Result<(Definition, Vec<Definition>), String> {
    let named = args.positional.iter().filter_map(|one| one.get("path")).next_back();
    let folder = named.or_else(|| args.named.get("path")).and_then(Value::as_str).unwrap_or(FOLDER);
    let mut classes = Classes {
        request,
        folder: PathBuf::from(folder),
        pillar: Node::of(known.clone().into()),
        seen: Vec::new(),
        expanded: Vec::new(),
    };
    let id = request.id.as_str();
    let node = match node_file(&classes.folder.join("nodes"), id) {
        Some(file) => classes.load(&file)?.ok_or_else(|| format!("{}: it is empty", file.display()))?,
        None => Map::new(),
    };
    let node = Definition::read(id, node);
    // What is merged later shall not change the node's own lists.
    classes.pillar.merge(&Node::of(node.pillars.to_value()));
    let wanted = node.classes.clone();
    classes.expand(&wanted, 0)?;
    Ok((node, classes.expanded))
}

/// What a node or class says.
struct Definition {
    name: String,
    classes: Vec<String>,
    states: Vec<Value>,
    environment: Option<Value>,
    pillars: Node,
}

impl Definition {
    fn read(name: &str, mut data: Map) -> Definition {
        let list =
            |data: &Map, key: &str| data.get(key).and_then(Value::as_list).unwrap_or_default().to_vec();
        let classes = list(&data, "classes").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Definition {
            name: name.to_owned(),
            classes,
            states: list(&data, "states"),
            environment: data.get("environment").cloned(),
            pillars: Node::of(data.remove("pillars").unwrap_or_else(|| Map::new().into())),
        }
    }
}

/// Classes while they are looked up, inner ones before those that name them.
struct Classes<'r> {
    request: &'r Request<'r>,
    folder: PathBuf,
    /// What is known so far: templates of later classes see it.
    pillar: Node,
    seen: Vec<String>,
    expanded: Vec<Definition>,
}

impl Classes<'_> {
    fn expand(&mut self, wanted: &[String], depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} classes inside each other"));
        }
        for name in wanted.iter().flat_map(|pattern| self.matching(pattern)).collect::<Vec<_>>() {
            if self.seen.contains(&name) {
                continue;
            }
            self.seen.push(name.clone());
            let data = match self.file(&name) {
                Some(file) => self.load(&file)?.unwrap_or_default(),
                None => Map::new(),
            };
            let class = Definition::read(&name, data);
            self.pillar.merge(&class.pillars);
            self.expand(&class.classes, depth + 1)?;
            self.expanded.push(class);
        }
        Ok(())
    }

    /// The files a class may be in: by its very name, with dots as folders, and as `init.yml` of a folder.
    fn places(name: &str) -> [String; 3] {
        let path = name.replace('.', "/");
        [format!("{name}.yml"), format!("{path}.yml"), format!("{path}/init.yml")]
    }

    /// The classes a pattern names; one that names nothing has none.
    fn matching(&self, pattern: &str) -> Vec<String> {
        let top = self.folder.join("classes");
        let files = Self::places(pattern).into_iter().flat_map(|place| expanded(&top, &place));
        files.filter_map(|file| class_of(file.strip_prefix(&top).ok()?)).collect()
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        let top = self.folder.join("classes");
        Self::places(name).iter().map(|place| top.join(place)).find(|file| file.is_file())
    }

    /// A file through Jinja and YAML; `None` where it says nothing.
    fn load(&self, file: &Path) -> Result<Option<Map>, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", file.display());
        let source = Source::file(file).map_err(failed)?;
        let known = self.pillar.to_map();
        let variables = Prepared::default()
            .with("__opts__", self.request.opts.clone())
            .with("__grains__", self.request.grains.clone())
            .with("__pillar__", known.clone())
            .with("minion_id", self.request.id.as_str());
        let loader = DirLoader { roots: file.parent().map(Path::to_owned).into_iter().collect() };
        let name = file.display().to_string();
        let text = source
            .render(&name, &variables, &loader, &host(self.request, &known))
            .map_err(|error| error.report())?;
        let data = yaml::load(&text).map_err(|error| error.report(&name, &text))?;
        match data.to_value() {
            Value::Map(map) => Ok(Some(map)),
            Value::Null => Ok(None),
            other => Err(format!("{name}: it is {} where a dict is wanted", other.kind())),
        }
    }
}

/// `web/nginx.yml` is the class `web.nginx`, and so is `web/nginx/init.yml`.
fn class_of(path: &Path) -> Option<String> {
    let name = path.to_str()?.strip_suffix(".yml")?.replace('/', ".");
    Some(name.strip_suffix(".init").map_or_else(|| name.clone(), str::to_owned))
}

/// `ID.yml` in the folder or in one below it.
fn node_file(folder: &Path, id: &str) -> Option<PathBuf> {
    let file = folder.join(format!("{id}.yml"));
    if file.is_file() {
        return Some(file);
    }
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let mut below: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    below.sort();
    below.iter().find_map(|folder| node_file(folder, id))
}

/// The pillar: what all classes and the node say, and who they are.
fn summary(id: &str, node: Definition, classes: Vec<Definition>) -> Map {
    let names: Value = classes.iter().map(|class| Value::from(class.name.as_str())).collect();
    let mut pillars = Node::of(Map::new().into());
    for definition in classes.iter().chain([&node]) {
        pillars.merge(&definition.pillars);
    }
    let (states, environment) = assigned(&node, &classes);
    let about = Map::from([
        ("states", Value::List(states)),
        ("classes", names),
        ("environment", environment),
        ("nodename", id.into()),
    ]);
    let mut data = Map::from([("__saltclass__", about)]);
    data.extend(expand::variables(pillars.to_map()));
    data
}

/// All states, each once, and the environment that was named last; none is the empty one.
fn assigned(node: &Definition, classes: &[Definition]) -> (Vec<Value>, Value) {
    let (mut states, mut environment) = (Vec::new(), Value::from(""));
    for definition in classes.iter().chain([node]) {
        let new = definition.states.iter().filter(|state| !states.contains(*state)).cloned();
        let new: Vec<Value> = new.collect();
        states.extend(new);
        if let Some(named) = &definition.environment {
            environment = named.clone();
        }
    }
    (states, environment)
}
