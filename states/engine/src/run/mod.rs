//! Which chunk is next: low chunks in, calls out, returns in, until all is said.
//!
//! [`Run::next_ready`] names what is to be done, [`Run::record`] takes how it ended. Requisites, failed requisites,
//! `prereq`, `listen` and `failhard` are settled here; state functions, clocks and threads are the driver's.

mod listen;
mod requisite;
mod skip;
mod verdict;
mod walk;

#[cfg(test)]
mod tests;

use halite_pattern::fnmatch;
use halite_wire::{Map, Value};
use requisite::Index;
use std::collections::{HashSet, VecDeque};
pub use verdict::succeeded;
use walk::Frame;

/// What a run depends on besides its chunks.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// `test=True`: `failhard` does not hold then.
    pub test: bool,
    /// `failhard` where a chunk does not say.
    pub failhard: bool,
    /// Kinds of requisites that are ignored (`disabled_requisites`).
    pub without: &'a [String],
    /// Globs of state functions that do not run (`state.disable`).
    pub disabled: &'a [String],
    /// Only chunks of this id begin by themselves; what they require follows, listeners do not.
    pub only: Option<&'a str>,
    /// All SLS that were read, those without states among them: a requisite on one is met.
    pub sls: &'a [String],
    /// Whether the state module of this name has a `mod_watch`.
    pub has_mod_watch: &'a dyn Fn(&str) -> bool,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Run this, and [`Run::record`] how it ended.
    Call(Call),
    /// [`Run::finish`] these first; they were recorded as started.
    Wait(Vec<String>),
    /// All is said.
    Done,
}

/// One call of a state function.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The chunk. Where a watched state changed, `fun` is `mod_watch`, `sfun` the chunk's own function, and `__reqs__`
    /// has by kind of requisite the chunks that changed.
    pub low: Map,
    /// Only look: somebody's `prereq` asks what would change.
    pub only_look: bool,
    /// It may be recorded as [`Outcome::Started`].
    pub may_start: bool,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With this return: `name`, `changes`, `result`, `comment` and more.
    Returned(Map),
    /// It goes on beside the others.
    Started,
}

/// Key of a chunk's return: `state_|-id_|-name_|-fun`.
pub fn tag(low: &Map) -> String {
    ["state", "__id__", "name", "fun"].map(|key| words(low.get(key))).join("_|-")
}

fn words(value: Option<&Value>) -> String {
    match value {
        Some(Value::Str(text)) => text.clone(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Bool(flag)) => if *flag { "True" } else { "False" }.to_owned(),
        Some(Value::Float(number)) => format!("{number:?}"),
        _ => "None".to_owned(),
    }
}

/// Marks of a chunk that change as the run goes.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    /// Its next call only looks.
    only_look: bool,
    /// Somebody it is a `prereq` of has asked for it.
    prerequired: bool,
}

/// What becomes of the return that is waited for.
enum Deposit {
    /// It is the chunk's.
    Return,
    /// As before; where nothing changed, `mod_watch` is called and answers instead.
    Watch { reqs: Map },
    /// It tells what would change. `changed`: a watched state did, so something would.
    Look { key: String, changed: bool },
    /// It is a listener's.
    Listener,
}

struct Pending {
    low: Map,
    /// Index of the chunk, but for listeners.
    chunk: Option<usize>,
    deposit: Deposit,
}

/// A run of low chunks, in the order they stand in.
pub struct Run {
    chunks: Vec<Map>,
    tags: Vec<String>,
    marks: Vec<Marks>,
    index: Index,
    test: bool,
    failhard: bool,
    returns: Map,
    /// Returns of calls that only looked, by tag.
    looked: Map,
    started: HashSet<String>,
    active: HashSet<String>,
    stack: Vec<Frame>,
    pending: Option<Pending>,
    next_chunk: usize,
    only: Option<String>,
    halted: bool,
    listeners: Option<VecDeque<Map>>,
    listen_errors: Vec<(String, Map)>,
    listened: HashSet<String>,
    run_num: i64,
    fresh: Vec<String>,
}

