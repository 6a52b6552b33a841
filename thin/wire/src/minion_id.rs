//! Names of hosts.

use std::fmt;
use std::str::FromStr;

/// Longest name, in bytes: what every file system takes as one path component.
pub const MINION_ID_BYTES_MAX: usize = 255;

/// Name of one managed host, as the roster has it.
///
/// Never empty, at most [`MINION_ID_BYTES_MAX`] bytes, and always safe as one component of a path, as one
/// word of a log line and as an argument: no separators of any kind, no control characters, no leading `-`,
/// no leading or trailing dot or space, no percent escapes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinionId(Box<str>);

/// Why a text cannot name a host. `name` is as given; print it escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot name a host: {why}")]
pub struct MinionIdError {
    pub name: String,
    pub why: &'static str,
}

impl MinionId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn refusal(text: &str) -> Option<&'static str> {
        // Look-alikes of `/` and `\`: file systems or terminals may fold them.
        const SLASHES: [char; 7] = ['/', '\\', '\u{2044}', '\u{2215}', '\u{29f8}', '\u{ff0f}', '\u{ff3c}'];
        const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
        if text.is_empty() {
            return Some("it is empty");
        }
        if text.len() > MINION_ID_BYTES_MAX {
            return Some("it is longer than 255 bytes");
        }
        if text.chars().any(|c| SLASHES.contains(&c)) {
            return Some("it has a path separator");
        }
        if text.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Some("it has a control or invisible character");
        }
        if text.starts_with('-') {
            return Some("it begins with '-', like an option");
        }
        if text.starts_with(['.', ' ']) || text.ends_with(['.', ' ']) {
            return Some("it begins or ends with a dot or a space");
        }
        if text.contains('%') {
            return Some("it has a '%' escape");
        }
        if RESERVED.contains(&text.to_ascii_lowercase().as_str()) {
            return Some("it is a reserved device name");
        }
        None
    }
}

/// Characters that show as nothing or turn the direction of text: they make two names look alike.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl FromStr for MinionId {
    type Err = MinionIdError;
    fn from_str(text: &str) -> Result<MinionId, MinionIdError> {
        match Self::refusal(text) {
            Some(why) => Err(MinionIdError { name: text.to_owned(), why }),
            None => Ok(MinionId(text.into())),
        }
    }
}

impl fmt::Display for MinionId {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for MinionId {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "MinionId({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    #[test]
    fn sec_10_a_minion_id_is_never_a_path() {
        let long = "x".repeat(256);
        let bad = [
            "..",
            ".",
            "../x",
            "a/b",
            "a\\b",
            "a\0b",
            "",
            &long,
            "a.",
            "a ",
            " a",
            "%2e%2e",
            "a\u{2215}b",
            "con",
            "CON",
            "-oProxyCommand=touch X",
            "--",
            "-",
            "a\nb",
            "a\u{202e}b",
            "../../../../pwn",
        ];
        for text in bad {
            assert!(text.parse::<MinionId>().is_err(), "{text:?} was let in");
        }
        for text in ["web1", "db-1.example.com", "süd", "a b", "10.0.0.1", "fe80::1", "user@host"] {
            assert!(text.parse::<MinionId>().is_ok(), "{text:?} was refused");
        }
    }

    proptest! {
        #[test]
        fn sec_10_every_text_is_refused_or_one_path_component(text in "\\PC{0,40}|[./\\\\a%-]{0,8}") {
            if let Ok(id) = text.parse::<MinionId>() {
                let parts: Vec<_> = Path::new(id.as_str()).components().collect();
                prop_assert!(matches!(parts[..], [Component::Normal(name)] if name == id.as_str()));
            }
        }
    }
}
