//! High data: states by ID, and what is done to it before it becomes low chunks.

mod exclude;
mod extend;
mod find;
mod requisite_in;
mod verify;

use crate::Options;
use crate::places::Places;
use halite_wire::{Map, Value};

/// States by ID, `{id: {state: [function, {argument: value}, ...]}}`, with the compiler's own keys in between.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct High {
    pub data: Map,
    /// What was wrong on the way here, one line each. Where there is any, nothing may be run.
    pub errors: Vec<String>,
    /// Names of all SLS that were rendered, those without a state included: they satisfy requisites of `sls`.
    pub rendered: Vec<String>,
    pub(crate) places: Places,
}

impl From<Map> for High {
    /// High data from elsewhere (`state.high`), whose places nobody knows.
    fn from(data: Map) -> High {
        High { data, ..High::default() }
    }
}

impl High {
    /// What is wrong with the shape of the data, one line each: what `state.show_sls` tells.
    pub fn verify(&self) -> Vec<String> {
        verify::verify(&self.data, &self.places)
    }

    /// Brings extensions, requisites said from the other side, and exclusions into the states they mean.
    pub(crate) fn reconcile(&mut self, options: &Options) -> Result<(), Vec<String>> {
        let mut errors = extend::apply(&mut self.data, &self.places, false);
        if errors.is_empty() {
            errors.extend(self.verify());
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let (extends, mut errors) = requisite_in::extends(&self.data, &self.places, options);
        self.data.insert("__extend__", Value::List(extends));
        errors.extend(extend::apply(&mut self.data, &self.places, true));
        exclude::apply(&mut self.data);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}
