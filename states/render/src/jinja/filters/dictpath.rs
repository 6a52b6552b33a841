//! Filters that change a dict under a path of keys: `data|append_dict_key_value('a:b', 1)`.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::methods::dict::entries;
use super::super::value::{Dict, Val};
use super::Filter;
use std::cell::RefCell;
use std::rc::Rc;

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("append_dict_key_value", |_, value, args| changed(value, args, append)),
    ("extend_dict_key_value", |_, value, args| changed(value, args, extend)),
    ("set_dict_key_value", |_, value, args| changed(value, args, |_, new| Ok(new))),
    ("update_dict_key_value", |_, value, args| changed(value, args, update)),
];

/// What stands under the last key, if anything, and the argument, to what is to stand there.
type Change = fn(Option<Val>, Val) -> Outcome<Val>;

/// The dict with what stands under the path changed; dicts on the way are made.
fn changed(value: Val, mut args: Args, change: Change) -> Outcome<Val> {
    let (path, new) = (args.need_text("keys")?, args.need("value")?);
    let delimiter = args.text("delimiter")?.unwrap_or_else(|| ":".into());
    let Val::Dict(dict) = &value else {
        return Err(Fault::of_type(format!("a dict is changed here, not {}", value.kind())));
    };
    let (way, last) = path.rsplit_once(&*delimiter).unwrap_or(("", &path));
    let way = way.split(&*delimiter).filter(|_| path.contains(&*delimiter));
    let holder = way.fold(dict.clone(), |dict, key| dict_under(&dict, key));
    let old = holder.borrow().get_str(last).filter(|old| !matches!(old, Val::None));
    let result = change(old, new)?;
    holder.borrow_mut().set(last, result);
    Ok(value)
}

/// The dict under `key`; whatever else stands there gives way to an empty one.
fn dict_under(dict: &Rc<RefCell<Dict>>, key: &str) -> Rc<RefCell<Dict>> {
    if let Some(Val::Dict(found)) = dict.borrow().get_str(key) {
        return found;
    }
    let made: Rc<RefCell<Dict>> = Rc::default();
    dict.borrow_mut().set(key, Val::Dict(made.clone()));
    made
}

fn append(old: Option<Val>, new: Val) -> Outcome<Val> {
    let list = list_of(old, "append to")?;
    list.borrow_mut().push(new);
    Ok(Val::List(list))
}

fn extend(old: Option<Val>, new: Val) -> Outcome<Val> {
    let list = list_of(old, "extend")?;
    let items = new.items()?;
    list.borrow_mut().extend(items);
    Ok(Val::List(list))
}

fn list_of(old: Option<Val>, what: &str) -> Outcome<Rc<RefCell<Vec<Val>>>> {
    match old {
        None => Ok(Rc::default()),
        Some(Val::List(list)) => Ok(list),
        Some(other) => {
            Err(Fault::of_type(format!("there is {} under the last key, no list to {what}", other.kind())))
        }
    }
}

fn update(old: Option<Val>, new: Val) -> Outcome<Val> {
    let dict = match old {
        None => Rc::default(),
        Some(Val::Dict(dict)) => dict,
        Some(other) => {
            let kind = other.kind();
            return Err(Fault::of_type(format!("there is {kind} under the last key, no dict to update")));
        }
    };
    let entries = entries(Args::of(vec![new]))?;
    dict.borrow_mut().update(&entries);
    Ok(Val::Dict(dict))
}
