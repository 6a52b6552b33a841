//! What a runner function is, how it is found, and how arguments get the names of its parameters.

use super::RUNNERS;
use super::house::House;
use crate::config::Config;
use crate::jobs::{JobStore, StoreError};
use halite_render::repr::repr;
use halite_roster::did_you_mean;
use halite_wire::{Map, Value};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What runner functions may use.
#[derive(Clone)]
pub struct Context {
    /// `None` where nothing was ever stored.
    pub store: Option<Arc<dyn JobStore>>,
    /// The time of now, as [`crate::jobs::Clock`] tells it.
    pub now_micros: u64,
    pub config: Arc<Config>,
    /// `job_cache_store_endtime` of the config: whether `EndTime` is shown.
    pub show_endtime: bool,
    /// The rest of the controller.
    pub house: Arc<dyn House>,
}

/// Entries of a dict as they are read.
pub type Entries = mpsc::Receiver<Result<(String, Value), StoreError>>;

/// What a function gives.
#[derive(Debug)]
pub struct Answer {
    pub data: Value,
    /// How it wants to be shown, unless the user says otherwise.
    pub outputter: Option<String>,
    /// Where `data` is a dict: what comes behind its entries. So the first can be shown while the last is read.
    pub more: Option<Entries>,
}

impl From<Value> for Answer {
    fn from(data: Value) -> Answer {
        Answer { data, outputter: None, more: None }
    }
}

impl Answer {
    /// The same with all its entries in `data`.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn gathered(mut self) -> Result<Answer, RunnerError> {
        let Some(mut more) = self.more.take() else { return Ok(self) };
        while let Some(entry) = more.recv().await {
            let (key, value) = entry?;
            if let Some(data) = self.data.as_map_mut() {
                data.insert(key, value);
            }
        }
        Ok(self)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    #[error("'{fun}' is not available{hint}")]
    NotAvailable { fun: String, hint: String },
    #[error("{fun}: {why}")]
    Arguments { fun: &'static str, why: String },
    /// The function did not do it; its own words.
    #[error("{fun}: {why}")]
    Failed { fun: &'static str, why: String },
    #[error("{error}. {}", .error.hint())]
    Store {
        #[from]
        #[source]
        error: StoreError,
    },
}

pub type RunnerFuture<'a> = Pin<Box<dyn Future<Output = Result<Answer, RunnerError>> + Send + 'a>>;

/// Functions under one name.
pub struct Runner {
    pub name: &'static str,
    /// Sorted by name.
    pub functions: &'static [Function],
}

/// One function: data plus a plain `fn`.
pub struct Function {
    /// `runner.function`.
    pub name: &'static str,
    /// In Salt's order, with Salt's names and defaults.
    pub params: &'static [Param],
    /// Sentences, ending in a stop.
    pub doc: &'static str,
    /// A call as a user types it: function and arguments.
    pub example: &'static str,
    pub call: for<'a> fn(&'a Context, Bound) -> RunnerFuture<'a>,
}

/// A parameter: its name and what it is where the caller says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param(pub &'static str, pub Default);

/// What a parameter is where the caller says nothing, or that it is of another kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    Required,
    Null,
    Bool(bool),
    Int(i64),
    Text(&'static str),
    /// Not one parameter but all further positional arguments (`*args`); see [`Bound::rest`].
    Rest,
    /// All keyword arguments no parameter takes (`**kwargs`); see [`Bound::keywords`].
    Keywords,
}

impl Default {
    fn value(self) -> Value {
        match self {
            Default::Bool(flag) => flag.into(),
            Default::Int(number) => number.into(),
            Default::Text(text) => text.into(),
            Default::Null | Default::Required | Default::Rest | Default::Keywords => Value::Null,
        }
    }
}

/// Arguments as the caller gave them, typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    pub positional: Vec<Value>,
    pub keywords: Map,
}

/// Arguments under the names of the parameters, defaults filled in.
pub struct Bound {
    fun: &'static str,
    named: Map,
    /// What `*args` takes.
    pub(super) rest: Vec<Value>,
    /// What `**kwargs` takes.
    pub(super) keywords: Map,
}

impl Bound {
    /// The value of a parameter of this function; null for any other name.
    pub(super) fn get(&self, name: &str) -> &Value {
        self.named.get(name).unwrap_or(&Value::NULL)
    }

