//! Whose account, and what is sent to whom. The stream with the server is in [`super::stream`].

use super::super::net::{Line, Place, tls};
use super::super::registry::Returner;
use super::super::{Delivery, DeliveryError, Item, SettingError, Settings, message};
use super::answers::Bounce;
use super::login::Account;
use super::stream::{Stream, StreamError, encrypt};
use async_trait::async_trait;
use halite_roster::Secret;
use halite_wire::Value;
use rustls::ClientConfig;
use std::sync::Arc;
use tokio_xmpp::jid::Jid;
use tokio_xmpp::parsers::message::{Id, Lang, Message};

/// Characters of a message; servers take at least ten thousand bytes, and usually more than a hundred thousand.
const MESSAGE_CHARS_MAX: usize = 10_000;

struct Xmpp {
    place: Place,
    tls: Arc<ClientConfig>,
    /// Whether TLS comes before the stream.
    is_wrapped: bool,
    account: Account,
    /// The server that holds the account.
    server: Jid,
    recipient: Jid,
}

pub(super) fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
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
        server: jid(settings, "jid", &account.domain)?,
        account,
        recipient: jid(settings, "recipient", &settings.required("recipient")?)?,
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
    let text = match of_profile("jid") {
        Some(jid) => jid,
        None => settings.required("jid")?,
    };
    let password = match of_profile("password") {
        Some(password) => Secret::new(password),
        None => settings.required_secret("password")?,
    };
    let jid = jid(settings, "jid", &text)?;
    let user = jid.node().ok_or_else(|| settings.refused("jid", "has no `@`"))?;
    Ok(Account {
        user: user.to_string(),
        domain: jid.domain().to_string(),
        resource: jid.resource().map_or_else(|| "halite".to_owned(), ToString::to_string),
        password,
    })
}

fn jid(settings: &Settings, key: &str, text: &str) -> Result<Jid, SettingError> {
    Jid::new(text).map_err(|error| settings.refused(key, error))
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
        let messages = batch.iter().map(|delivery| self.message(&delivery.item)).collect();
        let domain = &self.account.domain;
        let (line, exporter) = encrypt(line, self.tls.clone(), domain, self.is_wrapped).await?;
        let (stream, features) = Stream::begin(line, domain).await?;
        let stream = stream.log_in(&self.account, &features, exporter).await?;
        stream.send(messages, self.server.clone()).await
    }

    /// The item's message, whose id is the same for the same delivery.
    fn message(&self, item: &Item) -> Message {
        let (jid, id) = item.key();
        let text = message::cut(&message::text(item), MESSAGE_CHARS_MAX);
        let mut message = Message::chat(self.recipient.clone()).with_body(Lang::new(), sayable(&text));
        message.id = Some(Id(sayable(&format!("{jid}/{id}"))));
        message
    }
}

/// Text that XML can hold: what it has no form for becomes U+FFFD, and lines end as they do there.
pub(super) fn sayable(text: &str) -> String {
    let said = |c| match c {
        '\t' | '\n' => c,
        '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c => c,
    };
    text.chars().filter(|c| *c != '\r').map(said).collect()
}
