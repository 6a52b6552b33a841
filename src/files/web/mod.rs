//! Files of web servers, for hosts that have no program to fetch them: the controller does, once for all hosts of a job,
//! and they travel over the session like those of the file server.
//!
//! Limits: what [`Allowed`] lets through, over http, https with verified certificates, and ftp. A redirect is followed to
//! the same server, or by https to another one that has a name.

mod allowed;
mod ftp;

pub use allowed::Allowed;

use super::{Gone, Parts, broken, send};
use crate::config::private_dir;
use crate::session::random_nonce;
use halite_wire::message::{Answer, FACTS_ONLY, PART_BYTES_MAX};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};
use sha2::Digest;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Until a server must have taken a connection.
const CONNECT: Duration = Duration::from_secs(20);

/// A server that says nothing for so long has died.
const SILENCE: Duration = Duration::from_secs(60);

/// Redirects after each other.
const REDIRECTS_MAX: usize = 10;

/// So long a failure holds for hosts that ask for the same.
const FAILED: Duration = Duration::from_secs(10);

/// Permission bits a host is told: there are none.
const MODE: u32 = 0o644;

/// Fetches for hosts.
pub struct Web {
    allowed: Allowed,
    /// Where what was fetched lies, without a name.
    folder: PathBuf,
    client: Mutex<Option<Client>>,
    pages: Mutex<HashMap<String, Arc<Page>>>,
}

/// What there is of one URL. Who comes while it is fetched waits.
type Page = tokio::sync::Mutex<State>;

#[derive(Clone, Default)]
enum State {
    #[default]
    Unknown,
    Fetched(Arc<Fetched>),
    Failed(Instant, String),
}

/// What came so far.
struct Incoming {
    file: File,
    size: u64,
    hasher: sha2::Sha256,
}

struct Fetched {
    file: File,
    size: u64,
    sha256: String,
}

/// Whether a path that is asked for is a URL of ours.
pub fn serves(path: &str) -> bool {
    ["http://", "https://", "ftp://"]
        .iter()
        .any(|scheme| path.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

impl Web {
    pub fn new(allowed: Allowed, folder: PathBuf) -> Web {
        Web { allowed, folder, client: Mutex::default(), pages: Mutex::default() }
    }

    /// Answers a host as the file server does.
    pub async fn answer(self: Arc<Web>, url: String, have: Option<String>, parts: Parts) {
        match self.page(url).await {
            Ok(page) => {
                let sent =
                    tokio::task::spawn_blocking(move || drop(page.send(have.as_deref(), &parts))).await;
                if let Err(bug) = sent {
                    tracing::error!("a fetched file was not sent: {bug}");
                }
            }
            Err(why) => _ = parts.send((Answer::Refused(why), true)).await,
        }
    }

    async fn page(self: &Arc<Web>, url: String) -> Result<Arc<Fetched>, String> {
        let (web, asked) = (self.clone(), url.clone());
        // Looking through the trees waits for the disk.
        let checked = tokio::task::spawn_blocking(move || web.allowed.check(&asked)).await;
        let parsed = checked.map_err(|bug| bug.to_string())??;
        let page = self.pages.lock().unwrap_or_else(PoisonError::into_inner).entry(url).or_default().clone();
        let mut state = page.lock().await;
        match &*state {
            State::Fetched(fetched) => return Ok(fetched.clone()),
            State::Failed(at, why) if at.elapsed() < FAILED => return Err(why.clone()),
            State::Failed(..) | State::Unknown => {}
        }
        let fetched = self.fetch(parsed).await.map(Arc::new);
        *state = match &fetched {
            Ok(fetched) => State::Fetched(fetched.clone()),
            Err(why) => State::Failed(Instant::now(), why.clone()),
        };
        fetched
    }

    async fn fetch(&self, url: Url) -> Result<Fetched, String> {
        let incoming = Incoming::new(&self.folder).map_err(|error| disk(&error))?;
        let incoming = match url.scheme() {
            "ftp" => tokio::task::spawn_blocking(move || ftp::fetch(&url, incoming))
                .await
                .map_err(|bug| bug.to_string())??,
            _ => self.fetch_http(url, incoming).await?,
        };
        Ok(incoming.whole())
    }

    async fn fetch_http(&self, url: Url, mut incoming: Incoming) -> Result<Incoming, String> {
        // Addresses may hold passwords: they are not shown.
        let failed = |error: reqwest::Error| chain(&error.without_url());
        let mut response = self.client()?.get(url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(format!("the server answers {}", response.status()));
        }
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            incoming = tokio::task::spawn_blocking(move || incoming.write_all(&chunk).map(|()| incoming))
                .await
                .map_err(|bug| bug.to_string())?
                .map_err(|error| disk(&error))?;
        }
        Ok(incoming)
    }

    fn client(&self) -> Result<Client, String> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        // Fails where a provider is there already, and then there is nothing to do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let made = Client::builder()
            .user_agent("halite")
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(Policy::custom(
                |attempt| if may_follow(&attempt) { attempt.follow() } else { refuse(attempt) },
            ))
            .build();
        Ok(client.insert(made.map_err(|error| chain(&error))?).clone())
    }
}

impl Incoming {
    fn new(folder: &Path) -> io::Result<Incoming> {
        Ok(Incoming { file: nameless_file(folder)?, size: 0, hasher: sha2::Sha256::new() })
    }

    fn whole(self) -> Fetched {
        let sha256 = self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Fetched { file: self.file, size: self.size, sha256 }
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Fetched {
    fn send(&self, have: Option<&str>, parts: &Parts) -> Result<(), Gone> {
        let is_known = have.is_some_and(|have| have == self.sha256 || have == FACTS_ONLY) || self.size == 0;
        let facts = Answer::File { size: self.size, sha256: self.sha256.clone(), mode: MODE };
        send(parts, facts, is_known)?;
        let mut offset = 0;
        while !is_known && offset < self.size {
            let left = usize::try_from(self.size - offset).unwrap_or(usize::MAX);
            let mut bytes = vec![0; left.min(PART_BYTES_MAX)];
            if let Err(error) = self.file.read_exact_at(&mut bytes, offset) {
                return send(parts, Answer::Refused(broken(&error)), true);
            }
            offset += bytes.len() as u64;
            send(parts, Answer::Bytes(bytes), offset == self.size)?;
        }
        Ok(())
    }
}

/// A file that vanishes with its last handle.
fn nameless_file(folder: &Path) -> io::Result<File> {
    private_dir(folder).map_err(|error| io::Error::other(error.to_string()))?;
    let path = folder.join(random_nonce().to_hex());
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn may_follow(attempt: &Attempt) -> bool {
    let (to, before) = (attempt.url(), attempt.previous());
    let Some(first) = before.first().filter(|_| before.len() <= REDIRECTS_MAX) else { return false };
    let is_safe = to.scheme() == "https";
    let is_same_host = to.host() == first.host();
    // Addresses and plain http elsewhere: that is where machines keep what only neighbours may ask for.
    to.origin() == first.origin() || (is_safe && (is_same_host || to.domain().is_some()))
}

fn refuse(attempt: Attempt) -> reqwest::redirect::Action {
    attempt.error("it redirects to a place the controller does not go to for a host")
}

fn disk(error: &io::Error) -> String {
    format!("the controller cannot keep it: {error}")
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
