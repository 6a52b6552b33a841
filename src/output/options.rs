//! What the user asked to see, and how one document of results is made from it.

use super::outputters::{HostLine, Render, find};
use super::sanitize::sanitize_line;
use super::state_view::StateView;
use super::style::{ColorMode, Indent, Style};
use crate::fleet::outcome::Record;
use halite_wire::{Map, Value};
use std::borrow::Borrow;
use std::path::PathBuf;
use std::sync::Arc;

/// The options of the command line about output.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--out`; where absent, what the function suggests, else `nested`.
    pub out: Option<String>,
    pub indent: Indent,
    pub out_file: Option<PathBuf>,
    /// Add to `out_file` as results come; else it is replaced when the run ends.
    pub out_file_append: bool,
    pub color: ColorMode,
    /// One document for all hosts, when all are done.
    pub static_out: bool,
    pub verbose: bool,
    pub show_jid: bool,
    pub summary: bool,
    /// How much of each state is shown.
    pub states: Arc<StateView>,
}

impl Options {
    /// The style of text for a terminal, or for a pipe or file.
    pub fn style(&self, terminal: bool) -> Style {
        Style {
            color: self.color.is_on(terminal),
            terminal,
            indent: self.indent,
            states: self.states.clone(),
        }
    }

    /// `data` as the outputter the user chose prints them, else the `suggested` one, else `nested`; with a line
    /// end, unless there is nothing to print.
    pub fn document(&self, data: &Value, suggested: Option<&str>, style: &Style) -> String {
        ended(super::render(self.outputter(suggested), data, style))
    }

    /// The same for records of hosts. The last record's suggestion counts.
    pub fn records<R: Borrow<Record>>(&self, records: &[R], style: &Style) -> String {
        let suggested = records.last().and_then(|record| record.borrow().outputter());
        let name = self.outputter(suggested);
        match find(name) {
            Ok(outputter) if matches!(outputter.render, Render::Hosts(_)) => {
                let lines: Vec<HostLine> = records.iter().map(|record| host_line(record.borrow())).collect();
                ended(super::render_hosts(outputter, &lines, style))
            }
            _ => ended(super::render(name, &host_map(records), style)),
        }
    }

    fn outputter<'a>(&'a self, suggested: Option<&'a str>) -> &'a str {
        self.out.as_deref().or(suggested).unwrap_or("nested")
    }
}

fn host_map<R: Borrow<Record>>(records: &[R]) -> Value {
    let entry = |record: &R| (record.borrow().minion.as_str().to_owned(), record.borrow().value());
    Value::Map(records.iter().map(entry).collect::<Map>())
}

fn host_line(record: &Record) -> HostLine {
    HostLine {
        id: sanitize_line(record.minion.as_str()).into_owned(),
        kind: record.kind(),
        retcode: record.retcode(),
        value: record.value(),
    }
}

/// Text that is not empty ends in a line end.
pub(super) fn ended(mut text: String) -> String {
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
