//! Arguments of a call inside a template.

use super::fault::{Fault, Outcome};
use super::value::{Dict, Val, text};
use std::rc::Rc;

#[derive(Default)]
pub(super) struct Args {
    pub positional: Vec<Val>,
    pub named: Vec<(Rc<str>, Val)>,
}

impl Args {
    pub fn of(positional: Vec<Val>) -> Args {
        Args { positional, named: Vec::new() }
    }

    /// Takes the next argument out: the first positional one, else the one called `name`.
    pub fn take(&mut self, name: &str) -> Option<Val> {
        if !self.positional.is_empty() {
            return Some(self.positional.remove(0));
        }
        let at = self.named.iter().position(|(given, _)| &**given == name)?;
        Some(self.named.remove(at).1)
    }

    pub fn need(&mut self, name: &str) -> Outcome<Val> {
        self.take(name).ok_or_else(|| Fault::of_type(format!("the argument {name:?} is missing")))
    }

    pub fn text(&mut self, name: &str) -> Outcome<Option<Rc<str>>> {
        self.take(name).map(|value| value.defined().map(text)).transpose()
    }

    pub fn need_text(&mut self, name: &str) -> Outcome<Rc<str>> {
        Ok(text(self.need(name)?.defined()?))
    }

    pub fn int(&mut self, name: &str, default: i128) -> Outcome<i128> {
        match self.take(name) {
            None => Ok(default),
            Some(value) => {
                let kind = value.kind();
                value.as_int().ok_or_else(|| Fault::of_type(format!("{name} is a number, not {kind}")))
            }
        }
    }

    /// Truth of the next argument.
    pub fn flag(&mut self, name: &str, default: bool) -> Outcome<bool> {
        self.take(name).map_or(Ok(default), |value| value.truth())
    }

    /// The named arguments as a dict.
    pub fn named_dict(&mut self) -> Dict {
        let mut dict = Dict::default();
        for (name, value) in self.named.drain(..) {
            dict.set(&name, value);
        }
        dict
    }
}
