//! The one door to the renderer: which texts may be templates on the controller.
//!
//! A [`Source`] is text that somebody with rights on this machine wrote: a file of the roots, a file the configuration
//! names, a word of the configuration or of this program. Nothing makes one of a text or of a value, so what a host says
//! may be data of a template and can never be one. Outside this file nobody calls the renderer (held by `tests/tidy.rs`).

use crate::files::FoundFile;
use halite_render::jinja::{self, Functions, Loader, RenderError, Variables};
use halite_render::template::{Context, Rendered, TemplateError, render_pipeline};
use halite_wire::Value;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// Text that may be rendered.
///
/// What a host said is none:
///
/// ```compile_fail,E0277
/// let said = halite_wire::Value::from("{{ 7 * 7 }}");
/// let source: halite::template::Source = said.as_str().unwrap().into();
/// ```
///
/// ```compile_fail,E0597
/// let said = String::from("{{ 7 * 7 }}");
/// let source = halite::template::Source::builtin(&said);
/// ```
///
/// ```compile_fail,E0423
/// let said = String::from("{{ 7 * 7 }}");
/// let source = halite::template::Source(said.into());
/// ```
///
/// What this program says is one:
///
/// ```
/// let source = halite::template::Source::builtin("{{ 7 * 7 }}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(Arc<str>);

/// Those who hold what a person wrote into the configuration or on the command line.
pub trait Written {
    /// The value of a key as it was written.
    fn written(&self, key: &str) -> Option<&Value>;
}

impl Source {
    /// A template of this program.
    pub fn builtin(text: &'static str) -> Source {
        Source(text.into())
    }

    /// A file of this machine.
    ///
    /// # Errors
    /// What reading it says; it must be UTF-8.
    pub fn file(path: &Path) -> io::Result<Source> {
        std::fs::read_to_string(path).map(|text| Source(text.into()))
    }

    /// A file of the file server or of the pillar's roots.
    ///
    /// # Errors
    /// As [`Source::file`].
    pub fn served(found: &mut FoundFile) -> io::Result<Source> {
        let mut text = String::new();
        found.file.read_to_string(&mut text).map(|_| Source(text.into()))
    }

    /// The text that was written under `key`; `None` where there is none.
    pub fn written(by: &impl Written, key: &str) -> Option<Source> {
        by.written(key).and_then(Value::as_str).map(|text| Source(text.into()))
    }

    /// Without the line break at its end.
    #[must_use]
    pub fn without_last_newline(self) -> Source {
        self.0.strip_suffix('\n').map(|text| Source(text.into())).unwrap_or(self)
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// Renders it with Jinja.
    ///
    /// # Errors
    /// Broken templates, undefined names, failing functions, and limits.
    pub fn render(
        &self,
        name: &str,
        variables: &dyn Variables,
        loader: &dyn Loader,
        functions: &dyn Functions,
    ) -> Result<String, RenderError> {
        jinja::render(&self.0, name, variables, loader, functions)
    }

    /// Renders it by the renderers its first line names, else by `default`.
    ///
    /// # Errors
    /// As [`Source::render`], and broken data.
    pub fn pipeline(&self, name: &str, default: &str, context: Context) -> Result<Rendered, TemplateError> {
        render_pipeline(&self.0, name, default, context)
    }
}

/// A value with what is encrypted in it decrypted by `renderer`. The value may be a host's own words: its first line does
/// not choose the renderer, and a renderer that would run it is refused.
///
/// # Errors
/// `renderer` is another than `gpg`, or gpg does not decrypt it.
pub fn decrypted(text: &str, name: &str, renderer: &str, context: Context) -> Result<Value, String> {
    if renderer.trim() != "gpg" {
        return Err(format!("values are decrypted by gpg; {renderer} might run what they say"));
    }
    if text.starts_with("#!") {
        return Ok(text.into());
    }
    match render_pipeline(text, name, "gpg", context).map_err(|error| error.report(text))? {
        Rendered::Data(node) => Ok(node.to_value()),
        Rendered::Text(text) => Ok(text.into()),
    }
}
