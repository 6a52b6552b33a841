//! Data as XML: the first key of the outermost dict is the root element, scalars are attributes.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::run::Interp;
use super::super::value::{Val, text};
use crate::limits::YAML_DEPTH_MAX;

struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: Option<String>,
    children: Vec<Element>,
}

pub(super) fn xml(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let mut roots = Vec::new();
    for (name, value) in entries(&value)? {
        roots.extend(elements(&name, &value, 0)?);
    }
    let root = roots.pop().ok_or_else(|| Fault::of_type("there is nothing to make XML of"))?;
    let mut out = String::from("<?xml version=\"1.0\" ?>\n");
    root.write(0, &mut out);
    Ok(Val::from(out))
}

/// Keys and values of a dict, the pairs of a list of pairs.
fn entries(value: &Val) -> Outcome<Vec<(String, Val)>> {
    match value {
        Val::Dict(dict) => {
            Ok(dict.borrow().iter().map(|(key, value)| (text(key).to_string(), value.clone())).collect())
        }
        Val::List(_) | Val::Tuple(_) => Ok(Vec::new()),
        other => Err(Fault::of_type(format!("XML is made of a dict, not of {}", other.kind()))),
    }
}

/// One element, or one for each item of a list.
fn elements(name: &str, value: &Val, depth: usize) -> Outcome<Vec<Element>> {
    if depth > YAML_DEPTH_MAX {
        return Err(Fault::limit(format!("the value is nested deeper than {YAML_DEPTH_MAX}")));
    }
    if let Val::List(items) = value {
        let items = items.borrow().clone();
        let mut all = Vec::new();
        for item in &items {
            all.extend(elements(name, item, depth + 1)?);
        }
        return Ok(all);
    }
    let mut element =
        Element { name: name.to_owned(), attributes: Vec::new(), text: None, children: Vec::new() };
    match value {
        Val::Str(_) | Val::Int(_) | Val::Float(_) | Val::Bool(_) => {
            element.text = Some(text(value).to_string())
        }
        other => {
            for (key, value) in entries(other)? {
                match &value {
                    Val::Dict(_) | Val::List(_) => {
                        element.children.extend(elements(&key, &value, depth + 1)?)
                    }
                    plain => element.attributes.push((key, text(plain).to_string())),
                }
            }
        }
    }
    Ok(vec![element])
}

impl Element {
    fn write(&self, depth: usize, out: &mut String) {
        let indent = " ".repeat(depth);
        out.push_str(&format!("{indent}<{}", self.name));
        for (name, value) in &self.attributes {
            out.push_str(&format!(" {name}=\"{}\"", escaped(value).replace('"', "&quot;")));
        }
        match &self.text {
            Some(text) if !text.is_empty() => out.push_str(&format!(">{}</{}>\n", escaped(text), self.name)),
            _ if self.children.is_empty() => out.push_str("/>\n"),
            _ => {
                out.push_str(">\n");
                self.children.iter().for_each(|child| child.write(depth + 1, out));
                out.push_str(&format!("{indent}</{}>\n", self.name));
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
