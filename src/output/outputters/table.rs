//! `table`: lists of equal rows as boxes; the first row of dicts gives the headings.
//!
//! Data that make no table (rows of different kinds, numbers, keys that do not sort) are left to `nested`.

use crate::output::pyorder;
use crate::output::pyrepr;
use crate::output::style::{Color, Style};
use halite_wire::Value;

/// A cell is broken at spaces from this width on.
const CELL_COLUMNS_MAX: usize = 50;

pub fn render(data: &Value, style: &Style) -> Option<String> {
    let mut page = Page { style, lines: Vec::new() };
    page.show(data, 0)?;
    Some(page.lines.join("\n"))
}

struct Page<'a> {
    style: &'a Style,
    lines: Vec<String>,
}

impl Page<'_> {
    /// `None` where the data make no table. Scalars beside tables are left out, as Salt does.
    fn show(&mut self, value: &Value, indent: usize) -> Option<()> {
        match value {
            Value::List(rows) => self.show_rows(rows, indent + 4),
            Value::Map(map) => {
                for (key, value) in pyorder::sorted(map)? {
                    self.line(indent, Color::DarkGray, &pyrepr::key_text(key), ":");
                    self.line(indent, Color::DarkGray, "----------", "");
                    let is_list = matches!(value, Value::List(_));
                    self.show(value, if is_list { indent } else { indent + 4 })?;
                }
                Some(())
            }
            _ => Some(()),
        }
    }

    fn line(&mut self, indent: usize, color: Color, text: &str, suffix: &str) {
        self.lines.push(format!("{:indent$}{}{suffix}", "", self.style.paint(color, text)));
    }

    fn show_rows(&mut self, rows: &[Value], indent: usize) -> Option<()> {
        let Some(first) = rows.first() else { return Some(()) };
        if rows.iter().any(|row| row.kind() != first.kind()) {
            return Some(());
        }
        let mut cells: Vec<Vec<String>> = headings(first)?.into_iter().collect();
        for row in rows {
            cells.push(row_cells(row)?);
        }
        if cells.iter().any(Vec::is_empty) {
            return None;
        }
        self.draw(&cells.iter().map(|row| physical_rows(row)).collect::<Vec<_>>(), indent);
        Some(())
    }

    /// `rows` are lists of lines, each a list of cells.
    fn draw(&mut self, rows: &[Vec<Vec<String>>], indent: usize) {
        let widths = column_widths(rows);
        let rule = "-".repeat(
            "| ".len() + widths.iter().sum::<usize>() + " | ".len() * (widths.len() - 1) + " |".len(),
        );
        self.line(indent, Color::LightGray, &rule, "");
        for row in rows {
            for line in row {
                let cells: Vec<String> =
                    line.iter().zip(&widths).map(|(cell, width)| center(cell, *width)).collect();
                self.line(indent, Color::White, &format!("| {} |", cells.join(" | ")), "");
            }
            self.line(indent, Color::LightGray, &rule, "");
        }
    }
}

/// The outer option: whether the row can be drawn; the inner: whether it has headings.
fn headings(row: &Value) -> Option<Option<Vec<String>>> {
    let Value::Map(map) = row else { return Some(None) };
    let labels: Vec<String> =
        pyorder::sorted(map)?.iter().map(|(key, _)| title(&pyrepr::key_text(key))).collect();
    Some((!labels.is_empty()).then_some(labels))
}

fn row_cells(row: &Value) -> Option<Vec<String>> {
    match row {
        Value::Map(map) => Some(pyorder::sorted(map)?.iter().map(|(_, value)| pyrepr::text(value)).collect()),
        Value::Str(text) => Some(vec![text.clone()]),
        Value::List(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// The lines of a row: as many as its shortest cell has, as in Salt.
fn physical_rows(row: &[String]) -> Vec<Vec<String>> {
    let wrapped: Vec<String> = row.iter().map(|cell| wrap(cell)).collect();
    let columns: Vec<Vec<&str>> = wrapped.iter().map(|cell| cell.split('\n').collect()).collect();
    let height = columns.iter().map(Vec::len).min().unwrap_or(0);
    (0..height).map(|line| columns.iter().map(|column| column[line].to_owned()).collect()).collect()
}

fn wrap(cell: &str) -> String {
    let mut words = cell.split(' ');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let last_line = out.rsplit('\n').next().unwrap_or_default().chars().count();
        let next = word.split('\n').next().unwrap_or_default().chars().count();
        out.push(if last_line + next >= CELL_COLUMNS_MAX { '\n' } else { ' ' });
        out.push_str(word);
    }
    out
}

/// One width per column; as many columns as the shortest row has.
fn column_widths(rows: &[Vec<Vec<String>>]) -> Vec<usize> {
    let lines = || rows.iter().flatten();
    let count = lines().map(Vec::len).min().unwrap_or(0);
    (0..count).map(|column| lines().map(|line| line[column].chars().count()).max().unwrap_or(0)).collect()
}

/// Python's `str.center`: the odd column goes to the left where the width is odd too.
fn center(text: &str, width: usize) -> String {
    let gap = width.saturating_sub(text.chars().count());
    let left = gap / 2 + (gap & width & 1);
    format!("{:left$}{text}{:right$}", "", "", right = gap - left)
}

/// `hw_address` becomes `Hw Address`: capitals behind everything that is no letter.
fn title(label: &str) -> String {
    let mut out = String::new();
    let mut after_letter = false;
    for c in label.replace('_', " ").chars() {
        if after_letter {
            out.extend(c.to_lowercase());
        } else {
            let mut capital = c.to_uppercase();
            out.extend(capital.next());
            out.extend(capital.flat_map(char::to_lowercase));
        }
        after_letter = c.is_lowercase() || c.is_uppercase();
    }
    out
}
