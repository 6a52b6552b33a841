//! An INI file as its parts: text in, sections, options and remarks in their order, text out.

use halite_wire::{Map, Value};

/// What stands in a section besides sections.
#[derive(Clone, Debug, PartialEq)]
enum Entry {
    /// A comment, an empty line, or a line that is no option. Kept as it is.
    Remark(String),
    /// Key and value; further lines of a value keep their indentation.
    Option(String, String),
}

/// A section, or the whole file: then its name is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    name: String,
    entries: Vec<Entry>,
    sections: Vec<Section>,
}

/// How options are read and written.
#[derive(Clone, Debug)]
pub struct Style {
    pub separator: String,
    pub no_spaces: bool,
}

impl Style {
    /// The separator with its blanks.
    fn joint(&self) -> String {
        let bare = self.separator.trim_matches(' ');
        match (bare.is_empty(), self.no_spaces) {
            (true, _) => " ".to_owned(),
            (false, true) => bare.to_owned(),
            (false, false) => format!(" {bare} "),
        }
    }

    /// Key and value of a line that is an option.
    fn option<'l>(&self, line: &'l str) -> Option<(&'l str, &'l str)> {
        let text = line.trim_start();
        let first = text.chars().next()?.len_utf8();
        let at = first + text[first..].find(&self.separator)?;
        Some((text[..at].trim_end(), text[at + self.separator.len()..].trim_start()))
    }
}

/// `{before, after}` of an option or section.
pub fn change(before: impl Into<Value>, after: impl Into<Value>) -> Value {
    Map::from([("before", before.into()), ("after", after.into())]).into()
}

/// A value as it is written: Python's `str()`.
pub fn written(value: &Value) -> String {
    crate::args::as_text(value).unwrap_or_else(|| crate::test::repr::repr(value))
}

impl Section {
    pub fn parse(text: &str, style: &Style) -> Section {
        let mut file = Section::default();
        let mut blocks: Vec<(Option<&str>, Vec<&str>)> = vec![(None, Vec::new())];
        for line in text.lines() {
            match (header(line), blocks.last_mut()) {
                (Some(name), _) => blocks.push((Some(name), Vec::new())),
                (None, Some((_, lines))) => lines.push(line),
                (None, None) => {}
            }
        }
        for (name, lines) in blocks {
            match name {
                None => file.read(&lines, style),
                Some(name) => file.section_or_new(name).read(&lines, style),
            }
        }
        file
    }

    fn read(&mut self, lines: &[&str], style: &Style) {
        let filled = |line: &&str| !line.is_empty();
        let Some(first) = lines.iter().position(filled) else { return };
        let last = lines.iter().rposition(filled).unwrap_or(first);
        let mut depth = 0;
        for line in &lines[first..=last] {
            if line.trim_start().starts_with(['#', ';']) {
                self.entries.push(Entry::Remark((*line).to_owned()));
                continue;
            }
            let indent = indent(line);
            if let Some(entry) = self.entries.last_mut().filter(|_| indent > depth) {
                let (Entry::Remark(text) | Entry::Option(_, text)) = entry;
                text.push('\n');
                text.push_str(line);
            } else if let Some((key, value)) = style.option(line) {
                depth = indent;
                self.put(key, value.to_owned());
            } else {
                self.entries.push(Entry::Remark((*line).to_owned()));
            }
        }
    }

