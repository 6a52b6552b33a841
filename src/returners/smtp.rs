//! `smtp`: a mail for each return.

use super::mail::{Mail, Mailer};
use super::registry::{Definition, Key, RETURNS_AND_EVENTS, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings, message};
use crate::template::Source;
use async_trait::async_trait;
use halite_render::jinja::{NoFunctions, NoTemplates, Prepared};
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub(super) const DEFINITION: Definition = Definition {
    name: "smtp",
    aliases: &[],
    prefixes: &["smtp"],
    doc: "A mail for each return. Subject and text are Jinja templates over its fields.",
    keys: &[
        Key("from", "", "Sender."),
        Key("to", "", "Recipients, with commas between."),
        Key("host", "localhost", "Server."),
        Key("port", "25", "Its port; 465 where TLS is spoken from the start."),
        Key("username", "", "User."),
        Key("password", "", "Password; it is sent over TLS only, or to this machine."),
        Key("tls", "False", "True: STARTTLS. `wrapper`: TLS from the start."),
        Key("ca_file", "", "Certificates to trust beside those of the machine."),
        Key("subject", "Email from Salt", "Subject."),
        Key("fields", "", "Fields of the return that follow the subject, with commas between."),
        Key("template", "", "File of the text."),
        Key("renderer", "jinja", "Salt's; changes nothing."),
        Key("gpgowner", "", "User whose keyring encrypts the text to the recipients, by `gpg`."),
    ],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 1,
    at_once_max: 2,
    open,
};

const TEXT: &str = "id: {{ id }}\r\nfunction: {{ fun }}\r\nfunction args: {{ fun_args }}\r\njid: {{ jid }}\r\nreturn: {{ return }}\r\n";

struct Smtp {
    mailer: Mailer,
    from: String,
    to: Vec<String>,
    subject: Source,
    fields: Vec<String>,
    template: Source,
    gpg_owner: Option<String>,
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let template = match settings.text("template")? {
        Some(file) => Source::file(Path::new(&file)).map_err(|error| settings.refused("template", error))?,
        None => Source::builtin(TEXT),
    };
    let to = settings.list("to")?;
    if to.is_empty() {
        return Err(settings.missing("to"));
    }
    Ok(Box::new(Smtp {
        mailer: Mailer::new(settings)?,
        from: settings.required("from")?,
        to,
        subject: Source::written(settings, "subject").unwrap_or_else(|| Source::builtin("Email from Salt")),
        fields: settings.list("fields")?,
        template,
        gpg_owner: settings.text("gpgowner")?,
    }))
}

#[async_trait]
impl Returner for Smtp {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        for delivery in batch {
            let item = match &delivery.item {
                Item::Event { data, .. } if data.is_empty() => continue,
                Item::Event { data, .. } => &Item::Return(data.clone()),
                item => item,
            };
            let (subject, text) = self.written(item)?;
            let text = match &self.gpg_owner {
                Some(owner) => encrypted(owner, &self.to, text).await?,
                None => text,
            };
            let (jid, id) = item.key();
            let mail = Mail {
                from: &self.from,
                to: &self.to,
                subject,
                html: false,
                text,
                key: format!("{jid}.{id}"),
            };
            self.mailer.send(mail).await?;
        }
        Ok(())
    }
}

impl Smtp {
    /// Subject and text.
    fn written(&self, item: &Item) -> Result<(String, String), DeliveryError> {
        let fields = item.to_map();
        let names = fields.iter().filter_map(|(name, value)| Some((name.as_str()?, value.clone())));
        let variables = names.fold(Prepared::default(), |all, (name, value)| all.with(name, value));
        let render = |source: &Source, what: &str| {
            let rendered = source.render(what, &variables, &NoTemplates, &NoFunctions);
            rendered.map_err(|error| {
                DeliveryError::retry(format!("the template of the {what}: {}", error.report()))
            })
        };
        let mut subject = render(&self.subject, "subject")?;
        for field in &self.fields {
            let value = item.field(field);
            if !value.is_null() {
                subject += &format!(" {}", message::plain(value));
            }
        }
        Ok((subject, render(&self.template, "text")?))
    }
}

/// The text encrypted to all recipients.
async fn encrypted(owner: &str, to: &[String], text: String) -> Result<String, DeliveryError> {
    let mut gpg = Command::new("gpg");
    let home = if owner == "root" { "/root".to_owned() } else { format!("/home/{owner}") };
    gpg.args([
        "--homedir",
        &format!("{home}/.gnupg"),
        "--batch",
        "--armor",
        "--trust-model",
        "always",
        "--encrypt",
    ]);
    for recipient in to {
        gpg.arg("--recipient").arg(recipient);
    }
    gpg.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = gpg.spawn().map_err(|error| DeliveryError::retry(format!("gpg: {error}")))?;
    let mut stdin = child.stdin.take().ok_or_else(|| DeliveryError::retry("gpg has no stdin"))?;
    let writing = tokio::spawn(async move {
        let _ = stdin.write_all(text.as_bytes()).await;
    });
    let output = child.wait_with_output().await.map_err(DeliveryError::retry)?;
    writing.abort();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = message::cut(String::from_utf8_lossy(&output.stderr).trim(), 300);
    Err(DeliveryError::retry(format!("it is not sent in the clear: gpg says {why}")))
}
