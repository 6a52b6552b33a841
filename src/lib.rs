//! The controller: everything that holds a socket to many hosts, a secret of all of them, or the terminal.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bus;
pub mod cli;
pub mod config;
mod drivers;
pub mod files;
pub mod fleet;
pub mod jobs;
pub mod output;
pub mod pillar;
mod quick;
pub mod returners;
pub mod runners;
pub mod session;
pub mod template;
pub mod trust;
