//! Trees of pillar files, for the compiler of `halite-engine`: names become files, and files are rendered for one host.

use super::functions::Host;
use crate::files::FileServer;
use crate::template::Source as Template;
use halite_engine::{Rendered, Source, sls_names, sls_paths, sls_variables};
use halite_render::jinja::{Loader, Parsed, Prepared, Settings};
use halite_render::template::Context;
use halite_wire::Map;
use indexmap::IndexMap;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

thread_local! {
    /// What was parsed on this thread: hosts come one after the other, with the same templates.
    static PARSED: Rc<Parsed> = Rc::default();
}

/// Environments and their directories.
type Roots = Vec<(String, Vec<PathBuf>)>;

/// Texts with the tags they were read with, by environment and path.
type Known = HashMap<(String, String), (u64, Template)>;

/// File servers by their roots: the same ones serve all hosts of a job.
#[derive(Default)]
pub(super) struct Servers(Mutex<HashMap<Roots, Arc<Texts>>>);

/// Files of some roots, and the texts that were read of them.
struct Texts {
    server: FileServer,
    known: Mutex<Known>,
}

/// The trees of one host.
pub struct Tree<'h> {
    texts: Arc<Texts>,
    environments: Vec<String>,
    host: Host<'h>,
    common: Prepared,
    parsed: Rc<Parsed>,
}

impl<'h> Tree<'h> {
    pub fn new(roots: &IndexMap<String, Vec<PathBuf>>, host: Host<'h>) -> Tree<'h> {
        let mut environments: Vec<String> = roots.keys().filter(|name| *name != "base").cloned().collect();
        environments.insert(0, "base".to_owned());
        let common = Prepared::default()
            .with("grains", host.grains.clone())
            .with("opts", host.opts.clone())
            .with("pillar", host.pillar.clone());
        Tree {
            texts: host.caller.servers.of(roots),
            environments,
            host,
            common,
            parsed: PARSED.with(Rc::clone),
        }
    }

    /// The file `path` rendered as the SLS `sls`; `None` where it is not there.
    fn file(&self, saltenv: &str, path: &str, sls: &str, further: &Map) -> Result<Option<Rendered>, String> {
        let Some(source) = self.texts.read(saltenv, path)? else { return Ok(None) };
        if source.text().trim().is_empty() {
            return Ok(Some(Rendered::empty(path)));
        }
        let default = self.host.opts.get_str("renderer").unwrap_or("jinja|yaml");
        let mut variables = self.common.clone();
        for (name, value) in &sls_variables(saltenv, path, sls) {
            variables = variables.with(name.as_str().unwrap_or_default(), value.clone());
        }
        for (name, value) in further {
            variables = variables.with(name.as_str().unwrap_or_default(), value.clone());
        }
        let loader = Imports { texts: &self.texts, saltenv, parsed: &self.parsed };
        let settings = Settings::of(self.host.opts, !sls.is_empty())?;
        let context =
            Context { variables: &variables, loader: &loader, functions: &self.host, settings: &settings };
        let output = source.pipeline(path, default, context).map_err(|error| error.report(source.text()))?;
        Ok(Some(Rendered::new(path, output)))
    }
}

impl Source for Tree<'_> {
    fn environments(&mut self) -> Vec<String> {
        self.environments.clone()
    }

    fn sls_names(&mut self, saltenv: &str) -> Result<Vec<String>, String> {
        Ok(sls_names(&self.texts.server.list(saltenv).unwrap_or_default()))
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
        let named = self.host.opts.get_str("state_top").unwrap_or("top.sls");
        let path = named.strip_prefix("salt://").unwrap_or(named).trim_start_matches('/').to_owned();
        self.file(saltenv, &path, "", &Map::new())
    }
}

impl Servers {
    fn of(&self, roots: &IndexMap<String, Vec<PathBuf>>) -> Arc<Texts> {
        let key: Roots = roots.iter().map(|(name, folders)| (name.clone(), folders.clone())).collect();
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let server = || FileServer::new(key.clone()).for_one_job();
        let made = || Arc::new(Texts { server: server(), known: Mutex::default() });
        servers.entry(key.clone()).or_insert_with(made).clone()
    }
}

impl Texts {
    /// The text of a file; `None` where no root has it.
    fn read(&self, saltenv: &str, path: &str) -> Result<Option<Template>, String> {
        let mut found = match self.server.find(saltenv, path) {
            Ok(found) => found,
            Err(error) if error.is_changed() => return Err(error.to_string()),
            Err(_) => return Ok(None),
        };
        let key = (saltenv.to_owned(), path.to_owned());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((_, text)) = known.filter(|(tag, _)| *tag == found.tag) {
            return Ok(Some(text));
        }
        let text = Template::served(&mut found).map_err(|error| format!("salt://{path}: {error}"))?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (found.tag, text.clone()));
        Ok(Some(text))
    }
}

/// Templates that templates import.
struct Imports<'t> {
    texts: &'t Texts,
    saltenv: &'t str,
    parsed: &'t Parsed,
}

impl Loader for Imports<'_> {
    fn load(&self, path: &str) -> Result<Option<String>, String> {
        Ok(self.texts.read(self.saltenv, path)?.map(|source| source.text().to_owned()))
    }

    fn parsed(&self) -> Option<&Parsed> {
        Some(self.parsed)
    }
}
