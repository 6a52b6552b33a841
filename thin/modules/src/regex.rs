//! Regular expressions as functions take them: source and flags in, a matcher over bytes out.

pub use halite_pattern::{Flags, Kind, escape};
use halite_wire::Value;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    pattern: halite_pattern::Pattern,
    at_start: bool,
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

/// Python's number (`re.MULTILINE` is 8), one name, or a list of names, long or of one letter.
///
/// # Errors
/// [`RegexError::UnknownFlag`].
pub fn flags_from_value(value: &Value) -> Result<Flags, RegexError> {
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

    fn compile(source: &str, flags: Flags, kind: Kind, at_start: bool) -> Result<Pattern, RegexError> {
        match halite_pattern::Pattern::new(source, flags, kind) {
            Ok(pattern) => Ok(Pattern { source: source.to_owned(), pattern, at_start }),
            Err(error) => Err(RegexError::Invalid { pattern: source.to_owned(), why: error.to_string() }),
        }
    }

    /// Whether the pattern is found.
    ///
    /// # Errors
    /// [`RegexError::TooManySteps`] where backtracking explodes.
    pub fn is_match(&self, text: &[u8]) -> Result<bool, RegexError> {
        let found = if self.at_start { self.pattern.match_start(text) } else { self.pattern.search(text, 0) };
        found.map(|groups| groups.is_some()).map_err(|_| self.too_many_steps())
    }

    /// The first `most` matches replaced by `template` (`\1` and `\g<name>` are groups), and how many there were.
    ///
    /// # Errors
    /// As [`Pattern::is_match`].
    pub fn replace(&self, text: &[u8], template: &str, most: usize) -> Result<(Vec<u8>, usize), RegexError> {
        self.pattern.replace(text, template, most).map_err(|_| self.too_many_steps())
    }

    fn too_many_steps(&self) -> RegexError {
        RegexError::TooManySteps { pattern: self.source.clone() }
    }
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
        let flags = flags_from_value(&Value::Int(8)).unwrap();
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
        assert_eq!(flags_from_value(&Value::from("ignorecase")), Ok(ignore_case));
        assert_eq!(flags_from_value(&Value::Int(2)), Ok(ignore_case));
        assert_eq!(flags_from_value(&Value::from(vec!["I", "U"])), Ok(ignore_case));
        assert!(matches!(flags_from_value(&Value::from("q")), Err(RegexError::UnknownFlag(_))));
    }

    #[test]
    fn what_does_not_compile_says_why() {
        let error = Pattern::search("(", Flags::default(), Kind::Text).unwrap_err();
        assert!(error.to_string().starts_with("invalid regular expression \"(\": "), "{error}");
    }
}
