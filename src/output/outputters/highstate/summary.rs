//! The count at the end of each host.

use crate::output::pyrepr;
use crate::output::state_view::StateView;
use crate::output::style::{Color, Style};
use halite_wire::{Map, Value};
use std::collections::HashMap;

/// The longest label; all counts end in one column.
const LABEL_COLUMNS: usize = "Succeeded".len();

/// One host's states in numbers.
#[derive(Default)]
pub struct Tally {
    succeeded: usize,
    failed: usize,
    /// `test=True`: they would change.
    unchanged: usize,
    /// Results that are none of Salt's, by their text.
    strange: HashMap<String, usize>,
    pub changed: usize,
    pub warnings: usize,
    serial_ms: f64,
    /// The longest of those that ran beside each other.
    parallel_ms: Option<f64>,
}

impl Tally {
    /// Counts one state (or `copies` of it). `None` where result or duration are of a kind no state has.
    pub fn count(&mut self, result: &Value, ret: &Map, copies: usize) -> Option<()> {
        let slot = match result {
            Value::Null => &mut self.unchanged,
            Value::Bool(true) | Value::Int(1) => &mut self.succeeded,
            Value::Bool(false) | Value::Int(0) => &mut self.failed,
            Value::List(_) | Value::Map(_) => return None,
            other => self.strange.entry(pyrepr::repr(other)).or_default(),
        };
        *slot += copies;
        let Some(duration) = milliseconds(ret.get("duration"))? else { return Some(()) };
        if ret.get("__parallel__").is_some() {
            self.parallel_ms = Some(self.parallel_ms.map_or(duration, |longest| longest.max(duration)));
        } else {
            self.serial_ms += duration;
        }
        Some(())
    }

    fn total(&self) -> usize {
        self.succeeded + self.failed + self.unchanged + self.strange.values().sum::<usize>()
    }

    /// The columns of labels and counts.
    fn columns(&self) -> usize {
        let counts = [self.succeeded, self.failed, self.unchanged, self.warnings];
        let largest = counts.into_iter().chain(self.strange.values().copied()).max().unwrap_or(0);
        // Nothing counted at all has no digits.
        let digits = if largest == 0 { 0 } else { largest.to_string().len() };
        LABEL_COLUMNS + 2 + digits
    }

    /// The lines below a host's states.
    pub fn summary(&self, host: &str, style: &Style, view: &StateView) -> Vec<String> {
        let columns = self.columns();
        let rule = "-".repeat(columns);
        let row = |color, label: &str, count: String| {
            style.paint(color, &format!("{label}: {count:>width$}", width = columns - label.len() - 2))
        };
        let fail_color = if self.failed > 0 { Color::Red } else { Color::Cyan };
        let succeeded = self.succeeded + self.unchanged;
        let mut lines = vec![
            style.paint(Color::Cyan, &format!("\nSummary for {host}\n{rule}")),
            row(Color::Green, "Succeeded", succeeded.to_string()) + &self.told_changes(style),
            row(fail_color, "Failed", self.failed.to_string()),
        ];
        if view.percentages && self.total() > 0 {
            lines.push(row(Color::Green, "Success %", self.percent(succeeded)));
            lines.push(row(fail_color, "Failure %", self.percent(self.failed)));
        }
        if self.warnings > 0 {
            lines.push(row(Color::LightRed, "Warnings", self.warnings.to_string()));
        }
        let total = format!("{rule}\nTotal states run: {:>width$}", self.total(), width = columns - 7);
        lines.push(style.paint(Color::Cyan, &total));
        if view.profile {
            let (time, unit) = self.time();
            let time = format!("Total run time: {time:>width$} {unit}", width = columns - 5);
            lines.push(style.paint(Color::Cyan, &time));
        }
        lines
    }

    fn told_changes(&self, style: &Style) -> String {
        let unchanged = (self.unchanged > 0)
            .then(|| style.paint(Color::LightYellow, &format!("unchanged={}", self.unchanged)));
        let changed =
            (self.changed > 0).then(|| style.paint(Color::Green, &format!("changed={}", self.changed)));
        let parts: Vec<String> = unchanged.into_iter().chain(changed).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    }

    /// Rounded to two digits, shown without zeros at the end.
    fn percent(&self, count: usize) -> String {
        let percent = count as f64 / self.total() as f64 * 100.0;
        pyrepr::repr(&Value::Float(format!("{percent:.2}").parse().unwrap_or(percent)))
    }

    fn time(&self) -> (String, &'static str) {
        let sum = self.serial_ms + self.parallel_ms.unwrap_or(0.0);
        if sum > 999.0 { (format!("{:.3}", sum / 1000.0), "s") } else { (format!("{sum:.3}"), "ms") }
    }
}

/// A duration as states give it: a number, or text that begins with one. `Some(None)` is text without a number.
#[expect(clippy::option_option, reason = "kinds that are no duration and texts that say none are told apart")]
fn milliseconds(duration: Option<&Value>) -> Option<Option<f64>> {
    match duration {
        None => Some(Some(0.0)),
        Some(Value::Str(text)) => {
            let number = text.split(" ms").next().unwrap_or_default().trim();
            Some(number.parse().ok())
        }
        Some(Value::Bool(flag)) => Some(Some(f64::from(u8::from(*flag)))),
        Some(Value::Int(whole)) => Some(Some(*whole as f64)),
        Some(Value::Float(number)) => Some(Some(*number)),
        Some(_) => None,
    }
}
