//! One state: its arguments, conditions, call, and the shape of what it returns.

use super::clock::{Stopwatch, milliseconds};
use super::retry::Retry;
use super::{bind, checks};
use crate::{Applied, Look, StateCtx, StateFunction};
use halite_modules::{CallError, Ctx, Param};
use halite_wire::{Map, Value};
use rustix::fs::Mode;

/// Where states are called.
pub struct Host<'h, 'l> {
    pub ctx: &'h mut Ctx<'l>,
    /// Memory the states of one run share.
    pub kept: &'h mut Map,
    pub test: bool,
    pub mock: bool,
}

/// What is wrong with a chunk, so that it cannot be called at all; empty where nothing is.
pub fn problems(ctx: &mut Ctx, low: &Map) -> Vec<String> {
    let mut problems = Vec::new();
    for key in ["state", "fun", "name"] {
        if !low.contains_key(key) {
            problems.push(format!("\"{key}\" is missing"));
        }
    }
    if let Some(name) = low.get("name").filter(|name| name.is_truthy() && name.as_str().is_none()) {
        problems.push(format!("the name must be text, not {}", name.kind()));
    }
    if low.get("umask").is_some_and(|mask| umask_of(mask).is_none()) {
        problems.push("umask must be an octal number".to_owned());
    }
    if problems.is_empty() {
        match crate::find(ctx, &full_name(low)) {
            Ok(function) => problems.extend(missing(low, function)),
            Err(error) => problems.push(format!("state {error}")),
        }
    }
    problems
}

fn missing(low: &Map, function: &StateFunction) -> Vec<String> {
    let required = function.params.iter().filter_map(|param| match param {
        Param::Required(name) => Some(*name),
        _ => None,
    });
    let missing = required.filter(|name| !low.contains_key(name));
    missing.map(|name| format!("{}: the argument '{name}' is missing", full_name(low))).collect()
}

fn full_name(low: &Map) -> String {
    let part = |key| low.get_str(key).unwrap_or_default();
    format!("{}.{}", part("state"), part("fun"))
}

/// Digits are octal, whatever kind they are: `22`, `"022"`.
fn umask_of(mask: &Value) -> Option<Mode> {
    let digits = halite_modules::args::as_text(mask)?;
    let digits = digits.strip_prefix("0o").unwrap_or(&digits);
    u32::from_str_radix(digits, 8).ok().filter(|mask| *mask <= 0o777).map(Mode::from_raw_mode)
}

impl Host<'_, '_> {
    /// Calls the chunk's function, as often as its `retry` wants, and gives its return.
    pub fn call(mut self, low: &Map) -> Map {
        let problems = problems(self.ctx, low);
        if !problems.is_empty() {
            return returned(low, Some(false), problems.join("\n"));
        }
        let mut ret = self.attempt(low);
        let Some(retry) = Retry::of(low) else { return ret };
        if self.test {
            let comment = format!("{}  {}", ret.get_str("comment").unwrap_or_default(), retry.plan());
            ret.insert("comment", comment);
            return ret;
        }
        let mut past = Vec::new();
        let mut attempt = 1;
        while attempt < retry.attempts && result_of(&ret) != Some(retry.until) {
            let rest = retry.rest();
            std::thread::sleep(rest);
            let next = self.attempt(low);
            let earlier = std::mem::replace(&mut ret, next);
            past.push(format!("Attempt {attempt}: {}", told(&earlier)));
            add_up(&mut ret, &earlier, milliseconds(rest));
            attempt += 1;
        }
        past.push(ret.get_str("comment").unwrap_or_default().to_owned());
        ret.insert("comment", past.join("\n"));
        ret
    }

    /// One attempt, with its times.
    fn attempt(&mut self, low: &Map) -> Map {
        let watch = Stopwatch::start();
        let mut ret = self.look_and_do(low);
        self.check_after(low, &mut ret);
        watch.stamp(&mut ret);
        self.refresh(low);
        ret
    }

    fn look_and_do(&mut self, low: &Map) -> Map {
        match checks::skip(self.ctx, low) {
            Err(error) => return returned(low, Some(false), error.to_string()),
            Ok(None) => {}
            Ok(Some(lines)) => {
                let mut ret = returned(low, Some(true), lines.join("\n"));
                ret.insert("skip_watch", true);
                return ret;
            }
        }
        if self.mock {
            return returned(low, Some(true), "Not called: this is a mock run".to_owned());
        }
        let mut ret = match self.in_surroundings(low) {
            Ok(applied) => shape(low, applied),
            Err(error) => returned(low, Some(false), error.to_string()),
        };
        self.warn(low, &mut ret);
        ret
    }

