//! `file.*` without a runtime: what must hold while a file changes, and whoever else is at work beside us.

#![allow(clippy::unwrap_used)]

mod support;

use halite_wire::message::Ask;
use halite_wire::{Map, Value};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{Room, Served};

fn managed(room: &Room, path: &Path, contents: &str, more: &[(&str, Value)]) -> support::Ended {
    let mut arguments = Map::from([("name", path.to_str().unwrap()), ("contents", contents)]);
    more.iter().for_each(|(key, value)| drop(arguments.insert(*key, value.clone())));
    room.state("file.managed", arguments, false)
}

/// Calls `watch` over and over beside `work`, and at least once after it.
fn while_watched(watch: impl Fn() + Sync, work: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                watch();
            }
            watch();
        });
        work();
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
    });
}

#[test]
fn sec_39_a_managed_secret_is_never_seen_half_or_with_another_mode() {
    let room = Room::new();
    let secret = room.path("secret");
    let texts = ["a".repeat(300_000) + "\n", "b".repeat(500_000) + "\n"];
    let sizes = texts.clone().map(|text| text.len() as u64);
    let watch = || {
        for entry in fs::read_dir(&room.dir).unwrap().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if !meta.is_file() {
                continue;
            }
            assert_eq!(meta.mode() & 0o777, 0o600, "{:?}", entry.file_name());
            if entry.file_name() == "secret" {
                assert!(sizes.contains(&meta.len()), "{} bytes", meta.len());
            }
        }
    };
    while_watched(watch, || {
        for round in 0..30 {
            let ended = managed(
                &room,
                &secret,
                &texts[round % 2],
                &[("mode", "0600".into()), ("show_changes", false.into())],
            );
            assert_eq!(ended.result, Some(true), "{}", ended.comment);
        }
    });
    assert_eq!(fs::read_dir(&room.dir).unwrap().flatten().filter(|entry| entry.path().is_file()).count(), 1);
}

#[test]
fn p6_readers_see_the_old_or_the_new_file_whole_with_its_owner_and_mode() {
    let room = Room::new();
    let file = room.write("conf", &"old\n".repeat(50_000));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let texts = ["old\n".repeat(50_000), "new\n".repeat(70_000)];
    let watch = || {
        let text = fs::read_to_string(&file).unwrap();
        assert!(texts.contains(&text), "{} bytes", text.len());
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o640);
    };
    while_watched(watch, || {
        for round in 0..20 {
            let ended = managed(&room, &file, &texts[(round + 1) % 2], &[("show_changes", false.into())]);
            assert_eq!(ended.result, Some(true), "{}", ended.comment);
        }
    });
}

#[test]
fn p6_a_write_that_cannot_be_done_leaves_the_old_file_and_nothing_else() {
    let room = Room::new();
    let file = room.write("conf", "old\n");
    let refusals: [&[(&str, Value)]; 3] = [
        &[("check_cmd", "false".into())],
        &[("encoding", "ebcdic".into())],
        &[("user", "no-such-user-here".into())],
    ];
    for more in refusals {
        assert_eq!(managed(&room, &file, "new", more).result, Some(false), "{more:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old\n", "{more:?}");
    }
    assert_eq!(fs::read_dir(&room.dir).unwrap().flatten().filter(|entry| entry.path().is_file()).count(), 1);
}

/// A directory of an unprivileged user, and a file of root's that the user would like to have overwritten. Nothing
/// where we are not root ourselves.
fn users_folder(room: &Room) -> Option<(std::path::PathBuf, std::path::PathBuf)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let (app, shadow) = (room.path("app"), room.write("shadow", "root:*\n"));
    fs::create_dir(&app).unwrap();
    chown(&app, Some(65_534), Some(65_534)).unwrap();
    fs::set_permissions(&shadow, fs::Permissions::from_mode(0o600)).unwrap();
    Some((app, shadow))
}

fn users_link(to: &Path, at: &Path) {
    symlink(to, at).unwrap();
    std::os::unix::fs::lchown(at, Some(65_534), Some(65_534)).unwrap();
}

