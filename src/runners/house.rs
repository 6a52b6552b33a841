//! What runners need of the rest of the controller, as they see it.

use crate::files::FileServer;
use crate::jobs::StoredReturn;
use async_trait::async_trait;
use halite_wire::{Map, MinionId, Value};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A call on hosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calling {
    pub tgt: String,
    /// `glob`, `list`, `pcre`, ...
    pub tgt_type: String,
    pub fun: String,
    pub arg: Vec<Value>,
    pub kwarg: Map,
    /// How long the function may take on a host.
    pub timeout: Option<Duration>,
}

/// A host of the roster.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownHost {
    pub id: MinionId,
    /// Name or address.
    pub address: String,
}

/// The rest of the controller. Errors are sentences for the user.
#[async_trait]
pub trait House: Send + Sync {
    /// The configuration, every key as written or by default.
    fn opts(&self) -> &Map;

    /// `cachedir`.
    fn cache_dir(&self) -> &Path;

    /// What `salt://` leads to.
    ///
    /// # Errors
    /// The configuration of the file server is wrong.
    fn files(&self) -> Result<Arc<FileServer>, String>;

    /// The pillar of a host that has these grains, and what went wrong in it.
    ///
    /// # Errors
    /// It cannot be compiled at all.
    async fn pillar(
        &self,
        id: &MinionId,
        grains: Map,
        saltenv: Option<String>,
    ) -> Result<(Map, Vec<String>), String>;

    /// Runs an execution function on this machine.
    ///
    /// # Errors
    /// What it says went wrong.
    async fn here(&self, fun: &str, arg: Vec<Value>, kwarg: Map) -> Result<Value, String>;

    /// Hosts of the roster that a target means.
    ///
    /// # Errors
    /// The roster or the target is wrong.
    fn hosts(&self, tgt: &str, tgt_type: &str) -> Result<Vec<KnownHost>, String>;

    /// Runs a function on hosts, one return for each. It is no job of its own in the store.
    ///
    /// # Errors
    /// It could not begin: no host, no roster.
    async fn on_hosts(&self, calling: Calling) -> Result<Vec<StoredReturn>, String>;

    /// The folder of the event log; `None` where there are no events.
    fn events(&self) -> Option<&Path> {
        None
    }

    /// Shows an event at once, over several lines or on one; false where nobody reads any more.
    fn show_event(&self, _tag: &str, _data: &Value, _pretty: bool) -> bool {
        false
    }
}
