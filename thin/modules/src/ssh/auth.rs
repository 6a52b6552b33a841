//! Keys that may log in: the lines of a user's `authorized_keys`.

use super::{fingerprint, refuse_link};
use crate::accounts::{self, User};
use crate::registry::CallError;
use crate::write::{self, NewFile};
use halite_wire::{Map, Value};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

/// Short names of kinds, and the kinds they mean.
const KINDS: [(&str, &str); 9] = [
    ("r", "ssh-rsa"),
    ("rsa", "ssh-rsa"),
    ("d", "ssh-dss"),
    ("dsa", "ssh-dss"),
    ("dss", "ssh-dss"),
    ("e", "ecdsa-sha2-nistp256"),
    ("ecdsa", "ecdsa-sha2-nistp256"),
    ("ed25519", "ssh-ed25519"),
    ("ssh-ed25519", "ssh-ed25519"),
];

/// Kinds under their own names.
const KNOWN: [&str; 18] = [
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
    "ssh-rsa-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
];

/// A key with what stands around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key {
    pub enc: String,
    pub key: String,
    pub comment: String,
    pub options: Vec<String>,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Exists,
    Update,
    Add,
}

impl Standing {
    /// Salt's word.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Exists => "exists",
            Standing::Update => "update",
            Standing::Add => "add",
        }
    }
}

/// The kind of key that a name or short name means.
///
/// # Errors
/// There is no such kind.
pub fn kind(name: &str) -> Result<&'static str, CallError> {
    let short = KINDS.iter().find(|(short, _)| *short == name).map(|(_, kind)| *kind);
    short
        .or_else(|| KNOWN.into_iter().find(|known| *known == name))
        .ok_or_else(|| CallError::failed(format!("there is no kind of key named '{name}'")))
}

impl Key {
    /// `[options] kind key [comment]`; `None` where it is not of this form.
    pub fn parse(line: &str) -> Option<Key> {
        let start = kind_start(line)?;
        let mut words = line[start..].split_whitespace();
        let (enc, key) = (words.next()?.to_owned(), words.next()?.to_owned());
        let options = line[..start].trim();
        let options =
            if options.is_empty() { Vec::new() } else { options.split(',').map(str::to_owned).collect() };
        Some(Key { enc, key, comment: words.collect::<Vec<_>>().join(" "), options })
    }

    pub fn line(&self) -> String {
        let options =
            if self.options.is_empty() { String::new() } else { format!("{} ", self.options.join(",")) };
        format!("{options}{} {} {}\n", self.enc, self.key, self.comment)
    }

    fn value(&self, fingerprint: String) -> Value {
        Map::from([
            ("enc", Value::from(self.enc.as_str())),
            ("comment", Value::from(self.comment.as_str())),
            ("options", Value::from(self.options.clone())),
            ("fingerprint", Value::from(fingerprint)),
        ])
        .into()
    }
}

/// Where the kind of key begins: a word `ssh-...`, `ecds...` or the same behind `sk-`, with more behind it.
fn kind_start(line: &str) -> Option<usize> {
    let starts = ["sk-ssh-", "sk-ecds", "ssh-", "ecds"];
    (0..line.len()).filter(|at| line.is_char_boundary(*at)).find(|at| {
        let word = line[*at..].split_whitespace().next().unwrap_or_default();
        let fits = starts.iter().any(|start| word.len() > start.len() && word.starts_with(start));
        let of_kind = |c: char| c.is_alphanumeric() || "_@.-".contains(c);
        let more = line[*at..].split_whitespace().nth(1).is_some();
        fits && more && word.chars().all(of_kind)
    })
}

/// The file of a user's keys.
#[derive(Debug)]
pub struct KeyFile {
    user: User,
    pub path: PathBuf,
    /// `None` where there is no file.
    text: Option<String>,
}

