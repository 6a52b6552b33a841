//! `mqtt`: each return published to a broker, with its receipt (MQTT 3.1.1, quality of service 1).

use super::net::{Line, Place, tls};
use super::registry::{Definition, Key, RETURNS_AND_EVENTS, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings};
use async_trait::async_trait;
use halite_roster::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
    takes: RETURNS_AND_EVENTS,
    batch_max: 64,
    at_once_max: 1,
    open,
};

/// Messages the protocol has no length for.
const MESSAGE_BYTES_MAX: usize = 268_435_455 - 70_000;

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH_ONCE_AT_LEAST: u8 = 0x32;
const PUBACK: u8 = 0x40;
const DISCONNECT: [u8; 2] = [0xe0, 0];

struct Mqtt {
    place: Place,
    user: Option<String>,
    password: Option<Secret>,
    topic: String,
    retain: bool,
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let with_tls = settings.flag_or("tls", false)?;
    let tls = if with_tls { Some(tls(settings)?) } else { None };
    let port = settings.port_or("port", if with_tls { 8883 } else { 1883 })?;
    let topic = settings.text_or("topic", "halite")?;
    if topic.contains(['#', '+', '\0']) {
        return Err(settings.refused("topic", "has a wildcard or NUL"));
    }
    Ok(Box::new(Mqtt {
        place: Place::new(settings.text_or("host", "localhost")?, port, tls),
        user: settings.text("username")?,
        password: settings.secret("password")?,
        topic,
        retain: settings.flag_or("retain", false)?,
    }))
}

#[async_trait]
impl Returner for Mqtt {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let mut line = self.place.connect().await?;
        self.log_in(&mut *line).await?;
        let mut packets = Vec::new();
        for (number, delivery) in (1_u16..).zip(batch) {
            packets.extend(self.publish(number, &delivery.item)?);
        }
        let (mut from, mut to) = tokio::io::split(line);
        // The broker sends receipts while we still send: both ends must be served.
        let sending = async { to.write_all(&packets).await.map_err(DeliveryError::retry) };
        let receipts = async {
            for _ in batch {
                match packet(&mut from).await? {
                    (kind, _) if kind & 0xf0 == PUBACK => {}
                    (kind, _) => {
                        return Err(DeliveryError::retry(format!(
                            "the broker sent {kind:#x}, not a receipt"
                        )));
                    }
                }
            }
            Ok(())
        };
        tokio::try_join!(sending, receipts)?;
        let _ = to.write_all(&DISCONNECT).await;
        Ok(())
    }
}

impl Mqtt {
    async fn log_in(&self, line: &mut dyn Line) -> Result<(), DeliveryError> {
        let mut flags = 0b10;
        // No id: the broker makes one up for a session that it need not remember.
        let mut rest = text("");
        if let Some(user) = &self.user {
            flags |= 0b1000_0000;
            rest.extend(text(user));
            if let Some(password) = &self.password {
                flags |= 0b0100_0000;
                rest.extend(text(password.expose()));
            }
        }
        let mut body = text("MQTT");
        body.extend([4, flags, 0, 0]);
        body.extend(rest);
        line.write_all(&framed(CONNECT, &body)).await.map_err(DeliveryError::retry)?;
        match packet(line).await? {
            (CONNACK, body) if body.get(1) == Some(&0) => Ok(()),
            (CONNACK, body) => {
                Err(DeliveryError::retry(format!("the broker refuses us: code {:?}", body.get(1))))
            }
            (kind, _) => Err(DeliveryError::retry(format!("the broker answered {kind:#x}"))),
        }
    }

    fn publish(&self, number: u16, item: &Item) -> Result<Vec<u8>, DeliveryError> {
        let kind = item.kind().name();
        // A host's name may hold what is a wildcard in a topic.
        let host = item.text("id").replace(['#', '+', '/', '\0'], "_");
        let topic = match item {
            Item::Event { .. } => format!("{}/{kind}", self.topic),
            _ => format!("{}/{kind}/{host}", self.topic),
        };
        let message = item.to_json();
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(DeliveryError::dead(format!("{} bytes are too many for MQTT", message.len())));
        }
        let mut body = text(&topic);
        body.extend(number.to_be_bytes());
        body.extend(message.as_bytes());
        Ok(framed(PUBLISH_ONCE_AT_LEAST | u8::from(self.retain), &body))
    }
}

/// Text with its length in front; no text of ours is longer than its length can say.
fn text(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes().get(..text.len().min(65_535)).unwrap_or_default();
    let mut framed = u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes().to_vec();
    framed.extend(bytes);
    framed
}

/// A packet: kind, length in bytes of seven bits, body.
fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut length = body.len();
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or(0);
        length >>= 7;
        packet.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

/// The next packet of the broker; those we wait for are short.
async fn packet(line: &mut (impl AsyncReadExt + Unpin + ?Sized)) -> Result<(u8, Vec<u8>), DeliveryError> {
    let kind = line.read_u8().await.map_err(DeliveryError::retry)?;
    let mut length = 0_usize;
    for at in 0..4 {
        let byte = line.read_u8().await.map_err(DeliveryError::retry)?;
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            break;
        }
    }
    if length > 65_535 {
        return Err(DeliveryError::retry(format!("the broker sent a packet of {length} bytes")));
    }
    let mut body = vec![0; length];
    line.read_exact(&mut body).await.map_err(DeliveryError::retry)?;
    Ok((kind, body))
}
