//! The event bus: a table that any process appends to and any process follows from a cursor. No daemon is needed.
//!
//! In go the facts of a run ([`Announcer`]); out come events in Salt's tags and shapes, in the order they were written
//! ([`EventLog::after`]). Events are news: where they cannot be written, the run goes on.

mod announcer;
mod event;
mod log;

#[cfg(test)]
mod tests;

pub use announcer::Announcer;
pub use event::{Event, tag_of_host};
pub use log::{BusError, EventLog, FILE_NAME};
