//! Variables: each scope sees those around it, and sets only its own.

use super::super::value::{Dict, Val};
use std::cell::RefCell;
use std::rc::Rc;

pub(in super::super) struct Scope {
    vars: RefCell<Dict>,
    parent: Option<Rc<Scope>>,
}

impl Scope {
    pub fn root() -> Rc<Scope> {
        Rc::new(Scope { vars: RefCell::default(), parent: None })
    }

    pub fn child(parent: &Rc<Scope>) -> Rc<Scope> {
        Rc::new(Scope { vars: RefCell::default(), parent: Some(parent.clone()) })
    }

    pub fn get(&self, name: &str) -> Option<Val> {
        let mut scope = self;
        loop {
            if let Some(value) = scope.vars.borrow().get_str(name) {
                return Some(value);
            }
            scope = scope.parent.as_deref()?;
        }
    }

    /// The variable set in this very scope.
    pub fn own(&self, name: &str) -> Option<Val> {
        self.vars.borrow().get_str(name)
    }

    pub fn set(&self, name: &str, value: Val) {
        self.vars.borrow_mut().set(name, value);
    }

    pub fn clear(&self) {
        // Taken out first: what is dropped may look at this scope again.
        drop(self.vars.take());
    }

    /// Every name that can be seen from here, for suggestions.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut scope = Some(self);
        while let Some(here) = scope {
            names.extend(here.vars.borrow().keys().filter_map(|key| key.as_str().map(str::to_owned)));
            scope = here.parent.as_deref();
        }
        names
    }
}
