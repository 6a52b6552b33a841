//! A line of arguments as a POSIX shell would split it, without any expansion.

use crate::read::{Mismatch, Read};

/// Splits at blanks; `'...'`, `"..."` and `\\` protect them.
pub fn split(line: &str) -> Read<Vec<String>> {
    let (mut words, mut word, mut chars) = (Vec::new(), None::<String>, line.chars());
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => word.get_or_insert_default().push_str(&single_quoted(&mut chars)?),
            '"' => word.get_or_insert_default().push_str(&double_quoted(&mut chars)?),
            '\\' => word.get_or_insert_default().push(chars.next().ok_or_else(|| unfinished("a backslash"))?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(chars: &mut std::str::Chars) -> Read<String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            Some('\'') => return Ok(text),
            Some(c) => text.push(c),
            None => return Err(unfinished("an open quote")),
        }
    }
}

/// Inside double quotes a backslash protects only `"` and itself.
fn double_quoted(chars: &mut std::str::Chars) -> Read<String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            Some('"') => return Ok(text),
            Some('\\') => match chars.next() {
                Some(c @ ('"' | '\\')) => text.push(c),
                Some(c) => text.extend(['\\', c]),
                None => return Err(unfinished("an open quote")),
            },
            Some(c) => text.push(c),
            None => return Err(unfinished("an open quote")),
        }
    }
}

fn unfinished(what: &str) -> Mismatch {
    Mismatch::new(format!("ends in {what}; close it, or write a list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_a_shell_would() {
        let cases: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("  one  two ", &["one", "two"]),
            ("'a b' \"c d\"", &["a b", "c d"]),
            ("a'b'c", &["abc"]),
            ("''", &[""]),
            ("a\\ b", &["a b"]),
            ("\"a\\\"b\\c\"", &["a\"b\\c"]),
            ("$HOME `x` *", &["$HOME", "`x`", "*"]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        assert!(split("'a").is_err());
        assert!(split("a\\").is_err());
    }
}
