//! `value.name`, `value[item]` and `item in value`.

use super::super::fault::{Fault, FaultKind, Outcome};
use super::super::methods;
use super::super::ops;
use super::super::value::{Missing, Object, Val, equal, repr, text};
use super::Interp;
use crate::suggest;
use std::rc::Rc;

impl Interp<'_> {
    /// `base.name`: a method first, then the item of that name.
    pub fn attribute(&mut self, base: &Val, name: &Rc<str>) -> Outcome<Val> {
        base.defined()?;
        if name.starts_with("__") {
            let kind = base.kind();
            return Err(Fault::new(
                FaultKind::Security,
                format!("the attribute '{name}' of {kind} is out of reach"),
            ));
        }
        if let Val::Object(object) = base {
            let found = self.of_object(object, name);
            return Ok(found.unwrap_or_else(|| self.missing_in(object, base, name)));
        }
        if methods::has(base, name) {
            return Ok(Val::Object(Rc::new(Object::Method(base.clone(), name.clone()))));
        }
        match base {
            Val::Dict(dict) => {
                Ok(dict.borrow().get_str(name).unwrap_or_else(|| missing(base, &Val::Str(name.clone()))))
            }
            Val::Tuple(items) => {
                Ok(of_group(items, name).unwrap_or_else(|| missing(base, &Val::Str(name.clone()))))
            }
            _ => Ok(missing(base, &Val::Str(name.clone()))),
        }
    }

    /// `base[index]`: the item first, then the attribute of that name.
    pub fn item(&mut self, base: &Val, index: &Val) -> Outcome<Val> {
        index.defined()?;
        let found = match base.defined()? {
            Val::Dict(dict) => dict.borrow().get(index),
            Val::Object(object) => match index {
                Val::Str(name) => self.of_object(object, name),
                _ => None,
            },
            Val::Tuple(items) if index.as_str().is_some() => of_group(items, index.as_str().unwrap_or("")),
            sequence => index.as_int().and_then(|at| ops::at(sequence, at)),
        };
        match (found, index) {
            (Some(value), _) => Ok(value),
            (None, Val::Str(name)) if let Val::Object(object) = base => {
                Ok(self.missing_in(object, base, name))
            }
            (None, Val::Str(name)) if methods::has(base, name) => {
                Ok(Val::Object(Rc::new(Object::Method(base.clone(), name.clone()))))
            }
            _ => Ok(missing(base, index)),
        }
    }

    fn of_object(&mut self, object: &Rc<Object>, name: &Rc<str>) -> Option<Val> {
        match &**object {
            Object::Module(module) => module.scope.own(name).filter(|_| !name.starts_with('_')),
            Object::Namespace(dict) => dict.borrow().get_str(name),
            Object::Loop(state) => state.attribute(name, object),
            Object::Salt(None) if name.contains('.') => self.functions_value(name),
            Object::Salt(None) if &**name == "get" => Some(method(object, name)),
            Object::Salt(None) => Some(Val::Object(Rc::new(Object::Salt(Some(name.clone()))))),
            Object::Salt(Some(module)) => self.functions_value(&format!("{module}.{name}")),
            Object::Cycler(cycler) => match &**name {
                "current" => cycler.items.get(cycler.at.get()).cloned(),
                "next" | "reset" => Some(method(object, name)),
                _ => None,
            },
            Object::Macro(one) => match &**name {
                "name" => Some(Val::Str(one.def.name.clone())),
                _ => None,
            },
            _ => None,
        }
    }

    /// What no object has; of `salt`, a function.
    fn missing_in(&self, object: &Object, base: &Val, name: &Rc<str>) -> Val {
        let function = match object {
            Object::Salt(None) => name.to_string(),
            Object::Salt(Some(module)) => format!("{module}.{name}"),
            _ => return missing(base, &Val::Str(name.clone())),
        };
        let names = self.functions.names();
        let near = suggest::nearest(&function, names.iter().map(String::as_str));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let why = format!("there is no function '{function}' here");
        Val::Undefined(Rc::new(Missing { why, within: None, hint }))
    }

    /// `item in container`.
    pub fn contains(&mut self, container: &Val, item: &Val) -> Outcome<bool> {
        match (container.defined()?, item) {
            (Val::Str(whole), Val::Str(part)) => Ok(whole.contains(&**part)),
            (Val::Str(_), other) => {
                let kind = other.defined()?.kind();
                Err(Fault::of_type(format!("only text can be in a text, not {kind}")))
            }
            (Val::Dict(dict), key) => Ok(dict.borrow().get(key).is_some()),
            (Val::Object(object), Val::Str(name)) => match &**object {
                Object::Salt(None) => Ok(self.functions.has(name)),
                Object::Namespace(dict) => Ok(dict.borrow().get_str(name).is_some()),
                _ => Err(Fault::of_type(format!("a {} has nothing in it", object.type_name()))),
            },
            (container, item) => {
                let items = container.items()?;
                self.work(items.len())?;
                Ok(items.iter().any(|other| equal(other, item)))
            }
        }
    }
}

/// The parts of what `groupby` makes have names, too.
fn of_group(items: &[Val], name: &str) -> Option<Val> {
    match (name, items) {
        ("grouper", [key, Val::List(_)]) => Some(key.clone()),
        ("list", [_, Val::List(list)]) => Some(Val::List(list.clone())),
        _ => None,
    }
}

fn method(object: &Rc<Object>, name: &Rc<str>) -> Val {
    Val::Object(Rc::new(Object::Method(Val::Object(object.clone()), name.clone())))
}

fn missing(base: &Val, index: &Val) -> Val {
    let what = match base {
        Val::None => "None".to_owned(),
        Val::Object(object) => format!("{} object", object.type_name()),
        other => format!("{} object", other.type_name()),
    };
    let (why, name) = match index {
        Val::Str(name) => (format!("'{what}' has no attribute '{name}'"), name.clone()),
        other => (format!("'{what}' has no element {}", repr(other)), text(other)),
    };
    Val::Undefined(Rc::new(Missing { why, within: Some((base.clone(), name)), hint: None }))
}
