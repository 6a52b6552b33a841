//! `cargo xtask COMMAND`: everything a person or CI runs on this project beside cargo itself.
//!
//! One table of commands, one file per command. A command prints what it does and answers with success or one
//! failure, which this file turns into the exit code.

mod bench;
mod conformance;
mod demo;
mod lab;
mod place;
mod returners;
mod rows;
mod sizes;
mod test;
mod thins;
mod ui;
mod watch;

use std::process::ExitCode;

use ui::{Failure, Outcome, say};

struct Command {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        usage: "demo",
        about: "build, bring up 8 hosts on this machine, and show what halite does with them",
        run: demo::run,
    },
    Command { name: "lab", usage: lab::USAGE, about: "a fleet on this machine that stays up", run: lab::run },
    Command {
        name: "test",
        usage: "test",
        about: "format, lints, all tests, sizes and versions; stops at the first failure",
        run: test::run,
    },
    Command {
        name: "sizes",
        usage: "sizes",
        about: "size and start time of the thin, against their limits",
        run: sizes::run,
    },
    Command {
        name: "watch",
        usage: "watch",
        about: "Cargo.lock against WATCH.md and deny.toml, without network",
        run: watch::run,
    },
    Command {
        name: "rows",
        usage: "rows [--run] [PREFIX]",
        about: "promises of docs/rows.md and the tests that hold them, e.g. `rows --run sec`",
        run: rows::run,
    },
    Command {
        name: "returners",
        usage: "returners",
        about: "every returner in a table: written, read back, down and recovered, hostile value, secret absent",
        run: returners::run,
    },
    Command {
        name: "thins",
        usage: "thins [x86_64|aarch64]",
        about: "build the small musl thins and say how to embed them",
        run: thins::run,
    },
    Command {
        name: "bench",
        usage: bench::USAGE,
        about: "side by side with ssh and its relatives; writes docs/benchmarks.md",
        run: bench::run,
    },
    Command {
        name: "conformance",
        usage: conformance::USAGE,
        about: "public trees compiled by us and by real Salt, chunk by chunk",
        run: conformance::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            say(&format!("xtask: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Outcome {
    let Some((name, rest)) = arguments.split_first().filter(|(name, _)| !is_help(name)) else {
        return help();
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        return Err(Failure(format!("no command `{name}`; there are: {}", names.join(", "))));
    };
    if rest.first().is_some_and(|word| is_help(word)) {
        say(&format!("cargo xtask {}\n\n{}", command.usage, command.about));
        return Ok(());
    }
    (command.run)(rest)
}

fn is_help(word: &str) -> bool {
    matches!(word, "help" | "-h" | "--help")
}

fn help() -> Outcome {
    say("Usage: cargo xtask COMMAND\n");
    for command in COMMANDS {
        say(&format!("  {:<8} {}", command.name, command.about));
    }
    say("\nFirst time here? `cargo xtask demo` needs nothing but Rust on a Debian or Ubuntu machine.");
    Ok(())
}
