//! Events of libyaml to a tree of tagged nodes. Aliases stay references here, so that a document of 200 bytes
//! that stands for 10^9 nodes is refused while it is still small.

use super::tag::Tag;
use super::text::Prepared;
use super::{Mark, YamlError, resolve, words};
use crate::limits::{SOURCE_BYTES_MAX, YAML_DEPTH_MAX, YAML_NODES_MAX};
use libyaml_safer::{Event, EventData, Parser};
use std::collections::HashMap;

/// The document as written.
pub(super) struct Document {
    /// `None` where the text holds no document.
    pub root: Option<RawNode>,
    /// What [`Body::Alias`] points into.
    pub anchored: Vec<RawNode>,
}

#[derive(Clone, Debug)]
pub(super) struct RawNode {
    pub tag: Tag,
    pub mark: Mark,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Scalar(String),
    List(Vec<RawNode>),
    Map(Vec<(RawNode, RawNode)>),
    /// The node at this place of [`Document::anchored`].
    Alias(usize),
}

pub(super) fn compose(text: &str) -> Result<Document, YamlError> {
    if text.len() > SOURCE_BYTES_MAX {
        let message = format!("the document is longer than {} MiB", SOURCE_BYTES_MAX >> 20);
        return Err(YamlError::new(Mark { line: 1, column: 1 }, message).hint("split it into several files"));
    }
    let prepared = Prepared::new(text)?;
    let mut input = prepared.text.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut input);
    Composer { parser, prepared: &prepared, anchors: HashMap::new(), anchored: Vec::new(), nodes: 0 }
        .document()
}

struct Composer<'t, 'r> {
    parser: Parser<&'r mut &'t [u8]>,
    prepared: &'t Prepared<'t>,
    anchors: HashMap<String, Anchor>,
    anchored: Vec<RawNode>,
    /// Nodes so far, aliases counted as what they stand for.
    nodes: usize,
}

struct Anchor {
    mark: Mark,
    /// `None` while the anchored node is still being read.
    whole: Option<Whole>,
}

/// A node that was read to its end.
#[derive(Clone, Copy)]
struct Whole {
    index: usize,
    nodes: usize,
    depth: usize,
}

impl Composer<'_, '_> {
    fn document(mut self) -> Result<Document, YamlError> {
        self.next()?; // the start of the stream
        let start = self.next()?;
        if matches!(start.data, EventData::StreamEnd) {
            return Ok(Document { root: None, anchored: Vec::new() });
        }
        let event = self.next()?;
        let (root, _) = self.node(event, 1)?;
        self.next()?; // the end of the document
        let end = self.next()?;
        if !matches!(end.data, EventData::StreamEnd) {
            return Err(YamlError::new(mark(&end), "a second document begins here, one is expected")
                .related(mark(&start), "the first begins")
                .hint("take out the line `---`"));
        }
        Ok(Document { root: Some(root), anchored: self.anchored })
    }

    fn next(&mut self) -> Result<Event, YamlError> {
        self.parser.parse().map_err(|error| words::explain(&error, &self.prepared.text))
    }

    /// The node `event` begins, and how deep it is.
    fn node(&mut self, event: Event, depth: usize) -> Result<(RawNode, usize), YamlError> {
        let mark = mark(&event);
        let before = self.nodes;
        self.count(1, depth, mark)?;
        let (anchor, tag, (body, height)) = match event.data {
            EventData::Alias { anchor } => return self.alias(&anchor, depth, mark),
            EventData::Scalar { anchor, tag, mut value, plain_implicit, style, .. } => {
                self.open(anchor.as_deref(), mark)?;
                self.prepared.mend(&mut value, style, event.end_mark);
                let tag = scalar_tag(tag.as_deref(), &value, plain_implicit);
                (anchor, tag, (Body::Scalar(value), 1))
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                self.open(anchor.as_deref(), mark)?;
                (anchor, collection_tag(tag.as_deref(), Tag::Seq), self.list(depth)?)
            }
            EventData::MappingStart { anchor, tag, .. } => {
                self.open(anchor.as_deref(), mark)?;
                (anchor, collection_tag(tag.as_deref(), Tag::Map), self.map(depth)?)
            }
            _ => return Err(YamlError::new(mark, "a value is expected here")),
        };
        let node = RawNode { tag, mark, body };
        let Some(name) = anchor else { return Ok((node, height)) };
        let whole = Whole { index: self.anchored.len(), nodes: self.nodes - before, depth: height };
        self.anchors.insert(name, Anchor { mark, whole: Some(whole) });
        self.anchored.push(node);
        Ok((RawNode { tag: Tag::Null, mark, body: Body::Alias(whole.index) }, height))
    }

