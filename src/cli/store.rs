//! The job store as the commands that only look open it.

use super::exit;
use super::setup::Refusal;
use crate::config::Config;
use crate::jobs::{self, JobStore};
use std::sync::Arc;

/// The store; `None` where nothing was ever stored.
///
/// # Errors
/// It cannot be read: what is wrong, and what to do.
pub(super) async fn open_to_read(config: &Config) -> Result<Option<Arc<dyn JobStore>>, Refusal> {
    let found = jobs::open_to_read(&config.dirs.store, &config.opts.0).await;
    found.map_err(|error| Refusal::new(exit::STORE, format!("{error}. {}", error.hint())))
}
