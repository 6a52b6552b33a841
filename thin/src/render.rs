//! Templates for functions (`cmd.run template=jinja`), by the engine of `halite-render`.

use halite_modules::{Ctx, Render};
use halite_render::yaml;
use halite_wire::{Map, Value};

/// The engines the thin carries.
pub struct Engines;

impl Render for Engines {
    fn render(&self, _: &mut Ctx, engine: &str, _: &str, _: &Map) -> Result<String, String> {
        Err(format!("there is no template engine {engine:?} here"))
    }

    fn load_yaml(&self, source: &str) -> Result<Value, String> {
        yaml::load(source).map(|node| node.to_value()).map_err(|error| error.to_string())
    }

    fn dump_yaml(&self, value: &Value) -> Result<String, String> {
        Ok(yaml::dump(value))
    }
}
