//! What the compiler reads from.

use crate::text::text;
use halite_render::template::Rendered as Output;
use halite_render::yaml::{Mark, Node, NodeKind};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::fmt;

/// Where in a file something was written; both numbers begin at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `salt://web/init.sls` and the like.
    pub file: String,
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// An SLS or top file, rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The file's path below its root: `web/init.sls`.
    pub path: String,
    pub data: Value,
    /// Where the keys of the outermost map stand, and those of the maps below them: `(id, None)`, `(id, Some(key))`.
    pub places: Vec<((String, Option<String>), Place)>,
}

impl Rendered {
    /// What the renderers made of the file `path`. One without data is an empty map.
    pub fn new(path: &str, output: Output) -> Rendered {
        let (data, places) = match output {
            Output::Text(text) => (Value::Str(text), Vec::new()),
            Output::Data(node) => (node.to_value(), places(path, &node)),
        };
        let data = if data.is_truthy() { data } else { Map::new().into() };
        Rendered { path: path.to_owned(), data, places }
    }

    /// A file in which nothing stands.
    pub fn empty(path: &str) -> Rendered {
        Rendered { path: path.to_owned(), data: Map::new().into(), places: Vec::new() }
    }

    /// `salt://web/init.sls:3:1`: where `id` stands, or the file alone where that is not known.
    pub(crate) fn place(&self, id: &str) -> String {
        let place = self.places.iter().find(|((own, key), _)| own == id && key.is_none());
        place.map_or_else(|| self.path.clone(), |(_, place)| place.to_string())
    }
}

/// Where ids and the keys below them were written.
fn places(path: &str, node: &Node) -> Vec<((String, Option<String>), Place)> {
    let file = format!("salt://{path}");
    let place = |mark: Mark| Place { file: file.clone(), line: mark.line, column: mark.column };
    let mut places = Vec::new();
    for (id, body) in node.as_map().unwrap_or_default() {
        let name = text(&id.to_value()).into_owned();
        places.push(((name.clone(), None), place(id.mark)));
        if let NodeKind::Map(keys) = &body.kind {
            let keys = keys.iter().filter_map(|(key, _)| Some((key.as_str()?.to_owned(), place(key.mark))));
            places.extend(keys.map(|(key, place)| ((name.clone(), Some(key)), place)));
        }
    }
    places
}

/// The SLS that files of an environment hold, each once, sorted.
pub fn sls_names<'p>(paths: impl IntoIterator<Item = &'p String>) -> Vec<String> {
    let names: BTreeSet<String> = paths.into_iter().filter_map(|path| sls_name(path)).collect();
    names.into_iter().collect()
}

/// The SLS a file holds: `web/init.sls` is `web`.
fn sls_name(path: &str) -> Option<String> {
    let name = path.strip_suffix("/init.sls").or_else(|| path.strip_suffix(".sls"))?;
    Some(name.replace('/', "."))
}

/// The files that may hold an SLS, the first one before the other. A relative include may leave a dot at the end.
pub fn sls_paths(name: &str) -> [String; 2] {
    let parts: Vec<&str> = name.split('.').filter(|part| !part.is_empty()).collect();
    let path = parts.join("/");
    [format!("{path}.sls"), format!("{path}/init.sls")]
}

/// What the template of an SLS sees of its own file, a path below the root. A top file is no SLS, and has `sls` empty.
pub fn sls_variables(saltenv: &str, file: &str, sls: &str) -> Map {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    Map::from([
        ("saltenv", saltenv.to_owned()),
        ("sls", sls.to_owned()),
        ("tplpath", file.to_owned()),
        ("tplfile", file.to_owned()),
        ("tpldir", if folder.is_empty() { "." } else { folder }.to_owned()),
        ("tpldot", folder.replace('/', ".")),
        ("slspath", folder.to_owned()),
        ("slsdotpath", folder.replace('/', ".")),
        ("slscolonpath", folder.replace('/', ":")),
        ("sls_path", folder.replace('/', "_")),
    ])
}

/// Files of state (or pillar) trees, rendered for one host.
pub trait Source {
    /// The environments there are, `base` first.
    fn environments(&mut self) -> Vec<String>;

    /// Names of all SLS of an environment, dotted, sorted: globs choose among them.
    ///
    /// # Errors
    /// The whole message for the user.
    fn sls_names(&mut self, saltenv: &str) -> Result<Vec<String>, String>;

    /// The SLS `name` (dotted); `None` where there is no such file. `variables` are names its template sees besides
    /// the usual ones: the `defaults` of a pillar include. State trees have none.
    ///
    /// # Errors
    /// The whole message for the user: file, line, the lines around.
    fn sls(&mut self, saltenv: &str, name: &str, variables: &Map) -> Result<Option<Rendered>, String>;

    /// The environment's top file; `None` where there is none.
    ///
    /// # Errors
    /// As [`Source::sls`].
    fn top(&mut self, saltenv: &str) -> Result<Option<Rendered>, String>;
}
