//! From the text of a roster to its data: Jinja first where there is any, then YAML.

use crate::{Place, Problem};
use halite_render::jinja::{self, DirLoader, NoFunctions};
use halite_render::yaml::{self, Mark, Node};
use halite_wire::Map;
use std::collections::HashMap;
use std::path::Path;

/// A rendered roster.
pub(crate) struct Rendered {
    pub document: Node,
    lines: Lines,
}

/// Reads `text`, which stands in `file`. Other templates are taken from its directory. The first line may name the
/// renderers, as in `#!yaml`.
///
/// # Errors
/// What is wrong with the template or the YAML, and renderers other than `jinja` and `yaml`.
pub(crate) fn render(text: &str, file: &Path) -> Result<Rendered, Problem> {
    let rendered = if has_template(text, file)? { Some(expand(text, file)?) } else { None };
    let data = rendered.as_deref().unwrap_or(text);
    let lines = Lines::new(text, rendered.as_deref());
    match yaml::load(data) {
        Ok(document) => Ok(Rendered { document, lines }),
        Err(error) => Err(lines.back_to_source(Problem::of_yaml(file, &error, data))),
    }
}

fn has_template(text: &str, file: &Path) -> Result<bool, Problem> {
    let has_tags = ["{{", "{%", "{#"].iter().any(|opener| text.contains(opener));
    let Some(renderers) = text.lines().next().and_then(|line| line.strip_prefix("#!")) else {
        return Ok(has_tags);
    };
    match renderers.trim() {
        "jinja|yaml" | "jinja" => Ok(has_tags),
        "yaml" => Ok(false),
        other => {
            let what = format!("the renderers {other:?} are not supported; write `#!jinja|yaml` or `#!yaml`");
            Err(Problem::new(file, Mark { line: 1, column: 1 }, what))
        }
    }
}

fn expand(text: &str, file: &Path) -> Result<String, Problem> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let loader = DirLoader { roots: vec![directory.to_owned()] };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    jinja::render(text, &name, &Map::new(), &loader, &NoFunctions).map_err(|error| {
        let other = (error.place.template != name).then(|| directory.join(&error.place.template));
        let hint = error.hint.map_or(String::new(), |hint| format!("; {hint}"));
        Problem::new(other.as_deref().unwrap_or(file), error.place.mark, format!("{}{hint}", error.message))
    })
}

/// Where the lines of the rendered text come from. A line that stands as it is in the source, once, is that line; of
/// any other only the number in the rendered text is known.
struct Lines(Option<Vec<Option<usize>>>);

impl Lines {
    fn new(source: &str, rendered: Option<&str>) -> Lines {
        Lines(rendered.map(|rendered| {
            let mut places = HashMap::<&str, Option<usize>>::new();
            for (index, line) in source.lines().enumerate() {
                places.entry(line).and_modify(|place| *place = None).or_insert(Some(index + 1));
            }
            rendered.lines().map(|line| places.get(line).copied().flatten()).collect()
        }))
    }

    fn of(&self, line: usize) -> Option<usize> {
        match &self.0 {
            None => Some(line),
            Some(lines) => lines.get(line.checked_sub(1)?).copied().flatten(),
        }
    }

    fn back_to_source(&self, problem: Problem) -> Problem {
        let Place { file, line, column } = problem.place;
        match self.of(line) {
            Some(line) => Problem { place: Place { file, line, column }, ..problem },
            None if line == 0 => Problem { place: Place { file, line, column }, ..problem },
            None => Problem {
                place: Place { file, line: 0, column: 0 },
                what: format!("{} (at line {line}, column {column} of the rendered text)", problem.what),
            },
        }
    }
}

impl Rendered {
    /// `problem`, whose place is one of the rendered text, with its place in the source.
    pub fn back_to_source(&self, problem: Problem) -> Problem {
        self.lines.back_to_source(problem)
    }

    /// A place of the rendered text in the source, or the whole file.
    pub fn source_place(&self, place: Place) -> Place {
        match self.lines.of(place.line) {
            Some(line) => Place { line, ..place },
            None => Place { line: 0, column: 0, ..place },
        }
    }
}
