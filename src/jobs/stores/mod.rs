//! The job stores people can choose by Salt's names, one file each.

#[cfg(feature = "etcd")]
pub(super) mod etcd;
pub(super) mod local_cache;
pub(super) mod memcache;
#[cfg(feature = "mongo")]
pub(super) mod mongo;
#[cfg(feature = "mysql")]
pub(super) mod mysql;
#[cfg(feature = "postgres")]
pub(super) mod postgres;
#[cfg(feature = "postgres")]
pub(super) mod postgres_local_cache;
#[cfg(feature = "redis")]
pub(super) mod redis;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod sql;

use super::remote::{Remote, Shelf};
use super::{JobStore, Options, StoreError};
use crate::drivers;
use halite_roster::did_you_mean;
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

/// All that this build has the drivers for, sorted by name.
pub const BACKENDS: &[Backend] = &[
    #[cfg(feature = "etcd")]
    Backend { name: "etcd", options: "etcd", open: |options| shelf(etcd::open(options)) },
    Backend {
        name: "local_cache",
        options: "local_cache",
        open: |options| shelf(local_cache::open(options)),
    },
    #[cfg(feature = "mysql")]
    Backend { name: "mariadb", options: "mysql", open: |options| shelf(mysql::open(options)) },
    Backend { name: "memcache", options: "memcache", open: |options| shelf(memcache::open(options)) },
    #[cfg(feature = "mongo")]
    Backend { name: "mongo", options: "mongo", open: |options| shelf(mongo::open(options)) },
    #[cfg(feature = "mysql")]
    Backend { name: "mysql", options: "mysql", open: |options| shelf(mysql::open(options)) },
    #[cfg(feature = "postgres")]
    Backend {
        name: "pgjsonb",
        options: "returner.pgjsonb",
        open: |options| shelf(postgres::open(options, postgres::Form::Jsonb)),
    },
    #[cfg(feature = "postgres")]
    Backend {
        name: "postgres",
        options: "returner.postgres",
        open: |options| shelf(postgres::open(options, postgres::Form::Text)),
    },
    #[cfg(feature = "postgres")]
    Backend {
        name: "postgres_local_cache",
        options: "master_job_cache.postgres",
        open: |options| shelf(postgres_local_cache::open(options)),
    },
    #[cfg(feature = "redis")]
    Backend { name: "redis", options: "redis", open: |options| shelf(redis::open(options)) },
];

fn shelf<S: Shelf + 'static>(opened: Result<S, StoreError>) -> Result<Arc<dyn JobStore>, StoreError> {
    Ok(Arc::new(Remote::new(opened?)))
}

/// The store called `name`, with its options. Nothing is connected yet.
///
/// # Errors
/// [`StoreError::Unknown`] with the nearest name, [`StoreError::NotBuilt`] where this build has no driver for it,
/// [`StoreError::Option`] where an option is wrong.
pub fn open(name: &str, options: Options) -> Result<Arc<dyn JobStore>, StoreError> {
    if let Some(feature) = drivers::missing_for(name) {
        return Err(StoreError::NotBuilt { name: name.to_owned(), feature });
    }
    let Some(backend) = BACKENDS.iter().find(|backend| backend.name == name) else {
        let hint = did_you_mean(name, BACKENDS.iter().map(|backend| backend.name));
        return Err(StoreError::Unknown { name: name.to_owned(), hint });
    };
    (backend.open)(&options.named(backend.options))
}
