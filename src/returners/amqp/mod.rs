//! `amqp`: each return published to an exchange of RabbitMQ or another broker of AMQP 0-9-1, with the broker's
//! confirmation. The frames themselves are in [`wire`].

mod wire;

use super::net::{Place, tls};
use super::registry::{Definition, Key, RETURNS_AND_EVENTS, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings};
use async_trait::async_trait;
use halite_roster::Secret;
use wire::{Args, Line, method};

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
    takes: RETURNS_AND_EVENTS,
    batch_max: 64,
    at_once_max: 1,
    open,
};

/// What the default exchange is called in the configuration, where the empty text counts as not set.
const DEFAULT_EXCHANGE: &str = "default";

/// The broker refuses a message for what it is: too large, most likely.
const PRECONDITION_FAILED: u16 = 406;

struct Amqp {
    place: Place,
    user: String,
    password: Secret,
    vhost: String,
    exchange: String,
    routing_key: String,
    mandatory: bool,
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
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
        if value.len() > wire::SHORT_MAX {
            return Err(settings.refused(key, "has more than 255 bytes"));
        }
    }
    Ok(Box::new(amqp))
}

#[async_trait]
impl Returner for Amqp {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let mut line = self.log_in().await?;
        let mut frames = Vec::new();
        for delivery in batch {
            frames.extend(self.publication(&delivery.item, line.frame_max));
        }
        match line.confirmed(&frames, batch.len()).await {
            Ok(0) => {}
            // One by one the others are published once, however often this one comes back.
            Ok(_) if batch.len() > 1 => {
                return Err(DeliveryError::dead("some came back: no queue takes them"));
            }
            Ok(_) => {
                let key = self.routing_key(&batch[0].item);
                return Err(DeliveryError::retry(format!("no queue takes what has the routing key {key:?}")));
            }
            Err(refusal) if refusal.code == PRECONDITION_FAILED => return Err(DeliveryError::dead(refusal)),
            Err(refusal) => return Err(DeliveryError::retry(refusal)),
        }
        line.close().await;
        Ok(())
    }
}

impl Amqp {
    /// A line with an open channel that confirms what is published.
    async fn log_in(&self) -> Result<Line, DeliveryError> {
        let mut line = Line::new(self.place.connect().await?);
        let talked = self.talk(&mut line).await;
        talked.map(|()| line).map_err(DeliveryError::retry)
    }

    async fn talk(&self, line: &mut Line) -> Result<(), wire::Refusal> {
        line.greet().await?;
        line.ask(0, method::START_OK, self.introduction(), method::TUNE).await?;
        let mut tuned = Args::default();
        // One channel; no heartbeats, as a line is gone before they would be due.
        tuned.u16(1).u32(line.frame_max).u16(0);
        line.tell(0, method::TUNE_OK, tuned).await?;
        let mut vhost = Args::default();
        vhost.short(&self.vhost).short("").u8(0);
        line.ask(0, method::OPEN, vhost, method::OPEN_OK).await?;
        let mut channel = Args::default();
        channel.short("");
        line.ask(1, method::CHANNEL_OPEN, channel, method::CHANNEL_OPEN_OK).await?;
        let mut wait = Args::default();
        wait.u8(0);
        line.ask(1, method::CONFIRM_SELECT, wait, method::CONFIRM_SELECT_OK).await
    }

    /// Who we are, and what we understand.
    fn introduction(&self) -> Args {
        let mut able = Args::default();
        for name in ["publisher_confirms", "basic.nack", "authentication_failure_close"] {
            able.short(name).u8(b't').u8(1);
        }
        let mut properties = Args::default();
        properties.short("product").u8(b'S').long(b"halite");
        properties.short("capabilities").u8(b'F').long(able.bytes());
        let mut args = Args::default();
        let login = format!("\0{}\0{}", self.user, self.password.expose());
        args.long(properties.bytes()).short("PLAIN").long(login.as_bytes()).short("en_US");
        args
    }

    fn routing_key(&self, item: &Item) -> String {
        let host =
            item.text("id").replace(|c: char| c.is_whitespace() || c.is_control() || ".*#".contains(c), "_");
        let kind = item.kind().name();
        wire::shortened(&self.routing_key.replace("{kind}", kind).replace("{id}", &host))
    }

    /// The frames of one message.
    fn publication(&self, item: &Item, frame_max: u32) -> Vec<u8> {
        let mut publish = Args::default();
        publish.u16(0).short(&self.exchange).short(&self.routing_key(item)).u8(u8::from(self.mandatory));
        let (jid, id) = item.key();
        let key = wire::shortened(&format!("{jid}/{id}"));
        let mut headers = Args::default();
        headers.short("x-deduplication-header").u8(b'S').long(key.as_bytes());
        let body = item.to_json();
        let mut head = Args::default();
        head.u16(wire::BASIC).u16(0).u64(body.len() as u64).u16(wire::PROPERTIES);
        head.short("application/json").long(headers.bytes()).u8(wire::PERSISTENT);
        head.short(&key).short(item.kind().name()).short("halite");
        wire::publication(publish, &head, body.as_bytes(), frame_max)
    }
}
