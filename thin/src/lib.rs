//! The executor pushed to hosts: frame loop, link to the controller, and the end of a call.
//!
//! It runs one call and is gone. Frames go out on what was fd 1 at the start; whatever a function or a child
//! prints goes to stderr instead, so nothing can write between our frames. When stdin closes, the controller
//! is gone: children are killed and the thin ends.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alone;
#[cfg_attr(feature = "full", path = "full.rs")]
#[cfg_attr(not(feature = "full"), path = "lean.rs")]
mod edition;
mod home;
mod link;
mod serve;
mod stdio;

pub use serve::{execute, serve};

/// Every function this thin has, whatever host it is on: `module.function`.
pub fn functions() -> impl Iterator<Item = String> {
    let modules = halite_modules::LEAN.iter().chain(halite_modules::FULL).chain(edition::FURTHER);
    modules.flat_map(|m| m.functions.iter().map(move |f| format!("{}.{}", m.virtual_name, f.name)))
}

/// The word that makes the thin list its [`functions`] and end, one a line: the controller's build asks so.
pub const LIST_FUNCTIONS: &str = "--functions";

/// What a person who starts the thin by hand is told.
pub const USAGE: &str = "halite-thin is started by its controller: halite-thin NONCE CALL\n";
