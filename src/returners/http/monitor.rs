//! Where machines are watched: Splunk, Sentry, Nagios.

use super::{Request, Service, StateRun, definition, open};
use crate::returners::message::{self, cut, is_success};
use crate::returners::registry::{Definition, Key, RETURNS, RETURNS_AND_EVENTS};
use crate::returners::{Delivery, DeliveryError, Item, SettingError, Settings};
use halite_roster::Secret;
use halite_wire::{Jid, Map, Value};

pub(in crate::returners) const SPLUNK: Definition = Definition {
    prefixes: &["splunk_http_forwarder", "splunk"],
    ..definition(
        "splunk",
        "Each return and event to the HTTP event collector of Splunk.",
        &[
            Key("token", "", "Token of the collector."),
            Key(
                "indexer",
                "",
                "Host, host:port, or address of the collector; https and port 8088 where not said.",
            ),
            Key("sourcetype", "", "Its kind of data."),
            Key("index", "", "Its index."),
        ],
        RETURNS_AND_EVENTS,
        |settings| {
            let indexer = settings.required("indexer")?;
            let splunk = Splunk {
                url: address(&indexer) + "/services/collector/event",
                token: settings.required_secret("token")?,
                sourcetype: settings.text("sourcetype")?,
                index: settings.text("index")?,
            };
            open(settings, splunk)
        },
    )
};

fn address(indexer: &str) -> String {
    let indexer = indexer.trim_end_matches('/');
    match indexer {
        whole if whole.contains("://") => whole.to_owned(),
        host if host.contains(':') => format!("https://{host}"),
        host => format!("https://{host}:8088"),
    }
}

struct Splunk {
    url: String,
    token: Secret,
    sourcetype: Option<String>,
    index: Option<String>,
}

impl Service for Splunk {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let seconds = crate::jobs::system_clock()() / 1_000_000;
        let mut event = Map::from([("time", Value::from(seconds.to_string())), ("host", this_host().into())]);
        let named = [("index", &self.index), ("sourcetype", &self.sourcetype)];
        event.extend(named.into_iter().filter_map(|(key, text)| Some((key, text.clone()?))));
        event.insert("event", delivery.item.to_value());
        let request = Request::json("POST", &self.url, &event.into());
        Ok(vec![request.header("Authorization", format!("Splunk {}", self.token.expose()))])
    }
}

/// The name of this machine.
pub(in crate::returners) fn this_host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

pub(in crate::returners) const NAGIOS_NRDP: Definition = Definition {
    prefixes: &["nagios_nrdp", "nagios"],
    aliases: &["nagios"],
    ..definition(
        "nagios_nrdp",
        "A passive check result for Nagios by NRDP for each return: OK where the return is true, else CRITICAL.",
        &[
            Key("url", "", "Address of NRDP."),
            Key("token", "", "Its token."),
            Key("service", "", "Name of the service; without one the state is the host's."),
            Key("checktype", "passive", "`passive` or `active`."),
        ],
        RETURNS,
        |settings| {
            let active = matches!(settings.text("checktype")?.as_deref(), Some("active" | "0"));
            let nagios = Nagios {
                url: settings.required("url")?,
                token: settings.required_secret("token")?,
                service: settings.text("service")?,
                check_type: if active { "0" } else { "1" },
            };
            open(settings, nagios)
        },
    )
};

struct Nagios {
    url: String,
    token: Secret,
    service: Option<String>,
    check_type: &'static str,
}

impl Service for Nagios {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        let is_well = item.field("return").is_truthy() && is_success(item);
        let (kind, service) = match &self.service {
            Some(name) => ("service", format!("<servicename>{}</servicename>", escape(name))),
            None => ("host", String::new()),
        };
        let output =
            escape(&cut(&format!("{}: {}", item.text("fun"), message::plain(item.field("return"))), 4000));
        let xml = format!(
            "<?xml version='1.0'?>\n<checkresults>\n<checkresult type='{kind}' checktype='{}'><hostname>{}</hostname>\
             {service}<state>{}</state><output>{output}</output></checkresult>\n</checkresults>",
            self.check_type,
            escape(item.text("id")),
            if is_well { 0 } else { 2 }
        );
        let fields = [("token", self.token.expose().trim()), ("cmd", "submitcheck"), ("XMLDATA", &xml)];
        Ok(vec![Request::form(&self.url, &fields)])
    }

    /// NRDP says in its XML whether it took the result.
    fn judge(&self, status: u16, body: &str) -> Result<(), DeliveryError> {
        super::api::judge(status, body)?;
        match body.contains("<status>0</status>")
            || body.contains("\"status\":0")
            || body.contains("\"status\": 0")
        {
            true => Ok(()),
            false => Err(DeliveryError::retry(format!("NRDP says: {}", cut(body.trim(), 200)))),
        }
    }
}

