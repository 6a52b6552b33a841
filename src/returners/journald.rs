//! `journald`: each return as an entry of the journal, its fields as fields.

use super::registry::{Definition, Key, RETURNS_AND_EVENTS, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings, message};
use async_trait::async_trait;
use std::path::PathBuf;
use tokio::net::UnixDatagram;

pub(super) const DEFINITION: Definition = Definition {
    name: "journald",
    aliases: &["journal"],
    prefixes: &["journald"],
    doc: "Each return as an entry of systemd's journal, with the fields HALITE_JID, HALITE_ID, HALITE_FUN, HALITE_RETCODE and \
          HALITE_RETURN (JSON): `journalctl HALITE_ID=web1`. An entry that is larger than a datagram is a dead letter.",
    keys: &[Key("socket", "/run/systemd/journal/socket", "Socket of the journal.")],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 64,
    at_once_max: 1,
    open,
};

struct Journald(PathBuf);

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Ok(Box::new(Journald(settings.text_or("socket", "/run/systemd/journal/socket")?.into())))
}

#[async_trait]
impl Returner for Journald {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let failed = |error: std::io::Error| {
            let why = format!("{}: {error}", self.0.display());
            // EMSGSIZE
            if error.raw_os_error() == Some(90) {
                DeliveryError::dead(why)
            } else {
                DeliveryError::retry(why)
            }
        };
        let socket = UnixDatagram::unbound().map_err(failed)?;
        socket.connect(&self.0).map_err(failed)?;
        for delivery in batch {
            socket.send(&entry(&delivery.item)).await.map_err(failed)?;
        }
        Ok(())
    }
}

fn entry(item: &Item) -> Vec<u8> {
    let summary = match item {
        Item::Event { tag, .. } => tag.clone(),
        _ => format!("{} returned from {}", item.text("fun"), item.text("id")),
    };
    let priority = if message::is_success(item) { "6" } else { "3" };
    let mut entry = Vec::new();
    let fields =
        [("MESSAGE", summary), ("PRIORITY", priority.into()), ("SYSLOG_IDENTIFIER", "halite".into())];
    let ours = ["jid", "id", "fun", "retcode"]
        .map(|name| (format!("HALITE_{}", name.to_uppercase()), message::plain(item.field(name))));
    for (name, value) in fields {
        field(&mut entry, name, &value);
    }
    for (name, value) in ours {
        field(&mut entry, &name, &value);
    }
    field(&mut entry, "HALITE_RETURN", &item.to_json());
    entry
}

/// A field in the form that may hold anything: name, line break, length, value, line break.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend(name.as_bytes());
    entry.push(b'\n');
    entry.extend((value.len() as u64).to_le_bytes());
    entry.extend(value.as_bytes());
    entry.push(b'\n');
}
