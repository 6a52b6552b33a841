//! JMESPath, the query language of `json_query`: an expression and data in, data out.
//!
//! [`lexer`] and [`parser`] make a tree of the expression, [`eval`] walks it over the data, [`functions`] are those
//! of the specification.

mod eval;
mod functions;
mod lexer;
mod parser;

use super::fault::{Fault, FaultKind, Outcome};
use super::run::Interp;
use super::value::Val;

/// What `expression` finds in `data`; nothing is `None`.
pub(super) fn search(interp: &mut Interp, expression: &str, data: &Val) -> Outcome<Val> {
    let tree = parser::parse(expression).map_err(|problem| {
        Fault::new(
            FaultKind::Type,
            format!("the query {expression:?}: {} at character {}", problem.why, problem.at + 1),
        )
    })?;
    eval::eval(interp, &tree, data)
}

/// What is wrong with an expression, and at which character, from 0.
struct Problem {
    why: String,
    at: usize,
}
