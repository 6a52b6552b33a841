//! Shell globs as Python's `fnmatch` reads them: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`. There is no escape but a class
//! of one (`[*]`), a `[` that is never closed stands for itself, and upper and lower case differ.

/// A parsed pattern. Matching takes at most pattern length times name length steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    AnyRun,
    AnyOne,
    One(char),
    Class(Class),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Glob {
    /// Every text is a pattern.
    pub fn new(pattern: &str) -> Glob {
        let pattern: Vec<char> = pattern.chars().collect();
        let (mut tokens, mut at) = (Vec::new(), 0);
        while let Some(&c) = pattern.get(at) {
            at += 1;
            let token = match c {
                '*' => Token::AnyRun,
                '?' => Token::AnyOne,
                '[' => match class_end(&pattern, at) {
                    Some(end) => Token::Class(Class::new(&pattern[std::mem::replace(&mut at, end + 1)..end])),
                    None => Token::One('['),
                },
                c => Token::One(c),
            };
            if !(token == Token::AnyRun && tokens.last() == Some(&token)) {
                tokens.push(token);
            }
        }
        Glob(tokens)
    }

    /// Whether the whole of `name` fits. On a mismatch only the last `*` tries again: an earlier one cannot do better.
    pub fn is_match(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut token, mut at, mut retry) = (0, 0, None);
        loop {
            match (self.0.get(token), name.get(at)) {
                (None, None) => return true,
                (Some(Token::AnyRun), _) => {
                    retry = Some((token + 1, at));
                    token += 1;
                }
                (Some(one), Some(&c)) if one.fits(c) => (token, at) = (token + 1, at + 1),
                _ => match retry {
                    Some((after, start)) if start < name.len() => {
                        retry = Some((after, start + 1));
                        (token, at) = (after, start + 1);
                    }
                    _ => return false,
                },
            }
        }
    }
}

/// Whether `text` has anything a glob treats specially.
pub fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

impl Token {
    fn fits(&self, c: char) -> bool {
        match self {
            Token::AnyRun => false,
            Token::AnyOne => true,
            Token::One(own) => *own == c,
            Token::Class(class) => {
                class.ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != class.negated
            }
        }
    }
}

/// Where the `]` is that closes a class whose inside begins at `start`. One at its very beginning is a member.
fn class_end(pattern: &[char], start: usize) -> Option<usize> {
    let first = start + usize::from(pattern.get(start) == Some(&'!'));
    let search = first + usize::from(pattern.get(first) == Some(&']'));
    (search..pattern.len()).find(|at| pattern[*at] == ']')
}

impl Class {
    /// Reads what stands between the brackets. A range that runs backwards has no members.
    fn new(inside: &[char]) -> Class {
        let (negated, members) = match inside {
            ['!', rest @ ..] => (true, rest),
            all => (false, all),
        };
        let (mut ranges, mut at) = (Vec::new(), 0);
        while at < members.len() {
            match members[at..] {
                [low, '-', high, ..] => {
                    ranges.extend((low <= high).then_some((low, high)));
                    at += 3;
                }
                _ => {
                    ranges.push((members[at], members[at]));
                    at += 1;
                }
            }
        }
        Class { negated, ranges }
    }
}
