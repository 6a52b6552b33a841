//! Words and signs of a JMESPath expression.

use super::super::json;
use super::super::value::Val;
use super::Problem;

#[derive(Clone)]
pub(super) enum Token {
    Name(String),
    /// A name in double quotes, which no function has.
    Quoted(String),
    Literal(Val),
    Number(i128),
    /// A sign: `.`, `[?`, `&&` ...
    Sign(&'static str),
    End,
}

/// Signs, the longer ones before those they begin with.
const SIGNS: &[&str] = &[
    "[?", "[]", "&&", "||", "==", "!=", "<=", ">=", "[", "]", "{", "}", "(", ")", ".", ",", ":", "*", "@",
    "&", "|", "!", "<", ">",
];

/// Tokens with the character each begins at; the last is [`Token::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<(Token, usize)>, Problem> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let begin = at;
        let token = match c {
            ' ' | '\t' | '\n' | '\r' => {
                at += 1;
                continue;
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                at += chars[at..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count();
                Token::Name(chars[begin..at].iter().collect())
            }
            '0'..='9' | '-' => {
                at += 1 + chars[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
                let digits: String = chars[begin..at].iter().collect();
                let number =
                    digits.parse().map_err(|_| Problem { why: "no number".to_owned(), at: begin })?;
                Token::Number(number)
            }
            '"' | '\'' | '`' => quoted(&chars, &mut at)?,
            _ => sign(&chars, &mut at)?,
        };
        tokens.push((token, begin));
    }
    tokens.push((Token::End, chars.len()));
    Ok(tokens)
}

fn sign(chars: &[char], at: &mut usize) -> Result<Token, Problem> {
    let fits = |sign: &&&str| sign.chars().enumerate().all(|(i, c)| chars.get(*at + i) == Some(&c));
    let Some(sign) = SIGNS.iter().find(fits) else {
        return Err(Problem { why: format!("`{}` has no meaning here", chars[*at]), at: *at });
    };
    *at += sign.len();
    Ok(Token::Sign(sign))
}

/// `"name"`, `'raw text'` or `` `JSON` ``.
fn quoted(chars: &[char], at: &mut usize) -> Result<Token, Problem> {
    let (begin, quote) = (*at, chars[*at]);
    let mut text = String::new();
    *at += 1;
    loop {
        match (chars.get(*at), chars.get(*at + 1)) {
            (Some('\\'), Some(next)) if *next == quote && quote != '"' => {
                text.push(quote);
                *at += 2;
            }
            (Some('\\'), Some(next)) if quote == '"' => {
                text.extend(['\\', *next]);
                *at += 2;
            }
            (Some(c), _) if *c == quote => break,
            (Some(c), _) => {
                text.push(*c);
                *at += 1;
            }
            (None, _) => return Err(Problem { why: format!("the `{quote}` is not closed"), at: begin }),
        }
    }
    *at += 1;
    let wrong = |misread: json::Misread| Problem { why: misread.message, at: begin };
    match quote {
        '\'' => Ok(Token::Literal(Val::from(text))),
        '"' => match json::read(&format!("\"{text}\"")).map_err(wrong)? {
            Val::Str(name) => Ok(Token::Quoted(name.to_string())),
            _ => Ok(Token::Quoted(text)),
        },
        // Text without quotes inside backticks is text.
        _ => {
            Ok(Token::Literal(json::read(text.trim_start()).unwrap_or_else(|_| Val::from(text.trim_start()))))
        }
    }
}
