//! Filters and tests with regular expressions.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::run::Interp;
use super::super::value::{Val, text};
use super::Filter;
use halite_pattern::{Flags, Kind, Pattern};

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("regex_escape", |_, value, _| Ok(Val::from(halite_pattern::escape(&text(&value))))),
    ("regex_match", |_, value, args| groups(&value, args, true)),
    ("regex_replace", regex_replace),
    ("regex_search", |_, value, args| groups(&value, args, false)),
];

fn compiled(pattern: &str, args: &mut Args) -> Outcome<Pattern> {
    let (ignore_case, multi_line) = (args.flag("ignorecase", false)?, args.flag("multiline", false)?);
    let flags = Flags { ignore_case, multi_line, ..Flags::default() };
    Pattern::new(pattern, flags, Kind::Text)
        .map_err(|error| Fault::of_type(format!("the pattern {pattern:?}: {error}")))
}

fn too_much_work(pattern: &str) -> Box<Fault> {
    Fault::limit(format!("the pattern {pattern:?} takes too many steps on this text"))
}

/// The groups of the first match, the whole match where there are none, `None` where nothing matches.
fn groups(value: &Val, mut args: Args, at_start: bool) -> Outcome<Val> {
    let pattern = args.need_text("rgx")?;
    let regex = compiled(&pattern, &mut args)?;
    let source = text(value);
    let found =
        if at_start { regex.match_start(source.as_bytes()) } else { regex.search(source.as_bytes(), 0) };
    let Some(found) = found.map_err(|_| too_much_work(&pattern))? else { return Ok(Val::None) };
    let part =
        |group: &Option<(usize, usize)>| group.map_or(Val::None, |(from, to)| Val::from(&source[from..to]));
    let from = usize::from(found.len() > 1);
    Ok(Val::tuple(found[from..].iter().map(part).collect()))
}

fn regex_replace(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let (pattern, new) = (args.need_text("rgx")?, args.need_text("val")?);
    let regex = compiled(&pattern, &mut args)?;
    let replaced = regex.replace_all(text(&value).as_bytes(), &new).map_err(|_| too_much_work(&pattern))?;
    Ok(Val::from(String::from_utf8_lossy(&replaced).into_owned()))
}

/// `x is match('pattern')`: at the start; `search`: anywhere.
pub(in super::super) fn regex_test(
    _: &mut Interp,
    at_start: bool,
    value: &Val,
    mut args: Args,
) -> Outcome<bool> {
    let pattern = args.need_text("rgx")?;
    let regex = compiled(&pattern, &mut args)?;
    let source = text(value.defined()?);
    let found =
        if at_start { regex.match_start(source.as_bytes()) } else { regex.search(source.as_bytes(), 0) };
    Ok(found.map_err(|_| too_much_work(&pattern))?.is_some())
}
