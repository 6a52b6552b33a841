//! A whole file through its renderers: `#!jinja|yaml` and the like, Salt's render pipe.
//!
//! Text goes in; each renderer makes text or data of what the one before it made. [`pipe`] runs them, the other files
//! are one renderer each.

mod gpg;
mod pipe;
mod programs;
mod python;
mod stateconf;
mod toml;

pub use pipe::{render_bytes, render_pipeline};
pub use programs::{Finished, HostPrograms, Programs, Talk};
pub use python::TALK;
pub use stateconf::StateConf;

use crate::jinja::{Functions, Loader, RenderError, Settings, Variables};
use crate::suggest;
use crate::yaml::{Mark, Node, YamlError};

/// What a file became.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendered {
    /// The last renderer made data (`yaml`, `json`, `py` ...). Places are those of the file itself, before templates ran.
    Data(Node),
    Text(String),
}

/// What templates may use.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    pub variables: &'c dyn Variables,
    pub loader: &'c dyn Loader,
    pub functions: &'c dyn Functions,
    pub settings: &'c Settings,
}

/// Why a file could not be rendered. `Display` is one line, [`report`](TemplateError::report) shows the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("{0}")]
    Template(Box<RenderError>),
    #[error("{name}:{error}")]
    Data { name: String, error: Box<YamlError> },
    #[error("{name}:1:1: {}", unknown(renderer))]
    UnknownRenderer { name: String, renderer: String },
}

/// The renderers there are.
const RENDERERS: &[&str] = &[
    "gpg",
    "jinja",
    "json",
    "msgpack",
    "py",
    "pydsl",
    "pyobjects",
    "stateconf",
    "text",
    "toml",
    "yaml",
    "yamlex",
];

/// Renderers Salt has and we do not, with what serves instead.
const NOT_SERVED: &[(&str, &str)] = &[
    ("cheetah", "jinja"),
    ("dson", "json"),
    ("genshi", "jinja"),
    ("hjson", "yaml"),
    ("json5", "yaml"),
    ("mako", "jinja"),
    ("wempy", "jinja"),
];

fn unknown(renderer: &str) -> String {
    if let Some((_, instead)) = NOT_SERVED.iter().find(|(name, _)| *name == renderer) {
        let all = RENDERERS.join(", ");
        return format!(
            "files for {renderer} are not rendered here; write them for {instead} (there are {all})"
        );
    }
    let cure = match suggest::nearest(renderer, RENDERERS.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("the renderers are {}", RENDERERS.join(", ")),
    };
    format!("there is no renderer {renderer:?}; {cure}")
}

impl TemplateError {
    /// `file:line:column: message` and the lines around, for people. `source` is what was given to
    /// [`render_pipeline`].
    pub fn report(&self, source: &str) -> String {
        match self {
            TemplateError::Template(error) => error.report(),
            TemplateError::Data { name, error } => error.report(name, source),
            TemplateError::UnknownRenderer { .. } => self.to_string(),
        }
    }

    /// A failure of `name` at a place of it.
    fn at(name: &str, mark: Mark, message: impl Into<String>) -> TemplateError {
        TemplateError::Data { name: name.to_owned(), error: Box::new(YamlError::new(mark, message)) }
    }

    fn hinted(self, hint: &str) -> TemplateError {
        match self {
            TemplateError::Data { name, error } => {
                TemplateError::Data { name, error: Box::new(error.hint(hint)) }
            }
            other => other,
        }
    }
}
