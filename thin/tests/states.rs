//! State functions beside real Salt's: the cases of `tests/oracle/states/*.yaml`, each applied four times in a
//! throwaway copy of this machine's root, against what `tests/oracle/record_states.py` recorded.
//!
//! A copy takes root's rights; without them there is nothing to try.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)] // a copy speaks to its parent on stdout

mod support;

use halite_modules::{Link, LinkError};
use halite_wire::message::{Answer, Ask, Call, FACTS_ONLY};
use halite_wire::{Jid, Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Names the case for [`one_case_in_its_copy`]: `MODULE/NUMBER`.
const CASE: &str = "HALITE_STATE_CASE";

/// Begins the line with a case's results.
const RESULT: &str = "RESULT ";

/// Where the file server of a case lies in its copy.
const SERVED: &str = "/srv/halite-oracle/base";

/// What differs from run to run and says nothing, as in the recorder.
const VOLATILE: [&str; 5] = ["pid", "last_run", "mtime", "atime", "ctime"];

/// At least so many results are equal, those of cases that are meant to differ included.
const EQUAL_PERCENT: usize = 98;

const ROUNDS: [(&str, bool); 4] = [("test", true), ("fresh", false), ("again", false), ("test_again", true)];

#[test]
fn states_do_what_salt_does() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let cases: Mutex<Vec<(String, usize, Value)>> = Mutex::new(cases());
    let total = cases.lock().unwrap().len();
    let failures = Mutex::new(Vec::new());
    let results = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (cases, failures, results) = (&cases, &failures, &results);
            scope.spawn(move || {
                while let Some((module, number, case)) = { cases.lock().unwrap().pop() } {
                    let (tally, checked) = check(worker, &module, number, &case);
                    *results.lock().unwrap() += tally;
                    if let Err(why) = checked {
                        let name = case.get("name").and_then(Value::as_str).unwrap_or_default();
                        failures.lock().unwrap().push(format!("{module}: {name}\n{why}"));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "{} of {total} cases differ:\n{}", failures.len(), failures.join("\n"));
    let Tally { equal, all } = results.into_inner().unwrap();
    println!("{total} cases: {equal} of {all} results with their changes are equal");
    assert!(equal * 100 >= all * EQUAL_PERCENT, "only {equal} of {all} results are equal");
}

/// Results of single states in single rounds.
#[derive(Default)]
struct Tally {
    equal: usize,
    all: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Tally) {
        self.equal += more.equal;
        self.all += more.all;
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/oracle/states").canonicalize().unwrap()
}

/// All cases, or those of the modules named in `MODULES` (comma-separated).
fn cases() -> Vec<(String, usize, Value)> {
    let wanted = std::env::var("MODULES").unwrap_or_default();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap().flatten() {
        let path = entry.path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_wanted = wanted.is_empty() || wanted.split(',').any(|name| name == module);
        if path.extension().is_some_and(|ext| ext == "yaml") && is_wanted {
            let cases = load(&module);
            found.extend(cases.into_iter().enumerate().map(|(number, case)| (module.clone(), number, case)));
        }
    }
    found
}

fn load(module: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(format!("{module}.yaml"))).unwrap();
    let node = halite_render::yaml::load(&text).unwrap_or_else(|error| panic!("{module}.yaml: {error}"));
    node.to_value().as_list().unwrap().to_vec()
}

fn check(worker: usize, module: &str, number: usize, case: &Value) -> (Tally, Result<(), String>) {
    let ours = match run_in_copy(worker, module, number) {
        Ok(ours) => ours,
        Err(why) => return (Tally::default(), Err(why)),
    };
    let recorded = std::fs::read_to_string(folder().join(format!("{module}.json"))).unwrap();
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    let name = case.get("name").and_then(Value::as_str).unwrap();
    let Some(wanted) = recorded.get(name) else {
        return (Tally::default(), Err("was never recorded".to_owned()));
    };
    let differences = differences(&ours, wanted);
    let all = ROUNDS.iter().map(|(round, _)| sorted(wanted.get(round).unwrap()).len()).sum::<usize>();
    let tally = Tally { equal: all.saturating_sub(differences.len()), all };
    let checked = match (differences.is_empty(), case.get("differs")) {
        (true, Some(_)) => Err("is said to differ but does not".to_owned()),
        (false, None) => Err(differences.join("\n")),
        _ => Ok(()),
    };
    (tally, checked)
}

fn run_in_copy(worker: usize, module: &str, number: usize) -> Result<Value, String> {
    let top = std::env::temp_dir().join(format!("halite-states-{}-{worker}", std::process::id()));
    let output = support::in_copy(&top, "one_case_in_its_copy", CASE, &format!("{module}/{number}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.split_once(RESULT)).map(|(_, json)| json);
    let line = line.ok_or_else(|| format!("no result: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(serde_json::from_str(line).unwrap())
}

fn differences(ours: &Value, wanted: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (round, _) in ROUNDS {
        let (ours, wanted) = (ours.get(round).unwrap(), wanted.get(round).unwrap());
        let (ours, wanted) = (sorted(ours), sorted(wanted));
        for key in wanted.keys().chain(ours.keys().filter(|key| !wanted.contains_key(*key))) {
            let comment = ours.get(key).and_then(|state| state.get("comment")).cloned();
            let bare = ours.get(key).map(without_comment);
            if bare.as_ref() != wanted.get(key) {
                let show = |state: Option<&Value>| {
                    state.map_or("absent".to_owned(), |v| serde_json::to_string(v).unwrap())
                };
                let said = comment.as_ref().and_then(Value::as_str).unwrap_or_default();
                found.push(format!(
                    "  {round} {key}\n    ours {} ({said})\n    Salt {}",
                    show(bare.as_ref()),
                    show(wanted.get(key))
                ));
            }
        }
    }
    found
}

fn sorted(states: &Value) -> BTreeMap<String, Value> {
    let entries = states.as_map().unwrap().iter();
    entries.map(|(key, state)| (key.as_str().unwrap().to_owned(), state.clone())).collect()
}

fn without_comment(state: &Value) -> Value {
    let Some(map) = state.as_map() else { return state.clone() };
    let mut map = map.clone();
    map.remove("comment");
    map.into()
}

/// The other end of [`run_in_copy`]: alone, it does nothing.
#[test]
fn one_case_in_its_copy() {
    let Ok(named) = std::env::var(CASE) else { return };
    let (module, number) = named.split_once('/').unwrap();
    let case = load(module).swap_remove(number.parse().unwrap());
    prepare(&case);
    let pillar = case.get("pillar").and_then(Value::as_map).cloned().unwrap_or_default();
    let rounds = ROUNDS.map(|(name, test)| (name, apply(&pillar, test)));
    println!("{RESULT}{}", serde_json::to_string(&Value::Map(Map::from(rounds))).unwrap());
}

fn prepare(case: &Value) {
    let sls = case.get("sls").cloned().unwrap();
    let files = case.get("files").and_then(Value::as_map).cloned().unwrap_or_default();
    for (name, text) in files.iter().chain([(&Value::from("case.sls"), &sls)]) {
        let path = Path::new(SERVED).join(name.as_str().unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.as_str().unwrap()).unwrap();
    }
    if let Some(before) = case.get("before").and_then(Value::as_str) {
        let done = Command::new("/bin/bash")
            .args(["-ec", before])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{before}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// What `state.sls case` gives: `{key: {result, changes, comment}}`, or `{errors: True}` where nothing compiles.
fn apply(pillar: &Map, test: bool) -> Value {
    let call = Call {
        jid: Jid::from_unix_micros(1),
        id: "oracle".parse().unwrap(),
        fun: "state.sls".to_owned(),
        arg: vec!["case".into()],
        kwarg: Map::from([("test", test)]),
        opts: Map::from([("cachedir", "/var/cache/halite-oracle")]),
        timeout_ms: 0,
    };
    let answer = halite_thin::execute(call, &mut Served(pillar.clone()));
    let Some(states) = answer.value.as_map() else {
        eprintln!("{:?}", answer.value);
        return Map::from([("errors", true)]).into();
    };
    let pick = |state: &Value| -> Value {
        let entries = ["result", "changes", "comment"]
            .map(|name| (name, tidy(state.get(name).unwrap_or(&Value::NULL))));
        Map::from(entries).into()
    };
    states.iter().map(|(key, state)| (key.clone(), pick(state))).collect::<Map>().into()
}

fn tidy(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(key, _)| !VOLATILE.iter().any(|name| key.as_str() == Some(name)));
            kept.map(|(key, value)| (key.clone(), tidy(value))).collect::<Map>().into()
        }
        Value::List(items) => items.iter().map(tidy).collect(),
        other => other.clone(),
    }
}

/// A controller with this pillar, and with the files below [`SERVED`].
struct Served(Map);

impl Link for Served {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        let mut say = |part| on_part(part).map_err(LinkError::Local);
        match ask {
            Ask::Pillar(_) => say(Answer::Value(Map::from([("pillar", self.0.clone())]).into())),
            Ask::File { path, have, .. } => {
                let content = std::fs::read(Path::new(SERVED).join(&path))
                    .map_err(|error| LinkError::Refused(format!("salt://{path}: {error}")))?;
                let sha256 = halite_modules::digest::of_bytes("sha256", &content).unwrap();
                let is_known = have.is_some_and(|have| have == sha256 || have == FACTS_ONLY);
                say(Answer::File { size: content.len() as u64, sha256, mode: 0o644 })?;
                if is_known { Ok(()) } else { say(Answer::Bytes(content)) }
            }
            Ask::ListFiles { .. } => say(Answer::Paths(listed(Path::new(SERVED), ""))),
            Ask::Tree { .. } | Ask::Files { .. } => Err(LinkError::Refused("one by one, please".to_owned())),
            Ask::Push { .. } | Ask::Work { .. } => Err(LinkError::Refused("not here".to_owned())),
        }
    }

    fn progress(&mut self, _: Value) {}

    fn log(&mut self, line: &str) {
        eprintln!("{line}");
    }
}

fn listed(folder: &Path, prefix: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            paths.extend(listed(&entry.path(), &format!("{path}/")));
        } else {
            paths.push(path);
        }
    }
    paths.sort();
    paths
}
