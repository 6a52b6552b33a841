//! `highstate`: what became of each state of each host, and a summary. In go dicts of hosts, each with a dict of
//! state returns, a list of compile errors, or what a function of an orchestration said.

mod compress;
mod one;
mod summary;
mod wrap;

use super::pprint;
use crate::output::state_view::StateView;
use crate::output::style::{Color, Style};
use crate::output::{pyrepr, sanitize};
use halite_wire::{Map, Value};
use std::borrow::Cow;
use summary::Tally;

/// Columns in front of what belongs to a state.
const MARGIN: usize = 14;

/// Functions whose changes are the returns of further hosts.
const ORCHESTRATIONS: [&str; 3] = ["state.orch", "state.orchestrate", "state.sls"];

/// `None` where the data are not what states return.
pub fn render(data: &Value, style: &Style) -> Option<String> {
    Page { style, view: &style.states }.report(data, 1)
}

struct Page<'a> {
    style: &'a Style,
    view: &'a StateView,
}

/// One host's lines.
struct Block {
    lines: Vec<String>,
    /// Of the host's name.
    color: Color,
    changed: bool,
}

impl Page<'_> {
    /// All hosts; `level` counts how deep orchestrations are inside each other.
    fn report(&self, data: &Value, level: usize) -> Option<String> {
        let hosts = match opened(data)? {
            Value::Null => return Some("None".to_owned()),
            Value::Str(text) => return Some(text.clone()),
            Value::Map(hosts) => hosts,
            _ => return None,
        };
        let hosts = without_retcode(hosts)?;
        let hosts = if self.view.compress_ids { compress::by_id(hosts) } else { hosts };
        let blocks: Option<Vec<String>> =
            hosts.iter().map(|(host, data)| self.host(host, data, level).map(|(text, _)| text)).collect();
        blocks.map(|blocks| blocks.join("\n"))
    }

    /// One host, and whether anything changed on it.
    fn host(&self, host: &Value, data: &Value, level: usize) -> Option<(String, bool)> {
        let name = pyrepr::key_text(host);
        let block = match data {
            Value::Map(states) => self.states(&name, states, level)?,
            Value::List(errors) => self.errors(errors),
            Value::Str(text) => self.answer(pyrepr::split_lines(text).map(str::to_owned)),
            Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => {
                self.answer(std::iter::once(pyrepr::repr(data)))
            }
            _ => Block { lines: Vec::new(), color: Color::Green, changed: false },
        };
        let head = self.style.paint(block.color, &format!("{}:", sanitize::hide_escapes(&name)));
        let lines: Vec<String> = std::iter::once(head).chain(block.lines).collect();
        Some((lines.join("\n"), block.changed))
    }

    /// What a plain function answered in an orchestration: always a change.
    fn answer(&self, lines: impl Iterator<Item = String>) -> Block {
        let lines = lines.map(|line| self.style.paint(Color::Green, &format!("    {line}"))).collect();
        Block { lines, color: Color::Cyan, changed: true }
    }

    /// States that could not be compiled.
    fn errors(&self, errors: &[Value]) -> Block {
        let color = Color::LightRed;
        let start = self.style.start(color);
        let mut lines = vec![format!("    {start}Data failed to compile:{}", self.style.end())];
        for error in errors {
            let text = pyrepr::text(error);
            lines
                .push(self.style.paint(color, &format!("----------\n    {}", sanitize::hide_escapes(&text))));
        }
        Block { lines, color, changed: false }
    }

    fn states(&self, host: &str, states: &Map, level: usize) -> Option<Block> {
        let mut block = Block { lines: Vec::new(), color: Color::Green, changed: false };
        for (name, info) in states {
            let lost =
                info.as_map().is_some_and(|info| !info.is_empty() && info.get("__run_num__").is_none());
            if lost && name.as_str() != Some("changes") {
                let note = "This state does not say in which order it ran:".to_owned();
                block.lines.splice(0..0, [note, pprint::format(info, 1)]);
            }
        }
        let mut tally = Tally::default();
        let in_order = in_order(states)?;
        if in_order.is_empty() && !states.is_empty() {
            return None;
        }
        for (tag, ret) in in_order {
            self.state(&tag, ret, level, &mut tally, &mut block)?;
        }
        block.changed = tally.changed > 0;
        block.lines.extend(tally.summary(host, self.style, self.view));
        Some(block)
    }

    /// The changes of one state as lines behind `Changes:`, and whether there are any.
    fn changes(&self, ret: &Map, level: usize) -> Option<(bool, String)> {
        let changes = ret.get("changes")?;
        if ret.get_str("name").is_some_and(|name| ORCHESTRATIONS.contains(&name)) {
            let text = format!("\n{}", self.report(changes, level + 1)?);
            return Some((true, indented(&text, MARGIN * level)));
        }
        if !changes.is_truthy() {
            return Some((false, String::new()));
        }
        let Value::Map(map) = changes else {
            return Some((true, format!("Invalid Changes data: {}", pyrepr::text(changes))));
        };
        match map.get("ret") {
            Some(ret) if !ret.is_null() && map.get_str("out") == Some("highstate") => self.hosts_within(ret),
            _ => Some((true, format!("\n{}", super::nested::render_at(changes, self.style, MARGIN)))),
        }
    }

    /// Hosts whose states an orchestration ran.
    fn hosts_within(&self, hosts: &Value) -> Option<(bool, String)> {
        let (mut changed, mut text) = (false, String::new());
        for (host, data) in hosts.as_map()? {
            let (block, block_changed) = self.host(host, data, 1)?;
            let lines: Vec<&str> = pyrepr::split_lines(&block).collect();
            text.push_str(&indented(&format!("\n{}", lines.join("\n")), MARGIN).split_off(MARGIN));
            changed |= block_changed;
        }
        Some((changed, text))
    }
}

