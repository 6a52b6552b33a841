//! `elasticsearch`: a document for each return, in an index for each function.

use super::{Request, Service, StateRun, definition, encode, open};
use crate::returners::registry::{ALL, Definition, Key};
use crate::returners::{Delivery, DeliveryError, Item, SettingError, Settings};
use halite_roster::Secret;
use halite_wire::{Map, Value};
use std::collections::HashSet;
use std::sync::Mutex;

pub(in crate::returners) const DEFINITION: Definition = Definition {
    prefixes: &["elasticsearch"],
    aliases: &["opensearch"],
    ..definition(
        "elasticsearch",
        "A document for each return in the index `salt-FUNCTION`, and documents for jobs and events. One return has one id, \
         so it is there once however often it is sent.",
        &[
            Key(
                "hosts",
                "localhost:9200",
                "Host, host:port or address; the first of a list is used. Also `host`.",
            ),
            Key("use_ssl", "False", "https where the host has no scheme."),
            Key("username", "", "User."),
            Key("password", "", "Password."),
            Key("api_key", "", "Instead of these: an API key."),
            Key("functions_blacklist", "", "Functions that are left out."),
            Key("index_date", "False", "The day at the end of the name of the index."),
            Key("master_event_index", "salt-master-event-cache", "Index of events."),
            Key("master_job_cache_index", "salt-master-job-cache", "Index of jobs."),
            Key("number_of_shards", "1", "Of an index that is made."),
            Key("number_of_replicas", "0", "Of an index that is made."),
            Key("states_count", "False", "Count states that succeeded and failed."),
            Key("states_order_output", "False", "The number of its run before the name of each state."),
            Key("states_single_index", "False", "All functions of states in one index."),
            Key("doc_type", "", "Salt's; changes nothing: documents have no types any more."),
            Key("master_event_doc_type", "", "Salt's; changes nothing."),
            Key("master_job_cache_doc_type", "", "Salt's; changes nothing."),
            Key("debug_returner_payload", "", "Salt's; changes nothing."),
        ],
        ALL,
        |settings| open(settings, Elastic::new(settings)?),
    )
};

struct Elastic {
    url: String,
    auth: Auth,
    blacklist: Vec<String>,
    index_date: bool,
    event_index: String,
    job_index: String,
    shards: i64,
    replicas: i64,
    count: bool,
    order: bool,
    single_index: bool,
    made: Mutex<HashSet<String>>,
}

enum Auth {
    None,
    Basic(String, Secret),
    Key(Secret),
}

const STATE_FUNCTIONS: [&str; 4] = ["state.apply", "state.highstate", "state.sls", "state.sls_id"];

impl Elastic {
    fn new(settings: &Settings) -> Result<Elastic, SettingError> {
        let hosts = settings.list("hosts")?.into_iter().chain(settings.list("host")?).next();
        let host = hosts.unwrap_or_else(|| "localhost:9200".to_owned());
        let scheme = if settings.flag_or("use_ssl", false)? { "https" } else { "http" };
        let url = if host.contains("://") { host } else { format!("{scheme}://{host}") };
        let auth = match (settings.secret("api_key")?, settings.text("username")?) {
            (Some(key), _) => Auth::Key(key),
            (None, Some(user)) => Auth::Basic(user, settings.required_secret("password")?),
            (None, None) => Auth::None,
        };
        Ok(Elastic {
            url: url.trim_end_matches('/').to_owned(),
            auth,
            blacklist: settings.list("functions_blacklist")?,
            index_date: settings.flag_or("index_date", false)?,
            event_index: settings.text_or("master_event_index", "salt-master-event-cache")?,
            job_index: settings.text_or("master_job_cache_index", "salt-master-job-cache")?,
            shards: settings.number("number_of_shards")?.unwrap_or(1),
            replicas: settings.number("number_of_replicas")?.unwrap_or(0),
            count: settings.flag_or("states_count", false)?,
            order: settings.flag_or("states_order_output", false)?,
            single_index: settings.flag_or("states_single_index", false)?,
            made: Mutex::default(),
        })
    }

    fn authorised(&self, request: Request) -> Request {
        match &self.auth {
            Auth::None => request,
            Auth::Basic(user, password) => request.basic(user, password.expose()),
            Auth::Key(key) => request.header("Authorization", format!("ApiKey {}", key.expose())),
        }
    }

    /// The index of a return. Names of indices have no capitals.
    fn index(&self, item: &Item) -> String {
        let fun = item.text("fun");
        let is_state = STATE_FUNCTIONS.contains(&fun);
        let mut index = match self.single_index && is_state {
            true => "salt-state_apply".to_owned(),
            false => format!("salt-{}", fun.replace('.', "_").to_lowercase()),
        };
        if self.order && is_state && item.field("return").as_map().is_some() {
            index += "-ordered";
        }
        index
    }

