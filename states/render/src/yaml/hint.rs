//! Guesses at what a person meant where a document is broken.

use super::YamlError;

/// `error` with a hint, where it has none and the lines it points at show a common mistake.
pub(super) fn with_hint(error: YamlError, text: &str) -> YamlError {
    if error.hint.is_some() {
        return error;
    }
    let hint = guess(&error, text);
    YamlError { hint, ..error }
}

fn guess(error: &YamlError, text: &str) -> Option<String> {
    let lines = || Lines::around(error, text);
    quotes(error)
        .or_else(|| lines().tab())
        .or_else(|| lines().template())
        .or_else(|| lines().no_space())
        .or_else(|| {
            lines()
                .special_start(error)
                .or_else(|| lines().second_colon(error))
                .or_else(|| indentation(error))
        })
}

/// The line the error is at, the one its context begins at, and the one before it.
struct Lines<'t>(Vec<&'t str>);

impl<'t> Lines<'t> {
    fn around(error: &YamlError, text: &'t str) -> Lines<'t> {
        let line = |number: usize| text.lines().nth(number.checked_sub(1)?).map(beginning);
        let own = error.mark.line;
        let context = error.related.as_ref().map(|(mark, _)| mark.line);
        let numbers = [Some(own), own.checked_sub(1), context];
        Lines(numbers.into_iter().flatten().filter_map(line).collect())
    }

    fn tab(&self) -> Option<String> {
        let indent = |line: &&str| line[..line.len() - line.trim_start().len()].contains('\t');
        self.0.iter().any(indent).then(|| "indent with spaces, not with a tab".to_owned())
    }

    fn template(&self) -> Option<String> {
        let starts = |line: &&str| {
            let value = line.split_once(": ").map_or(*line, |(_, value)| value).trim_start();
            value.trim_start_matches("- ").starts_with("{{") || value.starts_with("{%")
        };
        let line = self.0.iter().find(|line| starts(line))?;
        let begin = line.find("{{").or_else(|| line.find("{%"))?;
        Some(format!("quote a value that begins with a template: \"{}\"", line[begin..].trim_end()))
    }

    /// `key:value` in a line that is no flow collection.
    fn no_space(&self) -> Option<String> {
        self.0.iter().find_map(|line| {
            let (key, value) = line.trim().trim_start_matches("- ").split_once(':')?;
            let plain = |c: char| c.is_alphanumeric() || "_-.".contains(c);
            let glued = !key.is_empty() && key.chars().all(plain) && !value.starts_with([' ', ':', '/']);
            (glued && !value.is_empty()).then(|| format!("put a space after the colon: `{key}: {value}`"))
        })
    }

    fn special_start(&self, error: &YamlError) -> Option<String> {
        let rest: String = self.0.first()?.chars().skip(error.mark.column - 1).collect();
        let first = rest.chars().next().filter(|c| "@`%&*!|>".contains(*c))?;
        Some(format!("put a value that begins with `{first}` in quotes: '{}'", rest.trim_end()))
    }

    fn second_colon(&self, error: &YamlError) -> Option<String> {
        let line = self.0.first()?;
        let (_, value) = line.split_once(": ")?;
        let is_colon = error.message.contains("`:`") || value.contains('\'') || value.contains('"');
        let value = value.trim();
        (is_colon && value.contains(':')).then(|| format!("put a value that holds `: ` in quotes: '{value}'"))
    }
}

/// The part of a line people write by hand.
fn beginning(line: &str) -> &str {
    const CHARS_MAX: usize = 1000;
    line.char_indices().nth(CHARS_MAX).map_or(line, |(end, _)| &line[..end])
}

fn quotes(error: &YamlError) -> Option<String> {
    error.message.contains("inside quotes").then(|| "close the quotes where the value ends".to_owned())
}

fn indentation(error: &YamlError) -> Option<String> {
    let (begin, what) = error.related.as_ref()?;
    let block = what.starts_with("the map") || what.starts_with("the list");
    let off = block && begin.column != error.mark.column && error.mark.line > begin.line;
    off.then(|| format!("indent this line as its neighbours: they begin at column {}", begin.column))
}
