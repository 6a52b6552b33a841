//! What goes wrong while a template runs, before it is known where.

use super::syntax::{Pos, Template};
use std::rc::Rc;

pub(super) type Outcome<T> = Result<T, Box<Fault>>;

/// The kind of a failure, for those who react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The source is no template.
    Syntax,
    /// A name, attribute or key that is not there was used.
    Undefined,
    /// An operation that these values do not have, or a wrong argument.
    Type,
    /// A template that is not there, or lies outside the roots.
    NotFound,
    /// One of [`crate::limits`] was reached.
    Limit,
    /// A function called through `salt[...]` failed.
    Function,
    /// The template itself gave up, by `raise(...)`.
    Raised,
    /// Python's insides are not reached from templates.
    Security,
}

pub(super) struct Fault {
    pub kind: FaultKind,
    pub message: String,
    pub hint: Option<String>,
    /// Where it happened, then the places that led there, innermost first.
    pub places: Vec<(Rc<Template>, Pos)>,
}

impl Fault {
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Box<Fault> {
        Box::new(Fault { kind, message: message.into(), hint: None, places: Vec::new() })
    }

    pub fn of_type(message: impl Into<String>) -> Box<Fault> {
        Fault::new(FaultKind::Type, message)
    }

    pub fn limit(message: impl Into<String>) -> Box<Fault> {
        Fault::new(FaultKind::Limit, message)
    }

    pub fn hinted(mut self: Box<Self>, hint: impl Into<String>) -> Box<Fault> {
        self.hint.get_or_insert(hint.into());
        self
    }

    /// Says where, unless a place further inside is known already.
    pub fn at(mut self: Box<Self>, template: &Rc<Template>, pos: Pos) -> Box<Fault> {
        if self.places.is_empty() {
            self.places.push((template.clone(), pos));
        }
        self
    }

    /// Says where, or where it was called from if a place further inside is known.
    pub fn from_place(self: Box<Self>, template: &Rc<Template>, pos: Pos) -> Box<Fault> {
        if self.places.is_empty() { self.at(template, pos) } else { self.called_from(template, pos) }
    }

    /// Adds a place that led here: a macro's call, an include.
    pub fn called_from(mut self: Box<Self>, template: &Rc<Template>, pos: Pos) -> Box<Fault> {
        const PLACES_MAX: usize = 8;
        if self.places.len() < PLACES_MAX {
            self.places.push((template.clone(), pos));
        }
        self
    }
}
