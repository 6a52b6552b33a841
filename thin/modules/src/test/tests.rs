//! Calls of `test.*`; shapes as Salt's.

use crate::context::alone;
use crate::{Args, CallError, call};
use halite_wire::{Map, Value};

fn ask(fun: &str, args: Args) -> Value {
    alone(|ctx| call(ctx, fun, args).unwrap())
}

fn fails(fun: &str, args: Args) -> CallError {
    alone(|ctx| call(ctx, fun, args).unwrap_err())
}

fn mixed() -> Args {
    Args::of([Value::from(1), Value::from("two")]).with("b", Value::NULL).with("__pub_jid", "1")
}

#[test]
fn arguments_are_shown_as_they_arrived() {
    let keywords = Map::from_iter([("b", Value::NULL), ("__pub_jid", Value::from("1"))]);
    let shown = ask("test.arg", mixed());
    assert_eq!(shown.get("args"), Some(&Value::from(vec![Value::from(1), Value::from("two")])));
    assert_eq!(shown.get("kwargs"), Some(&Value::Map(keywords.clone())));
    assert_eq!(ask("test.kwarg", Args { positional: Vec::new(), keywords }).as_map().unwrap().len(), 2);
    assert_eq!(ask("test.arg_clean", mixed()).get("kwargs").unwrap().as_map().unwrap().len(), 1);
    let repr = ask("test.arg_repr", mixed());
    assert_eq!(repr.get("args"), Some(&Value::from("(1, 'two')")));
    assert_eq!(repr.get("kwargs"), Some(&Value::from("{'b': None, '__pub_jid': '1'}")));
    let types = ask("test.arg_type", mixed());
    assert_eq!(types.get("args"), Some(&Value::from(vec!["<class 'int'>", "<class 'str'>"])));
    assert_eq!(types.get("kwargs").unwrap().get("b"), Some(&Value::from("<class 'NoneType'>")));
}

#[test]
fn numbers_are_right() {
    let first = |value: Value| value.as_list().unwrap()[0].clone();
    assert_eq!(first(ask("test.fib", Args::of([0]))), Value::Int(0));
    assert_eq!(first(ask("test.fib", Args::of([90]))), Value::Int(2_880_067_194_370_816_120));
    let big = "354224848179261915075";
    assert_eq!(first(ask("test.fib", Args::of([100]))), Value::BigInt(big.into()));
    let [i, f] = [Value::Int, |n| Value::Float(n as f64)];
    let six = vec![i(6), f(3), f(10), f(5), f(16), f(8), f(4), f(2)];
    assert_eq!(first(ask("test.collatz", Args::of([6]))), Value::List(six));
    assert!(matches!(fails("test.collatz", Args::of([0])), CallError::Arguments { .. }));
    assert!(matches!(fails("test.fib", Args::of([-1])), CallError::Arguments { .. }));
    let one = ask("test.rand_str", Args::of([1]).with("hash_type", "md5"));
    assert_eq!(one, Value::from("c4ca4238a0b923820dcc509a6f75849b"));
    assert_eq!(ask("test.random_hash", Args::default()).as_str().unwrap().len(), 64);
}

#[test]
fn failures_fail() {
    assert_eq!(fails("test.exception", Args::of(["Oh"])), CallError::failed("Oh"));
    assert_eq!(ask("test.assertion", Args::of([true])), Value::NULL);
    assert!(matches!(fails("test.assertion", Args::of([""])), CallError::Failed(_)));
    assert_eq!(
        fails("test.raise_exception", Args::of(["ValueError", "a", "b"])),
        CallError::failed("('a', 'b')")
    );
    let salt = Args::of(["salt.exceptions.CommandExecutionError", "hello"]);
    assert_eq!(fails("test.raise_exception", salt), CallError::failed("hello"));
    assert_eq!(ask("test.raise_exception", Args::of(["nosuch"])), Value::Bool(false));
    let retcode = alone(|ctx| (call(ctx, "test.retcode", Args::of([3])), ctx.retcode));
    assert_eq!(retcode, (Ok(Value::Bool(true)), 3));
}

#[test]
fn functions_call_functions() {
    assert_eq!(ask("test.cross_test", Args::of(["test.ping"])), Value::Bool(true));
    assert_eq!(ask("test.cross_test", Args::of(["test.echo", "a"])), Value::from("a"));
    assert_eq!(ask("test.try", Args::of(["test.echo"]).with("text", "a")), Value::from("a"));
    assert_eq!(ask("test.try", Args::of(["test.exception"])), Value::NULL);
    let told = ask("test.try", Args::of(["test.exception"]).with("return_try_exception", true));
    assert_eq!(told, Value::from("Test Exception"));
    assert_eq!(ask("test.conf_test", Args::default()), Value::from("unconfigured"));
}

#[test]
fn modules_are_known_by_file_and_name() {
    assert_eq!(ask("test.provider", Args::of(["cmd"])), Value::from("cmdmod"));
    assert_eq!(ask("test.provider", Args::of(["nosuch"])), Value::from(""));
    assert_eq!(ask("test.providers", Args::default()).get("sysmod"), Some(&Value::from("sys")));
    let report = ask("test.module_report", Args::default());
    assert!(report.get("functions").unwrap().as_list().unwrap().contains(&Value::from("test.ping")));
}

#[test]
fn the_report_names_the_program_first() {
    let report = ask("test.versions_report", Args::default());
    let report = report.as_str().unwrap();
    assert!(
        report.starts_with(&format!("Halite Version:\n        Halite: {}\n", super::about::VERSION)),
        "{report}"
    );
    assert!(report.contains("System Versions:") && report.contains("system: Linux"), "{report}");
}
