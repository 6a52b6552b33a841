//! `syslog`: each return as a message of RFC 5424, to this machine or over UDP, TCP or TLS.

use super::http::this_host;
use super::net::{Line, Place, tls};
use super::registry::{Definition, Key, RETURNS_AND_EVENTS, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings};
use async_trait::async_trait;
use halite_wire::{Jid, Value};
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UdpSocket, UnixDatagram};
use tokio::sync::Mutex;

pub(super) const DEFINITION: Definition = Definition {
    name: "syslog",
    aliases: &[],
    prefixes: &["syslog"],
    doc: "Each return as a message of RFC 5424 with the return as JSON; job, host and function are structured data.",
    keys: &[
        Key("transport", "unix", "`unix`, `udp`, `tcp` or `tls`; udp where there is a host."),
        Key("host", "", "Host it goes to."),
        Key("port", "514", "Port; 6514 for tls."),
        Key("socket", "/dev/log", "Socket of this machine."),
        Key("facility", "LOG_USER", "Facility."),
        Key("level", "LOG_INFO", "Level."),
        Key("tag", "halite", "Name of the program in the message."),
        Key("ca_file", "", "Certificates to trust for tls, instead of those of the machine."),
        Key("options", "", "Salt's; changes nothing."),
    ],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 64,
    at_once_max: 1,
    open,
};

/// A datagram that does not fit is not sent in part.
const DATAGRAM_BYTES_MAX: usize = 65_000;

const LEVELS: [&str; 8] = ["EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"];
const FACILITIES: [(&str, u8); 20] = [
    ("KERN", 0),
    ("USER", 1),
    ("MAIL", 2),
    ("DAEMON", 3),
    ("AUTH", 4),
    ("SYSLOG", 5),
    ("LPR", 6),
    ("NEWS", 7),
    ("UUCP", 8),
    ("CRON", 9),
    ("AUTHPRIV", 10),
    ("FTP", 11),
    ("LOCAL0", 16),
    ("LOCAL1", 17),
    ("LOCAL2", 18),
    ("LOCAL3", 19),
    ("LOCAL4", 20),
    ("LOCAL5", 21),
    ("LOCAL6", 22),
    ("LOCAL7", 23),
];

struct Syslog {
    priority: u8,
    tag: String,
    way: Way,
}

enum Way {
    Unix(PathBuf),
    Udp(String, u16),
    /// Open from one batch to the next.
    Stream(Place, Mutex<Option<Box<dyn Line>>>),
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let host = settings.text("host")?;
    let usual = if host.is_some() { "udp" } else { "unix" };
    let transport = settings.text_or("transport", usual)?.to_lowercase();
    let host = || host.clone().ok_or_else(|| settings.missing("host"));
    let way = match transport.as_str() {
        "unix" => Way::Unix(settings.text_or("socket", "/dev/log")?.into()),
        "udp" => Way::Udp(host()?, settings.port_or("port", 514)?),
        "tcp" => Way::Stream(Place::new(host()?, settings.port_or("port", 514)?, None), Mutex::default()),
        "tls" => {
            let place = Place::new(host()?, settings.port_or("port", 6514)?, Some(tls(settings)?));
            Way::Stream(place, Mutex::default())
        }
        _ => return Err(settings.refused("transport", "is none of unix, udp, tcp and tls")),
    };
    let tag: String =
        settings.text_or("tag", "halite")?.chars().filter(char::is_ascii_graphic).take(48).collect();
    let level = word(settings, "level", "LOG_INFO")?;
    let facility = word(settings, "facility", "LOG_USER")?;
    let level = LEVELS
        .iter()
        .position(|name| *name == level)
        .ok_or_else(|| settings.refused("level", "is no level"))?;
    let facility = FACILITIES.iter().find(|(name, _)| *name == facility);
    let (_, facility) = facility.ok_or_else(|| settings.refused("facility", "is no facility"))?;
    let level = u8::try_from(level).unwrap_or(6);
    Ok(Box::new(Syslog { priority: facility * 8 + level, tag, way }))
}

