//! Makes a text safe for the scanner, which does not expect the end of the text inside a token, nor a comma right
//! after a tag in a flow list. Both are mended here without changing what the text means.

use super::YamlError;
use super::words;
use libyaml_safer::{EventData, Mark, Parser, ScalarStyle};
use std::borrow::Cow;

/// Bytes read again to find out whether a `!` begins a tag. Far more than any real document needs.
const PROBED_BYTES_MAX: usize = 16 << 20;

/// A text as the scanner takes it.
pub(super) struct Prepared<'t> {
    pub text: Cow<'t, str>,
    /// Line breaks of the original, where one was put at its end.
    padded_after: Option<u64>,
    /// The last line holds more than blanks.
    last_line_has_content: bool,
}

impl<'t> Prepared<'t> {
    pub(super) fn new(text: &'t str) -> Result<Prepared<'t>, YamlError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let last_line = text.rsplit(is_break).next().unwrap_or("");
        let (padded, padded_after) = match last_line {
            "" => (Cow::Borrowed(text), None),
            _ => (Cow::Owned(format!("{text}\n")), Some(count_breaks(text))),
        };
        let last_line_has_content = !last_line.trim().is_empty();
        Ok(Prepared { text: space_after_tags(padded)?, padded_after, last_line_has_content })
    }

    /// Takes the line break that was put at the end out of a block text that reaches there.
    pub(super) fn mend(&self, value: &mut String, style: ScalarStyle, end: Mark) {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let reaches = self.padded_after.is_some_and(|lines| end.line > lines);
        if block && reaches && self.last_line_has_content && value.ends_with('\n') {
            value.pop();
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn count_breaks(text: &str) -> u64 {
    text.replace("\r\n", "\n").chars().filter(|&c| is_break(c)).count() as u64
}

fn space_after_tags(mut text: Cow<'_, str>) -> Result<Cow<'_, str>, YamlError> {
    let (mut from, mut probed) = (0, 0);
    while let Some((bang, comma)) = tag_with_comma(&text, from) {
        probed += bang;
        if probed > PROBED_BYTES_MAX {
            let place = words::place_of(&text, bang);
            return Err(YamlError::new(place, "too many tags stand right before a comma")
                .hint("put a space between a tag and the comma"));
        }
        if begins_a_token(&text[..bang]) {
            text.to_mut().insert(comma, ' ');
        }
        from = comma + 1;
    }
    Ok(text)
}

/// The next `!` that could begin a tag and the comma right after that tag.
fn tag_with_comma(text: &str, mut from: usize) -> Option<(usize, usize)> {
    loop {
        let bang = from + text.get(from..)?.find('!')?;
        let tag = &text[bang..];
        let end = match tag.starts_with("!<") {
            true => tag.find('>').map(|at| at + 1),
            false => tag.find(|c: char| c == ',' || c.is_whitespace()),
        };
        let comma = bang + end?;
        let glued = text[..bang].ends_with(|c: char| c.is_alphanumeric() || c == '!');
        if !glued && text[comma..].starts_with(',') {
            return Some((bang, comma));
        }
        from = bang + 1;
    }
}

/// Whether the scanner looks for a new token at the end of `before`: then it refuses an `@` there.
fn begins_a_token(before: &str) -> bool {
    let probe = format!("{before}@\n");
    let mut input = probe.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut input);
    loop {
        match parser.parse() {
            Ok(event) if matches!(event.data, EventData::StreamEnd) => return false,
            Ok(_) => {}
            Err(error) => {
                let at = error.problem_mark().map(|mark| mark.index);
                return at == Some(before.len() as u64) && error.problem().contains("cannot start any token");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &str) -> String {
        Prepared::new(text).map(|p| p.text.into_owned()).unwrap()
    }

    #[test]
    fn a_space_comes_between_tag_and_comma_only_where_it_is_a_tag() {
        assert_eq!(prepared("[!a,b]\n"), "[!a ,b]\n");
        assert_eq!(prepared("[!a,!b,!<c>,d]\n"), "[!a ,!b ,!<c> ,d]\n");
        for same in ["a: '[ !a,'\n", "a: b !c,d\n", "# !a,\n", "a: |\n  !b,\n", "a: \" !b,\"\n", "[x !a,b]\n"]
        {
            assert_eq!(prepared(same), same);
        }
    }

    #[test]
    fn a_line_break_is_added_where_the_last_line_has_none() {
        assert_eq!(prepared("a"), "a\n");
        assert_eq!(prepared("a\r\n"), "a\r\n");
        assert_eq!(prepared(""), "");
    }
}
