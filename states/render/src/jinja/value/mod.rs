//! Values of a running template, with Python's meaning: lists and dicts are shared and change in place.

mod compare;
mod convert;
mod dict;
mod object;
mod show;

pub(super) use compare::{compare, equal};
pub(super) use convert::{from_shared, from_wire, to_wire};
pub(super) use dict::Dict;
pub(super) use object::{Cycler, Macro, Module, Native, Object};
pub(super) use show::{repr, text};

use super::fault::{Fault, FaultKind, Outcome};
use crate::suggest;
use std::cell::RefCell;
use std::rc::Rc;

/// One value. Clones share what they hold.
#[derive(Clone)]
pub(super) enum Val {
    /// Nothing is here. Most uses of it are errors.
    Undefined(Rc<Missing>),
    None,
    Bool(bool),
    /// Larger numbers than `i128` holds are carried as text.
    Int(i128),
    Float(f64),
    Str(Rc<str>),
    Bytes(Rc<[u8]>),
    List(Rc<RefCell<Vec<Val>>>),
    Tuple(Rc<[Val]>),
    Dict(Rc<RefCell<Dict>>),
    Object(Rc<Object>),
}

/// What is missing, for the message.
pub(super) struct Missing {
    pub why: String,
    /// Where it was looked for, and by which name.
    pub within: Option<(Val, Rc<str>)>,
    /// What is meant, where that is known already.
    pub hint: Option<String>,
}

impl Missing {
    /// The nearest name there is, else how to do without.
    fn hint(&self) -> Option<String> {
        if self.hint.is_some() {
            return self.hint.clone();
        }
        let (within, name) = self.within.as_ref()?;
        match within {
            Val::Dict(dict) => {
                let dict = dict.borrow();
                let near = suggest::nearest(name, dict.keys().filter_map(Val::as_str));
                Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "where it may be missing, write `.get('{name}')` or `|default(...)` behind it"
                    ),
                })
            }
            Val::None => {
                Some("the value before the dot is None: is what it should come from set?".to_owned())
            }
            other => {
                let near = suggest::nearest(name, super::methods::names(other).iter().copied());
                near.map(|near| format!("did you mean `{near}`?"))
            }
        }
    }
}

impl Val {
    /// Nothing, and why.
    pub(super) fn undefined(why: impl Into<String>) -> Val {
        Val::Undefined(Rc::new(Missing { why: why.into(), within: None, hint: None }))
    }

    /// Python's name of the type with its article.
    pub(super) fn kind(&self) -> String {
        let name = self.type_name();
        format!("{} {name}", if name.starts_with(['i', 'U']) { "an" } else { "a" })
    }

    pub(super) fn str(text: impl Into<Rc<str>>) -> Val {
        Val::Str(text.into())
    }

    pub(super) fn list(items: Vec<Val>) -> Val {
        Val::List(Rc::new(RefCell::new(items)))
    }

    pub(super) fn tuple(items: Vec<Val>) -> Val {
        Val::Tuple(items.into())
    }

    pub(super) fn dict(dict: Dict) -> Val {
        Val::Dict(Rc::new(RefCell::new(dict)))
    }

    pub(super) fn int(number: usize) -> Val {
        Val::Int(number as i128)
    }

    pub(super) fn is_undefined(&self) -> bool {
        matches!(self, Val::Undefined(_))
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        if let Val::Str(text) = self { Some(text) } else { None }
    }

    /// Python's name of the type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Val::Undefined(_) => "Undefined",
            Val::None => "NoneType",
            Val::Bool(_) => "bool",
            Val::Int(_) => "int",
            Val::Float(_) => "float",
            Val::Str(_) => "str",
            Val::Bytes(_) => "bytes",
            Val::List(_) => "list",
            Val::Tuple(_) => "tuple",
            Val::Dict(_) => "dict",
            Val::Object(object) => object.type_name(),
        }
    }

    /// Refuses what is undefined.
    pub(super) fn defined(&self) -> Outcome<&Val> {
        match self {
            Val::Undefined(missing) => {
                let fault = Fault::new(FaultKind::Undefined, missing.why.clone());
                Err(missing.hint().into_iter().fold(fault, |fault, hint| fault.hinted(hint)))
            }
            value => Ok(value),
        }
    }

    /// Python's truth of a value.
    pub(super) fn truth(&self) -> Outcome<bool> {
        Ok(match self.defined()? {
            Val::Undefined(_) | Val::None => false,
            Val::Bool(flag) => *flag,
            Val::Int(number) => *number != 0,
            Val::Float(number) => *number != 0.0,
            Val::Str(text) => !text.is_empty(),
            Val::Bytes(bytes) => !bytes.is_empty(),
            Val::List(items) => !items.borrow().is_empty(),
            Val::Tuple(items) => !items.is_empty(),
            Val::Dict(dict) => !dict.borrow().is_empty(),
            Val::Object(_) => true,
        })
    }

    /// The number this is, where it is a whole one.
    pub(super) fn as_int(&self) -> Option<i128> {
        match self {
            Val::Int(number) => Some(*number),
            Val::Bool(flag) => Some(i128::from(*flag)),
            _ => None,
        }
    }

    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            Val::Float(number) => Some(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }

    /// The items a `for` goes through: characters of text, keys of dicts.
    pub(super) fn items(&self) -> Outcome<Vec<Val>> {
        match self.defined()? {
            Val::Str(text) => Ok(text.chars().map(|c| Val::str(c.to_string())).collect()),
            Val::List(items) => Ok(items.borrow().clone()),
            Val::Tuple(items) => Ok(items.to_vec()),
            Val::Dict(dict) => Ok(dict.borrow().keys().cloned().collect()),
            Val::Bytes(bytes) => Ok(bytes.iter().map(|&byte| Val::Int(byte.into())).collect()),
            other => Err(Fault::of_type(format!("'{}' object is not iterable", other.type_name()))),
        }
    }

    /// Steps it takes to make a copy: one for each item, or for a few bytes.
    pub(super) fn weight(&self) -> usize {
        match self {
            Val::Str(text) => text.len() / 16,
            Val::Bytes(bytes) => bytes.len() / 16,
            other => other.len().unwrap_or(0),
        }
    }

    /// How many items there are; `None` where the value has none to count.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Val::Str(text) => Some(text.chars().count()),
            Val::Bytes(bytes) => Some(bytes.len()),
            Val::List(items) => Some(items.borrow().len()),
            Val::Tuple(items) => Some(items.len()),
            Val::Dict(dict) => Some(dict.borrow().len()),
            _ => None,
        }
    }
}

impl From<&str> for Val {
    fn from(text: &str) -> Val {
        Val::str(text)
    }
}

impl From<String> for Val {
    fn from(text: String) -> Val {
        Val::str(text)
    }
}

impl From<bool> for Val {
    fn from(flag: bool) -> Val {
        Val::Bool(flag)
    }
}
