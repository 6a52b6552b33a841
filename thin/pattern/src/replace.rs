//! Every match replaced, and texts made harmless for patterns.

use crate::unit::unit_at;
use crate::{Groups, Pattern, TooManySteps};

impl Pattern {
    /// Every match replaced by `template`, in which `\1`, `\g<1>` and `\g<name>` stand for groups.
    ///
    /// # Errors
    /// As [`search`](Pattern::search), for all matches together.
    pub fn replace_all(&self, text: &[u8], template: &str) -> Result<Vec<u8>, TooManySteps> {
        self.replace(text, template, usize::MAX).map(|(replaced, _)| replaced)
    }

    /// As [`replace_all`](Pattern::replace_all) for the first `most` matches, and how many were replaced.
    ///
    /// # Errors
    /// As [`search`](Pattern::search), for all matches together.
    pub fn replace(
        &self,
        text: &[u8],
        template: &str,
        most: usize,
    ) -> Result<(Vec<u8>, usize), TooManySteps> {
        let (mut out, mut copied, mut from, mut count) = (Vec::new(), 0, 0, 0);
        let mut machine = self.machine(text);
        while from <= text.len() && count < most {
            let Some(groups) = machine.search(from)? else { break };
            let (start, end) = groups[0].unwrap_or((from, from));
            machine.step(1)?;
            out.extend_from_slice(&text[copied..start]);
            self.expand(template, text, &groups, &mut out);
            copied = end;
            count += 1;
            let width = unit_at(text, end, self.kind).map_or(1, |(_, len)| len);
            from = if end > start { end } else { end + width };
        }
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
        Ok((out, count))
    }

    fn expand(&self, template: &str, text: &[u8], groups: &Groups, out: &mut Vec<u8>) {
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('\\') {
            out.extend_from_slice(before.as_bytes());
            let (group, tail) = self.reference(after);
            if let Some(group) = group {
                let matched = groups.get(group).copied().flatten();
                out.extend_from_slice(matched.map_or(b"", |(from, to)| &text[from..to]));
                rest = tail;
                continue;
            }
            let escape = after.chars().next().unwrap_or('\\');
            match escape {
                'n' => out.push(b'\n'),
                't' => out.push(b'\t'),
                'r' => out.push(b'\r'),
                '\\' => out.push(b'\\'),
                other => out.extend_from_slice(format!("\\{other}").as_bytes()),
            }
            rest = after.get(escape.len_utf8()..).unwrap_or("");
        }
        out.extend_from_slice(rest.as_bytes());
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
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
