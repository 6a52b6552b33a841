//! Words both ends of a session speak: [`Value`], [`Jid`], [`MinionId`], frames and messages.
//!
//! This crate has no async, no files, no clock and no I/O, so every byte a hostile host can send is
//! decoded by code that can be fuzzed alone. It uses no other crate of ours, and every other may use it.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod frame;
mod jid;
mod map;
pub mod message;
mod minion_id;
mod pack;
pub mod stream;
pub mod subnet;
pub mod traverse;
mod value;

pub use jid::{Jid, JidError};
pub use map::Map;
pub use minion_id::{MinionId, MinionIdError};
pub use value::Value;

/// Version of frames and messages. A thin and a controller that disagree do not talk: the controller
/// pushes its own thin instead (there is no negotiation downwards).
pub const PROTOCOL: u16 = 1;
