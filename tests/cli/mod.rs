//! The program itself, from its command line to its exit code and its job store.

mod codes;
mod crashes;
mod kit;
mod stops;
