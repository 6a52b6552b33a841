//! One host's pillar, from all its sources.

use super::ext;
use super::functions::{Caller, Host};
use super::tree::Tree;
use crate::files::FileServer;
use halite_engine::{Minion, Options, merge, pillar, pillar_top};
use halite_wire::message::{Answer, PillarAsk};
use halite_wire::{Map, MinionId, Value};
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What pillars are made of, the same for all hosts.
pub struct Settings {
    /// Environment to directories.
    pub roots: IndexMap<String, Vec<PathBuf>>,
    /// The controller's configuration: templates see it as `opts`.
    pub opts: Map,
    /// A dict of groups, or a list of such dicts.
    pub nodegroups: Value,
    /// For mirrors of repositories and our own thin.
    pub cache: PathBuf,
    /// The state tree, for functions that templates call.
    pub files: Arc<FileServer>,
}

/// Compiles pillars.
pub struct Pillar {
    roots: IndexMap<String, Vec<PathBuf>>,
    opts: Map,
    nodegroups: Map,
    cache: PathBuf,
    caller: Caller,
    databases: ext::Databases,
    repositories: ext::Repositories,
}

/// One host while its pillar is made.
pub(super) struct Request<'p> {
    pub id: &'p MinionId,
    pub grains: &'p Map,
    /// The configuration as templates for this host see it.
    pub opts: &'p Map,
    pub nodegroups: &'p Map,
    pub cache: &'p std::path::Path,
    pub roots: &'p IndexMap<String, Vec<PathBuf>>,
    pub options: &'p Options,
    pub caller: &'p Caller,
    pub databases: &'p ext::Databases,
    pub repositories: &'p ext::Repositories,
}

impl Pillar {
    pub fn new(settings: Settings) -> Pillar {
        let Settings { roots, opts, nodegroups, cache, files } = settings;
        let caller = Caller::new(cache.clone(), files);
        let nodegroups = flattened(&nodegroups);
        let (databases, repositories) = (ext::Databases::default(), ext::Repositories::default());
        Pillar { roots, opts, nodegroups, cache, caller, databases, repositories }
    }

    /// `{pillar, errors, tops}` for one host. What it says of itself are grains; who it is, the session knows. `tops` are
    /// the SLS of `master_tops` by environment, where there are any.
    pub fn answer(&self, id: &MinionId, wanted: PillarAsk) -> Answer {
        let ((pillar, mut errors), tops) =
            self.of(id, wanted, |request| (request.compile(), ext::tops(request)));
        let mut answer = Map::from([("pillar", pillar)]);
        match tops {
            Ok(tops) if tops.is_empty() => {}
            Ok(tops) => drop(answer.insert("tops", tops)),
            Err(more) => errors.extend(more),
        }
        if !errors.is_empty() {
            answer.insert("errors", errors.into_iter().map(Value::from).collect::<Value>());
        }
        Answer::Value(answer.into())
    }

    /// The pillar, and what was wrong with it, one text each.
    pub fn compile(&self, id: &MinionId, wanted: PillarAsk) -> (Map, Vec<String>) {
        self.of(id, wanted, |request| request.compile())
    }

    /// The top files of `pillar_roots` as one, rendered for this host, and what was wrong with them.
    pub fn top(&self, id: &MinionId, wanted: PillarAsk) -> (Map, Vec<String>) {
        self.of(id, wanted, |request| request.top())
    }

