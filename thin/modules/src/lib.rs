//! Execution modules: the functions a host can be asked to run, as data plus plain `fn`s.
//!
//! [`MODULES`] is the whole catalogue. Adding a module is one file that ends in a table, and one line here.
//! Everything is synchronous `std`; what a host lacks (files, pillar) is asked of the controller through
//! [`Link`], what it renders goes through [`Render`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod args;
mod context;
pub mod registry;

mod test;

pub use args::{Args, Bound};
pub use context::{Ctx, Link, LinkError, NoLink, NoRender, Render};
pub use registry::{CallError, Function, Module, Param, call};

/// Every module, in alphabetical order of its file.
pub const MODULES: &[Module] = &[test::MODULE];
