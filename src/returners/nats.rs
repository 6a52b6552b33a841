//! `nats`: each return published to a subject, by the stream's receipt where there is one.

#[cfg(feature = "nats")]
use super::Item;
use super::registry::{Definition, Key, RETURNS_AND_EVENTS, Returner};
#[cfg(feature = "nats")]
use super::{Delivery, DeliveryError};
use super::{SettingError, Settings};

pub(super) const DEFINITION: Definition = Definition {
    name: "nats",
    aliases: &[],
    prefixes: &["nats"],
    doc: "Publishes each return as JSON to `SUBJECT.return.HOST`, and each event to `SUBJECT.event`. With `jetstream: True` the stream must \
          confirm each, and knows a second one by its `Nats-Msg-Id`.",
    keys: &[
        Key("servers", "nats://localhost:4222", "Servers; a list, or one."),
        Key("subject", "halite", "First part of the subjects. Dots in names of hosts become `_`."),
        Key("jetstream", "False", "Whether a stream confirms each message."),
        Key("user", "", "User."),
        Key("password", "", "Password."),
        Key("token", "", "Token, instead of these."),
        Key("tls", "False", "Whether TLS is required."),
        Key("ca_file", "", "Certificates to trust beside those of the machine."),
    ],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 64,
    at_once_max: 1,
    open,
};

#[cfg(not(feature = "nats"))]
fn open(_: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Err(SettingError::Feature("nats"))
}

#[cfg(feature = "nats")]
fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    use async_nats::ConnectOptions;
    let mut options =
        ConnectOptions::new().connection_timeout(std::time::Duration::from_secs(4)).name("halite");
    options = match (settings.secret("token")?, settings.text("user")?) {
        (Some(token), _) => options.token(token.expose().to_owned()),
        (None, Some(user)) => {
            let password = settings.required_secret("password")?;
            options.user_and_password(user, password.expose().to_owned())
        }
        (None, None) => options,
    };
    if let Some(file) = settings.text("ca_file")? {
        options = options.add_root_certificates(file.into());
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut servers = settings.list("servers")?;
    if servers.is_empty() {
        servers.push("nats://localhost:4222".to_owned());
    }
    Ok(Box::new(Nats {
        servers,
        options: options.require_tls(settings.flag_or("tls", false)?),
        subject: settings.text_or("subject", "halite")?,
        jetstream: settings.flag_or("jetstream", false)?,
        client: tokio::sync::Mutex::default(),
    }))
}

#[cfg(feature = "nats")]
struct Nats {
    servers: Vec<String>,
    options: async_nats::ConnectOptions,
    subject: String,
    jetstream: bool,
    client: tokio::sync::Mutex<Option<async_nats::Client>>,
}

#[cfg(feature = "nats")]
#[async_trait::async_trait]
impl Returner for Nats {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let client = self.client().await?;
        for delivery in batch {
            let item = &delivery.item;
            let (subject, payload) = (self.subject(item), item.to_json());
            if self.jetstream {
                self.confirmed(&client, item, subject, payload).await?;
            } else {
                client.publish(subject, payload.into()).await.map_err(DeliveryError::retry)?;
            }
        }
        // All of it is with the server when it answers this.
        client.flush().await.map_err(DeliveryError::retry)
    }
}

#[cfg(feature = "nats")]
impl Nats {
    async fn client(&self) -> Result<async_nats::Client, DeliveryError> {
        let mut held = self.client.lock().await;
        if let Some(client) = held.as_ref()
            && client.connection_state() == async_nats::connection::State::Connected
        {
            return Ok(client.clone());
        }
        let servers: Result<Vec<async_nats::ServerAddr>, _> =
            self.servers.iter().map(|server| server.parse()).collect();
        let servers = servers.map_err(DeliveryError::retry)?;
        let client = self.options.clone().connect(&servers[..]).await.map_err(DeliveryError::retry)?;
        *held = Some(client.clone());
        Ok(client)
    }

    fn subject(&self, item: &Item) -> String {
        let kind = item.kind().name();
        let host =
            item.text("id").replace(|c: char| c.is_whitespace() || c.is_control() || ".*>".contains(c), "_");
        match item {
            Item::Event { .. } => format!("{}.{kind}", self.subject),
            _ => format!("{}.{kind}.{host}", self.subject),
        }
    }

    /// The stream answers a publication as it answers a question.
    async fn confirmed(
        &self,
        client: &async_nats::Client,
        item: &Item,
        subject: String,
        payload: String,
    ) -> Result<(), DeliveryError> {
        let (jid, id) = item.key();
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Msg-Id", format!("{jid}/{}", id.replace(char::is_whitespace, "_")));
        let answer = client
            .request_with_headers(subject, headers, payload.into())
            .await
            .map_err(DeliveryError::retry)?;
        let answer = crate::jobs::json::decode(&String::from_utf8_lossy(&answer.payload)).unwrap_or_default();
        match answer.get("error") {
            None if answer.get("stream").is_some() => Ok(()),
            error => Err(DeliveryError::retry(format!(
                "the stream says: {}",
                super::message::plain(error.unwrap_or(&answer))
            ))),
        }
    }
}
