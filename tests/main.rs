//! Black-box tests of the controller, as one binary.

#![allow(clippy::unwrap_used)]

mod aarch64;
mod cli;
mod fleet;
mod kit;
mod returners;
mod session;
mod tidy;
