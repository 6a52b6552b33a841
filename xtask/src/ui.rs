//! How commands speak and fail: lines on stdout, one failure message, and child processes shown before they run.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::process::Command;

use halite_site::SiteError;

/// Why a command ended badly: one line for the person at the terminal.
#[derive(Debug)]
pub struct Failure(pub String);

/// What a command answers.
pub type Outcome<T = ()> = Result<T, Failure>;

impl From<SiteError> for Failure {
    fn from(error: SiteError) -> Self {
        Self(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Prints one line at once, so that it stands before the output of the child it announces.
pub fn say(line: &str) {
    let mut stdout = io::stdout();
    // A reader that went away (`| head`) is no reason to stop.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// The command as it would be typed.
pub fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(shell_word).collect::<Vec<_>>().join(" ")
}

/// One word for a shell, quoted only where it must be.
pub fn shell_word(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Shows a command and runs it with our own terminal.
///
/// # Errors
/// When it cannot start or does not exit with 0.
pub fn run(command: &mut Command) -> Outcome {
    say(&format!("$ {}", typed(command)));
    let status = command.status().map_err(|error| Failure(format!("`{}`: {error}", typed(command))))?;
    if status.success() { Ok(()) } else { Err(Failure(format!("`{}`: {status}", typed(command)))) }
}

/// The stdout of a command that succeeds.
///
/// # Errors
/// When it cannot start or does not exit with 0; with its stderr.
pub fn stdout_of(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|error| Failure(format!("`{}`: {error}", typed(command))))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure(format!("`{}`: {}: {}", typed(command), output.status, said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_would_need_it() {
        let mut command = Command::new("halite");
        command.args(["ssh", "*", "cmd.run", "uname -a", "it's"]);
        assert_eq!(typed(&command), r"halite ssh '*' cmd.run 'uname -a' 'it'\''s'");
    }
}
