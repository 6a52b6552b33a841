//! Methods of dicts.

use super::super::args::Args;
use super::super::fault::{Fault, FaultKind, Outcome};
use super::super::value::{Dict, Val, repr};
use std::cell::RefCell;
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

pub(super) fn call(this: &Rc<RefCell<Dict>>, name: &str, mut args: Args) -> Outcome<Val> {
    Ok(match name {
        "get" => {
            let key = args.need("key")?;
            let default = args.take("default");
            this.borrow().get(&key).or(default).unwrap_or(Val::None)
        }
        "items" => {
            Val::list(this.borrow().iter().map(|(k, v)| Val::tuple(vec![k.clone(), v.clone()])).collect())
        }
        "keys" => Val::list(this.borrow().keys().cloned().collect()),
        "values" => Val::list(this.borrow().values().cloned().collect()),
        "copy" => Val::dict(this.borrow().clone()),
        "clear" => {
            this.borrow_mut().clear();
            Val::None
        }
        "pop" => {
            let key = args.need("key")?;
            let removed = this.borrow_mut().remove(&key);
            removed.or(args.take("default")).ok_or_else(|| no_key(&key))?
        }
        "popitem" => {
            let (key, value) =
                this.borrow_mut().pop_last().ok_or_else(|| Fault::of_type("the dict is empty"))?;
            Val::tuple(vec![key, value])
        }
        "setdefault" => {
            let (key, default) = (args.need("key")?, args.take("default").unwrap_or(Val::None));
            let found = this.borrow().get(&key);
            match found {
                Some(value) => value,
                None => {
                    this.borrow_mut().insert(key, default.clone())?;
                    default
                }
            }
        }
        "fromkeys" => {
            let (keys, value) = (args.need("keys")?.items()?, args.take("value").unwrap_or(Val::None));
            let mut dict = Dict::default();
            keys.into_iter().try_for_each(|key| dict.insert(key, value.clone()))?;
            Val::dict(dict)
        }
        _ => {
            let entries = entries(args)?;
            this.borrow_mut().update(&entries);
            Val::None
        }
    })
}

/// What `dict(...)` and `update(...)` take: a dict, or a list of pairs, and names.
pub(in super::super) fn entries(mut args: Args) -> Outcome<Dict> {
    let mut dict = match (!args.positional.is_empty()).then(|| args.positional.remove(0)) {
        None => Dict::default(),
        Some(Val::Dict(other)) => other.borrow().clone(),
        Some(other) => {
            let mut dict = Dict::default();
            for pair in other.items()? {
                let [key, value] =
                    pair.items()?.try_into().map_err(|_| Fault::of_type("pairs are expected here"))?;
                dict.insert(key, value)?;
            }
            dict
        }
    };
    dict.update(&args.named_dict());
    Ok(dict)
}

fn no_key(key: &Val) -> Box<Fault> {
    Fault::new(FaultKind::Undefined, format!("the dict has no key {}", repr(key)))
}