    /// What `make` does for this host.
    fn of<T>(&self, id: &MinionId, wanted: PillarAsk, make: impl Fn(&Request<'_>) -> T) -> T {
        let PillarAsk { mut grains, over, saltenv, pillarenv } = wanted;
        // The one grain that decides everywhere is not the host's to choose.
        grains.insert("id", id.as_str());
        let mut opts = self.opts.clone();
        opts.insert("id", id.as_str());
        opts.insert("minion_id", id.as_str());
        let mut options = Options::from_config(&self.opts);
        options.pillar_override = over;
        if options.pillarenv.is_none()
            && self.opts.get("pillarenv_from_saltenv").is_some_and(Value::is_truthy)
        {
            options.pillarenv.clone_from(&saltenv);
        }
        options.saltenv = saltenv.or(options.saltenv);
        options.pillarenv = pillarenv.or(options.pillarenv);
        opts.insert("saltenv", options.saltenv.clone().map_or(Value::Null, Value::from));
        opts.insert("pillarenv", options.pillarenv.clone().map_or(Value::Null, Value::from));
        let roots = with_any_environment(&self.roots, &options);
        let request = Request {
            id,
            grains: &grains,
            opts: &opts,
            nodegroups: &self.nodegroups,
            cache: &self.cache,
            roots: &roots,
            options: &options,
            caller: &self.caller,
            databases: &self.databases,
            repositories: &self.repositories,
        };
        make(&request)
    }
}

impl Request<'_> {
    fn compile(&self) -> (Map, Vec<String>) {
        let mut errors = Vec::new();
        let over = &self.options.pillar_override;
        let ext_first = self.opts.get("ext_pillar_first").is_some_and(Value::is_truthy);
        let mut data = if ext_first {
            let before = ext::add(self, over.clone(), &mut errors);
            let own = self.trees(&before, &mut errors);
            self.merge(before, own)
        } else {
            let own = self.trees(over, &mut errors);
            let own = if over.is_empty() { own } else { self.merge(own, over.clone()) };
            ext::add(self, own, &mut errors)
        };
        if !over.is_empty() {
            data = self.merge(data, over.clone());
        }
        ext::decrypt(self, &mut data, &mut errors);
        (data, errors)
    }

    fn top(&self) -> (Map, Vec<String>) {
        let known = Map::new();
        let host =
            Host { id: self.id, grains: self.grains, opts: self.opts, pillar: &known, caller: self.caller };
        pillar_top(&mut Tree::new(self.roots, host), self.options)
    }

    /// What the top files of `pillar_roots` assign. Templates see `known` as their pillar.
    fn trees(&self, known: &Map, errors: &mut Vec<String>) -> Map {
        self.tree_of(self.roots, known, errors)
    }

    /// The same for other roots: repositories have trees, too.
    pub fn tree_of(
        &self,
        roots: &IndexMap<String, Vec<PathBuf>>,
        known: &Map,
        errors: &mut Vec<String>,
    ) -> Map {
        let host =
            Host { id: self.id, grains: self.grains, opts: self.opts, pillar: known, caller: self.caller };
        let mut tree = Tree::new(roots, host);
        let made = pillar(&mut tree, &self.minion(known), self.options);
        errors.extend(made.errors);
        made.data
    }

    pub fn minion<'m>(&'m self, pillar: &'m Map) -> Minion<'m> {
        Minion {
            id: self.id.as_str(),
            grains: self.grains,
            pillar,
            nodegroups: self.nodegroups,
            opts: self.opts,
        }
    }

    /// `above` over `below`, as the configuration has it.
    pub fn merge(&self, below: Map, above: Map) -> Map {
        let strategy = match self.options.pillar_source_merging_strategy.as_str() {
            "smart" if self.options.renderer.split('|').next_back() == Some("yamlex") => "aggregate",
            other => other,
        };
        merge(below, above, strategy, self.options.pillar_merge_lists)
    }
}

/// `__env__` stands for the environment asked for, where that has no roots of its own.
fn with_any_environment(
    roots: &IndexMap<String, Vec<PathBuf>>,
    options: &Options,
) -> IndexMap<String, Vec<PathBuf>> {
    let mut roots = roots.clone();
    let Some(any) = roots.shift_remove("__env__") else { return roots };
    let wanted = options.pillarenv.as_deref().or(options.saltenv.as_deref()).unwrap_or("base");
    if !roots.contains_key(wanted) && crate::files::is_environment(wanted) {
        let named = any.iter().map(|root| PathBuf::from(root.to_string_lossy().replace("__env__", wanted)));
        roots.insert(wanted.to_owned(), named.collect());
    }
    roots
}

/// A dict, or a list of dicts as one.
pub(super) fn flattened(value: &Value) -> Map {
    match value {
        Value::Map(map) => map.clone(),
        Value::List(items) => items.iter().filter_map(Value::as_map).flat_map(|map| map.clone()).collect(),
        _ => Map::new(),
    }
}
