//! `test.*`: is the host there, and do arguments arrive as they were meant?

use crate::registry::{CallError, Function, Module, Param, always};
use crate::{Bound, Ctx};
use halite_wire::Value;

pub const MODULE: Module = Module {
    file: "test",
    virtual_name: "test",
    doc: "Functions that show whether and how a host answers.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "echo",
        params: &[Param::Required("text")],
        doc: "The argument, unchanged.",
        example: "test.echo 'foo bar'",
        call: echo,
    },
    Function {
        name: "ping",
        params: &[],
        doc: "True. Shows that the host can be reached and runs functions; no ICMP is involved.",
        example: "test.ping",
        call: ping,
    },
];

fn echo(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(args.get("text").clone())
}

fn ping(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(Value::Bool(true))
}
