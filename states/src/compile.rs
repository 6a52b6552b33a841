//! State trees of the file server, for the compiler of `halite-engine`: names become files, and files are rendered
//! with what Salt lets an SLS see.

use crate::template::{self, File};
use halite_engine::{Rendered, Source, sls_names, sls_paths, sls_variables};
use halite_modules::{Ctx, cache};
use halite_wire::Map;

/// The trees of this host's file server.
pub struct Tree<'t, 'l> {
    pub ctx: &'t mut Ctx<'l>,
}

impl Source for Tree<'_, '_> {
    fn environments(&mut self) -> Vec<String> {
        self.ctx.environments()
    }

    fn sls_names(&mut self, saltenv: &str) -> Result<Vec<String>, String> {
        Ok(sls_names(&*self.ctx.file_list(saltenv)?))
    }

    fn sls(&mut self, saltenv: &str, name: &str, variables: &Map) -> Result<Option<Rendered>, String> {
        for path in sls_paths(name) {
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
            return Ok(Some(Rendered::empty(path)));
        }
        let default = self.ctx.opts.get_str("renderer").unwrap_or("jinja|yaml").to_owned();
        let mut variables = variables(self.ctx, saltenv, path, sls);
        variables.extend(further.clone());
        let file = File { name: path, source: &source, saltenv, default: &default, is_sls: !sls.is_empty() };
        template::render(self.ctx, file, &variables).map(|output| Some(Rendered::new(path, output)))
    }
}

/// What the template of an SLS sees besides grains, pillar, options and functions.
///
/// `sls_path` and its like are about the folder of the file; a top file is no SLS, and has `sls` empty.
fn variables(ctx: &Ctx, saltenv: &str, path: &str, sls: &str) -> Map {
    let file = if sls.is_empty() { path.rsplit('/').next().unwrap_or(path) } else { path };
    let mut variables = sls_variables(saltenv, file, sls);
    let cached = cache::dir(ctx).join("files").join(saltenv).join(path);
    variables.insert("tplpath", cached.to_string_lossy().into_owned());
    variables
}

#[cfg(test)]
mod tests;
