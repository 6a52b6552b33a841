//! The job store: every job, its targets and its returns, kept under a jid.
//!
//! A job and its target list are durable before the first connection; a return is acknowledged only when it is
//! durable. Reading never changes what is stored, and damage in one record leaves the others readable.

mod files;
pub mod json;
mod open;
mod owner;
mod record;
mod sqlite;
mod store;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

pub use open::FILE_NAME;
pub use owner::Owner;
pub use record::{StoredReturn, job_load};
pub use sqlite::SqliteStore;
pub use store::{Clock, Job, JobStore, NewJob, RunState, StoreError, system_clock};
pub use writer::{BATCH_RECORDS_MAX, Kept, save_as_they_come};
