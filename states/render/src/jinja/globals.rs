//! Functions every template sees.

use super::args::Args;
use super::fault::{Fault, FaultKind, Outcome};
use super::methods::dict::entries;
use super::run::Interp;
use super::value::{Cycler, Native, Object, Val};
use crate::limits::RANGE_MAX;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

const FUNCTIONS: &[(&str, Native)] = &[
    ("cycler", cycler),
    ("dict", dict),
    ("ifelse", |interp, args| interp.call_function("match.ifelse", args)),
    ("joiner", joiner),
    ("lipsum", lipsum),
    ("namespace", namespace),
    ("odict", dict),
    ("raise", raise),
    ("range", range),
    ("show_full_context", show_full_context),
];

/// One of those, or `salt`.
pub(super) fn find(name: &str) -> Option<Val> {
    if name == "salt" {
        return Some(Val::Object(Rc::new(Object::Salt(None))));
    }
    let (name, function) = FUNCTIONS.iter().find(|(known, _)| *known == name)?;
    Some(Val::Object(Rc::new(Object::Native(name, *function))))
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name).chain(["salt"])
}

fn range(interp: &mut Interp, mut args: Args) -> Outcome<Val> {
    let first = args.int("start", 0)?;
    let (start, stop) = match args.positional.is_empty() {
        true => (0, first),
        false => (first, args.int("stop", 0)?),
    };
    let step = args.int("step", 1)?;
    if step == 0 {
        return Err(Fault::of_type("the step of a range is not 0"));
    }
    let distance = if step > 0 { stop.saturating_sub(start) } else { start.saturating_sub(stop) };
    let count = distance.max(0).unsigned_abs().div_ceil(step.unsigned_abs());
    let count = usize::try_from(count).ok().filter(|count| *count <= RANGE_MAX);
    let count = count.ok_or_else(|| Fault::limit(format!("a range holds at most {RANGE_MAX} numbers")))?;
    interp.work(count)?;
    Ok(Val::list((0..count).map(|at| Val::Int(start + at as i128 * step)).collect()))
}

fn dict(_: &mut Interp, args: Args) -> Outcome<Val> {
    entries(args).map(Val::dict)
}

fn namespace(_: &mut Interp, args: Args) -> Outcome<Val> {
    Ok(Val::Object(Rc::new(Object::Namespace(RefCell::new(entries(args)?)))))
}

fn cycler(_: &mut Interp, args: Args) -> Outcome<Val> {
    if args.positional.is_empty() {
        return Err(Fault::of_type("a cycler needs something to go through"));
    }
    Ok(Val::Object(Rc::new(Object::Cycler(Cycler { items: args.positional, at: Cell::new(0) }))))
}

fn joiner(_: &mut Interp, mut args: Args) -> Outcome<Val> {
    let separator = args.take("sep").unwrap_or_else(|| Val::from(", "));
    Ok(Val::Object(Rc::new(Object::Joiner(separator, Cell::new(false)))))
}

fn raise(_: &mut Interp, mut args: Args) -> Outcome<Val> {
    Err(Fault::new(FaultKind::Raised, args.need_text("message")?.to_string()))
}

/// All variables a template starts with.
fn show_full_context(interp: &mut Interp, _: Args) -> Outcome<Val> {
    Ok(Val::dict(interp.given_variables()))
}

/// Filler text, always the same.
fn lipsum(_: &mut Interp, mut args: Args) -> Outcome<Val> {
    const TEXT: &str = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut \
                        labore et dolore magna aliqua.";
    let paragraphs = usize::try_from(args.int("n", 5)?).unwrap_or(0).min(RANGE_MAX);
    let html = args.flag("html", true)?;
    let paragraph = if html { format!("<p>{TEXT}</p>") } else { TEXT.to_owned() };
    Ok(Val::from(vec![paragraph; paragraphs].join(if html { "\n" } else { "\n\n" })))
}
