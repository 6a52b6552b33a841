//! `--return-kwargs` before a run: what of it means nothing to the returners it is for, in words.
//!
//! Salt takes any key there. A slip would send returns to the usual server, so it is told while nothing has happened yet;
//! the run goes on, as no return may be lost for it.

use super::registry::{Definition, Key, find};
use super::wanted::Wanted;
use halite_roster::did_you_mean;
use halite_wire::Value;

/// Keys that mean something beside those a returner is documented with: mostly of TLS.
const MORE: [(&[&str], &[&str]); 7] = [
    (
        &[
            "appoptics",
            "couchbase",
            "couchdb",
            "elasticsearch",
            "hipchat",
            "influxdb",
            "librato",
            "mattermost",
            "nagios_nrdp",
            "prometheus",
            "pushover",
            "sentry",
            "slack",
            "slack_webhook",
            "sms",
            "splunk",
            "telegram",
        ],
        &["ca_file", "verify_ssl"],
    ),
    (&["mysql", "mariadb"], &["ssl_ca", "ssl_cert", "ssl_key"]),
    (
        &["postgres", "pgjsonb", "postgres_local_cache"],
        &["passwd", "sslmode", "sslcert", "sslkey", "sslrootcert"],
    ),
    (&["redis"], &["ssl", "ssl_ca_certs", "keep_jobs_seconds"]),
    (&["highstate"], &["host", "port", "username", "password", "tls", "ca_file"]),
    (&["local_cache"], &["hash_type"]),
    (&["carbon"], &["skip"]),
];

/// Keys of Salt's returners that change nothing here, and are no slips.
const SALTS: [(&[&str], &[&str]); 4] = [
    (
        &["elasticsearch"],
        &["debug_returner_payload", "doc_type", "master_event_doc_type", "master_job_cache_doc_type"],
    ),
    (&["pgjsonb"], &["connect_timeout", "sslcrl"]),
    (&["smtp"], &["renderer"]),
    (&["syslog"], &["options"]),
];

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
        let unknown = keys.filter(|key| !returners.iter().any(|returner| is_known(returner, key)));
        unknown.map(|key| told(key, &returners)).collect()
    }
}

fn is_known(returner: &Definition, key: &str) -> bool {
    known(returner).chain(of(&SALTS, returner)).any(|known| known == key)
}

/// What a returner reads.
fn known(returner: &Definition) -> impl Iterator<Item = &'static str> {
    returner.keys.iter().map(|Key(name, ..)| *name).chain(of(&MORE, returner))
}

fn of(
    table: &'static [(&'static [&'static str], &'static [&'static str])],
    returner: &Definition,
) -> impl Iterator<Item = &'static str> {
    let name = returner.name;
    table.iter().filter(move |(names, _)| names.contains(&name)).flat_map(|(_, keys)| *keys).copied()
}

fn told(key: &str, returners: &[&'static Definition]) -> String {
    let hint = did_you_mean(key, returners.iter().flat_map(|returner| known(returner)));
    let with_keys = |returner: &&'static Definition| match known(returner).collect::<Vec<_>>()[..] {
        [] => format!("{}, which has no keys", returner.name),
        ref keys => format!("{}, which has {}", returner.name, keys.join(", ")),
    };
    let all: Vec<String> = returners.iter().map(with_keys).collect();
    format!("--return-kwargs: `{}` means nothing to {}{hint}", key.escape_debug(), all.join("; nor to "))
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, RETURNERS};
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

    #[test]
    fn the_tables_name_returners_there_are() {
        for name in MORE.iter().chain(&SALTS).flat_map(|(names, _)| *names) {
            assert!(RETURNERS.iter().any(|returner| returner.name == *name), "{name}");
        }
    }
}
