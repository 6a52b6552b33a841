//! A controller that is a directory.

use super::corpus::Corpus;
use halite_modules::{Link, LinkError, digest};
use halite_wire::message::{Answer, Ask};
use halite_wire::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// Files of an environment `base`, and a pillar. A file named in `own` hides the one of the directory.
pub struct Directory {
    pub corpus: Arc<Corpus>,
    pub root: Option<PathBuf>,
    pub own: Vec<(String, Vec<u8>)>,
    pub pillar: Map,
}

impl Directory {
    fn paths(&self) -> Vec<String> {
        let root = self.root.as_ref().map(|root| self.corpus.list(root).to_vec());
        let own = self.own.iter().map(|(path, _)| path.clone());
        root.unwrap_or_default().into_iter().chain(own).collect()
    }

    fn file(&self, path: &str) -> Option<Vec<u8>> {
        let own = self.own.iter().find(|(own, _)| own == path).map(|(_, bytes)| bytes.clone());
        own.or_else(|| std::fs::read(self.root.as_ref()?.join(path)).ok())
    }
}

impl Link for Directory {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        let refused = || LinkError::Refused("there is no such thing".to_owned());
        let answer = match ask {
            Ask::File { saltenv, .. } | Ask::ListFiles { saltenv } if saltenv != "base" => {
                return Err(refused());
            }
            Ask::File { path, have, .. } => {
                let bytes = self.file(&path).ok_or_else(refused)?;
                let sha256 = digest::of_bytes("sha256", &bytes).unwrap_or_default();
                let (size, is_known) = (bytes.len() as u64, have.as_ref() == Some(&sha256));
                on_part(Answer::File { size, sha256, mode: 0o644 }).map_err(LinkError::Local)?;
                if is_known {
                    return Ok(());
                }
                Answer::Bytes(bytes)
            }
            Ask::ListFiles { .. } => Answer::Paths(self.paths()),
            Ask::Pillar(_) => Answer::Value(Map::from([("pillar", self.pillar.clone())]).into()),
            _ => return Err(refused()),
        };
        on_part(answer).map_err(LinkError::Local)
    }

    fn progress(&mut self, _: Value) {}

    fn log(&mut self, _: &str) {}
}
