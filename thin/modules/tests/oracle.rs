//! Side by side with real Salt: the calls of `tests/oracle/exec_calls.yaml`, answered by ours, against what
//! `tests/oracle/record_exec.py` recorded.

#![allow(clippy::unwrap_used)]

mod support;

use halite_wire::{Map, Value};
use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Command;
use support::Room;

/// The login shell of whoever recorded the answers: `cmd.*` obeys it.
const SHELL: &str = "/bin/bash";

#[test]
fn functions_answer_as_salt_does() {
    // The environment belongs to the whole process, so another shell takes another process.
    if std::env::var_os("SHELL").is_none_or(|shell| shell != SHELL) {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "functions_answer_as_salt_does", "--nocapture"]).env("SHELL", SHELL);
        assert!(again.status().unwrap().success());
        return;
    }
    let (plan, answers) = (plan(), answers());
    let calls = plan.get("calls").and_then(Value::as_list).unwrap();
    assert!(calls.len() >= 200, "only {} calls", calls.len());
    let mut failures = Vec::new();
    for entry in calls {
        let line = entry.get("call").and_then(Value::as_str).unwrap();
        let Some(wanted) = answers.get(line) else {
            failures.push(format!("{line}\n    was never recorded"));
            continue;
        };
        let verdict = compare(entry, &ours(plan.get("tree"), line), wanted);
        match (verdict, entry.get("differs")) {
            (Err(why), None) => failures.push(format!("{line}\n    {why}")),
            (Ok(()), Some(_)) => failures.push(format!("{line}\n    is said to differ but does not")),
            _ => {}
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} calls differ:\n{}",
        failures.len(),
        calls.len(),
        failures.join("\n")
    );
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracle")
}

fn plan() -> Map {
    let text = std::fs::read_to_string(folder().join("exec_calls.yaml")).unwrap();
    halite_render::yaml::load(&text)
        .unwrap_or_else(|error| panic!("{error}"))
        .to_value()
        .as_map()
        .unwrap()
        .clone()
}

fn answers() -> Map {
    let text = std::fs::read_to_string(folder().join("exec_expected.json")).unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    whole.get("answers").and_then(Value::as_map).unwrap().clone()
}

/// `{value: ...}` or `{error: text}`, as the recorder writes it.
fn ours(tree: Option<&Value>, line: &str) -> Value {
    let room = Room::new();
    room.make(tree);
    let opts = Map::from([("id", "minion"), ("file_client", "local")]);
    // A call from a command line has a job id, which gives `cmd.*` a shell.
    let answer = match room.call(&format!("{line} __pub_jid=20260101000000000000"), opts).result {
        Ok(value) => ("value", room.mask(&value)),
        Err(error) => ("error", room.mask(&Value::from(error.to_string()))),
    };
    Value::Map(Map::from([answer]))
}

/// Values must be equal; of errors only that there is one, since the words are ours.
fn compare(entry: &Value, ours: &Value, salts: &Value) -> Result<(), String> {
    let (Some(our), Some(salt)) = (ours.get("value"), salts.get("value")) else {
        let both = ours.get("error").is_some() && salts.get("error").is_some();
        return if both { Ok(()) } else { Err(format!("ours: {ours:?}\n    Salt: {salts:?}")) };
    };
    let (our, salt) = (prepared(entry, &json(our)), prepared(entry, salt));
    let salt = if entry.get("lacks").is_some() { functions(entry, salt) } else { salt };
    if our == salt { Ok(()) } else { Err(format!("ours: {our:?}\n    Salt: {salt:?}")) }
}

/// The value as JSON carries it: keys are text, and huge numbers lose digits.
fn json(value: &Value) -> Value {
    match value {
        Value::BigInt(digits) => Value::Float(digits.parse().unwrap()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => {
            map.iter().map(|(key, value)| (Value::from(key_text(key)), json(value))).collect::<Map>().into()
        }
        other => other.clone(),
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::Bool(flag) => flag.to_string(),
        Value::Null => "null".to_owned(),
        other => halite_modules::args::as_text(other).unwrap(),
    }
}

fn prepared(entry: &Value, value: &Value) -> Value {
    let masked = entry.get("mask").and_then(Value::as_list).unwrap_or_default();
    let value = mask(masked, value);
    match entry.get("as").and_then(Value::as_str) {
        Some("types") => types(&value),
        Some("kind") => Value::from(value.kind()),
        Some("kinds") => {
            dict(&value).map(|(key, value)| (key.clone(), Value::from(value.kind()))).collect::<Map>().into()
        }
        Some("each") => {
            sorted(dict(&value).map(|(_, value)| types(value)).collect::<HashSet<_>>().into_iter().collect())
        }
        Some("sorted" | "functions") => sorted(value),
        _ => value,
    }
}

fn mask(keys: &[Value], value: &Value) -> Value {
    match value {
        Value::List(items) => items.iter().map(|item| mask(keys, item)).collect(),
        Value::Map(map) => {
            let entry = |(key, value): (&Value, &Value)| {
                let value = if keys.contains(key) { Value::from(value.kind()) } else { mask(keys, value) };
                (key.clone(), value)
            };
            map.iter().map(entry).collect::<Map>().into()
        }
        other => other.clone(),
    }
}

/// The shape: kinds of leaves, the kind of a list's first item, the keys of dicts.
fn types(value: &Value) -> Value {
    match value {
        Value::List(items) => items.iter().take(1).map(types).collect(),
        Value::Map(map) => map.iter().map(|(key, value)| (key.clone(), types(value))).collect::<Map>().into(),
        other => Value::from(other.kind()),
    }
}

fn dict(value: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    value.as_map().into_iter().flatten()
}

/// Salt's functions less those ours lacks, and those ours has more; both are told without their module.
fn functions(entry: &Value, salts: Value) -> Value {
    let Value::List(mut names) = salts else { return salts };
    let listed = |key: &str| entry.get(key).and_then(Value::as_list).unwrap_or_default();
    let short = |name: &Value| {
        name.as_str().and_then(|name| name.split_once('.')).map(|(_, short)| Value::from(short))
    };
    let module =
        names.first().and_then(Value::as_str).and_then(|name| name.split('.').next()).unwrap().to_owned();
    names.retain(|name| !listed("lacks").contains(&short(name).unwrap()));
    names.extend(
        listed("more").iter().map(|name| Value::from(format!("{module}.{}", name.as_str().unwrap()))),
    );
    sorted(Value::List(names))
}

fn sorted(value: Value) -> Value {
    let Value::List(mut items) = value else { return value };
    items.sort_by_key(|item| format!("{item:?}"));
    Value::List(items)
}
