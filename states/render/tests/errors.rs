//! What people read when their SLS, pillar or top file is wrong: one expectations file, case by case.
//!
//! `tests/errors.txt` holds cases as `=== source` (its line breaks written as `\n`) and the report below. After a
//! message was changed on purpose, `UPDATE=1 cargo test -p halite-render --test errors` writes the file anew.

#![allow(clippy::unwrap_used)]

use halite_render::jinja::{Functions, Loader, Settings};
use halite_render::template::{Context, render_pipeline};
use halite_wire::{Map, Value};
use std::fmt::Write;
use std::path::Path;

struct Site;

impl Loader for Site {
    fn load(&self, path: &str) -> Result<Option<String>, String> {
        Ok(match path {
            "lib.jinja" => Some("{% macro broken(x) %}\n  {{ x.y.z }}\n{% endmacro %}\n"),
            "bad.jinja" => Some("{% set x = 1 %}\n{% if x %}\n"),
            "outer.jinja" => {
                Some("first\n{% import 'inner.jinja' as inner with context %}\n{{ inner.show() }}\n")
            }
            "inner.jinja" => Some("{% macro show() %}\n{{ undefined_here }}\n{% endmacro %}\n"),
            "bad.yaml" => Some("a: 1\n\tb: 2\n"),
            "bad.json" => Some("{\"a\": 1,\n \"b\" 2}\n"),
            _ => None,
        }
        .map(str::to_owned))
    }
}

impl Functions for Site {
    fn has(&self, name: &str) -> bool {
        matches!(name, "pkg.version" | "test.fail")
    }

    fn names(&self) -> Vec<String> {
        vec!["pkg.version".to_owned(), "test.fail".to_owned()]
    }

    fn call(&self, _: &str, _: Vec<Value>, _: Map) -> Result<Value, String> {
        Err("the host has no such package".to_owned())
    }
}

fn report(source: &str) -> String {
    let mut variables = Map::from([("name", "web1"), ("sls", "web")]);
    variables.insert("grains", Map::from([("os", "Debian"), ("os_family", "Debian")]));
    variables.insert("pillar", Map::from([("users", Map::from([("bert", Map::from([("uid", 1000)]))]))]));
    let context =
        Context { variables: &variables, loader: &Site, functions: &Site, settings: &Settings::default() };
    match render_pipeline(source, "web.sls", "jinja|yaml", context) {
        Ok(rendered) => format!("no error: {rendered:?}"),
        Err(error) => error.report(source),
    }
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_cure() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors.txt");
    let expected = std::fs::read_to_string(&path).unwrap();
    let mut now = String::new();
    let mut cases = 0;
    for line in expected.lines().filter_map(|line| line.strip_prefix("=== ")) {
        cases += 1;
        let source = line.replace("\\n", "\n").replace("\\t", "\t").replace("\\x01", "\u{1}");
        write!(now, "=== {line}\n{}\n\n", report(&source).replace('\u{1}', "\\x01")).unwrap();
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    assert!(cases >= 120, "{cases}");
    let wrong = expected.lines().zip(now.lines()).find(|(a, b)| a != b);
    assert!(now == expected, "first difference: {wrong:?}");
}

#[test]
fn no_mistake_passes_and_each_message_names_file_line_and_column() {
    let expected = include_str!("errors.txt");
    let mut lines = expected.lines();
    while let Some(case) = lines.find(|line| line.starts_with("=== ")) {
        let first = lines.next().unwrap_or("");
        let mut parts = first.splitn(4, ':');
        let place =
            (parts.next(), parts.next().map(str::parse::<usize>), parts.next().map(str::parse::<usize>));
        assert!(matches!(place, (Some(_), Some(Ok(_)), Some(Ok(_)))), "{case}\n{first}");
        assert!(!first.contains("no error"), "{case}\n{first}");
    }
}
