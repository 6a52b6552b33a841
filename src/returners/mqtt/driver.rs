//! The talk with a broker: the library knows the packets and what may be said when, the bytes go over a line of ours.

use super::super::net::{Place, tls};
use super::super::registry::Returner;
use super::super::{Delivery, DeliveryError, Item, SettingError, Settings};
use async_trait::async_trait;
use halite_roster::Secret;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{Connection, ConnectionOptions, Event, Sendable};
use mqtt_protocol_core::mqtt::packet::v3_1_1::{Connect, Disconnect, Publish};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait, Packet, Qos, VariableByteInteger};
use mqtt_protocol_core::mqtt::result_code::{ConnectReturnCode, MqttError};
use mqtt_protocol_core::mqtt::{Version, role};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of a packet the broker may send; those we wait for have four.
const HEARD_BYTES_MAX: u32 = 65_536;

/// Bytes of a message: the protocol has no length for more, with the longest topic before it.
const MESSAGE_BYTES_MAX: usize = VariableByteInteger::MAX as usize - 70_000;

struct Mqtt {
    place: Place,
    user: Option<String>,
    password: Option<Secret>,
    topic: String,
    retain: bool,
}

pub(super) fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
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
        let (mut from, mut to) = tokio::io::split(self.place.connect().await?);
        let mut talk = Talk::new();
        send(&mut to, &talk.say(self.log_in().map_err(failed)?)?).await?;
        talk.be_let_in(&mut from).await?;
        let mut messages = Vec::new();
        for delivery in batch {
            let number = talk.0.acquire_packet_id().map_err(failed)?;
            messages.extend(talk.say(self.publish(number, &delivery.item)?)?);
        }
        // The broker sends receipts while we still send: both ends must be served.
        tokio::try_join!(send(&mut to, &messages), talk.receipts(&mut from, batch.len()))?;
        let _ = send(&mut to, &talk.say(Disconnect::new())?).await;
        Ok(())
    }
}

impl Mqtt {
    /// Without an id: the broker makes one up for a session that it need not remember.
    fn log_in(&self) -> Result<Connect, MqttError> {
        let mut connect = Connect::builder().clean_session(true);
        if let Some(user) = &self.user {
            connect = connect.user_name(user)?;
            if let Some(password) = &self.password {
                connect = connect.password(password.expose())?;
            }
        }
        connect.build()
    }

    fn publish(&self, number: u16, item: &Item) -> Result<Publish, DeliveryError> {
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
        let publish = Publish::builder().topic_name(topic).map_err(DeliveryError::dead)?;
        let publish = publish.qos(Qos::AtLeastOnce).packet_id(number).retain(self.retain).payload(message);
        publish.build().map_err(DeliveryError::dead)
    }
}

/// Our end of one connection.
struct Talk(Connection<role::Client>);

impl Talk {
    fn new() -> Talk {
        let options = ConnectionOptions::new().maximum_packet_size_recv(HEARD_BYTES_MAX);
        Talk(Connection::with_options(Version::V3_1_1, options))
    }

    /// The bytes of a packet.
    fn say(&mut self, packet: impl Sendable<role::Client, u16>) -> Result<Vec<u8>, DeliveryError> {
        let mut bytes = Vec::new();
        for event in self.0.checked_send(packet) {
            match event {
                Event::RequestSendPacket { packet, .. } => bytes.extend(packet.to_continuous_buffer()),
                Event::NotifyError(error) => return Err(failed(error)),
                // No keep-alive, so no timers; the line is closed where it is dropped.
                _ => {}
            }
        }
        Ok(bytes)
    }

    /// What the broker says next: one packet, and those that came with it.
    async fn hear(&mut self, from: &mut (impl AsyncRead + Unpin)) -> Result<Vec<Packet>, DeliveryError> {
        let (mut packets, mut bytes) = (Vec::new(), [0; 1024]);
        while packets.is_empty() {
            let length = from.read(&mut bytes).await.map_err(DeliveryError::retry)?;
            if length == 0 {
                return Err(DeliveryError::retry("the broker hung up"));
            }
            let mut unread = Cursor::new(&bytes[..length]);
            while !unread.remaining_slice().is_empty() {
                for event in self.0.recv(&mut unread) {
                    match event {
                        Event::NotifyPacketReceived(packet) => packets.push(packet),
                        Event::NotifyError(error) => return Err(failed(error)),
                        _ => {}
                    }
                }
            }
        }
        Ok(packets)
    }

    async fn be_let_in(&mut self, from: &mut (impl AsyncRead + Unpin)) -> Result<(), DeliveryError> {
        for packet in self.hear(from).await? {
            let Packet::V3_1_1Connack(answer) = packet else { return Err(unexpected(&packet)) };
            let code = answer.return_code();
            if code != ConnectReturnCode::Accepted {
                let why = format!("the broker refuses us: code {}, {code}", code as u8);
                return Err(DeliveryError::retry(why));
            }
        }
        Ok(())
    }

    /// Waits for this many receipts; one for what was not published, or a second one, is an error.
    async fn receipts(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        count: usize,
    ) -> Result<(), DeliveryError> {
        let mut received = 0;
        while received < count {
            for packet in self.hear(from).await? {
                let Packet::V3_1_1Puback(_) = packet else { return Err(unexpected(&packet)) };
                received += 1;
            }
        }
        Ok(())
    }
}

async fn send(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), DeliveryError> {
    to.write_all(bytes).await.map_err(DeliveryError::retry)?;
    to.flush().await.map_err(DeliveryError::retry)
}

fn failed(error: MqttError) -> DeliveryError {
    DeliveryError::retry(format!("MQTT: {error}"))
}

fn unexpected(packet: &Packet) -> DeliveryError {
    DeliveryError::retry(format!("the broker sent an unexpected {}", packet.packet_type().as_str()))
}
