//! Broken rosters: everything wrong is told at once, with its place, before any session.

use halite_roster::{Settings, flat};
use proptest::prelude::*;
use std::fmt::Write;
use std::path::PathBuf;

const CASES: &str = include_str!("broken.txt");

fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    CASES.split("\n=== ").skip(1).map(|case| case.split_once('\n').unwrap_or((case, "")))
}

fn complaints(text: &str) -> String {
    let settings = Settings { file: PathBuf::from("roster"), ..Settings::default() };
    flat::parse(text, &settings)
        .map_or_else(|problems| problems.to_string(), |_| "roster:1:1: NOTHING IS WRONG".into())
}

#[test]
fn ctl_12_every_broken_roster_gets_its_messages() {
    let mut table = String::new();
    for (name, text) in cases() {
        writeln!(table, "=== {name}\n{}", complaints(text)).unwrap();
    }
    insta::assert_snapshot!("broken", table);
    assert!(!table.contains("NOTHING IS WRONG"), "{table}");
}

#[test]
fn ctl_12_there_are_at_least_200_broken_rosters_and_each_message_has_a_place() {
    assert!(cases().count() >= 200, "{}", cases().count());
    for (name, text) in cases() {
        for line in complaints(text).lines() {
            let mut parts =
                line.strip_prefix("roster:").unwrap_or_else(|| panic!("{name}: {line}")).splitn(3, ':');
            let (row, column) = (parts.next().unwrap(), parts.next().unwrap());
            assert!(
                row.parse::<usize>().unwrap() >= 1 && column.parse::<usize>().unwrap() >= 1,
                "{name}: {line}"
            );
            assert!(!line.contains(char::is_control), "{name}: {line:?}");
        }
    }
}

#[test]
fn ctl_12_all_mistakes_are_told_at_once() {
    let (_, text) = cases().find(|(name, _)| name.starts_with("all at once: ten")).unwrap();
    assert_eq!(complaints(text).lines().count(), 10);
}

#[test]
fn sec_45_no_message_about_a_password_shows_it() {
    for (name, text) in cases().filter(|(name, _)| name.contains("passwd")) {
        assert!(!complaints(text).contains("canary"), "{name}");
    }
}

proptest! {
    #[test]
    fn ctl_12_no_text_makes_the_reader_fail(text in "([a-z:{}\\[\\]'\"&*!|>%@`# -]|\n|\n  |: |- |host|port|ssh_options|\\PC){0,40}") {
        let settings = Settings { file: PathBuf::from("roster"), ..Settings::default() };
        if let Ok(roster) = flat::parse(&text, &settings) {
            for host in roster.hosts {
                prop_assert!(!host.host.is_empty() && !host.host.starts_with('-') && !host.user.starts_with('-'));
            }
        }
    }
}
