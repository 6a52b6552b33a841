//! Figures of runs: Librato, AppOptics, and the push gateway of Prometheus.

use super::{Request, Service, StateRun, definition, encode, open};
use crate::returners::message::is_success;
use crate::returners::registry::{Definition, Key, RETURNS};
use crate::returners::{Delivery, DeliveryError, Item};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use halite_roster::Secret;
use halite_wire::{Map, Value};

/// Names and values of one run of states.
fn figures(run: &StateRun, retcode: &Value) -> [(&'static str, Value); 5] {
    [
        ("retcode", retcode.clone()),
        ("failed", (run.failed.len() as i64).into()),
        ("passed", run.passed.into()),
        ("runtime", run.took.into()),
        ("total", run.total.into()),
    ]
}

/// The form both services take: measurements with tags.
fn measurements(url: &str, names: impl Iterator<Item = (String, Value)>, tags: &Map, at: i64) -> Request {
    let one = |(name, value): (String, Value)| {
        Map::from([
            ("name", Value::from(name)),
            ("value", value),
            ("time", at.into()),
            ("tags", tags.clone().into()),
        ])
    };
    let list: Value = names.map(one).collect();
    Request::json("POST", url, &Map::from([("measurements", list)]).into())
}

/// Seconds since 1970 at which the job began: the same whenever it is delivered.
pub(super) fn begun(item: &Item) -> i64 {
    let jid = item.text("jid").parse::<halite_wire::Jid>();
    i64::try_from(jid.map_or(0, |jid| jid.unix_micros() / 1_000_000)).unwrap_or(0)
}

pub(in crate::returners) const LIBRATO: Definition = Definition {
    prefixes: &["librato"],
    ..definition(
        "librato",
        "Figures of each `state.highstate`: retcode, failed, passed and total states, and their time.",
        &[
            Key("email", "", "User."),
            Key("api_token", "", "Token."),
            Key("api_url", "metrics-api.librato.com", "Host of the service."),
        ],
        RETURNS,
        |settings| {
            let url = address(&settings.text_or("api_url", "metrics-api.librato.com")?) + "/v1/measurements";
            let (email, token) = (settings.required("email")?, settings.required_secret("api_token")?);
            open(settings, Librato { url, email, token })
        },
    )
};

struct Librato {
    url: String,
    email: String,
    token: Secret,
}

impl Service for Librato {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        let Some(run) = StateRun::of(item).filter(|_| item.text("fun") == "state.highstate") else {
            return Ok(vec![]);
        };
        let tags = Map::from([("Name", item.text("id"))]);
        let named = figures(&run, item.field("retcode")).into_iter().map(|(name, value)| {
            let name = match name {
                "failed" | "passed" | "total" => format!("{name}_states"),
                plain => plain.to_owned(),
            };
            (format!("saltstack.highstate.{name}"), value)
        });
        Ok(vec![measurements(&self.url, named, &tags, begun(item)).basic(&self.email, self.token.expose())])
    }
}

pub(in crate::returners) const APPOPTICS: Definition = Definition {
    prefixes: &["appoptics"],
    ..definition(
        "appoptics",
        "Figures of each `state.highstate`, and of each `state.sls` of the states in `sls_states`.",
        &[
            Key("api_token", "", "Token."),
            Key("api_url", "api.appoptics.com", "Host of the service."),
            Key("tags", "", "A dict of tags; the host's id where there is none."),
            Key("sls_states", "", "States of `state.sls` that are reported."),
        ],
        RETURNS,
        |settings| {
            let url = address(&settings.text_or("api_url", "api.appoptics.com")?) + "/v1/measurements";
            let appoptics = AppOptics {
                url,
                token: settings.required_secret("api_token")?,
                tags: settings.raw("tags").and_then(Value::as_map).cloned(),
                sls_states: settings.list("sls_states")?,
            };
            open(settings, appoptics)
        },
    )
};

struct AppOptics {
    url: String,
    token: Secret,
    tags: Option<Map>,
    sls_states: Vec<String>,
}

