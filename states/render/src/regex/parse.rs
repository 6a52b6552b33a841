//! Patterns to trees.

use super::Options;

#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    Char(char),
    Set(Set),
    Start { text: bool },
    End { text: bool },
    WordBoundary { negated: bool },
    Group(Box<Node>, Option<usize>),
    Back(usize),
    Look { inner: Box<Node>, behind: bool, negated: bool },
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat { inner: Box<Node>, least: usize, most: Option<usize>, lazy: bool },
}

/// Characters by ranges and classes.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    pub ranges: Vec<(char, char)>,
    /// `d`, `w`, `s`, and in capitals what is not of them.
    pub classes: Vec<char>,
    pub negated: bool,
}

impl Set {
    pub fn has(&self, c: char, ignore_case: bool) -> bool {
        let holds = |c: char| {
            self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&c))
                || self.classes.iter().any(|class| in_class(*class, c))
        };
        let found = holds(c) || ignore_case && (c.to_lowercase().any(holds) || c.to_uppercase().any(holds));
        found != self.negated
    }
}

fn in_class(class: char, c: char) -> bool {
    let inside = match class.to_ascii_lowercase() {
        'd' => c.is_ascii_digit() || !c.is_ascii() && c.is_numeric(),
        'w' => c.is_alphanumeric() || c == '_',
        _ => c.is_whitespace(),
    };
    inside != class.is_ascii_uppercase()
}

pub(super) struct Parsed {
    pub node: Node,
    pub options: Options,
    pub groups: usize,
    pub names: Vec<(String, usize)>,
}

/// Brackets inside each other.
const DEPTH_MAX: usize = 50;
/// Most repeats that are counted.
const COUNT_MAX: usize = 1000;

struct Parser {
    chars: Vec<char>,
    at: usize,
    options: Options,
    dot_all: bool,
    groups: usize,
    names: Vec<(String, usize)>,
    depth: usize,
}

type Result<T> = std::result::Result<T, String>;

