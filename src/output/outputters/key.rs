//! `key`: the lists of `salt-key`, a heading per state of trust. Other data are left to `nested`.

use crate::output::style::{Color, Style};
use crate::output::{pyorder, pyrepr, sanitize};
use halite_wire::Value;

pub fn render(data: &Value, style: &Style) -> Option<String> {
    let mut out = String::new();
    for (status, keys) in pyorder::sorted(data.as_map()?)? {
        let (heading, bright, color) = look(status.as_str()?)?;
        out.push_str(&format!("{}\n", style.paint(bright, heading)));
        for line in key_lines(keys)? {
            out.push_str(&format!("{}\n", style.paint(color, &line)));
        }
    }
    Some(out)
}

/// Heading, its colour, and the colour of the keys below it.
fn look(status: &str) -> Option<(&'static str, Color, Color)> {
    Some(match status {
        "minions" => ("Accepted Keys:", Color::LightGreen, Color::Green),
        "minions_pre" => ("Unaccepted Keys:", Color::LightRed, Color::Red),
        "minions_denied" => ("Denied Keys:", Color::LightMagenta, Color::Magenta),
        "minions_rejected" => ("Rejected Keys:", Color::LightBlue, Color::Blue),
        "local" => ("Local Keys:", Color::LightMagenta, Color::Magenta),
        _ => return None,
    })
}

/// Names of keys, or names with what belongs to them (fingerprints, key texts).
fn key_lines(keys: &Value) -> Option<Vec<String>> {
    let name = |key: &Value| sanitize::hide_escapes(&pyrepr::text(key)).into_owned();
    match keys {
        Value::List(keys) => Some(pyorder::sorted_list(keys)?.into_iter().map(name).collect()),
        Value::Map(prints) => {
            let entries = pyorder::sorted(prints)?.into_iter();
            Some(entries.map(|(key, print)| format!("{}:  {}", name(key), pyrepr::text(print))).collect())
        }
        Value::Str(_) => Some(Vec::new()),
        _ => None,
    }
}
