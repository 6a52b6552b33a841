//! The consumer that keeps the grains hosts tell (`grains.items`), for `cache.grains` and who asks it.

use crate::fleet::facts::{Consumer, Fact};
use crate::fleet::outcome::Outcome;
use crate::runners::keep_grains;
use halite_wire::Value;
use std::path::{Path, PathBuf};

/// Keeps grains in the banks of the hosts, below the cache directory.
pub(super) struct Keeper {
    cache: PathBuf,
    is_meant: bool,
}

impl Keeper {
    pub(super) fn new(cache: &Path) -> Keeper {
        Keeper { cache: cache.to_owned(), is_meant: false }
    }
}

impl Consumer for Keeper {
    fn on_fact(&mut self, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::RunStarted { plan } => self.is_meant = plan.request.fun == "grains.items",
            Fact::HostFinished { record, .. } if self.is_meant => {
                if let Outcome::Returned(ret) = &record.outcome
                    && ret.success
                    && let Value::Map(grains) = &ret.value
                    && let Err(error) = keep_grains(&self.cache, &record.minion, grains)
                {
                    tracing::debug!(host = %record.minion, "grains are not kept: {error}");
                }
            }
            _ => {}
        }
        Ok(())
    }
}
