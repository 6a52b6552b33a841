//! One state: left out, one line, or a block of lines.

use super::{Block, MARGIN, Page, Tally, wrap};
use crate::output::pyrepr;
use crate::output::state_view::{Mode, Tabular};
use crate::output::style::Color;
use crate::template::Source;
use halite_render::jinja::{NoFunctions, NoTemplates};
use halite_wire::{Map, Value};

/// Between the parts of a state's tag: `module_|-id_|-name_|-function`.
const TAG_SEPARATOR: &str = "_|-";

/// One state as it is to be shown.
struct Shown<'a> {
    module: &'a str,
    id: &'a str,
    /// Or the ID, where that is wanted.
    name: &'a str,
    function: &'a str,
    ret: &'a Map,
    color: Color,
}

enum Form {
    Nothing,
    Line,
    Block,
}

impl Page<'_> {
    /// Counts the state and adds its lines. `None` where it is no state's return.
    pub(super) fn state(
        &self,
        tag: &str,
        ret: &Map,
        level: usize,
        tally: &mut Tally,
        block: &mut Block,
    ) -> Option<()> {
        let result = ret.get("result")?;
        let copies = if self.view.compress_ids { super::compress::copies(tag) } else { 1 };
        tally.count(result, ret, copies)?;
        let (changed, changes) = self.changes(ret, level)?;
        tally.changed += changed_names(ret, copies) * usize::from(changed);
        let is_clean = result.is_truthy() && !changed;
        if is_clean && (self.view.diff || !self.view.verbose) {
            return Some(());
        }
        let color = match result {
            Value::Bool(false) => Color::Red,
            Value::Null => Color::LightYellow,
            _ if changed => Color::Cyan,
            _ => Color::Green,
        };
        if matches!(color, Color::Red | Color::LightYellow) {
            block.color = color;
        }
        match self.form(result, changed) {
            Form::Nothing => {}
            Form::Line => block.lines.push(self.line(&self.named(tag, ret, color)?)?),
            Form::Block => {
                block.lines.extend(self.block(&self.named(tag, ret, color)?, &changes)?);
                tally.warnings += usize::from(ret.get("warnings").is_some());
            }
        }
        Some(())
    }

    fn named<'a>(&self, tag: &'a str, ret: &'a Map, color: Color) -> Option<Shown<'a>> {
        let parts: Vec<&str> = tag.split(TAG_SEPARATOR).collect();
        let [module, id, name, .., function] = parts[..] else { return None };
        Some(Shown { module, id, name: if self.view.by_id { id } else { name }, function, ret, color })
    }

    fn form(&self, result: &Value, changed: bool) -> Form {
        let failed = *result == Value::Bool(false);
        let named = |list: &[String]| list.contains(&pyrepr::text(result));
        match self.view.mode {
            Mode::Filter if named(&self.view.terse) => Form::Line,
            Mode::Filter if named(&self.view.exclude) => Form::Nothing,
            Mode::Terse => Form::Line,
            Mode::Mixed if !failed => Form::Line,
            Mode::Changes if result.is_truthy() && !changed => Form::Line,
            Mode::Full | Mode::Filter | Mode::Mixed | Mode::Changes => Form::Block,
        }
    }

    fn line(&self, shown: &Shown) -> Option<String> {
        let ret = shown.ret;
        let word = match ret.get("result")? {
            Value::Bool(false) => "Failed",
            Value::Null => "Differs",
            _ if ret.get("changes")?.is_truthy() => "Changed",
            _ => "Clean",
        };
        let (start, end) = (self.style.start(shown.color), self.style.end());
        let Shown { module, name, function, .. } = *shown;
        let times = if self.view.profile { times(ret)? } else { None };
        Some(match &self.view.tabular {
            Tabular::No => {
                let times = times
                    .map_or(String::new(), |(at, took)| format!(" - Started: {at} - Duration: {took} ms"));
                let warnings = self.warnings_ahead(ret)?;
                format!(
                    "{warnings} {start} Name: {name} - Function: {module}.{function} - Result: {word}{times}{end}"
                )
            }
            Tabular::Columns => {
                let times = times.map_or(String::new(), |(at, took)| format!("{at} [{took:>7} ms] "));
                let mut warnings = self.warnings_ahead(ret)?;
                if !warnings.is_empty() {
                    warnings.push('\n');
                }
                format!("{warnings}{start}{times}{module:>10}.{function:<10} {word:7}   Name: {name}{end}")
            }
            Tabular::Format(format) => {
                let words = [start, name, module, function, word, end].map(Value::from);
                formatted(format, words.into_iter().chain([Value::Map(ret.clone())]).collect())?
            }
        })
    }

    fn warnings_ahead(&self, ret: &Map) -> Option<String> {
        let Some(warnings) = ret.get("warnings") else { return Some(String::new()) };
        Some(self.style.paint(Color::LightRed, &format!("Warnings:\n{}", joined(warnings)?)))
    }

    fn block(&self, shown: &Shown, changes: &str) -> Option<Vec<String>> {
        let Shown { module, id, name, function, ret, color } = *shown;
        let paint = |text: &str| format!("    {}", self.style.paint(color, text));
        let mut lines = vec![
            self.style.paint(color, "----------"),
            paint(&format!("      ID: {id}")),
            paint(&format!("Function: {module}.{function}")),
        ];
        if id != name {
            lines.push(paint(&format!("    Name: {name}")));
        }
        lines.push(paint(&format!("  Result: {}", pyrepr::text(ret.get("result")?))));
        lines.push(paint(&format!(" Comment: {}", comment(ret)?)));
        if self.view.profile && ret.get("start_time").is_some() {
            let field = |name| ret.get(name).map(pyrepr::text).unwrap_or_default();
            let duration = field("duration");
            let unit = if duration.is_empty() { "" } else { " ms" };
            lines.push(paint(&format!(" Started: {}", field("start_time"))));
            lines.push(paint(&format!("Duration: {duration}{unit}")));
        }
        lines.push(self.style.paint(color, &format!("     Changes:   {changes}")));
        if let Some(warnings) = ret.get("warnings") {
            let text = wrap::fill(&joined(warnings)?, 80, MARGIN);
            let (start, end) = (self.style.start(Color::LightRed), self.style.end());
            lines.push(format!("   {start} Warnings: {}{end}", text.trim_start_matches(pyrepr::is_space)));
        }
        Some(lines)
    }
}