impl KeyFile {
    /// `config` is a path, relative to the home directory, with `%u`, `%h` and `%%`.
    ///
    /// # Errors
    /// There is no such user, the path has another `%`, or the file cannot be read.
    pub fn load(user: &str, config: &str) -> Result<KeyFile, CallError> {
        let user =
            accounts::user(user).ok_or_else(|| CallError::failed(format!("there is no user '{user}'")))?;
        let path = Path::new(&user.home).join(expanded(config, &user)?);
        let text = match std::fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(CallError::failed(format!("cannot read {}: {error}", path.display()))),
        };
        Ok(KeyFile { user, path, text })
    }

    pub fn is_there(&self) -> bool {
        self.text.is_some()
    }

    /// The keys in their order.
    pub fn keys(&self) -> Vec<Key> {
        keys(self.text.as_deref().unwrap_or_default())
    }

    /// Keys with kind, comment, options and fingerprint.
    ///
    /// # Errors
    /// There is no such way to make a fingerprint.
    pub fn value(&self, hash: Option<&str>) -> Result<Map, CallError> {
        let mut map = Map::new();
        for key in self.keys() {
            if let Some(fingerprint) = fingerprint(&key.key, hash)? {
                map.insert(key.key.as_str(), key.value(fingerprint));
            }
        }
        Ok(map)
    }

    /// How a key stands.
    pub fn standing(&self, wanted: &Key) -> Standing {
        match self.keys().iter().rev().find(|own| own.key == wanted.key) {
            None => Standing::Add,
            Some(own) if own.line() == wanted.line() => Standing::Exists,
            Some(_) => Standing::Update,
        }
    }

    /// Puts a key in, in the place of the same key where it is there. Other lines stay.
    pub fn set(&mut self, wanted: &Key) {
        let is_it = |line: &str| of_line(line).is_some_and(|own| own.key == wanted.key);
        let mut found = false;
        let mut text = String::new();
        for line in self.text.as_deref().unwrap_or_default().lines() {
            if is_it(line) {
                found = true;
                text.push_str(&wanted.line());
            } else {
                text.push_str(&format!("{line}\n"));
            }
        }
        if !found {
            text.push_str(&wanted.line());
        }
        self.text = Some(text);
    }

    /// Takes a key out; whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.text.clone().unwrap_or_default();
        let stays = |line: &&str| of_line(line).is_none_or(|own| own.key != key);
        let text: String = before.lines().filter(stays).map(|line| format!("{line}\n")).collect();
        let found = before.lines().any(|line| !stays(&line));
        if found {
            self.text = Some(text);
        }
        found
    }

    /// Writes the file in one step, the user's own: a new one with mode 0600 in a directory with mode 0700.
    ///
    /// # Errors
    /// There is no home directory, or writing fails. A link in the file's place is not followed.
    pub fn store(&self) -> Result<(), CallError> {
        let failed =
            |error: io::Error| CallError::failed(format!("cannot write {}: {error}", self.path.display()));
        let home = Path::new(&self.user.home);
        if self.path.starts_with(home) && !home.is_dir() {
            return Err(CallError::failed(format!("there is no home directory {}", home.display())));
        }
        refuse_link(&self.path)?;
        self.make_folder().map_err(failed)?;
        let text = self.text.as_deref().unwrap_or_default();
        self.write(text).map_err(failed)
    }

    fn make_folder(&self) -> io::Result<()> {
        let Some(folder) = self.path.parent().filter(|folder| !folder.is_dir()) else { return Ok(()) };
        write::private_folders(folder)?;
        self.give(folder)
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let is_new = !self.path.symlink_metadata().is_ok_and(|meta| meta.is_file());
        let mut file = NewFile::create(&self.path)?;
        file.write_all(text.as_bytes())?;
        if is_new {
            self.give(file.path())?;
        }
        file.finish(0o600)
    }

    /// Root gives what it makes to the user, who might put a link in its place meanwhile: it is not followed.
    fn give(&self, path: &Path) -> io::Result<()> {
        if path.symlink_metadata()?.uid() != self.user.uid && rustix::process::geteuid().is_root() {
            lchown(path, Some(self.user.uid), Some(self.user.gid))?;
        }
        Ok(())
    }
}

