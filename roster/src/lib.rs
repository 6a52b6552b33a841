//! Which hosts there are, which of them a target means, and how each is reached. Never opens a session.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod check;
mod direct;
mod entry;
pub mod flat;
mod glob;
mod host;
mod nearest;
mod problem;
pub mod read;
mod roster;
mod secret;
mod shell_words;
mod ssh_option;
mod target;
mod template;
mod update;

pub use direct::{Direct, Targets, resolves, targets};
pub use entry::{Defaults, Entry, key_names};
pub use glob::Glob;
pub use host::{Host, HostKeyCheck, Identity, Keepalive, Place, SshOptions};
pub use nearest::{did_you_mean, nearest};
pub use problem::{Problem, Problems, read_text};
pub use roster::{BACKENDS, Backend, Roster, Settings, load};
pub use secret::Secret;
pub use target::{Selected, Target, TargetError, TargetKind};
pub use update::{UpdateError, append};