/// Text within XML or HTML.
pub(in crate::returners) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            '\t' | '\n' | '\r' => escaped.push(c),
            // XML has no form for these.
            control if control.is_control() => escaped.push('\u{fffd}'),
            plain => escaped.push(plain),
        }
    }
    escaped
}

pub(in crate::returners) const SENTRY: Definition = Definition {
    prefixes: &["raven", "sentry"],
    ..definition(
        "sentry",
        "A message in Sentry for each return: an error where it failed, else an information. Neither pillar nor grains go with it.",
        &[
            Key("dsn", "", "Where it goes and with which key: https://KEY@HOST/PROJECT."),
            Key("servers", "", "Instead of `dsn`: addresses, of which the first is used."),
            Key("public_key", "", "Instead of `dsn`: the key."),
            Key("secret_key", "", "Instead of `dsn`: the secret of older servers."),
            Key("project", "", "Instead of `dsn`: the project."),
            Key("report_errors_only", "False", "Nothing of what went well."),
        ],
        RETURNS,
        |settings| open(settings, Sentry::new(settings)?),
    )
};

struct Sentry {
    url: String,
    key: Secret,
    secret: Option<Secret>,
    errors_only: bool,
}

impl Sentry {
    fn new(settings: &Settings) -> Result<Sentry, SettingError> {
        let errors_only = settings.flag_or("report_errors_only", false)?;
        let Some(dsn) = settings.secret("dsn")? else {
            let servers = settings.list("servers")?;
            let server =
                servers.first().ok_or_else(|| settings.missing("dsn"))?.trim_end_matches('/').to_owned();
            let url = format!("{server}/api/{}/store/", super::encode(&settings.required("project")?));
            let key = settings.required_secret("public_key")?;
            return Ok(Sentry { url, key, secret: settings.secret("secret_key")?, errors_only });
        };
        let parts = dsn.expose().split_once("://").and_then(|(scheme, rest)| {
            let (keys, place) = rest.rsplit_once('@')?;
            let (host, project) = place.trim_end_matches('/').rsplit_once('/')?;
            Some((format!("{scheme}://{host}/api/{}/store/", super::encode(project)), keys))
        });
        let (url, keys) = parts.ok_or_else(|| settings.refused("dsn", "is not https://KEY@HOST/PROJECT"))?;
        let (key, secret) = keys.split_once(':').map_or((keys, None), |(key, secret)| (key, Some(secret)));
        let secret = secret.map(|secret| Secret::new(secret.to_owned()));
        Ok(Sentry { url, key: Secret::new(key.to_owned()), secret, errors_only })
    }
}

impl Service for Sentry {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        let is_well = is_success(item) && StateRun::of(item).is_none_or(|run| run.failed.is_empty());
        if is_well && self.errors_only {
            return Ok(Vec::new());
        }
        let text = summary(item);
        let now = Jid::from_unix_micros(crate::jobs::system_clock()());
        let event = Map::from([
            ("event_id", Value::from(event_id(item))),
            ("timestamp", timestamp(now).into()),
            ("platform", "other".into()),
            ("logger", "halite".into()),
            ("level", if is_well { "info" } else { "error" }.into()),
            ("culprit", text.as_str().into()),
            ("message", text.as_str().into()),
            ("server_name", item.text("id").into()),
            ("extra", Map::from([("result", item.to_value())]).into()),
        ]);
        let secret = self
            .secret
            .as_ref()
            .map_or(String::new(), |secret| format!(", sentry_secret={}", secret.expose()));
        let auth = format!(
            "Sentry sentry_version=7, sentry_client=halite/1, sentry_key={}{secret}",
            self.key.expose()
        );
        Ok(vec![Request::json("POST", &self.url, &event.into()).header("X-Sentry-Auth", auth)])
    }
}

/// `salt func: FUN ARGS`, as Salt's own groups them.
fn summary(item: &Item) -> String {
    let args = item.field("fun_args").as_list().unwrap_or_default();
    let words = args.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    cut(format!("salt func: {} {words}", item.text("fun")).trim_end(), 1000)
}

/// The same for the same return: Sentry takes an id once.
fn event_id(item: &Item) -> String {
    let (jid, id) = item.key();
    blake3::hash(format!("{jid}/{id}").as_bytes()).to_hex()[..32].to_owned()
}

fn timestamp(jid: Jid) -> String {
    format!("{}T{}Z", jid.date(), &jid.time()[..8])
}
