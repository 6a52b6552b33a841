//! Parts of returners by themselves.

use super::outlet::wait_after;
use super::{Settings, find};
use crate::config::Config;
use halite_wire::{Map, Value};
use std::time::Duration;

fn settings(name: &str, alternative: Option<&str>, opts: Map, kwargs: Map) -> Settings {
    let mut config = Config::default();
    config.opts.0 = opts;
    Settings::new(&config, find(name).unwrap().prefixes, alternative, kwargs)
}

#[test]
fn the_nearest_place_of_a_key_counts() {
    let opts = Map::from([
        ("mysql.host", Value::from("flat")),
        ("mysql.port", "3307".into()),
        ("mysql", Map::from([("user", "nested"), ("db", "")]).into()),
        ("alternative.mysql.host", "other".into()),
    ]);
    let plain = settings("mysql", None, opts.clone(), Map::new());
    assert_eq!(plain.text("host").unwrap().as_deref(), Some("flat"));
    assert_eq!(plain.text_or("user", "salt").unwrap(), "nested");
    assert_eq!(plain.text_or("db", "salt").unwrap(), "salt", "empty is not set");
    assert_eq!(plain.port_or("port", 1).unwrap(), 3307);
    let other = settings("mysql", Some("alternative"), opts.clone(), Map::new());
    assert_eq!(other.text("host").unwrap().as_deref(), Some("other"));
    assert_eq!(other.text_or("user", "salt").unwrap(), "nested", "what the set lacks is the usual one's");
    let given = settings("mysql", Some("alternative"), opts, Map::from([("host", "given")]));
    assert_eq!(given.text("host").unwrap().as_deref(), Some("given"));
}

#[test]
fn what_is_wrong_with_a_key_never_shows_its_value() {
    let opts = Map::from([
        ("slack.api_key", Value::List(vec!["canary".into()])),
        ("slack.changes", "canary".into()),
    ]);
    let slack = settings("slack", None, opts, Map::new());
    let said = format!("{:?} {:?} {slack:?}", slack.secret("api_key"), slack.flag_or("changes", false));
    assert!(said.contains("slack.api_key") && !said.contains("canary"), "{said}");
}

#[test]
fn secrets_are_cut_out_of_messages_once_they_were_read() {
    let slack = settings("slack", None, Map::from([("slack.api_key", "xoxb-canary")]), Map::new());
    slack.secret("api_key").unwrap();
    assert_eq!(slack.scrub("no such token: xoxb-canary!"), "no such token: **********!");
}

#[test]
fn waits_grow_from_seconds_to_an_hour() {
    assert_eq!([1, 2, 5].map(wait_after), [2, 4, 32].map(Duration::from_secs));
    assert_eq!([12, 40, u32::MAX].map(wait_after), [3600; 3].map(Duration::from_secs));
}
