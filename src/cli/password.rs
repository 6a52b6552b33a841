//! Asking a person for a secret, on the terminal and nowhere else.

use halite_roster::Secret;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use zeroize::Zeroizing;

/// Asks on the controlling terminal, without showing what is typed.
///
/// # Errors
/// There is no terminal, or it was closed.
pub fn ask(prompt: &str) -> Result<Secret, String> {
    let no_terminal =
        |error: std::io::Error| format!("a password can only be asked for on a terminal: {error}");
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(no_terminal)?;
    let shown = tcgetattr(&terminal).map_err(|error| no_terminal(error.into()))?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Flush, &hidden).map_err(|error| no_terminal(error.into()))?;
    let asked = terminal.write_all(prompt.as_bytes());
    let mut line = Zeroizing::new(String::new());
    let read = asked.and_then(|()| BufReader::new(&terminal).read_line(&mut line));
    let _ = tcsetattr(&terminal, OptionalActions::Flush, &shown);
    let _ = terminal.write_all(b"\n");
    match read {
        Ok(1..) => Ok(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned())),
        Ok(0) => Err("no password was typed".to_owned()),
        Err(error) => Err(no_terminal(error)),
    }
}
