//! `halite`, and the names it answers to as a link: `salt-ssh`, `salt-run`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(halite::cli::main(std::env::args_os()))
}
