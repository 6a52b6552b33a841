//! Which host keys are known. Reads OpenSSH's `known_hosts` files; writes its own, and a list of keys that
//! were seen and not trusted. A key is `known`, `unknown` or `changed`, never just good or bad, and any doubt
//! (an unreadable store, a revoked key) refuses.

mod known_hosts;

use halite_roster::{Host, HostKeyCheck};
use known_hosts::KnownHosts;
use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What to do with keys nobody has seen before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Refuse, and list the key as pending.
    #[default]
    Strict,
    /// Accept on first use and remember. A changed key is refused all the same.
    AcceptNew,
    /// Accept every key and remember none: for hosts that are made anew for each run.
    Off,
}

/// What the store says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Known,
    /// Nobody has seen this host. The fingerprint is of the key it offered.
    Unknown {
        fingerprint: String,
    },
    /// The host is known with another key of this kind, or this key was revoked.
    Changed {
        known: String,
        offered: String,
    },
}

/// The store could not be read or written: nobody is trusted then.
#[derive(Debug, thiserror::Error)]
#[error("the host key store {path}: {source}")]
pub struct TrustError {
    pub path: PathBuf,
    #[source]
    pub source: std::io::Error,
}

/// The keys of all `known_hosts` files, and where to write new ones. Shared by all sessions of a run.
pub struct TrustStore {
    policy: Policy,
    known: Mutex<KnownHosts>,
    files: Vec<PathBuf>,
    accepted: PathBuf,
    pending: PathBuf,
}

impl TrustStore {
    /// Reads `files` (those that are absent count as empty). New keys go to `accepted`, a `known_hosts` file
    /// that is read, too; refused ones to `pending`, in the same form.
    ///
    /// # Errors
    /// [`TrustError`] where a file is there and cannot be read.
    pub fn open(
        policy: Policy,
        files: &[PathBuf],
        accepted: &Path,
        pending: &Path,
    ) -> Result<TrustStore, TrustError> {
        let mut known = KnownHosts::default();
        if policy != Policy::Off {
            for path in files.iter().map(PathBuf::as_path).chain([accepted]) {
                match read(path) {
                    Ok(bytes) => known.add(&String::from_utf8_lossy(&bytes)),
                    Err(source) if source.kind() == std::io::ErrorKind::NotFound => {}
                    Err(source) => return Err(TrustError { path: path.to_owned(), source }),
                }
            }
        }
        Ok(TrustStore {
            policy,
            known: Mutex::new(known),
            files: files.to_vec(),
            accepted: accepted.to_owned(),
            pending: pending.to_owned(),
        })
    }

    /// The store that judges `host`: this one, unless the roster gives the host a policy or files of its own.
    ///
    /// # Errors
    /// As [`TrustStore::open`].
    pub fn of_host(self: &Arc<Self>, host: &Host) -> Result<Arc<TrustStore>, TrustError> {
        let policy = match host.ssh.host_key_check {
            None => self.policy,
            Some(HostKeyCheck::Strict) => Policy::Strict,
            Some(HostKeyCheck::AcceptNew) => Policy::AcceptNew,
            Some(HostKeyCheck::Off) => Policy::Off,
        };
        let files = host.ssh.known_hosts_files.as_deref();
        if policy == self.policy && files.is_none() {
            return Ok(self.clone());
        }
        let accepted = files.and_then(<[_]>::first).unwrap_or(&self.accepted);
        let files = files.unwrap_or(&self.files);
        TrustStore::open(policy, files, accepted, &self.pending).map(Arc::new)
    }

    /// Judges the key `host:port` offered; under [`Policy::AcceptNew`] an unknown key is remembered first.
    ///
    /// # Errors
    /// [`TrustError`] where a new key cannot be kept: the key is not trusted then.
    pub fn check(&self, host: &str, port: u16, key: &PublicKey) -> Result<Verdict, TrustError> {
        if self.policy == Policy::Off {
            return Ok(Verdict::Known);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = known.verdict(host, port, key);
        if !matches!(verdict, Verdict::Unknown { .. }) {
            return Ok(verdict);
        }
        let line = known_hosts::line(host, port, key);
        if self.policy == Policy::AcceptNew {
            append(&self.accepted, &line)?;
            known.add(&line);
            return Ok(Verdict::Known);
        }
        // The list of pending keys is a service to the user; the refusal stands without it.
        let seen = read(&self.pending).unwrap_or_default();
        if !String::from_utf8_lossy(&seen).lines().any(|old| old == line.trim_end()) {
            let _ = append(&self.pending, &line);
        }
        Ok(verdict)
    }

    /// The kinds of key known for `host:port`, to be asked for first, so that a host with several is
    /// recognised by the one we know.
    pub fn algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).algorithms(host, port)
    }
}

/// The whole file, or why not. A pipe would wait for somebody to write into it.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    refuse_pipe(path)?;
    std::fs::read(path)
}

fn refuse_pipe(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.file_type().is_fifo() => {
            Err(std::io::Error::other("it is a pipe, not a file"))
        }
        _ => Ok(()),
    }
}

/// Appends one line, durably. The file is made for its owner alone.
fn append(path: &Path, line: &str) -> Result<(), TrustError> {
    let written = (|| {
        refuse_pipe(path)?;
        if let Some(folder) = path.parent() {
            std::os::unix::fs::DirBuilderExt::mode(std::fs::DirBuilder::new().recursive(true), 0o700)
                .create(folder)?;
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        file.write_all(line.as_bytes())?;
        file.sync_data()
    })();
    written.map_err(|source| TrustError { path: path.to_owned(), source })
}

/// The fingerprint people compare: `SHA256:...`, as `ssh-keygen -l` shows it.
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}
