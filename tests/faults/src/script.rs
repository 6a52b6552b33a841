//! What a fake host does, as data.

use halite_wire::message::FromThin;
use std::time::Duration;

/// One host's behaviour. The default is a good one: any key is let in, and commands are run.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Shown before authentication.
    pub banner: Option<String>,
    pub auth: Auth,
    /// The channel is never confirmed.
    pub hang_on_open: bool,
    pub exec: Exec,
}

#[derive(Clone, Debug, Default)]
pub enum Auth {
    #[default]
    Anybody,
    Nobody,
    /// Only this password lets in.
    Password(String),
    /// Asks one hidden question after another.
    QuestionsForEver,
    Hang,
}

#[derive(Clone, Debug, Default)]
pub enum Exec {
    /// The command is run by `/bin/sh -c`, as a login shell would, in an empty home.
    #[default]
    Shell,
    /// The same by another shell (`fish -c`, `tcsh -c`), or by a forced command.
    Program(Vec<String>),
    /// The command is not looked at; these acts follow one another.
    Acts(Vec<Act>),
    /// These acts, and then the command.
    ActsThenShell(Vec<Act>),
}

/// One step of a scripted answer.
#[derive(Clone, Debug)]
pub enum Act {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    /// For ever, as fast as the line takes it.
    FloodStdout(Vec<u8>),
    FloodStderr(Vec<u8>),
    /// The magic and the nonce of the command that was sent.
    Greet,
    /// A frame with the next number.
    Frame(FromThin),
    /// The return `True`, whole.
    ReturnTrue,
    Sleep(Duration),
    Hang,
    Exit(u32),
    Signal,
    Eof,
    Close,
    /// The line drops without a word.
    Drop,
}
