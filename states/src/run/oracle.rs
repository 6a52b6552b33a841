//! The same low chunks, run by real Salt (`tests/oracle/record_run.py`) and by us: result, changes and order of every
//! state, what was held back, for real and with `test=True`.

use super::{Options, run};
use halite_modules::{Ctx, Link, LinkError, Render};
use halite_wire::message::{Answer, Ask};
use halite_wire::{Jid, Map, Value};
use std::path::{Path, PathBuf};

/// What is compared of a return; the rest is times, numbers and our own words.
const COMPARED: [&str; 5] = ["changes", "result", "__id__", "__sls__", "__state_ran__"];

#[derive(Debug)]
struct Silent;

impl Link for Silent {
    fn ask(&mut self, _: Ask, _: &mut dyn FnMut(Answer) -> Result<(), String>) -> Result<(), LinkError> {
        Err(LinkError::Closed)
    }
    fn progress(&mut self, _: Value) {}
    fn log(&mut self, _: &str) {}
}

struct NoTemplates;

impl Render for NoTemplates {
    fn render(&self, _: &mut Ctx, _: &str, source: &str, _: &Map) -> Result<String, String> {
        Ok(source.to_owned())
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/oracle/run")
}

/// Runs the chunks of a case in a directory of its own.
fn ours(case: &Value, chunks: &str, test: bool, number: usize) -> Value {
    let tmp = std::env::temp_dir().join(format!("halite-run-{}-{number}-{test}", std::process::id()));
    std::fs::create_dir_all(&tmp).unwrap();
    let tmp_text = tmp.to_string_lossy().into_owned();
    let chunks: Vec<Map> = serde_json::from_str(&chunks.replace("{tmp}", &tmp_text)).unwrap();
    let mut link = Silent;
    let opts = case.get("opts").and_then(Value::as_map).cloned().unwrap_or_default();
    let (jid, id) = (Jid::from_unix_micros(0), "m1".parse().unwrap());
    let mut ctx = Ctx::new(jid, id, opts, &mut link, &NoTemplates, |_| Map::from([("shell", "/bin/sh")]));
    ctx.set_pillar(Some(case.get("pillar").and_then(Value::as_map).cloned().unwrap_or_default()));
    let finished = run(&mut ctx, chunks, &Options { test, ..Options::default() });
    std::fs::remove_dir_all(&tmp).unwrap();
    let text = serde_json::to_string(&finished.returns).unwrap().replace(&tmp_text, "{tmp}");
    serde_json::from_str(&text).unwrap()
}

/// Tags in the order they ran in. Those that ran beside each other have no order.
fn order(returns: &Map) -> Vec<String> {
    let number = |ret: &Value| ret.get("__run_num__").and_then(Value::as_i64).unwrap_or(i64::MAX);
    let mut tags: Vec<_> =
        returns.iter().map(|(tag, ret)| (number(ret), tag.as_str().unwrap().to_owned())).collect();
    tags.sort();
    tags.into_iter().map(|(_, tag)| tag).collect()
}

fn without_pid(value: &Value) -> Value {
    match value {
        Value::Map(map) => map
            .iter()
            .filter(|(key, _)| key.as_str() != Some("pid"))
            .map(|(key, value)| (key.clone(), without_pid(value)))
            .collect::<Map>()
            .into(),
        other => other.clone(),
    }
}

fn differences(theirs: &Value, ours: &Map) -> Vec<String> {
    let returns = theirs.get("returns").and_then(Value::as_map).unwrap();
    let wanted: Vec<_> = returns.keys().map(|tag| tag.as_str().unwrap().to_owned()).collect();
    let mut found = Vec::new();
    let had = order(ours);
    if wanted != had {
        found.push(format!("order\n    theirs {wanted:?}\n    ours   {had:?}"));
    }
    for (tag, their_ret) in returns {
        let Some(our_ret) = ours.get_value(tag) else { continue };
        for key in COMPARED {
            let (their, our) = (their_ret.get(key), our_ret.get(key).map(without_pid));
            if their != our.as_ref() && !(key.starts_with("__") && their.is_none()) {
                let comment = our_ret.get("comment");
                found.push(format!(
                    "{} {key}\n    theirs {their:?}\n    ours   {our:?}\n    {comment:?}",
                    tag.as_str().unwrap()
                ));
            }
        }
    }
    found
}

#[test]
fn runs_end_as_real_salt_ends_them() {
    let (mut all, mut wrong) = (0, Vec::new());
    for file in ["requisites", "options", "modules"] {
        let text = std::fs::read_to_string(folder().join(format!("{file}.json"))).unwrap();
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
        for (number, case) in cases.iter().enumerate() {
            let name = case.get("name").and_then(Value::as_str).unwrap();
            let chunks = serde_json::to_string(case.get("chunks").unwrap()).unwrap();
            for (mode, test) in [("test", true), ("real", false)] {
                let theirs = case.get(mode).unwrap();
                if theirs.get("raises").is_some() {
                    continue;
                }
                all += 1;
                let ours = ours(case, &chunks, test, all * 1000 + number);
                let found = differences(theirs, ours.as_map().unwrap());
                if !found.is_empty() {
                    wrong.push(format!("{file}: {name} ({mode})\n  {}", found.join("\n  ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {all} runs differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(all > 200, "{all} runs were compared");
}
