//! The list of jobs: one line each, newest first, as wide as the terminal and no wider.

use super::text::{ago, call, color, cut};
use super::{Counts, Fate, JobHead, Look, Stage};
use crate::output::{Color, sanitize_line};

/// Columns of a job id, where none is longer, and of the widest relative time (`99s ago`).
const JID_MIN: usize = 20;
const AGE: usize = 8;

/// Columns the target keeps, however narrow the terminal is; the call has the rest.
const TARGET_MIN: usize = 6;

/// A column of counts: its heading, what is counted, and the fate that gives the colour.
type Column = (&'static str, fn(&Counts) -> usize, Fate);

const COUNTS: [Column; 5] = [
    ("OK", |counts| counts.ok, Fate::Ok),
    ("CHG", |counts| counts.changed, Fate::Changed),
    ("FAIL", |counts| counts.failed, Fate::Failed),
    ("LOST", |counts| counts.lost, Fate::Lost),
    ("LEFT", |counts| counts.awaited, Fate::Awaited),
];

/// Columns target and call need to be worth showing beside the rest; with fewer a job takes two lines.
const WORDS_MIN: usize = 16;

/// The jobs as a table, in the order given. Columns of counts that are 0 in all lines are left out. On a terminal that is
/// too narrow for it, what was called stands on a line of its own.
pub fn list(jobs: &[(JobHead, Counts)], look: &Look) -> String {
    let columns = Columns::of(jobs);
    let taken = columns.jid + 2 + AGE + columns.counts.iter().map(|(_, width)| width + 2).sum::<usize>();
    let calls: Vec<String> = jobs.iter().map(|(head, _)| call(head)).collect();
    let targets: Vec<String> =
        jobs.iter().map(|(head, _)| sanitize_line(&head.target).into_owned()).collect();
    if let Some(width) = look.width.filter(|width| *width < taken + 4 + WORDS_MIN) {
        return narrow(jobs, look, &columns, (&targets, &calls, width));
    }
    let (target, call) = room(look, taken, longest(&targets, "TARGET"), longest(&calls, "CALL"));
    let mut text =
        format!("{}  {:target$}  CALL", columns.heading(&format!("  {:AGE$}", "STARTED")), "TARGET");
    text = look.style.paint(Color::White, text.trim_end()) + "\n";
    for (((head, counts), target_text), call_text) in jobs.iter().zip(&targets).zip(&calls) {
        text.push_str(&format!(
            "{:jid$}  {}",
            head.jid.as_str(),
            look.style.paint(stage_color(head.stage), &age(head, look)),
            jid = columns.jid
        ));
        text.push_str(&columns.numbers(counts, look));
        let line = format!("  {:target$}  {}", cut(target_text, target), cut(call_text, call));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Two lines for each job: its id and counts; when, what and where.
fn narrow(
    jobs: &[(JobHead, Counts)],
    look: &Look,
    columns: &Columns,
    (targets, calls, width): (&[String], &[String], usize),
) -> String {
    let mut text = look.style.paint(Color::White, &columns.heading("")) + "\n";
    for (((head, counts), target), call) in jobs.iter().zip(targets).zip(calls) {
        text.push_str(&format!("{:jid$}", head.jid.as_str(), jid = columns.jid));
        text.push_str(&columns.numbers(counts, look));
        let what = cut(&format!("{call} on {target}"), width.saturating_sub(AGE + 4).max(1));
        text.push_str(&format!(
            "\n  {}  {what}\n",
            look.style.paint(stage_color(head.stage), &age(head, look))
        ));
    }
    text
}

/// What every line begins with: the id and those counts that are not 0 everywhere.
struct Columns {
    jid: usize,
    /// Each with its width.
    counts: Vec<(Column, usize)>,
}

impl Columns {
    fn of(jobs: &[(JobHead, Counts)]) -> Columns {
        let width_of = |(title, count, fate): Column| {
            let most = jobs.iter().map(|(_, counts)| count(counts)).max().filter(|most| *most > 0)?;
            Some(((title, count, fate), title.len().max(most.to_string().len())))
        };
        let jid = jobs.iter().map(|(head, _)| head.jid.as_str().len()).max().unwrap_or(JID_MIN);
        Columns { jid, counts: COUNTS.into_iter().filter_map(width_of).collect() }
    }

    /// The titles; `between` stands behind the id.
    fn heading(&self, between: &str) -> String {
        let counts = self.counts.iter().map(|((title, _, _), width)| format!("  {title:>width$}"));
        format!("{:jid$}{between}{}", "JID", counts.collect::<String>(), jid = self.jid)
    }

    fn numbers(&self, counts: &Counts, look: &Look) -> String {
        let shown = self.counts.iter();
        shown.map(|((_, count, fate), width)| number(count(counts), *width, *fate, look)).collect()
    }
}

/// Columns for target and call: what they need, or their share of what the terminal has left.
fn room(look: &Look, taken: usize, target: usize, call: usize) -> (usize, usize) {
    let Some(width) = look.width else { return (target, call) };
    let left = width.saturating_sub(taken + 4);
    if target + call <= left {
        return (target, call);
    }
    let target = target.min((left / 3).max(TARGET_MIN));
    (target, left.saturating_sub(target).max(1))
}

fn longest(texts: &[String], title: &str) -> usize {
    texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(title.len())
}

/// When it began; a job that has not ended says so instead.
fn age(head: &JobHead, look: &Look) -> String {
    let age = match head.stage {
        Stage::Done => ago(head.jid.unix_micros(), look.now_micros),
        Stage::Running => "running".to_owned(),
        Stage::CutOff => "cut off".to_owned(),
    };
    format!("{age:AGE$}")
}

fn stage_color(stage: Stage) -> Color {
    match stage {
        Stage::Done => Color::DarkGray,
        Stage::Running => Color::LightYellow,
        Stage::CutOff => Color::LightRed,
    }
}

fn number(count: usize, width: usize, fate: Fate, look: &Look) -> String {
    let shown = if count == 0 { format!("{:>width$}", "-") } else { format!("{count:>width$}") };
    let color = if count == 0 { Color::DarkGray } else { color(fate) };
    format!("  {}", look.style.paint(color, &shown))
}
