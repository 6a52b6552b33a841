//! What people see: results on stdout, progress, failures and log lines on stderr.
//!
//! In go the facts of a run ([`Screen`], [`Progress`]), records of a stored job ([`replay`]) or any data
//! ([`render`]); out comes text. Nothing else in the controller prints, and nothing here knows where facts come from.

pub mod history;

mod backlog;
mod board;
mod log;
mod options;
mod out_file;
mod outputters;
mod pieces;
mod progress;
mod pyorder;
mod pyrepr;
mod sanitize;
mod screen;
mod sink;
mod state_view;
mod stderr;
mod style;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod screens;

pub use backlog::BACKLOG_BYTES_MAX;
pub use log::{Level, Log, UnknownLevel};
pub use options::Options;
pub use out_file::write_file;
pub use outputters::{HostLine, Outputter, UnknownOutputter, find, names};
pub use pieces::Pieces;
pub use progress::Progress;
pub use sanitize::{sanitize, sanitize_line};
pub use screen::{Screen, ScreenError, replay};
pub use state_view::{MODES, Mode, StateView, Tabular, results};
pub use stderr::Stderr;
pub use style::{Color, ColorMode, Indent, Style};

use halite_wire::Value;
use outputters::{Guard, NESTED, Render};

/// The text the outputter `name` makes of `data` (a dict of hosts and their values, or what a runner returns),
/// without white space at its end. Data it makes nothing of, and unknown names, are shown by `nested`.
pub fn render(name: &str, data: &Value, style: &Style) -> String {
    let outputter = find(name).unwrap_or(&NESTED);
    match outputter.render {
        Render::Data(_) => render_data(outputter, data, style),
        Render::Hosts(_) => render_hosts(outputter, &hosts_of(data), style),
    }
}

fn render_data(outputter: &Outputter, data: &Value, style: &Style) -> String {
    let Render::Data(render) = outputter.render else { return String::new() };
    let clean =
        (style.terminal && matches!(outputter.guard, Guard::Data)).then(|| sanitize::sanitize_value(data));
    match render(clean.as_ref().unwrap_or(data), style) {
        Some(text) => guarded(outputter, text, style),
        None => render_data(&NESTED, data, style),
    }
}

fn render_hosts(outputter: &Outputter, hosts: &[HostLine], style: &Style) -> String {
    let Render::Hosts(render) = outputter.render else { return String::new() };
    if style.terminal && matches!(outputter.guard, Guard::Data) {
        let clean =
            |host: &HostLine| HostLine { value: sanitize::sanitize_value(&host.value), ..host.clone() };
        return guarded(outputter, render(&hosts.iter().map(clean).collect::<Vec<_>>(), style), style);
    }
    guarded(outputter, render(hosts, style), style)
}

fn guarded(outputter: &Outputter, text: String, style: &Style) -> String {
    let text = text.trim_end_matches(pyrepr::is_space);
    match outputter.guard {
        Guard::Json if style.terminal => sanitize::sanitize_json(text).into_owned(),
        Guard::Text if style.terminal => sanitize::sanitize(text).into_owned(),
        _ => text.to_owned(),
    }
}

/// Data without outcomes: every entry is a host that is well.
fn hosts_of(data: &Value) -> Vec<HostLine> {
    let Some(map) = data.as_map() else {
        return vec![HostLine { id: "local".to_owned(), kind: "ok", retcode: 0, value: data.clone() }];
    };
    let line = |(id, value): (&Value, &Value)| HostLine {
        id: sanitize::sanitize_line(&pyrepr::key_text(id)).into_owned(),
        kind: "ok",
        retcode: 0,
        value: value.clone(),
    };
    map.iter().map(line).collect()
}
