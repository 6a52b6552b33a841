//! The line `#jinja2: {"trim_blocks": true}` at the top of a template: settings for it alone.

use super::Settings;
use super::json;
use super::syntax::{Pos, Stmt, StmtKind, Template};
use super::value::Val;
use std::ops::Range;

const MARK: &str = "#jinja2:";

/// The header's bytes in `source`, its line break included, and the settings with what it says.
///
/// It stands in the first line, or in the second below `#!renderers`. What is no JSON object is no header.
pub(super) fn find(source: &str, settings: Settings) -> Option<(Range<usize>, Settings)> {
    let below_renderers = source.starts_with("#!") && !source.starts_with("#!/");
    let from = if below_renderers { source.find('\n')? + 1 } else { 0 };
    let line = source[from..].split_inclusive('\n').next()?;
    let Ok(Val::Dict(asked)) = json::read(line.strip_prefix(MARK)?.trim()) else { return None };
    let flag = |name: &str, old: bool| match asked.borrow().get_str(name) {
        Some(value) => value.truth().unwrap_or(old),
        None => old,
    };
    let settings = Settings {
        trim_blocks: flag("trim_blocks", settings.trim_blocks),
        lstrip_blocks: flag("lstrip_blocks", settings.lstrip_blocks),
        ..settings
    };
    Some((from..from + line.len(), settings))
}

/// Takes the header out of a template. Places stay those of the source with it.
pub(super) fn remove(template: &mut Template, header: Range<usize>) {
    let Some(Stmt { kind: StmtKind::Text(text), pos }) = template.body.first() else { return };
    let (Some(before), Some(after)) = (text.get(..header.start), text.get(header.end..)) else { return };
    let line = pos.line + 1 + before.matches('\n').count() as u32;
    let parts = [(before.to_owned(), *pos), (after.to_owned(), Pos { line, column: 1 })];
    let parts = parts.map(|(text, pos)| Stmt { kind: StmtKind::Text(text.as_str().into()), pos });
    template.body.splice(..1, parts);
}
