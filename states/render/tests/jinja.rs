//! Templates against what real Salt makes of them.

#![allow(clippy::unwrap_used)]

use halite_render::jinja::{self, FaultKind, Functions, Loader};
use halite_wire::{Map, Value};
use serde_json::Value as Json;

fn recorded() -> Json {
    serde_json::from_str(include_str!("jinja_cases.json")).unwrap()
}

fn to_wire(json: &Json) -> Value {
    serde_json::from_value(json.clone()).unwrap()
}

/// The files of the recorded cases.
struct Files(Json);

impl Loader for Files {
    fn load(&self, path: &str) -> Result<Option<String>, String> {
        Ok(self.0.get(path).and_then(Json::as_str).map(str::to_owned))
    }
}

/// The few functions the recorded cases call, in Salt's words: `pillar.get` walks pillar, and so on.
struct RecordedFunctions {
    pillar: Value,
}

impl Functions for RecordedFunctions {
    fn has(&self, name: &str) -> bool {
        matches!(name, "pillar.get" | "grains.get" | "slsutil.update" | "cmd.run")
    }

    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, String> {
        let key = args.first().and_then(Value::as_str).unwrap_or("");
        let default = args.get(1).cloned().unwrap_or_default();
        match name {
            "pillar.get" => {
                let found = key.split(':').try_fold(&self.pillar, |at, part| at.get(part)).cloned();
                Ok(found.unwrap_or(default))
            }
            "grains.get" => Ok(if key == "os" { Value::from("Debian") } else { default }),
            "slsutil.update" => {
                let mut merged = args[0].clone();
                merge(&mut merged, &args[1]);
                Ok(merged)
            }
            "cmd.run" => {
                let mut names: Vec<_> =
                    kwargs.keys().filter_map(Value::as_str).map(|name| format!("'{name}'")).collect();
                names.sort();
                Ok(Value::from(format!("{key}[{}]", names.join(", "))))
            }
            _ => Err("there is no such function".to_owned()),
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_map().unwrap() {
        let target = into.as_map_mut().unwrap().entry_or(key.clone(), Value::default);
        if value.as_map().is_some() && target.as_map().is_some() {
            merge(target, value)
        } else {
            *target = value.clone()
        }
    }
}

/// The recorded context; what is text there describes a function.
fn variables(recorded: &Json) -> Map {
    let mut map = Map::new();
    for (name, value) in recorded["context"].as_object().unwrap() {
        if name != "salt" {
            map.insert(name.as_str(), to_wire(value));
        }
    }
    map
}

/// The cases of Salt that this engine answers as Salt does. It may only grow.
const SAME_MIN: usize = 110;

#[test]
fn templates_render_as_salt_renders_them() {
    let recorded = recorded();
    let variables = variables(&recorded);
    let functions = RecordedFunctions { pillar: variables.get("pillar").unwrap().clone() };
    let loader = Files(recorded["files"].clone());
    let mut wrong = Vec::new();
    let cases = recorded["cases"].as_array().unwrap();
    for case in cases {
        let (source, want) = (case["source"].as_str().unwrap(), case["want"].as_str().unwrap());
        let ours = jinja::render(source, "case", &variables, &loader, &functions);
        let same = match &ours {
            Ok(text) => text == want,
            Err(error) => {
                want.starts_with("ERR ") && error_class(error.kind).is_some_and(|class| want.contains(class))
            }
        };
        if !same {
            wrong.push(format!("{}\n   source {source:?}\n   want {want:?}\n   have {ours:?}", case["name"]));
        }
    }
    assert!(
        cases.len() - wrong.len() >= SAME_MIN,
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// Python's name for a kind of failure.
fn error_class(kind: FaultKind) -> Option<&'static str> {
    match kind {
        FaultKind::Undefined => Some("UndefinedError"),
        FaultKind::Type => Some("TypeError"),
        FaultKind::Security => Some("SecurityError"),
        _ => None,
    }
}

/// Of the many small cases, those answered as Salt does. It may only grow.
const MORE_SAME_MIN: usize = 506;

#[test]
fn small_templates_render_as_salt_renders_them() {
    let recorded: Json = serde_json::from_str(include_str!("jinja_more.json")).unwrap();
    let mut wrong = Vec::new();
    let cases = recorded["cases"].as_array().unwrap();
    for case in cases {
        let env = case["env"].as_str().unwrap();
        let settings = jinja::Settings {
            trim_blocks: matches!(env, "trim" | "both"),
            lstrip_blocks: matches!(env, "lstrip" | "both"),
            ..jinja::Settings::default()
        };
        let source = case["source"].as_str().unwrap();
        let (loader, functions) = (jinja::NoTemplates, jinja::NoFunctions);
        let ours = jinja::render_with(source, "case", &Map::new(), &loader, &functions, &settings);
        let same = match (&ours, case["want"].as_str()) {
            (Ok(text), Some(want)) => text == want,
            (Err(_), None) => true,
            _ => false,
        };
        if !same {
            let ours = ours.map_err(|error| error.to_string());
            wrong.push(format!(
                "{env} {source:?}\n   want {}{}\n   have {ours:?}",
                case["want"], case["error"]
            ));
        }
    }
    let same = cases.len() - wrong.len();
    assert!(same >= MORE_SAME_MIN, "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn templates_under_options_of_the_environment_render_as_salt_renders_them() {
    let recorded: Json = serde_json::from_str(include_str!("jinja_env.json")).unwrap();
    let files = Files(recorded["files"].clone());
    let mut wrong = Vec::new();
    for case in recorded["cases"].as_array().unwrap() {
        let opts = Map::from([("jinja_env", to_wire(&case["env"]))]);
        let source = case["source"].as_str().unwrap();
        let ours = jinja::Settings::of(&opts, false).and_then(|settings| {
            let rendered =
                jinja::render_with(source, "main", &Map::new(), &files, &jinja::NoFunctions, &settings);
            rendered.map_err(|error| error.report())
        });
        if ours.as_deref().ok() != case["want"].as_str() {
            wrong.push(format!("{case}\n   have {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