impl Service for AppOptics {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        let fun = item.text("fun");
        let is_wanted = fun == "state.highstate" || (fun == "state.sls" && !self.sls_states.is_empty());
        let Some(run) = StateRun::of(item).filter(|_| is_wanted) else { return Ok(vec![]) };
        let usual = || Map::from([("host_hostname_alias", item.text("id"))]);
        let mut tags = self.tags.clone().unwrap_or_else(usual);
        tags.insert("state_type", fun);
        let args = item.field("fun_args").as_list().unwrap_or_default();
        let mut matched: Vec<&str> = args
            .iter()
            .filter_map(Value::as_str)
            .filter(|arg| self.sls_states.iter().any(|s| s == arg))
            .collect();
        matched.sort_unstable();
        if let Some(name) = matched.first() {
            tags.insert("state_name", *name);
        }
        let named = figures(&run, item.field("retcode")).into_iter().map(|(name, value)| match name {
            "total" => ("saltstack.highstate.total_states".to_owned(), value),
            name => (format!("saltstack.{name}"), value),
        });
        Ok(vec![measurements(&self.url, named, &tags, begun(item)).basic(self.token.expose(), "")])
    }
}

/// Salt names a host; a whole address serves, too.
fn address(host: &str) -> String {
    let host = host.trim_end_matches('/');
    if host.contains("://") { host.to_owned() } else { format!("https://{host}") }
}

pub(in crate::returners) const PROMETHEUS: Definition = Definition {
    prefixes: &["prometheus"],
    ..definition(
        "prometheus",
        "The last return of each function on each host as figures at a push gateway of Prometheus: success, retcode, time, \
         and counts of states.",
        &[
            Key("url", "http://localhost:9091", "Address of the push gateway."),
            Key("job", "halite", "The label `job`."),
            Key("username", "", "User, where it asks for one."),
            Key("password", "", "Password."),
        ],
        RETURNS,
        |settings| {
            let gateway = Prometheus {
                url: settings.text_or("url", "http://localhost:9091")?.trim_end_matches('/').to_owned(),
                job: settings.text_or("job", "halite")?,
                user: settings.text("username")?,
                password: settings.secret("password")?,
            };
            open(settings, gateway)
        },
    )
};

/// A label as a part of the path. A slash in it is no end of that part only in base64, and neither is nothing at all.
fn label(name: &str, value: &str) -> String {
    match value {
        "" => format!("/{name}@base64/="),
        _ if value.contains('/') => format!("/{name}@base64/{}", URL_SAFE.encode(value)),
        _ => format!("/{name}/{}", encode(value)),
    }
}

struct Prometheus {
    url: String,
    job: String,
    user: Option<String>,
    password: Option<Secret>,
}

impl Service for Prometheus {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        let place = [("job", self.job.as_str()), ("instance", item.text("id")), ("fun", item.text("fun"))];
        let path: String = place.iter().map(|(name, value)| label(name, value)).collect();
        let run = StateRun::of(item);
        let counts = run.map(|run| (run.total, run.changed.len(), run.failed.len(), run.took / 1000.0));
        let mut text = String::new();
        let mut add = |name: &str, help: &str, value: String| {
            text +=
                &format!("# HELP halite_{name} {help}\n# TYPE halite_{name} gauge\nhalite_{name} {value}\n");
        };
        add("return_success", "Whether the last call did well.", u8::from(is_success(item)).to_string());
        add("return_retcode", "Its code.", item.field("retcode").as_i64().unwrap_or(0).to_string());
        add("return_time_seconds", "When its job began.", begun(item).to_string());
        if let Some((total, changed, failed, took)) = counts {
            add("states_total", "States of the last run.", total.to_string());
            add("states_changed", "Those that changed something.", changed.to_string());
            add("states_failed", "Those that failed.", failed.to_string());
            add("states_seconds", "The time they took.", took.to_string());
        }
        let request = Request::text("PUT", format!("{}/metrics{path}", self.url), text);
        Ok(vec![match &self.user {
            Some(user) => request.basic(user, self.password.as_ref().map_or("", Secret::expose)),
            None => request,
        }])
    }
}
