//! YAML in which keys may come again and values add up: Salt's `yamlex`.
//!
//! A key that comes again has its map merged into the one before: `!aggregate` lists and maps keep what was there,
//! other values give way, and `!reset` before a key drops what was there.

use super::compose::{Body, Document, RawNode};
use super::construct::scalar_of;
use super::tag::Tag;
use super::{Mark, Node, NodeKind, YamlError, resolve};
use halite_wire::Value;
use std::collections::{HashMap, HashSet};

/// A value on its way to a [`Node`].
struct Part {
    body: PartBody,
    mark: Mark,
    /// Marked with `!aggregate`.
    adds_up: bool,
}

enum PartBody {
    Plain(Node),
    List(Vec<Part>),
    Map(Vec<(Node, Part)>),
}

pub(super) fn construct(document: &Document) -> Result<Node, YamlError> {
    let Some(root) = &document.root else {
        return Ok(Node::of(&Value::Null, Mark { line: 1, column: 1 }));
    };
    let root = Part { adds_up: true, ..document.part(root)? };
    Ok(root.into_node())
}

impl Document {
    fn part(&self, raw: &RawNode) -> Result<Part, YamlError> {
        let node = self.follow(raw);
        let adds_up = is_tagged(node, "!aggregate");
        let ours = adds_up || is_tagged(node, "!reset");
        let mark = node.mark;
        let body = match &node.body {
            Body::Map(entries) if ours || node.tag == Tag::Map => PartBody::Map(self.parts(entries, mark)?),
            Body::List(items) if ours || node.tag == Tag::Seq => {
                PartBody::List(items.iter().map(|item| self.part(item)).collect::<Result<_, _>>()?)
            }
            Body::Scalar(text) if ours => {
                let value = scalar_of(&resolve::plain(text), text, mark)?;
                let plain = PartBody::Plain(Node::of(&value, mark));
                match (adds_up, value) {
                    (true, Value::Null) => PartBody::List(Vec::new()),
                    (true, _) => PartBody::List(vec![Part { body: plain, mark, adds_up: false }]),
                    (false, _) => plain,
                }
            }
            _ => PartBody::Plain(self.node(node)?),
        };
        Ok(Part { body, mark, adds_up })
    }

    fn parts(&self, entries: &[(RawNode, RawNode)], map: Mark) -> Result<Vec<(Node, Part)>, YamlError> {
        let mut built: Vec<(Node, Part)> = Vec::new();
        let mut places: HashMap<Value, usize> = HashMap::new();
        for (raw_key, raw_value) in self.merged(entries, map)? {
            let tagged = self.follow(raw_key);
            let key = match &tagged.body {
                Body::Scalar(text) if matches!(tagged.tag, Tag::Unknown(_)) => {
                    Node::of(&scalar_of(&resolve::plain(text), text, tagged.mark)?, tagged.mark)
                }
                _ => self.key(raw_key)?,
            };
            let mut value = self.part(raw_value)?;
            if is_tagged(tagged, "!aggregate") {
                value.adds_up = true;
            }
            match places.get(&key.to_value()).copied() {
                None => {
                    places.insert(key.to_value(), built.len());
                    built.push((key, value));
                }
                Some(at) if is_tagged(tagged, "!reset") => built[at].1 = value,
                Some(at) => {
                    let old = std::mem::replace(&mut built[at].1, Part::nothing(map));
                    built[at].1 = old.merged_with(value);
                }
            }
        }
        Ok(built)
    }
}

fn is_tagged(node: &RawNode, tag: &str) -> bool {
    matches!(&node.tag, Tag::Unknown(name) if **name == *tag)
}

impl Part {
    fn nothing(mark: Mark) -> Part {
        Part { body: PartBody::List(Vec::new()), mark, adds_up: false }
    }

    /// What stands under a key that comes again with `new`.
    fn merged_with(self, new: Part) -> Part {
        let both_add = self.adds_up && new.adds_up;
        match (self.body, new.body) {
            (PartBody::Map(old), PartBody::Map(added)) => {
                let body = PartBody::Map(merged_maps(old, added, both_add));
                Part { body, mark: new.mark, adds_up: both_add || new.adds_up }
            }
            (PartBody::List(mut items), PartBody::List(added)) if both_add => {
                let known: HashSet<Value> = items.iter().map(|item| item.node().to_value()).collect();
                items.extend(added.into_iter().filter(|item| !known.contains(&item.node().to_value())));
                Part { body: PartBody::List(items), mark: self.mark, adds_up: true }
            }
            (_, body) => Part { body, mark: new.mark, adds_up: new.adds_up },
        }
    }

    fn node(&self) -> Node {
        let kind = match &self.body {
            PartBody::Plain(node) => return node.clone(),
            PartBody::List(items) => NodeKind::List(items.iter().map(Part::node).collect()),
            PartBody::Map(entries) => {
                NodeKind::Map(entries.iter().map(|(key, value)| (key.clone(), value.node())).collect())
            }
        };
        Node { kind, mark: self.mark }
    }

    fn into_node(self) -> Node {
        let kind = match self.body {
            PartBody::Plain(node) => return node,
            PartBody::List(items) => NodeKind::List(items.into_iter().map(Part::into_node).collect()),
            PartBody::Map(entries) => {
                NodeKind::Map(entries.into_iter().map(|(key, value)| (key, value.into_node())).collect())
            }
        };
        Node { kind, mark: self.mark }
    }
}

/// Two maps that both add up keep all keys; else those of the newer remain.
fn merged_maps(old: Vec<(Node, Part)>, added: Vec<(Node, Part)>, both_add: bool) -> Vec<(Node, Part)> {
    let mut old: Vec<(Node, Option<Part>)> = old.into_iter().map(|(key, part)| (key, Some(part))).collect();
    let places: HashMap<Value, usize> =
        old.iter().enumerate().map(|(at, (key, _))| (key.to_value(), at)).collect();
    let mut fresh = Vec::new();
    for (key, value) in added {
        match places.get(&key.to_value()) {
            Some(at) => {
                let part = &mut old[*at].1;
                let merged = match part.take() {
                    Some(before) => before.merged_with(value),
                    None => value,
                };
                if both_add { *part = Some(merged) } else { fresh.push((key, merged)) }
            }
            None => fresh.push((key, value)),
        }
    }
    let kept = old.into_iter().filter_map(|(key, part)| Some((key, part?))).filter(|_| both_add);
    kept.chain(fresh).collect()
}