pub(super) fn parse(pattern: &str, options: Options) -> Result<Parsed> {
    let chars = pattern.chars().collect();
    let mut parser = Parser { chars, at: 0, options, dot_all: false, groups: 1, names: Vec::new(), depth: 0 };
    let node = parser.either()?;
    match parser.peek() {
        None => Ok(Parsed { node, options: parser.options, groups: parser.groups, names: parser.names }),
        Some(_) => Err("a `)` closes nothing".to_owned()),
    }
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn take(&mut self, text: &str) -> bool {
        let len = text.chars().count();
        let found =
            self.chars.get(self.at..self.at + len).is_some_and(|here| here.iter().copied().eq(text.chars()));
        self.at += if found { len } else { 0 };
        found
    }

    fn either(&mut self) -> Result<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("groups are nested deeper than {DEPTH_MAX}"));
        }
        let mut choices = vec![self.sequence()?];
        while self.take("|") {
            choices.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(if choices.len() == 1 { choices.swap_remove(0) } else { Node::Either(choices) })
    }

    fn sequence(&mut self) -> Result<Node> {
        let mut parts = Vec::new();
        while self.peek().is_some_and(|c| c != '|' && c != ')') {
            let atom = self.atom()?;
            parts.push(self.repeated(atom)?);
        }
        Ok(Node::Sequence(parts))
    }

    fn repeated(&mut self, atom: Node) -> Result<Node> {
        let begin = self.at;
        let (least, most) = match self.next() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.counts()? {
                Some(counts) => counts,
                None => {
                    self.at = begin;
                    return Ok(atom);
                }
            },
            _ => {
                self.at = begin;
                return Ok(atom);
            }
        };
        let lazy = self.take("?");
        if matches!(self.peek(), Some('*' | '+' | '?')) {
            return Err("a repeat follows a repeat".to_owned());
        }
        Ok(Node::Repeat { inner: Box::new(atom), least, most, lazy })
    }

    /// `2}`, `2,}`, `,3}` or `2,3}`; `None` where the brace is just a brace.
    fn counts(&mut self) -> Result<Option<(usize, Option<usize>)>> {
        let Some(len) = self.chars[self.at..].iter().position(|&c| c == '}') else { return Ok(None) };
        let inner: String = self.chars[self.at..self.at + len].iter().collect();
        let (least, most) =
            inner.split_once(',').map_or((&*inner, None), |(least, most)| (least, Some(most)));
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        if inner.is_empty() || inner == "," || !digits(least) || !most.is_none_or(digits) {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n <= COUNT_MAX);
        let too_many = || format!("a repeat counts to {COUNT_MAX} at most");
        let least = if least.is_empty() { 0 } else { number(least).ok_or_else(too_many)? };
        let most = match most {
            None => Some(least),
            Some("") => None,
            Some(most) => Some(number(most).ok_or_else(too_many)?),
        };
        self.at += len + 1;
        Ok(Some((least, most)))
    }

    fn atom(&mut self) -> Result<Node> {
        let Some(c) = self.next() else { return Ok(Node::Empty) };
        Ok(match c {
            '.' => match self.dot_all {
                true => Node::Set(Set { negated: true, ..Set::default() }),
                false => Node::Set(Set { ranges: vec![('\n', '\n')], negated: true, ..Set::default() }),
            },
            '^' => Node::Start { text: !self.options.multi_line },
            '$' => Node::End { text: !self.options.multi_line },
            '[' => Node::Set(self.set()?),
            '(' => self.group()?,
            '\\' => self.escape()?,
            '*' | '+' | '?' => return Err("there is nothing to repeat".to_owned()),
            c => Node::Char(c),
        })
    }

    fn group(&mut self) -> Result<Node> {
        let node = if self.take("?P<") {
            let name = self.until('>')?;
            self.names.push((name, self.groups));
            self.capture()?
        } else if self.take("?P=") {
            let name = self.until(')')?;
            let group = self.names.iter().find(|(known, _)| *known == name).map(|(_, group)| *group);
            return group.map(Node::Back).ok_or_else(|| format!("there is no group {name:?} before"));
        } else if self.take("?:") {
            Node::Group(Box::new(self.either()?), None)
        } else if let Some((behind, negated)) = self.look() {
            Node::Look { inner: Box::new(self.either()?), behind, negated }
        } else if self.take("?#") {
            self.until(')')?;
            return Ok(Node::Empty);
        } else if self.take("?") {
            return self.flags();
        } else {
            self.capture()?
        };
        if self.take(")") { Ok(node) } else { Err("a `)` is missing".to_owned()) }
    }

    fn look(&mut self) -> Option<(bool, bool)> {
        let kinds =
            [("?<=", (true, false)), ("?<!", (true, true)), ("?=", (false, false)), ("?!", (false, true))];
        kinds.into_iter().find(|(sign, _)| self.take(sign)).map(|(_, kind)| kind)
    }

    fn capture(&mut self) -> Result<Node> {
        let group = self.groups;
        self.groups += 1;
        Ok(Node::Group(Box::new(self.either()?), Some(group)))
    }

    /// `(?i)` and friends; they hold for the whole pattern.
    fn flags(&mut self) -> Result<Node> {
        for flag in self.until(')')?.chars() {
            match flag {
                'i' => self.options.ignore_case = true,
                'm' => self.options.multi_line = true,
                's' => self.dot_all = true,
                'a' | 'u' | 'L' => {}
                other => return Err(format!("(?{other}) is not known")),
            }
        }
        Ok(Node::Empty)
    }

    fn until(&mut self, end: char) -> Result<String> {
        let len = self.chars[self.at..]
            .iter()
            .position(|&c| c == end)
            .ok_or_else(|| format!("a `{end}` is missing"))?;
        let text = self.chars[self.at..self.at + len].iter().collect();
        self.at += len + 1;
        Ok(text)
    }

    fn escape(&mut self) -> Result<Node> {
        let c = self.next().ok_or("the pattern ends after a `\\`")?;
        Ok(match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => Node::Set(Set { classes: vec![c], ..Set::default() }),
            'b' | 'B' => Node::WordBoundary { negated: c == 'B' },
            'A' => Node::Start { text: true },
            'Z' => Node::Look {
                inner: Box::new(Node::Set(Set { negated: true, ..Set::default() })),
                behind: false,
                negated: true,
            },
            '1'..='9' => {
                let mut group = c as usize - '0' as usize;
                if let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
                    self.at += 1;
                    group = group * 10 + digit as usize;
                }
                if group >= self.groups {
                    return Err(format!("there is no group {group} before"));
                }
                Node::Back(group)
            }
            c => Node::Char(self.escaped_char(c)?),
        })
    }

    fn escaped_char(&mut self, c: char) -> Result<char> {
        let mut hex = |width: usize| {
            let digits: String = self.chars.iter().skip(self.at).take(width).collect();
            self.at += width.min(self.chars.len() - self.at);
            u32::from_str_radix(&digits, 16)
                .ok()
                .and_then(char::from_u32)
                .ok_or_else(|| format!("\\{c}{digits} is no character"))
        };
        Ok(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'a' => '\u{7}',
            '0' => '\0',
            'x' => hex(2)?,
            'u' => hex(4)?,
            c if c.is_ascii_alphabetic() => return Err(format!("\\{c} is not known")),
            c => c,
        })
    }

    fn set(&mut self) -> Result<Set> {
        let mut set = Set { negated: self.take("^"), ..Set::default() };
        let mut first = true;
        loop {
            let c = self.next().ok_or("a `]` is missing")?;
            if c == ']' && !first {
                return Ok(set);
            }
            first = false;
            let Some(from) = self.set_char(c, &mut set)? else { continue };
            let is_range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|&c| c != ']');
            let mut to = from;
            if is_range {
                self.at += 1;
                let c = self.next().unwrap_or(']');
                to = self.set_char(c, &mut set)?.ok_or("a range ends with a class")?;
            }
            if to < from {
                return Err(format!("the range {from}-{to} is empty"));
            }
            set.ranges.push((from, to));
        }
    }

    /// One character of a set; classes go into the set at once.
    fn set_char(&mut self, c: char, set: &mut Set) -> Result<Option<char>> {
        if c != '\\' {
            return Ok(Some(c));
        }
        let escaped = self.next().ok_or("the pattern ends after a `\\`")?;
        match escaped {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => {
                set.classes.push(escaped);
                Ok(None)
            }
            'b' => Ok(Some('\u{8}')),
            c => self.escaped_char(c).map(Some),
        }
    }
}
