//! The renderers of one file, one after the other.

use super::{Context, Rendered, TemplateError, gpg, python, stateconf, toml};
use crate::jinja::{self, SourceMap};
use crate::yaml::{self, Mark, Node, NodeKind, YamlError};
use halite_wire::Value;

/// The beginning of a file: where its renderers are named.
const TOP: Mark = Mark { line: 1, column: 1 };

/// Renders `source` by the renderers its first line names (`#!jinja|yaml`), else by `default`.
///
/// A first line `#!/...` names an interpreter, not renderers.
///
/// # Errors
/// Broken templates and data, unknown renderers and options, renderers that cannot follow each other.
pub fn render_pipeline(
    source: &str,
    name: &str,
    default: &str,
    context: Context,
) -> Result<Rendered, TemplateError> {
    let pipe = shebang(source).unwrap_or(default);
    let mut file = File { name, source, context, map: None };
    let mut made = Rendered::Text(source.to_owned());
    for part in pipe.split('|') {
        let (renderer, options) = part.trim().split_once(char::is_whitespace).unwrap_or((part.trim(), ""));
        made = file.step(renderer, options.trim(), made)?;
    }
    Ok(match made {
        Rendered::Text(text) => Rendered::Text(without_shebang(&text).to_owned()),
        data => data,
    })
}

