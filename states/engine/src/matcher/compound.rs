//! Targets joined by `and`, `or`, `not` and parentheses: `G@os:Debian and not ( web* or L@db1,db2 )`.

use super::{MatchError, Minion, id_matches, nodegroup, simple};
use std::collections::VecDeque;

/// A word of the expression once it has been judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Is(bool),
}

/// Whether the expression holds. One that is badly formed matches nothing.
pub(super) fn matches(minion: &Minion, words: Vec<String>) -> Result<bool, MatchError> {
    let Some(tokens) = judge(minion, words.into())? else { return Ok(false) };
    let mut reader = Reader { tokens: &tokens, at: 0 };
    let value = reader.any();
    Ok(value.unwrap_or(false) && reader.at == tokens.len())
}

fn judge(minion: &Minion, mut words: VecDeque<String>) -> Result<Option<Vec<Token>>, MatchError> {
    let mut tokens = Vec::new();
    while let Some(word) = words.pop_front() {
        if let Some(operator) = operator(&word) {
            let binary = matches!(operator, Token::And | Token::Or);
            match tokens.last() {
                None if !matches!(operator, Token::Open | Token::Not) => return Ok(None),
                Some(Token::Open) if binary => return Ok(None),
                // `web* not db*` is `web* and not db*`.
                Some(last)
                    if operator == Token::Not && !matches!(last, Token::And | Token::Or | Token::Open) =>
                {
                    tokens.push(Token::And);
                }
                _ => {}
            }
            tokens.push(operator);
            continue;
        }
        match split(&word) {
            Some(('N', _, group)) => {
                for word in nodegroup::expand(group, minion.nodegroups).into_iter().rev() {
                    words.push_front(word);
                }
            }
            Some((engine, delimiter, pattern)) => match term(minion, engine, delimiter, pattern)? {
                Some(value) => tokens.push(Token::Is(value)),
                None => return Ok(None),
            },
            None => tokens.push(Token::Is(crate::text::fits(minion.id, &word))),
        }
    }
    Ok(Some(tokens))
}

fn operator(word: &str) -> Option<Token> {
    Some(match word {
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        "(" => Token::Open,
        ")" => Token::Close,
        _ => return None,
    })
}

/// `G@os:Debian` as its letter, its delimiter where one stands between letter and `@`, and the rest.
fn split(word: &str) -> Option<(char, Option<&str>, &str)> {
    let mut chars = word.chars();
    let engine = chars.next().filter(|c| "GPIJLNSER".contains(*c))?;
    let rest = chars.as_str();
    let own = rest.chars().next().filter(|_| "GPIJ".contains(engine)).map_or(0, char::len_utf8);
    let with = (own > 0).then(|| rest[own..].strip_prefix('@').map(|pattern| (Some(&rest[..own]), pattern)));
    let (delimiter, pattern) = with
        .flatten()
        .filter(|(_, pattern)| !pattern.is_empty())
        .or_else(|| rest.strip_prefix('@').map(|pattern| (None, pattern)))?;
    (!pattern.is_empty()).then_some((engine, delimiter, pattern))
}

/// `None` where nothing here answers for the letter.
fn term(
    minion: &Minion,
    engine: char,
    delimiter: Option<&str>,
    pattern: &str,
) -> Result<Option<bool>, MatchError> {
    let kind = match engine {
        'G' => "grain",
        'P' => "grain_pcre",
        'I' => "pillar",
        'J' => "pillar_pcre",
        'L' => "list",
        'S' => "ipcidr",
        'E' => return id_matches(minion.id, pattern).map(Some),
        _ => return Ok(None),
    };
    Ok(simple(minion, kind, pattern, delimiter.unwrap_or(":")))
}

/// `or` binds weakest, then `and`, then `not`. `None` is a badly formed expression.
struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, token: Token) -> bool {
        let is = self.tokens.get(self.at) == Some(&token);
        self.at += usize::from(is);
        is
    }

    fn any(&mut self) -> Option<bool> {
        let mut value = self.all()?;
        while self.take(Token::Or) {
            value |= self.all()?;
        }
        Some(value)
    }

    fn all(&mut self) -> Option<bool> {
        let mut value = self.negated()?;
        while self.take(Token::And) {
            value &= self.negated()?;
        }
        Some(value)
    }

    fn negated(&mut self) -> Option<bool> {
        let mut negate = false;
        while self.take(Token::Not) {
            negate = !negate;
        }
        Some(self.one()? != negate)
    }

    fn one(&mut self) -> Option<bool> {
        match *self.tokens.get(self.at)? {
            Token::Is(value) => {
                self.at += 1;
                Some(value)
            }
            Token::Open => {
                self.at += 1;
                let value = self.any()?;
                self.take(Token::Close).then_some(value)
            }
            _ => None,
        }
    }
}