/// How many names of a state changed: of a compressed one, those that tell.
fn changed_names(ret: &Map, copies: usize) -> usize {
    let compressed = ret.get("changes").and_then(Value::as_map).and_then(|map| map.get("compressed changes"));
    match compressed.and_then(Value::as_map) {
        Some(names) if copies > 1 => names.len().max(1),
        _ => 1,
    }
}

/// `Some(None)` where the state has no start; `None` where it has a start and no duration.
#[expect(clippy::option_option, reason = "broken data and absent times are told apart")]
fn times(ret: &Map) -> Option<Option<(String, String)>> {
    let Some(start) = ret.get("start_time") else { return Some(None) };
    Some(Some((pyrepr::text(start), pyrepr::text(ret.get("duration")?))))
}

fn joined(warnings: &Value) -> Option<String> {
    let lines: Option<Vec<&str>> = match warnings {
        Value::List(items) => items.iter().map(Value::as_str).collect(),
        _ => return None,
    };
    lines.map(|lines| lines.join("\n"))
}

/// The comment and what `data` adds to it, further lines below the first.
fn comment(ret: &Map) -> Option<String> {
    let comment = pyrepr::text(ret.get("comment")?);
    let comment = comment.trim_matches(pyrepr::is_space).replace('\n', &format!("\n{:MARGIN$}", ""));
    Some(match ret.get("data") {
        None => comment,
        Some(Value::List(items)) => {
            items.iter().fold(comment, |comment, item| format!("{comment} {}", pyrepr::text(item)))
        }
        Some(Value::Map(entries)) => entries.iter().fold(comment, |comment, (key, value)| {
            format!("{comment}\n\t\t{}: {}", pyrepr::key_text(key), pyrepr::text(value))
        }),
        Some(other) => format!("{comment} {}", pyrepr::text(other)),
    })
}

/// Python's `str.format`, as templates have it.
fn formatted(format: &str, words: Vec<Value>) -> Option<String> {
    let variables = Map::from([("format", Value::from(format)), ("words", Value::List(words))]);
    let source = Source::builtin("{{ format.format(*words) }}");
    source.render("state_tabular", &variables, &NoTemplates, &NoFunctions).ok()
}
