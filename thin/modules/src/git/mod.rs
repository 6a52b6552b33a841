//! `git.*`: repositories, by the host's `git`. A path and arguments in, what git says out.

mod config;
mod remote;
mod repo;
mod table;
mod work;

pub use config::{get_all, get_matching};
pub use remote::{Updates, add_remote, redacted, remotes, with_login};
pub use repo::{Ran, Repo, Who, at, version};
pub use work::is_worktree;

use crate::registry::{Module, always};

pub const MODULE: Module = Module {
    file: "git",
    virtual_name: "git",
    doc: "Repositories, by the host's git.",
    applies: always,
    functions: table::FUNCTIONS,
};
