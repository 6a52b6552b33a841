//! Where tags begin: the first sign in a text that opens one.

use crate::jinja::settings::{Marks, Sign};

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Tag {
    Block,
    /// A block whose body is text, whatever stands in it.
    Raw,
    Print,
    Comment,
    LineStatement,
    LineComment,
}

/// A sign in a source.
#[derive(Clone, Copy)]
pub(super) struct Opening {
    pub tag: Tag,
    /// Its first byte.
    pub at: usize,
    /// Its bytes, with the blanks before a line's prefix, without a `-` or `+` behind it.
    pub len: usize,
}

/// All signs that open a tag.
pub(super) struct Openings {
    /// Longer ones first, so that `<%=` is no `<%`; among equals in the order of Jinja.
    signs: Vec<(Tag, Sign)>,
    /// Bytes that one of them, with its blanks, can begin with.
    first: [bool; 256],
}

impl Openings {
    pub fn new(marks: &Marks) -> Openings {
        let mut signs = vec![(Tag::Print, marks.variable.0.clone())];
        signs.extend(marks.line_statement.clone().map(|sign| (Tag::LineStatement, sign)));
        signs.extend(marks.line_comment.clone().map(|sign| (Tag::LineComment, sign)));
        signs.push((Tag::Comment, marks.comment.0.clone()));
        signs.push((Tag::Block, marks.block.0.clone()));
        signs.sort_by_key(|(_, sign)| std::cmp::Reverse(sign.chars().count()));
        let mut first = [false; 256];
        for (tag, sign) in &signs {
            first[usize::from(sign.as_bytes()[0])] = true;
            if matches!(tag, Tag::LineStatement | Tag::LineComment) {
                // ASCII blanks, and whatever a blank of Unicode begins with.
                [b' ', b'\t', 0x0b, 0x0c]
                    .into_iter()
                    .chain(0xc0..=0xff)
                    .for_each(|byte| first[usize::from(byte)] = true);
            }
        }
        Openings { signs, first }
    }

    /// The first sign of `source` at or behind `from`.
    pub fn next(&self, source: &str, from: usize) -> Option<Opening> {
        let bytes = source.as_bytes();
        let candidates = (from..source.len()).filter(|at| self.first[usize::from(bytes[*at])]);
        candidates.filter(|at| source.is_char_boundary(*at)).find_map(|at| {
            let found = |(tag, sign): &(Tag, Sign)| {
                Some(Opening { tag: *tag, at, len: len(*tag, sign, source, at)? })
            };
            self.signs.iter().find_map(found)
        })
    }
}

/// The bytes of `sign` and its blanks, where it stands at `at`.
fn len(tag: Tag, sign: &str, source: &str, at: usize) -> Option<usize> {
    let rest = &source[at..];
    let before = source[..at].chars().next_back();
    let begins_line = before.is_none_or(|c| c == '\n');
    let without_blanks = match tag {
        Tag::LineStatement if begins_line => rest.trim_start_matches([' ', '\t', '\u{b}']),
        Tag::LineComment if begins_line || before.is_some_and(|c| !c.is_whitespace()) => {
            rest.trim_start_matches(|c: char| c.is_whitespace() && c != '\n')
        }
        Tag::LineStatement | Tag::LineComment => return None,
        _ => rest,
    };
    without_blanks.starts_with(sign).then(|| rest.len() - without_blanks.len() + sign.len())
}
