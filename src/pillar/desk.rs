//! What a host may ask for: files of the file server and of web servers, its own pillar, and a place for its own files.

use super::Pillar;
use crate::files::{FileDesk, Pushed, Web, serves_url};
use crate::session::Desk;
use halite_wire::message::{Answer, Ask};
use halite_wire::{Map, MinionId};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// The desk of a run.
pub struct HostDesk {
    files: FileDesk,
    pillar: Arc<Pillar>,
    pushed: Arc<Pushed>,
    web: Arc<Web>,
    /// More pillars at once than processors would only take memory.
    turns: Semaphore,
}

impl HostDesk {
    pub fn new(files: FileDesk, pillar: Pillar, pushed: Pushed, web: Web) -> HostDesk {
        let at_once = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        HostDesk {
            files,
            pillar: Arc::new(pillar),
            pushed: Arc::new(pushed),
            web: Arc::new(web),
            turns: Semaphore::new(at_once),
        }
    }
}

#[async_trait::async_trait]
impl Desk for HostDesk {
    async fn answer(&self, minion: &MinionId, ask: Ask, parts: mpsc::Sender<(Answer, bool)>) {
        let answer = match ask {
            Ask::Pillar(wanted) => {
                let _turn = self.turns.acquire().await;
                let (pillar, minion) = (self.pillar.clone(), minion.clone());
                worked(move || pillar.answer(&minion, wanted)).await
            }
            Ask::Push { path, offset, bytes, last } => {
                let (pushed, minion) = (self.pushed.clone(), minion.clone());
                worked(move || pushed.answer(&minion, &path, offset, &bytes, last)).await
            }
            Ask::File { path, have, .. } if serves_url(&path) => {
                return self.web.clone().answer(path, have, parts).await;
            }
            other => return self.files.answer(minion, other, parts).await,
        };
        let _ = parts.send((answer, true)).await;
    }

    fn trees(&self) -> Map {
        self.files.trees()
    }

    fn brings_code(&self) -> bool {
        self.files.brings_code()
    }
}

/// Does what may wait for the disk or for other programs.
async fn worked(work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|bug| {
        tracing::error!("an answer to a host failed: {bug}");
        Answer::Refused("there is no answer: a mistake of the controller".to_owned())
    })
}
