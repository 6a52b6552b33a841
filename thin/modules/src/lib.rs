//! Execution modules: the functions a host can be asked to run, as data plus plain `fn`s.
//!
//! [`MODULES`] is the whole catalogue. Adding a module is one file that ends in a table, and one line here.
//! Everything is synchronous `std`; what a host lacks (files, pillar) is asked of the controller through
//! [`Link`], what it renders goes through [`Render`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod accounts;
pub mod args;
pub mod cache;
mod context;
pub mod diff;
pub mod digest;
pub mod glob;
pub mod linux;
pub mod paths;
pub mod proc;
pub mod process;
pub mod regex;
pub mod registry;
pub mod shell_words;
pub mod traverse;
pub mod write;

mod cmdmod;
mod config;
mod cp;
mod disk;
pub mod environ;
mod file;
pub mod grains;
mod hashutil;
mod mod_random;
mod network;
mod saltutil;
mod status;
mod sysmod;
mod test;

pub use args::{Args, Bound};
pub use context::{Ctx, Link, LinkError, NoLink, NoRender, Render};
pub use registry::{CallError, Function, Module, Param, call};

/// Every module, in alphabetical order of its file.
pub const MODULES: &[Module] = &[
    cmdmod::MODULE,
    config::MODULE,
    cp::MODULE,
    disk::MODULE,
    environ::MODULE,
    file::MODULE,
    grains::MODULE,
    hashutil::MODULE,
    mod_random::MODULE,
    network::MODULE,
    saltutil::MODULE,
    status::MODULE,
    sysmod::MODULE,
    test::MODULE,
];
