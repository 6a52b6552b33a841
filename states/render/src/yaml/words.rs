//! What libyaml says, in words that tell a person what to look for.

use super::{Mark, YamlError};

/// libyaml's marks count from 0.
pub(super) fn mark(mark: libyaml_safer::Mark) -> Mark {
    let from_one = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).saturating_add(1);
    Mark { line: from_one(mark.line), column: from_one(mark.column) }
}

pub(super) fn explain(error: &libyaml_safer::Error, text: &str) -> YamlError {
    let Some(problem_mark) = error.problem_mark() else { return unreadable(error, text) };
    let built = YamlError::new(mark(problem_mark), problem_words(error.problem()));
    match (error.context_mark(), error.context()) {
        (Some(context_mark), Some(context)) if context_mark != problem_mark => {
            where_it_began(built.related(mark(context_mark), context_words(context)), text)
        }
        _ => built,
    }
}

/// What was opened and never closed is told where it opens, not where the text ends.
fn where_it_began(error: YamlError, text: &str) -> YamlError {
    let Some((begin, what)) = &error.related else { return error };
    let begin = *begin;
    let (line, column) = (error.mark.line, error.mark.column);
    let rest = text.lines().skip(line - 1).enumerate();
    let at_end = rest.flat_map(|(at, text)| text.chars().skip(if at == 0 { column - 1 } else { 0 }));
    let at_end = at_end.into_iter().all(char::is_whitespace);
    match (error.message.as_str(), what.as_str()) {
        ("a `:` is missing after this key", _) => YamlError::new(begin, "this line has no `:` after its key"),
        ("the text ends inside quotes", _) => {
            YamlError::new(begin, "these quotes are not closed").hint("close the quotes where the value ends")
        }
        (_, "the `[` is") if at_end => YamlError::new(begin, "this `[` is not closed"),
        (_, "the `{` is") if at_end => YamlError::new(begin, "this `{` is not closed"),
        _ => error,
    }
}

/// The reader refused a character; libyaml names only its byte.
fn unreadable(error: &libyaml_safer::Error, text: &str) -> YamlError {
    let refused =
        |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}') || is_noncharacter(c);
    let Some((at, c)) = text.char_indices().find(|&(_, c)| refused(c)) else {
        return YamlError::new(Mark { line: 1, column: 1 }, error.problem());
    };
    YamlError::new(place_of(text, at), format!("the character U+{:04X} is not allowed", u32::from(c)))
        .hint("in double quotes it can be written as an escape, such as \"\\x07\"")
}

/// Line and column of the byte `at`.
pub(super) fn place_of(text: &str, at: usize) -> Mark {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Mark { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

fn problem_words(problem: &'static str) -> &'static str {
    match problem {
        "mapping values are not allowed in this context" => "a `:` that makes a key cannot stand here",
        "mapping keys are not allowed in this context" => "a `?` that begins a key cannot stand here",
        "block sequence entries are not allowed in this context" => "a list item (`- `) cannot begin here",
        "could not find expected ':'" => "a `:` is missing after this key",
        "did not find expected key" => "a key is expected here, at the column of the keys above",
        "did not find expected '-' indicator" => {
            "a list item (`- `) is expected here, at the column of those above"
        }
        "did not find expected ',' or ']'" => "a `,` or the closing `]` is expected here",
        "did not find expected ',' or '}'" => "a `,` or the closing `}` is expected here",
        "did not find expected node content" => "a value is expected here",
        "did not find expected <document start>" => "the document ended before this",
        "found character that cannot start any token" => "a value cannot begin with this character",
        "found unexpected end of stream" => "the text ends inside quotes",
        "found unexpected document indicator" => "a document marker stands inside quotes",
        "found unknown escape character" => "there is no such escape in double quotes",
        "did not find expected hexdecimal number" => "hexadecimal digits are expected after this escape",
        "found invalid Unicode character escape code" => "this escape names no character",
        "found a tab character that violates indentation"
        | "found a tab character where an indentation space is expected" => "a tab cannot indent",
        "found unexpected ':'" => "a `:` inside [ ] or { } must be quoted or followed by a space",
        "did not find expected alphabetic or numeric character" => {
            "a name is expected after `&` or `*`, and only spaces after the name"
        }
        "did not find expected comment or line break" => "nothing but a comment may follow here",
        "did not find expected whitespace or line break" => "a space is expected here",
        "found undefined tag handle" => "this tag uses a handle that is not declared",
        "found an indentation indicator equal to 0" => "the indentation of a block text is 1 to 9",
        "found incompatible YAML document" => "this version of YAML is not read here",
        other => other,
    }
}

fn context_words(context: &'static str) -> &'static str {
    match context {
        "while parsing a block mapping" => "the map begins",
        "while parsing a block collection" => "the list begins",
        "while parsing a flow mapping" => "the `{` is",
        "while parsing a flow sequence" => "the `[` is",
        "while scanning a quoted scalar" | "while parsing a quoted scalar" => "the quotes open",
        "while scanning a simple key" => "the key begins",
        "while scanning a block scalar" => "the block text begins",
        "while scanning a plain scalar" => "the value begins",
        _ => "what is being read begins",
    }
}
