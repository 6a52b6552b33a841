//! The matcher against what Python's `re` finds, as recorded by `tests/oracle/record_re.py`; and its limits.

#![allow(clippy::unwrap_used)]

use halite_pattern::{Flags, Kind, Pattern, TooManySteps};
use serde_json::Value;
use std::time::{Duration, Instant};

fn flags(letters: &str) -> (Flags, Kind) {
    let has = |letter| letters.contains(letter);
    let flags = Flags { ignore_case: has('i'), multi_line: has('m'), dot_all: has('s'), verbose: has('x') };
    (flags, if has('b') { Kind::Bytes } else { Kind::Text })
}

fn found(pattern: &str, letters: &str, text: &str) -> Value {
    let (flags, kind) = flags(letters);
    let Ok(pattern) = Pattern::new(pattern, flags, kind) else { return "error".into() };
    let span = |span: (usize, usize)| serde_json::json!([span.0, span.1]);
    match pattern.search(text.as_bytes(), 0).unwrap() {
        Some(groups) => groups.into_iter().map(|group| group.map_or(Value::Null, span)).collect(),
        None => Value::Null,
    }
}

#[test]
fn every_recorded_search_finds_what_python_finds() {
    let rows: Vec<(String, String, String, Value)> = serde_json::from_str(include_str!("re.json")).unwrap();
    assert!(rows.len() > 1000);
    let wrong: Vec<String> = rows
        .iter()
        .map(|(pattern, flags, text, wanted)| (pattern, flags, text, wanted, found(pattern, flags, text)))
        .filter(|(_, _, _, wanted, found)| *wanted != found)
        .map(|(pattern, flags, text, wanted, found)| {
            format!("{pattern:?} {flags:?} on {text:?}: {found}, not {wanted}")
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

fn plain(pattern: &str) -> Pattern {
    Pattern::new(pattern, Flags::default(), Kind::Text).unwrap()
}

#[test]
fn bytes_that_are_no_text_are_units_of_their_own() {
    let text = b"a\xff\xe2\x82\xac\xe2\x82b";
    assert_eq!(plain("a(.)(.)(.)(.)b").search(text, 0).unwrap().unwrap()[3], Some((5, 6)));
    assert_eq!(plain(r"\w+$").search(text, 0).unwrap().unwrap()[0], Some((7, 8)));
    assert_eq!(plain(".*\u{20ac}").search(text, 0).unwrap().unwrap()[0], Some((0, 5)));
}

#[test]
fn replacements_know_groups_and_empty_matches() {
    assert_eq!(plain("(a)(?P<n>b)?").replace_all(b"ab a x", "[\\2\\1\\g<n>]").unwrap(), b"[bab] [a] x");
    assert_eq!(plain("x*").replace_all(b"abxd", "-").unwrap(), b"-a-b--d-");
    assert_eq!(halite_pattern::escape("a.b "), "a\\.b\\ ");
}

#[test]
fn broken_patterns_name_the_character() {
    let error = Pattern::new("aü(", Flags::default(), Kind::Text).unwrap_err();
    assert_eq!(error.to_string(), "a `)` is missing at character 4");
    assert!(Pattern::new("(?:ab){60000}", Flags::default(), Kind::Text).is_err(), "too large");
    assert!(Pattern::new(&"(".repeat(5000), Flags::default(), Kind::Text).is_err(), "too deep");
}

#[test]
fn sec_63_a_pattern_that_would_run_for_ever_ends() {
    let text = "a".repeat(40) + "b";
    for pattern in ["(a+)+$", "(a|aa)*c", "(a*)*c", "(?:a?){40}a{40}c"] {
        assert_eq!(plain(pattern).search(text.as_bytes(), 0), Err(TooManySteps), "{pattern}");
    }
    assert_eq!(plain("(x+x+)+y").with_steps(100).search("x".repeat(30).as_bytes(), 0), Err(TooManySteps));
}

#[test]
fn ten_megabytes_are_searched_at_once() {
    let mut text = b"the quick brown fox jumps over the lazy dog, line of a log\n".repeat(10 << 20 >> 6);
    text.extend_from_slice(b"ERROR 42");
    // An unoptimised build is slower by an order of magnitude.
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 1 });
    for source in [r"ERROR (\d+)", r"^ERROR", r".*ERROR \d", r"[A-Z]+ 42$", "(?i)error"] {
        let (flags, _) = flags("m");
        let pattern = Pattern::new(source, flags, Kind::Bytes).unwrap();
        let begin = Instant::now();
        assert!(pattern.search(&text, 0).unwrap().is_some());
        assert!(begin.elapsed() < limit);
    }
}
