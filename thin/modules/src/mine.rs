//! `mine.*`: what other hosts told the controller. Without a mine everybody is silent.

use crate::registry::Default::{Bool, Str};
use crate::registry::Param::{Optional, Required};
use crate::registry::{Function, Module, always};
use halite_wire::Map;

pub const MODULE: Module = Module {
    file: "mine",
    virtual_name: "mine",
    doc: "What other hosts told the controller.",
    applies: always,
    functions: &[Function {
        name: "get",
        params: &[
            Required("tgt"),
            Required("fun"),
            Optional("tgt_type", Str("glob")),
            Optional("exclude_minion", Bool(false)),
        ],
        doc: "What the targeted hosts told, by host; a dictionary of nothing where there is no mine.",
        example: "mine.get '*' network.ip_addrs",
        call: |_, _| Ok(Map::new().into()),
    }],
};
