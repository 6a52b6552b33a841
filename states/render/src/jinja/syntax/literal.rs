//! Numbers and quoted text inside tags.

use super::token::Token;

/// The number at the front of `source`, and its length.
pub(super) fn number(source: &str) -> Result<(usize, Token), String> {
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if source.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            let len = 2 + run(&source[2..], |c| c.is_digit(base) || c == '_');
            let digits = source[2..len].replace('_', "");
            return i128::from_str_radix(&digits, base)
                .map(|n| (len, Token::Int(n)))
                .map_err(|_| too_large());
        }
    }
    let digits = |from: usize| run(&source[from..], |c| c.is_ascii_digit() || c == '_');
    let starts_digit = |at: usize| source[at..].starts_with(|c: char| c.is_ascii_digit());
    let mut len = digits(0);
    let mut is_float = false;
    if source[len..].starts_with('.') && starts_digit(len + 1) {
        len += 1 + digits(len + 1);
        is_float = true;
    }
    if source[len..].starts_with(['e', 'E']) {
        let signed = len + 1 + usize::from(source[len + 1..].starts_with(['+', '-']));
        if starts_digit(signed) {
            len = signed + digits(signed);
            is_float = true;
        }
    }
    let text = source[..len].replace('_', "");
    let token = match is_float {
        true => text.parse().map(Token::Float).map_err(|_| too_large()),
        false => text.parse().map(Token::Int).map_err(|_| too_large()),
    };
    token.map(|token| (len, token))
}

fn run(text: &str, accepts: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accepts(c)).unwrap_or(text.len())
}

fn too_large() -> String {
    "the number is too large".to_owned()
}

/// The quoted text at the front of `source` with its escapes resolved, and its length.
pub(super) fn text(source: &str) -> Result<(usize, String), String> {
    let mut chars = source.char_indices();
    let quote = chars.next().map(|(_, c)| c);
    let mut out = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if Some(c) == quote => return Ok((at + 1, out)),
            '\\' => {
                let Some((_, escape)) = chars.next() else { break };
                let width = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    other => {
                        out.push_str(&simple_escape(other));
                        continue;
                    }
                };
                let digits: String = chars.by_ref().take(width).map(|(_, digit)| digit).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                out.push(code.ok_or_else(|| format!("\\{escape}{digits} is no character"))?);
            }
            c => out.push(c),
        }
    }
    Err("the quotes are not closed".to_owned())
}

/// What `\` and this character stand for; unknown escapes stay as they are.
fn simple_escape(c: char) -> String {
    let known = match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        '\\' | '\'' | '"' => c,
        '\n' => return String::new(),
        other => return format!("\\{other}"),
    };
    known.to_string()
}
