//! `cassandra_cql`: rows in Salt's tables of Cassandra or ScyllaDB.

#[cfg(feature = "cassandra")]
mod driver;
#[cfg(feature = "cassandra")]
mod rows;
#[cfg(all(test, feature = "cassandra"))]
mod tests;

use super::registry::{ALL, Definition, Key};
#[cfg(not(feature = "cassandra"))]
use super::{SettingError, Settings, registry::Returner};

#[cfg(feature = "cassandra")]
use driver::open;

pub(super) const DEFINITION: Definition = Definition {
    name: "cassandra_cql",
    aliases: &[],
    prefixes: &["cassandra"],
    doc: "Rows in Salt's tables `salt_returns`, `minions`, `jids` and `salt_events` of the keyspace `salt` in Cassandra or ScyllaDB. A \
          row counts when a quorum of the data centre has it; one that comes twice is the same row.",
    keys: &[
        Key("cluster", "", "Servers, tried in this order; a list, or one."),
        Key("port", "9042", "Their port."),
        Key("username", "cassandra", "User."),
        Key("password", "cassandra", "Password."),
        Key(
            "ssl_options",
            "",
            "A dict; where it is there, TLS is spoken, trusting `ca_certs` in it or the certificates of the machine.",
        ),
    ],
    common: &[],
    takes: ALL,
    batch_max: 64,
    at_once_max: 1,
    open,
};

#[cfg(not(feature = "cassandra"))]
fn open(_: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Err(SettingError::Feature("cassandra"))
}
