//! `filter_by` of grains and pillar: one entry of a table, chosen by a value of this host.

use crate::args::as_text;
use crate::glob::fnmatch;
use crate::registry::CallError;
use crate::{Bound, dictupdate};
use halite_wire::{Map, Value};

/// The entry of `lookup_dict` whose key, a glob, fits `value` or one of its members, else the one `default` names;
/// laid over the entry `base`, and beneath `merge`.
///
/// # Errors
/// What is to be merged are no dictionaries.
pub fn filter_by(args: &Bound, value: Option<&Value>) -> Result<Value, CallError> {
    let lookup =
        args.get("lookup_dict").as_map().ok_or_else(|| args.wrong("lookup_dict must be a dictionary"))?;
    // The keys of a table may be numbers: `default=grains.pythonversion[0]`.
    let fallback = lookup.get_value(args.get("default")).filter(|value| !value.is_null());
    let chosen = choose(lookup, value).or(fallback).cloned();
    let base = Some(args.get("base")).filter(|base| base.is_truthy()).and_then(|base| lookup.get_value(base));
    merged(args, over_base(chosen, base)?).map(Value::from)
}

fn over_base(chosen: Option<Value>, base: Option<&Value>) -> Result<Option<Value>, CallError> {
    match (chosen, base) {
        (None, base) => Ok(base.cloned()),
        (Some(Value::Map(over)), Some(Value::Map(base))) => Ok(Some(laid_over(base.clone(), over))),
        (Some(_), Some(Value::Map(_))) => {
            Err(CallError::failed("the entries of filter_by and its base must both be dictionaries"))
        }
        (chosen, _) => Ok(chosen),
    }
}

fn merged(args: &Bound, chosen: Option<Value>) -> Result<Option<Value>, CallError> {
    let merge = args.get("merge");
    if !merge.is_truthy() {
        return Ok(chosen);
    }
    let merge = merge.as_map().ok_or_else(|| args.wrong("merge must be a dictionary"))?.clone();
    match chosen {
        None => Ok(Some(merge.into())),
        Some(Value::Map(map)) => Ok(Some(laid_over(map, merge))),
        Some(_) => Err(CallError::failed("merge needs an entry that is a dictionary")),
    }
}

fn laid_over(mut base: Map, over: Map) -> Value {
    dictupdate::update(&mut base, over, false);
    base.into()
}

/// The first entry that fits, members of a list in their order.
fn choose<'a>(lookup: &'a Map, value: Option<&Value>) -> Option<&'a Value> {
    let members = match value {
        None => &[],
        Some(Value::List(members)) => members.as_slice(),
        Some(single) => std::slice::from_ref(single),
    };
    members.iter().filter_map(as_text).find_map(|member| {
        let fits = |key: &Value| {
            as_text(key).is_some_and(|key| key == member || fnmatch(member.as_bytes(), key.as_bytes()))
        };
        lookup.iter().find(|(key, _)| fits(key)).map(|(_, value)| value).filter(|value| !value.is_null())
    })
}
