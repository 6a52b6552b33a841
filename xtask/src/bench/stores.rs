//! The job stores' own figures: what their tests measure in a release build, as promises of the benchmark.

use super::own::Promise;
use crate::ui::{Failure, Outcome, say};
use std::process::Command;

/// Runs the tests that measure, and reads their figures.
///
/// # Errors
/// They cannot be built or started, or none of them shows a figure.
pub fn measure() -> Outcome<Vec<Promise>> {
    let words = ["test", "--release", "--quiet", "--package", "halite", "--lib", "jobs::tests::speed"];
    let tests = ["--ignored", "--nocapture", "--test-threads=1"];
    let done = Command::new("cargo").args(words).arg("--").args(tests).output();
    let done = done.map_err(|error| Failure(format!("cargo cannot be started: {error}")))?;
    let said = String::from_utf8_lossy(&done.stderr);
    let promises: Vec<Promise> = said.lines().filter_map(promise).collect();
    if promises.is_empty() {
        return Err(Failure(format!("the job stores show no figure:\n{said}")));
    }
    for Promise { what, found, limit, unit } in &promises {
        say(&format!("{what}: {found:.1} {unit} (limit {limit} {unit})"));
    }
    Ok(promises)
}

/// `figure: WHAT: FOUND ms (limit LIMIT ms)`.
fn promise(line: &str) -> Option<Promise> {
    let (what, rest) = line.split_once("figure: ")?.1.rsplit_once(": ")?;
    let (found, limit) = rest.split_once(" ms (limit ")?;
    let limit = limit.strip_suffix(" ms)")?.parse().ok()?;
    Some(Promise { what: what.to_owned(), found: found.parse().ok()?, limit, unit: "ms" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_read_from_its_line() {
        let read = promise("test a ... figure: SQLite: 10,000 returns: 812.5 ms (limit 1500 ms)").unwrap();
        assert_eq!((read.what.as_str(), read.found, read.limit), ("SQLite: 10,000 returns", 812.5, 1500.0));
        assert!(promise("running 4 tests").is_none());
    }
}
