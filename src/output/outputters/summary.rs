//! `summary`: one line per host, its id, how it went, and the first line of what it said. For eyes alone, so
//! control characters are shown escaped even in a pipe.

use crate::output::style::{Color, Style};
use crate::output::{HostLine, pyrepr, sanitize_line};
use halite_wire::Value;

/// Longest answer shown, in characters.
const ANSWER_CHARS_MAX: usize = 120;

pub fn render(hosts: &[HostLine], style: &Style) -> String {
    let lines: Vec<String> = hosts.iter().map(|host| line(host, style)).collect();
    lines.join("\n")
}

fn line(host: &HostLine, style: &Style) -> String {
    let color = if host.kind == "ok" { Color::Green } else { Color::Red };
    let mut line = format!("{}: {}", style.paint(Color::Cyan, &host.id), style.paint(color, host.kind));
    let answer = first_line(&host.value);
    if !answer.is_empty() {
        line.push_str(&format!(": {answer}"));
    }
    line
}

fn first_line(value: &Value) -> String {
    let text = pyrepr::text(value);
    let line = pyrepr::split_lines(&text).find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line = sanitize_line(line);
    match line.char_indices().nth(ANSWER_CHARS_MAX) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line.into_owned(),
    }
}
