//! Programs of the host by name: argv in, output or a plain error out.
//!
//! For modules that drive the host's own tools (`useradd`, `apt-get`, `systemctl`) and read what they print.

use crate::process::{self, Command, Output};
use crate::registry::CallError;
use std::ffi::OsString;
use std::path::PathBuf;

/// Whether the host has this program.
pub fn has(program: &str) -> bool {
    process::which(program).is_some()
}

/// The program's full path.
///
/// # Errors
/// Where the host has none of that name.
pub fn find(program: &str) -> Result<PathBuf, CallError> {
    process::which(program)
        .ok_or_else(|| CallError::failed(format!("the program '{program}' is not on this host")))
}

/// A command of the program `argv[0]` by its full path, with messages in English.
///
/// # Errors
/// Where the host has no such program.
pub fn command<A: AsRef<str>>(argv: &[A]) -> Result<Command, CallError> {
    let program = find(argv.first().map_or("", AsRef::as_ref))?;
    let rest = argv.iter().skip(1).map(|word| OsString::from(word.as_ref()));
    Ok(Command::new(std::iter::once(program.into_os_string()).chain(rest)).c_locale())
}

/// Runs it to its end; a program that fails is an [`Output`] like any other.
///
/// # Errors
/// Where it cannot be started.
pub fn run<A: AsRef<str>>(argv: &[A]) -> Result<Output, CallError> {
    finish(command(argv)?)
}

/// Runs a prepared command.
///
/// # Errors
/// Where it cannot be started.
pub fn finish(command: Command) -> Result<Output, CallError> {
    command.run().map_err(|error| CallError::failed(error.to_string()))
}

/// What it prints.
///
/// # Errors
/// Where it cannot be started or fails; the text is its own last words.
pub fn text<A: AsRef<str>>(argv: &[A]) -> Result<String, CallError> {
    let output = run(argv)?;
    if output.ok() { Ok(output.text()) } else { Err(CallError::failed(complaint(&output))) }
}

/// Why a program failed, in its own words: standard error, else standard output, else the exit code.
pub fn complaint(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match (text(&output.stderr), text(&output.stdout)) {
        (stderr, _) if !stderr.is_empty() => stderr,
        (_, stdout) if !stdout.is_empty() => stdout,
        _ => format!("it ended with code {}", output.code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gives_its_text_or_its_last_words() {
        assert_eq!(text(&["echo", "hello"]), Ok("hello\n".to_owned()));
        let failed = text(&["sh", "-c", "echo no way >&2; exit 3"]);
        assert_eq!(failed, Err(CallError::failed("no way")));
        let silent = text(&["sh", "-c", "exit 3"]);
        assert_eq!(silent, Err(CallError::failed("it ended with code 3")));
        assert!(find("no-such-program-here").is_err() && has("sh"));
    }
}