/// The data inside the envelopes runners and job look-ups put around them. `None` where data are missing in one.
fn opened(data: &Value) -> Option<&Value> {
    let within = |data, key| Value::as_map(data).and_then(|map| map.get(key)).unwrap_or(data);
    let data = within(within(data, "return"), "data");
    let Some(map) = data.as_map().filter(|map| map.len() == 1) else { return Some(data) };
    match map.iter().next() {
        Some((_, Value::Map(job))) if job.get("jid").is_some() && job.get("fun").is_some() => {
            let answer = job.get("return").map_or(Some(data), |answer| Some(within(answer, "data")));
            answer.filter(|answer| answer.as_map().is_some())
        }
        _ => Some(data),
    }
}

/// An orchestration's return code stands among its hosts (the one host is the `..._master`).
fn without_retcode(hosts: &Map) -> Option<Cow<'_, Map>> {
    let names: Option<Vec<&str>> = hosts.keys().map(Value::as_str).collect();
    let masters = names?.into_iter().filter(|name| name.ends_with("_master")).count();
    if masters != 1 || hosts.get("retcode").is_none() {
        return Some(Cow::Borrowed(hosts));
    }
    let mut hosts = hosts.clone();
    hosts.remove("retcode");
    Some(Cow::Owned(hosts))
}

/// Entries that are state returns, as they ran.
fn in_order(states: &Map) -> Option<Vec<(String, &Map)>> {
    let mut found = Vec::new();
    for (tag, info) in states {
        let Some(ret) = info.as_map().filter(|ret| ret.get("result").is_some()) else { continue };
        let number = ret.get("__run_num__").map_or(Some(0), Value::as_i64)?;
        found.push((number, tag.as_str()?.to_owned(), ret));
    }
    found.sort_by_key(|(number, ..)| *number);
    Some(found.into_iter().map(|(_, tag, ret)| (tag, ret)).collect())
}

/// Every line moved in, empty ones too.
fn indented(text: &str, columns: usize) -> String {
    let margin = " ".repeat(columns);
    let lines: Vec<String> = text.split('\n').map(|line| format!("{margin}{line}")).collect();
    lines.join("\n")
}
