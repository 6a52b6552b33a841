//! The runtime: low chunks in, state functions called in the order requisites allow, returns out.
//!
//! [`run`] drives `halite_engine::run`; [`one`] is a single state. Every finished state is told to the controller at
//! once, with its return and the names of those that run now, so that a run whose line is cut leaves an exact record.

mod aggregate;
mod beside;
mod bind;
mod call;
mod checks;
mod clock;
pub mod pause;
mod retry;
mod slots;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use crate::STATES;
use crate::custom::is_state;
use beside::{Job, Threads};
use call::Host;
pub use call::problems;
use halite_engine::run::{Next, Outcome, Run, Settings};
use halite_modules::Ctx;
use halite_wire::message::{STEP_BYTES_MAX, encode_value};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;

/// How chunks are run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Nothing may be changed.
    pub test: bool,
    /// State functions are not called; every one is said to be in order.
    pub mock: bool,
    /// Only states of this id, and what they require.
    pub only: Option<String>,
    /// All SLS that were read, those without states among them.
    pub sls: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finished {
    /// Returns by tag (`state_|-id_|-name_|-fun`).
    pub returns: Map,
    /// Whether none failed.
    pub succeeded: bool,
}

/// Runs chunks in their order, as far as requisites allow.
pub fn run(ctx: &mut Ctx, chunks: Vec<Map>, options: &Options) -> Finished {
    let parallel = chunks.iter().any(|low| low.get("parallel").is_some_and(Value::is_truthy));
    if parallel {
        beside::scope(ctx, |ctx, beside| Driver::new(ctx, chunks, options, Some(beside)).drive())
    } else {
        Driver::new(ctx, chunks, options, None).drive()
    }
}

/// Runs one chunk, whatever it requires. Gives its return.
pub fn one(ctx: &mut Ctx, low: &Map, options: &Options) -> Map {
    let mut kept = Map::new();
    let mut ret = Host { ctx, kept: &mut kept, test: options.test, mock: options.mock }.call(low);
    for (key, value) in [("__sls__", low.get("__sls__")), ("__id__", low.get("__id__"))] {
        ret.insert(key, value.cloned().unwrap_or_default());
    }
    ret.insert("__run_num__", 0);
    ret
}

/// State modules of the tree among the chunks that answer to a watched change.
fn watching(ctx: &mut Ctx, chunks: &[Map]) -> BTreeSet<String> {
    let modules: BTreeSet<&str> = chunks.iter().filter_map(|low| low.get_str("state")).collect();
    let is_ours = |name: &str| STATES.iter().any(|m| m.virtual_name == name);
    let others = modules.into_iter().filter(|module| !is_ours(module));
    others.filter(|module| is_state(ctx, &format!("{module}.mod_watch"))).map(str::to_owned).collect()
}