fn of_line(line: &str) -> Option<Key> {
    let line = line.trim();
    if line.starts_with('#') { None } else { Key::parse(line) }
}

/// The keys of such a file's text, in order.
pub fn keys(text: &str) -> Vec<Key> {
    text.lines().filter_map(of_line).collect()
}

fn expanded(config: &str, user: &User) -> Result<String, CallError> {
    let mut path = String::new();
    let mut signs = config.chars();
    while let Some(sign) = signs.next() {
        match (sign, sign == '%') {
            (sign, false) => path.push(sign),
            (_, true) => match signs.next() {
                Some('%') => path.push('%'),
                Some('u') => path.push_str(&user.name),
                Some('h') => path.push_str(&user.home),
                other => {
                    let other = other.map_or("nothing".to_owned(), |sign| format!("'{sign}'"));
                    return Err(CallError::failed(format!("'{config}': {other} behind % means nothing")));
                }
            },
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIGIzYngD5m5/bvL6mjb/ZVzyvksdsqVVK049tq357fAw";

    #[test]
    fn lines_are_read_with_options_and_comments() {
        let key = Key::parse(&format!("from=\"10.0.0.0/8\",no-pty ssh-ed25519 {ED} me at home")).unwrap();
        assert_eq!((key.enc.as_str(), key.comment.as_str()), ("ssh-ed25519", "me at home"));
        assert_eq!(key.options, ["from=\"10.0.0.0/8\"", "no-pty"]);
        assert_eq!(Key::parse(&key.line()), Some(key));
        assert_eq!(Key::parse(&format!("sk-ssh-ed25519@openssh.com {ED}")).unwrap().options, [""; 0]);
        assert_eq!(Key::parse(ED), None);
    }

    #[test]
    fn sec_41_keys_are_not_written_through_links() {
        let home = std::env::temp_dir().join(format!("halite-keys-{}", std::process::id()));
        std::fs::create_dir_all(home.join(".ssh")).unwrap();
        let (secret, link) = (home.join("shadow"), home.join(".ssh/authorized_keys"));
        std::fs::write(&secret, "root:x\n").unwrap();
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        let user = User { home: home.to_string_lossy().into_owned(), ..accounts::user("root").unwrap() };
        let mut file = KeyFile { user, path: link.clone(), text: None };
        file.set(&Key { enc: "ssh-ed25519".into(), key: ED.into(), ..Key::default() });
        let refused = file.store().unwrap_err().to_string();
        assert!(refused.contains("is a link"), "{refused}");
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "root:x\n");
        std::fs::remove_file(&link).unwrap();
        file.store().unwrap();
        assert_eq!(link.metadata().unwrap().mode() & 0o777, 0o600);
        std::fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn kinds_have_short_names() {
        assert_eq!(kind("rsa"), Ok("ssh-rsa"));
        assert_eq!(kind("ecdsa-sha2-nistp384"), Ok("ecdsa-sha2-nistp384"));
        assert!(kind("ssh-foo").is_err());
    }

    #[test]
    fn keys_are_set_and_removed_and_other_lines_stay() {
        let user = accounts::user("root").unwrap();
        let text = Some(format!("# mine\nssh-ed25519 {ED} old\nnonsense"));
        let mut file = KeyFile { user, path: PathBuf::from("/"), text };
        let mut key =
            Key { enc: "ssh-ed25519".into(), key: ED.into(), comment: "new".into(), options: vec![] };
        assert_eq!(file.standing(&key), Standing::Update);
        file.set(&key);
        assert_eq!(file.standing(&key), Standing::Exists);
        assert_eq!(file.text.as_deref(), Some(&*format!("# mine\nssh-ed25519 {ED} new\nnonsense\n")));
        assert!(file.remove(ED) && !file.remove(ED));
        key.options = vec!["no-pty".into()];
        assert_eq!(file.standing(&key), Standing::Add);
        assert_eq!(file.text.as_deref(), Some("# mine\nnonsense\n"));
    }
}
