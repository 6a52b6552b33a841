//! State functions that edit text in files, called directly.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use halite_wire::{Map, Value};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use support::Room;

fn arguments<const N: usize>(name: &std::path::Path, more: [(&str, Value); N]) -> Map {
    let mut all = Map::from([("name", name.to_str().unwrap())]);
    all.extend(more);
    all
}

#[test]
fn nothing_is_written_with_test() {
    let room = Room::new();
    let file = room.write("a", "port 80\n");
    for (state, more) in [
        ("file.replace", [("pattern", Value::from("80")), ("repl", Value::from("81"))]),
        ("file.line", [("mode", "delete".into()), ("match", "^port".into())]),
        ("file.comment", [("regex", "^port".into()), ("char", "#".into())]),
        ("file.keyvalue", [("key_values", Map::from([("port", "81")]).into()), ("separator", " ".into())]),
        ("file.append", [("text", "more".into()), ("ignore_whitespace", true.into())]),
    ] {
        let ended = room.state(state, arguments(&file, more), true);
        assert_eq!(ended.result, None, "{state}: {ended:?}");
        assert!(!ended.changes.is_empty(), "{state}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "port 80\n");
    assert_eq!(
        fs::read_dir(&room.dir).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count(),
        1
    );
}

#[test]
fn mode_and_other_names_of_an_edited_file_stay_and_its_backup_is_as_private() {
    let room = Room::new();
    let file = room.write("a", "secret 1\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&file, room.path("b")).unwrap();
    let more = [("pattern", Value::from("1")), ("repl", Value::from("2"))];
    assert_eq!(room.state("file.replace", arguments(&file, more), false).result, Some(true));
    assert_eq!(fs::read_to_string(room.path("b")).unwrap(), "secret 2\n");
    for name in ["a", "a.bak"] {
        assert_eq!(room.path(name).metadata().unwrap().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::read_to_string(room.path("a.bak")).unwrap(), "secret 1\n");
}

#[test]
fn a_text_with_quotes_is_found_whatever_blanks_are_between_its_words() {
    let room = Room::new();
    let file = room.write("a", "  say   \"it's so\"\n");
    let ended = room.state("file.append", arguments(&file, [("text", "say \"it's so\"".into())]), false);
    assert_eq!(ended.changes, Map::new(), "{ended:?}");
}

#[test]
fn a_pattern_that_does_not_compile_is_named() {
    let room = Room::new();
    let file = room.write("a", "x\n");
    let more = [("pattern", Value::from("(")), ("repl", Value::from("2"))];
    let ended = room.state("file.replace", arguments(&file, more), true);
    assert_eq!(ended.result, Some(false));
    assert!(ended.comment.contains("invalid regular expression \"(\""), "{}", ended.comment);
}