    /// Salt's `warnings`: what does not stop the state, but is hardly meant.
    fn warn(&mut self, low: &Map, ret: &mut Map) {
        let slips = crate::find(self.ctx, &full_name(low)).map(|function| bind::misspelt(low, function));
        let slips = slips.unwrap_or_default().into_iter().map(Value::from);
        if let Value::List(warnings) = ret.entry_or("warnings", || Value::List(Vec::new())) {
            warnings.extend(slips);
            if warnings.is_empty() {
                ret.remove("warnings");
            }
        }
    }

    /// Under the chunk's `umask`, commands as its `runas`.
    fn in_surroundings(&mut self, low: &Map) -> Result<Applied, CallError> {
        let mask = low.get("umask").and_then(umask_of).map(rustix::process::umask);
        let user = low.get("runas").filter(|user| !user.is_null()).cloned();
        if let Some(user) = user.clone() {
            self.ctx.opts.insert(RUNAS, user);
        }
        let applied = self.function(low);
        if user.is_some() {
            self.ctx.opts.remove(RUNAS);
        }
        if let Some(mask) = mask {
            rustix::process::umask(mask);
        }
        applied
    }

    fn function(&mut self, low: &Map) -> Result<Applied, CallError> {
        let function = crate::find(self.ctx, &full_name(low))?;
        let args = bind::bind(self.ctx, low, function)?;
        let test = self.test;
        let mut state = StateCtx { ctx: self.ctx, low, test, kept: self.kept };
        Ok(match (function.call)(&mut state, &args)? {
            Look::InSync { comment } => Applied::done(comment, Map::new()),
            Look::Cannot { comment, changes } => Applied::failed(comment, changes),
            Look::Done(applied) => applied,
            Look::Differs(plan) if test => {
                Applied { result: None, ..Applied::done(plan.comment, plan.changes) }
            }
            Look::Differs(plan) => {
                state.ctx.link.flush();
                (plan.apply)(&mut state)?
            }
        })
    }

    /// `check_cmd`, but for functions that run it themselves.
    fn check_after(&mut self, low: &Map, ret: &mut Map) {
        let Some(commands) = low.get("check_cmd") else { return };
        let itself = crate::find(self.ctx, &full_name(low)).is_ok_and(|function| {
            low.get_str("state") == Some("file")
                && function.params.iter().any(|p| p.name() == Some("check_cmd"))
        });
        if !itself {
            let (well, comment) = checks::check_cmd(self.ctx, commands);
            ret.insert("result", well);
            ret.insert("comment", comment);
        }
    }

    /// `reload_grains` and `reload_pillar`. Modules are part of the program: there is nothing to reload of them.
    fn refresh(&mut self, low: &Map) {
        if low.get("reload_grains").is_some_and(Value::is_truthy) {
            self.ctx.forget_grains();
        }
        if low.get("reload_pillar").is_some_and(Value::is_truthy) {
            self.ctx.set_pillar(None);
        }
    }
}

/// Option under which commands find the user of the state they run for.
pub const RUNAS: &str = "__runas";

fn result_of(ret: &Map) -> Option<bool> {
    ret.get("result").and_then(Value::as_bool)
}

fn told(ret: &Map) -> String {
    let result = match result_of(ret) {
        Some(true) => "True",
        Some(false) => "False",
        None => "None",
    };
    format!("the result was {result}: {}", ret.get_str("comment").unwrap_or_default())
}

/// The whole of several attempts began with the first and took all their time.
fn add_up(ret: &mut Map, earlier: &Map, rest: f64) {
    let took = |ret: &Map| match ret.get("duration") {
        Some(Value::Float(time)) => *time,
        _ => 0.0,
    };
    let all = took(ret) + took(earlier) + rest;
    ret.insert("duration", all);
    ret.insert("start_time", earlier.get("start_time").cloned().unwrap_or_default());
}

fn returned(low: &Map, result: Option<bool>, comment: String) -> Map {
    shape(low, Applied { result, comment, changes: Map::new().into(), further: Map::new() })
}

/// Salt's shape: `name`, `changes`, `result`, `comment` and what else the function says.
fn shape(low: &Map, applied: Applied) -> Map {
    let mut ret = Map::new();
    ret.insert("name", low.get("name").cloned().unwrap_or_default());
    ret.insert("changes", if applied.changes.is_null() { Map::new().into() } else { applied.changes });
    ret.insert("result", applied.result);
    ret.insert("comment", applied.comment);
    ret.extend(applied.further);
    ret
}
