//! The program itself, from its command line to its exit code and its job store.

mod codes;
mod crashes;
mod injection;
mod kit;
mod mixed;
mod newcomer;
mod places;
mod secrets;
mod stops;
mod sudo;
mod terminal;
