//! `mqtt`: each return published to a broker, with its receipt (MQTT 3.1.1, quality of service 1).

#[cfg(feature = "mqtt")]
mod driver;

use super::registry::{Definition, Key, RETURNS_AND_EVENTS};
#[cfg(not(feature = "mqtt"))]
use super::{SettingError, Settings, registry::Returner};

#[cfg(feature = "mqtt")]
use driver::open;

pub(super) const DEFINITION: Definition = Definition {
    name: "mqtt",
    aliases: &[],
    prefixes: &["mqtt"],
    doc: "Publishes each return as JSON under `TOPIC/return/HOST`, and each event under `TOPIC/event`, and waits for the broker's \
          receipt (quality of service 1).",
    keys: &[
        Key("host", "localhost", "Broker."),
        Key("port", "1883", "Its port; 8883 for tls."),
        Key("tls", "False", "Whether TLS is spoken."),
        Key("ca_file", "", "Certificates to trust for tls, instead of those of the machine."),
        Key("username", "", "User."),
        Key("password", "", "Password."),
        Key("topic", "halite", "First part of the topics."),
        Key("retain", "False", "Whether the broker keeps the last message of each topic."),
    ],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 64,
    at_once_max: 1,
    open,
};

#[cfg(not(feature = "mqtt"))]
fn open(_: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Err(SettingError::Feature("mqtt"))
}
