//! `stateful: True`: what a command prints says whether it changed anything.
//!
//! Standard output is a JSON object, or ends in a line of `name=value` words: `changed=yes comment='...'`.

use crate::Applied;
use halite_modules::shell_words;
use halite_render::yaml;
use halite_wire::{Map, Value};

/// The state as the command tells it itself. Without `changed` there are no changes.
pub fn reinterpret(applied: Applied) -> Applied {
    let ran = applied.changes.as_map().cloned().unwrap_or_default();
    let said = |key| ran.get_str(key).unwrap_or_default().to_owned();
    let out = said("stdout");
    let plain = Applied { comment: said("stderr"), changes: Map::new().into(), ..applied };
    if out.is_empty() {
        return plain;
    }
    let failed = |comment: &str, changes: Map| Applied {
        result: Some(false),
        comment: comment.to_owned(),
        changes: changes.into(),
        ..Applied::default()
    };
    let (mut told, rest) = match object(&out) {
        Some(Value::Map(told)) => (told, String::new()),
        Some(_) => return failed("the JSON a stateful command prints must be an object", Map::new()),
        None => {
            let (before, line) = last_line(&out);
            match words(line) {
                Some(told) => (told, before.to_owned()),
                None => {
                    let why = "a stateful command must print JSON, or end in a line of name=value words";
                    return failed(why, ran);
                }
            }
        }
    };
    let changed = match told.get("changed").map(truth) {
        None | Some(Some(false)) => false,
        Some(Some(true)) => true,
        Some(None) => return failed("'changed' must be yes or no, true or false, 1 or 0", Map::new()),
    };
    let comment = told.remove("comment").map(|comment| text(&comment)).unwrap_or_default();
    if !changed {
        return Applied { comment, ..plain };
    }
    for (key, value) in &ran {
        told.entry_or(key.clone(), || value.clone());
    }
    told.insert("stdout", rest);
    Applied { comment, changes: told.into(), ..plain }
}

/// JSON alone; YAML that looks like it would not do.
fn object(out: &str) -> Option<Value> {
    let starts = out.trim_start().starts_with(['{', '[', '"']) || out.trim().parse::<f64>().is_ok();
    if starts { yaml::load(out).ok().map(|node| node.to_value()) } else { None }
}

/// All lines but the last, and the last.
fn last_line(out: &str) -> (&str, &str) {
    out.trim_end().rfind('\n').map_or(("", out), |end| (&out[..end], &out[end + 1..]))
}

/// `name=value` words; `None` where one is something else.
fn words(line: &str) -> Option<Map> {
    let words = shell_words::split(line).ok()?;
    let mut told = Map::new();
    for word in &words {
        let (key, value) = word.split_once('=').filter(|(_, value)| !value.contains('='))?;
        told.insert(key, value);
    }
    Some(told)
}

fn truth(value: &Value) -> Option<bool> {
    match text(value).to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    halite_modules::args::as_text(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(out: &str) -> Applied {
        let ran = Map::from([
            ("pid", Value::from(1)),
            ("retcode", 0.into()),
            ("stdout", out.into()),
            ("stderr", "e".into()),
        ]);
        reinterpret(Applied::done("run", ran))
    }

    #[test]
    fn the_last_line_tells() {
        let applied = told("log\nchanged=yes comment='two words' n=1");
        assert_eq!((applied.result, applied.comment.as_str()), (Some(true), "two words"));
        assert_eq!(applied.changes.get("n"), Some(&"1".into()));
        assert_eq!(applied.changes.get("stdout"), Some(&"log".into()));
        assert_eq!(told("changed=no comment=x"), Applied::done("x", Map::new()));
    }

    #[test]
    fn json_tells_too() {
        let applied = told(r#"{"changed": true, "comment": "c", "more": [1]}"#);
        assert_eq!(applied.changes.get("more"), Some(&vec![1].into()));
        assert_eq!(told("[1]").result, Some(false));
    }

    #[test]
    fn what_tells_nothing_fails() {
        assert_eq!(told("just some words").result, Some(false));
        assert_eq!(told("changed=maybe").result, Some(false));
        assert_eq!(told("").comment, "e");
    }
}
