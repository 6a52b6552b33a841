//! `--return-kwargs` before a run: what of it means nothing to the returners it is for, in words.
//!
//! Salt takes any key there. A slip would send returns to the usual server, so it is told while nothing has happened yet;
//! the run goes on, as no return may be lost for it.

use super::registry::{Definition, Key, find};
use super::wanted::Wanted;
use halite_roster::did_you_mean;
use halite_wire::Value;

impl Wanted {
    /// One sentence for each key of `--return-kwargs` that no returner of returns knows. Nothing where one of them is a
    /// file of somebody's own, which may know any.
    pub fn unknown_kwargs(&self) -> Vec<String> {
        let theirs = self.outlets.iter().filter(|(_, takes)| takes.returns && !takes.job_store);
        let found: Result<Vec<_>, _> = theirs.map(|(name, _)| find(name)).collect();
        let Ok(returners) = found else { return Vec::new() };
        if returners.is_empty() {
            return Vec::new();
        }
        let keys = self.kwargs.keys().filter_map(Value::as_str);
        let unknown =
            keys.filter(|key| !returners.iter().any(|returner| names(returner).any(|known| known == *key)));
        unknown.map(|key| told(key, &returners)).collect()
    }
}

fn names(returner: &Definition) -> impl Iterator<Item = &'static str> {
    returner.all_keys().map(|Key(name, ..)| *name)
}

fn told(key: &str, returners: &[&'static Definition]) -> String {
    let hint = did_you_mean(key, returners.iter().flat_map(|returner| names(returner)));
    let with_keys = |returner: &&'static Definition| match names(returner).collect::<Vec<_>>()[..] {
        [] => format!("{}, which has no keys", returner.name),
        ref keys => format!("{}, which has {}", returner.name, keys.join(", ")),
    };
    let all: Vec<String> = returners.iter().map(with_keys).collect();
    format!("--return-kwargs: `{}` means nothing to {}{hint}", key.escape_debug(), all.join("; nor to "))
}

#[cfg(test)]
mod tests {
    use super::super::Asked;
    use super::*;
    use crate::config::Config;
    use halite_wire::Map;

    fn told_of(names: &str, keys: &[&str]) -> Vec<String> {
        let kwargs: Map = keys.iter().map(|key| (*key, "x")).collect();
        let asked = Asked { names: Some(names.to_owned()), kwargs, ..Asked::default() };
        Wanted::new(&Config::default(), &asked).unwrap().unknown_kwargs()
    }

    #[test]
    fn a_key_no_returner_knows_is_told_with_the_keys_there_are_and_the_nearest() {
        assert_eq!(
            told_of("mysql", &["host", "hsot"]),
            [
                "--return-kwargs: `hsot` means nothing to mysql, which has host, port, user, pass, db, ssl_ca, ssl_cert, \
              ssl_key; did you mean `host`?"
            ]
        );
        assert_eq!(
            told_of("local,rawfile_json", &["file"]),
            [
                "--return-kwargs: `file` means nothing to local, which has no keys; nor to rawfile_json, which has filename"
            ]
        );
    }

    #[test]
    fn keys_one_of_the_returners_knows_and_those_of_salt_that_change_nothing_are_no_slips() {
        for (names, key) in [
            ("mysql,rawfile_json", "filename"),
            ("sqlite", "database"),
            ("opensearch", "doc_type"),
            ("syslog", "options"),
            ("carbon", "skip"),
            ("postgres", "passwd"),
            ("slack", "verify_ssl"),
        ] {
            assert_eq!(told_of(names, &[key]), [""; 0], "{names} {key}");
        }
        assert_eq!(told_of("", &["hsot"]), [""; 0], "there is nobody to know it");
    }
}
