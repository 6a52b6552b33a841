//! `config.get`: one value of the controller's configuration.

use super::registry::{Default, Function, Param, Runner};
use halite_wire::traverse;

pub(super) const RUNNER: Runner = Runner { name: "config", functions: FUNCTIONS };

const FUNCTIONS: &[Function] = &[Function {
    name: "config.get",
    params: &[
        Param("key", Default::Required),
        Param("default", Default::Text("")),
        Param("delimiter", Default::Text(traverse::DELIMITER)),
    ],
    doc: "A value of the configuration; levels are written with the delimiter between them.",
    example: "config.get file_roots:base",
    call: |context, args| {
        Box::pin(async move {
            let key = args.text("key").unwrap_or_default();
            let delimiter = args.text("delimiter").unwrap_or_default();
            let found = traverse::get(context.house.opts(), &key, &delimiter).cloned();
            Ok(found.unwrap_or_else(|| args.get("default").clone()).into())
        })
    },
}];
