//! Methods of Python's values: `'a,b'.split(',')`, `l.append(x)`, `d.items()`.

pub(super) mod dict;
mod list;
pub(super) mod text;

use super::args::Args;
use super::fault::{Fault, FaultKind, Outcome};
use super::run::Interp;
use super::value::{Object, Val};
use std::rc::Rc;

/// The methods of `value`.
pub(super) fn names(value: &Val) -> &'static [&'static str] {
    match value {
        Val::Str(_) => text::NAMES,
        Val::List(_) => list::NAMES,
        Val::Dict(_) => dict::NAMES,
        Val::Tuple(_) => &["count", "index"],
        Val::Bytes(_) => &["decode"],
        Val::Float(_) => &["is_integer"],
        _ => &[],
    }
}

/// Whether `value` has the method `name`.
pub(super) fn has(value: &Val, name: &str) -> bool {
    names(value).contains(&name)
}

pub(super) fn call(interp: &mut Interp, base: &Val, name: &Rc<str>, args: Args) -> Outcome<Val> {
    interp.work(args.positional.iter().map(Val::weight).sum::<usize>() + base.weight() / 16)?;
    match base {
        Val::Str(text) => text::call(interp, text, name, args),
        Val::List(items) => list::call(items, name, args),
        Val::Tuple(items) => list::of_tuple(items, name, args),
        Val::Dict(dict) => dict::call(dict, name, args),
        Val::Bytes(bytes) => Ok(Val::from(String::from_utf8_lossy(bytes).into_owned())),
        Val::Float(number) => Ok(Val::Bool(number.fract() == 0.0)),
        Val::Object(object) => of_object(interp, object, name, args),
        other => Err(unknown(other, name)),
    }
}

fn of_object(interp: &mut Interp, object: &Rc<Object>, name: &str, mut args: Args) -> Outcome<Val> {
    match (&**object, name) {
        (Object::Loop(state), _) => state.method(name, args.positional),
        (Object::Cycler(cycler), "reset") => {
            cycler.at.set(0);
            Ok(Val::None)
        }
        (Object::Cycler(cycler), _) => {
            let at = cycler.at.get();
            cycler.at.set((at + 1) % cycler.items.len());
            Ok(cycler.items[at].clone())
        }
        (Object::Salt(None), "get") => {
            let function = args.need_text("name")?;
            Ok(interp.functions_value(&function).or(args.take("default")).unwrap_or(Val::None))
        }
        _ => Err(unknown(&Val::Object(object.clone()), name)),
    }
}

fn unknown(base: &Val, name: &str) -> Box<Fault> {
    Fault::new(FaultKind::Undefined, format!("'{} object' has no attribute '{name}'", base.type_name()))
}
