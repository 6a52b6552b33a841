//! The state of a run in a few numbers and names: what the progress bar shows. Knows no terminal and no clock.

use super::sanitize::sanitize_line;
use crate::fleet::facts::{Fact, Step};
use crate::fleet::outcome::{Outcome, Phase};
use halite_wire::{MinionId, Value};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Hosts named as the slowest.
const SLOWEST: usize = 4;

/// Characters of a state's name that are shown.
const NAME_CHARS_MAX: usize = 40;

/// Every host of the run: done, or where it is.
#[derive(Default)]
pub struct Board {
    pub targeted: usize,
    pub done: usize,
    failed: usize,
    unanswered: usize,
    turns: HashMap<MinionId, Turn>,
    started: Option<Instant>,
}

struct Turn {
    since: Instant,
    phase: Option<Phase>,
    pushed_percent: Option<u64>,
    steps: usize,
    states: Option<States>,
}

/// How far a run of states is, as it reports itself:
/// `{"done": 12, "total": 60, "running": ["pkg_|-web_|-nginx_|-installed"]}`.
struct States {
    done: i64,
    total: i64,
    name: String,
}

impl Board {
    /// Takes in what happened at `now`.
    pub fn apply(&mut self, fact: &Fact, now: Instant) {
        match fact {
            Fact::RunStarted { plan } => {
                *self = Board { targeted: plan.hosts.len(), started: Some(now), ..Board::default() };
            }
            Fact::HostStarted { minion, .. } => {
                let turn = Turn { since: now, phase: None, pushed_percent: None, steps: 0, states: None };
                self.turns.insert(minion.clone(), turn);
            }
            Fact::HostProgress { minion, step } => {
                if let Some(turn) = self.turns.get_mut(minion) {
                    turn.step(step);
                }
            }
            Fact::HostFinished { record, .. } => {
                self.turns.remove(&record.minion);
                self.done += 1;
                match record.outcome {
                    Outcome::Returned(_) => self.failed += usize::from(!record.is_ok()),
                    Outcome::Failed(_) | Outcome::Cancelled(_) | Outcome::Bug(_) => self.unanswered += 1,
                }
            }
            Fact::RunFinished { .. } => {}
        }
    }

    /// `37/100 done, 25 running, 2 failed, 1 no answer, 12 s left`; parts that are zero are left out.
    pub fn headline(&self, now: Instant) -> String {
        let mut line = format!("{}/{} done", self.done, self.targeted);
        let counts = [(self.turns.len(), "running"), (self.failed, "failed"), (self.unanswered, "no answer")];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            line.push_str(&format!(", {count} {what}"));
        }
        if let Some(left) = self.time_left(now) {
            line.push_str(&format!(", {} left", seconds(left)));
        }
        line
    }

    /// How much of the run is done, from 0 to 1: a host in the middle of its states counts in part.
    pub fn fraction(&self) -> f64 {
        let parts: f64 =
            self.turns.values().filter_map(|turn| turn.states.as_ref()).map(States::fraction).sum();
        if self.targeted == 0 { 0.0 } else { ((self.done as f64 + parts) / self.targeted as f64).min(1.0) }
    }

    /// The hosts whose turn takes longest, a line for each: `web7 call 31 s`, `db1 12/60 states, now nginx`.
    pub fn slowest(&self, now: Instant) -> String {
        let mut turns: Vec<_> = self.turns.iter().collect();
        turns.sort_by(|a, b| a.1.since.cmp(&b.1.since).then_with(|| a.0.cmp(b.0)));
        let told: Vec<String> =
            turns.iter().take(SLOWEST).map(|(minion, turn)| turn.told(minion, now)).collect();
        told.join("\n")
    }

    /// As if what is to come took as long as what is done.
    fn time_left(&self, now: Instant) -> Option<Duration> {
        let done = self.fraction();
        let elapsed = now.duration_since(self.started?);
        (done > 0.0 && self.done < self.targeted).then(|| elapsed.mul_f64((1.0 - done) / done))
    }
}

impl Turn {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Entered(phase) => self.phase = Some(*phase),
            Step::Pushed { sent_bytes, total_bytes } => {
                self.pushed_percent = Some(sent_bytes.saturating_mul(100) / (*total_bytes).max(1));
            }
            Step::Reported(step) => {
                self.steps += 1;
                self.states = States::reported(step).or(self.states.take());
            }
        }
    }

    fn told(&self, minion: &MinionId, now: Instant) -> String {
        let mut text = minion.to_string();
        if let (Some(Phase::Call), Some(states)) = (self.phase, &self.states) {
            let States { done, total, name } = states;
            let now = if name.is_empty() { "" } else { ", now " };
            return text + &format!(" {done}/{total} states{now}{}", shortened(&sanitize_line(name)));
        }
        if let Some(phase) = self.phase {
            text.push_str(&format!(" {}", phase.name()));
        }
        match (self.phase, self.pushed_percent) {
            (Some(Phase::Bootstrap), Some(percent)) => text.push_str(&format!(" {percent}%")),
            (Some(Phase::Call), _) if self.steps > 0 => text.push_str(&format!(" step {}", self.steps)),
            _ => {}
        }
        text + &format!(" {}", seconds(now.duration_since(self.since)))
    }
}

impl States {
    fn fraction(&self) -> f64 {
        if self.total > 0 { (self.done as f64 / self.total as f64).clamp(0.0, 1.0) } else { 0.0 }
    }

    fn reported(step: &Value) -> Option<States> {
        let step = step.as_map()?;
        let number = |key| step.get(key).and_then(Value::as_i64);
        let running = step.get("running").and_then(Value::as_list)?;
        let name = running.last().and_then(Value::as_str).and_then(|tag| tag.split("_|-").nth(2));
        Some(States {
            done: number("done")?,
            total: number("total")?,
            name: name.unwrap_or_default().to_owned(),
        })
    }
}

/// The first words of a long name.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        secs @ 0..120 => format!("{secs} s"),
        secs => format!("{} min", secs / 60),
    }
}