#[test]
fn sec_40_a_link_a_user_put_in_the_place_of_a_managed_file_is_not_followed() {
    let room = Room::new();
    let Some((app, shadow)) = users_folder(&room) else { return };
    let file = app.join("x");
    users_link(&shadow, &file);
    for more in [&[][..], &[("mode", "0666".into())], &[("user", 65_534.into())]] {
        let ended = managed(&room, &file, "mine", more);
        assert_eq!(ended.result, Some(false), "{}", ended.comment);
    }
    let perms = Map::from([("name", file.to_str().unwrap())]);
    let perms = [("replace", Value::from(false)), ("mode", "0666".into()), ("user", 65_534.into())]
        .into_iter()
        .fold(perms, |mut all, (key, value)| {
            all.insert(key, value);
            all
        });
    assert_eq!(room.state("file.managed", perms, false).result, Some(false));
    // A directory of the way that the user made a link is no better.
    users_link(&room.dir, &app.join("d"));
    assert_eq!(managed(&room, &app.join("d/new"), "mine", &[]).result, Some(false));
    assert_eq!(managed(&room, &app.join("d/shadow"), "mine", &[]).result, Some(false));
    assert_eq!(fs::read_to_string(&shadow).unwrap(), "root:*\n");
    assert_eq!((shadow.metadata().unwrap().mode() & 0o777, shadow.metadata().unwrap().uid()), (0o600, 0));
    assert!(!room.path("new").exists());
    // Replacing the link harms nobody.
    let ended = managed(&room, &file, "mine", &[("follow_symlinks", false.into())]);
    assert!(ended.result == Some(true) && !file.is_symlink(), "{ended:?}");
    assert_eq!(fs::read_to_string(&shadow).unwrap(), "root:*\n");
}

#[test]
fn sec_40_whoever_swaps_file_and_link_in_time_gains_nothing() {
    let room = Room::new();
    let Some((app, shadow)) = users_folder(&room) else { return };
    let file = app.join("x");
    let swap = || {
        let spare = app.join("spare");
        users_link(&shadow, &spare);
        fs::rename(&spare, &file).unwrap();
        fs::write(&spare, "theirs").unwrap();
        chown(&spare, Some(65_534), Some(65_534)).unwrap();
        fs::rename(&spare, &file).unwrap();
    };
    while_watched(swap, || {
        for round in 0..200 {
            managed(&room, &file, &format!("{round}"), &[("mode", "0644".into()), ("user", 65_534.into())]);
        }
    });
    assert_eq!(fs::read_to_string(&shadow).unwrap(), "root:*\n");
    assert_eq!((shadow.metadata().unwrap().mode() & 0o777, shadow.metadata().unwrap().uid()), (0o600, 0));
}

#[test]
fn sec_40_a_recursive_owner_does_not_reach_through_links() {
    let room = Room::new();
    let Some((app, shadow)) = users_folder(&room) else { return };
    users_link(&shadow, &app.join("l"));
    users_link(&room.dir, &app.join("d"));
    let mut arguments =
        Map::from([("name", app.to_str().unwrap()), ("dir_mode", "0777"), ("file_mode", "0666")]);
    arguments.insert("user", 65_534);
    arguments.insert("recurse", vec!["user", "mode"]);
    let ended = room.state("file.directory", arguments, false);
    assert_eq!(ended.result, Some(true), "{}", ended.comment);
    assert_eq!((shadow.metadata().unwrap().mode() & 0o777, shadow.metadata().unwrap().uid()), (0o600, 0));
    assert_eq!(room.dir.metadata().unwrap().uid(), 0);
}

#[test]
fn a_directory_of_many_files_costs_a_handful_of_questions_and_none_of_content_the_second_time() {
    let room = Room::new();
    for number in 0..120 {
        room.write(&format!("srv/tree/d{}/f{number}", number % 3), &format!("{number}\n"));
    }
    let target = room.path("out");
    let run = |test: bool| {
        let mut served = Served { root: room.path("srv"), asked: Vec::new() };
        let arguments = Map::from([("name", target.to_str().unwrap()), ("source", "salt://tree")]);
        let ended = room.state_over(&mut served, "file.recurse", arguments, test);
        (ended, served.asked)
    };
    let (ended, asked) = run(false);
    assert_eq!((ended.result, ended.changes.len()), (Some(true), 123), "{}", ended.comment);
    assert!(asked.len() <= 4, "{} questions", asked.len());
    for test in [true, false] {
        let (ended, asked) = run(test);
        assert_eq!((ended.result, ended.changes.len()), (Some(true), 0), "{ended:?}");
        assert!(matches!(asked.as_slice(), [Ask::Tree { .. }]), "{asked:?}");
    }
    fs::write(room.path("srv/tree/d1/f1"), "changed\n").unwrap();
    let (ended, asked) = run(false);
    assert_eq!((ended.result, ended.changes.len()), (Some(true), 1), "{ended:?}");
    assert!(asked.len() <= 2, "{asked:?}");
    assert_eq!(fs::read_to_string(target.join("d1/f1")).unwrap(), "changed\n");
}
