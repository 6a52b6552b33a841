//! `for` and the `loop` inside it.

use super::super::fault::{Fault, Outcome};
use super::super::syntax::{For, Target};
use super::super::value::{Object, Val, equal};
use super::{Flow, Frame, Interp, Scope};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The state of one `for` that runs.
pub(in super::super) struct Loop {
    items: Vec<Val>,
    at: Cell<usize>,
    depth: usize,
    /// What `loop.changed` saw last.
    seen: RefCell<Option<Vec<Val>>>,
    def: Rc<For>,
    /// Where the `for` stands, for `loop(...)`.
    frame: Frame,
}

impl Loop {
    /// `loop.name`.
    pub fn attribute(&self, name: &Rc<str>, object: &Rc<Object>) -> Option<Val> {
        let (at, len) = (self.at.get(), self.items.len());
        let neighbour = |at: Option<usize>| {
            let value = at.and_then(|at| self.items.get(at)).cloned();
            value.unwrap_or_else(|| Val::undefined(format!("there is no {name} here")))
        };
        Some(match &**name {
            "index" => Val::int(at + 1),
            "index0" => Val::int(at),
            "revindex" => Val::int(len - at),
            "revindex0" => Val::int(len - at - 1),
            "first" => Val::Bool(at == 0),
            "last" => Val::Bool(at + 1 == len),
            "length" => Val::int(len),
            "depth" => Val::int(self.depth + 1),
            "depth0" => Val::int(self.depth),
            "previtem" => neighbour(at.checked_sub(1)),
            "nextitem" => neighbour(Some(at + 1)),
            "cycle" | "changed" => {
                Val::Object(Rc::new(Object::Method(Val::Object(object.clone()), name.clone())))
            }
            _ => return None,
        })
    }

    /// `loop.cycle(...)` and `loop.changed(...)`.
    pub fn method(&self, name: &str, args: Vec<Val>) -> Outcome<Val> {
        match name {
            "cycle" if args.is_empty() => Err(Fault::of_type("cycle needs something to go through")),
            "cycle" => Ok(args[self.at.get() % args.len()].clone()),
            _ => {
                let same = |old: &Vec<Val>| {
                    old.len() == args.len() && old.iter().zip(&args).all(|(a, b)| equal(a, b))
                };
                let changed = !self.seen.borrow().as_ref().is_some_and(same);
                self.seen.replace(Some(args));
                Ok(Val::Bool(changed))
            }
        }
    }
}

impl Interp<'_> {
    #[inline(never)]
    pub(super) fn exec_for(&mut self, def: &Rc<For>, frame: &Frame, out: &mut String) -> Outcome<Flow> {
        let value = self.eval(&def.iter, frame)?;
        let items = value.items().map_err(|fault| fault.at(&frame.template, def.iter.pos))?;
        self.run_loop(def, items, 0, frame, out)
    }

    fn run_loop(
        &mut self,
        def: &Rc<For>,
        items: Vec<Val>,
        depth: usize,
        frame: &Frame,
        out: &mut String,
    ) -> Outcome<Flow> {
        let items = self.filtered(def, items, frame)?;
        if items.is_empty() {
            let scope = Scope::child(&frame.scope);
            return self.exec(&def.otherwise, &Frame { scope, ..frame.clone() }, out);
        }
        let state = Rc::new(Loop {
            at: Cell::new(0),
            depth,
            seen: RefCell::new(None),
            def: def.clone(),
            frame: frame.clone(),
            items,
        });
        let object = Val::Object(Rc::new(Object::Loop(state.clone())));
        for (at, item) in state.items.iter().enumerate() {
            self.step()?;
            state.at.set(at);
            let inner = Frame { scope: Scope::child(&frame.scope), ..frame.clone() };
            inner.scope.set("loop", object.clone());
            assign(&def.target, item.clone(), &inner)
                .map_err(|fault| fault.at(&frame.template, def.iter.pos))?;
            if self.exec(&def.body, &inner, out)? == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
    }

    /// The items for which the test after `if` holds.
    fn filtered(&mut self, def: &For, items: Vec<Val>, frame: &Frame) -> Outcome<Vec<Val>> {
        let Some(test) = &def.filter else { return Ok(items) };
        let mut kept = Vec::new();
        for item in items {
            let inner = Frame { scope: Scope::child(&frame.scope), ..frame.clone() };
            assign(&def.target, item.clone(), &inner)?;
            if self.truth(test, &inner)? {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    /// `loop(items)` in a recursive `for`.
    pub(super) fn recurse(&mut self, state: &Loop, items: &Val) -> Outcome<Val> {
        if !state.def.recursive {
            return Err(Fault::of_type("this loop does not call itself")
                .hinted("write `recursive` at the end of its tag"));
        }
        let mut out = String::new();
        let items = items.items()?;
        self.deeper(|interp| interp.run_loop(&state.def, items, state.depth + 1, &state.frame, &mut out))?;
        Ok(Val::from(out))
    }
}

/// Sets the names of `target` to `value` or its parts.
pub(super) fn assign(target: &Target, value: Val, frame: &Frame) -> Outcome<()> {
    match target {
        Target::Name(name) => frame.scope.set(name, value),
        Target::Tuple(targets) => {
            let want = targets.len();
            let single = |_| {
                Fault::of_type(format!(
                    "{want} names are set here, but there is a single {}",
                    value.type_name()
                ))
            };
            let items = value.defined()?.items().map_err(single)?;
            if items.len() != targets.len() {
                let (have, want) = (items.len(), targets.len());
                return Err(Fault::of_type(format!(
                    "{want} names are set here, but there are {have} values"
                )));
            }
            return targets.iter().zip(items).try_for_each(|(target, item)| assign(target, item, frame));
        }
        Target::Attribute(name, attribute) => match frame.scope.get(name) {
            Some(Val::Object(object)) if matches!(&*object, Object::Namespace(_)) => {
                if let Object::Namespace(dict) = &*object {
                    dict.borrow_mut().set(attribute, value);
                }
            }
            _ => {
                return Err(Fault::of_type(format!("`{name}.{attribute}` can only be set on a namespace"))
                    .hinted(format!("write {{% set {name} = namespace(...) %}} before")));
            }
        },
    }
    Ok(())
}
