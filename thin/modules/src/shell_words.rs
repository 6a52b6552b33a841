//! A line cut into words as a POSIX shell would, with quotes and backslashes and nothing else of a shell.

/// A quote or backslash that nothing closes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is never closed in: {line}")]
pub struct WordsError {
    what: &'static str,
    line: String,
}

/// The words of `line`.
///
/// # Errors
/// [`WordsError`] where a quote stays open or the line ends in a backslash.
pub fn split(line: &str) -> Result<Vec<String>, WordsError> {
    let open = |what| WordsError { what, line: line.to_owned() };
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(rest.next().ok_or_else(|| open("a backslash"))?),
            '\'' => {
                let (inside, after) = rest.as_str().split_once('\'').ok_or_else(|| open("a single quote"))?;
                word.get_or_insert_default().push_str(inside);
                rest = after.chars();
            }
            '"' => loop {
                let into = word.get_or_insert_default();
                match rest.next().ok_or_else(|| open("a double quote"))? {
                    '"' => break,
                    '\\' => match rest.next().ok_or_else(|| open("a double quote"))? {
                        c @ ('"' | '\\') => into.push(c),
                        other => into.extend(['\\', other]),
                    },
                    other => into.push(other),
                }
            },
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_as_a_shell_does() {
        let words = |line: &str| split(line).unwrap().join("|");
        assert_eq!(words(r#"a 'b c' "d \" \n" e\ f"#), r#"a|b c|d " \n|e f"#);
        assert_eq!(words("x='y z'w ''"), "x=y zw|");
        assert_eq!(words("  "), "");
        assert!(split("it's").is_err() && split("a\\").is_err() && split("\"a").is_err());
    }
}
