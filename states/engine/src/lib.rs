//! State trees without I/O: top files, SLS, high data, low chunks, and the order they run in.
//!
//! [`Source`] is what the compiler reads from; [`low::compile`] and its siblings make low chunks of it, and [`run`] says
//! which chunk is next. Files, clocks, threads and state functions are somebody else's.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod source;

pub use source::{Place, Rendered, Source};
