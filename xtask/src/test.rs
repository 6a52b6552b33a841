//! `cargo xtask test`: what CI runs, in the order in which a failure is cheapest to hear of.
//!
//! The tests come last, because the closing line of their runner is what CI reads.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use halite_site::{ensure_packages, find};

use crate::place::cargo;
use crate::ui::{Failure, Outcome, run as run_command, say, typed};
use crate::{sizes, thins, watch};

/// Programs the tests use; login shells included, because hosts with each of them are part of the tests.
const TOOLS: &[&str] = &[
    "cc",
    "ssh",
    "sshd",
    "ssh-keygen",
    "dropbear",
    "dropbearkey",
    "busybox",
    "ip",
    "unshare",
    "nsenter",
    "openssl",
    "sudo",
    "strace",
    "pgrep",
    "xz",
    "curl",
    "locale-gen",
    "systemctl",
    "crontab",
    "git",
    "gpg",
    "patch",
    "unzip",
    "zip",
    "dpkg-scanpackages",
    "tcsh",
    "zsh",
    "fish",
    "python3",
    "qemu-aarch64-static",
    // Servers that tests start for themselves. All at once: many tests cannot install at the same time.
    "mariadbd",
    "psql",
    "setpriv",
    "rabbitmq-server",
    "prosody",
    "/usr/include/sqlext.h",
    "protoc",
    "/usr/include/google/protobuf/descriptor.proto",
    "mosquitto",
    "mosquitto_sub",
    "kcat",
    "nats-server",
    "influxd",
    "prometheus-pushgateway",
    "syslog-ng",
    "carbon-cache",
    "whisper-fetch",
    "redis-cli",
    "/usr/lib/python3/dist-packages/pyftpdlib",
    "aiosmtpd",
    "memcached",
    "redis-server",
    "etcd",
];

/// The controller with every driver there is, those that are in no usual build, too.
pub const FEATURES: &str = "--features=halite/all";

/// One part of the run.
struct Step {
    name: &'static str,
    run: fn() -> Outcome,
}

const STEPS: &[Step] = &[
    Step { name: "packages", run: packages },
    Step { name: "format", run: format },
    Step { name: "versions", run: || watch::run(&[]) },
    Step { name: "lints", run: lints },
    Step { name: "doc tests", run: doc_tests },
    Step { name: "the aarch64 thin", run: thins::for_tests },
    Step { name: "sizes", run: || sizes::run(&[]) },
    Step { name: "drivers left out", run: drivers_left_out },
    Step { name: "tests", run: tests },
];

/// Runs every step; the first failure ends the run.
///
/// # Errors
/// The step that failed, by name.
pub fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure("usage: cargo xtask test".into()));
    }
    let began = Instant::now();
    for (at, step) in STEPS.iter().enumerate() {
        say(&format!("\n== {}/{} {} ==", at + 1, STEPS.len(), step.name));
        (step.run)().map_err(|Failure(why)| Failure(format!("`{}` failed: {why}", step.name)))?;
    }
    say(&format!("Total time: {:.0} s", began.elapsed().as_secs_f64()));
    Ok(())
}

/// Installs the programs the tests need, and what some drivers are built with.
///
/// # Errors
/// Some are missing and cannot be installed.
pub fn packages() -> Outcome {
    ensure_packages(TOOLS, &mut std::io::stdout())?;
    say("All programs the tests need are here.");
    Ok(())
}

fn format() -> Outcome {
    run_command(cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Outcome {
    run_command(cargo().args([
        "clippy",
        "--workspace",
        FEATURES,
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    // Whoever leaves drivers out gets a build as clean.
    run_command(cargo().args([
        "clippy",
        "--package",
        "halite",
        "--no-default-features",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}

fn doc_tests() -> Outcome {
    run_command(cargo().args(["test", "--workspace", FEATURES, "--doc", "--locked", "--quiet"]))
}

/// Of the usual build, which lacks some drivers, the tests that tell so.
fn drivers_left_out() -> Outcome {
    let test = "returners::tests::a_driver_that_is_not_in_this_build_is_told_with_the_way_to_get_it";
    run_command(cargo().args([
        "test",
        "--package",
        "halite",
        "--locked",
        "--quiet",
        "--lib",
        "--",
        "--exact",
        test,
    ]))
}

/// nextest runs each test in a process of its own; `cargo test` does where it is missing.
fn tests() -> Outcome {
    if find("cargo-nextest").is_some() || in_cargo_home() {
        let profile = if std::env::var_os("CI").is_some() { "ci" } else { "default" };
        return nextest(profile);
    }
    say(
        "cargo-nextest is not here, so plain `cargo test` runs; `cargo install cargo-nextest --locked` gets it.",
    );
    run_command(cargo().args([
        "test",
        "--workspace",
        FEATURES,
        "--locked",
        "--no-fail-fast",
        "--lib",
        "--bins",
        "--tests",
    ]))
}

/// nextest speaks on stderr; its lines are passed on to stdout, so that the closing one stands in either.
fn nextest(profile: &str) -> Outcome {
    let mut command = cargo();
    command.args(["nextest", "run", "--workspace", FEATURES, "--locked", "--profile", profile]);
    say(&format!("$ {}", typed(&command)));
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take().into_iter();
    for line in stderr.flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
        say(&String::from_utf8_lossy(&line?));
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(Failure(format!("`{}`: {status}", typed(&command)))) }
}

fn in_cargo_home() -> bool {
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from).unwrap_or_default();
    home.join(".cargo/bin/cargo-nextest").exists()
}
