//! What only servers need of [`super`]: queries in their own words, ports, and cells that come as text.

use super::{Request, option_or};
use halite_wire::Value;

/// A query as Python's `%` makes it: `%s` is the host's ID as a literal, `%%` a percent sign.
///
/// # Errors
/// Another `%`, or an ID that a literal cannot hold.
pub(super) fn filled(query: &str, id: &str) -> Result<String, String> {
    if id.contains(['\\', '\0']) {
        return Err(format!("the ID {id:?} cannot stand in a query"));
    }
    let literal = format!("'{}'", id.replace('\'', "''"));
    let (mut out, mut rest) = (String::new(), query);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let (with, tail) = match (after.strip_prefix('s'), after.strip_prefix('%')) {
            (Some(tail), _) => (literal.as_str(), tail),
            (_, Some(tail)) => ("%", tail),
            _ => return Err(format!("a % of its own is written %%: {query}")),
        };
        out.push_str(with);
        rest = tail;
    }
    Ok(out + rest)
}

pub(super) fn port(request: &Request, database: &str, usual: u16) -> Result<u16, String> {
    let text = option_or(request, database, "port", &usual.to_string());
    text.parse().map_err(|_| format!("{database}:port: {text:?} is no port"))
}

/// A whole number, or else a fraction, or else the text itself.
pub(super) fn number(text: &str) -> Value {
    let fraction = || text.parse().map_or_else(|_| text.into(), Value::Float);
    text.parse().map_or_else(|_| fraction(), Value::Int)
}

/// An exact number: whole ones are numbers, others stay text, so that `1.50` is not rounded to something else.
pub(super) fn exact(text: &str) -> Value {
    text.parse().map_or_else(|_| text.into(), Value::Int)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_a_literal_and_nothing_more() {
        let query = "SELECT a FROM t WHERE id LIKE %s AND b LIKE '10%%'";
        assert_eq!(
            filled(query, "o'neil").unwrap(),
            "SELECT a FROM t WHERE id LIKE 'o''neil' AND b LIKE '10%'"
        );
        assert_eq!(filled("SELECT 'k', 1", "m1").unwrap(), "SELECT 'k', 1");
        for (query, id, part) in [("SELECT %s, 5 % 3", "m1", "%%"), ("SELECT %s", r"a\", "cannot stand")] {
            assert!(filled(query, id).unwrap_err().contains(part), "{query}");
        }
    }
}
