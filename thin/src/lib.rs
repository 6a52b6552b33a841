//! The executor pushed to hosts: frame loop, link to the controller, and the end of a call.
//!
//! It runs one call and is gone. Frames go out on what was fd 1 at the start; whatever a function or a child
//! prints goes to stderr instead, so nothing can write between our frames. When stdin closes, the controller
//! is gone: children are killed and the thin ends.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod home;
mod link;
mod serve;
mod stdio;

pub use serve::{execute, serve};

/// What a person who starts the thin by hand is told.
pub const USAGE: &str = "halite-thin is started by its controller: halite-thin NONCE CALL\n";
