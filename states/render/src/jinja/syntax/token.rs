//! Tokens of a template.

use super::Pos;
use crate::jinja::settings::Marks;
use std::rc::Rc;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Text outside of all tags.
    Text(Rc<str>),
    /// `{%`
    BlockBegin,
    /// `%}`
    BlockEnd,
    /// `{{`
    PrintBegin,
    /// `}}`
    PrintEnd,
    Name(Rc<str>),
    Str(Rc<str>),
    Int(i128),
    Float(f64),
    /// An operator or bracket.
    Sign(&'static str),
    End,
}

impl Token {
    /// How the token is called in a message, where tags are written with `marks`.
    pub fn shown(&self, marks: &Marks) -> String {
        match self {
            Token::Text(_) => "text".to_owned(),
            Token::BlockBegin => format!("`{}`", marks.block.0),
            Token::BlockEnd => format!("`{}`", marks.block.1),
            Token::PrintBegin => format!("`{}`", marks.variable.0),
            Token::PrintEnd => format!("`{}`", marks.variable.1),
            Token::Name(name) => format!("`{name}`"),
            Token::Str(text) => format!("the text {text:?}"),
            Token::Int(number) => format!("`{number}`"),
            Token::Float(number) => format!("`{number}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end of the template".to_owned(),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub token: Token,
    pub pos: Pos,
}

/// Longest first, so that `**` is not two `*`.
pub(super) const SIGNS: &[&str] = &[
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{",
    "}", ".", ",", ":", "|", ";", "!",
];
