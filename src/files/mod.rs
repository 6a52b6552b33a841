//! The file server behind `salt://`: environments, each with its roots, first root first; and branches and tags of git
//! repositories as environments.
//!
//! What else comes from outside and goes to hosts, or the other way: URLs (`web`), and files that hosts push (`pushed`).
//!
//! One job sees one state of all files, whatever is edited meanwhile (`snapshot`).
//!
//! A path is looked up only beneath its roots: `..`, absolute paths and links that lead out find nothing.

mod git;
mod pack;
mod pushed;
mod roots;
mod server;
mod snapshot;
#[cfg(test)]
mod tests;
mod web;

pub use git::{Checkout, GitError, GitFs, Kind, Login, Mirror};
pub use pushed::Pushed;
pub use roots::Root;
pub use server::{FileServer, FoundFile, NotFound, Tree, is_environment};
pub use web::{Allowed, Web, serves as serves_url};

use crate::session::Desk;
use halite_wire::message::{Answer, Ask, FACTS_ONLY, PART_BYTES_MAX};
use halite_wire::{Map, MinionId};
use pack::Part;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Rows of a tree in one answer: some 200 KiB.
const TREE_ROWS: usize = 2000;

/// Answers what thins ask for out of the file server.
pub struct FileDesk(pub Arc<FileServer>);

/// Where parts of an answer go, and whether each is the last.
type Parts = mpsc::Sender<(Answer, bool)>;

/// The receiver is gone: the host's turn is over.
struct Gone;

#[async_trait::async_trait]
impl Desk for FileDesk {
    async fn answer(&self, _: &MinionId, ask: Ask, parts: Parts) {
        let server = self.0.clone();
        // Whoever is gone meanwhile wants no answer.
        let work = tokio::task::spawn_blocking(move || drop(serve(&server, ask, &parts)));
        if let Err(bug) = work.await {
            tracing::error!("the file server failed: {bug}");
        }
    }

    fn trees(&self) -> Map {
        self.0.digests()
    }

    fn brings_code(&self) -> bool {
        self.0.brings_code()
    }
}

/// The whole answer at once, for whoever is on this machine.
pub fn answer_all(server: &Arc<FileServer>, ask: Ask) -> Vec<(Answer, bool)> {
    let (sender, mut parts) = mpsc::channel(1);
    std::thread::scope(|scope| {
        scope.spawn(move || drop(serve(server, ask, &sender)));
        std::iter::from_fn(|| parts.blocking_recv()).collect()
    })
}

/// Sends the answer part by part.
fn serve(server: &FileServer, ask: Ask, parts: &Parts) -> Result<(), Gone> {
    match ask {
        Ask::File { path, saltenv, have } => send_file(server, &saltenv, &path, have.as_deref(), parts),
        Ask::Files { saltenv, paths } => send_files(server, &saltenv, &paths, parts),
        Ask::Tree { saltenv, have } => match server.tree(&saltenv) {
            Ok(tree) => send_tree(&tree, have.as_deref(), parts),
            Err(error) => send(parts, Answer::Refused(error.to_string()), true),
        },
        Ask::ListFiles { saltenv } => match server.list(&saltenv) {
            Ok(paths) => send(parts, Answer::Paths(paths), true),
            Err(error) => send(parts, Answer::Refused(error.to_string()), true),
        },
        Ask::Pillar(_) | Ask::Push { .. } | Ask::Work { .. } => {
            send(parts, Answer::Refused("that is not asked of a file server".to_owned()), true)
        }
    }
}

fn send(parts: &Parts, answer: Answer, last: bool) -> Result<(), Gone> {
    parts.blocking_send((answer, last)).map_err(|_| Gone)
}

fn send_tree(tree: &Tree, have: Option<&str>, parts: &Parts) -> Result<(), Gone> {
    if have == Some(tree.digest.as_str()) {
        return send(parts, Answer::Same, true);
    }
    let piece = |files: &[_]| Answer::Tree { digest: tree.digest.clone(), files: files.to_vec() };
    let mut pieces = tree.files.chunks(TREE_ROWS).peekable();
    if pieces.peek().is_none() {
        return send(parts, piece(&[]), true);
    }
    while let Some(files) = pieces.next() {
        send(parts, piece(files), pieces.peek().is_none())?;
    }
    Ok(())
}

fn send_file(
    server: &FileServer,
    saltenv: &str,
    path: &str,
    have: Option<&str>,
    parts: &Parts,
) -> Result<(), Gone> {
    let mut found = match server.find(saltenv, path) {
        Ok(found) => found,
        Err(error) => return send(parts, Answer::Refused(error.to_string()), true),
    };
    let sha256 = match server.sha256(saltenv, path, &mut found) {
        Ok(sha256) => sha256,
        Err(error) => return send(parts, Answer::Refused(broken(&error)), true),
    };
    let is_known = have.is_some_and(|have| have == sha256 || have == FACTS_ONLY);
    send(parts, Answer::File { size: found.size, sha256, mode: found.mode }, is_known)?;
    if is_known { Ok(()) } else { send_content(server, saltenv, path, found, true, parts) }
}

fn send_files(server: &FileServer, saltenv: &str, paths: &[String], parts: &Parts) -> Result<(), Gone> {
    for (number, path) in paths.iter().enumerate() {
        let index = u32::try_from(number).unwrap_or(u32::MAX);
        let last = number + 1 == paths.len();
        match server.find(saltenv, path) {
            Ok(found) => {
                let (size, mode, tag) = (found.size, found.mode, found.tag);
                send(parts, Answer::FileAt { index, size, mode, tag }, last && size == 0)?;
                if size > 0 {
                    send_content(server, saltenv, path, found, last, parts)?;
                }
            }
            // The first is the one that is wanted; the others come along where they can.
            Err(error) if number == 0 && error.is_changed() => {
                return send(parts, Answer::Refused(error.to_string()), true);
            }
            Err(_) => send(parts, Answer::NoFile { index }, last)?,
        }
    }
    if paths.is_empty() { send(parts, Answer::Same, true) } else { Ok(()) }
}

/// The content as it is, however the file grows or shrinks meanwhile: the other end compares with what was announced.
fn send_content(
    server: &FileServer,
    saltenv: &str,
    path: &str,
    mut found: FoundFile,
    last: bool,
    parts: &Parts,
) -> Result<(), Gone> {
    let mut offset = 0;
    let part_of =
        |offset| Part { saltenv: saltenv.to_owned(), path: path.to_owned(), tag: found.tag, offset };
    loop {
        let mut bytes =
            Vec::with_capacity(PART_BYTES_MAX.min(usize::try_from(found.size).unwrap_or(usize::MAX)));
        let read = (&mut found.file).take(PART_BYTES_MAX as u64).read_to_end(&mut bytes);
        if let Err(error) = read {
            return send(parts, Answer::Refused(broken(&error)), true);
        }
        let part = part_of(offset);
        offset += bytes.len() as u64;
        let ended = bytes.len() < PART_BYTES_MAX || offset == found.size;
        let answer = match found.size {
            0..=pack::FILE_BYTES_MAX => server.packer.answer(part, bytes),
            _ => Answer::Bytes(bytes),
        };
        send(parts, answer, ended && last)?;
        if ended {
            return Ok(());
        }
    }
}

fn broken(error: &std::io::Error) -> String {
    format!("the file cannot be read to its end: {error}")
}
