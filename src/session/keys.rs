//! Private keys, read and decrypted once per run however many hosts they open.

use halite_roster::Secret;
use russh::keys::PrivateKey;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};

type Loaded = Arc<OnceCell<Result<Arc<PrivateKey>, String>>>;

/// A path, and the hash of the passphrase it is opened with: what one host's passphrase opens stays shut for others.
type Slot = (PathBuf, Option<blake3::Hash>);

/// The keys of a run.
#[derive(Default)]
pub struct KeyRing(Mutex<HashMap<Slot, Loaded>>);

impl KeyRing {
    /// The key in `path`, decrypted with `passphrase` where it is encrypted.
    ///
    /// # Errors
    /// One line that names the path.
    pub async fn load(&self, path: &Path, passphrase: Option<&Secret>) -> Result<Arc<PrivateKey>, String> {
        let slot = (path.to_owned(), passphrase.map(|secret| blake3::hash(secret.expose().as_bytes())));
        let cell = self.0.lock().await.entry(slot).or_default().clone();
        let read = || async {
            let (path, passphrase) = (path.to_owned(), passphrase.cloned());
            let task = tokio::task::spawn_blocking(move || read_key(&path, passphrase.as_ref()));
            task.await.unwrap_or_else(|bug| Err(bug.to_string()))
        };
        cell.get_or_init(read).await.clone()
    }
}

/// Reads OpenSSH, PKCS#8 and PKCS#1 files.
fn read_key(path: &Path, passphrase: Option<&Secret>) -> Result<Arc<PrivateKey>, String> {
    let named = |what: String| format!("key {}: {what}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    let text = zeroize::Zeroizing::new(text);
    // A passphrase is no mistake where the key has none: one roster default may serve several keys.
    let key = match (russh::keys::decode_secret_key(&text, None), passphrase) {
        (Err(_), Some(passphrase)) => russh::keys::decode_secret_key(&text, Some(passphrase.expose())),
        (plain, _) => plain,
    };
    key.map(Arc::new).map_err(|error| match error {
        russh::keys::Error::KeyIsEncrypted => {
            named("it has a passphrase: set `priv_passwd`, or load it into the agent".to_owned())
        }
        error if passphrase.is_some() => named(format!("{error} (is the passphrase right?)")),
        error => named(error.to_string()),
    })
}
