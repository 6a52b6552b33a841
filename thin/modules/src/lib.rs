//! Execution modules: the functions a host can be asked to run, as data plus plain `fn`s.
//!
//! [`LEAN`] and [`FULL`] are the whole catalogue. Adding a module is one file that ends in a table, and one line here.
//! Everything is synchronous `std`; what a host lacks (files, pillar) is asked of the controller through
//! [`Link`], what it renders goes through [`Render`].

#![cfg_attr(test, allow(clippy::unwrap_used))]
#![cfg_attr(not(feature = "full"), allow(dead_code, unused_imports))]

pub mod accounts;
pub mod archive;
pub mod args;
pub mod cache;
mod context;
pub mod dictupdate;
pub mod diff;
pub mod digest;
pub mod extmods;
pub mod files;
pub mod filter_by;
pub mod glob;
pub mod linux;
pub mod packages;
pub mod paths;
pub mod proc;
pub mod process;
pub mod regex;
pub mod registry;
pub mod services;
pub mod shell_words;
pub mod tools;
pub use halite_wire::traverse;
pub mod userdb;
pub mod write;

mod aliases;
pub mod alternatives;
mod apkpkg;
mod aptpkg;
mod cmdmod;
mod config;
pub mod cp;
pub mod cron;
mod data;
mod debian_service;
mod defaults;
mod dig;
mod disk;
mod dnsutil;
pub mod environ;
pub mod event;
pub mod file;
mod gentoo_service;
pub mod git;
pub mod grains;
mod groupadd;
mod hashutil;
pub mod hosts;
mod http;
pub mod ini_manage;
mod kmod;
mod linux_service;
mod linux_shadow;
pub mod linux_sysctl;
mod localemod;
mod logmod;
mod mine;
mod mod_random;
pub mod mount;
mod network;
mod pacmanpkg;
mod pillar;
pub mod pip;
mod rh_service;
mod runit;
mod saltutil;
mod slsutil;
pub mod ssh;
mod status;
mod sysmod;
mod systemd_service;
mod test;
mod timezone;
mod useradd;
mod virtualenv;
mod work;
mod yumpkg;
mod zypperpkg;

pub use args::{Args, Bound};
pub use context::{Beside, Ctx, Link, LinkError, NoLink, NoRender, Render};
pub use registry::{CallError, Function, Module, Param, call};

/// What the lean executor holds: what is asked of many hosts at once, and small. In alphabetical order of their files.
pub const LEAN: &[Module] = &[
    cmdmod::MODULE,
    config::MODULE,
    cp::MODULE,
    disk::MODULE,
    environ::MODULE,
    event::MODULE,
    file::MODULE,
    grains::MODULE,
    hashutil::MODULE,
    logmod::MODULE,
    mine::MODULE,
    mod_random::MODULE,
    network::MODULE,
    pillar::MODULE,
    saltutil::MODULE,
    status::MODULE,
    test::MODULE,
];

/// What the full executor holds beside [`LEAN`], in alphabetical order of their files.
#[cfg(feature = "full")]
pub const FULL: &[Module] = &[
    aliases::MODULE,
    alternatives::MODULE,
    apkpkg::MODULE,
    aptpkg::MODULE,
    archive::MODULE,
    cron::MODULE,
    data::MODULE,
    debian_service::MODULE,
    defaults::MODULE,
    dig::MODULE,
    dnsutil::MODULE,
    file::managing::MODULE,
    gentoo_service::MODULE,
    git::MODULE,
    groupadd::MODULE,
    hosts::MODULE,
    http::MODULE,
    ini_manage::MODULE,
    kmod::MODULE,
    linux_service::MODULE,
    linux_shadow::MODULE,
    linux_sysctl::MODULE,
    localemod::MODULE,
    mount::MODULE,
    packages::MODULE,
    pacmanpkg::MODULE,
    pip::MODULE,
    rh_service::MODULE,
    runit::MODULE,
    slsutil::MODULE,
    ssh::MODULE,
    sysmod::MODULE,
    systemd_service::MODULE,
    timezone::MODULE,
    useradd::MODULE,
    virtualenv::MODULE,
    yumpkg::MODULE,
    zypperpkg::MODULE,
];
#[cfg(not(feature = "full"))]
pub const FULL: &[Module] = &[];
