//! What a host may ask for: files of the file server, and its own pillar.

use super::Pillar;
use crate::files::FileDesk;
use crate::session::Desk;
use halite_wire::MinionId;
use halite_wire::message::{Answer, Ask};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// The desk of a run.
pub struct HostDesk {
    files: FileDesk,
    pillar: Arc<Pillar>,
    /// More pillars at once than processors would only take memory.
    turns: Semaphore,
}

impl HostDesk {
    pub fn new(files: FileDesk, pillar: Pillar) -> HostDesk {
        let at_once = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        HostDesk { files, pillar: Arc::new(pillar), turns: Semaphore::new(at_once) }
    }
}

#[async_trait::async_trait]
impl Desk for HostDesk {
    async fn answer(&self, minion: &MinionId, ask: Ask, parts: mpsc::Sender<(Answer, bool)>) {
        let Ask::Pillar(wanted) = ask else { return self.files.answer(minion, ask, parts).await };
        let _turn = self.turns.acquire().await;
        let (pillar, minion) = (self.pillar.clone(), minion.clone());
        let work = tokio::task::spawn_blocking(move || pillar.answer(&minion, wanted));
        let answer = work.await.unwrap_or_else(|bug| {
            tracing::error!("a pillar failed: {bug}");
            Answer::Refused("the pillar could not be compiled: a mistake of the controller".to_owned())
        });
        let _ = parts.send((answer, true)).await;
    }
}
