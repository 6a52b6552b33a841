//! `halite run`: functions that run on the controller, in Salt's names and shapes.
//!
//! In goes a function name with typed arguments, out comes data and the outputter that suits it. Nothing here prints.

mod filter;
mod jobs;
mod moment;
mod registry;
mod shape;

#[cfg(test)]
mod tests;

pub use registry::{
    Answer, Args, Context, Default, Function, Param, Runner, RunnerError, RunnerFuture, docs, run,
};

/// All runners, sorted by name.
pub const RUNNERS: &[Runner] = &[jobs::RUNNER];
