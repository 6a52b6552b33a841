//! The commands: parses what the user typed, wires the rooms together, and picks an exit code.

mod again;
mod background;
mod begin;
mod conduct;
mod crier;
mod desk;
pub mod exit;
mod help;
mod house;
mod jobs;
mod keeper;
mod key_deploy;
pub mod options;
mod password;
mod returns;
mod run;
mod saltfile;
mod setup;
mod signals;
mod ssh;
mod store;

use options::Command;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};

/// Does what the command line says. Returns the exit code: see [`exit`].
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    match options::parse(args) {
        Ok(Command::Show(text)) => show(&text),
        Ok(Command::Ssh(options)) => ssh::main(*options),
        Ok(Command::Run(options)) => run::main(*options),
        Ok(Command::Jobs(options)) => jobs::main(*options),
        Err(error) => complain(&error.message, exit::USAGE),
    }
}

fn show(text: &options::Text) -> u8 {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let coloured = std::io::stdout().is_terminal() && !plain;
    // A reader that went away has read enough.
    match writeln!(std::io::stdout(), "{}", text.render(coloured).trim_end()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => exit::OUTPUT,
        _ => exit::OK,
    }
}

/// Says one line on stdout.
fn say(line: &str) -> u8 {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => exit::OUTPUT,
        _ => exit::OK,
    }
}

/// Says on stderr why nothing is done.
fn complain(message: &str, code: u8) -> u8 {
    let _ = writeln!(std::io::stderr(), "{}", message.trim_end());
    code
}
