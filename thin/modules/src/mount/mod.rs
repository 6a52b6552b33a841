//! `mount.*`: what is mounted, the table that says what shall be (`/etc/fstab`), and swap space.

mod active;
mod cache;
mod fstab;
mod run;
mod swap;
mod table;

pub use active::{Mount, active};
pub use cache::{cached_options, forget, remember};

use crate::registry::Module;

pub const MODULE: Module = Module {
    file: "mount",
    virtual_name: "mount",
    doc: "What is mounted, the table that says what shall be, and swap space.",
    applies: |grains| grains.get_str("kernel") == Some("Linux"),
    functions: table::FUNCTIONS,
};
