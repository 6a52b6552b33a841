//! From the text of a roster to its data, by the renderers of its first line: Jinja, then YAML.

use crate::Problem;
use halite_render::jinja::{DirLoader, NoFunctions, RenderError, Settings};
use halite_render::template::{Context, Rendered, TemplateError, render_pipeline};
use halite_render::yaml::{Mark, Node};
use halite_wire::Map;
use std::path::Path;

/// Reads `text`, which stands in `file`; its marks are places in `text`. Other templates are taken from its directory.
///
/// # Errors
/// What is wrong with the template or the YAML, and renderers there are not or that make no data.
pub(crate) fn render(text: &str, file: &Path) -> Result<Node, Problem> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let loader = DirLoader { roots: vec![directory.to_owned()] };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let context = Context {
        variables: &Map::new(),
        loader: &loader,
        functions: &NoFunctions,
        settings: &Settings::default(),
    };
    let first_line = |what: String| Problem::new(file, Mark { line: 1, column: 1 }, what);
    match render_pipeline(text, &name, "jinja|yaml", context) {
        Ok(Rendered::Data(document)) => Ok(document),
        Ok(Rendered::Text(_)) => Err(first_line(
            "these renderers make a text, not data; write `#!jinja|yaml` or `#!yaml`".to_owned(),
        )),
        Err(TemplateError::Template(error)) => Err(of_template(file, directory, &name, *error)),
        Err(TemplateError::Data { error, .. }) => Err(Problem::of_yaml(file, &error, text)),
        Err(TemplateError::UnknownRenderer { renderer, .. }) => Err(first_line(format!(
            "the renderer {renderer:?} is not supported; write `#!jinja|yaml` or `#!yaml`"
        ))),
    }
}

/// The template at fault may be one that the roster includes.
fn of_template(file: &Path, directory: &Path, name: &str, error: RenderError) -> Problem {
    let other = (error.place.template != name).then(|| directory.join(&error.place.template));
    let hint = error.hint.map_or(String::new(), |hint| format!("; {hint}"));
    Problem::new(other.as_deref().unwrap_or(file), error.place.mark, format!("{}{hint}", error.message))
}
