//! The job store: every job, its targets and its returns, kept under a jid.
//!
//! A job and its target list are durable before the first connection; a return is acknowledged only when it is
//! durable. Reading never changes what is stored, and damage in one record leaves the others readable.

mod chosen;
mod counts;
mod files;
pub mod json;
mod mirror;
mod open;
mod options;
mod outbox;
mod owner;
mod record;
mod remote;
mod search;
mod sqlite;
mod store;
mod stores;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

pub use chosen::{elsewhere, migrate, open_named, open_named_to_read, open_to_read};
pub use counts::{Counts, Ending};
pub(crate) use files::{check as check_file, make_dir, make_private_file};
pub use mirror::Mirror;
pub use open::FILE_NAME;
pub use options::Options;
pub use outbox::Noted;
pub use owner::Owner;
pub use record::{StoredReturn, job_load};
pub use remote::{OURS, dressed, undressed};
pub use search::Search;
pub use sqlite::SqliteStore;
pub use store::{Clock, Job, JobStore, NewJob, RunState, StoreError, system_clock};
pub use stores::{BACKENDS, Backend, open as open_store};
pub use writer::{BATCH_RECORDS_MAX, Kept, save_as_they_come};