fn has_mod_watch(module: &str) -> bool {
    let mut named = STATES.iter().filter(|m| m.virtual_name == module);
    named.any(|m| m.functions.iter().any(|f| f.name == "mod_watch"))
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Str(text)) => vec![text.clone()],
        Some(Value::List(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// What states remember from the start: the whole run, where one of them cleans a directory of what no other put there.
fn known_to_states(chunks: &[Map]) -> Map {
    let cleans = chunks.iter().any(|low| low.get("clean").is_some_and(Value::is_truthy));
    if cleans { Map::from([("lowstate", chunks.to_vec())]) } else { Map::new() }
}

struct Driver<'d, 'l> {
    ctx: &'d mut Ctx<'l>,
    run: Run,
    options: &'d Options,
    kept: Map,
    beside: Option<&'d mut dyn Threads>,
    done: usize,
    /// Tags of those that run beside.
    started: Vec<String>,
    /// Whether any state has an event fired for its return.
    fires: bool,
}

impl<'d, 'l> Driver<'d, 'l> {
    fn new(
        ctx: &'d mut Ctx<'l>,
        chunks: Vec<Map>,
        options: &'d Options,
        beside: Option<&'d mut dyn Threads>,
    ) -> Driver<'d, 'l> {
        let disabled = texts(ctx.grains().get("state_runs_disabled"));
        let without = texts(ctx.opts.get("disabled_requisites"));
        let kept = known_to_states(&chunks);
        let fires = chunks.iter().any(|low| low.contains_key("fire_event"));
        let watching = watching(ctx, &chunks);
        let run = Run::new(
            chunks,
            &Settings {
                test: options.test,
                failhard: ctx.opts.get("failhard").is_some_and(Value::is_truthy),
                without: &without,
                disabled: &disabled,
                only: options.only.as_deref(),
                sls: &options.sls,
                has_mod_watch: &|module| has_mod_watch(module) || watching.contains(module),
            },
        );
        Driver { ctx, run, options, kept, beside, done: 0, started: Vec::new(), fires }
    }

    fn drive(mut self) -> Finished {
        loop {
            let next = self.run.next_ready();
            self.report(match &next {
                Next::Call(call) => Some(halite_engine::run::tag(&call.low)),
                Next::Wait(_) | Next::Done => None,
            });
            match next {
                // A call that is being cancelled begins no further state, not even one that starts no program.
                Next::Call(call)
                    if pause::wait(self.ctx, &call.low) == pause::Answer::Kill
                        || halite_modules::process::is_cancelled() =>
                {
                    self.run.stop();
                }
                Next::Call(call) => {
                    let outcome = self.call(call);
                    self.run.record(outcome);
                }
                Next::Wait(_) => self.join(),
                Next::Done => break,
            }
        }
        Finished { succeeded: self.run.succeeded(), returns: self.run.returns().clone() }
    }

    fn call(&mut self, call: halite_engine::run::Call) -> Outcome {
        let test = self.options.test || call.only_look;
        let parallel = call.may_start && call.low.get("parallel").is_some_and(Value::is_truthy);
        if let Some(beside) = self.beside.as_mut().filter(|_| parallel) {
            let job = Job { low: call.low, kept: self.kept.clone(), test, mock: self.options.mock };
            self.started.push(halite_engine::run::tag(&job.low));
            beside.start(self.ctx, job);
            return Outcome::Started;
        }
        let low = aggregate::gather(self.ctx, call.low, &mut self.run);
        let host = Host { ctx: self.ctx, kept: &mut self.kept, test, mock: self.options.mock };
        Outcome::Returned(host.call(&low))
    }

    /// Waits for one of those that run beside.
    fn join(&mut self) {
        if let Some((tag, ret)) = self.beside.as_mut().and_then(|beside| beside.next()) {
            self.started.retain(|started| *started != tag);
            self.run.finish(&tag, ret);
        }
    }

    /// Tells the controller what is new: a step for each state that has ended, and which one begins.
    fn report(&mut self, begins: Option<String>) {
        let mut fresh = self.run.take_fresh().into_iter().peekable();
        if fresh.peek().is_none() && begins.is_some() {
            let step = self.step(&begins);
            self.ctx.link.progress_soon(step.into());
        }
        while let Some(tag) = fresh.next() {
            self.done += 1;
            let Some(ret) = self.timed(&tag) else { continue };
            // Who begins, begins after all that have ended.
            let mut step = self.step(if fresh.peek().is_none() { &begins } else { &None });
            step.extend(ended(&tag, &ret));
            match self.beside.is_none() && was_in_order(&ret) {
                true => self.ctx.link.progress_soon(step.into()),
                false => self.ctx.link.progress(step.into()),
            }
            if self.fires {
                self.fire(&tag, ret);
            }
        }
    }

    /// How far the run is: `{done, total, running: [tag, ...]}`.
    fn step(&self, begins: &Option<String>) -> Map {
        let running: Value = self.started.iter().chain(begins).map(String::as_str).collect();
        Map::from([
            ("done", Value::from(self.done)),
            ("total", self.run.total().into()),
            ("running", running),
        ])
    }

    /// A return, with times where it has none.
    fn timed(&mut self, tag: &str) -> Option<Map> {
        let Some(Value::Map(ret)) = self.run.returns_mut().get_mut(tag) else { return None };
        if !ret.contains_key("start_time") {
            clock::Stopwatch::start().stamp(ret);
        }
        Some(ret.clone())
    }

    /// Events of a state's return: with `state_events` for each, with `fire_event` for this one.
    fn fire(&mut self, tag: &str, ret: Map) {
        if self.ctx.opts.get("state_events").is_some_and(Value::is_truthy) {
            let number = ret.get("__run_num__").and_then(Value::as_i64).unwrap_or_default();
            let tag = format!("salt/job/{}/prog/{}/{number}", self.ctx.jid, self.ctx.id);
            let data = Map::from([("ret", Value::from(ret.clone())), ("len", self.run.total().into())]);
            halite_modules::event::send(self.ctx, &tag, data.into());
        }
        let wanted = self.run.chunks_mut().iter().find(|low| halite_engine::run::tag(low) == tag);
        let suffix = match wanted.and_then(|low| low.get("fire_event")) {
            Some(Value::Bool(true)) => ret.get_str("name").unwrap_or_default().to_owned(),
            Some(Value::Str(suffix)) => suffix.clone(),
            _ => return,
        };
        let tag = format!("salt/state_result/{}/{}/{suffix}", self.ctx.jid, self.ctx.id);
        halite_modules::event::send(self.ctx, &tag, Map::from([("ret", ret)]).into());
    }
}

/// Whether a state found nothing to do: that is no news the controller has to have at once.
fn was_in_order(ret: &Map) -> bool {
    ret.get("result") == Some(&Value::Bool(true)) && !ret.get("changes").is_some_and(Value::is_truthy)
}

/// What a step tells of a state that has ended: `{key: tag, result, changed, run_num, ret}`. `ret` is the encoded
/// `{tag: return}`, which the controller need not open unless it never gets the whole answer.
fn ended(tag: &str, ret: &Map) -> Map {
    let changed = ret.get("changes").is_some_and(Value::is_truthy);
    Map::from([
        ("key", Value::from(tag)),
        ("result", ret.get("result").cloned().unwrap_or_default()),
        ("changed", changed.into()),
        ("run_num", ret.get("__run_num__").cloned().unwrap_or_default()),
        ("ret", Value::Bytes(packed(tag, ret))),
    ])
}

/// The return as bytes; without its comment and changes where they are too long for a step.
fn packed(tag: &str, ret: &Map) -> Vec<u8> {
    let pack = |ret: Map| encode_value(&Map::from([(tag, ret)]).into()).unwrap_or_default();
    let whole = pack(ret.clone());
    if whole.len() <= STEP_BYTES_MAX {
        return whole;
    }
    let mut short = ret.clone();
    let left_out = format!("{} bytes were to come with the whole answer", whole.len());
    short.insert("comment", left_out.as_str());
    if ret.get("changes").is_some_and(Value::is_truthy) {
        short.insert("changes", Map::from([("left out", left_out)]));
    }
    pack(short)
}
