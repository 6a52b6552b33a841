//! Known hosts: lines of `known_hosts` files, read and changed through the host's `ssh-keygen` and `ssh-keyscan`.

use super::{fingerprint, refuse_link};
use crate::accounts::{self, User};
use crate::process::{Command, Output};
use crate::registry::CallError;
use crate::write::{self, NewFile};
use crate::{Bound, paths};
use halite_wire::{Map, Value};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

const SYSTEM_FILE: &str = "/etc/ssh/ssh_known_hosts";
const USER_FILE: &str = ".ssh/known_hosts";
const DEFAULT_PORT: i64 = 22;
/// How often a host is asked that says nothing.
const SCANS: usize = 5;

/// A host's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub hostname: String,
    pub enc: String,
    pub key: String,
    /// Not known of keys that were handed in.
    pub fingerprint: Option<String>,
    /// Where it stands in the line.
    pub port: Option<i64>,
}

impl Entry {
    pub fn value(&self) -> Value {
        let mut map = Map::from([
            ("hostname", Value::from(self.hostname.as_str())),
            ("enc", Value::from(self.enc.as_str())),
            ("key", Value::from(self.key.as_str())),
        ]);
        if let Some(fingerprint) = &self.fingerprint {
            map.insert("fingerprint", fingerprint.as_str());
        }
        if let Some(port) = self.port {
            map.insert("port", port);
        }
        map.into()
    }
}

/// Null where there are none.
pub fn values(entries: &[Entry]) -> Value {
    if entries.is_empty() { Value::Null } else { entries.iter().map(Entry::value).collect() }
}

/// A file of known hosts and one host in it.
#[derive(Clone, Debug)]
pub struct KnownHost {
    user: Option<User>,
    pub file: PathBuf,
    hostname: String,
    port: Option<i64>,
    hash_type: Option<String>,
}

/// What set_known_host did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Exists(Vec<String>),
    Updated { old: Vec<Entry>, new: Vec<Entry> },
}

/// The key a host shall have.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub key: Option<String>,
    pub fingerprint: Option<String>,
    pub enc: Option<String>,
    pub hash_known_hosts: bool,
    pub timeout: i64,
}

impl Wanted {
    /// From the arguments of these names, where the function has them.
    ///
    /// # Errors
    /// One is of a wrong kind.
    pub fn of(args: &Bound) -> Result<Wanted, CallError> {
        let text = |name: &str| args.opt_str(name).map(|text| text.filter(|text| !text.is_empty()));
        Ok(Wanted {
            key: text("key")?,
            fingerprint: text("fingerprint")?,
            enc: text("enc")?,
            hash_known_hosts: args.bool("hash_known_hosts"),
            timeout: args.opt_int("timeout")?.unwrap_or(5),
        })
    }
}

fn failed(why: impl Into<String>) -> CallError {
    CallError::failed(why)
}

fn ran(command: Command) -> Result<Output, CallError> {
    command.c_locale().run().map_err(|error| failed(error.to_string()))
}

/// A host name must not be read as an option.
fn checked(hostname: String) -> Result<String, CallError> {
    if hostname.is_empty() || hostname.starts_with('-') || hostname.contains(char::is_whitespace) {
        return Err(failed(format!("'{hostname}' is no name of a host")));
    }
    Ok(hostname)
}

impl KnownHost {
    /// From the arguments `user`, `config`, `port` and `fingerprint_hash_type` where the function has them, and
    /// the argument `hostname`, whatever its name.
    ///
    /// # Errors
    /// There is no host or user of this name, or a relative `config` without a user.
    pub fn of(args: &Bound, hostname: &str) -> Result<KnownHost, CallError> {
        let hostname = checked(args.opt_str(hostname)?.unwrap_or_default())?;
        Ok(KnownHost { hostname, ..KnownHost::file_of(args)? })
    }

    /// The same without a host, for what concerns the whole file.
    ///
    /// # Errors
    /// As [`KnownHost::of`].
    pub fn file_of(args: &Bound) -> Result<KnownHost, CallError> {
        let text = |name: &str| args.opt_str(name).map(|text| text.filter(|text| !text.is_empty()));
        let user = match text("user")? {
            Some(name) => {
                Some(accounts::user(&name).ok_or_else(|| failed(format!("there is no user '{name}'")))?)
            }
            None => None,
        };
        let usual = if user.is_some() { USER_FILE } else { SYSTEM_FILE };
        let config = text("config")?.unwrap_or_else(|| usual.to_owned());
        let home = user.as_ref().map(|user| user.home.clone()).unwrap_or_default();
        let file = Path::new(&home).join(paths::from_bytes(&paths::expand_user(config.as_bytes())));
        if !file.is_absolute() {
            return Err(failed("without a user, config must be an absolute path"));
        }
        let port = args.opt_int("port")?.filter(|port| *port != DEFAULT_PORT);
        let hostname = String::new();
        Ok(KnownHost { user, file, hostname, port, hash_type: text("fingerprint_hash_type")? })
    }