    /// The function that is called.
    pub(super) fn fun(&self) -> &'static str {
        self.fun
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_truthy()
    }

    /// The argument as text. A job id typed as `jid=2026...` comes as a number.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Value::Str(text) => Some(text.clone()),
            Value::Int(number) => Some(number.to_string()),
            Value::BigInt(digits) => Some(digits.to_string()),
            _ => None,
        }
    }

    /// A list, or text with commas; empty where there is nothing.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Value::List(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::Str(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                parts.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn failed(&self, why: impl Into<String>) -> RunnerError {
        RunnerError::Failed { fun: self.fun, why: why.into() }
    }

    pub(super) fn wrong(&self, why: impl Into<String>) -> RunnerError {
        RunnerError::Arguments { fun: self.fun, why: why.into() }
    }
}

impl Args {
    fn bind(self, function: &'static Function) -> Result<Bound, RunnerError> {
        let mut bound =
            Bound { fun: function.name, named: Map::new(), rest: Vec::new(), keywords: Map::new() };
        let (given, mut keywords) = (self.positional.len(), self.keywords);
        let takes = |kind| function.params.iter().any(|param| param.1 == kind);
        let most = function.params.iter().filter(|param| param.1 != Default::Keywords).count();
        if given > most && !takes(Default::Rest) {
            return Err(bound.wrong(format!("takes at most {most} arguments, {given} were given")));
        }
        let mut positional = self.positional.into_iter();
        for Param(name, default) in function.params {
            if matches!(default, Default::Rest | Default::Keywords) {
                continue;
            }
            let value = match (positional.next(), keywords.remove(name), default) {
                (Some(_), Some(_), _) => {
                    return Err(bound.wrong(format!("the argument '{name}' is given twice")));
                }
                (Some(value), None, _) | (None, Some(value), _) => value,
                (None, None, Default::Required) => {
                    return Err(bound
                        .wrong(format!("the argument '{name}' is missing. Example: {}", function.example)));
                }
                (None, None, default) => default.value(),
            };
            bound.named.insert(*name, value);
        }
        bound.rest = positional.collect();
        if takes(Default::Keywords) {
            bound.keywords = keywords;
            return Ok(bound);
        }
        let unknown = keywords.keys().filter_map(Value::as_str).find(|key| !key.starts_with("__"));
        match unknown {
            None => Ok(bound),
            Some(key) => {
                let hint = did_you_mean(key, function.params.iter().map(|param| param.0));
                Err(bound.wrong(format!("no argument is named '{key}'{hint}")))
            }
        }
    }
}

/// All functions there are.
pub(super) fn functions() -> impl Iterator<Item = &'static Function> {
    RUNNERS.iter().flat_map(|runner| runner.functions)
}

/// Runs `fun` (`runner.function`).
///
/// # Errors
/// [`RunnerError`]; an unknown name or argument comes with the nearest one.
pub async fn run(context: &Context, fun: &str, args: Args) -> Result<Answer, RunnerError> {
    let Some(function) = functions().find(|function| function.name == fun) else {
        let hint = did_you_mean(fun, functions().map(|function| function.name));
        return Err(RunnerError::NotAvailable { fun: fun.to_owned(), hint });
    };
    let bound = args.bind(function)?;
    (function.call)(context, bound).await
}

/// What `-d` shows: name and documentation of every function called `what`, or of the runner `what`, or of all.
///
/// # Errors
/// [`RunnerError::NotAvailable`] where nothing has that name.
pub fn docs(what: Option<&str>) -> Result<Map, RunnerError> {
    let is_meant = |function: &&Function| {
        what.is_none_or(|what| {
            let rest = function.name.strip_prefix(what);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let found: Map = functions().filter(is_meant).map(|function| (function.name, doc(function))).collect();
    match what {
        Some(what) if found.is_empty() => {
            let hint = did_you_mean(what, functions().map(|function| function.name));
            Err(RunnerError::NotAvailable { fun: what.to_owned(), hint })
        }
        _ => Ok(found),
    }
}

fn doc(function: &Function) -> String {
    let params = function.params.iter().map(|Param(name, default)| match default {
        Default::Required => (*name).to_owned(),
        Default::Rest => format!("*{name}"),
        Default::Keywords => format!("**{name}"),
        default => format!("{name}={}", repr(&default.value())),
    });
    let params: Vec<_> = params.collect();
    let Function { name, doc, example, .. } = function;
    format!("{doc}\n\n    {name}({})\n\nExample:\n\n    halite run {example}", params.join(", "))
}
