//! `kafka`: each return as a record of a topic, written to all replicas in sync before it counts.

#[cfg(feature = "kafka")]
mod driver;

use super::registry::{Definition, Key, RETURNS_AND_EVENTS};
#[cfg(not(feature = "kafka"))]
use super::{SettingError, Settings, registry::Returner};

#[cfg(feature = "kafka")]
use driver::open;

pub(super) const DEFINITION: Definition = Definition {
    name: "kafka",
    aliases: &[],
    prefixes: &["returner.kafka", "kafka"],
    doc: "Writes each return as a record of JSON to a topic, which must exist, and waits until all replicas in sync have it. The key of \
          the record is `JID/HOST`: one that comes twice has the same, and goes to the same partition.",
    keys: &[
        Key("bootstrap", "", "Brokers to begin with, `host:9092`; a list, or one."),
        Key("topic", "", "Topic."),
        Key("user", "", "User, where brokers ask for one."),
        Key("password", "", "Password."),
        Key("mechanism", "PLAIN", "How they are told: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`."),
        Key("tls", "False", "Whether TLS is spoken."),
        Key("ca_file", "", "Certificates to trust for tls, instead of those of the machine."),
    ],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 64,
    at_once_max: 1,
    open,
};

#[cfg(not(feature = "kafka"))]
fn open(_: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Err(SettingError::Feature("kafka"))
}
