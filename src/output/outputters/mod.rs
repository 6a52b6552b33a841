//! The outputters by name. Each is a plain function from data to text without a last line end.

mod highstate;
mod json;
mod key;
mod nested;
mod no_return;
mod pprint;
mod summary;
mod table;
mod text;
mod yaml;

use super::style::Style;
use halite_wire::Value;
use std::cmp::Reverse;

/// One outputter.
pub struct Outputter {
    pub name: &'static str,
    pub(super) render: Render,
    pub(super) guard: Guard,
}

/// What an outputter reads.
pub(super) enum Render {
    /// Any data; `None` where it makes nothing of them, and `nested` takes over.
    Data(fn(&Value, &Style) -> Option<String>),
    /// Hosts with their outcomes.
    Hosts(fn(&[HostLine], &Style) -> String),
}

/// How an outputter's text is kept from driving a terminal.
pub(super) enum Guard {
    /// Texts and keys in the data are sanitized first, so that the outputter's own colours are left alone.
    Data,
    /// The finished text is sanitized: it quotes the data in a way that doubles their backslashes.
    Text,
    /// The finished text gets JSON's escapes, and means the same.
    Json,
    /// The outputter does it.
    Own,
}

/// One host for outputters that tell how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct HostLine {
    pub id: String,
    /// As `Record::kind` has it: `ok`, `failed`, `timeout`, ...
    pub kind: &'static str,
    pub retcode: i64,
    pub value: Value,
}

/// All of them, by name.
pub const OUTPUTTERS: &[Outputter] = &[
    Outputter { name: "highstate", render: Render::Data(highstate::render), guard: Guard::Data },
    Outputter { name: "json", render: Render::Data(json::render), guard: Guard::Json },
    Outputter { name: "jsonl", render: Render::Hosts(json::render_lines), guard: Guard::Json },
    Outputter { name: "key", render: Render::Data(key::render), guard: Guard::Data },
    NESTED,
    Outputter { name: "newline_values_only", render: Render::Data(text::render_values), guard: Guard::Data },
    Outputter { name: "no_return", render: Render::Data(no_return::render), guard: Guard::Data },
    Outputter { name: "pprint", render: Render::Data(pprint::render), guard: Guard::Text },
    Outputter { name: "quiet", render: Render::Data(text::render_quiet), guard: Guard::Own },
    Outputter { name: "raw", render: Render::Data(text::render_raw), guard: Guard::Text },
    Outputter { name: "summary", render: Render::Hosts(summary::render), guard: Guard::Data },
    Outputter { name: "table", render: Render::Data(table::render), guard: Guard::Data },
    Outputter { name: "txt", render: Render::Data(text::render_txt), guard: Guard::Data },
    Outputter { name: "yaml", render: Render::Data(yaml::render), guard: Guard::Own },
];

/// The one that shows anything.
pub const NESTED: Outputter =
    Outputter { name: "nested", render: Render::Data(nested::render), guard: Guard::Data };

/// No outputter has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no outputter is called {name:?}{}; there are: {}", cure(.nearest), names().join(", "))]
pub struct UnknownOutputter {
    pub name: String,
    pub nearest: Option<&'static str>,
}

/// The names users can give, sorted.
pub fn names() -> Vec<&'static str> {
    OUTPUTTERS.iter().map(|outputter| outputter.name).collect()
}

/// The outputter called `name`; `text` is another name of `txt`.
///
/// # Errors
/// [`UnknownOutputter`], with the names there are.
pub fn find(name: &str) -> Result<&'static Outputter, UnknownOutputter> {
    let wanted = if name == "text" { "txt" } else { name };
    let found = OUTPUTTERS.iter().find(|outputter| outputter.name == wanted);
    found.ok_or_else(|| UnknownOutputter { name: name.to_owned(), nearest: nearest(name) })
}

fn cure(nearest: &Option<&str>) -> String {
    nearest.map_or(String::new(), |name| format!(" (did you mean {name:?}?)"))
}

/// The known name that begins most like `name`, for the message.
fn nearest(name: &str) -> Option<&'static str> {
    let shared = |known: &str| known.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    let alike = names().into_iter().filter(|known| shared(known) >= 2);
    alike.min_by_key(|known| (Reverse(shared(known)), known.len().abs_diff(name.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(names().is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_list_and_the_nearest() {
        let text = find("yml").err().unwrap().to_string();
        assert!(
            text.starts_with("no outputter is called \"yml\"; there are: highstate, json, jsonl"),
            "{text}"
        );
        assert_eq!(find("nest").err().unwrap().nearest, Some("nested"));
        assert!(find("text").is_ok_and(|outputter| outputter.name == "txt"));
    }
}
