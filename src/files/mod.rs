//! The file server behind `salt://`: environments, each with its roots, first root first.
//!
//! A path is looked up only beneath its roots: `..`, absolute paths and links that lead out find nothing,
//! because the kernel itself is told to stay beneath (`openat2`).

mod roots;

pub use roots::{FileRoots, FoundFile, NotFound};

use crate::session::Desk;
use halite_wire::message::{Answer, Ask, FACTS_ONLY};
use halite_wire::{Map, MinionId};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes of one part of a file on its way to a host: well below a frame, and two of them wait at most.
const PART_BYTES: usize = 256 << 10;

/// Answers what thins ask for out of the file server.
pub struct FileDesk(pub Arc<FileRoots>);

#[async_trait::async_trait]
impl Desk for FileDesk {
    async fn answer(&self, _: &MinionId, ask: Ask, parts: mpsc::Sender<(Answer, bool)>) {
        let roots = self.0.clone();
        let work = tokio::task::spawn_blocking(move || serve(&roots, ask, &parts));
        if let Err(bug) = work.await {
            tracing::error!("the file server failed: {bug}");
        }
    }
}

/// Sends the answer part by part. A receiver that is gone ends it: the host's turn is over.
fn serve(roots: &FileRoots, ask: Ask, parts: &mpsc::Sender<(Answer, bool)>) {
    let last = |answer| {
        let _ = parts.blocking_send((answer, true));
    };
    match ask {
        Ask::File { path, saltenv, have } => match roots.find(&saltenv, &path) {
            Ok(found) => send_file(found, have.as_deref(), parts),
            Err(error) => last(Answer::Refused(error.to_string())),
        },
        Ask::ListFiles { saltenv } => match roots.list(&saltenv) {
            Ok(paths) => last(Answer::Paths(paths)),
            Err(error) => last(Answer::Refused(error.to_string())),
        },
        Ask::Pillar(_) => last(Answer::Value(Map::from([("pillar", Map::new())]).into())),
    }
}

fn send_file(found: FoundFile, have: Option<&str>, parts: &mpsc::Sender<(Answer, bool)>) {
    let FoundFile { mut file, size, sha256, mode } = found;
    let is_known = have.is_some_and(|have| have == sha256 || have == FACTS_ONLY);
    if parts.blocking_send((Answer::File { size, sha256, mode }, is_known)).is_err() || is_known {
        return;
    }
    loop {
        let (part, ended) = match next_part(&mut file) {
            Ok(bytes) if bytes.len() < PART_BYTES => (Answer::Bytes(bytes), true),
            Ok(bytes) => (Answer::Bytes(bytes), false),
            Err(error) => (Answer::Refused(format!("the file cannot be read to its end: {error}")), true),
        };
        if parts.blocking_send((part, ended)).is_err() || ended {
            return;
        }
    }
}

fn next_part(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(PART_BYTES);
    file.by_ref().take(PART_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
