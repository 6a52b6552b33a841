//! State functions, and the runtime that drives them.
//!
//! A function looks and says [`Look::InSync`] or [`Look::Differs`] with a way to get there; the runtime decides. [`STATES`]
//! is the whole catalogue: adding a state module is one file that ends in a table, and one line here. [`MODULES`]
//! are the execution modules that stand on states (`state.apply` and the like).

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod registry;

pub use registry::{Applied, Apply, Look, Plan, StateCtx, StateFunction, StateModule, find};

use halite_modules::Module;

/// Every state module, in alphabetical order of its file.
pub const STATES: &[StateModule] = &[];

/// Execution modules that need the state system, in alphabetical order.
pub const MODULES: &[Module] = &[];
