//! TOML 1.0. Dates and times are text.

use crate::limits::{SOURCE_BYTES_MAX, YAML_DEPTH_MAX};
use crate::yaml::{Mark, Node, NodeKind, YamlError};
use halite_wire::Value;
use indexmap::IndexMap;
use std::cell::Cell;

type Read<T> = Result<T, YamlError>;

type Key = (String, Mark);

/// A table while it is filled.
type Table = IndexMap<String, (Mark, Item)>;

enum Item {
    Value(Node),
    Table(Table),
    /// What `[[name]]` adds to.
    Tables(Vec<Table>),
}

/// The one table a document is.
///
/// # Errors
/// What is not TOML, keys that are set twice, and tables nested too deep.
pub(super) fn read(source: &str) -> Read<Node> {
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("the document is longer than {} MiB", SOURCE_BYTES_MAX >> 20);
        return Err(YamlError::new(Mark { line: 1, column: 1 }, message));
    }
    let mut reader = Reader { source, at: 0, line: Cell::new((0, 1)) };
    let mut root = Table::new();
    // The table the next entries belong to.
    let mut path: Vec<Key> = Vec::new();
    loop {
        reader.blank_lines();
        match reader.peek() {
            None => return Ok(table_node(root, Mark { line: 1, column: 1 })),
            Some('[') => path = reader.header(&mut root)?,
            Some(_) => {
                let (way, last) = reader.keys()?;
                reader.need('=')?;
                let value = reader.value(0)?;
                reader.end_of_line()?;
                let all: Vec<_> = path.iter().cloned().chain(way).collect();
                set(open(&mut root, &all)?, last, Item::Value(value))?;
            }
        }
    }
}

fn table_node(table: Table, mark: Mark) -> Node {
    let entry = |(key, (mark, item)): (String, (Mark, Item))| {
        let value = match item {
            Item::Value(node) => node,
            Item::Table(table) => table_node(table, mark),
            Item::Tables(tables) => {
                let items = tables.into_iter().map(|table| table_node(table, mark)).collect();
                Node { kind: NodeKind::List(items), mark }
            }
        };
        (Node { kind: NodeKind::Scalar(Value::from(key)), mark }, value)
    };
    Node { kind: NodeKind::Map(table.into_iter().map(entry).collect()), mark }
}

/// The table under `path`, made where it is missing; of a list of tables, the last.
fn open<'t>(root: &'t mut Table, path: &[Key]) -> Read<&'t mut Table> {
    let mut at = root;
    for (depth, (key, mark)) in path.iter().enumerate() {
        if depth > YAML_DEPTH_MAX {
            return Err(YamlError::new(*mark, format!("tables are nested deeper than {YAML_DEPTH_MAX}")));
        }
        let (_, item) = at.entry(key.clone()).or_insert_with(|| (*mark, Item::Table(Table::new())));
        at = match item {
            Item::Table(table) => table,
            Item::Tables(tables) if !tables.is_empty() => {
                let last = tables.len() - 1;
                &mut tables[last]
            }
            _ => return Err(YamlError::new(*mark, format!("the key {key:?} holds a value, no table"))),
        };
    }
    Ok(at)
}

fn set(table: &mut Table, (key, mark): Key, item: Item) -> Read<()> {
    if let Some((first, _)) = table.get(&key) {
        let twice = YamlError::new(mark, format!("the key {key:?} is there twice"));
        return Err(twice.related(*first, "the first is"));
    }
    table.insert(key, (mark, item));
    Ok(())
}

struct Reader<'s> {
    source: &'s str,
    at: usize,
    /// Where a line begins, and its number: the last one that was asked for.
    line: Cell<(usize, usize)>,
}

