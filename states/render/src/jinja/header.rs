//! The line `#jinja2: {"trim_blocks": true}` at the top of a template: settings for it alone.

use super::Settings;
use super::fault::{Fault, FaultKind, Outcome};
use super::json;
use super::value::{self, Val};
use std::ops::Range;

const MARK: &str = "#jinja2:";

/// The header's bytes in `source`, its line break included, and the settings with what it says.
///
/// It stands in the first line, or in the second below `#!renderers`. What is no JSON object is no header.
///
/// # Errors
/// A value that Jinja cannot take.
pub(super) fn find(source: &str, settings: &Settings) -> Outcome<Option<(Range<usize>, Settings)>> {
    let Some((line, asked)) = line(source) else { return Ok(None) };
    let Ok(asked) = value::to_wire(&asked) else { return Ok(None) };
    let Some(asked) = asked.as_map() else { return Ok(None) };
    let refused = |why: String| Fault::new(FaultKind::Syntax, format!("the header {MARK} {why}"));
    Ok(Some((line, settings.clone().changed_by(asked).map_err(refused)?)))
}

/// The line that may be a header, and what it says.
fn line(source: &str) -> Option<(Range<usize>, Val)> {
    let below_renderers = source.starts_with("#!") && !source.starts_with("#!/");
    let from = if below_renderers { source.find('\n')? + 1 } else { 0 };
    let line = source[from..].split_inclusive('\n').next()?;
    let asked = json::read(line.strip_prefix(MARK)?.trim()).ok()?;
    Some((from..from + line.len(), asked))
}
