//! The parser's hands: tokens, places, depth, and what to say when something else was expected.

use super::lexer::{Lexer, Parsed, SyntaxError};
use super::token::{Spot, Token};
use super::{BlockDef, Pos, Template};
use crate::jinja::Settings;
use crate::jinja::fault::Outcome;
use crate::jinja::settings::Marks;
use crate::limits::{SOURCE_BYTES_MAX, SYNTAX_DEPTH_MAX};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// The tree of `source`.
///
/// # Errors
/// What is no template, with its place.
pub fn parse(source: &str, name: &str, settings: &Settings) -> Outcome<Rc<Template>> {
    parse_without(None, source, name, settings)
}

/// The tree of `source` less the whole line `header`. Places are those of the source with it.
///
/// # Errors
/// As [`parse`].
pub fn parse_without(
    header: Option<Range<usize>>,
    source: &str,
    name: &str,
    settings: &Settings,
) -> Outcome<Rc<Template>> {
    let source = with_plain_newlines(source);
    let left_out = header.as_ref().map(|header| 1 + source[..header.start].matches('\n').count() as u32);
    let read: Cow<str> = match header {
        Some(header) => [&source[..header.start], &source[header.end..]].concat().into(),
        None => source.as_ref().into(),
    };
    let built = Parser::new(&read, left_out, settings).and_then(Parser::template);
    match built {
        Ok((body, blocks)) => {
            Ok(Rc::new(Template { name: name.into(), source: source.as_ref().into(), body, blocks }))
        }
        Err(error) => {
            let pos = error.pos;
            Err(error.into_fault().at(&Template::of_data(name, &source), pos))
        }
    }
}

/// Jinja knows one line break, whichever the source has.
pub fn with_plain_newlines(source: &str) -> Cow<'_, str> {
    match source.contains('\r') {
        true => source.replace("\r\n", "\n").replace('\r', "\n").into(),
        false => source.into(),
    }
}

pub(super) struct Parser {
    pub(super) marks: Marks,
    spots: Vec<Spot>,
    at: usize,
    depth: usize,
    pub(super) blocks: HashMap<Rc<str>, Rc<BlockDef>>,
    /// For each macro being read: whether `varargs` and `kwargs` were named in it.
    pub(super) macros: Vec<(bool, bool)>,
    /// The tags that are open, for messages.
    pub(super) open: Vec<(&'static str, Pos)>,
    pub(super) loops: usize,
}

type Body = (Vec<super::Stmt>, HashMap<Rc<str>, Rc<BlockDef>>);

impl Parser {
    fn new(source: &str, left_out: Option<u32>, settings: &Settings) -> Parsed<Parser> {
        if source.len() > SOURCE_BYTES_MAX {
            let message = format!("the template is longer than {} MiB", SOURCE_BYTES_MAX >> 20);
            return Err(SyntaxError::new(Pos { line: 1, column: 1 }, message));
        }
        let spots = Lexer::new(source, left_out, settings).tokens()?;
        let (blocks, macros, open) = (HashMap::new(), Vec::new(), Vec::new());
        let marks = settings.marks.clone();
        Ok(Parser { marks, spots, at: 0, depth: 0, blocks, macros, open, loops: 0 })
    }

    fn template(mut self) -> Parsed<Body> {
        let body = self.body(&[])?;
        Ok((body, self.blocks))
    }

    pub(super) fn token(&self) -> &Token {
        self.spots.get(self.at).map_or(&Token::End, |spot| &spot.token)
    }

    /// The token after the next one.
    pub(super) fn after(&self) -> &Token {
        self.spots.get(self.at + 1).map_or(&Token::End, |spot| &spot.token)
    }

    pub(super) fn pos(&self) -> Pos {
        self.spots.get(self.at).or(self.spots.last()).map_or(Pos::default(), |spot| spot.pos)
    }

    pub(super) fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.at += 1;
        token
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token(), Token::Sign(found) if *found == sign)
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self.token(), Token::Name(found) if &**found == name)
    }

    /// Takes the sign where it comes next.
    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn take_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_sign(&mut self, sign: &str) -> Parsed<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    pub(super) fn expect_keyword(&mut self, name: &str) -> Parsed<()> {
        if self.take_name(name) { Ok(()) } else { Err(self.unexpected(&format!("`{name}`"))) }
    }

    pub(super) fn expect(&mut self, token: &Token) -> Parsed<()> {
        if self.token() == token {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(&token.shown(&self.marks)))
    }

    pub(super) fn name(&mut self) -> Parsed<Rc<str>> {
        match self.token().clone() {
            Token::Name(name) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    pub(super) fn unexpected(&self, wanted: &str) -> SyntaxError {
        let found = self.token().shown(&self.marks);
        let ends_tag = [Token::BlockEnd, Token::PrintEnd].iter().any(|end| end.shown(&self.marks) == wanted);
        let error = SyntaxError::new(self.pos(), format!("{wanted} is expected here, not {found}"));
        if ends_tag && found == "`=`" { error.hint("values are compared with `==`") } else { error }
    }

    /// Counts how deep the parser is while `inner` runs.
    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Parser) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > SYNTAX_DEPTH_MAX {
            return Err(SyntaxError::new(
                self.pos(),
                format!("this is nested deeper than {SYNTAX_DEPTH_MAX}"),
            ));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }
}
