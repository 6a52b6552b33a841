//! `test.*`: is the host there, do arguments arrive as they were meant, and do failures look like failures?

mod about;
mod arguments;
mod failures;
mod numbers;
pub mod repr;

use crate::registry::Default::{Bool, Int, Null, Str};
use crate::registry::Param::{Keywords, Optional, Required, Rest};
use crate::registry::{CallError, Function, Module, always};
use crate::{Args, Bound, Ctx};
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
        name: "arg",
        params: &[Rest("args"), Keywords("kwargs")],
        doc: "The arguments as they arrived: {args, kwargs}.",
        example: "test.arg 1 two txt=hello wow='{a: 1}'",
        call: arguments::arg,
    },
    Function {
        name: "arg_clean",
        params: &[Rest("args"), Keywords("kwargs")],
        doc: "The arguments as they arrived, without those the publisher adds: {args, kwargs}.",
        example: "test.arg_clean 1 two txt=hello",
        call: arguments::arg_clean,
    },
    Function {
        name: "arg_repr",
        params: &[Rest("args"), Keywords("kwargs")],
        doc: "The arguments as Python would write them: {args, kwargs}.",
        example: "test.arg_repr 1 two txt=hello",
        call: arguments::arg_repr,
    },
    Function {
        name: "arg_type",
        params: &[Rest("args"), Keywords("kwargs")],
        doc: "The types of the arguments: {args, kwargs}.",
        example: "test.arg_type 1 two 3.0",
        call: arguments::arg_type,
    },
    Function {
        name: "assertion",
        params: &[Required("assertion")],
        doc: "Fails where the argument is false or empty, and answers null otherwise.",
        example: "test.assertion False",
        call: failures::assertion,
    },
    Function {
        name: "attr_call",
        params: &[],
        doc: "The grains, by a call from one function to another.",
        example: "test.attr_call",
        call: attr_call,
    },
    Function {
        name: "collatz",
        params: &[Required("start")],
        doc: "The Collatz numbers from start down to 1, and the seconds that took.",
        example: "test.collatz 3",
        call: numbers::collatz,
    },
    Function {
        name: "conf_test",
        params: &[],
        doc: "The setting test.foo, or its default.",
        example: "test.conf_test",
        call: conf_test,
    },
    Function {
        name: "cross_test",
        params: &[Required("func"), Optional("args", Null)],
        doc: "What another function answers to these arguments.",
        example: "test.cross_test file.gid_to_group '[0]'",
        call: cross_test,
    },
    Function {
        name: "deprecation_warning",
        params: &[],
        doc: "True, and a note as deprecated functions leave it.",
        example: "test.deprecation_warning",
        call: failures::deprecation_warning,
    },
    Function {
        name: "echo",
        params: &[Required("text")],
        doc: "The argument, unchanged.",
        example: "test.echo 'foo bar'",
        call: echo,
    },
    Function {
        name: "exception",
        params: &[Optional("message", Str("Test Exception"))],
        doc: "Fails with this message.",
        example: "test.exception 'Oh no!'",
        call: failures::exception,
    },
    Function {
        name: "false",
        params: &[],
        doc: "False.",
        example: "test.false",
        call: |_, _| Ok(false.into()),
    },
    Function {
        name: "fib",
        params: &[Required("num")],
        doc: "The Fibonacci number of this place, and the seconds that took.",
        example: "test.fib 30",
        call: numbers::fib,
    },
    Function {
        name: "get_opts",
        params: &[],
        doc: "All options of this host.",
        example: "test.get_opts",
        call: |ctx, _| Ok(ctx.opts.clone().into()),
    },
    Function {
        name: "kwarg",
        params: &[Keywords("kwargs")],
        doc: "The keyword arguments as they arrived, those the publisher adds among them.",
        example: "test.kwarg num=1 txt=two env='{a: 1}'",
        call: |_, args| Ok(args.keywords().clone().into()),
    },
    Function {
        name: "module_report",
        params: &[],
        doc: "All modules and functions, by the ways they can be reached.",
        example: "test.module_report",
        call: about::module_report,
    },
    Function {
        name: "not_loaded",
        params: &[],
        doc: "Files of modules that do not serve this host.",
        example: "test.not_loaded",
        call: about::not_loaded,
    },
    Function {
        name: "opts_pkg",
        params: &[],
        doc: "All options of this host, with its grains under the key grains.",
        example: "test.opts_pkg",
        call: about::opts_pkg,
    },
    Function {
        name: "outputter",
        params: &[Required("data")],
        doc: "The argument, unchanged.",
        example: "test.outputter foobar",
        call: |_, args| Ok(args.get("data").clone()),
    },
    Function {
        name: "ping",
        params: &[],
        doc: "True. Shows that the host can be reached and runs functions; no ICMP is involved.",
        example: "test.ping",
        call: |_, _| Ok(true.into()),
    },
    Function {
        name: "provider",
        params: &[Required("module")],
        doc: "The file that serves as this module on this host, or the empty text.",
        example: "test.provider pkg",
        call: about::provider,
    },
    Function {
        name: "providers",
        params: &[],
        doc: "The files that serve as modules on this host, each with the name it serves as.",
        example: "test.providers",
        call: about::providers,
    },
    Function {
        name: "raise_exception",
        params: &[Required("name"), Rest("args"), Keywords("kwargs")],
        doc: "Fails as this exception of Python or Salt does; False where there is none of this name.",
        example: "test.raise_exception TypeError 'An integer is required'",
        call: failures::raise_exception,
    },
    Function {
        name: "rand_sleep",
        params: &[Optional("max", Int(60))],
        doc: "Sleeps for a random number of seconds, at most max, and answers True.",
        example: "test.rand_sleep 60",
        call: numbers::rand_sleep,
    },
    Function {
        name: "rand_str",
        params: &[Optional("size", Int(9_999_999_999)), Optional("hash_type", Null)],
        doc: "The older name of test.random_hash.",
        example: "test.rand_str",
        call: numbers::random_hash,
    },
    Function {
        name: "random_hash",
        params: &[Optional("size", Int(9_999_999_999)), Optional("hash_type", Null)],
        doc: "The digest of a random number between 1 and size; hash_type is the configured one unless given.",
        example: "test.random_hash hash_type=sha512",
        call: numbers::random_hash,
    },
    Function {
        name: "retcode",
        params: &[Optional("code", Int(42))],
        doc: "True, with this exit code.",
        example: "test.retcode 42",
        call: failures::retcode,
    },
    Function {
        name: "sleep",
        params: &[Required("length")],
        doc: "Sleeps for this many seconds and answers True.",
        example: "test.sleep 20",
        call: numbers::sleep,
    },
    Function {
        name: "stack",
        params: &[],
        doc: "The program and the function at work; the executor is shipped without what a stack is read by.",
        example: "test.stack",
        call: |_, _| Ok(concat!("  halite-thin ", env!("CARGO_PKG_VERSION"), ", in test.stack\n").into()),
    },
    Function { name: "true", params: &[], doc: "True.", example: "test.true", call: |_, _| Ok(true.into()) },
    Function {
        name: "try",
        params: &[Required("module"), Optional("return_try_exception", Bool(false)), Keywords("kwargs")],
        doc: "What a function answers, and null where it fails; its error where return_try_exception is true.",
        example: "test.try module=cmd.which cmd=rsync",
        call: try_,
    },
    Function {
        name: "tty",
        params: &[Rest("args"), Keywords("kwargs")],
        doc: "Says that this function is now cmd.tty.",
        example: "test.tty tty0 'This is a test'",
        call: |_, _| Ok("ERROR: This function has been moved to cmd.tty".into()),
    },
    Function {
        name: "version",
        params: &[],
        doc: "Version of the program that answers.",
        example: "test.version",
        call: |_, _| Ok(about::VERSION.into()),
    },
    Function {
        name: "versions",
        params: &[],
        doc: "The same as test.versions_report.",
        example: "test.versions",
        call: about::versions_report,
    },
    Function {
        name: "versions_information",
        params: &[],
        doc: "Versions of the program and of the system, as data.",
        example: "test.versions_information",
        call: about::versions_information,
    },
    Function {
        name: "versions_report",
        params: &[],
        doc: "Versions of the program and of the system, as text.",
        example: "test.versions_report",
        call: about::versions_report,
    },
];

fn echo(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(args.get("text").clone())
}

fn attr_call(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    crate::call(ctx, "grains.items", Args::default())
}

fn conf_test(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    crate::call(ctx, "config.option", Args::of(["test.foo"]))
}

fn cross_test(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let arguments = match args.get("args") {
        Value::Null => Vec::new(),
        Value::List(items) => items.clone(),
        one => vec![one.clone()],
    };
    crate::call(ctx, &args.str("func")?, Args::of(arguments))
}

fn try_(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let call = Args { positional: Vec::new(), keywords: args.keywords().clone() };
    match crate::call(ctx, &args.str("module")?, call) {
        Err(error) if args.bool("return_try_exception") => Ok(error.to_string().into()),
        Err(_) => Ok(Value::NULL),
        answer => answer,
    }
}

#[cfg(test)]
mod tests;