impl Run {
    pub fn new(chunks: Vec<Map>, settings: &Settings) -> Run {
        let (mut disabled, mut kept) = (Vec::new(), Vec::new());
        for mut chunk in chunks {
            match disabled_by(&chunk, settings.disabled) {
                Some(pattern) => disabled.push((tag(&chunk), skip::disabled(&chunk, pattern))),
                None => {
                    watch_or_require(&mut chunk, settings.has_mod_watch);
                    kept.push(chunk);
                }
            }
        }
        let mut run = Run {
            tags: kept.iter().map(tag).collect(),
            marks: vec![Marks::default(); kept.len()],
            index: Index::of(&kept, settings),
            chunks: kept,
            test: settings.test,
            failhard: settings.failhard,
            returns: Map::new(),
            looked: Map::new(),
            started: HashSet::new(),
            active: HashSet::new(),
            stack: Vec::new(),
            pending: None,
            next_chunk: 0,
            only: settings.only.map(str::to_owned),
            halted: false,
            listeners: settings.only.map(|_| VecDeque::new()),
            listen_errors: Vec::new(),
            listened: HashSet::new(),
            run_num: 0,
            fresh: Vec::new(),
        };
        disabled.into_iter().for_each(|(tag, ret)| run.put(tag, ret));
        run
    }

    /// What is to be done now; the same again until it is recorded or finished.
    pub fn next_ready(&mut self) -> Next {
        loop {
            if let Some(next) = self.step() {
                return next;
            }
            if !self.advance() {
                return self.at_the_end();
            }
        }
    }

    /// Takes the next chunk that has no return yet; false where there is none.
    fn advance(&mut self) -> bool {
        self.active.clear();
        while !self.halted && self.next_chunk < self.chunks.len() {
            let chunk = self.next_chunk;
            self.next_chunk += 1;
            let id = self.chunks[chunk].get_str("__id__");
            let wanted = self.only.is_none() || self.only.as_deref() == id;
            if wanted && !self.returns.contains_key(&self.tags[chunk]) {
                self.stack.push(Frame::of(chunk));
                return true;
            }
        }
        false
    }

    fn at_the_end(&mut self) -> Next {
        if let Some(wait) = self.wait_for(&self.started.iter().cloned().collect::<Vec<_>>()) {
            return wait;
        }
        self.next_listener()
    }

    /// Takes how the call ended that [`Run::next_ready`] gave last.
    pub fn record(&mut self, outcome: Outcome) {
        let Some(Pending { low, chunk, deposit }) = self.pending.take() else { return };
        let ret = match outcome {
            Outcome::Started => {
                let (tag, mut ret) = (tag(&low), skip::started(&low));
                self.number(&mut ret);
                self.returns.insert(tag.clone(), ret);
                self.started.insert(tag);
                return;
            }
            Outcome::Returned(ret) => ret,
        };
        match deposit {
            Deposit::Look { key, changed } => self.looked_at(chunk, key, changed, ret),
            Deposit::Watch { reqs } if !has_changes(&ret) && !is_true(&ret, "skip_watch") => {
                self.pending = Some(Pending { low: mod_watch(&low, reqs), chunk, deposit: Deposit::Return });
            }
            Deposit::Return | Deposit::Watch { .. } => {
                // A call of mod_watch answers under the chunk's own name.
                let tag = chunk.map_or_else(|| tag(&low), |chunk| self.tags[chunk].clone());
                self.put_return(tag, &low, ret);
                self.after(chunk);
            }
            Deposit::Listener => {
                let tag = tag(&low);
                self.put_return(tag.clone(), &low, ret);
                if self.fails_hard(&low, &tag) {
                    self.listeners = Some(VecDeque::new());
                }
            }
        }
    }

    /// The return of a call that was recorded as started.
    pub fn finish(&mut self, tag: &str, mut ret: Map) {
        if !self.started.remove(tag) {
            return;
        }
        for key in ["__sls__", "__id__", "__run_num__"] {
            if let Some(value) = self.returns.get(tag).and_then(|started| started.get(key)) {
                ret.insert(key, value.clone());
            }
        }
        ret.insert("__parallel__", true);
        self.put(tag.to_owned(), ret);
    }

    /// Neither the call that was given last nor any further chunk is run (`state.soft_kill`); listeners still are.
    pub fn stop(&mut self) {
        self.pending = None;
        self.halt();
    }

