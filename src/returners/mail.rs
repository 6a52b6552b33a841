//! Mail, for the returners that send some.

use super::{DeliveryError, SettingError, Settings};

/// One mail.
#[cfg_attr(not(feature = "smtp"), allow(dead_code))]
pub(super) struct Mail<'a> {
    pub from: &'a str,
    pub to: &'a [String],
    pub subject: String,
    pub html: bool,
    pub text: String,
    /// The same for the same delivery: it becomes the id of the message, so that a second copy is known as one.
    pub key: String,
}

#[cfg(feature = "smtp")]
pub(super) use with_lettre::Mailer;

#[cfg(not(feature = "smtp"))]
pub(super) struct Mailer;

#[cfg(not(feature = "smtp"))]
impl Mailer {
    pub fn new(_: &Settings) -> Result<Mailer, SettingError> {
        Err(SettingError::Feature("smtp"))
    }

    pub async fn send(&self, _: Mail<'_>) -> Result<(), DeliveryError> {
        Err(DeliveryError::retry(SettingError::Feature("smtp")))
    }
}

#[cfg(feature = "smtp")]
mod with_lettre {
    use super::{DeliveryError, Mail, SettingError, Settings};
    use lettre::message::header::ContentType;
    use lettre::message::{Mailbox, Message};
    use lettre::transport::smtp::authentication::Credentials;
    use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
    use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
    use std::time::Duration;

    /// A way to one mail server.
    pub(in crate::returners) struct Mailer(AsyncSmtpTransport<Tokio1Executor>);

    impl Mailer {
        /// By the keys `host` (or `smtp_server`), `port`, `tls`, `ca_file`, `username` and `password`.
        pub fn new(settings: &Settings) -> Result<Mailer, SettingError> {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let host = match settings.text("host")? {
                Some(host) => host,
                None => settings.text_or("smtp_server", "localhost")?,
            };
            let wrapped = settings.raw("tls").and_then(halite_wire::Value::as_str) == Some("wrapper");
            let (tls, usual) = match () {
                () if wrapped => (Tls::Wrapper(parameters(settings, &host)?), 465),
                () if settings.flag_or("tls", false)? => (Tls::Required(parameters(settings, &host)?), 25),
                () => (Tls::None, 25),
            };
            let is_open = matches!(tls, Tls::None);
            let building = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.as_str());
            let building = building
                .port(settings.port_or("port", usual)?)
                .timeout(Some(Duration::from_secs(4)))
                .tls(tls);
            Ok(Mailer(match (settings.text("username")?, settings.secret("password")?) {
                (Some(_), Some(_)) if is_open && !is_this_machine(&host) => {
                    return Err(settings.refused("password", "is not sent in the clear; set `tls`"));
                }
                (Some(user), Some(password)) => {
                    building.credentials(Credentials::new(user, password.expose().to_owned())).build()
                }
                _ => building.build(),
            }))
        }

        pub async fn send(&self, mail: Mail<'_>) -> Result<(), DeliveryError> {
            let mailbox = |text: &str| {
                text.trim()
                    .parse::<Mailbox>()
                    .map_err(|error| DeliveryError::retry(format!("{text:?}: {error}")))
            };
            // Line breaks would be folded into the header; nothing after one belongs there.
            let subject: String =
                mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let key: String = mail
                .key
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
                .collect();
            let mut message = Message::builder().from(mailbox(mail.from)?).subject(subject);
            message = message.message_id(Some(format!("<{key}@halite>")));
            for to in mail.to {
                message = message.to(mailbox(to)?);
            }
            let kind = if mail.html { ContentType::TEXT_HTML } else { ContentType::TEXT_PLAIN };
            let message = message.header(kind).body(mail.text).map_err(DeliveryError::dead)?;
            let sent = self.0.send(message).await;
            sent.map(drop).map_err(|error| match error.is_permanent() {
                true => DeliveryError::dead(error),
                false => DeliveryError::retry(error),
            })
        }
    }

    fn parameters(settings: &Settings, host: &str) -> Result<TlsParameters, SettingError> {
        let mut building = TlsParameters::builder(host.to_owned());
        if let Some(file) = settings.text("ca_file")? {
            let pem = std::fs::read(&file).map_err(|error| settings.refused("ca_file", error))?;
            let certificate =
                Certificate::from_pem(&pem).map_err(|error| settings.refused("ca_file", error))?;
            building = building.add_root_certificate(certificate);
        }
        building.build().map_err(|error| settings.refused("tls", error))
    }

    fn is_this_machine(host: &str) -> bool {
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}
