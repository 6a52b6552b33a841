//! `influxdb`: a point for each return and each job.

use super::{Request, Service, definition, encode, open};
use crate::jobs::json;
use crate::returners::registry::{Definition, Key};
use crate::returners::{Delivery, DeliveryError, Item, Kind, SettingError, Settings};
use halite_roster::Secret;
use halite_wire::{Map, Value};

pub(in crate::returners) const DEFINITION: Definition = Definition {
    prefixes: &["influxdb"],
    ..definition(
        "influxdb",
        "A point of `returns` (tags fun, id, jid; fields return, full_ret) for each return, and of `jids` (tag jid, field load) \
         for each job. Its time is that of the job, so a point is there once however often it is sent.",
        &[
            Key("host", "localhost", "Host, or address."),
            Key("port", "8086", "Port."),
            Key("db", "salt", "Database."),
            Key("user", "", "User."),
            Key("password", "", "Password."),
            Key("org", "", "Organisation: with it, version 2 of the interface is spoken."),
            Key("bucket", "", "Bucket of version 2; `db` where there is none."),
            Key("token", "", "Token of version 2."),
        ],
        &[Kind::Return, Kind::Load],
        |settings| open(settings, Influx::new(settings)?),
    )
};

struct Influx {
    url: String,
    auth: Option<String>,
}

impl Influx {
    fn new(settings: &Settings) -> Result<Influx, SettingError> {
        let (host, port) = (settings.text_or("host", "localhost")?, settings.port_or("port", 8086)?);
        let base = if host.contains("://") {
            host.trim_end_matches('/').to_owned()
        } else {
            format!("http://{host}:{port}")
        };
        let db = settings.text_or("db", "salt")?;
        let (user, password) = (settings.text("user")?, settings.secret("password")?);
        let token = settings.secret("token")?;
        let (path, auth) = match settings.text("org")? {
            Some(org) => {
                let bucket = settings.text("bucket")?.unwrap_or(db);
                let path =
                    format!("/api/v2/write?org={}&bucket={}&precision=ns", encode(&org), encode(&bucket));
                (path, token.map(|token| format!("Token {}", token.expose())))
            }
            None => {
                let basic = |user: String| {
                    let password = password.as_ref().map_or("", Secret::expose);
                    let request = Request::text("POST", "", String::new()).basic(&user, password);
                    request.headers.last().map(|(_, value)| value.clone()).unwrap_or_default()
                };
                (format!("/write?db={}&precision=ns", encode(&db)), user.map(basic))
            }
        };
        Ok(Influx { url: base + &path, auth })
    }
}

impl Service for Influx {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        let nanoseconds =
            item.text("jid").parse::<halite_wire::Jid>().map_or(0, |jid| jid.unix_micros() * 1000);
        let line = match item {
            Item::Return(ret) => {
                let rest: Map = ret
                    .iter()
                    .filter(|(key, _)| key.as_str() != Some("return"))
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                let tags = ["fun", "id", "jid"].map(|key| format!(",{key}={}", tag(item.text(key)))).concat();
                let (value, rest) = (field(item.field("return")), field(&rest.into()));
                format!("returns{tags} return={value},full_ret={rest} {nanoseconds}")
            }
            Item::Load(load) => {
                format!(
                    "jids,jid={} load={} {nanoseconds}",
                    tag(item.text("jid")),
                    field(&load.clone().into())
                )
            }
            Item::Event { .. } => return Ok(Vec::new()),
        };
        let request = Request::text("POST", &self.url, line);
        Ok(vec![match &self.auth {
            Some(auth) => request.header("Authorization", auth.as_str()),
            None => request,
        }])
    }
}

/// A tag in the line protocol. It has no form for an empty one, for a line break, or for a backslash at its end.
fn tag(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    let escaped = text.replace(',', "\\,").replace('=', "\\=").replace(' ', "\\ ");
    if escaped.is_empty() || escaped.ends_with('\\') { escaped + "_" } else { escaped }
}

/// A value as JSON in a field of text.
fn field(value: &Value) -> String {
    format!("\"{}\"", json::encode(value).replace('\\', "\\\\").replace('"', "\\\""))
}