    fn list(&mut self, depth: usize) -> Result<(Body, usize), YamlError> {
        let (mut items, mut height) = (Vec::new(), 0);
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::SequenceEnd) {
                return Ok((Body::List(items), height + 1));
            }
            let (item, item_height) = self.node(event, depth + 1)?;
            height = height.max(item_height);
            items.push(item);
        }
    }

    fn map(&mut self, depth: usize) -> Result<(Body, usize), YamlError> {
        let (mut entries, mut height) = (Vec::new(), 0);
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::MappingEnd) {
                return Ok((Body::Map(entries), height + 1));
            }
            let (key, key_height) = self.node(event, depth + 1)?;
            let event = self.next()?;
            let (value, value_height) = self.node(event, depth + 1)?;
            height = height.max(key_height).max(value_height);
            entries.push((key, value));
        }
    }

    fn open(&mut self, anchor: Option<&str>, mark: Mark) -> Result<(), YamlError> {
        let Some(name) = anchor else { return Ok(()) };
        match self.anchors.insert(name.to_owned(), Anchor { mark, whole: None }) {
            None => Ok(()),
            Some(first) => Err(YamlError::new(mark, format!("the anchor &{name} is defined twice"))
                .related(first.mark, "the first is")),
        }
    }

    fn alias(&mut self, name: &str, depth: usize, mark: Mark) -> Result<(RawNode, usize), YamlError> {
        let Some(anchor) = self.anchors.get(name) else {
            return Err(YamlError::new(mark, format!("the alias *{name} has no anchor &{name} before it"))
                .hint(format!("text that begins with `*` is quoted: '*{name}'")));
        };
        let Some(Whole { index, nodes, depth: height }) = anchor.whole else {
            return Err(YamlError::new(mark, format!("the alias *{name} stands inside what it names"))
                .related(anchor.mark, format!("&{name} begins")));
        };
        self.count(nodes - 1, depth + height - 1, mark)?;
        Ok((RawNode { tag: Tag::Null, mark, body: Body::Alias(index) }, height))
    }

    fn count(&mut self, nodes: usize, depth: usize, mark: Mark) -> Result<(), YamlError> {
        if depth > YAML_DEPTH_MAX {
            return Err(YamlError::new(
                mark,
                format!("lists and maps are nested deeper than {YAML_DEPTH_MAX}"),
            ));
        }
        self.nodes += nodes;
        if self.nodes > YAML_NODES_MAX {
            let message =
                format!("the document stands for more than {YAML_NODES_MAX} values, aliases followed");
            return Err(YamlError::new(mark, message));
        }
        Ok(())
    }
}

fn mark(event: &Event) -> Mark {
    words::mark(event.start_mark)
}

fn scalar_tag(tag: Option<&str>, value: &str, plain_implicit: bool) -> Tag {
    match tag {
        Some(uri) if uri != "!" => Tag::from_uri(uri),
        _ if plain_implicit => resolve::plain(value),
        _ => Tag::Str,
    }
}

fn collection_tag(tag: Option<&str>, default: Tag) -> Tag {
    match tag {
        Some(uri) if uri != "!" => Tag::from_uri(uri),
        _ => default,
    }
}
