//! `cmd.exec_code`: source text through an interpreter.

use super::run::{Ran, execute};
use super::script::{ScriptFile, job};
use crate::args::as_text;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::Value;

pub fn exec_code(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(super::unless_hidden(args, run(ctx, args)?.stdout))
}

pub fn exec_code_all(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(run(ctx, args)?.into_map(args).into())
}

fn run(ctx: &mut Ctx, args: &Bound) -> Result<Ran, CallError> {
    let file = ScriptFile::create(ctx, args, args.str("code")?.as_bytes(), "", 0o400)?;
    let mut words = vec![args.str("lang")?, file.path()];
    match args.get("args") {
        Value::Null => {}
        Value::List(more) => words.extend(more.iter().filter_map(as_text)),
        one => words.extend(as_text(one)),
    }
    execute(ctx, &job(args, words))
}
