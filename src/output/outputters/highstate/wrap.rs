//! Text in columns, broken as Python's `textwrap` breaks it: at blanks and behind hyphens, long words anywhere.

/// `text` in lines of at most `width` columns, each moved in by `margin`; any white space is one kind of blank.
pub fn fill(text: &str, width: usize, margin: usize) -> String {
    let text = blanks_only(text);
    let room = width - margin;
    let mut chunks: Vec<String> = chunks(&text);
    chunks.reverse();
    let mut lines: Vec<String> = Vec::new();
    while !chunks.is_empty() {
        if !lines.is_empty() && chunks.last().is_some_and(|chunk| chunk.trim().is_empty()) {
            chunks.pop();
        }
        let mut line: Vec<String> = Vec::new();
        let mut taken = 0;
        while let Some(length) = chunks.last().map(|chunk| chunk.chars().count()) {
            if taken + length > room {
                break;
            }
            taken += length;
            line.extend(chunks.pop());
        }
        if let Some(long) = chunks.last_mut().filter(|chunk| chunk.chars().count() > room) {
            let cut = cut_point(long, (room - taken).max(1));
            let rest = long.split_off(cut);
            line.push(std::mem::replace(long, rest));
        }
        if line.last().is_some_and(|chunk| chunk.trim().is_empty()) {
            line.pop();
        }
        if !line.is_empty() {
            lines.push(format!("{:margin$}{}", "", line.concat()));
        }
    }
    lines.join("\n")
}

/// The byte at which a word too long is cut: behind its last hyphen that fits, else where the line is full.
fn cut_point(word: &str, room: usize) -> usize {
    let full = word.char_indices().nth(room).map_or(word.len(), |(at, _)| at);
    match word[..full].rfind('-') {
        Some(hyphen) if hyphen > 0 && word[..hyphen].contains(|c| c != '-') => hyphen + 1,
        _ => full,
    }
}

/// Tabs go to the next column that is a multiple of eight, other white space is one blank each.
fn blanks_only(text: &str) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for c in text.chars() {
        match c {
            '\t' => {
                let blanks = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' | '\r' => {
                out.push(' ');
                column = 0;
            }
            '\x0b' | '\x0c' => {
                out.push(' ');
                column += 1;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

/// Runs of blanks, and words cut behind hyphens between letters.
fn chunks(text: &str) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_blank = first == ' ';
        let end = rest.find(|c| (c == ' ') != is_blank).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        if is_blank {
            chunks.push(run.to_owned())
        } else {
            words(run, &mut chunks)
        }
        rest = tail;
    }
    chunks
}

fn words(word: &str, chunks: &mut Vec<String>) {
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let is_letter = |at: usize| chars.get(at).is_some_and(|(_, c)| c.is_alphabetic() || *c == '_');
    let is_word = |at: usize| chars.get(at).is_some_and(|(_, c)| c.is_alphanumeric() || *c == '_');
    let mut start = 0;
    let mut at = 0;
    while at < chars.len() {
        let dashes = chars[at..].iter().take_while(|(_, c)| *c == '-').count();
        let (mut cut_before, mut cut_behind) = (false, false);
        if dashes >= 2 && is_word(at + dashes) && at > 0 && in_words(chars[at - 1].1) {
            (cut_before, cut_behind) = (true, true);
        } else if dashes == 1 {
            let two_before = at >= 2 && is_letter(at - 1) && is_letter(at - 2);
            let letter_dash = at >= 3 && is_letter(at - 1) && chars[at - 2].1 == '-' && is_letter(at - 3);
            let two_behind = is_letter(at + 1)
                && (is_letter(at + 2)
                    || (chars.get(at + 2).is_some_and(|(_, c)| *c == '-') && is_letter(at + 3)));
            cut_behind = (two_before || letter_dash) && two_behind;
        }
        let byte = |index: usize| chars.get(index).map_or(word.len(), |(byte, _)| *byte);
        if cut_before && byte(at) > start {
            chunks.push(word[start..byte(at)].to_owned());
            start = byte(at);
        }
        if cut_behind {
            chunks.push(word[start..byte(at + dashes)].to_owned());
            start = byte(at + dashes);
        }
        at += dashes.max(1);
    }
    if start < word.len() {
        chunks.push(word[start..].to_owned());
    }
}

fn in_words(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '!' | '"' | '\'' | '&' | '.' | ',' | '?')
}
