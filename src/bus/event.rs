//! What events say, and under which tags.

use crate::fleet::facts::Request;
use halite_wire::{Jid, Map, MinionId, Value};

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub tag: String,
    /// With `_stamp`, the moment it was made.
    pub data: Map,
}

impl Event {
    /// One of the controller itself, stamped.
    pub fn new(tag: String, mut data: Map, now_micros: u64) -> Event {
        data.insert("_stamp", stamp(now_micros));
        Event { tag, data }
    }

    /// `salt/job/JID/new`: the job, and the ids of its hosts.
    pub fn job_begins(jid: Jid, request: &Request, minions: Value, now_micros: u64) -> Event {
        let Request { tgt, tgt_type, fun, user, .. } = request;
        let data = Map::from([
            ("jid", Value::from(jid.as_str())),
            ("tgt_type", tgt_type.as_str().into()),
            ("tgt", tgt.as_str().into()),
            ("user", user.as_str().into()),
            ("fun", fun.as_str().into()),
            ("arg", request.fun_args().into()),
            ("minions", minions),
            ("missing", Value::List(Vec::new())),
        ]);
        Event::new(format!("salt/job/{jid}/new"), data, now_micros)
    }

    /// `salt/job/JID/ret/ID`: a return, all of it or the part that is meant for others.
    pub fn returned(jid: Jid, request: &Request, mut ret: Map, now_micros: u64) -> Event {
        let tag = format!("salt/job/{jid}/ret/{}", ret.get_str("id").unwrap_or(""));
        ret.insert("cmd", "_return");
        ret.insert("tgt", request.tgt.as_str());
        ret.insert("tgt_type", request.tgt_type.as_str());
        Event::new(tag, ret, now_micros)
    }

    /// An event the host itself sent (`event.send`, `fire_event`): `{event: tag, data}`. Who sent it, the session knows.
    pub(super) fn of_host(jid: Jid, minion: &MinionId, step: &Value, now_micros: u64) -> Option<Event> {
        let tag = tag_of_host(jid, minion, step.get("event")?.as_str()?);
        let data = step.get("data").cloned().unwrap_or_default();
        let data = Map::from([
            ("id", Value::from(minion.as_str())),
            ("tag", tag.as_str().into()),
            ("data", data),
            ("cmd", "_minion_event".into()),
            ("pretag", Value::Null),
            ("jid", jid.as_str().into()),
        ]);
        Some(Event::new(tag, data, now_micros))
    }
}

/// The longest tag of a host that is kept.
const TAG_CHARS_MAX: usize = 255;

/// The tag under which an event of a host is written. What only the controller may say (`salt/...` and bare names
/// Salt itself uses) goes into the host's own corner, but for the returns of its own states.
pub fn tag_of_host(jid: Jid, minion: &MinionId, tag: &str) -> String {
    let tag: String = tag.chars().filter(|c| !c.is_control()).take(TAG_CHARS_MAX).collect();
    let own = [format!("salt/state_result/{jid}/{minion}/"), format!("salt/job/{jid}/prog/{minion}/")];
    let is_own_state = own.iter().any(|start| tag.starts_with(start));
    let first = tag.split('/').find(|part| !part.is_empty()).unwrap_or_default().to_lowercase();
    let is_reserved = ["salt", "host", "syndic", "minion_start"].contains(&first.as_str())
        || first.parse::<Jid>().is_ok()
        || tag.is_empty();
    if is_own_state || !is_reserved { tag } else { format!("host/{minion}/{}", tag.trim_start_matches('/')) }
}

/// As Salt stamps events: `2026-11-21T03:15:02.123456`.
fn stamp(micros: u64) -> String {
    let jid = Jid::from_unix_micros(micros);
    let part = |from: usize, to: usize| jid.as_str().get(from..to).unwrap_or_default();
    let (date, time) = ([part(0, 4), part(4, 6), part(6, 8)], [part(8, 10), part(10, 12), part(12, 14)]);
    format!("{}T{}.{}", date.join("-"), time.join(":"), part(14, 20))
}
