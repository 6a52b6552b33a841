//! YAML with the meaning Salt gives it, and the place of every node.

mod node;

pub use node::{Mark, Node, NodeKind};
