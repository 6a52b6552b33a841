//! What is wrong with a file the user wrote, and where. Readers gather problems and report them all at once.

use crate::Place;
use halite_render::yaml::{Mark, YamlError};
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// One thing to mend. Shown as `file:line:column: what`; `what` ends with the cure where there is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Problem {
    pub place: Place,
    pub what: String,
}

impl Problem {
    pub fn new(file: &Path, mark: Mark, what: impl Into<String>) -> Problem {
        Problem { place: Place::new(file, mark), what: what.into() }
    }

    /// About the file as a whole.
    pub fn of_file(file: &Path, what: impl Into<String>) -> Problem {
        Problem::new(file, Mark::default(), what)
    }

    /// `text` is what was read; a message about a line with a password in it must not quote the line.
    pub fn of_yaml(file: &Path, error: &YamlError, text: &str) -> Problem {
        let line = text.lines().nth(error.mark.line.saturating_sub(1)).unwrap_or_default();
        if line.to_lowercase().contains("passw") {
            return Problem::new(file, error.mark, "this is not YAML; put the password in single quotes");
        }
        let mut what = error.message.clone();
        if let Some((mark, text)) = &error.related {
            what += &format!(" ({text} at line {}, column {})", mark.line, mark.column);
        }
        if let Some(hint) = &error.hint {
            what += &format!("; {hint}");
        }
        Problem::new(file, error.mark, what)
    }
}

/// The text of a file the user wrote.
///
/// # Errors
/// A file that cannot be read, or that is not UTF-8.
pub fn read_text(file: &Path) -> Result<String, Problem> {
    let bytes = fs::read(file).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => "does not exist".into(),
            ErrorKind::PermissionDenied => "may not be read by this user".into(),
            _ => format!("cannot be read: {error}"),
        };
        Problem::of_file(file, why)
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        Problem::new(file, Mark { line, column: 1 }, "is not UTF-8 text")
    })
}

impl Place {
    pub fn new(file: &Path, mark: Mark) -> Place {
        Place { file: file.to_owned(), line: mark.line, column: mark.column }
    }
}

/// At least one [`Problem`], in the order of their places; shown one per line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `Ok(value)` where nothing is wrong.
    ///
    /// # Errors
    /// All of `problems`, sorted and without repetitions.
    pub fn none_or<T>(mut problems: Vec<Problem>, value: T) -> Result<T, Problems> {
        if problems.is_empty() {
            return Ok(value);
        }
        problems.sort();
        problems.dedup();
        Err(Problems(problems))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(out, "{line_break}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
