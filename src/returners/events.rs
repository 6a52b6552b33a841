//! The events of a run, in Salt's tags and shapes, for those that asked for them by `event_return`.

use super::Item;
use crate::config::Config;
use crate::fleet::facts::Request;
use halite_roster::Glob;
use halite_wire::{Jid, Map, Value};

/// `event_return_whitelist` and `event_return_blacklist`: globs on tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    white: Vec<String>,
    black: Vec<String>,
}

impl Filter {
    pub fn new(config: &Config) -> Filter {
        let list = |key: &str| match config.opts.0.get(key) {
            Some(Value::Str(one)) => vec![one.clone()],
            Some(Value::List(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Filter { white: list("event_return_whitelist"), black: list("event_return_blacklist") }
    }

    /// Whether events of this tag are wanted.
    pub fn passes(&self, tag: &str) -> bool {
        let fits = |globs: &[String]| globs.iter().any(|glob| Glob::new(glob).is_match(tag));
        (self.white.is_empty() || fits(&self.white)) && !fits(&self.black)
    }
}

/// `salt/job/JID/new`.
pub(super) fn job_begins(jid: Jid, request: &Request, minions: Value) -> Item {
    let data = Map::from([
        ("jid", Value::from(jid.as_str())),
        ("tgt_type", request.tgt_type.as_str().into()),
        ("tgt", request.tgt.as_str().into()),
        ("user", request.user.as_str().into()),
        ("fun", request.fun.as_str().into()),
        ("arg", request.fun_args().into()),
        ("minions", minions),
        ("missing", Value::List(Vec::new())),
        ("_stamp", stamp().into()),
    ]);
    Item::Event { tag: format!("salt/job/{jid}/new"), data }
}

/// `salt/job/JID/ret/ID`.
pub(super) fn returned(jid: Jid, ret: &Item, request: &Request) -> Item {
    let mut data = ret.to_map();
    data.insert("cmd", "_return");
    data.insert("tgt", request.tgt.as_str());
    data.insert("tgt_type", request.tgt_type.as_str());
    data.insert("_stamp", stamp());
    Item::Event { tag: format!("salt/job/{jid}/ret/{}", ret.text("id")), data }
}

/// Now, as Salt stamps events: `2026-11-21T03:15:02.123456`.
fn stamp() -> String {
    let jid = Jid::from_unix_micros(crate::jobs::system_clock()());
    let digits = jid.as_str();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let (date, time) = ([part(0, 4), part(4, 6), part(6, 8)], [part(8, 10), part(10, 12), part(12, 14)]);
    format!("{}T{}.{}", date.join("-"), time.join(":"), part(14, 20))
}
