//! Events of a runner: that it began, how far it is, what came of it, under `salt/run/JID/`.

use super::setup;
use crate::bus::{Event, EventLog};
use crate::config::Config;
use crate::jobs::system_clock;
use halite_wire::{Jid, Map, Value};
use std::path::PathBuf;

/// Tells of one call of a runner. Events are news: where they cannot be written, the call goes on.
pub(super) struct Crier {
    /// The folder of the events; `None` where nothing was ever kept, and looking shall not change that.
    folder: Option<PathBuf>,
    master_id: String,
    /// What every event says: `fun`, `fun_args`, `jid`, `user`.
    common: Map,
    jid: Jid,
}

impl Crier {
    pub(super) fn new(config: &Config, jid: Jid, fun: &str, fun_args: &[Value]) -> Crier {
        let folder = Some(config.dirs.store.clone()).filter(|folder| folder.is_dir());
        let common = Map::from([
            ("fun", Value::from(format!("runner.{fun}"))),
            ("fun_args", fun_args.iter().cloned().collect()),
            ("jid", jid.as_str().into()),
            ("user", setup::user().into()),
        ]);
        Crier { folder, master_id: setup::master_id(config), common, jid }
    }

    /// Writes `salt/run/JID/WHAT`, with `data` beside what all of them say.
    pub(super) async fn cry(&self, what: &str, data: Map) {
        let Some(folder) = &self.folder else { return };
        let mut all = self.common.clone();
        all.extend(data);
        let event = Event::new(format!("salt/run/{}/{what}", self.jid), all, system_clock()());
        let written = async { EventLog::open(folder, &self.master_id).await?.append(&[event]).await };
        if let Err(error) = written.await {
            tracing::debug!("an event is not written: {error}");
        }
    }
}
