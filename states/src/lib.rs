//! State functions, and the runtime that drives them.
//!
//! A function looks and says [`Look::InSync`] or [`Look::Differs`] with a way to get there; the runtime decides. [`STATES`]
//! is the whole catalogue: adding a state module is one file that ends in a table, and one line here. [`MODULES`]
//! are the execution modules that stand on states (`state.apply` and the like).

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alias;
mod alternatives;
mod archive;
mod cmd;
pub mod compile;
mod cron;
mod custom;
mod environ;
mod event;
pub mod file;
mod git;
mod grains;
mod group;
mod host;
mod http;
mod ini_manage;
mod kmod;
mod locale;
mod matching;
mod module;
mod mount;
mod pip;
mod pkg;
mod pkgrepo;
mod registry;
pub mod run;
mod service;
mod ssh_auth;
mod ssh_known_hosts;
mod state;
mod stateconf;
mod sysctl;
mod sysstate;
pub mod template;
mod test;
mod timezone;
mod user;
mod virtualenv;

pub use registry::{Applied, Apply, Look, Plan, StateCtx, StateFunction, StateModule, find};

use halite_modules::Module;

/// Every state module, in alphabetical order of its file.
pub const STATES: &[StateModule] = &[
    alias::MODULE,
    alternatives::MODULE,
    archive::MODULE,
    cmd::MODULE,
    cron::MODULE,
    environ::MODULE,
    event::MODULE,
    file::MODULE,
    file::TEXT_MODULE,
    git::MODULE,
    grains::MODULE,
    group::MODULE,
    host::MODULE,
    http::MODULE,
    ini_manage::MODULE,
    kmod::MODULE,
    locale::MODULE,
    module::MODULE,
    mount::MODULE,
    pip::MODULE,
    pkg::MODULE,
    pkgrepo::MODULE,
    service::MODULE,
    ssh_auth::MODULE,
    ssh_known_hosts::MODULE,
    stateconf::MODULE,
    sysctl::MODULE,
    test::MODULE,
    timezone::MODULE,
    user::MODULE,
    virtualenv::MODULE,
];

/// Execution modules that need the state system, in alphabetical order.
pub const MODULES: &[Module] = &[matching::MODULE, state::MODULE, sysstate::MODULE];
