//! A dict shown entry by entry, while more of it is read: the same text as that of the whole dict, but for the order
//! where an outputter sorts.

use super::options::Options;
use super::style::{Indent, Style};
use halite_wire::{Map, Value};

/// Outputters whose text of a dict is that of its entries, one after the other.
const LINE_BY_LINE: [&str; 6] = ["highstate", "nested", "newline_values_only", "txt", "yaml", "jsonl"];

/// Makes text of one entry after the other.
pub struct Pieces<'o> {
    options: &'o Options,
    suggested: Option<String>,
    style: Style,
    /// What stands between entries, where the document has brackets around them all.
    comma: Option<&'static str>,
    count: usize,
}

impl<'o> Pieces<'o> {
    /// `None` where the outputter needs the whole dict. `suggested` counts where the user chose none.
    pub fn new(options: &'o Options, suggested: Option<&str>, terminal: bool) -> Option<Pieces<'o>> {
        let name = options.out.as_deref().or(suggested).unwrap_or("nested");
        let comma = match (name, options.indent) {
            ("json", Indent::Compact) => Some(", "),
            ("json", Indent::Usual | Indent::Spaces(_)) => Some(",\n"),
            ("yaml", Indent::Compact) => return None,
            (name, _) if LINE_BY_LINE.contains(&name) => None,
            _ => return None,
        };
        let suggested = suggested.map(str::to_owned);
        Some(Pieces { options, suggested, style: options.style(terminal), comma, count: 0 })
    }

    /// The text of the next entry.
    pub fn next(&mut self, key: String, value: Value) -> String {
        let one = Value::Map(Map::from([(key, value)]));
        let text = self.options.document(&one, self.suggested.as_deref(), &self.style);
        self.count += 1;
        let Some(comma) = self.comma else { return text };
        let inner =
            text.trim_end().strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(&text);
        let inner = inner.trim_end_matches('\n');
        match self.count {
            1 => format!("{{{inner}"),
            _ => format!("{comma}{}", inner.trim_start_matches('\n')),
        }
    }

    /// What stands behind the last entry.
    pub fn end(&self) -> String {
        match (self.comma, self.count) {
            (_, 0) => {
                let none = Value::Map(Map::new());
                self.options.document(&none, self.suggested.as_deref(), &self.style)
            }
            (Some(",\n"), _) => "\n}\n".to_owned(),
            (Some(_), _) => "}\n".to_owned(),
            (None, _) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(options: &Options, map: &Map) -> String {
        let mut pieces = Pieces::new(options, None, false).unwrap();
        let entry = |(key, value): (&Value, &Value)| (key.as_str().unwrap().to_owned(), value.clone());
        let mut text: String = map.iter().map(entry).map(|(key, value)| pieces.next(key, value)).collect();
        text.push_str(&pieces.end());
        text
    }

    #[test]
    fn entry_by_entry_is_the_same_text_as_the_whole() {
        let inner = Map::from([("x", Value::from(vec![1, 2])), ("y", Map::new().into())]);
        let maps = [
            Map::new(),
            Map::from([("a", Value::from("one\ntwo"))]),
            Map::from([("a", Value::from("one\ntwo}")), ("b", inner.into()), ("c", Value::NULL)]),
        ];
        for out in ["nested", "json", "yaml", "txt", "jsonl", "newline_values_only"] {
            for indent in [Indent::Usual, Indent::Compact, Indent::Spaces(2), Indent::Spaces(0)] {
                for map in maps.iter().filter(|_| (out, indent) != ("yaml", Indent::Compact)) {
                    let options = Options { out: Some(out.to_owned()), indent, ..Options::default() };
                    let whole = options.document(&Value::Map(map.clone()), None, &options.style(false));
                    assert_eq!(pieces(&options, map), whole, "{out} {indent:?}");
                }
            }
        }
    }

    #[test]
    fn an_outputter_that_needs_the_whole_says_so() {
        for (out, indent) in [("pprint", Indent::Usual), ("json", Indent::Pretty), ("table", Indent::Usual)] {
            let options = Options { out: Some(out.to_owned()), indent, ..Options::default() };
            assert!(Pieces::new(&options, None, false).is_none(), "{out}");
        }
    }
}