impl Reader<'_> {
    fn mark(&self) -> Mark {
        let (from, number) = self.line.get();
        let passed = &self.source[from..self.at];
        let line = number + passed.matches('\n').count();
        let start = passed.rfind('\n').map_or(from, |end| from + end + 1);
        self.line.set((start, line));
        Mark { line, column: self.source[start..self.at].chars().count() + 1 }
    }

    fn wrong(&self, message: impl Into<String>) -> YamlError {
        YamlError::new(self.mark(), message)
    }

    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len() } else { 0 };
        found
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    fn need(&mut self, sign: char) -> Read<()> {
        self.blanks();
        let found = self.peek() == Some(sign);
        self.at += if found { sign.len_utf8() } else { 0 };
        self.blanks();
        if found { Ok(()) } else { Err(self.wrong(format!("a `{sign}` is expected here"))) }
    }

    /// Blanks, line breaks and comments.
    fn blank_lines(&mut self) {
        loop {
            self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
            if self.peek() != Some('#') {
                break;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn end_of_line(&mut self) -> Read<()> {
        self.blanks();
        match self.peek() {
            None | Some('\n' | '\r' | '#') => Ok(()),
            Some(_) => Err(self.wrong("the line should end here")),
        }
    }

    /// `[table]` or `[[list of tables]]`: the path of the table that follows.
    fn header(&mut self, root: &mut Table) -> Read<Vec<Key>> {
        let is_list = self.take("[[");
        self.at += usize::from(!is_list);
        self.blanks();
        let (way, last) = self.keys()?;
        self.need(']')?;
        if is_list && !self.take("]") {
            return Err(self.wrong("a second `]` is expected here"));
        }
        self.end_of_line()?;
        if is_list {
            let held = open(root, &way)?;
            let tables = || (last.1, Item::Tables(Vec::new()));
            match &mut held.entry(last.0.clone()).or_insert_with(tables).1 {
                Item::Tables(tables) => tables.push(Table::new()),
                _ => {
                    return Err(YamlError::new(
                        last.1,
                        format!("the key {:?} holds no list of tables", last.0),
                    ));
                }
            }
        }
        let path: Vec<_> = way.into_iter().chain([last]).collect();
        open(root, &path)?;
        Ok(path)
    }

    /// `a.b."c d"`: the keys before the last, and that.
    fn keys(&mut self) -> Read<(Vec<Key>, Key)> {
        let mut way = Vec::new();
        loop {
            self.blanks();
            let mark = self.mark();
            let key = match self.peek() {
                Some('"' | '\'') => self.text()?,
                _ => self.bare(|c| c.is_ascii_alphanumeric() || "_-".contains(c)),
            };
            if key.is_empty() {
                return Err(self.wrong("a key is expected here"));
            }
            self.blanks();
            if !self.take(".") {
                return Ok((way, (key, mark)));
            }
            way.push((key, mark));
        }
    }

    fn bare(&mut self, belongs: fn(char) -> bool) -> String {
        let end = self.rest().find(|c| !belongs(c)).unwrap_or(self.rest().len());
        let word = self.rest()[..end].to_owned();
        self.at += end;
        word
    }

    fn value(&mut self, depth: usize) -> Read<Node> {
        if depth > YAML_DEPTH_MAX {
            return Err(self.wrong(format!("lists and tables are nested deeper than {YAML_DEPTH_MAX}")));
        }
        let mark = self.mark();
        let kind = match self.peek() {
            Some('"' | '\'') => NodeKind::Scalar(Value::from(self.text()?)),
            Some('[') => {
                self.at += 1;
                NodeKind::List(self.list(depth)?)
            }
            Some('{') => {
                self.at += 1;
                return self.inline_table(mark, depth);
            }
            _ => {
                let word = self.bare(|c| c.is_ascii_alphanumeric() || "+-_.:".contains(c));
                let dated =
                    word.len() == 10 && word.matches('-').count() == 2 && self.rest().starts_with(' ');
                let time = if dated && self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) {
                    self.at += 1;
                    format!(" {}", self.bare(|c| c.is_ascii_alphanumeric() || "+-.:".contains(c)))
                } else {
                    String::new()
                };
                let value = scalar(&(word + &time));
                NodeKind::Scalar(value.ok_or_else(|| {
                    YamlError::new(mark, "a value is expected here").hint("text stands in quotes: \"text\"")
                })?)
            }
        };
        Ok(Node { kind, mark })
    }

    fn list(&mut self, depth: usize) -> Read<Vec<Node>> {
        let mut items = Vec::new();
        loop {
            self.blank_lines();
            if self.take("]") {
                return Ok(items);
            }
            items.push(self.value(depth + 1)?);
            self.blank_lines();
            if !self.take(",") && self.peek() != Some(']') {
                return Err(self.wrong("a `,` or `]` is expected here"));
            }
        }
    }

    fn inline_table(&mut self, mark: Mark, depth: usize) -> Read<Node> {
        let mut table = Table::new();
        loop {
            self.blanks();
            if self.take("}") {
                return Ok(table_node(table, mark));
            }
            let (way, last) = self.keys()?;
            self.need('=')?;
            let value = self.value(depth + 1)?;
            set(open(&mut table, &way)?, last, Item::Value(value))?;
            self.blanks();
            if !self.take(",") && self.peek() != Some('}') {
                return Err(self.wrong("a `,` or `}` is expected here"));
            }
        }
    }

    /// Text in one quote or three, `'` without escapes.
    fn text(&mut self) -> Read<String> {
        let (mark, raw) = (self.mark(), self.peek() == Some('\''));
        let (one, three) = if raw { ("'", "'''") } else { ("\"", "\"\"\"") };
        let quote = if self.take(three) { three } else { one };
        if quote == one {
            self.at += 1;
        } else if !self.take("\n") {
            self.take("\r\n");
        }
        let mut text = String::new();
        loop {
            let Some(c) = self.peek().filter(|c| quote == three || *c != '\n') else {
                return Err(YamlError::new(mark, "the quotes are not closed"));
            };
            if self.take(quote) {
                // Up to two quotes may stand right before the closing three.
                while quote == three && self.take(one) {
                    text.push_str(one);
                }
                return Ok(text);
            }
            self.at += c.len_utf8();
            match c {
                '\\' if !raw => self.escaped(&mut text)?,
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self, text: &mut String) -> Read<()> {
        let Some(c) = self.peek() else { return Err(self.wrong("the quotes are not closed")) };
        if c.is_whitespace() {
            self.at += self.rest().len() - self.rest().trim_start().len();
            return Ok(());
        }
        self.at += c.len_utf8();
        let digits = match c {
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let code = self.rest().get(..digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let letter = code.and_then(char::from_u32);
            text.push(letter.ok_or_else(|| self.wrong(format!("\\{c} is not followed by {digits} digits")))?);
            self.at += digits;
            return Ok(());
        }
        text.push(match c {
            'b' => '\u{8}',
            't' => '\t',
            'n' => '\n',
            'f' => '\u{c}',
            'r' => '\r',
            'e' => '\u{1b}',
            '"' | '\\' => c,
            _ => {
                return Err(self
                    .wrong(format!("there is no escape \\{c}"))
                    .hint("write text with \\ in single quotes"));
            }
        });
        Ok(())
    }
}

/// A boolean, a number, a date or a time.
fn scalar(word: &str) -> Option<Value> {
    match word {
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        "inf" | "+inf" => return Some(Value::Float(f64::INFINITY)),
        "-inf" => return Some(Value::Float(f64::NEG_INFINITY)),
        "nan" | "+nan" | "-nan" => return Some(Value::Float(f64::NAN)),
        _ => {}
    }
    let plain = word.replace('_', "");
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)];
    if let Some((digits, radix)) =
        radix.iter().find_map(|(sign, radix)| Some((plain.strip_prefix(sign)?, *radix)))
    {
        return i64::from_str_radix(digits, radix).ok().map(Value::Int);
    }
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let dated = plain.get(4..5) == Some("-") && plain.len() >= 10 || plain.get(2..3) == Some(":");
    let integer = digits.bytes().all(|byte| byte.is_ascii_digit());
    match plain.parse() {
        _ if dated => Some(Value::from(word)),
        Ok(_) if integer && digits.len() > 1 && digits.starts_with('0') => None,
        Ok(number) => Some(Value::Int(number)),
        Err(_) => plain.parse().ok().filter(|_| !integer && !plain.ends_with('.')).map(Value::Float),
    }
}
