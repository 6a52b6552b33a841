//! Differences: between two texts line by line, and between two jobs host by host.

use super::text::{call, hosts, names};
use super::{HostView, JobHead, Look};
use crate::output::{Color, Style, render};
use halite_wire::{Map, Value};
use indexmap::IndexMap;

/// Pairs of lines compared at most; beyond that the middle of the texts is shown as wholly replaced.
const PAIRS_MAX: usize = 4_000_000;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 1;

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Line<'a> {
    Both(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// What two jobs say differently: hosts with the same difference together, then the hosts only one of them had.
pub fn jobs(old: (&JobHead, &[HostView]), new: (&JobHead, &[HostView]), look: &Look) -> String {
    let mut text = format!("- {}  {}\n+ {}  {}\n\n", old.0.jid, call(old.0), new.0.jid, call(new.0));
    let by_id: IndexMap<&str, &HostView> = new.1.iter().map(|view| (view.id.as_str(), view)).collect();
    let mut groups: IndexMap<(String, String), Vec<&str>> = IndexMap::new();
    let (mut same, mut only_old) = (Vec::new(), Vec::new());
    for before in old.1 {
        match by_id.get(before.id.as_str()) {
            None => only_old.push(before.id.as_str()),
            Some(after) if plain(before) == plain(after) => same.push(before.id.as_str()),
            Some(after) => groups.entry((plain(before), plain(after))).or_default().push(&before.id),
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    for ((before, after), ids) in &groups {
        text.push_str(&format!("{}: {}\n", hosts(ids.len()), names(ids, look)));
        text.push_str(&super::text::indented(&lines(before, after, &look.style), 4));
        text.push('\n');
    }
    let was = |view: &&HostView| !old.1.iter().any(|before| before.id == view.id);
    let only_new: Vec<&str> = new.1.iter().filter(was).map(|view| view.id.as_str()).collect();
    let rest = [("the same", same), ("only in the first", only_old), ("only in the second", only_new)];
    for (what, ids) in rest.iter().filter(|(_, ids)| !ids.is_empty()) {
        text.push_str(&format!("{} {what}: {}\n", hosts(ids.len()), names(ids, look)));
    }
    text
}

/// What a host said, as plain text without what differs from run to run; two hosts with the same text said the same.
pub(super) fn plain(view: &HostView) -> String {
    let style = Style { terminal: true, ..Style::default() };
    let said = render("nested", &steady(&view.value), &style);
    match (view.retcode, said.as_str()) {
        (0, _) => said,
        (code, "") => format!("(code {code})"),
        (code, _) => format!("{said}\n(code {code})"),
    }
}

/// A return of states without times and places in the order; any other value as it is.
fn steady(value: &Value) -> Value {
    let Some(states) = value.as_map() else { return value.clone() };
    let is_state = |key: &Value| key.as_str().is_some_and(|key| key.contains("_|-"));
    if !states.keys().any(is_state) {
        return value.clone();
    }
    let steady = |(key, state): (&Value, &Value)| {
        let mut state = state.clone();
        if let Some(fields) = state.as_map_mut() {
            ["start_time", "duration", "__run_num__"].iter().for_each(|field| _ = fields.remove(field));
        }
        (key.clone(), state)
    };
    Value::Map(states.iter().map(steady).collect::<Map>())
}

/// The lines that differ, marked `-` and `+`, with a little of what is around them.
pub(super) fn lines(old: &str, new: &str, style: &Style) -> String {
    let all = compare(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
    let is_near = |at: usize| {
        let near = at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(all.len());
        all[near].iter().any(|line| !matches!(line, Line::Both(_)))
    };
    let mut text = String::new();
    let mut skipped = false;
    for (at, line) in all.iter().enumerate() {
        if !is_near(at) {
            skipped = true;
            continue;
        }
        if skipped && !text.is_empty() {
            text.push_str("  ...\n");
        }
        skipped = false;
        text.push_str(&match line {
            Line::Both(line) => format!("  {line}"),
            Line::Gone(line) => style.paint(Color::Red, &format!("- {line}")),
            Line::New(line) => style.paint(Color::Green, &format!("+ {line}")),
        });
        text.push('\n');
    }
    text
}

/// The shortest difference: equal ends are taken off, the rest is compared by longest common subsequence.
fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (gone, added) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut lines: Vec<Line> = old[..head].iter().map(|line| Line::Both(line)).collect();
    if gone.len().saturating_mul(added.len()) > PAIRS_MAX {
        lines.extend(gone.iter().map(|line| Line::Gone(line)));
        lines.extend(added.iter().map(|line| Line::New(line)));
    } else {
        lines.extend(subsequence(gone, added));
    }
    lines.extend(old[old.len() - tail..].iter().map(|line| Line::Both(line)));
    lines
}

fn subsequence<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let columns = new.len() + 1;
    // common[i * columns + j]: length of the longest common part of old[i..] and new[j..].
    let mut common = vec![0_u32; (old.len() + 1) * columns];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let (right, down) = (common[i * columns + j + 1], common[(i + 1) * columns + j]);
            let both = common[(i + 1) * columns + j + 1] + 1;
            common[i * columns + j] = if old[i] == new[j] { both } else { right.max(down) };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Both(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * columns + j] >= common[i * columns + j + 1])
        {
            lines.push(Line::Gone(old[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines
}
