//! `cassandra_cql`: rows in Salt's tables of Cassandra or ScyllaDB. The frames themselves are in [`wire`].

#[cfg(test)]
mod tests;
mod wire;

use super::net::{Line, Place, tls_trusting};
use super::registry::{ALL, Definition, Key, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings};
use crate::jobs::json;
use async_trait::async_trait;
use halite_roster::Secret;
use halite_wire::{Jid, Value};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;
use wire::Statement;

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
    takes: ALL,
    batch_max: 64,
    at_once_max: 1,
    open,
};

const RETURN: &str = "INSERT INTO salt.salt_returns (jid, minion_id, fun, alter_time, full_ret, return, success) VALUES (?, ?, ?, ?, ?, ?, ?)";
const MINION: &str = "INSERT INTO salt.minions (minion_id, last_fun) VALUES (?, ?)";
const LOAD: &str = "INSERT INTO salt.jids (jid, load) VALUES (?, ?)";
const EVENT: &str =
    "INSERT INTO salt.salt_events (id, alter_time, data, master_id, tag) VALUES (?, ?, ?, ?, ?)";

/// 100 ns from the beginning of the Gregorian calendar, from which time UUIDs count, to that of Unix.
const GREGORIAN_TICKS: u64 = 0x01b2_1dd2_1381_4000;

struct Cassandra {
    places: Vec<Place>,
    user: String,
    password: Secret,
    /// `id` of the configuration: whom events are from.
    master: String,
    /// Taken out while it is at work: one that was cut off or failed is not used again.
    line: Mutex<Option<Box<dyn Line>>>,
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let hosts = settings.list("cluster")?;
    if hosts.is_empty() {
        return Err(settings.missing("cluster"));
    }
    let tls = match settings.raw("ssl_options") {
        None => None,
        Some(Value::Map(options)) => {
            Some(tls_trusting(settings, "ssl_options", options.get_str("ca_certs").map(str::to_owned))?)
        }
        Some(_) => return Err(settings.refused("ssl_options", "is not a dict")),
    };
    let port = settings.port_or("port", 9042)?;
    Ok(Box::new(Cassandra {
        places: hosts.into_iter().map(|host| Place::new(host, port, tls.clone())).collect(),
        user: settings.text_or("username", "cassandra")?,
        password: settings.secret("password")?.unwrap_or_else(|| Secret::new("cassandra".to_owned())),
        master: settings.of_config("id").and_then(Value::as_str).unwrap_or("master").to_owned(),
        line: Mutex::default(),
    }))
}

#[async_trait]
impl Returner for Cassandra {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let mut held = self.line.lock().await;
        let mut line = match held.take() {
            Some(line) => line,
            None => self.connect().await?,
        };
        let statements: Vec<Statement> =
            batch.iter().flat_map(|delivery| self.statements(&delivery.item)).collect();
        wire::run(&mut *line, &statements).await?;
        *held = Some(line);
        Ok(())
    }
}

impl Cassandra {
    /// A line to the first server that takes us.
    async fn connect(&self) -> Result<Box<dyn Line>, DeliveryError> {
        let mut failure = None;
        for place in &self.places {
            match self.log_in(place).await {
                Ok(line) => return Ok(line),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| DeliveryError::retry("there are no servers")))
    }

    async fn log_in(&self, place: &Place) -> Result<Box<dyn Line>, DeliveryError> {
        let mut line = place.connect().await?;
        wire::log_in(&mut *line, &self.user, &self.password).await?;
        Ok(line)
    }

    fn statements(&self, item: &Item) -> Vec<Statement> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX).to_be_bytes().to_vec();
        let text = |key| item.text(key).as_bytes().to_vec();
        let json = |value: &Value| json::encode_ascii(value).into_bytes();
        match item {
            Item::Return(_) => {
                let (whole, value) = (json(&item.to_value()), json(item.field("return")));
                let success = vec![u8::from(item.field("success").is_truthy())];
                let row = vec![text("jid"), text("id"), text("fun"), now, whole, value, success];
                vec![
                    Statement { cql: RETURN, values: row },
                    Statement { cql: MINION, values: vec![text("id"), text("fun")] },
                ]
            }
            Item::Load(_) => {
                vec![Statement { cql: LOAD, values: vec![text("jid"), json(&item.to_value())] }]
            }
            Item::Event { tag, data } => {
                let data = json(&Value::Map(data.clone()));
                let id = event_id(item.text("jid").parse().ok(), tag, &data);
                let row = vec![id, now, data, self.master.as_bytes().to_vec(), tag.as_bytes().to_vec()];
                vec![Statement { cql: EVENT, values: row }]
            }
        }
    }
}

/// A time UUID with the time of the event's job, and a digest where others have a clock and a network card: an event that
/// comes twice has the same.
fn event_id(jid: Option<Jid>, tag: &str, data: &[u8]) -> Vec<u8> {
    let ticks = GREGORIAN_TICKS + jid.map_or(0, |jid| jid.unix_micros()) * 10;
    let [a, b, c, d, e, f, g, h] = ticks.to_be_bytes();
    let mut digest = blake3::Hasher::new();
    digest.update(tag.as_bytes()).update(b"\0").update(data);
    let digest = digest.finalize();
    // Low, middle and high part of the time with the version; the variant; the bit of nodes that are no network cards.
    let mut id = vec![e, f, g, h, c, d, a & 0x0f | 0x10, b];
    id.extend(&digest.as_bytes()[..8]);
    id[8] = id[8] & 0x3f | 0x80;
    id[10] |= 0x01;
    id
}
