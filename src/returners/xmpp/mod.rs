//! `xmpp`: each return as a chat message. The stream with the server is in [`stream`], its XML in [`xml`], and how the
//! password is proved in [`scram`].

mod scram;
mod stream;
#[cfg(test)]
mod tests;
mod xml;

use super::net::{Line, Place, tls};
use super::registry::{Definition, Key, RETURNS_AND_EVENTS, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings, message};
use async_trait::async_trait;
use halite_roster::Secret;
use halite_wire::Value;
use rustls::ClientConfig;
use std::sync::Arc;
use stream::{Account, Bounce, Stream, StreamError};
use xml::escaped;

pub(super) const DEFINITION: Definition = Definition {
    name: "xmpp",
    aliases: &[],
    prefixes: &["xmpp"],
    doc: "A chat message for each return. The connection is encrypted (STARTTLS) and the server's certificate verified.",
    keys: &[
        Key("jid", "", "Whose account: `user@example.org/resource`."),
        Key("password", "", "Password."),
        Key("recipient", "", "Who gets the messages."),
        Key("profile", "", "Name of a dict of the configuration that has `xmpp.jid` and `xmpp.password`."),
        Key("host", "", "Server, where it is not the domain of the jid."),
        Key("port", "5222", "Its port; 5223 where TLS is spoken from the start."),
        Key("tls", "True", "True: STARTTLS. `wrapper`: TLS from the start."),
        Key("ca_file", "", "Certificates to trust, instead of those of the machine."),
    ],
    takes: RETURNS_AND_EVENTS,
    batch_max: 16,
    at_once_max: 1,
    open,
};

/// Characters of a message; servers take at least ten thousand bytes, and usually more than a hundred thousand.
const MESSAGE_CHARS_MAX: usize = 10_000;

struct Xmpp {
    place: Place,
    tls: Arc<ClientConfig>,
    /// Whether TLS comes before the stream.
    is_wrapped: bool,
    account: Account,
    recipient: String,
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let is_wrapped = settings.raw("tls").and_then(Value::as_str) == Some("wrapper");
    if !is_wrapped && !settings.flag_or("tls", true)? {
        return Err(settings.refused("tls", "cannot be False: all would cross the network in the clear"));
    }
    let account = account(settings)?;
    let port = settings.port_or("port", if is_wrapped { 5223 } else { 5222 })?;
    Ok(Box::new(Xmpp {
        // The certificate is for the domain, whichever host it is served by: TLS is the stream's.
        place: Place::new(settings.text_or("host", &account.domain)?, port, None),
        tls: tls(settings)?,
        is_wrapped,
        account,
        recipient: settings.required("recipient")?,
    }))
}

/// The account; as in Salt a profile goes before keys of the returner's own.
fn account(settings: &Settings) -> Result<Account, SettingError> {
    let profile = settings.text("profile")?;
    let of_profile = |key: &str| {
        let dict = settings.of_config(profile.as_deref()?)?;
        let value = dict.get(&format!("xmpp.{key}")).or_else(|| dict.get(key))?;
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let jid = match of_profile("jid") {
        Some(jid) => jid,
        None => settings.required("jid")?,
    };
    let password = match of_profile("password") {
        Some(password) => Secret::new(password),
        None => settings.required_secret("password")?,
    };
    let (bare, resource) = jid.split_once('/').unwrap_or((&jid, "halite"));
    let (user, domain) = bare.split_once('@').ok_or_else(|| settings.refused("jid", "has no `@`"))?;
    Ok(Account { user: user.to_owned(), domain: domain.to_owned(), resource: resource.to_owned(), password })
}

#[async_trait]
impl Returner for Xmpp {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let line = self.place.connect().await?;
        let bounced = self.send(line, batch).await.map_err(DeliveryError::retry)?;
        let Some(Bounce { is_dead, why }) = bounced else { return Ok(()) };
        let why = format!("{} did not get it: {why}", self.recipient);
        // One by one the others are sent once, however often this one comes back.
        Err(if is_dead || batch.len() > 1 { DeliveryError::dead(why) } else { DeliveryError::retry(why) })
    }
}

impl Xmpp {
    async fn send(&self, line: Box<dyn Line>, batch: &[Delivery]) -> Result<Option<Bounce>, StreamError> {
        let ids: Vec<String> = batch.iter().map(|delivery| id_of(&delivery.item)).collect();
        let messages: String = batch.iter().map(|delivery| self.message(&delivery.item)).collect();
        let domain = &self.account.domain;
        let mut stream = Stream::open(line, self.tls.clone(), domain, self.is_wrapped).await?;
        stream.log_in(&self.account).await?;
        stream.send(&messages, &ids, domain).await
    }

    fn message(&self, item: &Item) -> String {
        let text = message::cut(&message::text(item), MESSAGE_CHARS_MAX);
        format!(
            "<message type='chat' to='{}' id='{}'><body>{}</body></message>",
            escaped(&self.recipient),
            escaped(&id_of(item)),
            escaped(&text)
        )
    }
}

/// The same for the same delivery.
fn id_of(item: &Item) -> String {
    let (jid, id) = item.key();
    format!("{jid}/{id}")
}
