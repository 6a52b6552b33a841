//! Regular expressions as Python's `re` reads them: source and flags in, a matcher over bytes out.
//!
//! The engine is `fancy-regex`; the few signs both dialects read differently are rewritten first.

use fancy_regex::{BytesMode, Regex, RegexBuilder};
use halite_wire::Value;
use std::iter::Peekable;
use std::str::Chars;

/// How a pattern is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
    pub verbose: bool,
}

/// What the pattern is searched in: Python's `str` (classes know all of Unicode) or `bytes` (ASCII, byte by byte).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Bytes,
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    #[error("invalid regular expression {pattern:?}: {why}")]
    Invalid { pattern: String, why: String },
    #[error("the regular expression {pattern:?} needs too many steps on this text")]
    TooManySteps { pattern: String },
    #[error("no regular expression flag is named {0:?}; there are IGNORECASE, MULTILINE, DOTALL and VERBOSE")]
    UnknownFlag(String),
}

impl Flags {
    /// Python's number (`re.MULTILINE` is 8), one name, or a list of names, long or of one letter.
    ///
    /// # Errors
    /// [`RegexError::UnknownFlag`].
    pub fn from_value(value: &Value) -> Result<Flags, RegexError> {
        let bits = match value {
            Value::Int(bits) => *bits,
            Value::Str(name) => bit(name)?,
            Value::List(names) => names.iter().try_fold(0, |bits, name| match name {
                Value::Str(name) => Ok(bits | bit(name)?),
                other => Err(RegexError::UnknownFlag(format!("{other:?}"))),
            })?,
            other => return Err(RegexError::UnknownFlag(other.kind().to_owned())),
        };
        let has = |bit| bits & bit != 0;
        Ok(Flags { ignore_case: has(2), multi_line: has(8), dot_all: has(16), verbose: has(64) })
    }
}

/// Locale, Unicode, ASCII and debug flags change nothing here and are taken silently.
fn bit(name: &str) -> Result<i64, RegexError> {
    match name.to_ascii_uppercase().as_str() {
        "I" | "IGNORECASE" => Ok(2),
        "M" | "MULTILINE" => Ok(8),
        "S" | "DOTALL" => Ok(16),
        "X" | "VERBOSE" => Ok(64),
        "A" | "ASCII" | "L" | "LOCALE" | "U" | "UNICODE" | "DEBUG" => Ok(0),
        _ => Err(RegexError::UnknownFlag(name.to_owned())),
    }
}

impl Pattern {
    /// Compiles for a search anywhere in the text.
    ///
    /// # Errors
    /// [`RegexError::Invalid`].
    pub fn search(source: &str, flags: Flags, kind: Kind) -> Result<Pattern, RegexError> {
        Pattern::compile(source, flags, kind, false)
    }

    /// Compiles for a match that begins where the text does.
    ///
    /// # Errors
    /// [`RegexError::Invalid`].
    pub fn prefix(source: &str, flags: Flags, kind: Kind) -> Result<Pattern, RegexError> {
        Pattern::compile(source, flags, kind, true)
    }

    fn compile(source: &str, flags: Flags, kind: Kind, anchored: bool) -> Result<Pattern, RegexError> {
        let (flags, rest) = leading_flags(source, flags);
        let rewritten = rewrite(rest, flags);
        let end_of_comment = if flags.verbose { "\n" } else { "" };
        let whole = if anchored { format!("\\A(?:{rewritten}{end_of_comment})") } else { rewritten };
        let regex = RegexBuilder::new(&whole)
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_all)
            .verbose_mode(flags.verbose)
            .bytes_mode(match kind {
                Kind::Text => BytesMode::Unicode,
                Kind::Bytes => BytesMode::Ascii,
            })
            .build()
            .map_err(|error| RegexError::Invalid { pattern: source.to_owned(), why: error.to_string() })?;
        Ok(Pattern { source: source.to_owned(), regex })
    }

    /// Whether the pattern is found.
    ///
    /// # Errors
    /// [`RegexError::TooManySteps`] where backtracking explodes.
    pub fn is_match(&self, text: &[u8]) -> Result<bool, RegexError> {
        self.regex.is_match(text).map_err(|_| RegexError::TooManySteps { pattern: self.source.clone() })
    }
}

/// Splits off `(?i)` and its like at the very start: they rule the whole pattern.
fn leading_flags(source: &str, mut flags: Flags) -> (Flags, &str) {
    let Some((letters, rest)) = source.strip_prefix("(?").and_then(|tail| tail.split_once(')')) else {
        return (flags, source);
    };
    if letters.is_empty() || !letters.chars().all(|letter| "aiLmsux".contains(letter)) {
        return (flags, source);
    }
    flags.ignore_case |= letters.contains('i');
    flags.multi_line |= letters.contains('m');
    flags.dot_all |= letters.contains('s');
    flags.verbose |= letters.contains('x');
    (flags, rest)
}

