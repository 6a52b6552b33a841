//! What can go wrong while a fleet is raised, used or taken down.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The kit's result.
pub type Result<T, E = SiteError> = std::result::Result<T, E>;

/// One failure, with what it was about. Texts are lowercase fragments.
#[derive(Debug)]
pub enum SiteError {
    /// A file or directory could not be used.
    Io { path: PathBuf, source: io::Error },
    /// A helper program could not be started, or ended badly; `said` is the end of what it printed.
    Program { program: String, said: String },
    /// A host did not come up in time; `log` is the end of its log.
    NotReady { host: String, log: String },
    /// No host of this name is in the fleet.
    NoSuchHost { name: String, known: String },
    /// The plan asks for what this kind of fleet cannot give.
    Plan(String),
    /// Programs are missing and could not be installed; `cure` is the command that would do it.
    Missing { tools: Vec<String>, cure: String },
    /// The state on disk is not that of a fleet.
    State { path: PathBuf, why: String },
}

impl fmt::Display for SiteError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(out, "{}: {source}", path.display()),
            Self::Program { program, said } => write!(out, "`{program}` failed: {}", said.trim_end()),
            Self::NotReady { host, log } => write!(out, "host {host} did not come up; its log ends: {log}"),
            Self::NoSuchHost { name, known } => {
                write!(out, "no host `{name}` in this fleet (there are: {known})")
            }
            Self::Plan(why) => write!(out, "plan refused: {why}"),
            Self::Missing { tools, cure } => {
                write!(out, "missing: {}; install with: {cure}", tools.join(", "))
            }
            Self::State { path, why } => write!(out, "{}: not the state of a fleet: {why}", path.display()),
        }
    }
}

impl std::error::Error for SiteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Names the file an input/output error was about.
pub(crate) trait AtPath<T> {
    /// Turns the error into [`SiteError::Io`] with `path`.
    fn at(self, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> AtPath<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|error| SiteError::Io { path: path.to_owned(), source: error.into() })
    }
}
