//! Merge keys: `<<: *base` and `<<: [*a, *b]`, as Salt resolves them.

use super::compose::{Body, Document, RawNode};
use super::tag::Tag;
use super::{Mark, YamlError, number};
use std::collections::HashSet;

/// One entry of a map after merging.
pub(super) type Entry<'d> = (&'d RawNode, &'d RawNode);

impl Document {
    /// The node `node` stands for.
    pub(super) fn follow<'d>(&'d self, node: &'d RawNode) -> &'d RawNode {
        match node.body {
            Body::Alias(index) => self.anchored.get(index).map_or(node, |target| self.follow(target)),
            _ => node,
        }
    }

    /// The entries of a map with those of its merge keys before them. A key written in the map itself wins;
    /// two merged maps with the same key collide later, as the same key written twice does.
    pub(super) fn merged<'d>(
        &'d self,
        entries: &'d [(RawNode, RawNode)],
        map: Mark,
    ) -> Result<Vec<Entry<'d>>, YamlError> {
        let mut own = Vec::with_capacity(entries.len());
        let mut merged = Vec::new();
        for (key, value) in entries {
            if self.follow(key).tag == Tag::Merge {
                merged.extend(self.merge_source(self.follow(value), map)?);
            } else {
                own.push((key, value));
            }
        }
        if merged.is_empty() {
            return Ok(own);
        }
        let written: HashSet<&str> = own.iter().filter_map(|(key, _)| self.scalar_text(key)).collect();
        merged.retain(|(key, _)| self.scalar_text(key).is_none_or(|text| !written.contains(text)));
        merged.extend(own);
        Ok(merged)
    }

    fn merge_source<'d>(&'d self, source: &'d RawNode, map: Mark) -> Result<Vec<Entry<'d>>, YamlError> {
        match &source.body {
            Body::Map(entries) => self.merged(entries, source.mark),
            Body::List(items) => {
                let mut merged = Vec::new();
                for item in items.iter().rev() {
                    let item = self.follow(item);
                    let Body::Map(entries) = &item.body else { return Err(not_a_map(item.mark, map)) };
                    merged.extend(self.merged(entries, item.mark)?);
                }
                Ok(merged)
            }
            _ => Err(not_a_map(source.mark, map)),
        }
    }

    fn scalar_text<'d>(&'d self, node: &'d RawNode) -> Option<&'d str> {
        let node = self.follow(node);
        match &node.body {
            Body::Scalar(text) if node.tag == Tag::Int => Some(number::without_zeros(text)),
            Body::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

fn not_a_map(mark: Mark, map: Mark) -> YamlError {
    YamlError::new(mark, "`<<` merges a map or a list of maps, not this").related(map, "the map begins")
}
