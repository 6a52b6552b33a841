//! The job stores' own figures: what their tests measure in a release build, as promises of the benchmark.

use super::own::Promise;
use crate::ui::{Failure, Outcome, run, say};
use std::path::Path;
use std::process::Command;

/// Runs the tests that measure, and reads their figures. With a virtual environment that has Salt, its returner modules do
/// the same work, and the figures are put in relation.
///
/// # Errors
/// They cannot be built or started, or none of them shows a figure.
pub fn measure(venv: Option<&Path>) -> Outcome<Vec<Promise>> {
    let words = ["test", "--release", "--quiet", "--package", "halite", "--lib", "jobs::tests::speed"];
    let tests = ["--ignored", "--nocapture", "--test-threads=1"];
    let mut cargo = Command::new("cargo");
    if let Some(venv) = venv {
        // What Salt's `mysql` returner speaks through.
        run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "pymysql"]))?;
        cargo.env("HALITE_SALT_PYTHON", venv.join("bin/python"));
    }
    let done = cargo
        .args(words)
        .arg("--")
        .args(tests)
        .output()
        .map_err(|error| Failure(format!("cargo cannot be started: {error}")))?;
    let said = String::from_utf8_lossy(&done.stderr);
    let promises: Vec<Promise> = said.lines().filter_map(promise).collect();
    if promises.is_empty() {
        return Err(Failure(format!("the job stores show no figure:\n{said}")));
    }
    for Promise { what, found, limit, unit } in &promises {
        say(&format!("{what}: {found} {unit} (limit {limit} {unit})"));
    }
    Ok(promises)
}

/// `figure: WHAT: FOUND ms (limit LIMIT ms)`, and `ratio: WHAT: FOUND x (limit LIMIT x)`.
fn promise(line: &str) -> Option<Promise> {
    let of = |kind: &str, unit: &'static str| {
        let (what, rest) = line.split_once(kind)?.1.rsplit_once(": ")?;
        let (found, limit) = rest.split_once(&format!(" {unit} (limit "))?;
        let limit = limit.strip_suffix(&format!(" {unit})"))?.parse().ok()?;
        Some(Promise { what: what.to_owned(), found: found.parse().ok()?, limit, unit })
    };
    of("figure: ", "ms").or_else(|| of("ratio: ", "x"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_read_from_its_line() {
        let read = promise("test a ... figure: SQLite: 10,000 returns: 812.5 ms (limit 1500 ms)").unwrap();
        assert_eq!((read.what.as_str(), read.found, read.limit), ("SQLite: 10,000 returns", 812.5, 1500.0));
        let read = promise("ratio: mysql: 10,000 returns, over Salt's (1000, times 10): 0.031 x (limit 1 x)")
            .unwrap();
        assert_eq!((read.found, read.limit, read.unit), (0.031, 1.0, "x"));
        assert!(promise("running 4 tests").is_none());
    }
}
