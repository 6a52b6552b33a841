//! `cargo xtask rows`: the promises of `docs/rows.md`, the tests that hold them, and with `--run` how those went.
//!
//! A test belongs to rows by its name: `fn sec_10_...` to SEC-10, `fn tgt_10_tgt_21_...` to both. Nothing else is to be kept
//! in step.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use halite_site::find;

use crate::place;
use crate::test::{FEATURES, packages};
use crate::ui::{Failure, Outcome, say, typed};

/// Folders without tests of rows; this very file speaks of such names, too.
const SKIPPED: &[&str] = &["target", ".git", "xtask"];

/// One promise.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    /// `SEC-10`.
    id: String,
    title: String,
}

impl Row {
    /// How names of its tests begin: `sec_10_`.
    fn prefix(&self) -> String {
        format!("{}_", self.id.to_lowercase().replace('-', "_"))
    }
}

/// Prints the table.
///
/// # Errors
/// With `--run`, when a test failed.
pub fn run(arguments: &[String]) -> Outcome {
    let (flags, names): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|word| word.starts_with("--"));
    let wanted = names.first().map(|name| name.to_uppercase()).unwrap_or_default();
    let all = rows(&fs::read_to_string(place::root().join("docs/rows.md"))?);
    let rows: Vec<Row> = all.into_iter().filter(|row| row.id.starts_with(&wanted)).collect();
    let tests = tests_in(&place::root())?;
    match flags.as_slice() {
        [] => print(&rows, &tests, &BTreeMap::new()),
        [flag] if *flag == "--run" => print(&rows, &tests, &results()?),
        _ => Err(Failure("usage: cargo xtask rows [--run] [PREFIX]".into())),
    }
}

/// Rows `| SEC-10 | title |` of the document.
fn rows(document: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.split('|').map(str::trim).collect();
        let id = cells.first().filter(|id| is_id(id))?;
        Some(Row { id: (*id).to_owned(), title: (*cells.get(1)?).to_owned() })
    };
    document.lines().filter_map(row).collect()
}

