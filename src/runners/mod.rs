//! `halite run`: functions that run on the controller, in Salt's names and shapes.
//!
//! In goes a function name with typed arguments, out comes data and the outputter that suits it. Nothing here prints.

mod bootstrap;
mod cache;
mod config;
mod doc;
mod fileserver;
mod filter;
mod house;
mod jobs;
mod lookup;
mod manage;
mod moment;
mod network;
mod pillar;
mod registry;
mod returners;
mod salt;
mod saltutil;
mod shape;
mod ssh;
mod state;
mod survey;
mod test;

#[cfg(test)]
mod tests;

pub use cache::keep_grains;
pub use house::{Calling, House, KnownHost, Login};
pub use moment::parse as moment;
pub use shape::WholeJob;

use halite_wire::{Map, Value};
use registry::Bound;
use std::time::Duration;

pub use registry::{
    Answer, Args, Context, Default, Entries, Function, Param, Runner, RunnerError, RunnerFuture, docs, run,
};

/// All runners, sorted by name.
pub const RUNNERS: &[Runner] = &[
    cache::RUNNER,
    config::RUNNER,
    doc::RUNNER,
    fileserver::RUNNER,
    jobs::RUNNER,
    manage::RUNNER,
    network::RUNNER,
    pillar::RUNNER,
    returners::RUNNER,
    salt::RUNNER,
    saltutil::RUNNER,
    ssh::RUNNER,
    state::RUNNER,
    survey::RUNNER,
    test::RUNNER,
];

/// The call that `tgt, fun, arg, timeout, tgt_type, kwarg` of a function say.
fn calling(args: &Bound) -> Result<Calling, RunnerError> {
    let text = |name: &str| args.text(name).unwrap_or_default();
    let arg = match args.get("arg") {
        Value::Null => Vec::new(),
        Value::List(items) => items.clone(),
        one => vec![one.clone()],
    };
    let kwarg = match args.get("kwarg") {
        Value::Null => Map::new(),
        Value::Map(map) => map.clone(),
        other => return Err(args.wrong(format!("'kwarg' must be a dict, not {}", other.kind()))),
    };
    let tgt = match args.get("tgt") {
        Value::List(ids) => ids.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        _ => text("tgt"),
    };
    let timeout = seconds(args, "timeout")?;
    let tgt_type = text("tgt_type");
    Ok(Calling { tgt, tgt_type, fun: text("fun"), arg, kwarg, timeout, ..Calling::default() })
}

/// A time in seconds; none where the argument is absent or 0.
fn seconds(args: &Bound, name: &str) -> Result<Option<Duration>, RunnerError> {
    let seconds = match args.get(name) {
        Value::Null => return Ok(None),
        Value::Int(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        _ => -1.0,
    };
    let wrong = |_| args.wrong(format!("'{name}' is a number of seconds"));
    Ok(Some(Duration::try_from_secs_f64(seconds).map_err(wrong)?).filter(|time| !time.is_zero()))
}
