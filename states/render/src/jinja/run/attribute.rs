//! `value.name`, `value[item]` and `item in value`.

use super::super::fault::{Fault, FaultKind, Outcome};
use super::super::methods;
use super::super::ops;
use super::super::value::{Object, Val, equal, repr, text};
use super::Interp;
use std::rc::Rc;

impl Interp<'_> {
    /// `base.name`: a method first, then the item of that name.
    pub fn attribute(&mut self, base: &Val, name: &Rc<str>) -> Outcome<Val> {
        base.defined()?;
        if name.starts_with("__") {
            let kind = base.type_name();
            return Err(Fault::new(
                FaultKind::Security,
                format!("the attribute '{name}' of a {kind} is out of reach"),
            ));
        }
        if let Val::Object(object) = base {
            return Ok(self
                .of_object(object, name)
                .unwrap_or_else(|| missing(base, &Val::Str(name.clone()))));
        }
        if methods::has(base, name) {
            return Ok(Val::Object(Rc::new(Object::Method(base.clone(), name.clone()))));
        }
        match base {
            Val::Dict(dict) => {
                Ok(dict.borrow().get_str(name).unwrap_or_else(|| missing(base, &Val::Str(name.clone()))))
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
            sequence => index.as_int().and_then(|at| ops::at(sequence, at)),
        };
        match (found, index) {
            (Some(value), _) => Ok(value),
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

    /// `item in container`.
    pub fn contains(&mut self, container: &Val, item: &Val) -> Outcome<bool> {
        match (container.defined()?, item) {
            (Val::Str(whole), Val::Str(part)) => Ok(whole.contains(&**part)),
            (Val::Str(_), other) => {
                let kind = other.type_name();
                Err(Fault::of_type(format!("'in <string>' requires string as left operand, not {kind}")))
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

fn method(object: &Rc<Object>, name: &Rc<str>) -> Val {
    Val::Object(Rc::new(Object::Method(Val::Object(object.clone()), name.clone())))
}

fn missing(base: &Val, index: &Val) -> Val {
    let what = match base {
        Val::None => "None".to_owned(),
        Val::Object(object) => format!("{} object", object.type_name()),
        other => format!("{} object", other.type_name()),
    };
    Val::Undefined(match index {
        Val::Str(name) => format!("'{what}' has no attribute '{}'", text(&Val::Str(name.clone()))).into(),
        other => format!("'{what}' has no element {}", repr(other)).into(),
    })
}
