//! Returners: every return, job and event, sent where people want it, from the controller.
//!
//! A run puts what hosts returned into a durable spool ([`spool`]) before it counts as durable; a worker for each returner
//! delivers from there ([`outbox`]) and never holds the run up. A job store elsewhere (`master_job_cache`) is one more
//! destination, which is told more: of hosts that gave no answer, and of the end of the job. What is left at its end is delivered by a `flush`
//! ([`flush`]) in the background or by the next run: at least once, de-duplicated by job and host. As in Salt a returner
//! hears only of hosts that returned.
//!
//! A returner is one file and one line in [`RETURNERS`].

mod delivery;
mod earlier;
mod events;
mod flush;
mod kwargs;
mod outbox;
mod outlet;
mod registry;
mod settings;
pub mod spool;
#[cfg(test)]
mod tests;
mod wanted;

mod amqp;
mod carbon;
mod cassandra_cql;
mod custom;
mod highstate;
mod http;
mod journald;
mod kafka;
mod local;
mod mail;
mod message;
mod mqtt;
mod multi;
mod nats;
mod net;
mod odbc;
mod rawfile_json;
mod smtp;
mod sqlite3;
mod stores;
mod syslog;
mod xmpp;
mod zabbix;

pub use delivery::{Delivery, DeliveryError, Fate, Item, Kind};
pub use flush::{FlushError, Flushed, PATIENCE_IN_BACKGROUND, flush, is_due, start_in_background};
pub use outbox::{Outbox, Outlets, Takes};
pub use outlet::{DELIVERY_MAX, OpenError, OpenFailure};
pub use registry::{Definition, Key, Returner, UnknownReturner, find};
pub use settings::{SettingError, Settings};
pub use spool::SpoolError;
pub use wanted::{Asked, Wanted};

use crate::config::Config;
use std::path::PathBuf;

/// All returners, sorted by name.
pub const RETURNERS: &[&Definition] = &[
    &amqp::DEFINITION,
    &http::APPOPTICS,
    &carbon::DEFINITION,
    &cassandra_cql::DEFINITION,
    &http::COUCHBASE,
    &http::COUCHDB,
    &http::elasticsearch::DEFINITION,
    &stores::ETCD,
    &highstate::DEFINITION,
    &http::HIPCHAT,
    &http::influxdb::DEFINITION,
    &journald::DEFINITION,
    &kafka::DEFINITION,
    &http::LIBRATO,
    &local::DEFINITION,
    &stores::LOCAL_CACHE,
    &stores::MARIADB,
    &http::MATTERMOST,
    &stores::MEMCACHE,
    &stores::MONGO,
    &mqtt::DEFINITION,
    &multi::DEFINITION,
    &stores::MYSQL,
    &http::NAGIOS_NRDP,
    &nats::DEFINITION,
    &odbc::DEFINITION,
    &stores::PGJSONB,
    &stores::POSTGRES,
    &stores::POSTGRES_LOCAL_CACHE,
    &http::PROMETHEUS,
    &http::PUSHOVER,
    &rawfile_json::DEFINITION,
    &stores::REDIS,
    &http::SENTRY,
    &http::SLACK,
    &http::SLACK_WEBHOOK,
    &http::SMS,
    &smtp::DEFINITION,
    &http::SPLUNK,
    &sqlite3::DEFINITION,
    &syslog::DEFINITION,
    &http::TELEGRAM,
    &http::webhook::DEFINITION,
    &xmpp::DEFINITION,
    &zabbix::DEFINITION,
];

/// Where the spool is.
pub fn spool_dir(config: &Config) -> PathBuf {
    config.dirs.store.with_file_name("returners")
}