/// `LOG_ERR` or `err`.
fn word(settings: &Settings, key: &str, usual: &str) -> Result<String, SettingError> {
    let word = settings.text_or(key, usual)?.to_uppercase();
    Ok(word.strip_prefix("LOG_").unwrap_or(&word).to_owned())
}

impl Syslog {
    fn message(&self, item: &Item) -> String {
        let now = Jid::from_unix_micros(crate::jobs::system_clock()());
        let time = format!("{}T{}Z", now.date(), now.time());
        let pid = std::process::id();
        let kind = item.kind().name();
        let pairs =
            ["jid", "id", "fun", "retcode"].map(|name| (name, super::message::plain(item.field(name))));
        let pairs = pairs.into_iter().filter(|(name, _)| *item.field(name) != Value::Null);
        let data: String = pairs.map(|(name, value)| format!(" {name}=\"{}\"", escaped(&value))).collect();
        let host = this_host();
        // 32473 is the number set aside for examples: there is none of ours.
        format!(
            "<{}>1 {time} {host} {} {pid} {kind} [halite@32473{data}] {}",
            self.priority,
            self.tag,
            item.to_json()
        )
    }
}

/// A value of structured data: quotes, backslashes and brackets are escaped, line breaks would end a message.
fn escaped(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]")
}

#[async_trait]
impl Returner for Syslog {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let messages: Vec<String> = batch.iter().map(|delivery| self.message(&delivery.item)).collect();
        match &self.way {
            Way::Unix(path) => {
                let failed =
                    |error: std::io::Error| DeliveryError::retry(format!("{}: {error}", path.display()));
                let socket = UnixDatagram::unbound().map_err(DeliveryError::retry)?;
                socket.connect(path).map_err(failed)?;
                for message in &messages {
                    fits(message)?;
                    socket.send(message.as_bytes()).await.map_err(failed)?;
                }
                Ok(())
            }
            Way::Udp(host, port) => {
                let failed = |error: std::io::Error| DeliveryError::retry(format!("{host}:{port}: {error}"));
                let address = tokio::net::lookup_host((host.as_str(), *port)).await.map_err(failed)?.next();
                let address =
                    address.ok_or_else(|| DeliveryError::retry(format!("{host} has no address")))?;
                let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(any).await.map_err(failed)?;
                socket.connect(address).await.map_err(failed)?;
                for message in &messages {
                    fits(message)?;
                    socket.send(message.as_bytes()).await.map_err(failed)?;
                }
                Ok(())
            }
            Way::Stream(place, line) => send(place, line, &messages).await,
        }
    }
}

fn fits(message: &str) -> Result<(), DeliveryError> {
    if message.len() <= DATAGRAM_BYTES_MAX {
        return Ok(());
    }
    Err(DeliveryError::dead(format!("{} bytes do not fit into one message; use tcp or tls", message.len())))
}

/// Sends messages with their lengths in front, as RFC 6587 counts them. A line that broke meanwhile is opened anew.
async fn send(
    place: &Place,
    line: &Mutex<Option<Box<dyn Line>>>,
    messages: &[String],
) -> Result<(), DeliveryError> {
    let framed: String = messages.iter().map(|message| format!("{} {message}", message.len())).collect();
    let mut line = line.lock().await;
    // Whoever reads syslog never answers: that the other side went away shows only as something to read.
    let mut open = match still_open(line.take()).await {
        Some(open) => open,
        None => place.connect().await?,
    };
    open.write_all(framed.as_bytes()).await.map_err(DeliveryError::retry)?;
    open.flush().await.map_err(DeliveryError::retry)?;
    *line = Some(open);
    Ok(())
}

async fn still_open(line: Option<Box<dyn Line>>) -> Option<Box<dyn Line>> {
    let mut line = line?;
    let mut byte = [0];
    let read = tokio::time::timeout(std::time::Duration::ZERO, line.read(&mut byte)).await;
    read.is_err().then_some(line)
}
