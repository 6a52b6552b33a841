//! A whole file through its renderers: `#!jinja|yaml` and the like, Salt's render pipe.

use crate::jinja::{self, Functions, Loader, RenderError, Settings, SourceMap};
use crate::suggest;
use crate::yaml::{self, Mark, Node, NodeKind, YamlError};
use halite_wire::Map;

/// What a file became.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendered {
    /// The last renderer reads data (`yaml`, `json`). Places are those of the file itself, before templates ran.
    Data(Node),
    Text(String),
}

/// What templates may use.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    pub variables: &'c Map,
    pub loader: &'c dyn Loader,
    pub functions: &'c dyn Functions,
    pub settings: Settings,
}

/// Why a file could not be rendered. `Display` is one line, [`report`](TemplateError::report) shows the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("{0}")]
    Template(Box<RenderError>),
    #[error("{name}:{error}")]
    Data { name: String, error: Box<YamlError> },
    #[error("{name}:1:1: there is no renderer {renderer:?}{}", near(renderer))]
    UnknownRenderer { name: String, renderer: String },
}

/// The renderers there are.
const RENDERERS: &[&str] = &["jinja", "json", "text", "yaml"];

fn near(renderer: &str) -> String {
    match suggest::nearest(renderer, RENDERERS.iter().copied()) {
        Some(near) => format!("; did you mean {near:?}?"),
        None => format!("; the renderers are {}", RENDERERS.join(", ")),
    }
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
}

/// Renders `source` by the renderers its first line names (`#!jinja|yaml`), else by `default`.
///
/// Only the last renderer may be one that reads data. A first line `#!/...` names an interpreter, not renderers.
///
/// # Errors
/// Broken templates and data, unknown renderers.
pub fn render_pipeline(
    source: &str,
    name: &str,
    default: &str,
    context: Context,
) -> Result<Rendered, TemplateError> {
    let pipe = shebang(source).unwrap_or(default);
    let mut text = source.to_owned();
    let mut map: Option<SourceMap> = None;
    for renderer in pipe.split('|').map(|part| part.split_whitespace().next().unwrap_or("")) {
        match renderer {
            "jinja" => {
                let Context { variables, loader, functions, settings } = context;
                let (rendered, new) =
                    jinja::render_mapped(&text, name, variables, loader, functions, settings)
                        .map_err(|error| TemplateError::Template(Box::new(error)))?;
                text = rendered;
                map = map.or(Some(new));
            }
            "yaml" | "json" => return data(&text, map.as_ref(), name).map(Rendered::Data),
            "text" => {}
            other => {
                return Err(TemplateError::UnknownRenderer {
                    name: name.to_owned(),
                    renderer: other.to_owned(),
                });
            }
        }
    }
    Ok(Rendered::Text(without_shebang(&text).to_owned()))
}

/// The renderers named in the first line.
fn shebang(source: &str) -> Option<&str> {
    let line = source.lines().next()?.strip_prefix("#!")?;
    (!line.starts_with('/')).then(|| line.trim()).filter(|pipe| !pipe.is_empty())
}

fn without_shebang(text: &str) -> &str {
    match shebang(text) {
        Some(_) => text.split_once('\n').map_or("", |(_, rest)| rest),
        None => text,
    }
}

/// JSON is read as YAML, which knows all of it, and knows places.
fn data(text: &str, map: Option<&SourceMap>, name: &str) -> Result<Node, TemplateError> {
    let place = |mark: Mark| map.map_or(mark, |map| map.source_mark(text, mark));
    match yaml::load(text) {
        Ok(mut node) => {
            move_marks(&mut node, &place);
            Ok(node)
        }
        Err(error) => {
            let related = error.related.map(|(mark, text)| (place(mark), text));
            let error = Box::new(YamlError { mark: place(error.mark), related, ..error });
            Err(TemplateError::Data { name: name.to_owned(), error })
        }
    }
}

fn move_marks(node: &mut Node, place: &dyn Fn(Mark) -> Mark) {
    node.mark = place(node.mark);
    match &mut node.kind {
        NodeKind::Scalar(_) => {}
        NodeKind::List(items) => items.iter_mut().for_each(|item| move_marks(item, place)),
        NodeKind::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            move_marks(key, place);
            move_marks(value, place);
        }),
    }
}
