//! Jobs for other programs: JSON lines, CSV, JUnit XML. Nothing is made harmless for terminals here, but escaped as
//! each format wants it.

use super::{Fate, HostView, JobHead, text};
use crate::output::{Style, render};
use halite_wire::Value;
use std::fmt::Write;

/// A format of [`export`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One whole return a line, as it is stored.
    JsonLines,
    /// `jid,id,fun,outcome,retcode,success,changed,return`, the return as JSON; RFC 4180.
    Csv,
    /// A test suite; a host is a test case, or each of its states is.
    Junit,
}

impl Format {
    pub const NAMES: [(&'static str, Format); 3] =
        [("jsonl", Format::JsonLines), ("csv", Format::Csv), ("junit", Format::Junit)];
}

/// All hosts of a job that have a return.
pub fn export(format: Format, head: &JobHead, all: &[HostView]) -> String {
    let hosts = all.iter().filter(|view| view.fate != Fate::Awaited);
    match format {
        Format::JsonLines => hosts.map(|view| json(&Value::Map(view.full.clone())) + "\n").collect(),
        Format::Csv => {
            let heading = "jid,id,fun,outcome,retcode,success,changed,return\r\n".to_owned();
            hosts.fold(heading, |text, view| text + &csv_line(head, view))
        }
        Format::Junit => junit(head, &hosts.collect::<Vec<_>>()),
    }
}

fn json(value: &Value) -> String {
    let style = Style { indent: crate::output::Indent::Compact, ..Style::default() };
    render("json", value, &style)
}

fn csv_line(head: &JobHead, view: &HostView) -> String {
    let is_ok = matches!(view.fate, Fate::Ok | Fate::Changed);
    let fields = [
        head.jid.to_string(),
        view.id.clone(),
        head.fun.clone(),
        view.outcome.clone(),
        view.retcode.to_string(),
        is_ok.to_string(),
        (view.fate == Fate::Changed).to_string(),
        json(&view.value),
    ];
    fields.map(|field| csv_field(&field)).join(",") + "\r\n"
}

fn csv_field(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// One test case: its class (the host), name, seconds, and what is wrong: element and text.
struct Case<'a> {
    class: &'a str,
    name: String,
    seconds: f64,
    wrong: Option<(&'static str, String)>,
}

fn junit(head: &JobHead, hosts: &[&HostView]) -> String {
    let cases: Vec<Case> = hosts.iter().flat_map(|view| cases(head, view)).collect();
    let count = |kind: &str| {
        cases.iter().filter(|case| case.wrong.as_ref().is_some_and(|(is, _)| *is == kind)).count()
    };
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = writeln!(
        text,
        "<testsuite name=\"{}\" id=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\">",
        xml(&text::call(head)),
        head.jid,
        cases.len(),
        count("failure"),
        count("error"),
        head.took.unwrap_or_default().as_secs_f64()
    );
    for Case { class, name, seconds, wrong } in &cases {
        let _ = write!(
            text,
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{seconds:.3}\"",
            xml(class),
            xml(name)
        );
        match wrong {
            None => text.push_str("/>\n"),
            Some((kind, said)) => {
                let first = said.lines().next().unwrap_or_default();
                let _ = writeln!(
                    text,
                    ">\n    <{kind} message=\"{}\">{}</{kind}>\n  </testcase>",
                    xml(first),
                    xml(said)
                );
            }
        }
    }
    text + "</testsuite>\n"
}

fn cases<'a>(head: &JobHead, view: &'a HostView) -> Vec<Case<'a>> {
    let states: Vec<Case> = view
        .value
        .as_map()
        .into_iter()
        .flat_map(|map| map.iter())
        .filter_map(|(key, state)| {
            key.as_str().filter(|key| key.contains("_|-")).map(|key| state_case(&view.id, key, state))
        })
        .collect();
    if !states.is_empty() {
        return states;
    }
    let said = || match render("nested", &view.value, &Style::default()) {
        nothing if nothing.is_empty() => format!("code {}", view.retcode),
        said => said,
    };
    let wrong = match view.fate {
        Fate::Ok | Fate::Changed | Fate::Awaited => None,
        Fate::Failed => Some(("failure", said())),
        Fate::Lost => Some(("error", said())),
    };
    vec![Case { class: &view.id, name: head.fun.clone(), seconds: 0.0, wrong }]
}

/// A state as a test case. Its key is `module_|-id_|-name_|-function`; its duration is in milliseconds.
fn state_case<'a>(host: &'a str, key: &str, state: &Value) -> Case<'a> {
    let parts: Vec<&str> = key.split("_|-").collect();
    let name = match parts[..] {
        [module, id, _, function] => format!("{id} ({module}.{function})"),
        _ => key.to_owned(),
    };
    let seconds = match state.get("duration") {
        Some(Value::Float(millis)) => millis / 1_000.0,
        Some(Value::Int(millis)) => *millis as f64 / 1_000.0,
        _ => 0.0,
    };
    let comment = || state.get("comment").and_then(Value::as_str).unwrap_or_default().to_owned();
    let failed = state.get("result") == Some(&Value::Bool(false));
    Case { class: host, name, seconds, wrong: failed.then(|| ("failure", comment())) }
}

/// Text for XML 1.0, which has no way to write most control characters: they are shown as `U+FFFD`.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push_str("&#10;"),
            '\t' => safe.push('\t'),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
