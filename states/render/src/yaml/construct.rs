//! Tagged nodes to typed values.

use super::compose::{Body, Document, RawNode};
use super::tag::Tag;
use super::{Mark, Node, NodeKind, YamlError, number};
use crate::base64;
use halite_wire::Value;
use std::collections::HashMap;

pub(super) fn construct(document: &Document) -> Result<Node, YamlError> {
    match &document.root {
        Some(root) => document.node(root),
        None => Ok(Node { kind: NodeKind::Scalar(Value::Null), mark: Mark { line: 1, column: 1 } }),
    }
}

impl Document {
    pub(super) fn node(&self, node: &RawNode) -> Result<Node, YamlError> {
        let node = self.follow(node);
        let kind = match (&node.tag, &node.body) {
            (Tag::Unknown(_) | Tag::Merge | Tag::Value, _) => return Err(unknown_tag(node)),
            (Tag::Seq, Body::List(items)) => NodeKind::List(self.nodes(items)?),
            (Tag::Map, Body::Map(entries)) => NodeKind::Map(self.map(entries, node.mark)?),
            (Tag::Set, Body::Map(entries)) => {
                NodeKind::List(self.map(entries, node.mark)?.into_iter().map(|(key, _)| key).collect())
            }
            (Tag::Pairs, Body::List(items)) => NodeKind::List(self.pairs(items)?),
            (tag, Body::Scalar(text)) if !is_collection(tag) => {
                NodeKind::Scalar(scalar_of(tag, text, node.mark)?)
            }
            (tag, body) => return Err(wrong_shape(tag, body, node.mark)),
        };
        Ok(Node { kind, mark: node.mark })
    }

    fn nodes(&self, items: &[RawNode]) -> Result<Vec<Node>, YamlError> {
        items.iter().map(|item| self.node(item)).collect()
    }

    fn map(&self, entries: &[(RawNode, RawNode)], map: Mark) -> Result<Vec<(Node, Node)>, YamlError> {
        let mut built = Vec::with_capacity(entries.len());
        let mut seen: HashMap<Value, Mark> = HashMap::with_capacity(entries.len());
        for (key, value) in self.merged(entries, map)? {
            let key = self.key(key)?;
            if let Some(identity) = key.as_scalar().map(python_identity)
                && let Some(first) = seen.insert(identity, key.mark)
            {
                return Err(YamlError::new(key.mark, format!("the key {} is there twice", shown(&key)))
                    .related(first, "the first is"));
            }
            built.push((key, self.node(value)?));
        }
        Ok(built)
    }

    pub(super) fn key(&self, key: &RawNode) -> Result<Node, YamlError> {
        let raw = self.follow(key);
        if let (Tag::Value, Body::Scalar(text)) = (&raw.tag, &raw.body) {
            return Ok(Node { kind: NodeKind::Scalar(Value::from(text.as_str())), mark: raw.mark });
        }
        let node = self.node(raw)?;
        match &node.kind {
            NodeKind::Scalar(_) => Ok(node),
            NodeKind::List(_) => Err(YamlError::new(node.mark, "a list cannot be a key")),
            NodeKind::Map(_) => Err(YamlError::new(node.mark, "a map cannot be a key")),
        }
    }

    /// `[{a: 1}, {b: 2}]` as `[[a, 1], [b, 2]]`.
    fn pairs(&self, items: &[RawNode]) -> Result<Vec<Node>, YamlError> {
        let pair = |item: &RawNode| {
            let item = self.follow(item);
            let Body::Map(entries) = &item.body else {
                return Err(YamlError::new(item.mark, "a map of one entry is expected here"));
            };
            let [(key, value)] = entries.as_slice() else {
                let message = format!("a map of one entry is expected here, it has {}", entries.len());
                return Err(YamlError::new(item.mark, message));
            };
            let kind = NodeKind::List(vec![self.node(key)?, self.node(value)?]);
            Ok(Node { kind, mark: item.mark })
        };
        items.iter().map(pair).collect()
    }
}

fn is_collection(tag: &Tag) -> bool {
    matches!(tag, Tag::Seq | Tag::Map | Tag::Set | Tag::Pairs)
}

/// A single value of the type its tag says.
pub(super) fn scalar_of(tag: &Tag, text: &str, mark: Mark) -> Result<Value, YamlError> {
    let value = match tag {
        Tag::Null => Some(Value::Null),
        Tag::Bool => boolean(text),
        Tag::Int => number::int(text),
        Tag::Float => number::float(text).map(Value::Float),
        Tag::Binary => base64::decode(text).map(Value::from_bytes),
        _ => Some(Value::from(text)),
    };
    value.ok_or_else(|| {
        YamlError::new(mark, format!("{text:?} is not what {} promises", tag.spelling()))
            .hint("text is written in quotes")
    })
}

fn boolean(text: &str) -> Option<Value> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => Some(Value::Bool(true)),
        "no" | "false" | "off" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Python holds `1`, `1.0` and `True` for the same key.
fn python_identity(key: &Value) -> Value {
    match key {
        Value::Bool(flag) => Value::Int(i64::from(*flag)),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Value::Int(*number as i64),
        other => other.clone(),
    }
}

fn shown(key: &Node) -> String {
    match key.as_scalar() {
        Some(Value::Str(text)) => format!("{text:?}"),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Int(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => key.mark.line.to_string(),
    }
}

fn unknown_tag(node: &RawNode) -> YamlError {
    let spelling = node.tag.spelling();
    let error = YamlError::new(node.mark, format!("{spelling} is no type that is known here"));
    match node.tag {
        Tag::Unknown(_) if spelling.starts_with("!!python") => {
            error.hint("data cannot name Python objects: only plain values are read")
        }
        _ => error.hint(format!("where `{spelling}` is meant as text, put the whole value in quotes")),
    }
}

fn wrong_shape(tag: &Tag, body: &Body, mark: Mark) -> YamlError {
    let found = match body {
        Body::List(_) => "a list",
        Body::Map(_) => "a map",
        Body::Scalar(_) | Body::Alias(_) => "a single value",
    };
    YamlError::new(mark, format!("{} does not fit {found}", tag.spelling()))
}
