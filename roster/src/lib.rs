//! Which hosts there are, which of them a target means, and how each is reached. Never opens a session.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod host;
mod secret;

pub use host::{Host, Identity, Keepalive, Place};
pub use secret::Secret;
