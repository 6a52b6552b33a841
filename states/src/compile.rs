//! State trees of the file server, for the compiler of `halite-engine`: names become files, and files are rendered
//! with what Salt lets an SLS see.

use crate::template::{self, File};
use halite_engine::{Place, Rendered, Source};
use halite_modules::{Ctx, cache};
use halite_render::template::Rendered as Output;
use halite_render::yaml::{Mark, Node, NodeKind};
use halite_wire::{Map, Value};

/// The trees of this host's file server.
pub struct Tree<'t, 'l> {
    pub ctx: &'t mut Ctx<'l>,
}

impl Source for Tree<'_, '_> {
    fn environments(&mut self) -> Vec<String> {
        self.ctx.environments()
    }

    fn sls_names(&mut self, saltenv: &str) -> Result<Vec<String>, String> {
        let paths = self.ctx.file_list(saltenv)?;
        let mut names: Vec<String> = paths.iter().filter_map(|path| sls_name(path)).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn sls(&mut self, saltenv: &str, name: &str, variables: &Map) -> Result<Option<Rendered>, String> {
        // A relative include may leave a dot at the end.
        let parts: Vec<&str> = name.split('.').filter(|part| !part.is_empty()).collect();
        let path = parts.join("/");
        for path in [format!("{path}.sls"), format!("{path}/init.sls")] {
            if let Some(rendered) = self.file(saltenv, &path, name, variables)? {
                return Ok(Some(rendered));
            }
        }
        Ok(None)
    }

    fn top(&mut self, saltenv: &str) -> Result<Option<Rendered>, String> {
        let named = self.ctx.opts.get_str("state_top").unwrap_or("top.sls");
        let path = named.strip_prefix("salt://").unwrap_or(named).to_owned();
        self.file(saltenv, &path, "", &Map::new())
    }
}

impl Tree<'_, '_> {
    /// The file `path` rendered as the SLS `sls`; `None` where it is not there.
    fn file(
        &mut self,
        saltenv: &str,
        path: &str,
        sls: &str,
        further: &Map,
    ) -> Result<Option<Rendered>, String> {
        if !self.ctx.file_list(saltenv)?.contains(path) {
            return Ok(None);
        }
        let Some(source) = self.ctx.file_text(saltenv, path)? else { return Ok(None) };
        if source.trim().is_empty() {
            return Ok(Some(Rendered { path: path.to_owned(), data: Map::new().into(), places: Vec::new() }));
        }
        let default = self.ctx.opts.get_str("renderer").unwrap_or("jinja|yaml").to_owned();
        let mut variables = variables(self.ctx, saltenv, path, sls);
        variables.extend(further.clone());
        let file = File { name: path, source: &source, saltenv, default: &default, is_sls: !sls.is_empty() };
        template::render(self.ctx, file, &variables).map(|output| Some(rendered(path, output)))
    }
}

/// The SLS a file holds: `web/init.sls` is `web`.
fn sls_name(path: &str) -> Option<String> {
    let name = path.strip_suffix("/init.sls").or_else(|| path.strip_suffix(".sls"))?;
    Some(name.replace('/', "."))
}

/// What the template of an SLS sees besides grains, pillar, options and functions.
///
/// `sls_path` and its like are about the folder of the file; a top file is no SLS, and has `sls` empty.
fn variables(ctx: &Ctx, saltenv: &str, path: &str, sls: &str) -> Map {
    let file = if sls.is_empty() { path.rsplit('/').next().unwrap_or(path) } else { path };
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let cached = cache::dir(ctx).join("files").join(saltenv).join(path);
    Map::from([
        ("saltenv", saltenv.to_owned()),
        ("sls", sls.to_owned()),
        ("tplpath", cached.to_string_lossy().into_owned()),
        ("tplfile", file.to_owned()),
        ("tpldir", if folder.is_empty() { "." } else { folder }.to_owned()),
        ("tpldot", folder.replace('/', ".")),
        ("slspath", folder.to_owned()),
        ("slsdotpath", folder.replace('/', ".")),
        ("slscolonpath", folder.replace('/', ":")),
        ("sls_path", folder.replace('/', "_")),
    ])
}

/// A file without data is an empty map.
fn rendered(path: &str, output: Output) -> Rendered {
    let (data, places) = match output {
        Output::Text(text) => (Value::Str(text), Vec::new()),
        Output::Data(node) => (node.to_value(), places(path, &node)),
    };
    let data = if data.is_truthy() { data } else { Map::new().into() };
    Rendered { path: path.to_owned(), data, places }
}

/// Where ids and the keys below them were written.
fn places(path: &str, node: &Node) -> Vec<((String, Option<String>), Place)> {
    let file = format!("salt://{path}");
    let place = |mark: Mark| Place { file: file.clone(), line: mark.line, column: mark.column };
    let mut places = Vec::new();
    for (id, body) in node.as_map().unwrap_or_default() {
        let Some(name) = id.as_str() else { continue };
        places.push(((name.to_owned(), None), place(id.mark)));
        if let NodeKind::Map(keys) = &body.kind {
            let keys = keys.iter().filter_map(|(key, _)| Some((key.as_str()?.to_owned(), place(key.mark))));
            places.extend(keys.map(|(key, place)| ((name.to_owned(), Some(key)), place)));
        }
    }
    places
}

#[cfg(test)]
mod tests;
