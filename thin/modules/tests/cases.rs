//! Cases of execution modules: one YAML file each under `cases/MODULE/NAME.yaml`.
//!
//! ```yaml
//! call: file.read $DIR/a.txt      # a command line as a user types it; $DIR is a fresh directory
//! files: {a.txt: "hello\n"}       # what is in it; see support/mod.rs. srv/base/ is the file server
//! runs: {grep: "#!/bin/sh\n..."}  # programs put first on PATH for this call alone
//! opts: {test: true}              # options of the minion
//! expect: "hello\n"               # the value, or
//! has: {mode: "0644"}             # some entries of a dict, or
//! error: no such file             # a part of the error's text
//! retcode: 0                      # where it matters
//! after: {a.txt: "hello\n", b: null}  # files and their text when the call is over; null is absent
//! ```

#![allow(clippy::unwrap_used)]

mod support;

use halite_modules::{FULL, LEAN};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Outcome, Room};

/// Names the case file for [`one_case_with_its_own_path`].
const CASE: &str = "HALITE_CASE";

const KEYS: [&str; 9] = ["call", "files", "runs", "opts", "expect", "has", "error", "retcode", "after"];

#[test]
fn every_case_gives_what_it_says() {
    let files = case_files();
    assert!(files.len() >= 60, "only {} cases were found", files.len());
    let failures: Vec<String> = files
        .iter()
        .filter_map(|file| check(file).err().map(|why| format!("{}: {why}", name(file))))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        files.len(),
        failures.join("\n")
    );
}

#[test]
fn every_case_is_in_the_folder_of_a_module_it_calls() {
    for file in case_files() {
        let module = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
        assert!(LEAN.iter().chain(FULL).any(|known| known.virtual_name == module), "{module} is no module");
        let call = load(&file).unwrap();
        let call = call.get("call").and_then(Value::as_str).unwrap();
        assert!(call.starts_with(&format!("{module}.")), "{}: calls {call}", name(&file));
    }
}

/// `PATH` belongs to the whole process, so a case with programs of its own gets a process of its own.
#[test]
fn one_case_with_its_own_path() {
    if let Some(file) = std::env::var_os(CASE) {
        let room = Room { dir: std::env::current_dir().unwrap() };
        let result = expect(&load(Path::new(&file)).unwrap(), &room);
        std::mem::forget(room);
        result.unwrap();
    }
}

fn case_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for module in std::fs::read_dir(top).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let cases = std::fs::read_dir(module.path()).unwrap().flatten().map(|entry| entry.path());
        files.extend(cases.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")));
    }
    files.sort();
    files
}

fn name(file: &Path) -> String {
    let parts: Vec<_> =
        file.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy()).collect();
    format!("{}/{}", parts[1], parts[0])
}

fn load(file: &Path) -> Result<Map, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let case = halite_render::yaml::load(&text).map_err(|error| error.to_string())?.to_value();
    let Value::Map(case) = case else { return Err("a case is a dict".to_owned()) };
    match case.keys().find(|key| !key.as_str().is_some_and(|key| KEYS.contains(&key))) {
        Some(unknown) => Err(format!("no case has a key {unknown:?}")),
        None => Ok(case),
    }
}

fn check(file: &Path) -> Result<(), String> {
    let case = load(file)?;
    let room = Room::new();
    room.make(case.get("files"));
    match case.get("runs") {
        None => expect(&case, &room),
        Some(programs) => in_process_of_its_own(file, programs, &room),
    }
}

fn in_process_of_its_own(file: &Path, programs: &Value, room: &Room) -> Result<(), String> {
    let bin = Room::new();
    for (program, script) in programs.as_map().unwrap() {
        let entry = Map::from([("text", script.clone()), ("mode", Value::from("0755"))]);
        bin.make(Some(&Value::Map(Map::from([(program.clone(), Value::Map(entry))]))));
    }
    let path = format!("{}:{}", bin.dir.display(), std::env::var("PATH").unwrap());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_case_with_its_own_path", "--nocapture"])
        .env("PATH", path)
        .env(CASE, file)
        .env("RUST_BACKTRACE", "0")
        .current_dir(&room.dir)
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn expect(case: &Map, room: &Room) -> Result<(), String> {
    let call = case.get_str("call").ok_or("a case needs a call")?;
    let opts = case.get("opts").and_then(Value::as_map).cloned().unwrap_or_default();
    let outcome = room.call(call, opts);
    value(case, room, &outcome)?;
    match case.get("retcode") {
        Some(wanted) if *wanted != Value::Int(outcome.retcode) => {
            Err(format!("the retcode is {}", outcome.retcode))
        }
        _ => after(case, room),
    }
}

fn value(case: &Map, room: &Room, outcome: &Outcome) -> Result<(), String> {
    match (&outcome.result, case.get("expect"), case.get("has"), case.get_str("error")) {
        (Ok(value), Some(wanted), None, None) => {
            let value = room.mask(value);
            if value == *wanted {
                Ok(())
            } else {
                Err(format!("gave {value:?}\n  instead of {wanted:?}; notes: {:?}", outcome.notes))
            }
        }
        (Ok(value), None, Some(wanted), None) => {
            let value = room.mask(value);
            let missing = wanted
                .as_map()
                .unwrap()
                .iter()
                .find(|(key, wanted)| value.as_map().and_then(|map| map.get_value(key)) != Some(*wanted));
            missing.map_or(Ok(()), |missing| Err(format!("{value:?} lacks {missing:?}")))
        }
        (Err(error), None, None, Some(wanted)) => {
            let text = room.mask(&Value::from(error.to_string()));
            let text = text.as_str().unwrap();
            if text.contains(wanted) { Ok(()) } else { Err(format!("failed with {text:?}")) }
        }
        (Err(error), ..) => Err(format!("failed: {error}")),
        (Ok(value), None, None, Some(_)) => Err(format!("did not fail but gave {value:?}")),
        _ => Err("a case needs exactly one of expect, has and error".to_owned()),
    }
}

fn after(case: &Map, room: &Room) -> Result<(), String> {
    for (path, wanted) in case.get("after").and_then(Value::as_map).into_iter().flatten() {
        let path = path.as_str().unwrap();
        let found = std::fs::read(room.dir.join(path)).map(Value::from_bytes).unwrap_or(Value::Null);
        if room.mask(&found) != *wanted {
            return Err(format!("{path} is {found:?} afterwards"));
        }
    }
    Ok(())
}
