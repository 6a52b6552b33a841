//! `multi_returner`: the returners its key names, each with a queue of its own.

use super::registry::{ALL, Definition, Key};

pub(super) const DEFINITION: Definition = Definition {
    name: "multi_returner",
    aliases: &["multi"],
    prefixes: &["multi_returner"],
    doc: "Stands for the returners that the list `multi_returner` names: each gets everything, and has a queue of its own.",
    keys: &[Key("multi_returner", "", "The key itself: names of returners.")],
    common: &[],
    takes: ALL,
    batch_max: 1,
    at_once_max: 1,
    open: |settings| Err(settings.missing("multi_returner")),
};
