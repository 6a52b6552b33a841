//! Patterns to trees: sequences, repeats, sets and escapes.

use crate::set::Set;
use crate::{Flags, Kind, PatternError};

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Empty,
    /// A character, and whether its case does not matter.
    Char(char, bool),
    Set(Set),
    Start {
        text: bool,
    },
    End(End),
    WordBoundary {
        negated: bool,
    },
    Group(Box<Node>, Option<usize>),
    Back(usize, bool),
    Look {
        inner: Box<Node>,
        behind: bool,
        negated: bool,
    },
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat {
        inner: Box<Node>,
        least: usize,
        most: Option<usize>,
        lazy: bool,
    },
    /// `(?(1)yes|no)`
    If {
        group: usize,
        yes: Box<Node>,
        no: Box<Node>,
    },
}

/// What counts as an end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Text,
    /// Also before the line break that ends the text.
    LastLine,
    Line,
}

pub(crate) struct Parsed {
    pub node: Node,
    pub groups: usize,
    pub names: Vec<(String, usize)>,
}

/// Brackets inside each other.
const DEPTH_MAX: usize = 50;
/// Most repeats that are counted.
const COUNT_MAX: usize = 65_535;

pub(crate) struct Parser {
    chars: Vec<char>,
    pub at: usize,
    pub flags: Flags,
    pub kind: Kind,
    pub groups: usize,
    pub names: Vec<(String, usize)>,
    /// Groups that are not closed yet.
    pub open: Vec<usize>,
    depth: usize,
}

pub(crate) type Result<T> = std::result::Result<T, PatternError>;

pub(crate) fn parse(pattern: &str, flags: Flags, kind: Kind) -> Result<Parsed> {
    // A pattern for bytes is bytes itself: each becomes the character of its number.
    let chars = match kind {
        Kind::Text => pattern.chars().collect(),
        Kind::Bytes => pattern.bytes().map(char::from).collect(),
    };
    let (groups, names, open) = (1, Vec::new(), Vec::new());
    let mut parser = Parser { chars, at: 0, flags, kind, groups, names, open, depth: 0 };
    parser.leading_flags()?;
    let node = parser.either()?;
    match parser.peek() {
        None => Ok(Parsed { node, groups: parser.groups, names: parser.names }),
        Some(_) => parser.fail("a `)` closes nothing"),
    }
}

impl Parser {
    pub fn fail<T>(&self, why: impl Into<String>) -> Result<T> {
        Err(PatternError { column: self.at + 1, why: why.into() })
    }

    pub fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub fn next(&mut self, missing: &str) -> Result<char> {
        let Some(c) = self.peek() else { return self.fail(missing) };
        self.at += 1;
        Ok(c)
    }

    pub fn take(&mut self, text: &str) -> bool {
        let found = self.chars[self.at..].iter().copied().take(text.len()).eq(text.chars());
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// The text up to `end`, which is taken too.
    pub fn until(&mut self, end: char) -> Result<String> {
        match self.chars[self.at..].iter().position(|c| *c == end) {
            Some(len) => {
                let text = self.chars[self.at..self.at + len].iter().collect();
                self.at += len + 1;
                Ok(text)
            }
            None => self.fail(format!("a `{end}` is missing")),
        }
    }

    fn digits(&mut self, width: usize, radix: u32) -> String {
        let digits: String =
            self.chars[self.at..].iter().take(width).take_while(|c| c.is_digit(radix)).collect();
        self.at += digits.len();
        digits
    }

    pub fn either(&mut self) -> Result<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail(format!("groups are nested deeper than {DEPTH_MAX}"));
        }
        let mut choices = vec![self.sequence()?];
        while self.take("|") {
            choices.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(if choices.len() == 1 { choices.swap_remove(0) } else { Node::Either(choices) })
    }

    pub fn sequence(&mut self) -> Result<Node> {
        let mut parts = Vec::new();
        loop {
            self.skip_comments()?;
            if self.peek().is_none_or(|c| c == '|' || c == ')') {
                return Ok(Node::Sequence(parts));
            }
            let atom = self.atom()?;
            parts.push(self.repeated(atom)?);
        }
    }

    fn skip_comments(&mut self) -> Result<()> {
        loop {
            if self.take("(?#") {
                self.until(')')?;
            } else if self.flags.verbose && self.take("#") {
                let rest = &self.chars[self.at..];
                self.at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
            } else if self.flags.verbose && self.peek().is_some_and(|c| matches!(c, ' ' | '\t'..='\r')) {
                self.at += 1;
            } else {
                return Ok(());
            }
        }
    }

    fn repeated(&mut self, atom: Node) -> Result<Node> {
        self.skip_comments()?;
        let Some((least, most)) = self.repeat()? else { return Ok(atom) };
        if matches!(atom, Node::Start { .. } | Node::End(_) | Node::WordBoundary { .. }) {
            return self.fail("there is nothing to repeat");
        }
        let lazy = self.take("?");
        self.skip_comments()?;
        if self.repeat()?.is_some() {
            return self.fail("a repeat follows a repeat");
        }
        Ok(Node::Repeat { inner: Box::new(atom), least, most, lazy })
    }

    fn repeat(&mut self) -> Result<Option<(usize, Option<usize>)>> {
        let begin = self.at;
        let counts = match self.peek() {
            Some('*') => Some((0, None)),
            Some('+') => Some((1, None)),
            Some('?') => Some((0, Some(1))),
            Some('{') => {
                self.at += 1;
                let counts = self.counts()?;
                self.at = if counts.is_some() { self.at - 1 } else { begin };
                counts
            }
            _ => None,
        };
        self.at += usize::from(counts.is_some());
        Ok(counts)
    }

