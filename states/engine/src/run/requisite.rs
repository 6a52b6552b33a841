//! Requisites: which chunks they name, and what their returns make of them.

use super::{Run, Settings, is_true, words};
use halite_pattern::{fnmatch, has_magic};
use halite_wire::{Map, Value};
use std::collections::HashMap;

/// Kinds of requisites, in the order they are looked at. `prerequired` is the other end of `prereq`.
pub const KINDS: [&str; 11] = [
    "require",
    "require_any",
    "watch",
    "watch_any",
    "prereq",
    "onfail",
    "onfail_any",
    "onfail_all",
    "onchanges",
    "onchanges_any",
    "prerequired",
];

/// What the requisites of a chunk say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Met,
    /// One has not run yet, or does not exist.
    Unmet,
    Fail,
    /// What it is a `prereq` of would not change.
    Pre,
    /// A watched one changed.
    Change,
    /// No `onfail` failed.
    OnFail,
    /// No `onchanges` changed.
    OnChanges,
}

/// Chunks by kind of requisite.
pub type Found = Vec<(&'static str, Vec<usize>)>;

/// Where names lead.
pub struct Index {
    /// Chunks by name and by id, each chunk once, in order.
    named: HashMap<String, Vec<usize>>,
    /// SLS, including those that include it, of each chunk.
    sls: Vec<Vec<String>>,
    names: Vec<(String, String)>,
    read: Vec<String>,
    without: Vec<String>,
}

impl Index {
    pub fn of(chunks: &[Map], settings: &Settings) -> Index {
        let mut named: HashMap<String, Vec<usize>> = HashMap::new();
        let names: Vec<_> =
            chunks.iter().map(|chunk| (words(chunk.get("name")), words(chunk.get("__id__")))).collect();
        for (at, (name, id)) in names.iter().enumerate() {
            named.entry(name.clone()).or_default().push(at);
            if id != name {
                named.entry(id.clone()).or_default().push(at);
            }
        }
        Index {
            named,
            sls: chunks.iter().map(sls_of).collect(),
            names,
            read: settings.sls.to_vec(),
            without: settings.without.to_vec(),
        }
    }

    /// Chunks whose name or id matches `pattern`.
    fn matching(&self, pattern: &str) -> Vec<usize> {
        if !has_magic(pattern.as_bytes()) {
            return self.named.get(pattern).cloned().unwrap_or_default();
        }
        let fits = |text: &str| fnmatch(text.as_bytes(), pattern.as_bytes());
        (0..self.names.len()).filter(|at| fits(&self.names[*at].0) || fits(&self.names[*at].1)).collect()
    }

    /// Chunks of SLS that match; `None` where no such SLS was read.
    fn of_sls(&self, pattern: &str) -> Option<Vec<usize>> {
        let fits = |name: &String| fnmatch(name.as_bytes(), pattern.as_bytes());
        let of = |names: &[String]| {
            names.first().is_some_and(&fits) || names.iter().skip(1).any(|includer| includer == pattern)
        };
        let found: Vec<usize> = (0..self.sls.len()).filter(|at| of(&self.sls[*at])).collect();
        (!found.is_empty() || self.read.iter().any(fits)).then_some(found)
    }
}

/// The chunk's own SLS first, then those that include it.
fn sls_of(chunk: &Map) -> Vec<String> {
    let includers = chunk.get("__sls_included_from__").and_then(Value::as_list).unwrap_or_default();
    let includers = includers.iter().filter_map(Value::as_str).map(str::to_owned);
    std::iter::once(words(chunk.get("__sls__"))).chain(includers).collect()
}

/// `{module: name}`, `{module.function: name}` or a bare id (`id: name`).
fn read(requisite: &Value) -> Option<(String, &Value)> {
    match requisite {
        Value::Map(map) => {
            let (key, value) = map.iter().next()?;
            let key = words(Some(key));
            Some((key.split('.').next().unwrap_or_default().to_owned(), value))
        }
        bare => Some(("id".to_owned(), bare)),
    }
}

impl Run {
    /// Chunks a requisite names; `Err` is how it reads where there is none.
    fn named(&self, requisite: &Value) -> Result<Vec<usize>, String> {
        let Some((key, value)) = read(requisite) else { return Err("{}".to_owned()) };
        if value.is_null() {
            return Ok(Vec::new());
        }
        let pattern = words(Some(value));
        let lost = || format!("{key}: {pattern}");
        if key == "sls" {
            return self.index.of_sls(&pattern).ok_or_else(lost);
        }
        let state = |at: &usize| self.chunks[*at].get_str("state") == Some(&key);
        let found: Vec<usize> =
            self.index.matching(&pattern).into_iter().filter(|at| key == "id" || state(at)).collect();
        if found.is_empty() { Err(lost()) } else { Ok(found) }
    }

    fn each<'r>(&self, low: &'r Map, kind: &'static str) -> &'r [Value] {
        let ignored = self.index.without.iter().any(|without| without == kind);
        low.get(kind).and_then(Value::as_list).filter(|_| !ignored).unwrap_or_default()
    }

    /// The chunks that the requisites of a chunk name.
    ///
    /// # Errors
    /// Kind and text of those that name none.
    pub(super) fn references(&self, chunk: usize) -> Result<Found, Vec<(&'static str, String)>> {
        let low = &self.chunks[chunk];
        let (mut found, mut lost) = (Found::new(), Vec::new());
        // Whoever only looks does not wait for those that asked.
        let looks = self.marks[chunk].only_look;
        for kind in KINDS.into_iter().filter(|kind| !(looks && *kind == "prerequired")) {
            let mut chunks = Vec::new();
            for requisite in self.each(low, kind) {
                match self.named(requisite) {
                    Ok(more) => chunks.extend(more),
                    Err(text) => lost.push((kind, text)),
                }
            }
            if !chunks.is_empty() {
                found.push((kind, chunks));
            }
        }
        if lost.is_empty() { Ok(found) } else { Err(lost) }
    }

    /// What the returns so far make of the requisites.
    ///
    /// # Errors
    /// Tags of calls that must end first.
    pub(super) fn status(&self, found: &Found) -> Result<Status, Vec<String>> {
        let mut all = Signs::default();
        for (kind, chunks) in found {
            let open: Vec<String> = chunks
                .iter()
                .map(|at| &self.tags[*at])
                .filter(|tag| *kind != "prereq" && self.started.contains(*tag))
                .cloned()
                .collect();
            if !open.is_empty() {
                return Err(open);
            }
            all.add(self.signs(kind, chunks));
        }
        Ok(all.status())
    }

    fn signs(&self, kind: &str, chunks: &[usize]) -> Signs {
        let returns = if kind == "prereq" { &self.looked } else { &self.returns };
        let mut signs = Signs::default();
        for at in chunks {
            match returns.get(&self.tags[*at]).and_then(Value::as_map) {
                Some(ret) => signs.see(kind, ret),
                None => signs.unmet = true,
            }
        }
        signs.weigh(kind);
        signs
    }

    /// `sls.id` of those among `found` that failed, each once.
    pub(super) fn failed(&self, found: &Found) -> Vec<String> {
        let mut names = Vec::new();
        for at in found.iter().flat_map(|(_, chunks)| chunks) {
            let tag = &self.tags[*at];
            let ret = self.looked.get(tag).or_else(|| self.returns.get(tag));
            if ret.and_then(|ret| ret.get("result")) == Some(&Value::Bool(false)) {
                let low = &self.chunks[*at];
                let name = format!("{}.{}", words(low.get("__sls__")), words(low.get("__id__")));
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

/// What was seen among the returns of one kind of requisite, or of all.
#[derive(Default)]
struct Signs {
    unmet: bool,
    fail: bool,
    change: bool,
    met: bool,
    pre: bool,
    pre_met: bool,
    /// An `onfail` that did not fail.
    no_fail: bool,
    /// An `onchanges` without changes, and one with.
    no_changes: bool,
    changes: bool,
}

impl Signs {
    fn see(&mut self, kind: &str, ret: &Map) {
        let result = ret.get("result").and_then(Value::as_bool);
        let changed = super::has_changes(ret);
        match kind {
            "onchanges" | "onchanges_any" if result == Some(false) || !changed => self.no_changes = true,
            "onchanges" | "onchanges_any" => self.changes = true,
            "onfail" | "onfail_any" | "onfail_all" if result == Some(true) => self.no_fail = true,
            "onfail" | "onfail_any" | "onfail_all" => self.met |= ran(ret),
            _ if result == Some(false) => self.fail = true,
            "watch" | "watch_any" if changed => self.change = true,
            "prereq" if result.is_some() => self.pre = true,
            "prereq" => {
                self.pre_met = true;
                self.met |= ran(ret);
            }
            "prerequired" if result.is_some() => {}
            _ => self.met |= ran(ret),
        }
    }

    /// One good among several is enough for `_any` and `onfail`, one bad among several too much for `_all`.
    fn weigh(&mut self, kind: &str) {
        if kind.ends_with("_any") || kind == "onfail" {
            self.fail &= !(self.met || self.change || self.changes);
            self.no_changes &= !self.changes;
            self.no_fail &= !self.met;
        }
        if kind.ends_with("_all") && self.no_fail {
            self.met = false;
        }
    }

    fn add(&mut self, other: Signs) {
        self.unmet |= other.unmet;
        self.fail |= other.fail;
        self.change |= other.change;
        self.met |= other.met;
        self.pre |= other.pre;
        self.pre_met |= other.pre_met;
        self.no_fail |= other.no_fail;
        self.no_changes |= other.no_changes;
        self.changes |= other.changes;
    }

    fn status(&self) -> Status {
        match self {
            Signs { unmet: true, .. } => Status::Unmet,
            Signs { fail: true, .. } => Status::Fail,
            Signs { pre: true, pre_met: true, .. } => Status::Met,
            Signs { pre: true, .. } => Status::Pre,
            Signs { no_fail: true, changes: false, .. } => Status::OnFail,
            Signs { no_changes: true, changes: false, .. } => Status::OnChanges,
            Signs { change: true, .. } => Status::Change,
            Signs { no_fail: true, .. } => Status::OnFail,
            _ => Status::Met,
        }
    }
}

fn ran(ret: &Map) -> bool {
    !ret.contains_key("__state_ran__") || is_true(ret, "__state_ran__")
}
