//! The runtime: low chunks in, state functions called in the order requisites allow, returns out.
//!
//! [`run`] drives `halite_engine::run`; [`one`] is a single state. Every finished state is told to the controller at
//! once, so that a run whose line is cut leaves an exact record.

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
use beside::{Job, Threads};
use call::Host;
pub use call::problems;
use halite_engine::run::{Next, Outcome, Run, Settings};
use halite_modules::Ctx;
use halite_wire::{Map, Value};

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
        let run = Run::new(
            chunks,
            &Settings {
                test: options.test,
                failhard: ctx.opts.get("failhard").is_some_and(Value::is_truthy),
                without: &without,
                disabled: &disabled,
                only: options.only.as_deref(),
                sls: &options.sls,
                has_mod_watch: &has_mod_watch,
            },
        );
        Driver { ctx, run, options, kept, beside, done: 0 }
    }

    fn drive(mut self) -> Finished {
        loop {
            let next = self.run.next_ready();
            self.report();
            match next {
                Next::Call(call) if pause::wait(self.ctx, &call.low) == pause::Answer::Kill => {
                    self.run.stop();
                }
                Next::Call(call) => {
                    let outcome = self.call(call);
                    self.run.record(outcome);
                    self.report();
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
            self.run.finish(&tag, ret);
            self.report();
        }
    }

    /// Tells the controller of what is new, and gives times to those that have none.
    fn report(&mut self) {
        let total = self.run.total();
        for tag in self.run.take_fresh() {
            let Some(Value::Map(ret)) = self.run.returns_mut().get_mut(&tag) else { continue };
            if !ret.contains_key("start_time") {
                clock::Stopwatch::start().stamp(ret);
            }
            self.done += 1;
            let changed = ret.get("changes").is_some_and(Value::is_truthy);
            let step = Map::from([
                ("key", Value::from(tag.as_str())),
                ("result", ret.get("result").cloned().unwrap_or_default()),
                ("changed", changed.into()),
                ("run_num", ret.get("__run_num__").cloned().unwrap_or_default()),
                ("done", self.done.into()),
                ("total", total.into()),
            ]);
            let ret = ret.clone();
            self.ctx.link.progress(step.into());
            self.fire(&tag, ret);
        }
    }

    /// `fire_event`: an event of its own for a state's return.
    fn fire(&mut self, tag: &str, ret: Map) {
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
