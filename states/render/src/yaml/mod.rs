//! YAML with the meaning Salt gives it, and the place of every node.
//!
//! Text becomes events (libyaml), events a tree of tagged nodes ([`compose`]), and that tree typed values
//! ([`construct`]): YAML 1.1 as PyYAML's safe loader reads it, with Salt's changes. `0644` is the integer 644,
//! dates stay text, the same key twice is an error, and no tag can name code.

mod compose;
mod construct;
mod dump;
mod error;
mod extended;
mod hint;
mod merge;
mod node;
mod number;
mod resolve;
mod scalar;
mod sort;
mod tag;
mod text;
mod words;

pub use dump::{DumpOptions, Flow, dump, dump_with};
pub use error::YamlError;
pub use node::{Mark, Node, NodeKind};
pub use scalar::scalar;

/// Reads the one document in `text`; no document at all is [`Null`](halite_wire::Value::Null).
///
/// `!!set` becomes a list of its members, `!!omap` and `!!pairs` a list of two-element lists.
///
/// # Errors
/// What is not YAML, a second document, the same key twice, a list or map as key, unknown tags, and everything
/// above [`crate::limits`]. The error knows its place; show it with [`YamlError::report`].
pub fn load(text: &str) -> Result<Node, YamlError> {
    let document = compose::compose(text).map_err(|error| hint::with_hint(error, text))?;
    construct::construct(&document).map_err(|error| hint::with_hint(error, text))
}

/// Like [`load`], for Salt's `yamlex`: a key may come again, `!aggregate` values add up, `!reset` keys start anew.
///
/// # Errors
/// As [`load`], but for keys that come again.
pub fn load_extended(text: &str) -> Result<Node, YamlError> {
    let document = compose::compose(text).map_err(|error| hint::with_hint(error, text))?;
    extended::construct(&document).map_err(|error| hint::with_hint(error, text))
}
