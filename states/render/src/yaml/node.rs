//! Parsed YAML that still knows where it was written.

use halite_wire::{Map, Value};

/// Line and column in the text, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub line: usize,
    pub column: usize,
}

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub kind: NodeKind,
    pub mark: Mark,
}

#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// Typed by Salt's rules. Never `List` or `Map`.
    Scalar(Value),
    List(Vec<Node>),
    /// In the order written; keys are unique.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// A value that stands as a whole at one place.
    pub fn of(value: &Value, mark: Mark) -> Node {
        let kind = match value {
            Value::List(items) => NodeKind::List(items.iter().map(|item| Node::of(item, mark)).collect()),
            Value::Map(map) => NodeKind::Map(
                map.iter().map(|(key, value)| (Node::of(key, mark), Node::of(value, mark))).collect(),
            ),
            scalar => NodeKind::Scalar(scalar.clone()),
        };
        Node { kind, mark }
    }

    /// The value without its places.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar(value) => value.clone(),
            NodeKind::List(items) => items.iter().map(Node::to_value).collect(),
            NodeKind::Map(entries) => Value::Map(
                entries.iter().map(|(key, value)| (key.to_value(), value.to_value())).collect::<Map>(),
            ),
        }
    }

    pub fn as_map(&self) -> Option<&[(Node, Node)]> {
        if let NodeKind::Map(entries) = &self.kind { Some(entries) } else { None }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        if let NodeKind::List(items) = &self.kind { Some(items) } else { None }
    }

    pub fn as_scalar(&self) -> Option<&Value> {
        if let NodeKind::Scalar(value) = &self.kind { Some(value) } else { None }
    }

    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar().and_then(Value::as_str)
    }

    /// The node under `key`, where this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }
}
