//! The source of a template to tokens: text outside of tags with its whitespace rules, names and signs inside.

use super::super::Settings;
use super::super::fault::{Fault, FaultKind};
use super::Pos;
use super::literal;
use super::opening::{Opening, Openings, Tag};
use super::token::{SIGNS, Spot, Token};
use std::borrow::Cow;

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
    source: &'s str,
    /// The bytes of `source` that are read.
    at: usize,
    pos: Pos,
    /// The line before which the user's source has one that is not in `source`.
    left_out: Option<u32>,
    settings: &'s Settings,
    spots: Vec<Spot>,
}

impl<'s> Lexer<'s> {
    /// `left_out`: the line of the user's source that was taken out of `source`; places are the user's.
    pub fn new(source: &'s str, left_out: Option<u32>, settings: &'s Settings) -> Lexer<'s> {
        let source = match settings.keep_trailing_newline {
            true => source,
            false => source.strip_suffix('\n').unwrap_or(source),
        };
        let mut lexer =
            Lexer { source, at: 0, pos: Pos { line: 1, column: 1 }, left_out, settings, spots: Vec::new() };
        lexer.count_left_out();
        lexer
    }

    pub fn tokens(mut self) -> Parsed<Vec<Spot>> {
        let openings = Openings::new(&self.settings.marks);
        while let Some(mut opening) = openings.next(self.source, self.at) {
            let raw = self.raw_tag(opening.at, "raw").filter(|(_, sign)| *sign != Some(b'+'));
            if raw.is_some() {
                opening = Opening { tag: Tag::Raw, len: self.settings.marks.block.0.len(), ..opening };
            }
            self.text(opening);
            match (opening.tag, raw) {
                (Tag::Raw, Some((len, sign))) => self.raw(len, sign)?,
                (Tag::Comment, _) => self.comment(opening.len)?,
                (Tag::LineComment, _) => {
                    self.skip(self.rest().find('\n').unwrap_or(self.rest().len()));
                }
                _ => self.code(opening)?,
            }
        }
        let (at, pos) = (self.at, self.pos);
        self.skip(self.rest().len());
        self.push_text(&self.source[at..], pos);
        self.push(Token::End, self.pos);
        Ok(self.spots)
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn push(&mut self, token: Token, pos: Pos) {
        self.spots.push(Spot { token, pos });
    }

    fn push_text(&mut self, text: &str, pos: Pos) {
        if !text.is_empty() {
            let text = with_newlines(text, self.settings.newline);
            self.push(Token::Text(text.as_ref().into()), pos);
        }
    }

    /// Moves over `len` bytes and returns them.
    fn skip(&mut self, len: usize) -> &'s str {
        let skipped = &self.source[self.at..self.at + len];
        match skipped.rfind('\n') {
            None => self.pos.column += skipped.chars().count() as u32,
            Some(last) => {
                self.pos.line += skipped.matches('\n').count() as u32;
                self.pos.column = skipped[last + 1..].chars().count() as u32 + 1;
                self.count_left_out();
            }
        }
        self.at += len;
        skipped
    }

    fn count_left_out(&mut self) {
        if self.left_out.take_if(|line| self.pos.line >= *line).is_some() {
            self.pos.line += 1;
        }
    }

    fn skip_blanks(&mut self) {
        self.skip(self.rest().len() - self.rest().trim_start().len());
    }

    /// The text up to a tag, less what the tag drops.
    fn text(&mut self, next: Opening) {
        let pos = self.pos;
        let sign = self.source.as_bytes().get(next.at + next.len);
        let whole = self.skip(next.at - self.at);
        let text = match sign {
            Some(b'-') => whole.trim_end(),
            sign if self.settings.lstrip_blocks && next.tag != Tag::Print && sign != Some(&b'+') => {
                without_indent(whole, pos.column == 1)
            }
            _ => whole,
        };
        self.push_text(text, pos);
    }

    /// Moves over the sign that opens a tag, and a `-` or `+` behind it.
    fn open(&mut self, len: usize) {
        let signed = matches!(self.source.as_bytes().get(self.at + len), Some(b'-' | b'+'));
        self.skip(len + usize::from(signed));
    }

    fn comment(&mut self, opening_len: usize) -> Parsed<()> {
        let begin = self.pos;
        self.open(opening_len);
        let close = &self.settings.marks.comment.1;
        let Some(end) = self.rest().find(&**close) else {
            if self.rest().is_empty() {
                return Ok(()); // Jinja forgives what is opened at the very end.
            }
            return Err(SyntaxError::new(begin, "the comment is not closed")
                .hint(format!("a comment ends with `{close}`")));
        };
        let is_signed = self.rest()[..end].ends_with(['-', '+']);
        self.skip(end - usize::from(is_signed));
        let (len, sign) = closes(self.rest(), close, true).unwrap_or((close.len(), None));
        self.skip(len);
        self.drop_after(sign, Tag::Comment);
        Ok(())
    }

    /// Drops of the text that follows a tag what its last sign and the settings say.
    fn drop_after(&mut self, sign: Option<u8>, tag: Tag) {
        match sign {
            Some(b'-') => self.skip_blanks(),
            Some(b'+') => {}
            _ if self.settings.trim_blocks && tag != Tag::Print && self.rest().starts_with('\n') => {
                self.skip(1);
            }
            _ => {}
        }
    }

    /// The text between `{% raw %}`, which is `len` bytes long, and `{% endraw %}`.
    fn raw(&mut self, len: usize, sign: Option<u8>) -> Parsed<()> {
        let begin = self.pos;
        self.skip(len);
        let (open, close) = &self.settings.marks.block;
        let starts = self.rest().match_indices(&**open).map(|(at, _)| self.at + at);
        let end = starts.filter_map(|at| Some((at, self.raw_tag(at, "endraw")?))).next();
        let Some((at, (len, end_sign))) = end else {
            if self.rest().is_empty() {
                return Ok(());
            }
            return Err(SyntaxError::new(begin, "`raw` is not closed")
                .hint(format!("it ends with `{open} endraw {close}`")));
        };
        if sign == Some(b'-') {
            let blanks = self.rest().len() - self.rest().trim_start().len();
            self.skip(blanks.min(at - self.at));
        }
        self.text(Opening { tag: Tag::Raw, at, len: open.len() });
        self.skip(len);
        self.drop_after(end_sign, Tag::Raw);
        Ok(())
    }

    /// `{%- keyword -%}` at `at`: its length, and its last sign.
    fn raw_tag(&self, at: usize, keyword: &str) -> Option<(usize, Option<u8>)> {
        let (open, close) = &self.settings.marks.block;
        let text = &self.source[at..];
        let inner = text.strip_prefix(&**open)?;
        let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner).trim_start();
        let inner = inner.strip_prefix(keyword)?.trim_start();
        let (len, sign) = closes(inner, close, true)?;
        Some((text.len() - inner.len() + len, sign))
    }

    /// Tokens from a sign to the end of its tag.
    fn code(&mut self, opening: Opening) -> Parsed<()> {
        let begin = self.pos;
        let marks = &self.settings.marks;
        let (open, close, end) = match opening.tag {
            Tag::Print => (Token::PrintBegin, &marks.variable.1, Token::PrintEnd),
            _ => (Token::BlockBegin, &marks.block.1, Token::BlockEnd),
        };
        let is_line = opening.tag == Tag::LineStatement;
        self.open(opening.len);
        self.push(open, begin);
        let mut brackets: Vec<(char, Pos)> = Vec::new();
        loop {
            if is_line && brackets.is_empty() && self.line_end(&end) {
                return Ok(());
            }
            self.skip_blanks();
            if !is_line
                && brackets.is_empty()
                && let Some((len, sign)) = closes(self.rest(), close, opening.tag == Tag::Block)
            {
                self.push(end, self.pos);
                self.skip(len);
                self.drop_after(sign, opening.tag);
                return Ok(());
            }
            if self.rest().is_empty() {
                return Err(unclosed(begin, close, &brackets));
            }
            self.token(&mut brackets)?;
        }
    }

    /// The end of a line statement: its line break and the empty lines below, or the end of the source.
    fn line_end(&mut self, end: &Token) -> bool {
        let blanks = &self.rest()[..self.rest().len() - self.rest().trim_start().len()];
        let len = match blanks.rfind('\n') {
            _ if blanks.len() == self.rest().len() => blanks.len(),
            Some(last) => last + 1,
            None => return false,
        };
        self.push(end.clone(), self.pos);
        self.skip(len);
        true
    }

    fn token(&mut self, brackets: &mut Vec<(char, Pos)>) -> Parsed<()> {
        let pos = self.pos;
        let first = self.rest().chars().next().unwrap_or(' ');
        if first.is_alphabetic() || first == '_' {
            let len =
                self.rest().find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest().len());
            let name = self.skip(len);
            self.push(Token::Name(name.into()), pos);
        } else if first.is_ascii_digit() {
            let (len, number) =
                literal::number(self.rest()).map_err(|message| SyntaxError::new(pos, message))?;
            self.skip(len);
            self.push(number, pos);
        } else if first == '"' || first == '\'' {
            let failed = |message: String| SyntaxError::new(pos, message);
            let (len, _) = literal::text(self.rest()).map_err(failed)?;
            let quoted = with_newlines(self.skip(len), self.settings.newline);
            let (_, text) = literal::text(&quoted).map_err(failed)?;
            self.push(Token::Str(text.into()), pos);
        } else {
            let Some(&sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) else {
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

/// The end of a tag, with `-` before it, or `+` where `plus` may be.
fn closes(rest: &str, close: &str, plus: bool) -> Option<(usize, Option<u8>)> {
    let sign = rest.bytes().next().filter(|byte| *byte == b'-' || *byte == b'+' && plus);
    match sign.filter(|_| rest[1..].starts_with(close)) {
        Some(sign) => Some((1 + close.len(), Some(sign))),
        None => rest.starts_with(close).then_some((close.len(), None)),
    }
}

/// `text` with the line breaks that are asked for.
fn with_newlines<'t>(text: &'t str, newline: &str) -> Cow<'t, str> {
    if newline == "\n" { text.into() } else { text.replace('\n', newline).into() }
}

/// `text` without the blanks its last line consists of.
fn without_indent(text: &str, starts_line: bool) -> &str {
    let line = text.rfind('\n').map_or(0, |at| at + 1);
    let blank = text[line..].chars().all(|c| c.is_whitespace());
    if blank && (line > 0 || starts_line) { &text[..line] } else { text }
}
