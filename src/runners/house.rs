//! What runners need of the rest of the controller, as they see it.

use crate::files::FileServer;
use crate::jobs::StoredReturn;
use async_trait::async_trait;
use halite_roster::Secret;
use halite_wire::{Jid, Map, MinionId, Value};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A call on hosts.
#[derive(Clone, Debug, Default)]
pub struct Calling {
    pub tgt: String,
    /// `glob`, `list`, `pcre`, ...
    pub tgt_type: String,
    pub fun: String,
    pub arg: Vec<Value>,
    pub kwarg: Map,
    /// How long the function may take on a host.
    pub timeout: Option<Duration>,
    /// Whom to be there, where that is not as the command line says.
    pub login: Login,
    /// Returners that get the returns, too, with commas between.
    pub ret: Option<String>,
    /// The id of the job, where one is wanted.
    pub jid: Option<Jid>,
    /// Whether it is only a look of our own: no job is kept, and no event tells of it.
    pub unkept: bool,
}

/// What a call says of the login; where it says nothing, the command line, the roster and the configuration do.
#[derive(Clone, Debug, Default)]
pub struct Login {
    pub roster: Option<String>,
    pub user: Option<String>,
    pub passwd: Option<Secret>,
    /// A path.
    pub private_key: Option<String>,
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

    /// The top of the pillar as one, rendered for a host that has these grains, and what went wrong in it.
    ///
    /// # Errors
    /// It cannot be read at all.
    async fn pillar_top(
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

    /// Runs a function on hosts, one return for each: a job like any other, in the store and among the events.
    ///
    /// # Errors
    /// It could not begin: no host, no roster.
    async fn on_hosts(&self, calling: Calling) -> Result<Vec<StoredReturn>, String>;

    /// The folder of the event log; `None` where there are no events.
    fn events(&self) -> Option<&Path> {
        None
    }

    /// Tells the user, and who follows the events, how far the function is.
    async fn progress(&self, _message: &str) {}

    /// Puts a line on stdout, whatever becomes of the answer.
    ///
    /// # Errors
    /// What writing says.
    async fn print_line(&self, _line: &str) -> Result<(), String> {
        Ok(())
    }

    /// Shows an event at once, over several lines or on one; false where nobody reads any more.
    fn show_event(&self, _tag: &str, _data: &Value, _pretty: bool) -> bool {
        false
    }
}
