//! A client's stream with an XMPP server (RFC 6120): encrypted, logged in and bound, then messages.

use super::super::net::Line;
use super::answers::{Bounce, answer, reason};
use super::bounds::{Heard, Said, bounded};
use super::login::{self, Account, ChallengeError};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ProtocolVersion};
use sasl::client::MechanismError;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_xmpp::connect::AsyncReadAndWrite;
use tokio_xmpp::jid::Jid;
use tokio_xmpp::parsers::bind::BindQuery;
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::message::Message;
use tokio_xmpp::parsers::ping::Ping;
use tokio_xmpp::parsers::sasl::{Auth, Nonza, Response};
use tokio_xmpp::parsers::stream_features::StreamFeatures;
use tokio_xmpp::parsers::{ns, starttls};
use tokio_xmpp::xmlstream::{
    FallibleStreamElement, PendingFeaturesRecv, ReadError, StreamHeader, Timeouts, XmlStream,
    XmppStreamElement, initiate_stream,
};

/// What binds a login to its line, and its bytes (RFC 9266).
const EXPORTER: (&[u8], usize) = (b"EXPORTER-Channel-Binding", 32);

/// Why the stream goes no further. Never holds the password.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error(transparent)]
    Line(#[from] std::io::Error),
    #[error("the stream with the server broke: {0}")]
    Broken(#[from] ReadError),
    #[error("the login failed: {0}")]
    Mechanism(#[from] MechanismError),
    #[error(transparent)]
    Challenge(#[from] ChallengeError),
    #[error("the server refuses {what}: {why}")]
    Refused { what: &'static str, why: String },
    #[error("the server offers no {0}")]
    Missing(&'static str),
}

/// TLS to whoever holds a certificate for `domain`; what binds a login to it, where it has that. `from_the_start` says that
/// TLS comes before the stream.
pub async fn encrypt(
    mut line: Box<dyn Line>,
    tls: Arc<ClientConfig>,
    domain: &str,
    from_the_start: bool,
) -> Result<(TlsStream<Box<dyn Line>>, Option<Vec<u8>>), StreamError> {
    if !from_the_start {
        let (mut plain, features) = Stream::begin(&mut line, domain).await?;
        if !features.can_starttls() {
            return Err(StreamError::Missing("TLS"));
        }
        let request = XmppStreamElement::Starttls(starttls::Nonza::Request(starttls::Request));
        match plain.ask(&request).await? {
            XmppStreamElement::Starttls(starttls::Nonza::Proceed(_)) => {}
            answer => return Err(refused("TLS", &answer)),
        }
        // What else came before TLS is forgotten with `plain`: anybody could have said it.
    }
    let name = ServerName::try_from(domain.to_owned()).map_err(std::io::Error::other)?;
    let line = TlsConnector::from(tls).connect(name, line).await?;
    let session = line.get_ref().1;
    let exporter = || session.export_keying_material(vec![0; EXPORTER.1], EXPORTER.0, None).ok();
    let is_bindable = session.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    let exporter = is_bindable.then(exporter).flatten();
    Ok((line, exporter))
}

/// An open stream.
pub struct Stream<'a>(XmlStream<Box<dyn AsyncReadAndWrite + 'a>, Heard>);

impl<'a> Stream<'a> {
    /// Begins a stream on a line: what the server offers there.
    pub async fn begin(
        line: impl Line + 'a,
        domain: &str,
    ) -> Result<(Stream<'a>, StreamFeatures), StreamError> {
        let line: Box<dyn AsyncReadAndWrite + 'a> = Box::new(bounded(line));
        let begun = initiate_stream(line, ns::JABBER_CLIENT, header(domain), Timeouts::default()).await?;
        Self::begun(begun).await
    }

    async fn begun(
        begun: PendingFeaturesRecv<Box<dyn AsyncReadAndWrite + 'a>>,
    ) -> Result<(Stream<'a>, StreamFeatures), StreamError> {
        // The library would read them itself, but without bounds.
        let mut stream = Stream(begun.skip_features());
        match stream.hear().await? {
            Said::Features(features) => Ok((stream, features)),
            Said::Element(other) => Err(refused("the stream", &other.into_read_error()?)),
        }
    }

    /// Logs in, and takes a resource.
    pub async fn log_in(
        mut self,
        account: &Account,
        features: &StreamFeatures,
        exporter: Option<Vec<u8>>,
    ) -> Result<Stream<'a>, StreamError> {
        let way = login::way(account, features, exporter)?;
        let mut way = way.ok_or(StreamError::Missing("way to log in that we know"))?;
        let mechanism = way.name().parse().map_err(ReadError::ParseError)?;
        let first = way.initial();
        let auth = Auth { mechanism, data: first.clone() };
        let mut answer = self.ask(&XmppStreamElement::Sasl(Nonza::Auth(auth))).await?;
        if let XmppStreamElement::Sasl(Nonza::Challenge(challenge)) = answer {
            login::check(&first, &challenge.data)?;
            let data = way.response(&challenge.data)?;
            answer = self.ask(&XmppStreamElement::Sasl(Nonza::Response(Response { data }))).await?;
        }
        match answer {
            XmppStreamElement::Sasl(Nonza::Success(success)) => way.success(&success.data)?,
            answer => return Err(refused("the login", &answer)),
        }
        let anew = self.0.initiate_reset().send_header(header(&account.domain)).await?;
        let (mut stream, _) = Self::begun(anew).await?;
        let bind = Iq::from_set("bind", BindQuery::new(Some(account.resource.clone())));
        stream.tell(&XmppStreamElement::Stanza(bind.into())).await?;
        match stream.answer_to("bind", &[]).await? {
            (None, _) => Ok(stream),
            (Some(no), _) => Err(StreamError::Refused { what: "a resource", why: no.why }),
        }
    }

    /// Sends messages that all have an id, and waits until the server has dealt with all of them: what it says of the first
    /// that it does not deliver.
    pub async fn send(mut self, messages: Vec<Message>, to: Jid) -> Result<Option<Bounce>, StreamError> {
        let ids: Vec<_> =
            messages.iter().filter_map(|message| Some(message.id.as_ref()?.0.clone())).collect();
        for message in messages {
            self.0.feed(&XmppStreamElement::Stanza(message.into())).await?;
        }
        // Stanzas are dealt with in their order: who answers the last one has seen the others.
        let last = Iq::from_get("last", Ping).with_to(to);
        self.tell(&XmppStreamElement::Stanza(last.into())).await?;
        let (_, bounced) = self.answer_to("last", &ids).await?;
        // Everything has arrived: what goes wrong now changes nothing.
        let _ = self.0.shutdown().await;
        Ok(bounced)
    }

    /// What is wrong with the question `id`, and with the first of the messages `ids` that came back meanwhile. Others that
    /// come back are of earlier streams.
    async fn answer_to(
        &mut self,
        id: &str,
        ids: &[String],
    ) -> Result<(Option<Bounce>, Option<Bounce>), StreamError> {
        let mut bounced = None;
        loop {
            let Said::Element(heard) = self.hear().await? else { continue };
            if let FallibleStreamElement::Ok(error @ XmppStreamElement::StreamError(_)) = &*heard {
                return Err(refused("the stream", error));
            }
            match answer(*heard) {
                Some((of, wrong)) if of == id => return Ok((wrong, bounced)),
                Some((of, wrong)) if ids.contains(&of) => bounced = bounced.or(wrong),
                _ => {}
            }
        }
    }

    async fn ask(&mut self, question: &XmppStreamElement) -> Result<XmppStreamElement, StreamError> {
        self.tell(question).await?;
        match self.hear().await? {
            Said::Element(answer) => Ok(answer.into_read_error()?),
            Said::Features(_) => Err(StreamError::Missing("answer")),
        }
    }

    async fn tell(&mut self, element: &XmppStreamElement) -> Result<(), StreamError> {
        Ok(self.0.send(element).await?)
    }

    /// What comes next.
    async fn hear(&mut self) -> Result<Said, StreamError> {
        let Heard(said) = self.0.next().await.unwrap_or(Err(ReadError::StreamFooterReceived))?;
        Ok(said.map_err(ReadError::ParseError)?)
    }
}

fn header(domain: &str) -> StreamHeader<'_> {
    StreamHeader { to: Some(domain.into()), ..StreamHeader::default() }
}

fn refused(what: &'static str, answer: &XmppStreamElement) -> StreamError {
    StreamError::Refused { what, why: reason(answer) }
}
