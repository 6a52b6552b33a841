//! What stands in brackets: groups, flags, looking around, conditions.

use crate::parse::{Node, Parser, Result};
use crate::{Flags, Kind};

impl Parser {
    /// What follows a `(`.
    pub fn group(&mut self) -> Result<Node> {
        let flags = self.flags;
        let node = if self.take("?P<") {
            self.named()?
        } else if self.take("?P=") {
            let name = self.until(')')?;
            let group = self.by_name(&name)?;
            return self.back_reference(group);
        } else if self.take("?(") {
            self.condition()?
        } else if let Some((behind, negated)) = self.look() {
            let inner = self.either()?;
            if behind && inner.width().is_none() {
                return self.fail("looking behind needs a pattern of one width");
            }
            Node::Look { inner: Box::new(inner), behind, negated }
        } else if self.take("?") {
            self.scoped_flags()?;
            Node::Group(Box::new(self.either()?), None)
        } else {
            self.capture()?
        };
        self.flags = flags;
        if self.take(")") { Ok(node) } else { self.fail("a `)` is missing") }
    }

    fn named(&mut self) -> Result<Node> {
        let name = self.until('>')?;
        let is_name = |name: &str| {
            name.chars().all(|c| c.is_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_numeric())
        };
        if name.is_empty() || !is_name(&name) {
            return self.fail(format!("{name:?} is no name for a group"));
        }
        if self.names.iter().any(|(known, _)| *known == name) {
            return self.fail(format!("there are two groups {name:?}"));
        }
        self.names.push((name, self.groups));
        self.capture()
    }

    fn capture(&mut self) -> Result<Node> {
        let group = self.groups;
        self.groups += 1;
        self.open.push(group);
        let inner = self.either()?;
        self.open.pop();
        Ok(Node::Group(Box::new(inner), Some(group)))
    }

    fn by_name(&self, name: &str) -> Result<usize> {
        match self.names.iter().find(|(known, _)| known == name) {
            Some((_, group)) => Ok(*group),
            None => self.fail(format!("there is no group {name:?} before")),
        }
    }

    fn look(&mut self) -> Option<(bool, bool)> {
        let kinds =
            [("?<=", (true, false)), ("?<!", (true, true)), ("?=", (false, false)), ("?!", (false, true))];
        kinds.into_iter().find(|(sign, _)| self.take(sign)).map(|(_, kind)| kind)
    }

    fn condition(&mut self) -> Result<Node> {
        let name = self.until(')')?;
        let group = match name.parse::<usize>() {
            Ok(group) if group > 0 && group < self.groups => group,
            Ok(group) => return self.fail(format!("there is no group {group} before")),
            Err(_) => self.by_name(&name)?,
        };
        let yes = Box::new(self.sequence()?);
        let no = Box::new(if self.take("|") { self.sequence()? } else { Node::Empty });
        Ok(Node::If { group, yes, no })
    }

    /// `(?i)` and friends where the pattern begins: they hold for all of it.
    pub fn leading_flags(&mut self) -> Result<()> {
        loop {
            let (begin, flags) = (self.at, self.flags);
            if !self.take("(?") || self.letters(true)? == 0 || !self.take(")") {
                (self.at, self.flags) = (begin, flags);
                return Ok(());
            }
        }
    }

    /// What stands between `(?` and `:`, as in `(?i-s:`.
    fn scoped_flags(&mut self) -> Result<()> {
        let switched_on = self.letters(true)?;
        let switched_off = if self.take("-") { Some(self.letters(false)?) } else { None };
        match self.peek() {
            Some(':') if switched_off != Some(0) => {
                self.at += 1;
                Ok(())
            }
            Some(')') if switched_on > 0 => self.fail("flags for the whole pattern stand at its start"),
            Some(c) => self.fail(format!("{c:?} is not known here")),
            None => self.fail("a `)` is missing"),
        }
    }

    /// Reads letters of flags; how many there were.
    fn letters(&mut self, on: bool) -> Result<usize> {
        let begin = self.at;
        while let Some(letter) = self.peek() {
            let Flags { ignore_case, multi_line, dot_all, verbose } = &mut self.flags;
            match letter {
                'i' => *ignore_case = on,
                'm' => *multi_line = on,
                's' => *dot_all = on,
                'x' => *verbose = on,
                'u' if on && self.kind == Kind::Text => {}
                'L' if on && self.kind == Kind::Bytes => {}
                'a' if on => {}
                _ => break,
            }
            self.at += 1;
        }
        Ok(self.at - begin)
    }
}

impl Node {
    /// How many units it matches, where that is one number.
    pub fn width(&self) -> Option<usize> {
        match self {
            Node::Empty | Node::Start { .. } | Node::End(_) => Some(0),
            Node::WordBoundary { .. } | Node::Look { .. } => Some(0),
            Node::Char(..) | Node::Set(_) => Some(1),
            Node::Group(inner, _) => inner.width(),
            Node::Back(..) => None,
            Node::Sequence(parts) => parts.iter().map(Node::width).sum(),
            Node::Either(choices) => {
                let first = choices.first()?.width()?;
                choices.iter().all(|choice| choice.width() == Some(first)).then_some(first)
            }
            Node::Repeat { inner, least, most, .. } => {
                let width = inner.width()?;
                (*most == Some(*least) || width == 0).then(|| width.saturating_mul(*least))
            }
            Node::If { yes, no, .. } => yes.width().filter(|width| no.width() == Some(*width)),
        }
    }
}