    /// The value of an option of this very section.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Option(own, value) if own == key => Some(value.as_str()),
            _ => None,
        })
    }

    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    fn section_or_new(&mut self, name: &str) -> &mut Section {
        let at = self.sections.iter().position(|section| section.name == name).unwrap_or_else(|| {
            self.sections.push(Section { name: name.to_owned(), ..Section::default() });
            self.sections.len() - 1
        });
        &mut self.sections[at]
    }

    /// Sets an option where it is, or else where a remark has it commented out, or else at the end.
    fn put(&mut self, key: &str, value: String) {
        let own = |entry: &Entry| matches!(entry, Entry::Option(own, _) if own == key);
        match self.entries.iter().position(own) {
            Some(at) => self.entries[at] = Entry::Option(key.to_owned(), value),
            None => self.entries.push(Entry::Option(key.to_owned(), value)),
        }
    }

    fn wake(&mut self, key: &str, style: &Style) {
        let is_it = |entry: &Entry| match entry {
            Entry::Remark(line) if line.starts_with('#') => {
                style.option(line.trim_start_matches('#')).is_some_and(|(other, _)| other == key)
            }
            _ => false,
        };
        if let Some(at) = self.entries.iter().position(is_it) {
            self.entries[at] = Entry::Option(key.to_owned(), String::new());
        }
    }

    /// Sets options, and options of sections, and says what changed: `{key: {before, after}}`.
    pub fn update(&mut self, wanted: &Map, style: &Style) -> Map {
        let mut changes = Map::new();
        for (key, value) in wanted {
            let name = written(key);
            let change = match value {
                Value::Map(options) => self.update_section(&name, options, style),
                value => self.update_option(&name, written(value), style),
            };
            change.into_iter().for_each(|change| drop(changes.insert(name.as_str(), change)));
        }
        changes
    }

    fn update_section(&mut self, name: &str, options: &Map, style: &Style) -> Option<Value> {
        let is_new = self.section(name).is_none();
        let section = self.section_or_new(name);
        let changes = section.update(options, style);
        if is_new {
            return Some(change(Value::Null, section.value()));
        }
        (!changes.is_empty()).then(|| changes.into())
    }

    fn update_option(&mut self, key: &str, value: String, style: &Style) -> Option<Value> {
        let before = self.option(key).map(str::to_owned);
        if before.as_ref() == Some(&value) {
            return None;
        }
        if before.is_none() {
            self.wake(key, style);
        }
        self.put(key, value.clone());
        Some(change(before, value))
    }

    /// Takes an option out; its value.
    pub fn remove_option(&mut self, key: &str) -> Option<String> {
        let value = self.option(key)?.to_owned();
        self.entries.retain(|entry| !matches!(entry, Entry::Option(own, _) if own == key));
        Some(value)
    }

    /// Takes an option out of a section, or out of the top of the file where there is no such section.
    pub fn remove_from(&mut self, section: &str, key: &str) -> Option<String> {
        match self.sections.iter_mut().find(|other| other.name == section) {
            Some(section) => section.remove_option(key),
            None => self.remove_option(key),
        }
    }

    pub fn remove_section(&mut self, name: &str) -> Option<Section> {
        let at = self.sections.iter().position(|section| section.name == name)?;
        Some(self.sections.remove(at))
    }

    /// Options and sections as dictionaries, without remarks.
    pub fn value(&self) -> Map {
        let mut map = self.options();
        map.extend(self.sections.iter().map(|section| (section.name.as_str(), section.value())));
        map
    }

    /// Options of this very section, without remarks.
    pub fn options(&self) -> Map {
        let option = |entry: &Entry| match entry {
            Entry::Option(key, value) if !key.starts_with('#') => Some((key.clone(), value.clone())),
            _ => None,
        };
        self.entries.iter().filter_map(option).collect()
    }

    /// Names of the sections.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    pub fn render(&self, style: &Style) -> String {
        let mut text = String::new();
        self.write(style, &mut text);
        text.trim_start_matches('\n').to_owned()
    }

    fn write(&self, style: &Style, text: &mut String) {
        for entry in &self.entries {
            match entry {
                Entry::Remark(line) => text.push_str(line),
                Entry::Option(key, value) => text.push_str(&format!("{key}{}{value}", style.joint())),
            }
            text.push('\n');
        }
        for section in &self.sections {
            text.push_str(&format!("\n[{}]\n", section.name));
            section.write(style, text);
        }
    }
}

/// The name of a section whose head this line is.
fn header(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix('[')?.strip_suffix(']')?;
    (!name.is_empty()).then_some(name)
}

/// How deep a line is indented; a tab counts as four.
fn indent(line: &str) -> usize {
    let blanks = line.len() - line.trim_start().len();
    line[..blanks].chars().map(|blank| if blank == '\t' { 4 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "top = 1\n\n[one]\n# about a\n#b = 5\na=1\n  more\n\n[two]\nx : y\n";

    fn style() -> Style {
        Style { separator: "=".to_owned(), no_spaces: false }
    }

    #[test]
    fn options_are_set_where_they_are_or_were_commented_out() {
        let mut file = Section::parse(TEXT, &style());
        let wanted = Map::from([("one", Map::from([("b", Value::Int(6)), ("a", Value::Bool(true))]))]);
        let changes = file.update(&wanted, &style());
        let of = |key: &str| changes.get("one").and_then(|one| one.get(key)).cloned();
        assert_eq!(of("b"), Some(change(Value::Null, "6")));
        assert_eq!(of("a"), Some(change("1\n  more", "True")));
        let text = file.render(&style());
        assert_eq!(text, "top = 1\n\n[one]\n# about a\nb = 6\na = True\n\n[two]\nx : y\n");
        assert!(file.update(&wanted, &style()).is_empty(), "again");
    }

    #[test]
    fn new_sections_go_to_the_end() {
        let mut file = Section::parse("", &style());
        let changes = file.update(&Map::from([("new", Map::from([("k", "v")]))]), &style());
        assert_eq!(changes.get("new"), Some(&change(Value::Null, Map::from([("k", "v")]))));
        assert_eq!(file.render(&Style { no_spaces: true, ..style() }), "[new]\nk=v\n");
        assert_eq!(file.remove_from("new", "k").as_deref(), Some("v"));
        assert!(file.remove_section("new").is_some_and(|section| section.value().is_empty()));
    }
}
