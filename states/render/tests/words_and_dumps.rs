//! Arguments and written YAML against what Salt makes of the same words and data.

#![allow(clippy::unwrap_used)]

use halite_render::repr::repr;
use halite_render::{args, yaml};
use halite_wire::{Map, Value};
use serde_json::Value as Json;

fn cases(text: &str) -> Vec<Json> {
    let recorded: Json = serde_json::from_str(text).unwrap();
    recorded["cases"].as_array().unwrap().clone()
}

fn texts(list: &Json) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn words_become_the_arguments_salt_makes_of_them() {
    let mut wrong = Vec::new();
    for case in cases(include_str!("args.json")) {
        let (args, kwargs) = args::parse_input(&texts(&case["words"]), &texts(&case["no_parse"]));
        let (args, kwargs) = (repr(&Value::List(args)), repr(&Value::Map(kwargs)));
        if case["args"] != args.as_str() || case["kwargs"] != kwargs.as_str() {
            wrong.push(format!("{case}: {args} {kwargs}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The recorder's encoding of what JSON cannot say.
fn decode(data: &Json) -> Value {
    match data {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(decode).collect(),
        Json::Object(object) => match object.iter().next().unwrap() {
            (kind, Json::String(digits)) if kind == "$int" => yaml::scalar(digits),
            (kind, Json::String(number)) if kind == "$float" => Value::Float(number.parse().unwrap()),
            (kind, Json::Array(bytes)) if kind == "$bytes" => {
                Value::Bytes(bytes.iter().map(|byte| byte.as_u64().unwrap() as u8).collect())
            }
            (_, entries) => {
                let pair = |entry: &Json| (decode(&entry[0]), decode(&entry[1]));
                Value::Map(entries.as_array().unwrap().iter().map(pair).collect::<Map>())
            }
        },
        Json::Number(_) => unreachable!("numbers are wrapped"),
    }
}

#[test]
fn data_is_written_as_salt_writes_it() {
    let mut wrong = Vec::new();
    for case in cases(include_str!("yaml_dump.json")) {
        let flow = match case["flow"] {
            Json::Bool(true) => yaml::Flow::Always,
            Json::Bool(false) => yaml::Flow::Never,
            _ => yaml::Flow::Leaves,
        };
        let indent = case["indent"].as_i64().unwrap() as i32;
        let ours =
            yaml::dump_with(&decode(&case["data"]), yaml::DumpOptions { flow, indent, sort_keys: true });
        if case["text"] != ours.as_str() {
            wrong.push(format!("{case}\n   {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

#[test]
fn what_is_written_reads_back() {
    for case in cases(include_str!("yaml_dump.json")) {
        let data = decode(&case["data"]);
        let read = yaml::load(&yaml::dump(&data)).map(|node| repr(&node.to_value()));
        let has_map = matches!(&data, Value::Map(_) | Value::List(_));
        let same = read.as_ref().is_ok_and(|read| *read == repr(&data) || has_map);
        assert!(same, "{}: {read:?}", repr(&data));
    }
}
