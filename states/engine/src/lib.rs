//! State trees without I/O: top files, SLS, high data, low chunks, and the order they run in.
//!
//! [`Source`] is what the compiler reads from. [`top()`] says what SLS a host is to have, [`highstate`] and [`sls()`]
//! make [`High`] data of them, [`low()`] makes low chunks of that, and [`run`] says which chunk is next;
//! [`pillar()`] merges the data a host may see. Files, clocks, threads and state functions are somebody else's.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod high;
mod low;
mod matcher;
mod options;
mod pillar;
mod places;
pub mod run;
mod sls;
mod source;
mod text;
mod top;

pub use high::High;
pub use low::{low, low_of_sls};
pub use matcher::{MatchError, Minion, matches, matches_with};
pub use options::Options;
pub use pillar::{Pillar, merge, pillar, pillar_top};
pub use sls::{highstate, sls, template};
pub use source::{Place, Rendered, Source, sls_names, sls_paths, sls_variables};
pub use top::{Matches, top};
