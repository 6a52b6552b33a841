//! `stateconf.*`: states that do nothing, for the sake of their names and arguments.

use crate::{Look, StateFunction, StateModule};
use halite_modules::Param::{Keywords, Required};
use halite_modules::registry::always;

pub const MODULE: StateModule = StateModule {
    file: "stateconf",
    virtual_name: "stateconf",
    doc: "States that hold values for the stateconf renderer, and do nothing.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "context",
        params: &[Required("name"), Keywords("kwargs")],
        doc: "Does nothing.",
        example: "sls_params: {stateconf.context: [{port: 8080}]}",
        call: |_, _| Ok(Look::in_sync("")),
    },
    StateFunction {
        name: "set",
        params: &[Required("name"), Keywords("kwargs")],
        doc: "Does nothing.",
        example: "sls_params: {stateconf.set: [{port: 8080}]}",
        call: |_, _| Ok(Look::in_sync("")),
    },
];