fn is_id(text: &str) -> bool {
    let number = text.split_once('-').map(|(_, number)| number);
    number.is_some_and(|number| number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Names of all test functions below `folder` that look like a row's.
fn tests_in(folder: &Path) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !SKIPPED.contains(&&*name) {
            names.extend(tests_in(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(test_names(&fs::read_to_string(&path)?));
        }
    }
    Ok(names)
}

fn test_names(source: &str) -> Vec<String> {
    let name =
        |part: &str| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().map(str::to_owned);
    let named = source.split("fn ").skip(1).filter_map(name);
    named
        .filter(|name| ["sec_", "tgt_", "ctl_", "api_"].iter().any(|start| name.starts_with(start)))
        .collect()
}

/// Whether `prefix` (`sec_10_`) is among the ids a test's name begins with; each has the same length.
fn belongs(test: &str, prefix: &str) -> bool {
    let ids = (0..).map(|at| test.get(at * prefix.len()..(at + 1) * prefix.len()).unwrap_or_default());
    let is_row = |id: &&str| ["sec_", "tgt_", "ctl_", "api_"].iter().any(|start| id.starts_with(start));
    ids.take_while(is_row).any(|id| id == prefix)
}

fn print(rows: &[Row], tests: &[String], results: &BTreeMap<String, bool>) -> Outcome {
    let (mut held, mut green, mut red) = (0, 0, Vec::new());
    for row in rows {
        let prefix = row.prefix();
        let own: Vec<&String> = tests.iter().filter(|test| belongs(test, &prefix)).collect();
        let ran: Vec<bool> = own.iter().filter_map(|test| results.get(*test).copied()).collect();
        let state = match (own.len(), ran.as_slice()) {
            (0, _) => "no test".to_owned(),
            (count, []) => format!("{count} test{}", if count == 1 { "" } else { "s" }),
            (_, ran) if ran.contains(&false) => "RED".to_owned(),
            (count, _) => format!("green ({count})"),
        };
        held += usize::from(!own.is_empty());
        green += usize::from(state.starts_with("green"));
        if state == "RED" {
            red.push(row.id.clone());
        }
        say(&format!("{:<7} {:<10} {}", row.id, state, row.title));
    }
    say(&format!(
        "\n{} rows, {held} with tests{}.",
        rows.len(),
        if results.is_empty() { String::new() } else { format!(", {green} green") }
    ));
    if red.is_empty() { Ok(()) } else { Err(Failure(format!("red: {}", red.join(", ")))) }
}

/// Runs all tests of rows and reads their results from what the runner prints.
fn results() -> Outcome<BTreeMap<String, bool>> {
    packages()?;
    let mut cargo = place::cargo();
    if find("cargo-nextest").is_some() {
        let rows = "test(/(^|::)(sec|tgt|ctl|api)_[0-9][0-9]_/)";
        cargo.args([
            "nextest",
            "run",
            "--workspace",
            FEATURES,
            "--locked",
            "--no-fail-fast",
            "--color",
            "never",
            "-E",
            rows,
        ]);
    } else {
        cargo.args(["test", "--workspace", FEATURES, "--locked", "--no-fail-fast"]);
    }
    say(&format!("$ {}", typed(&cargo)));
    // Failing tests make the runner fail; the table tells which. Only a runner that ran nothing is an error here.
    let output = cargo.output()?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let results = outcomes(&said);
    if results.is_empty() && !output.status.success() {
        let end: Vec<&str> = said.lines().rev().take(15).collect();
        return Err(Failure(format!(
            "no test ran:\n{}",
            end.into_iter().rev().collect::<Vec<_>>().join("\n")
        )));
    }
    Ok(results)
}

/// `test name ... ok` of cargo, `PASS [ 0.1s] crate name` of nextest. A test that failed once is failed.
fn outcomes(said: &str) -> BTreeMap<String, bool> {
    let mut results = BTreeMap::new();
    for line in said.lines().map(str::trim) {
        let passed = line.starts_with("PASS") || line.ends_with("... ok");
        let failed = ["FAIL", "TIMEOUT", "SIG", "ABORT"].iter().any(|word| line.starts_with(word))
            || line.ends_with("... FAILED");
        let name = line
            .split_whitespace()
            .filter_map(|word| test_names(&format!("fn {}", last_part(word))).pop())
            .next_back();
        if let (true, Some(name)) = (passed || failed, name) {
            *results.entry(name).or_insert(true) &= passed;
        }
    }
    results
}

/// The last part of a path like `module::tests::name`.
fn last_part(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_holds_every_row_once_and_in_order() {
        let document = fs::read_to_string(place::root().join("docs/rows.md")).unwrap();
        let ids: Vec<String> = rows(&document).into_iter().map(|row| row.id).collect();
        let count = |prefix: &str| ids.iter().filter(|id| id.starts_with(prefix)).count();
        assert_eq!((count("SEC"), count("TGT"), count("CTL"), count("API")), (74, 40, 19, 24));
        for prefix in ["SEC", "TGT", "CTL", "API"] {
            let own: Vec<&String> = ids.iter().filter(|id| id.starts_with(prefix)).collect();
            assert!(own.windows(2).all(|pair| pair[0] < pair[1]), "{prefix} is out of order");
        }
    }

    #[test]
    fn tests_are_found_by_the_names_of_their_functions() {
        let source = "#[test]\nfn sec_10_an_id_is_no_path() {}\nasync fn tgt_04_silence() {}\nfn second() {}";
        assert_eq!(test_names(source), ["sec_10_an_id_is_no_path", "tgt_04_silence"]);
    }

    #[test]
    fn results_are_read_from_both_runners() {
        let said = "        PASS [   0.004s] halite-wire tests::sec_11_jid\n        FAIL [   0.1s] halite ctl_09_rising\n\
                    test trust::tgt_08_changed ... ok\ntest x::sec_01_y ... FAILED\nPASS [ 0.1s] halite other";
        let results = outcomes(said);
        assert_eq!(results.len(), 4);
        assert!(results["sec_11_jid"] && results["tgt_08_changed"]);
        assert!(!results["ctl_09_rising"] && !results["sec_01_y"]);
    }
}
