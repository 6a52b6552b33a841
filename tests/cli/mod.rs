//! The program itself, from its command line to its exit code and its job store.

mod codes;
mod crashes;
mod history;
mod injection;
pub mod kit;
mod mixed;
mod newcomer;
mod paces;
mod places;
mod runners;
mod secrets;
mod stops;
mod stores;
mod sudo;
mod terminal;
mod unique_ids;
