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
    lines()
        .after_quotes(error)
        .or_else(|| lines().tab())
        .or_else(|| lines().template())
        .or_else(|| lines().no_space())
        .or_else(|| {
            lines()
                .special_start(error)
                .or_else(|| lines().deeper(error, text))
                .or_else(|| lines().second_colon(error))
                .or_else(|| indentation(error))
                .or_else(|| no_colon(error))
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

    /// Text behind closing quotes.
    fn after_quotes(&self, error: &YamlError) -> Option<String> {
        let line = self.0.first()?;
        let before: String = line.chars().take(error.mark.column - 1).collect();
        let quote = before.trim_end().chars().next_back().filter(|c| matches!(c, '\'' | '"'))?;
        let cure = if quote == '\'' {
            "write a `'` inside them as `''`"
        } else {
            "write a `\"` inside them as `\\\"`"
        };
        let expected = error.message.starts_with("a key is expected");
        expected.then(|| format!("the value ends with its closing quote; {cure}"))
    }

    /// A key that stands deeper than the one above, which has a value already.
    fn deeper(&self, error: &YamlError, text: &str) -> Option<String> {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let own = text.lines().nth(error.mark.line.checked_sub(1)?)?;
        let above = text.lines().take(error.mark.line - 1).filter(|line| !line.trim().is_empty()).last()?;
        let has_value = above.split_once(": ").is_some_and(|(_, value)| !value.trim().is_empty());
        let is_item = above.trim_start().starts_with("- ") && !above.contains(": ");
        let fits = error.message.contains("cannot stand here") && indent(own) > indent(above);
        match (fits, has_value, is_item) {
            (true, true, _) => {
                Some(format!("indent this line as the one above, to column {}", indent(above) + 1))
            }
            (true, _, true) => {
                Some("the item above is a text; `name:` with a colon would begin a map".to_owned())
            }
            _ => None,
        }
    }

    fn special_start(&self, error: &YamlError) -> Option<String> {
        let begin = error.related.as_ref().filter(|(mark, what)| {
            mark.line == error.mark.line && (what.contains("block text") || what.contains("being read"))
        });
        let column = begin.map_or(error.mark.column, |(mark, _)| mark.column);
        let rest: String = self.0.first()?.chars().skip(column - 1).collect();
        let first = rest.chars().next().filter(|c| "@`%&*!|>".contains(*c))?;
        let (what, quoted) = match rest.trim_end().strip_suffix(':') {
            Some(key) => ("key", format!("'{key}':")),
            None => ("value", format!("'{}'", rest.trim_end())),
        };
        let shown = if first == '`' { "a backtick".to_owned() } else { format!("`{first}`") };
        Some(format!("put a {what} that begins with {shown} in quotes: {quoted}"))
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

fn no_colon(error: &YamlError) -> Option<String> {
    let cure = "a key ends with a colon; the lines of a block text (`|`, `>`) are indented";
    error.message.contains("no `:` after its key").then(|| cure.to_owned())
}

fn indentation(error: &YamlError) -> Option<String> {
    let (begin, what) = error.related.as_ref()?;
    let block = what.starts_with("the map") || what.starts_with("the list");
    let off = block && begin.column != error.mark.column && error.mark.line > begin.line;
    off.then(|| format!("indent this line as its neighbours: they begin at column {}", begin.column))
}
