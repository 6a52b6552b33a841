//! From a plan to one record per host. Emits facts, and imports nobody who consumes them.

pub mod facts;
pub mod outcome;
pub mod pace;
pub mod turns;
pub mod unfinished;
