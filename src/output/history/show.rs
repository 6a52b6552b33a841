//! One job with what its hosts said, as the live run showed it.

use super::text::{ago, call, color, counted, hosts, span};
use super::{Counts, Fate, HostView, JobHead, Look, Stage};
use crate::output::options::ended;
use crate::output::{Color, render, sanitize_line};
use halite_wire::{Map, Value};

/// What was called, where, when, by whom, and how it went in numbers.
pub fn head(job: &JobHead, counts: &Counts, look: &Look) -> String {
    let jid = job.jid.as_str();
    let started = format!(
        "{} {} UTC ({}) by {}",
        job.jid.date(),
        &job.jid.time()[..8],
        ago(job.jid.unix_micros(), look.now_micros),
        sanitize_line(&job.user)
    );
    let stage = match (job.stage, job.took) {
        (Stage::Done, Some(took)) => format!("done in {}", span(took)),
        (Stage::Done, None) => "done".to_owned(),
        (Stage::Running, _) => look.style.paint(Color::LightYellow, "running"),
        (Stage::CutOff, _) => look.style.paint(Color::LightRed, "cut off: its process died before the end"),
    };
    let rows = [
        ("job", look.style.paint(Color::White, jid)),
        ("call", look.style.paint(Color::White, &call(job))),
        (
            "target",
            format!("{} ({}, {})", sanitize_line(&job.target), job.target_kind, hosts(counts.total())),
        ),
        ("started", started),
        ("state", stage),
        ("result", counted(counts, look)),
    ];
    rows.iter().map(|(name, value)| format!("{name:>8}  {value}\n")).collect()
}

/// One host: its answer by the outputter its function asked for, or one line that says why there is none.
pub fn host(view: &HostView, look: &Look) -> String {
    let why = match (view.fate, &view.value) {
        (Fate::Lost, Value::Str(why)) => why.as_str(),
        (Fate::Awaited, _) => "no answer yet",
        _ => return ended(labelled(&view.id, view, look)),
    };
    let line = format!("{}: {}", sanitize_line(&view.id), sanitize_line(why));
    look.style.paint(color(view.fate), &line) + "\n"
}

/// The value of a host under `label` where the host's name would stand.
pub(super) fn labelled(label: &str, view: &HostView, look: &Look) -> String {
    let name = look.out.as_deref().or(view.out.as_deref()).unwrap_or("nested");
    let data = Value::Map(Map::from([(label, view.value.clone())]));
    render(name, &data, &look.style)
}

/// The last line of a job that was followed.
pub fn finished(job: &JobHead, counts: &Counts, look: &Look) -> String {
    let how = match job.stage {
        Stage::CutOff => "cut off".to_owned(),
        _ => job.took.map_or("done".to_owned(), |took| format!("done in {}", span(took))),
    };
    format!("job {} {how}: {}\n", job.jid, counted(counts, look))
}
