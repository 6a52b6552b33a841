//! A failed rendering, as people see it.

use super::fault::{Fault, FaultKind};
use super::syntax::{Pos, Template};
use crate::excerpt::Excerpt;
use crate::yaml::Mark;

/// A place in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name the template was rendered or included by.
    pub template: String,
    pub mark: Mark,
}

/// Why a template could not be rendered. `Display` is one line; [`report`](RenderError::report) shows the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}:{}: {message}", place.template, place.mark.line, place.mark.column)]
pub struct RenderError {
    pub kind: FaultKind,
    pub message: Box<str>,
    pub place: Place,
    /// The calls and includes that led there, innermost first.
    pub called_from: Vec<Place>,
    pub hint: Option<Box<str>>,
    /// The whole text of the template at fault, which may be an included one.
    pub source_text: Box<str>,
}

impl RenderError {
    pub(super) fn from_fault(fault: Fault) -> RenderError {
        let mut places = fault.places.iter().map(place);
        let first = places.next();
        let unknown = || Place { template: String::new(), mark: Mark { line: 1, column: 1 } };
        RenderError {
            kind: fault.kind,
            place: first.unwrap_or_else(unknown),
            called_from: places.collect(),
            hint: fault.hint.map(Into::into),
            source_text: fault.places.first().map_or("".into(), |(template, _)| (*template.source).into()),
            message: fault.message.into(),
        }
    }

    /// `file:line:column: message`, the lines around with a caret, the places that led there, and the hint.
    pub fn report(&self) -> String {
        let Place { template, mark } = &self.place;
        let excerpt = Excerpt {
            file: template,
            source: &self.source_text,
            mark: *mark,
            message: &self.message,
            related: None,
            hint: None,
        };
        let mut out = excerpt.render();
        for Place { template, mark } in &self.called_from {
            out.push_str(&format!("\ncalled from {template}:{}:{}", mark.line, mark.column));
        }
        if let Some(hint) = &self.hint {
            out.push_str(&format!("\nhint: {hint}"));
        }
        out
    }
}

fn place((template, pos): &(std::rc::Rc<Template>, Pos)) -> Place {
    let mark = Mark { line: pos.line as usize, column: pos.column as usize };
    Place { template: template.name.to_string(), mark }
}
