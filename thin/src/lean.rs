//! What stands in the lean thin's place of templates and states: YAML alone, and a note of what was missed.
//!
//! A call that turns out to need more is given back to the controller, which sends the full thin. Templates are
//! rendered before anything else of a call is done, so nothing was done by then.

use halite_modules::{CallError, Ctx, Module, Render};
use halite_render::yaml;
use halite_wire::{Map, Value};
use std::sync::atomic::{AtomicBool, Ordering};

pub const FURTHER: &[Module] = &[];

/// Reads and writes YAML; remembers whether somebody wanted a template.
pub struct Engines {
    lacking: AtomicBool,
}

impl Engines {
    pub fn new() -> Engines {
        Engines { lacking: AtomicBool::new(false) }
    }

    pub fn as_render(&self) -> &dyn Render {
        self
    }

    /// Whether the call failed, or may have, for want of the full thin.
    pub fn lacked(&self, result: &Result<Value, CallError>) -> bool {
        self.lacking.load(Ordering::Relaxed) || matches!(result, Err(CallError::NotAvailable { .. }))
    }

    fn lack<T>(&self) -> Result<T, String> {
        self.lacking.store(true, Ordering::Relaxed);
        Err("the lean executor renders no templates".to_owned())
    }
}

impl Render for Engines {
    fn render(&self, _: &mut Ctx, _: &str, _: &str, _: &Map) -> Result<String, String> {
        self.lack()
    }

    fn pipeline(&self, _: &mut Ctx, _: &str, _: &str, _: &Map) -> Result<Value, String> {
        self.lack()
    }

    fn serialize(&self, _: &str, _: &Value, _: &Map) -> Result<String, String> {
        self.lack()
    }

    fn load_yaml(&self, source: &str) -> Result<Value, String> {
        yaml::load(source).map(|node| node.to_value()).map_err(|error| error.to_string())
    }

    fn dump_yaml(&self, value: &Value) -> Result<String, String> {
        Ok(yaml::dump(value))
    }
}
