//! The source of a template to tokens: text outside of tags with its whitespace rules, names and signs inside.

use super::super::Settings;
use super::super::fault::{Fault, FaultKind};
use super::Pos;
use super::literal;
use super::token::{SIGNS, Spot, Token};

/// A message, where, and a hint.
pub(super) struct SyntaxError {
    pub pos: Pos,
    pub message: String,
    pub hint: Option<String>,
}

impl SyntaxError {
    pub fn new(pos: Pos, message: impl Into<String>) -> SyntaxError {
        SyntaxError { pos, message: message.into(), hint: None }
    }

    pub fn hint(self, hint: impl Into<String>) -> SyntaxError {
        SyntaxError { hint: Some(hint.into()), ..self }
    }

    pub fn into_fault(self) -> Box<Fault> {
        let mut fault = Fault::new(FaultKind::Syntax, self.message);
        fault.hint = self.hint;
        fault
    }
}

pub(super) type Parsed<T> = Result<T, SyntaxError>;

pub(super) struct Lexer<'s> {
    rest: &'s str,
    pos: Pos,
    settings: Settings,
    spots: Vec<Spot>,
    /// What the tag before asks to drop from the text that follows.
    trim: Trim,
}

#[derive(Clone, Copy, PartialEq)]
enum Trim {
    Nothing,
    Newline,
    Whitespace,
}

#[derive(Clone, Copy, PartialEq)]
enum Tag {
    Block,
    Print,
    Comment,
}

impl<'s> Lexer<'s> {
    pub fn new(source: &'s str, settings: Settings) -> Lexer<'s> {
        let rest = match settings.keep_trailing_newline {
            true => source,
            false => source.strip_suffix('\n').unwrap_or(source),
        };
        Lexer { rest, pos: Pos { line: 1, column: 1 }, settings, spots: Vec::new(), trim: Trim::Nothing }
    }

    pub fn tokens(mut self) -> Parsed<Vec<Spot>> {
        while !self.rest.is_empty() {
            let Some((at, tag)) = next_tag(self.rest) else {
                self.text(self.rest.len(), None);
                break;
            };
            self.text(at, Some(tag));
            match tag {
                Tag::Comment => self.comment()?,
                Tag::Print => self.code(Tag::Print)?,
                Tag::Block if self.raw()? => {}
                Tag::Block => self.code(Tag::Block)?,
            }
        }
        self.push(Token::End, self.pos);
        Ok(self.spots)
    }

    fn push(&mut self, token: Token, pos: Pos) {
        self.spots.push(Spot { token, pos });
    }

    /// Moves over `len` bytes and returns them.
    fn skip(&mut self, len: usize) -> &'s str {
        let (skipped, rest) = self.rest.split_at(len);
        match skipped.rfind('\n') {
            None => self.pos.column += skipped.chars().count() as u32,
            Some(last) => {
                self.pos.line += skipped.matches('\n').count() as u32;
                self.pos.column = skipped[last + 1..].chars().count() as u32 + 1;
            }
        }
        self.rest = rest;
        skipped
    }

    /// The text up to the tag at `len`, less what the tags around it drop.
    fn text(&mut self, len: usize, next: Option<Tag>) {
        let whole = &self.rest[..len];
        let kept = match std::mem::replace(&mut self.trim, Trim::Nothing) {
            Trim::Nothing => whole,
            Trim::Newline => whole.strip_prefix('\n').unwrap_or(whole),
            Trim::Whitespace => whole.trim_start(),
        };
        self.skip(len - kept.len());
        let pos = self.pos;
        self.skip(kept.len());
        let text = match (next, self.rest.as_bytes().get(2)) {
            (Some(_), Some(b'-')) => kept.trim_end(),
            (Some(Tag::Block | Tag::Comment), mark) if self.settings.lstrip_blocks && mark != Some(&b'+') => {
                without_indent(kept, pos.column == 1)
            }
            _ => kept,
        };
        if !text.is_empty() {
            self.push(Token::Text(text.into()), pos);
        }
    }

    fn comment(&mut self) -> Parsed<()> {
        let begin = self.pos;
        let Some(end) = self.rest.find("#}") else {
            return Err(SyntaxError::new(begin, "the comment is not closed").hint("a comment ends with `#}`"));
        };
        let modifier = self.rest.as_bytes()[..end].last().copied();
        self.skip(end + 2);
        self.trim_after(modifier, Tag::Comment);
        Ok(())
    }

    fn trim_after(&mut self, modifier: Option<u8>, tag: Tag) {
        self.trim = match modifier {
            Some(b'-') => Trim::Whitespace,
            Some(b'+') => Trim::Nothing,
            _ if self.settings.trim_blocks && tag != Tag::Print => Trim::Newline,
            _ => Trim::Nothing,
        };
    }

    /// `{% raw %}` to `{% endraw %}`; false where something else begins here.
    fn raw(&mut self) -> Parsed<bool> {
        let Some((len, modifier)) = keyword_tag(self.rest, "raw") else { return Ok(false) };
        let begin = self.pos;
        self.skip(len);
        let mut from = 0;
        let (at, len, end_modifier) = loop {
            let Some(at) = self.rest[from..].find("{%").map(|at| at + from) else {
                return Err(
                    SyntaxError::new(begin, "`raw` is not closed").hint("it ends with `{% endraw %}`")
                );
            };
            if let Some((len, end_modifier)) = keyword_tag(&self.rest[at..], "endraw") {
                break (at, len, end_modifier);
            }
            from = at + 2;
        };
        self.trim = if modifier == Some(b'-') { Trim::Whitespace } else { Trim::Nothing };
        self.text(at, Some(Tag::Block));
        self.skip(len);
        self.trim_after(end_modifier, Tag::Block);
        Ok(true)
    }

