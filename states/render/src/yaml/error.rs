//! What is wrong with a document, where, and what would cure it.

use super::Mark;
use crate::excerpt::Excerpt;

/// Why a document could not be read. `Display` is one line; [`report`](YamlError::report) shows the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {message}{}{}", mark.line, mark.column, self.related_text(), self.hint_text())]
pub struct YamlError {
    pub mark: Mark,
    pub message: String,
    /// A second place that matters: the first of two equal keys, the bracket that was never closed.
    pub related: Option<(Mark, String)>,
    /// What to write instead, where that can be guessed.
    pub hint: Option<String>,
}

impl YamlError {
    pub(crate) fn new(mark: Mark, message: impl Into<String>) -> YamlError {
        YamlError { mark, message: message.into(), related: None, hint: None }
    }

    pub(crate) fn related(self, mark: Mark, text: impl Into<String>) -> YamlError {
        YamlError { related: Some((mark, text.into())), ..self }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> YamlError {
        YamlError { hint: Some(hint.into()), ..self }
    }

    /// `file:line:column: message`, the lines around with a caret, and the hint. Several lines, no line break at
    /// the end. `source` is the text that was given to [`load`](super::load).
    pub fn report(&self, file: &str, source: &str) -> String {
        let related = self.related.as_ref().map(|(mark, text)| (*mark, text.as_str()));
        let hint = self.hint.as_deref();
        Excerpt { file, source, mark: self.mark, message: &self.message, related, hint }.render()
    }

    fn related_text(&self) -> String {
        self.related.as_ref().map_or(String::new(), |(mark, text)| {
            format!(" ({text} at line {}, column {})", mark.line, mark.column)
        })
    }

    fn hint_text(&self) -> String {
        self.hint.as_ref().map_or(String::new(), |hint| format!("; {hint}"))
    }
}
