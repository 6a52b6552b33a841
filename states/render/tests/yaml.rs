//! The loader against what Salt's own makes of the same documents, and against hostile ones.

#![allow(clippy::unwrap_used)]

use halite_render::repr::repr;
use halite_render::yaml::{self, Mark, YamlError};
use serde_json::Value as Json;
use std::time::{Duration, Instant};

fn fixture(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_recorded_document_has_the_value_salt_gives_it() {
    let recorded = fixture(include_str!("yaml_types.json"));
    let mut wrong = Vec::new();
    for case in recorded["cases"].as_array().unwrap() {
        let source = case["source"].as_str().unwrap();
        let ours = yaml::load(source).map(|node| repr(&node.to_value()));
        match (&ours, case["value"].as_str()) {
            (Ok(ours), Some(theirs)) if ours == theirs => {}
            (Err(_), None) => {}
            _ => wrong.push(format!("{source:?}: {ours:?}, Salt: {case}")),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_the_parser_refuses_is_an_error_and_nothing_panics() {
    let recorded = fixture(include_str!("yaml_events.json"));
    for doc in recorded["docs"].as_array().unwrap() {
        let source = doc["source"].as_str().unwrap();
        let loaded = yaml::load(source);
        assert!(!doc["events"].is_string() || loaded.is_err(), "{source:?}: {loaded:?}");
    }
}

/// Random documents of pieces that mean something to a scanner; the seed is fixed.
#[test]
fn no_mixture_of_yaml_signs_panics() {
    const PIECES: &[&str] = &[
        "a",
        "- ",
        ": ",
        "\n",
        "  ",
        "'",
        "\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        "!",
        "!!",
        "&a",
        "*a",
        "|",
        "> ",
        "|2",
        "#",
        " ",
        "\t",
        "?",
        "? ",
        "%",
        "@",
        "---",
        "...",
        "\\",
        "\\x4",
        "\u{e9}",
        "\r",
        "\u{85}",
        "\u{2028}",
        "<<",
        "=",
        "1",
        "~",
        "%YAML 1.1",
        "%TAG ! x",
        "!<x>",
        "!x!y",
        "\u{feff}",
        "%41",
        "|-",
        "|+",
        "\\u00e9",
        ":",
        "-",
    ];
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..60_000 {
        let document: String = (0..=random(12)).map(|_| PIECES[random(PIECES.len())]).collect();
        if let Ok(node) = yaml::load(&document) {
            yaml::dump(&node.to_value());
        }
        yaml::scalar(&document);
    }
}

fn error(source: &str) -> YamlError {
    yaml::load(source).unwrap_err()
}

#[test]
fn every_node_knows_its_place() {
    let node = yaml::load("a:\n  - b\n  - {c: d}\n").unwrap();
    let list = node.get("a").unwrap();
    assert_eq!(list.mark, Mark { line: 2, column: 3 });
    assert_eq!(list.as_list().unwrap()[1].get("c").unwrap().mark, Mark { line: 3, column: 9 });
}

#[test]
fn a_key_written_twice_names_both_places() {
    let error = error("web1:\n  host: a\n  port: 1\n  host: b\n");
    assert_eq!(error.mark, Mark { line: 4, column: 3 });
    assert_eq!(error.related, Some((Mark { line: 2, column: 3 }, "the first is".to_owned())));
    let text = "line 4, column 3: the key \"host\" is there twice (the first is at line 2, column 3)";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_report_shows_the_lines_and_the_caret() {
    let source = "web1:\n  host: a\n\tport: 1\n";
    let report = error(source).report("/etc/salt/roster", source);
    assert!(report.starts_with("/etc/salt/roster:3:1: "), "{report}");
    assert!(report.contains("3 | \u{2192}port: 1\n  | ^"), "{report}");
    assert!(report.ends_with("hint: indent with spaces, not with a tab"), "{report}");
}

#[test]
fn common_mistakes_get_a_hint() {
    let cases = [
        ("a:\n\t- b", "indent with spaces"),
        ("a: {{ x }}", "quote a value that begins with a template: \"{{ x }}\""),
        ("a: {{ x }}/y\nb: 1", "quote a value that begins with a template: \"{{ x }}/y\""),
        ("host:web1\nport: 22", "put a space after the colon: `host: web1`"),
        ("a:\n  host: x\n  port:22\n", "put a space after the colon: `port: 22`"),
        ("a: @x", "put a value that begins with `@` in quotes: '@x'"),
        ("a: %x", "put a value that begins with `%` in quotes"),
        ("a: *x", "text that begins with `*` is quoted"),
        ("a: 'b\nc: d\n", "close the quotes"),
        ("a: b: c", "put a value that holds `: ` in quotes: 'b: c'"),
        ("a:\n  b: 1\n c: 2\n", "indent this line as its neighbours"),
        ("a: !foo x", "put the whole value in quotes"),
        ("a: !!python/object:os.x {}", "data cannot name Python objects"),
        ("--- a\n--- b", "take out the line `---`"),
        ("a: \u{7}", "escape"),
    ];
    for (source, hint) in cases {
        let error = error(source);
        assert!(error.hint.as_deref().is_some_and(|text| text.contains(hint)), "{source:?}: {error:?}");
    }
}

/// An error, soon, and without the memory the document asks for.
fn refused_soon(source: &str) -> YamlError {
    let begin = Instant::now();
    let error = error(source);
    let limit = if cfg!(debug_assertions) { 5000 } else { 100 };
    assert!(begin.elapsed() < Duration::from_millis(limit), "{:?} for {error}", begin.elapsed());
    error
}

#[test]
fn sec_60_a_bomb_of_aliases_is_refused_before_it_unfolds() {
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, of) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 10].join(",")));
    }
    assert!(refused_soon(&bomb).message.contains("1000000 values"));
}

