//! Who logs in where, and which message goes to which queue.

use super::super::net::{Place, tls};
use super::super::registry::Returner;
use super::super::{Delivery, DeliveryError, Item, SettingError, Settings};
use super::talk::{self, Talk};
use amq_protocol::frame::{AMQPContentHeader, AMQPFrame};
use amq_protocol::protocol::AMQPClass::{Basic, Channel, Confirm, Connection};
use amq_protocol::protocol::confirm::AMQPMethod::{Select, SelectOk};
use amq_protocol::protocol::connection::AMQPMethod::{Close, CloseOk, Open, OpenOk, StartOk, Tune, TuneOk};
use amq_protocol::protocol::{BasicProperties, basic, channel, confirm, connection};
use amq_protocol::types::{AMQPValue, FieldTable, MAX_SHORT_STRING_LENGTH};
use async_trait::async_trait;
use halite_roster::Secret;

/// What the default exchange is called in the configuration, where the empty text counts as not set.
const DEFAULT_EXCHANGE: &str = "default";

/// The delivery mode of a message that outlives the broker.
const PERSISTENT: u8 = 2;

/// Bytes of a frame that are not its payload.
const FRAME_AROUND: u32 = 8;

struct Amqp {
    place: Place,
    user: String,
    password: Secret,
    vhost: String,
    exchange: String,
    routing_key: String,
    mandatory: bool,
}

pub(super) fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let with_tls = settings.flag_or("tls", false)?;
    let tls = if with_tls { Some(tls(settings)?) } else { None };
    let port = settings.port_or("port", if with_tls { 5671 } else { 5672 })?;
    let exchange = settings.text_or("exchange", "amq.topic")?;
    let amqp = Amqp {
        place: Place::new(settings.text_or("host", "localhost")?, port, tls),
        user: settings.text_or("user", "guest")?,
        password: settings.secret("password")?.unwrap_or_else(|| Secret::new("guest".to_owned())),
        vhost: settings.text_or("vhost", "/")?,
        exchange: if exchange == DEFAULT_EXCHANGE { String::new() } else { exchange },
        routing_key: settings.text_or("routing_key", "halite.{kind}.{id}")?,
        mandatory: settings.flag_or("mandatory", true)?,
    };
    for (key, value) in [("vhost", &amqp.vhost), ("exchange", &amqp.exchange)] {
        if value.len() > MAX_SHORT_STRING_LENGTH {
            return Err(settings.refused(key, "has more than 255 bytes"));
        }
    }
    Ok(Box::new(amqp))
}

#[async_trait]
impl Returner for Amqp {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let mut talk = Talk::new(self.place.connect().await?);
        self.log_in(&mut talk).await.map_err(DeliveryError::retry)?;
        let mut frames = Vec::new();
        for delivery in batch {
            frames.extend(self.publication(&delivery.item, talk.frame_max)?);
        }
        match talk.confirmed(&frames, batch.len()).await? {
            0 => {}
            // One by one the others are published once, however often this one comes back.
            _ if batch.len() > 1 => return Err(DeliveryError::dead("some came back: no queue takes them")),
            _ => {
                let key = self.routing_key(&batch[0].item);
                return Err(DeliveryError::retry(format!("no queue takes what has the routing key {key:?}")));
            }
        }
        // So that the broker does not take it for an accident. All is confirmed: what goes wrong now changes nothing.
        let close = connection::Close { reply_code: 200, ..connection::Close::default() };
        let _ = talk.ask(0, Connection(Close(close)), Connection(CloseOk(connection::CloseOk {}))).await;
        Ok(())
    }
}

impl Amqp {
    /// Opens a channel that confirms what is published.
    async fn log_in(&self, talk: &mut Talk) -> Result<(), DeliveryError> {
        talk.greet().await?;
        talk.ask(0, Connection(StartOk(self.introduction())), Connection(Tune(connection::Tune::default())))
            .await?;
        // One channel; no heartbeats, as a line is gone before they would be due.
        let tuned = connection::TuneOk { channel_max: 1, frame_max: talk.frame_max, heartbeat: 0 };
        talk.tell(0, Connection(TuneOk(tuned))).await?;
        let vhost = connection::Open { virtual_host: self.vhost.as_str().into() };
        talk.ask(0, Connection(Open(vhost)), Connection(OpenOk(connection::OpenOk {}))).await?;
        let (open, opened) =
            (channel::AMQPMethod::Open(channel::Open {}), channel::AMQPMethod::OpenOk(channel::OpenOk {}));
        talk.ask(1, Channel(open), Channel(opened)).await?;
        talk.ask(1, Confirm(Select(confirm::Select::default())), Confirm(SelectOk(confirm::SelectOk {})))
            .await
    }

    /// Who we are, and what we understand.
    fn introduction(&self) -> connection::StartOk {
        let mut able = FieldTable::default();
        for name in ["publisher_confirms", "basic.nack", "authentication_failure_close"] {
            able.insert(name.into(), AMQPValue::Boolean(true));
        }
        let mut properties = FieldTable::default();
        properties.insert("product".into(), AMQPValue::LongString("halite".into()));
        properties.insert("capabilities".into(), AMQPValue::FieldTable(able));
        connection::StartOk {
            client_properties: properties,
            mechanism: "PLAIN".into(),
            response: format!("\0{}\0{}", self.user, self.password.expose()).into(),
            locale: "en_US".into(),
        }
    }

    fn routing_key(&self, item: &Item) -> String {
        let host =
            item.text("id").replace(|c: char| c.is_whitespace() || c.is_control() || ".*#".contains(c), "_");
        let kind = item.kind().name();
        shortened(self.routing_key.replace("{kind}", kind).replace("{id}", &host))
    }

    /// The frames of one message on channel 1: the method, the head, and the body in parts.
    fn publication(&self, item: &Item, frame_max: u32) -> Result<Vec<u8>, DeliveryError> {
        let publish = basic::AMQPMethod::Publish(basic::Publish {
            exchange: self.exchange.as_str().into(),
            routing_key: self.routing_key(item).into(),
            mandatory: self.mandatory,
            immediate: false,
        });
        let body = item.to_json().into_bytes();
        let head = AMQPContentHeader {
            class_id: basic::Publish::default().get_amqp_class_id(),
            body_size: body.len() as u64,
            properties: properties(item),
        };
        let mut frames = talk::bytes(&AMQPFrame::Method(1, Basic(publish)))?;
        frames.extend(talk::bytes(&AMQPFrame::Header(1, head))?);
        for part in body.chunks((frame_max - FRAME_AROUND) as usize) {
            frames.extend(talk::bytes(&AMQPFrame::Body(1, part.to_vec()))?);
        }
        Ok(frames)
    }
}

fn properties(item: &Item) -> BasicProperties {
    let (jid, second) = item.key();
    let key = shortened(format!("{jid}/{second}"));
    let mut headers = FieldTable::default();
    headers.insert("x-deduplication-header".into(), AMQPValue::LongString(key.as_str().into()));
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_headers(headers)
        .with_delivery_mode(PERSISTENT)
        .with_message_id(key.into())
        .with_type(item.kind().name().into())
        .with_app_id("halite".into())
}

/// Text that fits the protocol's short one and still stands for all of it: what is too long becomes its digest.
fn shortened(text: String) -> String {
    if text.len() <= MAX_SHORT_STRING_LENGTH { text } else { blake3::hash(text.as_bytes()).to_string() }
}