    /// Tags that got their return since this was asked last, in order.
    pub fn take_fresh(&mut self) -> Vec<String> {
        std::mem::take(&mut self.fresh)
    }

    /// How many chunks the run has.
    pub fn total(&self) -> usize {
        self.chunks.len()
    }

    pub fn returns(&self) -> &Map {
        &self.returns
    }

    /// The returns, to be completed in place: times are the driver's.
    pub fn returns_mut(&mut self) -> &mut Map {
        &mut self.returns
    }

    pub fn chunks(&self) -> &[Map] {
        &self.chunks
    }

    /// The chunks as they run, for those that gather several into one.
    pub fn chunks_mut(&mut self) -> &mut [Map] {
        &mut self.chunks
    }

    /// Whether no state failed, `onfail` handlers with `onfail_stop: False` taken into account.
    pub fn succeeded(&self) -> bool {
        succeeded(&self.returns, &self.chunks)
    }

    fn looked_at(&mut self, chunk: Option<usize>, key: String, changed: bool, mut ret: Map) {
        if changed && !has_changes(&ret) {
            ret.insert("changes", Map::from([("watch", "watch")]));
            ret.insert("result", Value::Null);
        }
        if let Some(chunk) = chunk {
            self.marks[chunk].only_look = false;
        }
        self.looked.insert(key, ret);
    }

    fn put_return(&mut self, tag: String, low: &Map, mut ret: Map) {
        let further = ret.remove("sub_state_run");
        skip::sign(low, &mut ret);
        self.put(tag, ret);
        for part in further.as_ref().and_then(Value::as_list).unwrap_or_default() {
            if let Some((tag, ret)) = skip::part(low, part) {
                self.put(tag, ret);
            }
        }
    }

    /// Puts a return in place, with the next number where it has none.
    fn put(&mut self, tag: String, mut ret: Map) {
        self.number(&mut ret);
        self.fresh.push(tag.clone());
        self.returns.insert(tag, ret);
    }

    fn number(&mut self, ret: &mut Map) {
        if !ret.contains_key("__run_num__") {
            ret.insert("__run_num__", self.run_num);
            self.run_num += 1;
        }
    }

    /// Whether this chunk has failed and takes the whole run with it.
    fn fails_hard(&self, low: &Map, tag: &str) -> bool {
        let wanted = low.get("failhard").map_or(self.failhard, Value::is_truthy);
        let result = self.returns.get(tag).and_then(|ret| ret.get("result"));
        !self.test && wanted && result == Some(&Value::Bool(false))
    }

    fn halt(&mut self) {
        self.halted = true;
        self.stack.clear();
    }

    fn wait_for(&self, tags: &[String]) -> Option<Next> {
        let mut open: Vec<String> = tags.iter().filter(|tag| self.started.contains(*tag)).cloned().collect();
        open.sort();
        (!open.is_empty()).then_some(Next::Wait(open))
    }
}

fn disabled_by<'a>(chunk: &Map, patterns: &'a [String]) -> Option<&'a String> {
    let name = format!("{}.{}", words(chunk.get("state")), words(chunk.get("fun")));
    patterns.iter().find(|pattern| fnmatch(name.as_bytes(), pattern.as_bytes()))
}

/// Where there is no `mod_watch`, to watch is to require.
fn watch_or_require(chunk: &mut Map, has_mod_watch: &dyn Fn(&str) -> bool) {
    if has_mod_watch(chunk.get_str("state").unwrap_or_default()) {
        return;
    }
    for (watch, require) in [("watch", "require"), ("watch_any", "require_any")] {
        let Some(Value::List(watched)) = chunk.remove(watch) else { continue };
        match chunk.get_mut(require) {
            Some(Value::List(required)) => required.extend(watched),
            _ => drop(chunk.insert(require, watched)),
        }
    }
}

fn mod_watch(low: &Map, reqs: Map) -> Map {
    let mut low = low.clone();
    low.insert("sfun", low.get("fun").cloned().unwrap_or_default());
    low.insert("fun", "mod_watch");
    low.insert("__reqs__", reqs);
    low
}

fn has_changes(ret: &Map) -> bool {
    ret.get("changes").is_some_and(Value::is_truthy)
}

fn is_true(ret: &Map, key: &str) -> bool {
    ret.get(key).is_some_and(Value::is_truthy)
}