#[test]
fn sec_60_a_bomb_of_merge_keys_is_refused() {
    let mut bomb = "a0: &a0 {k: v}\n".to_owned();
    for n in 1..40 {
        bomb.push_str(&format!("a{n}: &a{n} {{x: *a{}, y: *a{}}}\n", n - 1, n - 1));
    }
    bomb.push_str("z: {<<: *a39}\n");
    assert!(refused_soon(&bomb).message.contains("1000000 values"));
}

#[test]
fn sec_60_nesting_beyond_the_limit_is_refused_in_every_style() {
    for opening in ["[", "{a: ", "- ", "? "] {
        let error = refused_soon(&opening.repeat(100_000));
        assert!(error.message.contains("nested deeper than 128"), "{opening:?}: {error}");
    }
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(yaml::load(&deep(128)).is_ok());
    assert!(yaml::load(&deep(129)).is_err());
    let beside = format!("a: &a {}\nb: [{}, *a]", deep(100), deep(100));
    assert!(yaml::load(&beside).is_ok());
    let inside = format!("a: &a {}\nb: {}*a{}", deep(100), "[".repeat(40), "]".repeat(40));
    assert!(refused_soon(&inside).message.contains("128"));
}

#[test]
fn sec_60_cycles_are_refused() {
    for cycle in ["&a [*a]", "&a {x: *a}", "a: &self\n  <<: *self\n  b: 1", "&a {*a : 1}"] {
        assert!(refused_soon(cycle).message.contains("inside what it names"), "{cycle}");
    }
}

#[test]
fn sec_60_no_tag_names_code() {
    for tag in ["object/apply:os.system ['true']", "object:os.x {}", "name:os.system ''"] {
        assert!(refused_soon(&format!("!!python/{tag}")).message.contains("no type"), "{tag}");
    }
}

#[test]
fn sec_60_a_document_above_the_size_limit_is_refused() {
    let huge = format!("a: '{}'", "x".repeat(halite_render::limits::SOURCE_BYTES_MAX));
    assert!(refused_soon(&huge).message.contains("8 MiB"));
}

#[test]
fn sec_60_a_number_of_many_digits_is_no_long_work() {
    for number in ["9".repeat(1_000_000), format!("0x{}", "f".repeat(1_000_000)), ["1"; 300_000].join(":")] {
        let begin = Instant::now();
        assert!(yaml::load(&format!("a: {number}")).is_err());
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    }
}
