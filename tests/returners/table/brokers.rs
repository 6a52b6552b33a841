//! Rows of brokers, chats and drivers whose own tests stand beside this table.

use super::{Row, SCHEMA, Seen, items, seen};
#[cfg(feature = "cassandra")]
use crate::returners::cassandra::seen as cassandra;
use crate::returners::kit::{Bench, Gate};
use halite_site::RabbitMq;

pub const ROWS: &[Row] = &[
    Row { name: "amqp", server: "RabbitMQ", tried: || Box::pin(amqp()) },
    Row { name: "cassandra_cql", server: SCHEMA, tried: || Box::pin(cassandra()) },
    Row { name: "kafka", server: "librdkafka", tried: || Box::pin(kafka()) },
    Row { name: "mongo", server: SCHEMA, tried: || Box::pin(crate::returners::mongo::seen()) },
    Row { name: "odbc", server: "MariaDB", tried: || Box::pin(crate::returners::odbc::seen()) },
    Row { name: "xmpp", server: "Prosody", tried: || Box::pin(xmpp()) },
];

async fn amqp() -> Seen {
    let broker = RabbitMq::start().unwrap();
    broker.queue("all", "halite.#").unwrap();
    let mut gate = Gate::closed();
    let (user, password) = (RabbitMq::USER, RabbitMq::PASSWORD);
    let bench = Bench::new(&format!(
        "amqp.host: 127.0.0.1\namqp.port: {}\namqp.user: {user}\namqp.password: '{password}'",
        gate.port
    ));
    let read = async || {
        let messages = broker.messages("all").unwrap();
        messages.iter().map(|message| message["payload"].as_str().unwrap_or_default()).collect()
    };
    let up = async || gate.open(broker.port).await;
    seen("amqp", &bench, items("amqp"), Some(password), up, read).await
}

#[cfg(not(feature = "cassandra"))]
async fn cassandra() -> Seen {
    Seen::default()
}

/// This build has no driver.
#[cfg(not(feature = "xmpp"))]
async fn xmpp() -> Seen {
    Seen::default()
}

#[cfg(feature = "xmpp")]
async fn xmpp() -> Seen {
    use halite_site::Prosody;
    let server = Prosody::start(false).unwrap();
    let mut gate = Gate::closed();
    let bench = Bench::new(&format!(
        "xmpp.jid: {}\nxmpp.password: '{}'\nxmpp.recipient: {}\nxmpp.host: 127.0.0.1\nxmpp.port: {}\nxmpp.ca_file: {}",
        Prosody::USER,
        Prosody::PASSWORD,
        Prosody::READER,
        gate.port,
        server.certificate.display()
    ));
    let read = async || server.texts().unwrap().concat();
    let up = async || gate.open(server.port).await;
    seen("xmpp", &bench, items("xmpp"), Some(Prosody::PASSWORD), up, read).await
}

/// This build has no driver.
#[cfg(not(feature = "kafka"))]
async fn kafka() -> Seen {
    Seen::default()
}

#[cfg(feature = "kafka")]
async fn kafka() -> Seen {
    use halite_site::Kafka;
    let server = Kafka::start().unwrap();
    let mut gate = Gate::closed();
    let bench = Bench::new(&format!(
        "returner.kafka.bootstrap: ['127.0.0.1:{}']\nreturner.kafka.topic: {}",
        gate.port,
        Kafka::TOPIC
    ));
    let items = items("kafka");
    let count = items.len();
    let read = async || {
        let records = crate::returners::kafka::records(&server, count).await;
        records.into_iter().map(|record| record.value).collect()
    };
    let up = async || gate.open(server.port).await;
    seen("kafka", &bench, items, None, up, read).await
}
