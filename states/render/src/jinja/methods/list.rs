//! Methods of lists and tuples.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::filters::sorted;
use super::super::value::{Val, equal, repr};
use std::cell::RefCell;
use std::rc::Rc;

pub(super) const NAMES: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];

pub(super) fn call(this: &Rc<RefCell<Vec<Val>>>, name: &str, mut args: Args) -> Outcome<Val> {
    Ok(match name {
        "append" => {
            let item = args.need("object")?;
            this.borrow_mut().push(item);
            Val::None
        }
        "extend" => {
            let items = args.need("iterable")?.items()?;
            this.borrow_mut().extend(items);
            Val::None
        }
        "insert" => {
            let (at, item) = (args.int("index", 0)?, args.need("object")?);
            let mut items = this.borrow_mut();
            let at = position(at, items.len());
            items.insert(at, item);
            Val::None
        }
        "pop" => {
            let (len, at) = (this.borrow().len(), args.int("index", -1)?);
            let index = if at < 0 { at + len as i128 } else { at };
            let index = usize::try_from(index).ok().filter(|index| *index < len);
            let index = index.ok_or_else(|| Fault::of_type("there is no such item to pop"))?;
            this.borrow_mut().remove(index)
        }
        "remove" => {
            let at = find(&this.borrow(), &args.need("value")?)?;
            this.borrow_mut().remove(at);
            Val::None
        }
        "reverse" => {
            this.borrow_mut().reverse();
            Val::None
        }
        "sort" => {
            let reverse = args.flag("reverse", false)?;
            let items = sorted(this.borrow().clone(), reverse)?;
            *this.borrow_mut() = items;
            Val::None
        }
        "clear" => {
            this.borrow_mut().clear();
            Val::None
        }
        "copy" => Val::list(this.borrow().clone()),
        _ => return of_tuple(&this.borrow(), name, args),
    })
}

pub(super) fn of_tuple(items: &[Val], name: &str, mut args: Args) -> Outcome<Val> {
    let value = args.need("value")?;
    match name {
        "count" => Ok(Val::int(items.iter().filter(|item| equal(item, &value)).count())),
        _ => find(items, &value).map(Val::int),
    }
}

fn find(items: &[Val], value: &Val) -> Outcome<usize> {
    let at = items.iter().position(|item| equal(item, value));
    at.ok_or_else(|| Fault::of_type(format!("{} is not in the list", repr(value))))
}

fn position(at: i128, len: usize) -> usize {
    let at = if at < 0 { (at + len as i128).max(0) } else { at };
    usize::try_from(at).unwrap_or(len).min(len)
}
