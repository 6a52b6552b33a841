//! SSH hosts that misbehave on purpose, in the process of the test.
//!
//! [`FakeHost`] is a real SSH server that follows a [`Script`]: it may hang, flood, lie, or run what it is told
//! with a real shell, so that the real thin answers. [`Tap`] sits on the wire before any server and cuts,
//! stalls, trickles or flips bytes at a chosen place. [`Odd`] is a server that never gets to SSH at all.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "it serves tests: a fault of the kit shall be loud"
)]

mod host;
mod odd;
mod script;
mod tap;

pub use host::FakeHost;
pub use odd::Odd;
pub use script::{Act, Auth, Exec, Script};
pub use tap::{Direction, Fault, Tap};
