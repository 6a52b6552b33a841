//! Filters: `value|name(arguments)`.

mod address;
mod data;
mod dates;
mod dictpath;
mod hashes;
mod itertools;
mod machine;
mod more;
mod network;
mod numbers;
mod patterns;
mod pretty;
mod random;
mod salt;
mod select;
mod sequence;
mod text;
mod urlize;
mod xml;

pub(super) use patterns::regex_test;
pub(super) use sequence::{sorted, sorted_by_key};

use super::args::Args;
use super::fault::{Fault, FaultKind, Outcome};
use super::run::Interp;
use super::value::Val;
use crate::suggest;

/// A filter: what it is applied to, and its arguments.
type Filter = fn(&mut Interp, Val, Args) -> Outcome<Val>;

/// All filters by name, a table per file.
const TABLES: &[&[(&str, Filter)]] = &[
    data::FILTERS,
    dates::FILTERS,
    dictpath::FILTERS,
    hashes::FILTERS,
    itertools::FILTERS,
    machine::FILTERS,
    more::FILTERS,
    network::FILTERS,
    numbers::FILTERS,
    patterns::FILTERS,
    random::FILTERS,
    salt::FILTERS,
    select::FILTERS,
    sequence::FILTERS,
    text::FILTERS,
];

fn find(name: &str) -> Option<Filter> {
    TABLES.iter().flat_map(|table| table.iter()).find(|(known, _)| *known == name).map(|(_, filter)| *filter)
}

pub(super) fn exists(name: &str) -> bool {
    matches!(name, "default" | "d") || find(name).is_some()
}

pub(super) fn apply(interp: &mut Interp, name: &str, value: Val, args: Args) -> Outcome<Val> {
    if matches!(name, "default" | "d") {
        return default(value, args);
    }
    let filter = find(name).ok_or_else(|| unknown(name))?;
    interp.work(value.defined()?.weight() / 4)?;
    filter(interp, value, args)
}

/// The only filter that takes what is undefined.
fn default(value: Val, mut args: Args) -> Outcome<Val> {
    let otherwise = args.take("default_value").unwrap_or_else(|| Val::from(""));
    let also_false = args.flag("boolean", false)?;
    if value.is_undefined() || also_false && !value.truth()? { Ok(otherwise) } else { Ok(value) }
}

fn unknown(name: &str) -> Box<Fault> {
    let fault = Fault::new(FaultKind::Syntax, format!("there is no filter `{name}`"));
    let names = TABLES.iter().flat_map(|table| table.iter()).map(|(name, _)| *name);
    match suggest::nearest(name, names.chain(["default"])) {
        Some(near) => fault.hinted(format!("did you mean `{near}`?")),
        None => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_is_there_once_and_each_table_is_in_order() {
        for table in TABLES {
            assert!(
                table.windows(2).all(|pair| pair[0].0 < pair[1].0),
                "{:?}",
                table.iter().map(|f| f.0).collect::<Vec<_>>()
            );
        }
        let mut names: Vec<_> = TABLES.iter().flat_map(|table| table.iter()).map(|(name, _)| name).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
