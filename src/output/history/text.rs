//! Small pieces of text all views share: relative times, calls as typed, lists of hosts, cutting to a width.

use super::{Counts, Fate, JobHead, Look};
use crate::output::{Color, pyrepr, sanitize_line};
use halite_wire::{Map, Value};
use std::time::Duration;

/// How long ago, in the greatest unit that fits: `now`, `42s ago`, `3m ago`, `5h ago`, `2d ago`.
pub fn ago(then_micros: u64, now_micros: u64) -> String {
    let seconds = now_micros.saturating_sub(then_micros) / 1_000_000;
    match seconds {
        0..2 => "now".to_owned(),
        2..100 => format!("{seconds}s ago"),
        100..6_000 => format!("{}m ago", seconds / 60),
        6_000..172_800 => format!("{}h ago", seconds / 3_600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// A span people can take in: `0.42 s`, `12 s`, `3 min 5 s`, `2 h 10 min`.
pub(super) fn span(took: Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..10 => format!("{:.2} s", took.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// The function and its arguments on one line, as they would be typed.
pub(super) fn call(head: &JobHead) -> String {
    let mut words = vec![head.fun.clone()];
    for arg in &head.args {
        match arg.as_map().filter(|map| map.contains_key("__kwarg__")) {
            Some(keywords) => words.extend(keyword_words(keywords)),
            None => words.push(word(arg)),
        }
    }
    sanitize_line(&words.join(" ")).into_owned()
}

fn keyword_words(keywords: &Map) -> impl Iterator<Item = String> + '_ {
    let is_ours = |(key, _): &(&Value, &Value)| key.as_str() != Some("__kwarg__");
    keywords.iter().filter(is_ours).map(|(key, value)| format!("{}={}", pyrepr::text(key), word(value)))
}

/// A value as a shell word.
fn word(value: &Value) -> String {
    let text = match value {
        Value::Str(text) => text.clone(),
        other => pyrepr::repr(other),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// `text` in at most `columns`, the end replaced by a mark where it is longer.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(columns.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// `98 ok, 12 changed, 2 failed`: only what there is.
pub(super) fn counted(counts: &Counts, look: &Look) -> String {
    let parts = [
        (counts.ok, "ok", Fate::Ok),
        (counts.changed, "changed", Fate::Changed),
        (counts.failed, "failed", Fate::Failed),
        (counts.lost, "gave no answer", Fate::Lost),
        (counts.awaited, "awaited", Fate::Awaited),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|(count, what, fate)| look.style.paint(color(*fate), &format!("{count} {what}")))
        .collect();
    if parts.is_empty() { "no hosts".to_owned() } else { parts.join(", ") }
}

pub(super) fn color(fate: Fate) -> Color {
    match fate {
        Fate::Ok => Color::Green,
        Fate::Changed => Color::Cyan,
        Fate::Failed | Fate::Lost => Color::LightRed,
        Fate::Awaited => Color::LightYellow,
    }
}

pub(super) fn hosts(count: usize) -> String {
    if count == 1 { "1 host".to_owned() } else { format!("{count} hosts") }
}

/// Names with commas between, on lines no longer than the terminal is wide; where they are many, the rest is counted.
pub(super) fn names(ids: &[&str], look: &Look) -> String {
    const LINES_MAX: usize = 4;
    let columns = look.width.unwrap_or(usize::MAX).max(24);
    let mut lines = vec![String::new()];
    for (at, id) in ids.iter().enumerate() {
        let id = sanitize_line(id);
        let comma = if at + 1 < ids.len() { "," } else { "" };
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > 0 && line + id.chars().count() + 2 > columns - 4 {
            if look.width.is_some() && lines.len() == LINES_MAX {
                return format!("{} and {} more", lines.join("\n    "), ids.len() - at);
            }
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            let blank = if line.is_empty() { "" } else { " " };
            line.push_str(&format!("{blank}{id}{comma}"));
        }
    }
    lines.join("\n    ")
}

pub(super) fn indented(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    text.lines().map(|line| format!("{pad}{line}\n")).collect()
}