    /// The name as it stands in the file.
    fn name(&self) -> String {
        match self.port {
            Some(port) => format!("[{}]:{port}", self.hostname),
            None => self.hostname.clone(),
        }
    }

    fn keygen(&self, action: &[&str]) -> Result<Output, CallError> {
        let command = action.iter().fold(Command::new(["ssh-keygen"]), |command, word| command.arg(word));
        ran(command.arg("-f").arg(&self.file))
    }

    /// What the file knows of the host.
    ///
    /// # Errors
    /// `ssh-keygen` cannot be run.
    pub fn entries(&self) -> Result<Vec<Entry>, CallError> {
        if !self.file.exists() {
            return Ok(Vec::new());
        }
        self.parsed(&self.keygen(&["-F", &self.name()])?.text())
    }

    fn parsed(&self, text: &str) -> Result<Vec<Entry>, CallError> {
        let mut entries = Vec::new();
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [hostname, enc, key] = words.as_slice() else { continue };
            if let Some(fingerprint) = fingerprint(key, self.hash_type.as_deref())? {
                let (hostname, enc, key) = ((*hostname).to_owned(), (*enc).to_owned(), (*key).to_owned());
                entries.push(Entry { hostname, enc, key, fingerprint: Some(fingerprint), port: None });
            }
        }
        Ok(entries)
    }

    /// What the host itself says, asked over the network.
    ///
    /// # Errors
    /// `ssh-keyscan` cannot be run.
    pub fn scanned(&self, wanted: &Wanted) -> Result<Vec<Entry>, CallError> {
        let mut command = Command::new(["ssh-keyscan"]);
        if let Some(port) = self.port {
            command = command.arg("-p").arg(port.to_string());
        }
        if let Some(enc) = &wanted.enc {
            command = command.arg("-t").arg(enc);
        }
        if wanted.hash_known_hosts {
            command = command.arg("-H");
        }
        command = command.arg("-T").arg(wanted.timeout.to_string()).arg(&self.hostname);
        command = command.timeout(Duration::from_secs(wanted.timeout.unsigned_abs().saturating_mul(4) + 60));
        for _ in 0..SCANS {
            let text = ran(command.clone())?.text();
            if !text.is_empty() {
                return self.parsed(&text);
            }
        }
        Ok(Vec::new())
    }

    /// `exists`, `add` or `update`.
    ///
    /// # Errors
    /// As [`KnownHost::entries`].
    pub fn check(&self, key: Option<&str>, fingerprint: Option<&str>) -> Result<&'static str, CallError> {
        let entries = self.entries()?;
        let known = |wanted: fn(&Entry) -> Option<&str>, value: &str| {
            entries.iter().any(|entry| wanted(entry) == Some(value))
        };
        let fits = match (key, fingerprint) {
            (Some(key), _) => known(|entry| Some(&entry.key), key),
            (None, Some(fingerprint)) => known(|entry| entry.fingerprint.as_deref(), fingerprint),
            (None, None) => true,
        };
        Ok(match (entries.is_empty(), fits) {
            (true, _) => "add",
            (false, true) => "exists",
            (false, false) => "update",
        })
    }

    /// Sees to it that the file knows the host by this key, or by the keys it shows with this fingerprint, or by
    /// whatever keys it shows.
    ///
    /// # Errors
    /// The host does not answer or shows other keys, or the file cannot be written.
    pub fn set(&self, wanted: &Wanted) -> Result<Outcome, CallError> {
        if self.port.is_some() && wanted.hash_known_hosts {
            return Err(failed("hashed names have no port: give hash_known_hosts=False with a port"));
        }
        let old = self.entries()?;
        let of_kind = |entry: &&Entry| wanted.enc.as_ref().is_none_or(|enc| *enc == entry.enc);
        let known: Vec<String> = old.iter().filter(of_kind).map(|entry| entry.key.clone()).collect();
        let has_print = |entries: &[Entry], print: &String| {
            entries.iter().any(|entry| entry.fingerprint.as_ref() == Some(print))
        };
        let lacks = old.is_empty()
            || wanted.fingerprint.as_ref().is_some_and(|print| !has_print(&old, print))
            || wanted.key.as_ref().is_some_and(|key| !known.contains(key));
        if !lacks && (wanted.key.is_some() || wanted.fingerprint.is_some()) {
            return Ok(Outcome::Exists(known));
        }
        let mut new = match &wanted.key {
            Some(key) => vec![self.handed_in(key, wanted)],
            None => self.scanned(wanted)?,
        };
        if new.is_empty() {
            return Err(failed(format!("{} shows no keys", self.hostname)));
        }
        if wanted.key.is_none() && wanted.fingerprint.as_ref().is_some_and(|print| !has_print(&new, print)) {
            return Err(failed(format!("{} shows keys, but none with this fingerprint", self.hostname)));
        }
        let same = |entry: &Entry| known.contains(&entry.key);
        if !lacks && new.iter().all(same) && known.iter().all(|key| new.iter().any(|entry| entry.key == *key))
        {
            return Ok(Outcome::Exists(known));
        }
        for entry in new.iter_mut().filter(|entry| !entry.hostname.contains(':')) {
            entry.port = self.port;
        }
        self.write(&new, wanted)?;
        Ok(Outcome::Updated { old, new })
    }

    fn handed_in(&self, key: &str, wanted: &Wanted) -> Entry {
        let enc = wanted.enc.clone().unwrap_or_else(|| "None".to_owned());
        Entry { hostname: self.hostname.clone(), enc, key: key.to_owned(), fingerprint: None, port: None }
    }

    /// Replaces the host's lines (those of one kind where it is said) by new ones.
    fn write(&self, new: &[Entry], wanted: &Wanted) -> Result<(), CallError> {
        let gone = self.line_numbers(wanted.enc.as_deref())?;
        let old = std::fs::read(&self.file).unwrap_or_default();
        let old = String::from_utf8_lossy(&old).into_owned();
        let kept = old.lines().enumerate().filter(|(at, _)| !gone.contains(&(at + 1)));
        let mut text: String = kept.map(|(_, line)| format!("{line}\n")).collect();
        for entry in new {
            let name = match entry.port {
                Some(port) => format!("[{}]:{port}", entry.hostname),
                None => entry.hostname.clone(),
            };
            text.push_str(&format!("{name} {} {}\n", entry.enc, entry.key));
        }
        self.store(&text)?;
        if wanted.key.is_some() && wanted.hash_known_hosts {
            self.hash()?;
        }
        Ok(())
    }

    /// Numbers of the host's lines, from 1. `ssh-keygen` says them in comments before each line.
    fn line_numbers(&self, enc: Option<&str>) -> Result<Vec<usize>, CallError> {
        if !self.file.exists() {
            return Ok(Vec::new());
        }
        let text = self.keygen(&["-F", &self.name()])?.text();
        let (mut numbers, mut number): (Vec<usize>, Option<usize>) = (Vec::new(), None);
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match line.strip_prefix('#') {
                Some(_) => number = words.next_back().and_then(|word| word.parse().ok()),
                None if enc.is_none_or(|enc| words.nth(1) == Some(enc)) => numbers.extend(number.take()),
                None => {}
            }
        }
        Ok(numbers)
    }

    fn store(&self, text: &str) -> Result<(), CallError> {
        refuse_link(&self.file)?;
        let write = || -> io::Result<()> {
            let folder = self.file.parent().unwrap_or(Path::new("/"));
            if !folder.is_dir() {
                write::private_folders(folder)?;
                self.give(folder)?;
            }
            let mut file = NewFile::create(&self.file)?;
            file.write_all(text.as_bytes())?;
            file.finish(0o600)?;
            self.give(&self.file)
        };
        write().map_err(|error| failed(format!("cannot write {}: {error}", self.file.display())))
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        match &self.user {
            Some(user) if rustix::process::geteuid().is_root() => {
                lchown(path, Some(user.uid), Some(user.gid))
            }
            _ => Ok(()),
        }
    }

    /// Runs an action that replaces the file, whose owner and mode stay; what the program said.
    fn rewrite(&self, action: &[&str]) -> Result<String, CallError> {
        refuse_link(&self.file)?;
        let meta = self.file.metadata();
        let meta = meta.map_err(|_| failed(format!("there is no file {}", self.file.display())))?;
        let output = self.keygen(action)?;
        let said = format!("{}{}", output.text(), String::from_utf8_lossy(&output.stderr));
        let keep = || -> io::Result<()> {
            std::fs::set_permissions(
                &self.file,
                PermissionsExt::from_mode(meta.permissions().mode() & 0o7777),
            )?;
            self.give(&self.file)
        };
        keep().map_err(|error| failed(format!("cannot change {}: {error}", self.file.display())))?;
        Ok(said.trim_end().to_owned())
    }

    /// Takes the host out of the file.
    ///
    /// # Errors
    /// There is no such file.
    pub fn remove(&self) -> Result<String, CallError> {
        self.rewrite(&["-R", &self.name()])
    }

    /// Hashes all names of the file.
    ///
    /// # Errors
    /// There is no such file.
    pub fn hash(&self) -> Result<String, CallError> {
        self.rewrite(&["-H"])
    }
}
