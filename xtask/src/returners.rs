//! `cargo xtask returners`: all returners in a table, each tried against a server that runs here, or against what its
//! service documents.
//!
//! The table is what the test `returners::table` saw a moment ago; red cells are red there, too.

use std::fs;

use crate::place;
use crate::test::{FEATURES, packages};
use crate::ui::{Failure, Outcome, run as run_command, say};

/// Prints the table.
///
/// # Errors
/// A cell is red, or the test cannot be built.
pub fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure("usage: cargo xtask returners".into()));
    }
    packages()?;
    let file = std::env::temp_dir().join(format!("halite-returners-{}", std::process::id()));
    let mut cargo = place::cargo();
    cargo.args(["test", "--quiet", "--package", "halite", FEATURES, "--test", "halite"]);
    cargo.args(["--", "returners::table"]).env("HALITE_TABLE", &file);
    let tested = run_command(&mut cargo);
    if let Ok(table) = fs::read_to_string(&file) {
        say(table.trim_end());
        fs::remove_file(&file)?;
    }
    tested
}
