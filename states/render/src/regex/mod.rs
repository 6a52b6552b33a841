//! Regular expressions with the syntax and meaning of Python's `re`, as filters use them.
//!
//! A backtracking matcher over a small program: groups, lazy repeats, back references, looking ahead and behind.
//! It counts its steps, so a pattern that would run for ever ends with an error instead.

mod compile;
mod parse;
mod run;

use compile::Inst;

/// Steps of one search. Usual patterns take a few for each character.
const STEPS_MAX: usize = 2_000_000;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub ignore_case: bool,
    /// `^` and `$` also match at line breaks.
    pub multi_line: bool,
}

#[derive(Debug)]
pub(crate) struct Regex {
    program: Vec<Inst>,
    /// The whole match included.
    groups: usize,
    names: Vec<(String, usize)>,
    /// Slots for groups and loops.
    slots: usize,
}

/// The bytes each group matched; group 0 is the whole match.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

/// The search took more than its steps.
#[derive(Debug)]
pub(crate) struct TooManySteps;

impl Regex {
    /// # Errors
    /// What is wrong with the pattern.
    pub fn new(pattern: &str, options: Options) -> Result<Regex, String> {
        let parsed = parse::parse(pattern, options)?;
        compile::compile(parsed)
    }

    /// The first match at or after the byte `from`.
    pub fn search(&self, text: &str, from: usize) -> Result<Option<Groups>, TooManySteps> {
        let mut steps = STEPS_MAX;
        let starts = text[from..].char_indices().map(|(at, _)| from + at).chain([text.len()]);
        for start in starts {
            if let Some(groups) = self.run_at(text, start, &mut steps)? {
                return Ok(Some(groups));
            }
        }
        Ok(None)
    }

    /// The match that begins with the text.
    pub fn match_start(&self, text: &str) -> Result<Option<Groups>, TooManySteps> {
        self.run_at(text, 0, &mut { STEPS_MAX })
    }

    /// Every match replaced by `template`, in which `\1`, `\g<1>` and `\g<name>` stand for groups.
    pub fn replace_all(&self, text: &str, template: &str) -> Result<String, TooManySteps> {
        let (mut out, mut copied, mut from) = (String::new(), 0, 0);
        let mut steps = STEPS_MAX;
        while from <= text.len() {
            let Some(groups) = self.search(text, from)? else { break };
            let (start, end) = groups[0].unwrap_or((from, from));
            steps = steps.checked_sub(1 + (end - start)).ok_or(TooManySteps)?;
            out.push_str(&text[copied..start]);
            self.expand(template, text, &groups, &mut out);
            copied = end;
            let next_char = text[end..].chars().next().map_or(1, char::len_utf8);
            from = if end > start { end } else { end + next_char };
        }
        out.push_str(text.get(copied..).unwrap_or(""));
        Ok(out)
    }

    fn expand(&self, template: &str, text: &str, groups: &Groups, out: &mut String) {
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('\\') {
            out.push_str(before);
            let (group, tail) = self.reference(after);
            match group {
                Some(group) => {
                    let matched = groups.get(group).copied().flatten();
                    out.push_str(matched.map_or("", |(from, to)| &text[from..to]));
                    rest = tail;
                }
                None => {
                    let escape = after.chars().next().unwrap_or('\\');
                    match escape {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        'r' => out.push('\r'),
                        '\\' => out.push('\\'),
                        other => out.extend(['\\', other]),
                    }
                    rest = after.get(escape.len_utf8()..).unwrap_or("");
                }
            }
        }
        out.push_str(rest);
    }

    /// The group after a `\`, and what follows it.
    fn reference<'t>(&self, after: &'t str) -> (Option<usize>, &'t str) {
        if let Some((name, tail)) = after.strip_prefix("g<").and_then(|name| name.split_once('>')) {
            let named = self.names.iter().find(|(known, _)| known == name).map(|(_, group)| *group);
            return (name.parse().ok().or(named), tail);
        }
        let len = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        (after[..len].parse().ok().filter(|group| *group > 0), &after[len..])
    }
}

/// `text` as a pattern that matches itself.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Option<Vec<String>> {
        let regex = Regex::new(pattern, Options::default()).unwrap();
        let groups = regex.search(text, 0).unwrap()?;
        Some(groups.iter().map(|g| g.map_or("-".to_owned(), |(a, b)| text[a..b].to_owned())).collect())
    }

    #[test]
    fn patterns_match_what_python_matches() {
        let cases: &[(&str, &str, Option<&[&str]>)] = &[
            ("b", "abc", Some(&["b"])),
            ("^(.*)bc(.*)$", "abcd", Some(&["abcd", "a", "d"])),
            ("(a|ab)(c|bcd)(d*)", "abcd", Some(&["abcd", "a", "bcd", ""])),
            ("a{2,3}?", "aaaa", Some(&["aa"])),
            ("a{2,3}", "aaaa", Some(&["aaa"])),
            ("[^a-c\\d]+", "abc12xyz", Some(&["xyz"])),
            ("(\\w+) \\1", "hey the the", Some(&["the the", "the"])),
            ("(?P<n>x)(?P=n)", "xx", Some(&["xx", "x"])),
            ("(?i)ABC", "xabc", Some(&["abc"])),
            ("\\bfoo\\b", "a foo b", Some(&["foo"])),
            ("foo(?=bar)", "foobaz foobar", Some(&["foo"])),
            ("(?<!a)b", "ab bb", Some(&["b"])),
            ("(?<=ab)c", "xc abc", Some(&["c"])),
            ("(?:a*)*b", "aab", Some(&["aab"])),
            ("(a)|b", "b", Some(&["b", "-"])),
            ("x*", "aaa", Some(&[""])),
            ("[]a]+", "]a", Some(&["]a"])),
            ("\\.", "a.b", Some(&["."])),
            ("a.c", "a\nc", None),
            ("^b", "a\nb", None),
            ("\u{e9}+", "\u{e9}\u{e9}", Some(&["\u{e9}\u{e9}"])),
            ("a{,2}", "aaa", Some(&["aa"])),
            ("a{x}", "a{x}", Some(&["a{x}"])),
            ("$", "ab\n", Some(&[""])),
        ];
        for (pattern, text, wanted) in cases {
            let wanted = wanted.map(|parts| parts.iter().map(|part| part.to_string()).collect::<Vec<_>>());
            assert_eq!(found(pattern, text), wanted, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn replacements_know_groups() {
        let regex = Regex::new("(a)(?P<n>b)?", Options::default()).unwrap();
        assert_eq!(regex.replace_all("ab a x", "[\\2\\1\\g<n>]").unwrap(), "[bab] [a] x");
        assert_eq!(
            Regex::new("x*", Options::default()).unwrap().replace_all("abxd", "-").unwrap(),
            "-a-b--d-"
        );
    }

    #[test]
    fn broken_patterns_are_errors() {
        for pattern in ["(", ")", "[a", "*a", "a**", "(?P<x", "\\", "(?<=a*)b(", "a{100000}", "\\9"] {
            assert!(Regex::new(pattern, Options::default()).is_err(), "{pattern}");
        }
    }

    #[test]
    fn sec_63_a_pattern_that_would_run_for_ever_ends() {
        let regex = Regex::new("(a+)+$", Options::default()).unwrap();
        assert!(regex.search(&("a".repeat(40) + "b"), 0).is_err());
    }
}
