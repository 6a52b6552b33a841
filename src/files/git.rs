//! Git repositories as part of the file server, by the `git` program: a bare mirror of each in the cache directory,
//! and the trees of its commits beside it, each written out once.

mod fs;
mod mirror;
mod run;
#[cfg(test)]
mod tests;

pub use fs::GitFs;
pub use mirror::{Checkout, GitError, Kind, Login, Mirror};
