//! `carbon`: numbers in returns as metrics for Graphite.

use super::net::Place;
use super::registry::{Definition, Key, RETURNS_AND_EVENTS, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings};
use async_trait::async_trait;
use halite_wire::Value;
use tokio::io::AsyncWriteExt;

pub(super) const DEFINITION: Definition = Definition {
    name: "carbon",
    aliases: &[],
    prefixes: &["carbon"],
    doc: "Every number in a return as a metric `FUNCTION.HOST.PATH`, with the time of the job. What is no number is left out; \
          booleans are 1 and 0.",
    keys: &[
        Key("host", "", "Host of carbon."),
        Key("port", "2003", "Its port; 2004 for pickles."),
        Key("mode", "text", "`text` or `pickle`."),
        Key(
            "skip_on_error",
            "True",
            "Whether what is no number is left out; else such a return is a dead letter.",
        ),
        Key("skip", "True", "The same, where skip_on_error is not set."),
    ],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 64,
    at_once_max: 1,
    open,
};

struct Carbon {
    place: Place,
    pickle: bool,
    skip: bool,
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let pickle = settings.text_or("mode", "text")?.eq_ignore_ascii_case("pickle");
    let port = settings.port_or("port", if pickle { 2004 } else { 2003 })?;
    let place = Place::new(settings.required("host")?, port, None);
    let skip = settings.flag_or("skip_on_error", settings.flag_or("skip", true)?)?;
    Ok(Box::new(Carbon { place, pickle, skip }))
}

/// Name, value, seconds since 1970.
type Metric = (String, f64, i64);

#[async_trait]
impl Returner for Carbon {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let mut metrics = Vec::new();
        for delivery in batch {
            self.metrics(&delivery.item, &mut metrics)?;
        }
        if metrics.is_empty() {
            return Ok(());
        }
        let bytes = if self.pickle { pickled(&metrics) } else { lines(&metrics) };
        let mut line = self.place.connect().await?;
        line.write_all(&bytes).await.map_err(DeliveryError::retry)?;
        line.shutdown().await.map_err(DeliveryError::retry)
    }
}

impl Carbon {
    fn metrics(&self, item: &Item, all: &mut Vec<Metric>) -> Result<(), DeliveryError> {
        let (base, value, skip) = match item {
            Item::Event { tag, data } => {
                (tag.replace('/', "."), data.get("data").unwrap_or(&Value::NULL), true)
            }
            _ => {
                let fun = item.text("fun");
                let host = item.text("id").replace('.', "_");
                // A virtual machine keeps its metrics where it moves.
                let base = if fun.starts_with("virt.") { fun.to_owned() } else { format!("{fun}.{host}") };
                (base, item.field("return"), self.skip)
            }
        };
        let at = item.text("jid").parse::<halite_wire::Jid>().map_or(0, |jid| jid.unix_micros() / 1_000_000);
        walk(base, value, i64::try_from(at).unwrap_or(0), skip, all)
    }
}

fn walk(
    path: String,
    value: &Value,
    at: i64,
    skip: bool,
    all: &mut Vec<Metric>,
) -> Result<(), DeliveryError> {
    let number = match value {
        Value::Map(map) => {
            let mut entries = map.iter();
            return entries.try_for_each(|(key, value)| {
                walk(format!("{path}.{}", part(&super::message::plain(key))), value, at, skip, all)
            });
        }
        Value::List(items) => {
            let mut items = items.iter();
            return items.try_for_each(|item| {
                walk(format!("{path}.{}", part(&super::message::plain(item))), item, at, skip, all)
            });
        }
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number.filter(|number| number.is_finite()) {
        Some(number) => all.push((path, number, at)),
        None if skip => {}
        None => return Err(DeliveryError::dead(format!("{path} is no number"))),
    }
    Ok(())
}

/// One part of a name: blanks and line breaks would make another metric of it, and tags begin with a semicolon.
fn part(text: &str) -> String {
    let ends_it = |c: char| c.is_whitespace() || c.is_control() || c == ';';
    text.chars().map(|c| if ends_it(c) { '_' } else { c }).take(200).collect()
}

fn lines(metrics: &[Metric]) -> Vec<u8> {
    metrics.iter().map(|(name, value, at)| format!("{name} {value} {at}\n")).collect::<String>().into_bytes()
}

/// `[(name, (time, value)), ...]` in Python's second pickle protocol, with its length in front.
fn pickled(metrics: &[Metric]) -> Vec<u8> {
    let mut pickle = b"\x80\x02](".to_vec();
    for (name, value, at) in metrics {
        pickle.push(b'X');
        pickle.extend_from_slice(&u32::try_from(name.len()).unwrap_or(0).to_le_bytes());
        pickle.extend_from_slice(name.as_bytes());
        pickle.extend_from_slice(b"\x8a\x08");
        pickle.extend_from_slice(&at.to_le_bytes());
        pickle.push(b'G');
        pickle.extend_from_slice(&value.to_be_bytes());
        pickle.extend_from_slice(b"\x86\x86");
    }
    pickle.extend_from_slice(b"e.");
    let mut framed = u32::try_from(pickle.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    framed.extend(pickle);
    framed
}
