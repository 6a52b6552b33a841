//! Failures on purpose.

use super::arguments::clean;
use super::repr;
use crate::args::as_text;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::Value;

/// Exceptions of Python that end a call, and those of `salt.exceptions`.
const PYTHON: &[&str] = &[
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "ConnectionError",
    "EOFError",
    "EnvironmentError",
    "Exception",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "IOError",
    "ImportError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "NotADirectoryError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PermissionError",
    "ProcessLookupError",
    "RecursionError",
    "ReferenceError",
    "RuntimeError",
    "StopIteration",
    "SyntaxError",
    "SystemError",
    "TimeoutError",
    "TypeError",
    "UnicodeError",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
];

const SALT: &[&str] = &[
    "ArgumentValueError",
    "AuthenticationError",
    "AuthorizationError",
    "CommandExecutionError",
    "CommandNotFoundError",
    "FileserverConfigError",
    "LoaderError",
    "MinionError",
    "NotImplemented",
    "PkgParseError",
    "SaltClientError",
    "SaltException",
    "SaltInvocationError",
    "SaltMasterError",
    "SaltRenderError",
    "SaltReqTimeoutError",
    "SaltSystemExit",
    "TemplateError",
    "TimedProcTimeoutError",
    "TimeoutError",
    "TokenAuthenticationError",
];

pub fn retcode(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    ctx.retcode = args.int("code")?;
    Ok(true.into())
}

pub fn exception(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Err(CallError::Failed(args.str("message")?))
}

pub fn assertion(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.get("assertion").is_truthy() {
        Ok(Value::NULL)
    } else {
        Err(CallError::failed("the assertion does not hold"))
    }
}

/// The message is the exception's as Python prints it: one argument as it is, several as a tuple.
pub fn raise_exception(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let known = match name.strip_prefix("salt.exceptions.") {
        Some(name) => SALT.contains(&name),
        None => PYTHON.contains(&name.as_str()),
    };
    if !known {
        return Ok(false.into());
    }
    let takes_no_keywords = !clean(args.keywords()).is_empty();
    if takes_no_keywords {
        return Err(args.wrong(format!("{name} takes no keyword arguments")));
    }
    let message = match args.rest() {
        [] => name.clone(),
        [one] => as_text(one).unwrap_or_else(|| repr::repr(one)),
        several => repr::tuple(several),
    };
    // Salt calls with wrong arguments by these two names.
    match name.trim_start_matches("salt.exceptions.") {
        "TypeError" | "SaltInvocationError" => Err(args.wrong(message)),
        _ => Err(CallError::Failed(message)),
    }
}

pub fn deprecation_warning(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    ctx.notes.push("test.deprecation_warning: this is what a deprecated function says".to_owned());
    Ok(true.into())
}
