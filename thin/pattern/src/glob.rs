//! Names with stars: the meaning of Python's `fnmatch`. A pattern and a text in, yes or no out.

/// Whether `text` as a whole matches `pattern` (`*`, `?`, `[abc]`, `[!a-z]`). Case counts; `*` crosses `/`.
///
/// A `?` takes one character, or one byte where `text` is not UTF-8. An unclosed `[` stands for itself.
pub fn fnmatch(text: &[u8], pattern: &[u8]) -> bool {
    let pattern = tokens(&chars(pattern));
    let text = chars(text);
    // The usual two-finger walk: on a misfit go back to the last star and let it take one character more.
    let (mut at, mut token, mut star) = (0, 0, None);
    while at < text.len() {
        match pattern.get(token) {
            Some(Token::Star) => {
                star = Some((token, at));
                token += 1;
            }
            Some(one) if one.takes(text[at]) => {
                at += 1;
                token += 1;
            }
            _ => {
                let Some((star_token, star_at)) = star else { return false };
                star = Some((star_token, star_at + 1));
                (token, at) = (star_token + 1, star_at + 1);
            }
        }
    }
    pattern[token..].iter().all(|rest| matches!(rest, Token::Star))
}

/// Whether `pattern` has any sign that makes it more than a name.
pub fn has_magic(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Characters of UTF-8 text, bytes (as the characters of the same number) of anything else.
fn chars(bytes: &[u8]) -> Vec<char> {
    std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), |text| text.chars().collect())
}

enum Token {
    Star,
    Any,
    Exact(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Star => false,
            Token::Any => true,
            Token::Exact(exact) => *exact == c,
            Token::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn tokens(pattern: &[char]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = pattern.get(at) {
        at += 1;
        tokens.push(match c {
            '*' => Token::Star,
            '?' => Token::Any,
            '[' => match set(&pattern[at..]) {
                Some((set, length)) => {
                    at += length;
                    set
                }
                None => Token::Exact('['),
            },
            other => Token::Exact(other),
        });
    }
    tokens
}

/// The set that begins after a `[`, and how many characters it takes up to its `]`.
fn set(rest: &[char]) -> Option<(Token, usize)> {
    let negated = rest.first() == Some(&'!');
    let start = usize::from(negated);
    // A `]` right at the start is a member.
    let end = start + 1 + rest.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let members = &rest[start..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < members.len() {
        if members.len() - at >= 3 && members[at + 1] == '-' {
            ranges.push((members[at], members[at + 2]));
            at += 3;
        } else {
            ranges.push((members[at], members[at]));
            at += 1;
        }
    }
    Some((Token::Set { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_python_means_by_them() {
        let yes = [("", ""), ("abc", "a*"), ("abc", "*c"), ("a/b", "a*b"), ("äöü", "???"), ("x", "[!a-c]")];
        let also = [
            ("b", "[a-c]"),
            ("]", "[]]"),
            ("[", "["),
            ("-", "[a-]"),
            ("web1", "web[0-9]"),
            ("aXbXc", "a*X*c"),
        ];
        for (text, pattern) in yes.into_iter().chain(also) {
            assert!(fnmatch(text.as_bytes(), pattern.as_bytes()), "{text:?} {pattern:?}");
        }
        for (text, pattern) in [("", "?"), ("abc", "ab"), ("b", "[!a-c]"), ("ABC", "abc"), ("ab", "a")] {
            assert!(!fnmatch(text.as_bytes(), pattern.as_bytes()), "{text:?} {pattern:?}");
        }
        assert!(fnmatch(b"\xff\xfe", b"??"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!fnmatch("a".repeat(5000).as_bytes(), format!("{}b", "a*".repeat(50)).as_bytes()));
    }
}
