//! One function on this machine for itself, as runners want it.

use super::functions::{Caller, Host};
use crate::files::FileServer;
use halite_wire::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// Runs one function on this machine. The executor finds the grains of the machine, and has no pillar.
///
/// # Errors
/// What the function says went wrong, or why there is no executor.
pub fn here(
    cache: &Path,
    files: Arc<FileServer>,
    opts: &Map,
    name: &str,
    args: Vec<Value>,
    kwargs: Map,
) -> Result<Value, String> {
    let caller = Caller::new(cache.to_owned(), files);
    let machine = rustix::system::uname();
    let id = machine.nodename().to_string_lossy().parse().map_err(|error| format!("{error}"))?;
    let (grains, pillar) = (Map::new(), Map::new());
    let host = Host { id: &id, grains: &grains, opts, pillar: &pillar, caller: &caller };
    caller.call(&host, name, args, kwargs)
}