    /// Makes the index, under a versioned name with an alias, unless that was done.
    fn made(&self, index: &str) -> Option<Request> {
        let mut made = self.made.lock().ok()?;
        if !made.insert(index.to_owned()) {
            return None;
        }
        let settings = Map::from([("number_of_shards", self.shards), ("number_of_replicas", self.replicas)]);
        let aliases = Map::from([(index, Map::new())]);
        let body = Map::from([("settings", settings), ("aliases", aliases)]);
        let request = Request::json("PUT", format!("{}/{}-v1", self.url, encode(index)), &body.into());
        Some(self.authorised(request.tolerating(&[400])))
    }

    fn document(&self, index: &str, id: &str, document: Map) -> Vec<Request> {
        let mut index = index.to_owned();
        if self.index_date {
            let now = halite_wire::Jid::from_unix_micros(crate::jobs::system_clock()());
            let day = now.as_str();
            index += &format!("-{}.{}.{}", &day[..4], &day[4..6], &day[6..8]);
        }
        let url = format!("{}/{}/_doc/{}", self.url, encode(&index), encode(id));
        let put = self.authorised(Request::json("PUT", url, &document.into()));
        self.made(&index).into_iter().chain([put]).collect()
    }

    fn of_return(&self, item: &Item) -> Vec<Request> {
        let fun = item.text("fun");
        if self.blacklist.iter().any(|name| name == fun) || item.field("return").is_null() {
            return Vec::new();
        }
        let is_state = STATE_FUNCTIONS.contains(&fun);
        let mut counts = Map::new();
        if let Some(run) = StateRun::of(item).filter(|_| self.count && is_state) {
            counts.extend([("succeeded", run.passed), ("failed", run.failed.len() as i64)]);
        }
        let data = match item.field("return") {
            Value::Map(states) if self.order && is_state => ordered(states).into(),
            value @ Value::Map(_) => value.clone(),
            other if is_state => Map::from([("return", other.clone())]).into(),
            other => other.clone(),
        };
        let retcode = item.field("retcode");
        let document = Map::from([
            ("@timestamp", Value::from(now())),
            ("success", (!retcode.is_truthy()).into()),
            ("retcode", retcode.clone()),
            ("minion", item.text("id").into()),
            ("fun", fun.into()),
            ("jid", item.text("jid").into()),
            ("counts", counts.into()),
            ("data", without_dots(&data)),
        ]);
        self.document(&self.index(item), &format!("{}-{}", item.text("jid"), item.text("id")), document)
    }
}

impl Service for Elastic {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        Ok(match item {
            Item::Return(_) => self.of_return(item),
            Item::Load(load) => {
                let jid = item.text("jid");
                let document = Map::from([("jid", Value::from(jid)), ("load", load.clone().into())]);
                self.document(&self.job_index, jid, document)
            }
            Item::Event { tag, data } => {
                let document = Map::from([
                    ("tag", Value::from(tag.as_str())),
                    ("data", without_dots(&data.clone().into())),
                ]);
                self.document(&self.event_index, tag, document)
            }
        })
    }
}

/// The states with the number of their run in front, so that they sort, and their function inside.
fn ordered(states: &Map) -> Map {
    let width = states.len().to_string().len();
    let one = |(tag, state): (&Value, &Value)| {
        let (Some(tag), Some(state)) = (tag.as_str(), state.as_map()) else {
            return (tag.clone(), state.clone());
        };
        let parts: Vec<&str> = tag.split("_|-").collect();
        let mut state = state.clone();
        let fun = format!("{}.{}", parts.first().unwrap_or(&""), parts.last().unwrap_or(&""));
        state.insert("_func", fun);
        let number = state.get("__run_num__").and_then(Value::as_i64).unwrap_or(0);
        (Value::from(format!("{number:0width$}_|-{tag}")), state.into())
    };
    states.iter().map(one).collect()
}

/// Dots in keys would be paths: they become underscores, and the last such key is told in `_orig_key`.
fn without_dots(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let mut plain = Map::new();
            for (key, value) in map {
                match key.as_str().filter(|key| key.contains('.')) {
                    Some(dotted) => {
                        plain.insert("_orig_key", dotted);
                        plain.insert(dotted.replace('.', "_"), without_dots(value));
                    }
                    None => _ = plain.insert(key.clone(), without_dots(value)),
                }
            }
            plain.into()
        }
        Value::List(items) => items.iter().map(without_dots).collect(),
        other => other.clone(),
    }
}

/// Now, as ISO 8601 in UTC.
fn now() -> String {
    let jid = halite_wire::Jid::from_unix_micros(crate::jobs::system_clock()());
    format!("{}T{}+00:00", jid.date(), jid.time())
}
