//! OpenSSH's `known_hosts`: patterns, negation, `[host]:port`, hashed names, `@revoked`.
//!
//! Lines that do not parse are passed over, as OpenSSH does; `@cert-authority` lines too, since certificates
//! are not asked for.

use super::{Verdict, fingerprint};
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use russh::keys::ssh_key::{Algorithm, PublicKey};
use std::collections::HashMap;

/// All entries. Plain names are found by hash, so that ten thousand hosts cost ten thousand look-ups;
/// only patterns and hashed names are walked.
#[derive(Default)]
pub struct KnownHosts {
    by_name: HashMap<String, Vec<Known>>,
    by_pattern: Vec<(HostPatterns, Known)>,
}

#[derive(Clone)]
struct Known {
    key: PublicKey,
    revoked: bool,
}

impl KnownHosts {
    /// Adds the lines of one file.
    pub fn add(&mut self, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let Ok(entry) = line.parse::<Entry>() else { continue };
            let revoked = match entry.marker() {
                Some(Marker::CertAuthority) => continue,
                Some(Marker::Revoked) => true,
                None => false,
            };
            let known = Known { key: entry.public_key().clone(), revoked };
            match entry.host_patterns() {
                HostPatterns::Patterns(names) if names.iter().all(|name| is_plain(name)) => {
                    for name in names {
                        self.by_name.entry(name.to_lowercase()).or_default().push(known.clone());
                    }
                }
                patterns => self.by_pattern.push((patterns.clone(), known)),
            }
        }
    }

    /// A revoked key is never good; else one equal key makes the host known, and another key of the same kind
    /// makes it changed. Keys of other kinds say nothing against it.
    pub fn verdict(&self, host: &str, port: u16, key: &PublicKey) -> Verdict {
        let entries = self.entries(host, port);
        let offered = fingerprint(key);
        let same = |known: &&Known| known.key.key_data() == key.key_data();
        if entries.iter().filter(|known| known.revoked).any(&same) {
            return Verdict::Changed { known: "a revoked key".to_owned(), offered };
        }
        let mut valid = entries.into_iter().filter(|known| !known.revoked).peekable();
        if valid.peek().is_none() {
            return Verdict::Unknown { fingerprint: offered };
        }
        let valid: Vec<_> = valid.collect();
        if valid.iter().any(same) {
            return Verdict::Known;
        }
        let rival = valid.iter().find(|known| known.key.algorithm() == key.algorithm());
        match rival.or(valid.first()) {
            Some(known) => Verdict::Changed { known: fingerprint(&known.key), offered },
            None => Verdict::Unknown { fingerprint: offered },
        }
    }

    /// Kinds of the keys that are known for the host.
    pub fn algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        self.entries(host, port)
            .iter()
            .filter(|known| !known.revoked)
            .map(|known| known.key.algorithm())
            .collect()
    }

    fn entries(&self, host: &str, port: u16) -> Vec<&Known> {
        let name = lookup_name(host, port);
        let plain = self.by_name.get(&name).into_iter().flatten();
        let matched =
            self.by_pattern.iter().filter(|(patterns, _)| covers(patterns, &name)).map(|(_, known)| known);
        plain.chain(matched).collect()
    }
}

/// The line to append for a key.
pub fn line(host: &str, port: u16, key: &PublicKey) -> String {
    let bare = PublicKey::new(key.key_data().clone(), "");
    format!("{} {}\n", lookup_name(host, port), bare.to_openssh().unwrap_or_default().trim_end())
}

/// How a file names `host:port`: lower case, bare at port 22, else in brackets.
fn lookup_name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

fn is_plain(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '!'])
}

fn covers(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => hashed(salt, name).is_some_and(|own| own == *hash),
        HostPatterns::Patterns(patterns) => {
            let denied = patterns.iter().filter_map(|p| p.strip_prefix('!')).any(|p| matches(p, name));
            !denied && patterns.iter().filter(|p| !p.starts_with('!')).any(|p| matches(p, name))
        }
    }
}

/// The hash OpenSSH keeps of a name: HMAC-SHA1 with the salt as key.
fn hashed(salt: &[u8], name: &str) -> Option<[u8; 20]> {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    Some(mac.finalize().into_bytes().into())
}

/// OpenSSH's pattern: `*` and `?`, nothing else, without regard to case. Linear in `name` for each `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.to_lowercase().chars().collect(), name.to_lowercase().chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '?' || *c == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, n) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIILhjbGkgbfuOhgVlYtFDvCw7cgPCfgNVFxpDLkbcFjt";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_openssh(text).unwrap()
    }

    fn known(lines: &str) -> KnownHosts {
        let mut known = KnownHosts::default();
        known.add(lines);
        known
    }

    fn is_unknown(known: &KnownHosts, host: &str, port: u16) -> bool {
        matches!(known.verdict(host, port, &key(A)), Verdict::Unknown { .. })
    }

    #[test]
    fn sec_82_a_key_is_known_unknown_or_changed() {
        let hosts = known(&format!("web1,10.0.0.1 {A}\n"));
        assert_eq!(hosts.verdict("web1", 22, &key(A)), Verdict::Known);
        assert_eq!(hosts.verdict("WEB1", 22, &key(A)), Verdict::Known);
        assert_eq!(hosts.verdict("10.0.0.1", 22, &key(A)), Verdict::Known);
        assert!(matches!(hosts.verdict("web1", 22, &key(B)), Verdict::Changed { .. }));
        assert!(is_unknown(&hosts, "web2", 22) && is_unknown(&hosts, "web1", 2222));
    }

    #[test]
    fn sec_82_a_revoked_key_is_refused_even_where_it_is_known() {
        let hosts = known(&format!("web1 {A}\n@revoked * {A}\n"));
        assert!(matches!(hosts.verdict("web1", 22, &key(A)), Verdict::Changed { .. }));
    }

    #[test]
    fn sec_82_ports_wildcards_and_negation_follow_openssh() {
        let hosts = known(&format!("[web1]:2222 {A}\n*.example.com,!bad.example.com {A}\n"));
        assert_eq!(hosts.verdict("web1", 2222, &key(A)), Verdict::Known);
        assert!(is_unknown(&hosts, "web1", 22));
        assert_eq!(hosts.verdict("a.example.com", 22, &key(A)), Verdict::Known);
        assert!(is_unknown(&hosts, "bad.example.com", 22));
    }

    #[test]
    fn sec_82_hashed_names_are_found() {
        // Made by: ssh-keygen -H on a file that names `localhost`.
        let hosts = known(&format!("|1|4cNNlB6dKxWFWzdrqLQ9bH/a4hw=|{} {A}\n", hash_of("localhost")));
        assert_eq!(hosts.verdict("localhost", 22, &key(A)), Verdict::Known);
        assert!(is_unknown(&hosts, "other", 22));
    }

    fn hash_of(name: &str) -> String {
        use base64::Engine;
        let engine = base64::engine::general_purpose::STANDARD;
        let salt = engine.decode("4cNNlB6dKxWFWzdrqLQ9bH/a4hw=").unwrap();
        engine.encode(hashed(&salt, name).unwrap())
    }

    #[test]
    fn lines_that_do_not_parse_are_passed_over() {
        let hosts =
            known(&format!("garbage\n# a comment\nweb1 ssh-ed25519 !!!\nweb1 {A}\n@cert-authority * {B}\n"));
        assert_eq!(hosts.verdict("web1", 22, &key(A)), Verdict::Known);
    }
}