    /// Tokens from `{{` or `{%` to its end.
    fn code(&mut self, tag: Tag) -> Parsed<()> {
        let begin = self.pos;
        let (open, close, end) = match tag {
            Tag::Print => (Token::PrintBegin, "}}", Token::PrintEnd),
            _ => (Token::BlockBegin, "%}", Token::BlockEnd),
        };
        let modified = matches!(self.rest.as_bytes().get(2), Some(b'-' | b'+'));
        self.skip(if modified { 3 } else { 2 });
        self.push(open, begin);
        let mut brackets: Vec<(char, Pos)> = Vec::new();
        loop {
            self.skip(self.rest.len() - self.rest.trim_start().len());
            if brackets.is_empty()
                && let Some((len, modifier)) = closes(self.rest, close)
            {
                self.push(end, self.pos);
                self.skip(len);
                self.trim_after(modifier, tag);
                return Ok(());
            }
            if self.rest.is_empty() {
                return Err(unclosed(begin, close, &brackets));
            }
            self.token(&mut brackets)?;
        }
    }

    fn token(&mut self, brackets: &mut Vec<(char, Pos)>) -> Parsed<()> {
        let pos = self.pos;
        let first = self.rest.chars().next().unwrap_or(' ');
        if first.is_alphabetic() || first == '_' {
            let len = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
            let name = self.skip(len);
            self.push(Token::Name(name.into()), pos);
        } else if first.is_ascii_digit() {
            let (len, number) =
                literal::number(self.rest).map_err(|message| SyntaxError::new(pos, message))?;
            self.skip(len);
            self.push(number, pos);
        } else if first == '"' || first == '\'' {
            let (len, text) = literal::text(self.rest).map_err(|message| SyntaxError::new(pos, message))?;
            self.skip(len);
            self.push(Token::Str(text.into()), pos);
        } else {
            let Some(&sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) else {
                return Err(SyntaxError::new(pos, format!("the character {first:?} means nothing here")));
            };
            self.bracket(first, pos, brackets)?;
            self.skip(sign.len());
            self.push(Token::Sign(sign), pos);
        }
        Ok(())
    }

    fn bracket(&self, c: char, pos: Pos, open: &mut Vec<(char, Pos)>) -> Parsed<()> {
        let opener = match c {
            '(' | '[' | '{' => {
                open.push((c, pos));
                return Ok(());
            }
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => return Ok(()),
        };
        match open.pop() {
            Some((found, _)) if found == opener => Ok(()),
            Some((found, at)) if c == '}' => {
                Err(SyntaxError::new(at, format!("this `{found}` is not closed before the tag ends")))
            }
            Some((found, at)) => Err(SyntaxError::new(
                pos,
                format!("`{c}` closes the `{found}` of line {}, column {}", at.line, at.column),
            )),
            None if c == '}' => Err(SyntaxError::new(pos, "a single `}` closes nothing")
                .hint("a tag ends with `}}`, after the `}` of a dict: `{{ {'a': 1} }}`")),
            None => Err(SyntaxError::new(pos, format!("`{c}` closes nothing"))),
        }
    }
}

fn unclosed(begin: Pos, close: &str, brackets: &[(char, Pos)]) -> SyntaxError {
    match brackets.last() {
        Some((bracket, pos)) => SyntaxError::new(*pos, format!("this `{bracket}` is not closed")),
        None => SyntaxError::new(begin, "the tag is not closed").hint(format!("it ends with `{close}`")),
    }
}

fn next_tag(text: &str) -> Option<(usize, Tag)> {
    text.match_indices('{').find_map(|(at, _)| match text.as_bytes().get(at + 1)? {
        b'%' => Some((at, Tag::Block)),
        b'{' => Some((at, Tag::Print)),
        b'#' => Some((at, Tag::Comment)),
        _ => None,
    })
}

/// The end of a tag, with `-` or `+` before it.
fn closes(rest: &str, close: &str) -> Option<(usize, Option<u8>)> {
    let modifier = rest.bytes().next().filter(|byte| matches!(byte, b'-') || *byte == b'+' && close == "%}");
    let skip = usize::from(modifier.is_some());
    match rest[skip..].starts_with(close) {
        true => Some((skip + close.len(), modifier)),
        false => None,
    }
}

/// `{%- keyword -%}` at the front: its length, and its last modifier.
fn keyword_tag(text: &str, keyword: &str) -> Option<(usize, Option<u8>)> {
    let inner = text.strip_prefix("{%")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner).trim_start();
    let inner = inner.strip_prefix(keyword)?.trim_start();
    let (len, modifier) = closes(inner, "%}")?;
    Some((text.len() - inner.len() + len, modifier))
}

/// `text` without the blanks its last line consists of.
fn without_indent(text: &str, starts_line: bool) -> &str {
    let line = text.rfind('\n').map_or(0, |at| at + 1);
    let blank = text[line..].chars().all(|c| c.is_whitespace());
    if blank && (line > 0 || starts_line) { &text[..line] } else { text }
}
