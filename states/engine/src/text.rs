//! Values as text, and names among globs.

use halite_pattern::{fnmatch, has_magic};
use halite_wire::{Map, Value};
use std::borrow::Cow;

/// Python's `str(value)`.
pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| Cow::Owned(halite_render::repr::repr(value)), Cow::Borrowed)
}

/// Whether `name` as a whole fits `glob`.
pub(crate) fn fits(name: &str, glob: &str) -> bool {
    if has_magic(glob.as_bytes()) { fnmatch(name.as_bytes(), glob.as_bytes()) } else { name == glob }
}

/// Those of the sorted `names` that fit `glob`, in their order.
pub(crate) fn filter(names: &[String], glob: &str) -> Vec<String> {
    if has_magic(glob.as_bytes()) {
        return names.iter().filter(|name| fits(name, glob)).cloned().collect();
    }
    names.binary_search_by(|name| name.as_str().cmp(glob)).map_or(Vec::new(), |at| vec![names[at].clone()])
}

/// Keys with two underscores in front are the compiler's own.
pub(crate) fn is_internal(key: &Value) -> bool {
    key.as_str().is_some_and(|key| key.starts_with("__"))
}

/// The first entry of a map: the name of an argument, and its value.
pub(crate) fn first(map: &Map) -> Option<(&Value, &Value)> {
    map.iter().next()
}

/// `state.sls` as `state` and the rest, where there is a dot.
pub(crate) fn split_function(name: &str) -> Option<(&str, &str)> {
    let (state, rest) = name.split_once('.')?;
    Some((state, rest.split('.').next().unwrap_or_default()))
}
