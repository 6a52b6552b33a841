//! `archive.extracted` over archives nobody should unpack: whatever they hold, what lies outside the folder stays as it was.

#![allow(clippy::unwrap_used)]

#[path = "support/made.rs"]
mod made;
mod support;

use halite_wire::{Map, Value};
use made::{Entry, pax, tar, zip};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Ended, Room};

/// A folder to unpack into, and beside it one that nothing may touch.
struct Place {
    room: Room,
}

/// Path, mode and content of everything below a folder.
type Seen = BTreeMap<PathBuf, (u32, u64, Vec<u8>)>;

impl Place {
    fn new() -> Place {
        let room = Room::new();
        let canary = room.write("outside/canary", "as it was");
        fs::set_permissions(&canary, fs::Permissions::from_mode(0o640)).unwrap();
        room.write("outside/dir/inner", "too");
        fs::set_permissions(room.path("outside/dir"), fs::Permissions::from_mode(0o750)).unwrap();
        symlink("canary", room.path("outside/link")).unwrap();
        fs::create_dir_all(room.path("box")).unwrap();
        Place { room }
    }

    fn seen(&self) -> Seen {
        let mut seen = Seen::new();
        look(&self.room.path("outside"), &mut seen);
        let names: Vec<_> =
            fs::read_dir(&self.room.dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        seen.insert(PathBuf::from("names"), (0, names.len() as u64, Vec::new()));
        seen.insert(
            PathBuf::from("box"),
            (0, fs::read_dir(self.room.path("box")).unwrap().count() as u64, Vec::new()),
        );
        seen
    }

    fn outside(&self) -> String {
        self.room.path("outside").display().to_string()
    }

    /// Unpacks these bytes into `box/target`.
    fn unpack(&self, bytes: &[u8], ending: &str, more: &[(&str, Value)]) -> Ended {
        let file = self.room.path(&format!("box.{ending}"));
        fs::write(&file, bytes).unwrap();
        let target = self.room.path("box/target");
        let mut arguments = Map::from([
            ("name", Value::from(target.to_str().unwrap())),
            ("source", file.to_str().unwrap().into()),
            ("enforce_toplevel", false.into()),
        ]);
        more.iter().for_each(|(key, value)| drop(arguments.insert(*key, value.clone())));
        self.room.state("archive.extracted", arguments, false)
    }
}

fn look(path: &Path, seen: &mut Seen) {
    let meta = path.symlink_metadata().unwrap();
    let content = match meta.file_type() {
        kind if kind.is_symlink() => fs::read_link(path).unwrap().into_os_string().into_encoded_bytes(),
        kind if kind.is_dir() => {
            fs::read_dir(path).unwrap().for_each(|entry| look(&entry.unwrap().path(), seen));
            Vec::new()
        }
        _ => fs::read(path).unwrap(),
    };
    seen.insert(path.to_owned(), (meta.mode(), meta.nlink(), content));
}

/// Names that lead out of a folder two below the room.
fn ways_out(outside: &str) -> Vec<String> {
    [
        "../../outside/canary".to_owned(),
        "a/../../../outside/canary".to_owned(),
        "./../.././outside/dir/inner".to_owned(),
        "..//..//outside/new".to_owned(),
        "target/../../../outside/new".to_owned(),
        format!("{outside}/canary"),
        format!("/{outside}/new"),
    ]
    .to_vec()
}

/// Archives with a name for messages, and the entry that must be named in the refusal, where it is one.
fn corpus(outside: &str) -> Vec<(String, Vec<Entry>, Option<String>)> {
    let mut all = Vec::new();
    for way in ways_out(outside) {
        let refused = way.contains("..").then(|| way.clone());
        for (kind, entry) in [
            ("file", Entry::file(&way, b"changed")),
            ("directory", Entry::directory(&way).mode(0o777)),
            ("link", Entry::link(&way, "/etc")),
            ("setuid file", Entry::file(&way, b"changed").mode(0o4777)),
        ] {
            all.push((format!("{kind} at {way}"), vec![entry], refused.clone()));
        }
        let hard = Entry::hard("h", &way);
        all.push((format!("hard link to {way}"), vec![hard], Some("h".to_owned())));
        let linked = [Entry::link("l", &way), Entry::hard("h", "l"), Entry::file("h", b"changed")];
        all.push((format!("hard link to a link to {way}"), linked.to_vec(), Some("h".to_owned())));
    }
    for target in
        [outside.to_owned(), "../../outside".to_owned(), "x/../../../outside".to_owned(), "/".to_owned()]
    {
        let link = Entry::link("out", &target);
        let then = [
            Entry::file("out/canary", b"changed"),
            Entry::file("./out//dir/inner", b"changed"),
            Entry::directory("out/dir").mode(0o777),
            Entry::directory("out").mode(0o777),
            Entry::file("out", b"changed"),
            Entry::hard("out/new", "out/canary"),
            Entry::link("out/new", "canary"),
        ];
        for second in then {
            let name = second.name.clone();
            all.push((format!("link to {target}, then {name}"), vec![link.clone(), second], Some(name)));
        }
    }
    for (kind, name) in [(b'3', "character device"), (b'4', "block device"), (b'6', "pipe")] {
        all.push((name.to_owned(), vec![Entry::special("dev/x", kind)], Some("dev/x".to_owned())));
    }
    all.extend(oddities(outside).into_iter().map(|(name, entries)| (name.to_owned(), entries, None)));
    all
}

/// Archives that say different things at once, or nothing that makes sense.
fn oddities(outside: &str) -> Vec<(&'static str, Vec<Entry>)> {
    let out = format!("{outside}/canary");
    let long = format!("../../outside/{}", "x".repeat(200));
    vec![
        (
            "a path in a PAX header",
            vec![pax(&[("path", "../../outside/canary")]), Entry::file("a", b"changed")],
        ),
        ("an absolute path in a PAX header", vec![pax(&[("path", &out)]), Entry::file("a", b"changed")]),
        (
            "a link in a PAX header",
            vec![pax(&[("linkpath", &out)]), Entry::hard("a", "b"), Entry::file("a", b"x")],
        ),
        (
            "sizes that disagree",
            vec![
                pax(&[("size", "0")]),
                Entry::file("a", &tar(&[Entry::file("../../outside/canary", b"changed")])),
            ],
        ),
        (
            "a size beyond the end",
            vec![
                pax(&[("size", "99999999999")]),
                Entry::file("a", b"x"),
                Entry::file("../../outside/canary", b"y"),
            ],
        ),
        ("a long name that leads out", vec![Entry::long_name(long.as_bytes()), Entry::file("a", b"changed")]),
        ("a long name without an end", vec![Entry::long_name(&[b'.'; 700]), Entry::file("a", b"changed")]),
        (
            "a long name of nothing",
            vec![Entry::long_name(b""), Entry::file("../../outside/canary", b"changed")],
        ),
        ("a name with a line end", vec![Entry::file("a\n../../outside/canary", b"changed")]),
        (
            "a name with a zero byte",
            vec![pax(&[("path", "a\0../../outside/canary")]), Entry::file("a", b"changed")],
        ),
        ("a name like a listing", vec![Entry::file("-rw-r--r-- 0/0 1 2026-01-01 00:00 a -> /etc", b"x")]),
        (
            "a name like an option",
            vec![Entry::file("--checkpoint-action=exec=touch x", b"x"), Entry::file("-P", b"x")],
        ),
        ("the same name twice", vec![Entry::file("a", b"1"), Entry::file("a", b"2")]),
        ("names that differ in case", vec![Entry::link("A", "/etc"), Entry::file("a/x", b"2")]),
        ("setuid and foreign owners", vec![Entry::file("a", b"1").mode(0o6755).owner(12345, 54321)]),
        ("a file of 8 EiB", vec![Entry::file("a", b"").size(1 << 62)]),
        ("a checksum that is wrong", vec![Entry::file("../../outside/canary", b"changed").spoilt()]),
        ("an empty name", vec![Entry::file("", b"x")]),
        ("only dots", vec![Entry::directory(".."), Entry::directory("."), Entry::file("./..", b"x")]),
    ]
}

#[test]
fn sec_65_whatever_an_archive_holds_nothing_outside_changes() {
    let place = Place::new();
    let before = place.seen();
    let corpus = corpus(&place.outside());
    assert!(corpus.len() >= 60);
    for (name, entries, refused) in corpus {
        let ended = place.unpack(&tar(&entries), "tar", &[]);
        let target = place.room.path("box/target");
        let _ = fs::remove_dir_all(&target);
        let _ = fs::remove_file(&target);
        assert_eq!(without_archive(place.seen()), without_archive(before.clone()), "{name}: {ended:?}");
        if let Some(entry) = refused {
            assert_eq!(ended.result, Some(false), "{name}: {ended:?}");
            let plain = entry.trim_end_matches('/');
            assert!(ended.comment.contains(plain), "{name}: {entry} is not named in {:?}", ended.comment);
        }
    }
}

/// The archive itself is new beside the folders.
fn without_archive(mut seen: Seen) -> Seen {
    seen.remove(Path::new("names"));
    seen
}

#[test]
fn sec_65_zip_archives_stay_inside_too() {
    let place = Place::new();
    let before = place.seen();
    let link = |name: &str, target: &str| Entry::link(name, target);
    let mut cases: Vec<(Vec<Entry>, Option<&str>)> = vec![
        (vec![link("out", "../../outside"), Entry::file("out/canary", b"changed")], Some("out/canary")),
        (vec![link("out", "../../outside"), Entry::directory("out/dir/").mode(0o777)], Some("out/dir")),
        (vec![link("out", &place.outside()), Entry::file("out", b"changed")], Some("out")),
        (vec![Entry::special("pipe", b'6')], Some("pipe")),
    ];
    let ways = ways_out(&place.outside());
    cases.extend(
        ways.iter()
            .map(|way| (vec![Entry::file(way, b"changed")], way.contains("..").then_some(way.as_str()))),
    );
    for (entries, refused) in cases {
        let ended = place.unpack(&zip(&entries), "zip", &[]);
        let _ = fs::remove_dir_all(place.room.path("box/target"));
        assert_eq!(without_archive(place.seen()), without_archive(before.clone()), "{entries:?}: {ended:?}");
        if let Some(entry) = refused {
            assert_eq!(ended.result, Some(false), "{ended:?}");
            assert!(ended.comment.contains(entry), "{entry} is not named: {ended:?}");
        }
    }
}

#[test]
fn sec_65_usual_archives_are_unpacked_as_ever() {
    let place = Place::new();
    let usual = [
        Entry::directory("app/"),
        Entry::file("app/bin/run", b"#!/bin/sh\n").mode(0o755),
        Entry::hard("app/bin/again", "app/bin/run"),
        Entry::link("app/current", "bin"),
        Entry::link("app/etc", "/etc"),
        Entry::file("app/..hidden", b"x"),
    ];
    let ended = place.unpack(&tar(&usual), "tar", &[]);
    assert_eq!(ended.result, Some(true), "{ended:?}");
    let target = place.room.path("box/target/app");
    assert_eq!(fs::read(target.join("current/again")).unwrap(), b"#!/bin/sh\n");
    assert_eq!(fs::read_link(target.join("etc")).unwrap(), Path::new("/etc"));
    assert_eq!(fs::read(target.join("..hidden")).unwrap(), b"x");
}

/// `bytes` through a program of this machine.
fn packed(program: &[&str], bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut command = Command::new(program[0]);
    let mut child = command.args(&program[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let feed = std::thread::spawn(move || input.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn refused(place: &Place, bytes: &[u8], ending: &str, more: &[(&str, Value)], words: &str) {
    let ended = place.unpack(bytes, ending, more);
    assert_eq!(ended.result, Some(false), "{ending}: {ended:?}");
    assert!(ended.comment.contains(words), "{ending}: {}", ended.comment);
    assert!(!place.room.path("box/target").exists(), "{ending}: something is left");
}

#[test]
fn sec_66_bombs_are_refused_before_a_byte_is_written() {
    let place = Place::new();
    let zeros = tar(&[Entry::file("zeros", &vec![0; 40 << 20])]);
    let says = "'unpacked_bytes_max' allows more";
    for (ending, program) in
        [("tar.gz", &["gzip", "-9c"][..]), ("tar.bz2", &["bzip2", "-9c"]), ("tar.xz", &["xz", "-1c"])]
    {
        let bomb = packed(program, &zeros);
        refused(&place, &bomb, ending, &[], says);
        let allowed = place.unpack(&bomb, ending, &[("unpacked_bytes_max", (64_i64 << 20).into())]);
        assert_eq!(allowed.result, Some(true), "{ending}: {}", allowed.comment);
        fs::remove_dir_all(place.room.path("box/target")).unwrap();
        refused(&place, &bomb, ending, &[("unpacked_bytes_max", 1000.into())], says);
    }
    let sparse = tar(&[Entry::file("a", b"").size(1 << 40)]);
    refused(&place, &sparse, "tar", &[], "");
    let many: Vec<Entry> = (0..300).map(|n| Entry::file(&format!("f{n}"), b"").claims(1 << 30)).collect();
    refused(&place, &zip(&many), "zip", &[], says);
}

#[test]
fn sec_66_a_zip_that_lies_about_its_sizes_is_cut_off_and_removed() {
    let place = Place::new();
    // 40 MiB of zeros, as a stream that says 10 bytes.
    let bomb = zip(&[Entry::file("small", &vec![0; 40 << 20]).deflated().claims(10)]);
    assert!(bomb.len() < 1 << 20);
    refused(&place, &bomb, "zip", &[], "");
    // What was there before stays.
    place.room.write("box/target/before", "mine");
    let ended = place.unpack(&bomb, "zip", &[]);
    assert_eq!(ended.result, Some(false), "{ended:?}");
    let left: Vec<_> = fs::read_dir(place.room.path("box/target"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["before"]);
}

#[test]
fn sec_66_entries_of_a_zip_that_share_their_bytes_count_each() {
    let place = Place::new();
    let entry = Entry::file("kernel", &vec![0; 2 << 20]).deflated();
    let names: Vec<String> = (0..200).map(|number| format!("copy{number}")).collect();
    let bomb = made::overlapping(&entry, &names);
    refused(&place, &bomb, "zip", &[], "'unpacked_bytes_max' allows more");
}

#[test]
fn sec_66_a_decompressor_gets_no_window_of_gigabytes() {
    let place = Place::new();
    let small = tar(&[Entry::file("a", b"content")]);
    let wide = packed(&["xz", "-c", "--lzma2=preset=0,dict=512MiB", "-T1"], &small);
    refused(&place, &wide, "tar.xz", &[], "emory");
    let usual = packed(&["xz", "-9c", "-T1"], &small);
    assert_eq!(place.unpack(&usual, "tar.xz", &[]).result, Some(true));
}
