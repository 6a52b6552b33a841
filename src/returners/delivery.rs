//! What travels to a returner, and how it can fail.

use crate::bus;
use crate::jobs::{self, Job, StoredReturn, json};
use halite_wire::{Map, MinionId, Value};
use std::time::Duration;

/// One thing to deliver.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub item: Item,
    /// Whether an earlier attempt may have got through: the process died in the middle, or the answer was lost.
    pub again: bool,
}

/// What there is to deliver.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// What one host returned: `id, jid, fun, fun_args, return, retcode, success, out?`; for job stores all that is kept.
    Return(Map),
    /// A job: Salt's load, with its targets under `Minions`; for job stores whose process runs it and when it ended, too.
    Load(Map),
    /// An event: its tag and its data.
    Event { tag: String, data: Map },
}

/// The kinds of [`Item`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Return,
    Load,
    Event,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Return => "return",
            Kind::Load => "load",
            Kind::Event => "event",
        }
    }
}

/// Fields of a return that are Salt's.
const FIELDS: [&str; 8] = ["id", "jid", "fun", "fun_args", "return", "retcode", "success", "out"];

/// Where a load says how many seconds jobs are kept, where old ones are to go.
const KEEP: &str = "keep";

/// When the job of a load ended.
const ENDED: &str = "ended";

impl Item {
    /// All that is kept of a return.
    pub fn of_return(ret: &StoredReturn) -> Item {
        Item::Return(ret.full_ret.clone())
    }

    /// A job as it is now. `keep`: stores are to drop what is older.
    pub fn of_job(job: &Job, targets: &[MinionId], keep: Option<Duration>) -> Item {
        let mut load = jobs::dressed(job.load.clone(), targets, &job.owner, job.ended);
        if let (Some(keep), Value::Map(ours)) = (keep, load.entry_or(jobs::OURS, || Map::new().into())) {
            ours.insert(KEEP, i64::try_from(keep.as_secs()).unwrap_or(i64::MAX));
        }
        Item::Load(load)
    }

    /// An event as the bus has it.
    pub fn of_event(event: bus::Event) -> Item {
        Item::Event { tag: event.tag, data: event.data }
    }

    /// As Salt's returners are given it, without what is ours alone.
    pub fn as_salts(mut self) -> Item {
        match &mut self {
            Item::Return(ret) => {
                let field = |name: &'static str| Some((name, ret.remove(name)?));
                *ret = FIELDS.into_iter().filter_map(field).collect();
            }
            Item::Load(load) => _ = load.remove(jobs::OURS),
            Item::Event { .. } => {}
        }
        self
    }

    /// Whether the host of a return answered, well or not. Returns of other programs are answers.
    pub fn is_answer(&self) -> bool {
        matches!(self.text("outcome"), "" | "ok" | "failed")
    }

    /// Whether this is a load of a job that has ended.
    pub fn is_end(&self) -> bool {
        matches!(self, Item::Load(_)) && self.field(jobs::OURS).get(ENDED).is_some()
    }

    /// How long jobs are kept, where a load says that older ones are to go.
    pub fn keep(&self) -> Option<Duration> {
        let seconds = self.field(jobs::OURS).get(KEEP)?.as_i64()?;
        Some(Duration::from_secs(seconds.unsigned_abs()))
    }

    pub fn kind(&self) -> Kind {
        match self {
            Item::Return(_) => Kind::Return,
            Item::Load(_) => Kind::Load,
            Item::Event { .. } => Kind::Event,
        }
    }

    /// A field of the return or of the load as text; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        match self {
            Item::Return(map) | Item::Load(map) | Item::Event { data: map, .. } => {
                map.get_str(name).unwrap_or("")
            }
        }
    }

    /// A field of the return or of the load.
    pub fn field(&self, name: &str) -> &Value {
        match self {
            Item::Return(map) | Item::Load(map) | Item::Event { data: map, .. } => {
                map.get(name).unwrap_or(&Value::NULL)
            }
        }
    }

    /// As one dict: a return or a load as it is, an event as `{tag, data}`.
    pub fn to_map(&self) -> Map {
        match self {
            Item::Return(map) | Item::Load(map) => map.clone(),
            Item::Event { tag, data } => {
                Map::from([("tag", Value::from(tag.as_str())), ("data", data.clone().into())])
            }
        }
    }

    /// [`Item::to_map`] as a value.
    pub fn to_value(&self) -> Value {
        self.to_map().into()
    }

    /// [`Item::to_value`] as JSON on one line.
    pub fn to_json(&self) -> String {
        json::encode(&self.to_value())
    }

    /// What makes it one of a kind: job and host, or job and whether it has ended, or job and tag.
    pub fn key(&self) -> (String, String) {
        let second = match self {
            Item::Return(_) => self.text("id"),
            Item::Load(_) if self.is_end() => ENDED,
            Item::Load(_) => "",
            Item::Event { tag, .. } => tag.as_str(),
        };
        (self.text("jid").to_owned(), second.to_owned())
    }

    /// Reads what [`Item::to_json`] wrote; `None` where it is damaged.
    pub(super) fn read(kind: &str, body: &str) -> Option<Item> {
        let Ok(Value::Map(mut map)) = json::decode(body) else { return None };
        match kind {
            "return" => Some(Item::Return(map)),
            "load" => Some(Item::Load(map)),
            "event" => match (map.remove("tag"), map.remove("data")) {
                (Some(Value::Str(tag)), Some(Value::Map(data))) => Some(Item::Event { tag, data }),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Why a delivery failed, and what becomes of it. The reason never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct DeliveryError {
    pub fate: Fate,
    pub why: String,
}

/// What becomes of a delivery that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The other side is down, slow or busy, or does not know us: it is tried again later.
    Retry,
    /// The other side will never take this one: it becomes a dead letter.
    Dead,
}

impl DeliveryError {
    pub fn retry(why: impl ToString) -> DeliveryError {
        DeliveryError { fate: Fate::Retry, why: why.to_string() }
    }

    pub fn dead(why: impl ToString) -> DeliveryError {
        DeliveryError { fate: Fate::Dead, why: why.to_string() }
    }
}
