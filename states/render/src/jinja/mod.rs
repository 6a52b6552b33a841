//! Jinja as Salt speaks it: templates over values with Python's meaning.
//!
//! [`syntax`] makes a tree of a source, [`run`] walks it. Lists and dicts are shared and change in place, every
//! error knows line and column of the source it came from, and [`crate::limits`] bounds time, memory and depth.
//! A template reaches nothing but its variables, what the [`Loader`] has and what [`Functions`] does.

mod args;
mod error;
mod fault;
mod filters;
mod globals;
mod header;
mod jmespath;
mod json;
mod loader;
mod methods;
mod ops;
mod parsed;
mod percent;
mod run;
mod settings;
mod str_format;
mod syntax;
mod tests;
mod value;
mod variables;

pub use error::{Place, RenderError};
pub use fault::FaultKind;
pub use loader::{DirLoader, Loader, NoTemplates};
pub use parsed::Parsed;
pub use run::SourceMap;
pub use settings::{Marks, Settings, Sign};
pub use variables::{Prepared, Shared, Variable, Variables};

use crate::template::Programs;
use halite_wire::{Map, Value};

/// Execution modules, as templates call them: `salt['pkg.version']('bash')`.
pub trait Functions {
    /// Whether there is such a function: `'pkg.version' in salt`.
    fn has(&self, name: &str) -> bool;

    /// # Errors
    /// A message for the person who wrote the template.
    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, String>;

    /// The names there are, for suggestions.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    /// How renderers run `gpg` and `python3`; `None` where no programs are run.
    fn programs(&self) -> Option<&dyn Programs> {
        None
    }
}

/// No functions at all: for rosters and configuration files.
pub struct NoFunctions;

impl Functions for NoFunctions {
    fn has(&self, _: &str) -> bool {
        false
    }

    fn call(&self, name: &str, _: Vec<Value>, _: Map) -> Result<Value, String> {
        Err(format!("{name} cannot be called here"))
    }
}

/// Renders `source`, which messages and relative includes know as `name`.
///
/// # Errors
/// Broken templates, undefined names, failing functions and everything above [`crate::limits`].
pub fn render(
    source: &str,
    name: &str,
    variables: &dyn Variables,
    loader: &dyn Loader,
    functions: &dyn Functions,
) -> Result<String, RenderError> {
    render_with(source, name, variables, loader, functions, &Settings::default())
}

/// Like [`render`], with the settings of `jinja_env` or `jinja_sls_env`.
pub fn render_with(
    source: &str,
    name: &str,
    variables: &dyn Variables,
    loader: &dyn Loader,
    functions: &dyn Functions,
    settings: &Settings,
) -> Result<String, RenderError> {
    render_mapped(source, name, variables, loader, functions, settings).map(|(text, _)| text)
}

/// Like [`render_with`], with a map from places of the result to those of the source.
///
/// # Errors
/// As [`render`].
pub fn render_mapped(
    source: &str,
    name: &str,
    variables: &dyn Variables,
    loader: &dyn Loader,
    functions: &dyn Functions,
    settings: &Settings,
) -> Result<(String, SourceMap), RenderError> {
    run::Interp::new(loader, functions, settings.clone(), variables)
        .render(source, name)
        .map_err(|fault| RenderError::from_fault(*fault))
}

/// `value` as JSON in one line.
///
/// # Errors
/// JSON has no such value.
pub fn to_json(value: &Value) -> Result<String, String> {
    let style = json::Style { ascii: true, ..json::Style::default() };
    json::write(&value::from_wire(value), style).map_err(|fault| fault.message)
}

/// The value of a JSON text.
///
/// # Errors
/// It is none.
pub fn from_json(text: &str) -> Result<Value, String> {
    let value = json::read(text).map_err(|misread| misread.message)?;
    value::to_wire(&value).map_err(|fault| fault.message)
}
