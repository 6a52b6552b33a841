//! From the source of a template to its tree.

mod ast;
mod expression;
mod lexer;
mod literal;
mod opening;
mod parser;
mod statement;
mod token;

pub(super) use ast::*;
pub(super) use parser::{parse, parse_without, with_plain_newlines};
