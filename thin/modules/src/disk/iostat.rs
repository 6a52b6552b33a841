//! `disk.iostat`: the means of several measurements of the program iostat.

use super::run;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

/// One table under way: its columns and the rows of each device.
#[derive(Default)]
struct Table {
    columns: Vec<String>,
    rows: Vec<(String, Vec<Vec<f64>>)>,
}

impl Table {
    fn add(&mut self, name: &str, numbers: Vec<f64>) {
        match self.rows.iter_mut().find(|(other, _)| other == name) {
            Some((_, rows)) => rows.push(numbers),
            None => self.rows.push((name.to_owned(), vec![numbers])),
        }
    }

    /// Mean of each column, to two places.
    fn means(&self) -> Vec<(String, Map)> {
        let mean = |rows: &[Vec<f64>], at: usize| {
            let values: Vec<f64> = rows.iter().filter_map(|row| row.get(at).copied()).collect();
            (values.iter().sum::<f64>() / values.len().max(1) as f64 * 100.0).round() / 100.0
        };
        let describe = |rows: &[Vec<f64>]| {
            self.columns.iter().enumerate().map(|(at, c)| (c.clone(), mean(rows, at))).collect()
        };
        self.rows.iter().map(|(name, rows)| (name.clone(), describe(rows))).collect()
    }
}

pub fn iostat(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (interval, count) = (args.int("interval")?, args.int("count")?);
    let disks = args.texts("disks")?;
    let flags = if disks.is_empty() { "-x" } else { "-xd" };
    let words = ["iostat".to_owned(), flags.to_owned(), interval.to_string(), count.to_string()];
    let output = run(words.into_iter().chain(disks))?;
    Ok(Value::Map(means(&output.text())))
}

/// `{sys: {column: mean}, device: {column: mean}}`.
fn means(text: &str) -> Map {
    let (mut system, mut devices) = (Table::default(), Table::default());
    let mut lines = text.lines();
    let columns = |line: &str| line.split_whitespace().skip(1).map(str::to_owned).collect();
    let numbers =
        |line: &str| line.split_whitespace().filter_map(|word| word.replace(',', ".").parse().ok()).collect();
    while let Some(line) = lines.next() {
        if line.starts_with("avg-cpu:") {
            system.columns = columns(line);
            system.add("sys", numbers(lines.next().unwrap_or_default()));
        } else if line.starts_with("Device") {
            devices.columns = columns(line);
            for row in
                lines.by_ref().take_while(|row| row.starts_with(|letter: char| letter.is_alphanumeric()))
            {
                let (name, rest) = row.split_once(char::is_whitespace).unwrap_or((row, ""));
                devices.add(name, numbers(rest));
            }
        }
    }
    system.means().into_iter().chain(devices.means()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_become_means() {
        let text = "Linux 6.1 (web1)\n\navg-cpu:  %user   %idle\n           1.00   99.00\n\n\
                    Device            r/s     rkB/s\nsda              1.00     10.00\n\n\
                    avg-cpu:  %user   %idle\n           2.01   98.00\n\n\
                    Device            r/s     rkB/s\nsda              2.00     30.00\n\n";
        let means = means(text);
        assert_eq!(means.get("sys").unwrap().get("%idle"), Some(&Value::Float(98.5)));
        assert_eq!(means.get("sda").unwrap().get("rkB/s"), Some(&Value::Float(20.0)));
    }
}
