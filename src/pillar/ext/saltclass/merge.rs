//! How pillars of classes come together.
//!
//! Salt merges each class twice: into what templates see as it goes on, then once more into the result. The second time
//! finds the lists as the first one left them, because both hold the same list: a class that came first has by then
//! got what later ones added, and a `^` is gone. Trees are written with that in mind, so lists are shared here, too.

use halite_wire::{Map, Value};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::rc::Rc;

/// At the start of a list: it replaces the one before instead of adding to it.
const INSTEAD: &str = "^";

/// A value whose lists are shared with those it was merged from.
#[derive(Clone)]
pub enum Node {
    Map(IndexMap<Value, Node>),
    List(Rc<RefCell<Vec<Value>>>),
    One(Value),
}

impl Node {
    pub fn of(value: Value) -> Node {
        match value {
            Value::Map(map) => {
                Node::Map(map.into_iter().map(|(key, value)| (key, Node::of(value))).collect())
            }
            Value::List(items) => Node::List(Rc::new(RefCell::new(items))),
            other => Node::One(other),
        }
    }

    pub fn to_value(&self) -> Value {
        match self {
            Node::Map(map) => {
                map.iter().map(|(key, node)| (key.clone(), node.to_value())).collect::<Map>().into()
            }
            Node::List(items) => Value::List(items.borrow().clone()),
            Node::One(value) => value.clone(),
        }
    }

    /// The same where it is a dict; anything else has no keys.
    pub fn to_map(&self) -> Map {
        match self.to_value() {
            Value::Map(map) => map,
            _ => Map::new(),
        }
    }

    /// Adds what `above` has.
    pub fn merge(&mut self, above: &Node) {
        let (Node::Map(own), Node::Map(above)) = (&mut *self, above) else { return };
        for (key, value) in above {
            match own.get_mut(key) {
                Some(own) => own.put(value),
                None => drop(own.insert(key.clone(), value.fresh())),
            }
        }
    }

    fn put(&mut self, above: &Node) {
        match (&mut *self, above) {
            (Node::Map(_), Node::Map(_)) => self.merge(above),
            (Node::List(own), Node::List(items)) if !Rc::ptr_eq(own, items) => {
                if is_instead(&items.borrow()) {
                    items.borrow_mut().remove(0);
                    *self = above.clone();
                } else {
                    own.borrow_mut().extend(items.borrow().iter().cloned());
                }
            }
            (Node::List(_), Node::List(_)) => {}
            _ => *self = above.clone(),
        }
    }

    /// Where nothing was before.
    fn fresh(&self) -> Node {
        match self {
            Node::List(items) if is_instead(&items.borrow()) => {
                Node::List(Rc::new(RefCell::new(items.borrow()[1..].to_vec())))
            }
            Node::Map(_) => {
                let mut map = Node::Map(IndexMap::new());
                map.merge(self);
                map
            }
            other => other.clone(),
        }
    }
}

fn is_instead(items: &[Value]) -> bool {
    items.first().and_then(Value::as_str) == Some(INSTEAD)
}
