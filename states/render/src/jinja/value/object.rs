//! What templates hold beside data: functions, macros, loops, imported templates.

use super::super::args::Args;
use super::super::fault::Outcome;
use super::super::run::{Interp, Loop, Scope};
use super::super::syntax::{MacroDef, Template};
use super::{Dict, Val};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A function of ours that templates call by name.
pub(in super::super) type Native = fn(&mut Interp, Args) -> Outcome<Val>;

pub(in super::super) enum Object {
    Native(&'static str, Native),
    /// A method with the value it belongs to.
    Method(Val, Rc<str>),
    Macro(Macro),
    Module(Module),
    Namespace(RefCell<Dict>),
    Loop(Rc<Loop>),
    /// `salt`, or `salt.pkg` before the function's name is known.
    Salt(Option<Rc<str>>),
    /// One function of an execution module.
    SaltFunction(Rc<str>),
    /// The block `super()` stands in, and how far up the next one is.
    Super {
        block: Rc<str>,
        level: usize,
    },
    Cycler(Cycler),
    /// What it prints, and whether it was called before.
    Joiner(Val, Cell<bool>),
}

/// A macro with the scope it was written in.
pub(in super::super) struct Macro {
    pub def: Rc<MacroDef>,
    pub template: Rc<Template>,
    pub scope: Rc<Scope>,
}

/// An imported template: its macros and top-level variables.
#[derive(Clone)]
pub(in super::super) struct Module {
    pub name: Rc<str>,
    pub scope: Rc<Scope>,
    /// What the template printed.
    pub body: Rc<str>,
}

pub(in super::super) struct Cycler {
    pub items: Vec<Val>,
    pub at: Cell<usize>,
}

impl Object {
    pub fn type_name(&self) -> &'static str {
        match self {
            Object::Native(..) | Object::SaltFunction(_) | Object::Super { .. } => "function",
            Object::Method(..) => "method",
            Object::Macro(_) => "Macro",
            Object::Module(_) => "TemplateModule",
            Object::Namespace(_) => "Namespace",
            Object::Loop(_) => "LoopContext",
            Object::Salt(_) => "salt",
            Object::Cycler(_) => "Cycler",
            Object::Joiner(..) => "Joiner",
        }
    }

    pub fn is_callable(&self) -> bool {
        !matches!(self, Object::Module(_) | Object::Namespace(_) | Object::Salt(_) | Object::Cycler(_))
    }

    pub fn shown(&self) -> String {
        match self {
            Object::Macro(one) => format!("<Macro '{}'>", one.def.name),
            Object::Module(module) => module.body.to_string(),
            Object::Namespace(dict) => {
                format!("<Namespace {}>", super::repr(&Val::dict(dict.borrow().clone())))
            }
            Object::Native(name, _) => format!("<function {name}>"),
            Object::SaltFunction(name) => format!("<function {name}>"),
            other => format!("<{}>", other.type_name()),
        }
    }
}
