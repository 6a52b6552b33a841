//! What the full thin has beyond execution modules: templates and states.

use halite_modules::{CallError, Module, Render};
use halite_wire::Value;

/// Modules that stand on states.
pub const FURTHER: &[Module] = halite_states::MODULES;

/// Renders; never lacks anything.
pub struct Engines;

impl Engines {
    pub fn new() -> Engines {
        Engines
    }

    pub fn as_render(&self) -> &dyn Render {
        &halite_states::template::Engines
    }

    pub fn lacked(&self, _: &Result<Value, CallError>) -> bool {
        false
    }
}
