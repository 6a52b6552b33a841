//! The job stores people can choose by Salt's names, one file each.

pub(super) mod etcd;
pub(super) mod local_cache;
pub(super) mod memcache;
#[cfg(feature = "mongo")]
pub(super) mod mongo;
pub(super) mod mysql;
pub(super) mod postgres;
pub(super) mod postgres_local_cache;
pub(super) mod redis;
mod sql;

use super::remote::{Remote, Shelf};
use super::{JobStore, Options, StoreError};
use halite_roster::did_you_mean;
use postgres::Form;
use std::sync::Arc;

/// A kind of store.
pub struct Backend {
    /// As in `master_job_cache`, `ext_job_cache` and `--return`.
    pub name: &'static str,
    /// What its options begin with.
    pub options: &'static str,
    /// Opens nothing yet: the first use does.
    pub open: fn(&Options) -> Result<Arc<dyn JobStore>, StoreError>,
}

/// All of them, sorted by name.
pub const BACKENDS: &[Backend] = &[
    Backend { name: "etcd", options: "etcd", open: |options| shelf(etcd::open(options)) },
    Backend {
        name: "local_cache",
        options: "local_cache",
        open: |options| shelf(local_cache::open(options)),
    },
    Backend { name: "mariadb", options: "mysql", open: |options| shelf(mysql::open(options)) },
    Backend { name: "memcache", options: "memcache", open: |options| shelf(memcache::open(options)) },
    Backend { name: "mongo", options: "mongo", open: open_mongo },
    Backend { name: "mysql", options: "mysql", open: |options| shelf(mysql::open(options)) },
    Backend {
        name: "pgjsonb",
        options: "returner.pgjsonb",
        open: |options| shelf(postgres::open(options, Form::Jsonb)),
    },
    Backend {
        name: "postgres",
        options: "returner.postgres",
        open: |options| shelf(postgres::open(options, Form::Text)),
    },
    Backend {
        name: "postgres_local_cache",
        options: "master_job_cache.postgres",
        open: |options| shelf(postgres_local_cache::open(options)),
    },
    Backend { name: "redis", options: "redis", open: |options| shelf(redis::open(options)) },
];

fn shelf<S: Shelf + 'static>(opened: Result<S, StoreError>) -> Result<Arc<dyn JobStore>, StoreError> {
    Ok(Arc::new(Remote::new(opened?)))
}

#[cfg(feature = "mongo")]
fn open_mongo(options: &Options) -> Result<Arc<dyn JobStore>, StoreError> {
    shelf(mongo::open(options))
}

#[cfg(not(feature = "mongo"))]
fn open_mongo(_: &Options) -> Result<Arc<dyn JobStore>, StoreError> {
    Err(StoreError::NotBuilt { name: "mongo", feature: "mongo" })
}

/// The store called `name`, with its options. Nothing is connected yet.
///
/// # Errors
/// [`StoreError::Unknown`] with the nearest name, [`StoreError::Option`] where an option is wrong.
pub fn open(name: &str, options: Options) -> Result<Arc<dyn JobStore>, StoreError> {
    let Some(backend) = BACKENDS.iter().find(|backend| backend.name == name) else {
        let hint = did_you_mean(name, BACKENDS.iter().map(|backend| backend.name));
        return Err(StoreError::Unknown { name: name.to_owned(), hint });
    };
    (backend.open)(&options.named(backend.options))
}
