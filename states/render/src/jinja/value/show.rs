//! `str()` and `repr()` of a template's values.

use super::Val;
use crate::limits::YAML_DEPTH_MAX;
use crate::repr as python;
use std::rc::Rc;

/// Python's `str(value)`. Undefined values are empty; the caller refuses them where they count.
pub(in super::super) fn text(value: &Val) -> Rc<str> {
    match value {
        Val::Str(text) => text.clone(),
        Val::Undefined(_) => "".into(),
        other => repr(other).into(),
    }
}

/// Python's `repr(value)`.
pub(in super::super) fn repr(value: &Val) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Val, depth: usize, out: &mut String) {
    if depth > YAML_DEPTH_MAX {
        out.push_str("...");
        return;
    }
    match value {
        Val::Undefined(_) => out.push_str("Undefined"),
        Val::None => out.push_str("None"),
        Val::Bool(flag) => out.push_str(if *flag { "True" } else { "False" }),
        Val::Int(number) => out.push_str(&number.to_string()),
        Val::Float(number) => out.push_str(&python::float(*number)),
        Val::Str(text) => python::write_str(text, out),
        Val::Bytes(bytes) => python::write_bytes(bytes, out),
        Val::List(items) => {
            out.push('[');
            write_all(&items.borrow(), depth, out);
            out.push(']');
        }
        Val::Tuple(items) => {
            out.push('(');
            write_all(items, depth, out);
            out.push_str(if items.len() == 1 { ",)" } else { ")" });
        }
        Val::Dict(dict) => {
            out.push('{');
            for (at, (key, value)) in dict.borrow().iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write(key, depth + 1, out);
                out.push_str(": ");
                write(value, depth + 1, out);
            }
            out.push('}');
        }
        Val::Object(object) => out.push_str(&object.shown()),
    }
}

fn write_all(items: &[Val], depth: usize, out: &mut String) {
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at > 0 { ", " } else { "" });
        write(item, depth + 1, out);
    }
}