/// Like [`render_pipeline`], for files that may be binary: `#!msgpack`.
///
/// # Errors
/// As [`render_pipeline`], and what is neither UTF-8 nor MessagePack.
pub fn render_bytes(
    source: &[u8],
    name: &str,
    default: &str,
    context: Context,
) -> Result<Rendered, TemplateError> {
    let (first, rest) =
        source.split_at(source.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    let named = std::str::from_utf8(first).ok().and_then(shebang);
    if named.unwrap_or(default).trim() == "msgpack" {
        let body = if named.is_some() { rest } else { source };
        let read = halite_wire::message::decode_value(body);
        return match read {
            Ok(value) => Ok(Rendered::Data(Node::of(&value, TOP))),
            Err(error) => Err(TemplateError::at(name, TOP, format!("this is not MessagePack: {error}"))),
        };
    }
    match std::str::from_utf8(source) {
        Ok(source) => render_pipeline(source, name, default, context),
        Err(error) => {
            let before = &source[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            Err(TemplateError::at(name, Mark { line, column }, "the file is not UTF-8 here")
                .hinted("save it as UTF-8; binary content belongs into a file of its own"))
        }
    }
}

/// One file on its way through its renderers.
pub(super) struct File<'f> {
    pub name: &'f str,
    /// As the user wrote it.
    source: &'f str,
    pub context: Context<'f>,
    /// Places of the text in the source, once a template ran.
    map: Option<SourceMap>,
}

impl File<'_> {
    fn step(&mut self, renderer: &str, options: &str, made: Rendered) -> Result<Rendered, TemplateError> {
        match (renderer, made) {
            ("gpg", made) => gpg::render(self, made),
            ("stateconf", made) => stateconf::render(self, options, made),
            (known, Rendered::Data(_)) if super::RENDERERS.contains(&known) => {
                Err(self.wrong(TOP, format!("`{known}` reads text, but the renderer before it made data")))
            }
            ("jinja", Rendered::Text(text)) => {
                self.only("jinja", options, &["-s"])?;
                let context = self.context;
                self.jinja(&text, &context).map(Rendered::Text)
            }
            ("yaml", Rendered::Text(text)) => {
                self.only("yaml", options, &["-o"])?;
                self.data(&text, false).map(Rendered::Data)
            }
            ("json", Rendered::Text(text)) => match self.data(&text, false) {
                // Hints are for people who write YAML.
                Err(TemplateError::Data { name, error }) => {
                    Err(TemplateError::Data { name, error: Box::new(YamlError { hint: None, ..*error }) })
                }
                other => other.map(Rendered::Data),
            },
            ("yamlex", Rendered::Text(text)) => self.data(&text, true).map(Rendered::Data),
            ("toml", Rendered::Text(text)) => {
                toml::read(&text).map(Rendered::Data).map_err(|error| self.placed(error, &text))
            }
            ("py" | "pydsl" | "pyobjects", Rendered::Text(text)) => python::render(self, renderer, &text),
            ("text", text) => Ok(text),
            ("msgpack", _) => Err(self
                .wrong(TOP, "MessagePack is binary, and this file is text")
                .hinted("write `#!msgpack` alone, or use json or yaml")),
            (other, _) => {
                Err(TemplateError::UnknownRenderer { name: self.name.to_owned(), renderer: other.to_owned() })
            }
        }
    }

    /// Refuses options that a renderer does not have.
    fn only(&self, renderer: &str, options: &str, known: &[&str]) -> Result<(), TemplateError> {
        match options.split_whitespace().find(|option| !known.contains(option)) {
            None => Ok(()),
            Some(other) => {
                let message = format!("`{renderer}` has no option {other:?}; it has {}", known.join(", "));
                Err(self.wrong(TOP, message))
            }
        }
    }

    /// A setting of the configuration, as templates see it in `opts`.
    pub fn option(&self, name: &str) -> Option<Value> {
        self.context.variables.get("opts")?.item(name)
    }

    /// The text of a variable; nothing where it is not there.
    pub fn text_variable(&self, name: &str) -> String {
        let value = self.context.variables.get(name).map(|value| value.to_value());
        value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    pub fn wrong(&self, mark: Mark, message: impl Into<String>) -> TemplateError {
        TemplateError::at(self.name, mark, message)
    }

    /// `text` as a template; places of what it makes are known from then on.
    pub fn jinja(&mut self, text: &str, context: &Context) -> Result<String, TemplateError> {
        let Context { variables, loader, functions, settings } = *context;
        let (rendered, new) = jinja::render_mapped(text, self.name, variables, loader, functions, settings)
            .map_err(|error| TemplateError::Template(Box::new(error)))?;
        self.map = self.map.take().or(Some(new));
        Ok(rendered)
    }

    /// Before a template is rendered again from its source.
    pub fn forget_places(&mut self) {
        self.map = None;
    }

    /// `text` as YAML. JSON is read as YAML, which knows all of it, and knows places.
    pub fn data(&self, text: &str, extended: bool) -> Result<Node, TemplateError> {
        let read = if extended { yaml::load_extended(text) } else { yaml::load(text) };
        match read {
            Ok(mut node) => {
                move_marks(&mut node, &|mark| self.place(mark, text));
                Ok(node)
            }
            Err(error) => Err(self.placed(error, text)),
        }
    }

    fn place(&self, mark: Mark, text: &str) -> Mark {
        self.map.as_ref().map_or(mark, |map| map.source_mark(text, mark))
    }

    /// The line a template made of the one at `mark`, where it is another: what is wrong is not to be seen there.
    fn made_by_template(&self, error: &YamlError, mark: Mark, text: &str) -> Option<String> {
        self.map.as_ref()?;
        let source = self.source.lines().nth(mark.line.checked_sub(1)?)?;
        let made = text.lines().nth(error.mark.line.checked_sub(1)?)?;
        let written_by_tag = source.contains("{{") && source.trim() != made.trim();
        let shown: String = made.trim().chars().take(120).collect();
        let cure = match error.message.contains("there twice") {
            true => "",
            false => "; `|tojson` writes any value so that YAML reads it back",
        };
        written_by_tag.then(|| format!("the template made `{shown}` of this line{cure}"))
    }

    /// An error of `text` as one of the source.
    fn placed(&self, error: YamlError, text: &str) -> TemplateError {
        let mark = self.place(error.mark, text);
        let hint = self.made_by_template(&error, mark, text).or(error.hint);
        let related = error.related.map(|(mark, what)| (self.place(mark, text), what));
        TemplateError::Data {
            name: self.name.to_owned(),
            error: Box::new(YamlError { mark, related, hint, ..error }),
        }
    }
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
