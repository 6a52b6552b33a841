//! What every job store must do, and what happens when the disk, the clock or the process does not play along.

mod children;
mod contract;
mod disk;
#[cfg(feature = "etcd")]
mod etcd;
mod faults;
mod mirrors;
#[cfg(feature = "mongo")]
mod mongo;
mod oracle;
mod power;
mod shelves;
mod speed;
mod stores;

use super::*;
use crate::fleet::facts::Request;
use crate::fleet::outcome::{HostError, HostErrorKind, Outcome, Phase, Reached, Record};
use halite_wire::message::Return;
use halite_wire::{Jid, Map, MinionId, Value};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A directory that goes when the test ends.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> TempDir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("halite-jobs-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        TempDir(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn store_file(&self) -> PathBuf {
        self.0.join(FILE_NAME)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn request(fun: &str) -> Request {
    let (tgt, tgt_type, user) = ("*".to_owned(), "glob".to_owned(), "root".to_owned());
    let (arg, kwarg, metadata) = (vec!["a".into(), 7.into()], Map::new(), Map::new());
    Request { tgt, tgt_type, fun: fun.to_owned(), arg, kwarg, user, metadata, options: Vec::new() }
}

pub(crate) fn ids(names: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<MinionId> {
    names.into_iter().map(|name| name.as_ref().parse().unwrap()).collect()
}

pub(crate) fn record(id: &str, value: impl Into<Value>) -> Record {
    returned(id, value, 0)
}

pub(crate) fn returned(id: &str, value: impl Into<Value>, retcode: i64) -> Record {
    let ret = Return { value: value.into(), retcode, success: retcode == 0, out: None, notes: Vec::new() };
    Record::new(id.parse().unwrap(), Outcome::Returned(ret))
}

pub(crate) fn unreachable(id: &str) -> Record {
    let kind = HostErrorKind::Unreachable("refused".into());
    let error =
        HostError { addr: format!("{id}:22"), phase: Phase::Connect, reached: Reached::NotStarted, kind };
    Record::new(id.parse().unwrap(), Outcome::Failed(error))
}

/// Begins a job of `test.ping` on these hosts.
pub(crate) async fn begin(store: &dyn JobStore, targets: &[MinionId]) -> Jid {
    let request = request("test.ping");
    store.begin(NewJob { request: &request, targets, admitted: targets.len(), wanted: None }).await.unwrap()
}

fn stored(jid: Jid, record: &Record) -> StoredReturn {
    StoredReturn::new(jid, &request("test.ping"), record)
}

/// Changes the file of a store behind its back.
pub(crate) async fn run_sql(dir: &TempDir, sql: &'static str) {
    use sqlx::{ConnectOptions, Connection};
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(dir.store_file()).create_if_missing(true);
    let mut conn = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}
