//! `amqp`: each return published to an exchange of RabbitMQ or another broker of AMQP 0-9-1, with the broker's
//! confirmation.

#[cfg(feature = "amqp")]
mod driver;
#[cfg(feature = "amqp")]
mod talk;

use super::registry::{Definition, Key, RETURNS_AND_EVENTS};
#[cfg(not(feature = "amqp"))]
use super::{SettingError, Settings, registry::Returner};

#[cfg(feature = "amqp")]
use driver::open;

pub(super) const DEFINITION: Definition = Definition {
    name: "amqp",
    aliases: &["rabbitmq"],
    prefixes: &["amqp", "rabbitmq"],
    doc: "Publishes each return and event as JSON to an exchange of RabbitMQ (AMQP 0-9-1), kept on the broker's disk, and waits \
          until the broker confirms it. The message id, and the header `x-deduplication-header`, are job and host: a second one \
          can be told.",
    keys: &[
        Key("host", "localhost", "Broker."),
        Key("port", "5672", "Its port; 5671 for tls."),
        Key("tls", "False", "Whether TLS is spoken."),
        Key("ca_file", "", "Certificates to trust for tls, instead of those of the machine."),
        Key("user", "guest", "User."),
        Key("password", "guest", "Password."),
        Key("vhost", "/", "Virtual host."),
        Key(
            "exchange",
            "amq.topic",
            "Exchange, which must be there. `default` is the one that leads to queues by their name.",
        ),
        Key(
            "routing_key",
            "halite.{kind}.{id}",
            "Routing key: `{kind}` is `return` or `event`, `{id}` the host, its dots as `_`.",
        ),
        Key(
            "mandatory",
            "True",
            "Whether what no queue takes comes back and is sent again later, instead of being lost.",
        ),
    ],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 64,
    at_once_max: 1,
    open,
};

#[cfg(not(feature = "amqp"))]
fn open(_: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Err(SettingError::Feature("amqp"))
}