/// The same pattern in the engine's dialect.
fn rewrite(source: &str, flags: Flags) -> String {
    let mut out = String::with_capacity(source.len() + 16);
    let mut rest = source.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut rest, false, &mut out),
            '[' => class(&mut rest, &mut out),
            // Without MULTILINE, Python's `$` also stands before a line end that closes the text.
            '$' if !flags.multi_line => out.push_str("(?=\\n?\\z)"),
            // A brace that is no repetition is a brace.
            '{' if !is_repetition(rest.clone()) => out.push_str("\\{"),
            other => out.push(other),
        }
    }
    out
}

fn escape(rest: &mut Peekable<Chars>, in_class: bool, out: &mut String) {
    match rest.next() {
        Some('Z') if !in_class => out.push_str("\\z"),
        Some('b') if in_class => out.push_str("\\x08"),
        Some(c @ ('<' | '>')) => out.push(c),
        Some(c) => out.extend(['\\', c]),
        None => out.push('\\'),
    }
}

/// A set, up to its `]`: signs that make sets of sets in the engine stand for themselves in Python.
fn class(rest: &mut Peekable<Chars>, out: &mut String) {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    if rest.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    while let Some(c) = rest.next() {
        match c {
            ']' => {
                out.push(']');
                return;
            }
            '\\' => escape(rest, true, out),
            '[' | '&' | '~' => out.extend(['\\', c]),
            other => out.push(other),
        }
    }
}

/// Whether what follows a `{` is `3}`, `3,}`, `,4}` or `3,4}`.
fn is_repetition(rest: Peekable<Chars>) -> bool {
    let text: String = rest.take(24).collect();
    let Some((inside, _)) = text.split_once('}') else { return false };
    let (low, high) = inside.split_once(',').unwrap_or((inside, "0"));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    digits(low) && digits(high) && inside.chars().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        Pattern::search(pattern, Flags::default(), Kind::Text).unwrap().is_match(text.as_bytes()).unwrap()
    }

    #[test]
    fn patterns_mean_what_python_means_by_them() {
        let yes = [
            ("a$", "a\n"),
            (r"a\Z", "a"),
            ("{{ x }}", "{{ x }}"),
            ("a{2}b", "aab"),
            ("a{,2}b", "aab"),
            ("[[]", "["),
            ("[]a]", "]"),
            (r"\<a\>", "<a>"),
            ("(?P<q>['\"])x(?P=q)", "'x'"),
            (r"(?<!\d)1(?=a)", "x1a"),
            ("(?i)ÄB", "äb"),
            (r"^\w+$", "größe"),
            (r"(a)(b)?\1", "aa"),
            ("(?mi)^B$", "a\nb\nc"),
            ("[a&&b]", "&"),
        ];
        for (pattern, text) in yes {
            assert!(found(pattern, text), "{pattern:?} {text:?}");
        }
        for (pattern, text) in [(r"a\Z", "a\n"), ("a$", "a\n\n"), ("^b", "a\nb"), ("[^]a]", "]")] {
            assert!(!found(pattern, text), "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn bytes_are_searched_byte_by_byte() {
        let flags = Flags::from_value(&Value::Int(8)).unwrap();
        let pattern = Pattern::search("^b.c$", flags, Kind::Bytes).unwrap();
        assert_eq!(pattern.is_match(b"a\nb\xffc\n"), Ok(true));
    }

    #[test]
    fn prefixes_are_bound_to_the_start_only() {
        let pattern = Pattern::prefix("a|b", Flags::default(), Kind::Text).unwrap();
        assert_eq!((pattern.is_match(b"bx"), pattern.is_match(b"xb")), (Ok(true), Ok(false)));
    }

    #[test]
    fn flags_are_numbers_names_or_lists() {
        let ignore_case = Flags { ignore_case: true, ..Flags::default() };
        assert_eq!(Flags::from_value(&Value::from("ignorecase")), Ok(ignore_case));
        assert_eq!(Flags::from_value(&Value::Int(2)), Ok(ignore_case));
        assert_eq!(Flags::from_value(&Value::from(vec!["I", "U"])), Ok(ignore_case));
        assert!(matches!(Flags::from_value(&Value::from("q")), Err(RegexError::UnknownFlag(_))));
    }

    #[test]
    fn what_does_not_compile_says_why() {
        let error = Pattern::search("(", Flags::default(), Kind::Text).unwrap_err();
        assert!(error.to_string().starts_with("invalid regular expression \"(\": "), "{error}");
    }
}
