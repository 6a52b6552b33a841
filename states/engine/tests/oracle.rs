//! Side by side with real Salt: the trees of `tests/oracle/sls/*.yaml`, compiled by ours, against what
//! `tests/oracle/record_sls.py` recorded. Where Salt fails, ours must fail, in words of its own.

#![allow(clippy::unwrap_used)]

mod support;

use halite_engine::{High, Minion, Options};
use halite_render::yaml;
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};
use support::Files;

/// What a compilation ends with: data, or lines of errors.
type Answer = Result<Value, Vec<String>>;

#[test]
fn trees_compile_as_salt_compiles_them() {
    let (mut failures, mut count) = (Vec::new(), 0);
    for (path, cases) in case_files() {
        let recorded: Value = serde_json::from_str(&read(&path.with_extension("json"))).unwrap();
        for case in &cases {
            count += 1;
            if let Err(why) = judge(case, recorded.get("answers").unwrap()) {
                failures.push(format!("{}: {}\n    {why}", path.display(), case.get_str("name").unwrap()));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(count >= 280, "only {count} cases");
}

#[test]
fn errors_say_where_and_what_is_wrong() {
    let mut all = String::new();
    for (path, cases) in case_files() {
        for case in &cases {
            if let Err(errors) = answer(case) {
                let (file, name) =
                    (path.file_stem().unwrap().to_string_lossy(), case.get_str("name").unwrap());
                all.push_str(&format!("{file}: {name}\n    {}\n", errors.join("\n    ")));
            }
        }
    }
    insta::assert_snapshot!(all);
}

fn judge(case: &Map, answers: &Value) -> Result<(), String> {
    let recorded = answers.get(case.get_str("name").unwrap()).ok_or("was never recorded")?;
    match (compare(&answer(case), recorded), case.get("differs")) {
        (Ok(()), Some(_)) => Err("is said to differ but does not".to_owned()),
        (Err(_), Some(_)) => Ok(()),
        (verdict, None) => verdict,
    }
}

/// Files of cases, in order, with what is in them.
fn case_files() -> Vec<(PathBuf, Vec<Map>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracle/sls");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), cases(&path))).collect()
}

fn cases(path: &Path) -> Vec<Map> {
    let node = yaml::load(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    node.to_value().as_list().unwrap().iter().map(|case| case.as_map().unwrap().clone()).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compare(ours: &Answer, recorded: &Value) -> Result<(), String> {
    match (ours, recorded.get("ret"), recorded.get("error")) {
        (Ok(ours), Some(wanted), _) if same(ours, wanted) => Ok(()),
        (Ok(ours), Some(wanted), _) => Err(format!("ours {}\n    salt {}", json(ours), json(wanted))),
        (Err(errors), _, Some(_)) => {
            let bad = errors.iter().find(|error| error.trim().is_empty());
            bad.map_or(Ok(()), |_| Err("an error without words".to_owned()))
        }
        (Err(errors), ..) => Err(format!("ours fails, Salt does not: {}", errors.join("; "))),
        (Ok(ours), _, error) => {
            Err(format!("ours does not fail, Salt does: {}\n    ours {}", json(error.unwrap()), json(ours)))
        }
    }
}

/// Equal as JSON, where keys are text and `1.0` is a number like `1`.
fn same(ours: &Value, wanted: &Value) -> bool {
    match (ours, wanted) {
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(&key_text(key)).is_some_and(|other| same(value, other)))
        }
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => *a as f64 == *b,
        _ => ours == wanted,
    }
}

fn key_text(key: &Value) -> String {
    key.as_str().map_or_else(|| json(key), str::to_owned)
}

fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}

fn map(case: &Map, key: &str) -> Map {
    case.get(key).and_then(Value::as_map).cloned().unwrap_or_default()
}

fn answer(case: &Map) -> Answer {
    let (grains, pillar, opts) = (map(case, "grains"), map(case, "pillar"), map(case, "opts"));
    let nodegroups = map(&opts, "nodegroups");
    let id = case.get_str("id").unwrap_or("m1");
    let minion = Minion { id, grains: &grains, pillar: &pillar, nodegroups: &nodegroups, opts: &opts };
    let mut options = Options::from_config(&opts);
    options.saltenv = case.get_str("saltenv").map(str::to_owned).or(options.saltenv);
    let mut files = Files::new(&map(case, "files"));
    let names: Vec<String> = case.get_str("sls").unwrap_or_default().split(',').map(str::to_owned).collect();
    let saltenv = case.get_str("saltenv").unwrap_or("base");
    match case.get_str("ask").unwrap() {
        "match" => Ok(case
            .get("matches")
            .unwrap()
            .as_list()
            .unwrap()
            .iter()
            .map(|one| matched(&minion, one))
            .collect()),
        "pillar" => {
            options.pillar_override = map(case, "override");
            let made = halite_engine::pillar(&mut files, &minion, &options);
            let (strategy, lists) = (&options.pillar_source_merging_strategy, options.pillar_merge_lists);
            // As the caller of the compiler does it, once all other sources are merged.
            let data = match options.pillar_override.is_empty() {
                true => made.data,
                false => halite_engine::merge(made.data, options.pillar_override.clone(), strategy, lists),
            };
            if made.errors.is_empty() { Ok(Value::Map(data)) } else { Err(made.errors) }
        }
        "top" => {
            let matches = halite_engine::top(&mut files, &minion, &options)?;
            Ok(Value::Map(matches.into_iter().collect()))
        }
        "highstate" => shown(halite_engine::highstate(&mut files, &minion, &options), false),
        "lowstate" => low(halite_engine::highstate(&mut files, &minion, &options), &options),
        "low" => low(halite_engine::sls(&mut files, &options, &names, saltenv), &options),
        "low_sls" => {
            let high = halite_engine::sls(&mut files, &options, &names, saltenv);
            halite_engine::low_of_sls(high).map(chunks)
        }
        "sls" => shown(halite_engine::sls(&mut files, &options, &names, saltenv), true),
        other => panic!("ask: {other}"),
    }
}

fn shown(high: High, verify: bool) -> Answer {
    let more = if verify { high.verify() } else { Vec::new() };
    let errors: Vec<String> = high.errors.into_iter().chain(more).collect();
    if errors.is_empty() { Ok(Value::Map(high.data)) } else { Err(errors) }
}

fn low(high: High, options: &Options) -> Answer {
    halite_engine::low(high, options).map(chunks)
}

fn chunks(chunks: Vec<Map>) -> Value {
    chunks.into_iter().map(Value::Map).collect()
}

fn matched(minion: &Minion, one: &Value) -> Value {
    let words = one.as_list().unwrap();
    let (kind, expression) = (words[0].as_str().unwrap(), words[1].as_str().unwrap());
    halite_engine::matches(minion, kind, expression).map_or("error".into(), Value::Bool)
}
