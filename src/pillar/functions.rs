//! Functions in pillar templates: `salt['cmd.run']('hostname')`. They run on this machine, in a thin of our own that
//! has the grains of the host the pillar is for. Those that only read pillar or grains are answered at once.

use super::local::{self, Thin};
use super::tree::Servers;
use crate::files::FileServer;
use halite_render::jinja::Functions;
use halite_render::template::{HostPrograms, Programs};
use halite_wire::{Map, MinionId, Value, traverse};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Calls functions on this machine, in a thin that is written to the cache when a template first needs one. Thins
/// stay for the next call: as many as there are pillars made at the same time.
pub struct Caller {
    cache: PathBuf,
    files: Arc<FileServer>,
    executable: OnceLock<Result<PathBuf, String>>,
    idle: Mutex<Vec<Thin>>,
    /// The pillar's own files.
    pub(super) servers: Servers,
}

/// The host a template is rendered for.
#[derive(Clone, Copy)]
pub struct Host<'h> {
    pub id: &'h MinionId,
    pub grains: &'h Map,
    pub opts: &'h Map,
    /// What is known of its pillar so far.
    pub pillar: &'h Map,
    pub caller: &'h Caller,
}

impl Caller {
    pub fn new(cache: PathBuf, files: Arc<FileServer>) -> Caller {
        Caller {
            cache,
            files,
            executable: OnceLock::new(),
            idle: Mutex::default(),
            servers: Servers::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Thin>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a function for a host.
    ///
    /// # Errors
    /// What the function says went wrong, or why there is no thin.
    pub fn call(&self, host: &Host, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, String> {
        let executable = self.executable.get_or_init(|| local::executable(&self.cache)).as_ref()?;
        let kept = self.idle().pop().and_then(Thin::if_alive);
        let mut thin = kept.map_or_else(|| Thin::start(executable, host), Ok)?;
        let called = thin.call(host, &self.files, name, args, kwargs);
        let (answer, goes_on) = called.map_err(|error| format!("{name}: {error}"))?;
        if goes_on {
            self.idle().push(thin);
        }
        match answer {
            answer if answer.success || answer.retcode < 250 => Ok(answer.value),
            answer => Err(answer.value.as_str().unwrap_or("it failed").to_owned()),
        }
    }
}

impl Functions for Host<'_> {
    /// Where no thin can tell, yes: the call itself then says what is wrong.
    fn has(&self, name: &str) -> bool {
        let listed = || {
            let found = self.caller.call(self, "sys.list_functions", vec![name.into()], Map::new());
            found.map_or(true, |found| found.as_list().is_some_and(|names| !names.is_empty()))
        };
        at_once(name).is_some() || listed()
    }

    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, String> {
        if let Some(look_up) = at_once(name)
            && let Some(found) = look_up(self, &args, &kwargs)
        {
            return Ok(found);
        }
        self.caller.call(self, name, args, kwargs)
    }

    fn programs(&self) -> Option<&dyn Programs> {
        Some(&HostPrograms)
    }
}

type LookUp = fn(&Host, &[Value], &Map) -> Option<Value>;

/// The functions most templates call: they need no other process.
fn at_once(name: &str) -> Option<LookUp> {
    match name {
        "grains.get" => Some(|host, args, kwargs| get(host.grains, args, kwargs)),
        "pillar.get" => Some(|host, args, kwargs| get(host.pillar, args, kwargs)),
        _ => None,
    }
}

/// `get(key, default='')` with its plain arguments; `None` for calls that want more.
fn get(data: &Map, args: &[Value], kwargs: &Map) -> Option<Value> {
    if args.len() > 2 || kwargs.keys().any(|key| !matches!(key.as_str(), Some("key" | "default"))) {
        return None;
    }
    let key = args.first().or_else(|| kwargs.get("key"))?.as_str()?;
    let default = args.get(1).or_else(|| kwargs.get("default")).cloned().unwrap_or_else(|| "".into());
    Some(traverse::get(data, key, traverse::DELIMITER).cloned().unwrap_or(default))
}