    /// `2}`, `2,}`, `,3}` or `2,3}`; `None` where the brace is just a brace.
    fn counts(&mut self) -> Result<Option<(usize, Option<usize>)>> {
        if self.peek() == Some('}') {
            return Ok(None);
        }
        let least = self.digits(usize::MAX, 10);
        let most = if self.take(",") { self.digits(usize::MAX, 10) } else { least.clone() };
        if !self.take("}") {
            return Ok(None);
        }
        let number = |text: &str| match text.parse::<usize>() {
            Ok(number) if number <= COUNT_MAX => Ok(Some(number)),
            Err(_) if text.is_empty() => Ok(None),
            _ => self.fail(format!("a repeat counts to {COUNT_MAX} at most")),
        };
        let (least, most) = (number(&least)?.unwrap_or(0), number(&most)?);
        if most.is_some_and(|most| most < least) {
            return self.fail("a repeat's most is less than its least");
        }
        Ok(Some((least, most)))
    }

    fn atom(&mut self) -> Result<Node> {
        if self.repeat()?.is_some() {
            return self.fail("there is nothing to repeat");
        }
        Ok(match self.next("the pattern ends too early")? {
            '.' => Node::Set(Set::dot(self.flags.dot_all)),
            '^' => Node::Start { text: !self.flags.multi_line },
            '$' => Node::End(if self.flags.multi_line { End::Line } else { End::LastLine }),
            '[' => Node::Set(self.set()?),
            '(' => self.group()?,
            '\\' => self.escape()?,
            c => Node::Char(c, self.flags.ignore_case),
        })
    }

    fn escape(&mut self) -> Result<Node> {
        let c = self.next("the pattern ends after a `\\`")?;
        Ok(match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => Node::Set(Set::class(c)),
            'b' | 'B' => Node::WordBoundary { negated: c == 'B' },
            'A' => Node::Start { text: true },
            'Z' => Node::End(End::Text),
            '1'..='9' => {
                self.at -= 1;
                if let Some(c) = self.octal() {
                    return Ok(Node::Char(c, self.flags.ignore_case));
                }
                let group = self.digits(2, 10).parse().unwrap_or(usize::MAX);
                return self.back_reference(group);
            }
            c => Node::Char(self.escaped_char(c)?, self.flags.ignore_case),
        })
    }

    /// Three octal digits, not above 377.
    fn octal(&mut self) -> Option<char> {
        let begin = self.at;
        let digits = self.digits(3, 8);
        let number = u8::from_str_radix(&digits, 8).ok().filter(|_| digits.len() == 3);
        if number.is_none() {
            self.at = begin;
        }
        number.map(char::from)
    }

    pub fn back_reference(&mut self, group: usize) -> Result<Node> {
        if group >= self.groups || self.open.contains(&group) {
            return self.fail(format!("there is no closed group {group} before"));
        }
        Ok(Node::Back(group, self.flags.ignore_case))
    }

    fn escaped_char(&mut self, c: char) -> Result<char> {
        Ok(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'a' => '\u{7}',
            '0' => u32::from_str_radix(&self.digits(2, 8), 8).ok().and_then(char::from_u32).unwrap_or('\0'),
            'x' => self.hex(c, 2)?,
            'u' if self.kind == Kind::Text => self.hex(c, 4)?,
            'U' if self.kind == Kind::Text => self.hex(c, 8)?,
            c if c.is_ascii_alphanumeric() => return self.fail(format!("\\{c} is not known")),
            c => c,
        })
    }

    fn hex(&mut self, sign: char, width: usize) -> Result<char> {
        let digits = self.digits(width, 16);
        let number = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == width);
        match number.and_then(char::from_u32) {
            Some(c) => Ok(c),
            None => self.fail(format!("\\{sign}{digits} is no character")),
        }
    }

    fn set(&mut self) -> Result<Set> {
        let mut set = Set { negated: self.take("^"), ignore_case: self.flags.ignore_case, ..Set::default() };
        let begin = self.at;
        while self.at == begin || !self.take("]") {
            let Some(from) = self.set_char(&mut set)? else { continue };
            let is_range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            let mut to = from;
            if is_range {
                self.at += 1;
                let Some(end) = self.set_char(&mut set)? else {
                    return self.fail("a range ends with a class");
                };
                to = end;
            }
            if to < from {
                return self.fail(format!("the range {from}-{to} is empty"));
            }
            set.ranges.push((from.into(), to.into()));
        }
        Ok(set)
    }

    /// One character of a set; classes go into the set at once.
    fn set_char(&mut self, set: &mut Set) -> Result<Option<char>> {
        let c = self.next("a `]` is missing")?;
        if c != '\\' {
            return Ok(Some(c));
        }
        match self.next("the pattern ends after a `\\`")? {
            class @ ('d' | 'D' | 'w' | 'W' | 's' | 'S') => {
                set.classes.push(class);
                if self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']') {
                    return self.fail("a range begins with a class");
                }
                Ok(None)
            }
            'b' => Ok(Some('\u{8}')),
            '1'..='7' => {
                self.at -= 1;
                let number = u8::from_str_radix(&self.digits(3, 8), 8);
                number
                    .map(|number| Some(char::from(number)))
                    .or_else(|_| self.fail("an octal number is above 377"))
            }
            c => self.escaped_char(c).map(Some),
        }
    }
}
