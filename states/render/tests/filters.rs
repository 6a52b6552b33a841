//! Filters and tests against what real Salt makes of them, and those that ask execution functions.

#![allow(clippy::unwrap_used)]

use halite_render::jinja::{self, Functions, NoFunctions, NoTemplates};
use halite_wire::{Map, Value};
use serde_json::Value as Json;

#[test]
fn filters_and_tests_do_what_salts_do() {
    let recorded: Json = serde_json::from_str(include_str!("../../../tests/oracle/filters.json")).unwrap();
    let cases = recorded["cases"].as_array().unwrap();
    assert!(cases.len() >= 300, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let source = case["source"].as_str().unwrap();
        let ours = jinja::render(source, "case", &Map::new(), &NoTemplates, &NoFunctions);
        let same = match (&ours, case["want"].as_str()) {
            (Ok(ours), Some(want)) => ours == want,
            (Err(_), None) => true,
            _ => false,
        };
        if !same {
            let want = case["want"].as_str().or(case["error"].as_str()).unwrap();
            let ours = ours.unwrap_or_else(|error| format!("{error}"));
            wrong.push(format!("{source}\n  Salt {want:?}\n  ours {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A host that answers what filters ask it.
struct Host;

impl Functions for Host {
    fn has(&self, _: &str) -> bool {
        true
    }

    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, String> {
        let first = args.first().and_then(Value::as_str).unwrap_or("").to_owned();
        Ok(match (name, first.as_str()) {
            ("cmd.which", _) => format!("/usr/bin/{first}").into(),
            ("cmd.run", command) if command.starts_with("date ") => "+0100".into(),
            ("cmd.run", "getent ahosts web") => {
                "192.0.2.1 STREAM web\n192.0.2.1 DGRAM\n2001:db8::1 STREAM\n".into()
            }
            ("cmd.run", _) => "".into(),
            ("network.connect", address) => Map::from([("result", address.contains(':'))]).into(),
            ("file.get_hash", _) => format!("{first} by {}", args[1].as_str().unwrap_or("")).into(),
            ("file.user_to_uid", _) => 33.into(),
            ("file.file_exists", path) => (path != "/nothing").into(),
            ("file.stats", path) => Map::from([("size", i64::from(path != "/empty"))]).into(),
            ("file.read", "/bin/x") => Value::Bytes(vec![0, 159, 1]),
            ("file.read", _) => "text\n".into(),
            ("http.query", _) => {
                Map::from([("asked", Value::from(first)), ("more", Value::Map(kwargs))]).into()
            }
            ("random.sample", _) => Value::List(args),
            _ => Value::Null,
        })
    }
}

#[test]
fn filters_that_look_at_the_machine_ask_execution_functions() {
    for (source, want) in [
        ("{{ 'ls'|which }}", "/usr/bin/ls"),
        ("{{ 'web'|dns_check(80) }}", "[2001:db8::1]"),
        ("{{ '/x'|file_hashsum }} {{ '/x'|file_hashsum('md5') }}", "/x by sha256 /x by md5"),
        ("{{ 'www'|get_uid }}", "33"),
        ("{{ '/empty'|is_empty }} {{ '/x'|is_empty }} {{ '/nothing'|is_empty }}", "True False False"),
        (
            "{{ '/bin/x'|is_bin_file }} {{ '/x'|is_bin_file }} {{ '/nothing'|is_bin_file }}",
            "True False False",
        ),
        (
            "{{ '/bin/x'|is_text_file }} {{ '/x'|is_text_file }} {{ '/nothing'|is_text_file }}",
            "False True False",
        ),
        ("{{ 'http://x'|http_query(method='POST') }}", "{'asked': 'http://x', 'more': {'method': 'POST'}}"),
        ("{{ [1, 2, 3]|random_sample(2, seed='x') }}", "[[1, 2, 3], 2, 'x']"),
        ("{{ 0|strftime('%H:%M') }}", "01:00"),
        ("{{ ifelse('web*', 'a', 'b') }}", "None"),
    ] {
        let ours = jinja::render(source, "case", &Map::new(), &NoTemplates, &Host);
        assert_eq!(ours.as_deref(), Ok(want), "{source}");
    }
    assert!(jinja::render("{{ 'nope'|dns_check(80) }}", "case", &Map::new(), &NoTemplates, &Host).is_err());
}

#[test]
fn chance_stays_within_its_bounds() {
    let rendered =
        |source: &str| jinja::render(source, "case", &Map::new(), &NoTemplates, &NoFunctions).unwrap();
    for _ in 0..20 {
        assert!(["1", "2", "3"].contains(&rendered("{{ [1, 2, 3]|random }}").as_str()));
        assert_eq!(
            rendered("{{ [3, 1, 2]|random_shuffle|sort }} {{ [1, 2]|random_sample(1)|length }}"),
            "[1, 2, 3] 1"
        );
        assert_eq!(
            rendered(
                "{{ 32|random_str|length }} {{ 100|random_hash|length }} {{ 9|rand_str('sha512')|length }}"
            ),
            "32 32 128"
        );
        assert!(rendered("{{ '00:16:3E'|gen_mac }}").starts_with("00:16:3E:"));
    }
    assert_ne!(rendered("{{ 32|random_str }}"), rendered("{{ 32|random_str }}"));
}
