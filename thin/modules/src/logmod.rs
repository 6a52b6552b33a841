//! `log.*`: lines for the log of whoever called.

use crate::args::as_text;
use crate::registry::Param::Required;
use crate::registry::{CallError, Function, Module, always};
use crate::{Bound, Ctx};
use halite_wire::Value;

pub const MODULE: Module = Module {
    file: "logmod",
    virtual_name: "log",
    doc: "Lines for the log of whoever called.",
    applies: always,
    functions: FUNCTIONS,
};

macro_rules! level {
    ($name:literal, $doc:literal, $example:literal) => {
        Function {
            name: $name,
            params: &[Required("message")],
            doc: $doc,
            example: $example,
            call: |ctx, args| log(ctx, args, $name),
        }
    };
}

const FUNCTIONS: &[Function] = &[
    level!("critical", "Logs a message of the level critical.", "log.critical 'the disk is gone'"),
    level!("debug", "Logs a message of the level debug.", "log.debug 'this far'"),
    level!("error", "Logs a message of the level error.", "log.error 'no such user'"),
    level!("exception", "Logs a message of the level error.", "log.exception 'it broke'"),
    level!("info", "Logs a message of the level info.", "log.info 'all is well'"),
    level!("warning", "Logs a message of the level warning.", "log.warning 'the key is old'"),
];

/// One line, whatever the message holds.
fn log(ctx: &mut Ctx, args: &Bound, level: &str) -> Result<Value, CallError> {
    let message = as_text(args.get("message")).unwrap_or_default().replace(['\n', '\r'], " ");
    ctx.link.log(&format!("{level}: {message}"));
    Ok(true.into())
}

#[cfg(test)]
mod tests {
    use crate::{Args, call, context::alone};

    #[test]
    fn logging_is_always_true() {
        let logged = alone(|ctx| call(ctx, "log.warning", Args::of(["a\nb"])));
        assert_eq!(logged, Ok(true.into()));
    }
}
