//! A client's stream with an XMPP server (RFC 6120): encrypted, logged in and bound, then messages.

use super::scram::{self, Hash};
use super::xml::{self, Element, Heard, escaped};
use crate::returners::net::Line;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_roster::Secret;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

/// What a server may say at once.
const BYTES_MAX: usize = 1 << 20;

const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";

/// Ways to log in, the best first. The plain password is sent over TLS only: there is no stream without.
const MECHANISMS: [(&str, Option<Hash>); 3] =
    [("SCRAM-SHA-256", Some(Hash::Sha256)), ("SCRAM-SHA-1", Some(Hash::Sha1)), ("PLAIN", None)];

/// Whose messages they are.
pub struct Account {
    pub user: String,
    pub domain: String,
    pub resource: String,
    pub password: Secret,
}

/// Why the stream goes no further. Never holds the password.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error(transparent)]
    Line(#[from] std::io::Error),
    #[error(transparent)]
    Xml(#[from] xml::XmlError),
    #[error(transparent)]
    Scram(#[from] scram::ScramError),
    #[error("the server refuses {what}: {why}")]
    Refused { what: &'static str, why: String },
    #[error("the server offers no {0}")]
    Missing(&'static str),
    #[error("the server ended the stream")]
    Closed,
}

/// What the server says of a message it does not deliver.
pub struct Bounce {
    /// The message itself is at fault, not its recipient or the time.
    pub is_dead: bool,
    pub why: String,
}

/// An open stream.
pub struct Stream {
    line: Box<dyn Line>,
    /// What was read and not yet used.
    unread: Vec<u8>,
}

impl Stream {
    /// A stream over TLS to whoever holds a certificate for `domain`. `from_the_start` says that TLS comes before the stream.
    pub async fn open(
        line: Box<dyn Line>,
        tls: Arc<ClientConfig>,
        domain: &str,
        from_the_start: bool,
    ) -> Result<Stream, StreamError> {
        let mut plain = Stream { line, unread: Vec::new() };
        if !from_the_start {
            let features = plain.begin(domain).await?;
            features.child("starttls").ok_or(StreamError::Missing("TLS"))?;
            let answer = plain.ask(&format!("<starttls xmlns='{TLS}'/>")).await?;
            if answer.name != "proceed" {
                return Err(refused("TLS", &answer));
            }
        }
        // What came before TLS is forgotten with `plain`: anybody could have said it.
        let name = ServerName::try_from(domain.to_owned()).map_err(std::io::Error::other)?;
        let line = TlsConnector::from(tls).connect(name, plain.line).await?;
        Ok(Stream { line: Box::new(line), unread: Vec::new() })
    }

    /// Logs in, and takes a resource.
    pub async fn log_in(&mut self, account: &Account) -> Result<(), StreamError> {
        let features = self.begin(&account.domain).await?;
        let offered = features.child("mechanisms").map_or(&[][..], |offer| &offer.children);
        let is_offered = |name: &str| offered.iter().any(|mechanism| mechanism.text.trim() == name);
        let (name, hash) = MECHANISMS
            .into_iter()
            .find(|(name, _)| is_offered(name))
            .ok_or(StreamError::Missing("way to log in that we know"))?;
        match hash {
            Some(hash) => self.prove(account, name, hash).await?,
            None => self.tell_password(account).await?,
        }
        self.begin(&account.domain).await?;
        let bind = format!(
            "<iq type='set' id='bind'><bind xmlns='{BIND}'><resource>{}</resource></bind></iq>",
            escaped(&account.resource)
        );
        self.write(&bind).await?;
        let (answer, _) = self.answer_to("bind", &[]).await?;
        if answer.attribute("type") == "result" { Ok(()) } else { Err(refused("a resource", &answer)) }
    }

    async fn prove(&mut self, account: &Account, name: &str, hash: Hash) -> Result<(), StreamError> {
        let mut bytes = [0; 24];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
            .map_err(std::io::Error::from)?;
        let nonce = STANDARD.encode(bytes);
        let first = STANDARD.encode(scram::first(&account.user, &nonce));
        let challenge = self.ask(&format!("<auth xmlns='{SASL}' mechanism='{name}'>{first}</auth>")).await?;
        let challenge = decoded(&challenge, "challenge")?;
        let (proof, expected) = scram::answer(hash, &account.user, &account.password, &nonce, &challenge)?;
        let proof = STANDARD.encode(proof);
        let verdict = self.ask(&format!("<response xmlns='{SASL}'>{proof}</response>")).await?;
        scram::believe(&decoded(&verdict, "success")?, &expected)?;
        Ok(())
    }

    async fn tell_password(&mut self, account: &Account) -> Result<(), StreamError> {
        let login = STANDARD.encode(format!("\0{}\0{}", account.user, account.password.expose()));
        let verdict = self.ask(&format!("<auth xmlns='{SASL}' mechanism='PLAIN'>{login}</auth>")).await?;
        decoded(&verdict, "success").map(|_| ())
    }

    /// Sends messages with these ids, and waits until the server has dealt with all of them: what it says of the first that
    /// it does not deliver.
    pub async fn send(
        &mut self,
        messages: &str,
        ids: &[String],
        domain: &str,
    ) -> Result<Option<Bounce>, StreamError> {
        // Stanzas are dealt with in their order: who answers the last one has seen the others.
        let to = escaped(domain);
        let last = format!("<iq type='get' id='last' to='{to}'><ping xmlns='urn:xmpp:ping'/></iq>");
        self.write(&format!("{messages}{last}")).await?;
        let (_, bounced) = self.answer_to("last", ids).await?;
        // Everything has arrived: what goes wrong now changes nothing.
        let _ = self.write("</stream:stream>").await;
        Ok(bounced)
    }

    /// The answer to the question `id`, and the first of the messages `ids` that came back meanwhile. Others that come back
    /// are of earlier streams.
    async fn answer_to(
        &mut self,
        id: &str,
        ids: &[String],
    ) -> Result<(Element, Option<Bounce>), StreamError> {
        let mut bounced = None;
        loop {
            let heard = self.element().await?;
            let is_ours = || ids.iter().any(|id| id == heard.attribute("id"));
            match heard.name.as_str() {
                "iq" if heard.attribute("id") == id => return Ok((heard, bounced)),
                "message" if heard.attribute("type") == "error" && is_ours() => {
                    bounced.get_or_insert_with(|| bounce(&heard));
                }
                "error" => return Err(refused("the stream", &heard)),
                _ => {}
            }
        }
    }

    /// Begins a stream, anew after each step: the features the server offers now.
    async fn begin(&mut self, domain: &str) -> Result<Element, StreamError> {
        let tag = format!(
            "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams'>",
            escaped(domain)
        );
        self.write(&tag).await?;
        let features = self.element().await?;
        if features.name == "features" { Ok(features) } else { Err(refused("the stream", &features)) }
    }

    async fn ask(&mut self, text: &str) -> Result<Element, StreamError> {
        self.write(text).await?;
        self.element().await
    }

    async fn write(&mut self, text: &str) -> Result<(), StreamError> {
        self.line.write_all(text.as_bytes()).await?;
        Ok(self.line.flush().await?)
    }

    /// The next element within the stream.
    async fn element(&mut self) -> Result<Element, StreamError> {
        loop {
            if let Some((heard, length)) = xml::next(whole(&self.unread))? {
                self.unread.drain(..length);
                match heard {
                    Heard::Opened => continue,
                    Heard::Element(element) => return Ok(element),
                    Heard::Closed => return Err(StreamError::Closed),
                }
            }
            if self.unread.len() > BYTES_MAX || self.line.read_buf(&mut self.unread).await? == 0 {
                return Err(StreamError::Closed);
            }
        }
    }
}

/// As much of the bytes as is whole text.
fn whole(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// What a step of the login says, if it is the one we wait for.
fn decoded(element: &Element, wanted: &str) -> Result<String, StreamError> {
    if element.name != wanted {
        return Err(refused("the login", element));
    }
    let bytes = STANDARD.decode(element.text.trim()).unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The conditions an element names, and its words.
fn reason(element: &Element) -> String {
    let around = element.child("error").unwrap_or(element);
    let said = |child: &Element| if child.text.is_empty() { child.name.clone() } else { child.text.clone() };
    around.children.iter().map(said).collect::<Vec<_>>().join(", ")
}

fn refused(what: &'static str, answer: &Element) -> StreamError {
    StreamError::Refused { what, why: reason(answer) }
}

fn bounce(message: &Element) -> Bounce {
    let kind = message.child("error").map_or("", |error| error.attribute("type"));
    Bounce { is_dead: kind == "modify", why: reason(message) }
}
