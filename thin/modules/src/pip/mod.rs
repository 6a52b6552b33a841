//! `pip.*`: Python packages, by the host's pip or that of a virtual environment.

mod install;
mod list;
pub mod pep440;
mod program;
mod table;

pub use list::{installed, normal};
pub use program::Pip;
pub use table::{FROM, WHAT, WHERE};

use crate::registry::{Module, always};

pub const MODULE: Module = Module {
    file: "pip",
    virtual_name: "pip",
    doc: "Python packages, by the host's pip or that of a virtual environment.",
    applies: always,
    functions: table::FUNCTIONS,
};
