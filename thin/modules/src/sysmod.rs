//! `sys.*`: what this host can be asked, told from the registry.

use crate::glob::fnmatch;
use crate::registry::Default::Str;
use crate::registry::Param::{self, Keywords, Optional, Rest};
use crate::registry::{CallError, Function, Module, always, serves};
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "sysmod",
    virtual_name: "sys",
    doc: "What functions there are, and how they are called.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "argspec",
        params: &[Optional("module", Str(""))],
        doc: "Names and defaults of the arguments of a module's functions, of one function, or of all that match a glob.",
        example: "sys.argspec 'pkg.*'",
        call: argspec,
    },
    Function {
        name: "doc",
        params: &[Rest("args")],
        doc: "What functions do, with an example: of all, of modules, of functions, or of all that match a glob.",
        example: "sys.doc cmd.run test",
        call: doc,
    },
    Function {
        name: "list_functions",
        params: &[Rest("args"), Keywords("kwargs")],
        doc: "Names of functions: of all, of modules, or of all that match a glob.",
        example: "sys.list_functions 'test.v*'",
        call: list_functions,
    },
    Function {
        name: "list_modules",
        params: &[Rest("args")],
        doc: "Names of modules that serve this host: of all, or of those that match a glob.",
        example: "sys.list_modules 's*'",
        call: list_modules,
    },
    Function {
        name: "list_returner_functions",
        params: &[Rest("args"), Keywords("kwargs")],
        doc: "Functions of the controller's returners: of all, of some, or of all that match a glob.",
        example: "sys.list_returner_functions 'mysql.*'",
        call: list_returner_functions,
    },
    Function {
        name: "list_returners",
        params: &[Rest("args")],
        doc: "Names of the controller's returners: of all, or of those that match a glob. Hosts need none.",
        example: "sys.list_returners 'sql*'",
        call: list_returners,
    },
    Function {
        name: "reload_modules",
        params: &[],
        doc: "True. Modules are part of the program and always fresh.",
        example: "sys.reload_modules",
        call: reload_modules,
    },
    Function {
        name: "returner_doc",
        params: &[Rest("args")],
        doc: "What returners of the controller do, with their keys: of all, of some, or of all that match a glob.",
        example: "sys.returner_doc mysql",
        call: returner_doc,
    },
];

/// Where the controller tells calls of `list_returners`, `list_returner_functions` and `returner_doc` of its returners:
/// `{name: {functions: [name], doc: text}}`.
pub const RETURNERS: &str = "__returners";

/// Functions of modules that serve this host, with their full names, in order.
pub fn available(ctx: &mut Ctx) -> Vec<(String, &'static Function)> {
    let mut all = Vec::new();
    for module in ctx.modules().filter(|module| serves(ctx, module)) {
        all.extend(module.functions.iter().map(|f| (format!("{}.{}", module.virtual_name, f.name), f)));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    // Of two modules with one virtual name the first in the list answers, as it does for calls.
    all.dedup_by(|later, first| later.0 == first.0);
    all
}

/// The patterns a caller gave; none stands for everything.
fn patterns(args: &Bound) -> Result<Vec<String>, CallError> {
    let wrong = || args.wrong("names of modules or functions must be texts");
    args.rest().iter().map(|name| crate::args::as_text(name).ok_or_else(wrong)).collect()
}

/// A glob, a function, or a module: `sys` takes `sys.doc` and not `sysctl.get`.
fn takes(pattern: &str, name: &str) -> bool {
    if pattern.contains('*') {
        return fnmatch(name.as_bytes(), pattern.as_bytes());
    }
    let module = pattern.strip_suffix('.').unwrap_or(pattern);
    pattern.is_empty()
        || name == pattern
        || name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))
}

fn chosen(ctx: &mut Ctx, patterns: &[String]) -> Vec<(String, &'static Function)> {
    let mut all = available(ctx);
    all.retain(|(name, _)| patterns.is_empty() || patterns.iter().any(|pattern| takes(pattern, name)));
    all
}

fn doc(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let patterns = patterns(args)?;
    let docs = chosen(ctx, &patterns).into_iter().map(|(name, f)| (name, describe(f)));
    Ok(Map::from_iter(docs).into())
}

fn describe(function: &Function) -> String {
    format!("{}\n\nCLI Example:\n\n    halite ssh '*' {}\n", function.doc, function.example)
}

fn list_functions(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let patterns = patterns(args)?;
    Ok(chosen(ctx, &patterns).into_iter().map(|(name, _)| name).collect())
}

fn list_modules(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let patterns = patterns(args)?;
    let mut names: Vec<&str> = Vec::new();
    for module in ctx.modules().filter(|module| serves(ctx, module)) {
        let matches = |pattern: &String| fnmatch(module.virtual_name.as_bytes(), pattern.as_bytes());
        if patterns.is_empty() || patterns.iter().any(matches) {
            names.push(module.virtual_name);
        }
    }
    names.sort_unstable();
    names.dedup();
    Ok(names.into())
}

fn argspec(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let module = args.str("module")?;
    let specs = chosen(ctx, &[module]).into_iter().map(|(name, f)| (name, spec(f.params)));
    Ok(Map::from_iter(specs).into())
}

/// Salt's shape: `{args, defaults, varargs, kwargs}`, null for what there is none of.
fn spec(params: &[Param]) -> Map {
    let names: Vec<_> = params.iter().filter_map(Param::name).collect();
    let default = |param: &Param| if let Optional(_, default) = param { Some(default.value()) } else { None };
    let defaults: Vec<Value> = params.iter().filter_map(default).collect();
    let or_null = |list: Value| if list.is_truthy() { list } else { Value::Null };
    let has = |found: bool| if found { Value::Bool(true) } else { Value::Null };
    Map::from_iter([
        ("args", or_null(names.into())),
        ("defaults", or_null(defaults.into())),
        ("varargs", has(params.iter().any(|param| matches!(param, Rest(_))))),
        ("kwargs", has(params.iter().any(|param| matches!(param, Keywords(_))))),
    ])
}

/// The controller's returners that are meant, with what is known of them. `mysql` means `mysql.returner`, too.
fn returners(ctx: &Ctx, patterns: &[String]) -> Vec<(String, Value)> {
    let all = ctx.opts.get(RETURNERS).and_then(Value::as_map).cloned().unwrap_or_default();
    let is_meant = |name: &str| {
        let fits = |pattern: &String| takes(pattern.split('.').next().unwrap_or(pattern), name);
        patterns.is_empty() || patterns.iter().any(fits)
    };
    let named = all.into_iter().filter_map(|(name, told)| Some((name.as_str()?.to_owned(), told)));
    named.filter(|(name, _)| is_meant(name)).collect()
}

fn list_returners(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(returners(ctx, &patterns(args)?).into_iter().map(|(name, _)| name).collect())
}

fn list_returner_functions(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let patterns = patterns(args)?;
    let functions = |(name, told): (String, Value)| {
        let functions = told.get("functions").and_then(Value::as_list).unwrap_or_default().to_vec();
        functions.into_iter().filter_map(move |function| Some(format!("{name}.{}", function.as_str()?)))
    };
    let mut all: Vec<String> = returners(ctx, &patterns).into_iter().flat_map(functions).collect();
    all.retain(|name| patterns.is_empty() || patterns.iter().any(|pattern| takes(pattern, name)));
    Ok(all.into_iter().collect())
}

fn returner_doc(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let docs = returners(ctx, &patterns(args)?).into_iter();
    let docs = docs.map(|(name, told)| (name, told.get("doc").cloned().unwrap_or_default()));
    Ok(Map::from_iter(docs).into())
}

fn reload_modules(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(true.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::alone;
    use crate::{Args, call};

    fn ask(fun: &str, args: Args) -> Value {
        alone(|ctx| call(ctx, fun, args).unwrap())
    }

    #[test]
    fn names_are_found_by_module_function_and_glob() {
        let list = |pattern: &str| ask("sys.list_functions", Args::of([pattern]));
        assert_eq!(list("sys.list_m*"), Value::from(vec!["sys.list_modules"]));
        assert_eq!(list("test.ping"), Value::from(vec!["test.ping"]));
        assert_eq!(list("no_such"), Value::List(Vec::new()));
        let sys =
            ["argspec", "doc", "list_functions", "list_modules", "list_returner_functions", "list_returners"];
        let sys = sys.into_iter().chain(["reload_modules", "returner_doc"]).map(|name| format!("sys.{name}"));
        assert_eq!(list("sys"), sys.collect());
        assert_eq!(ask("sys.list_modules", Args::of(["tes*", "cmd"])), Value::from(vec!["cmd", "test"]));
        assert!(
            ask("sys.list_functions", Args::default()).as_list().unwrap().contains(&Value::from("cmd.run"))
        );
    }

    #[test]
    fn docs_come_with_their_example() {
        let docs = ask("sys.doc", Args::of(["test.ping"]));
        let text = docs.get("test.ping").and_then(Value::as_str).unwrap();
        assert!(text.contains("halite ssh '*' test.ping"), "{text}");
        assert_eq!(ask("sys.doc", Args::of(["no_such"])), Value::Map(Map::new()));
    }

    #[test]
    fn returners_are_those_the_controller_told_of() {
        let told = |functions: &[&str]| {
            Map::from_iter([("functions", Value::from(functions.to_vec())), ("doc", Value::from("Does it."))])
        };
        let all =
            Map::from_iter([("mysql", told(&["returner", "save_load"])), ("slack", told(&["returner"]))]);
        let ask = |fun: &str, pattern: &str| {
            alone(|ctx| {
                ctx.opts.insert(RETURNERS, all.clone());
                call(ctx, fun, Args::of([pattern])).unwrap()
            })
        };
        assert_eq!(ask("sys.list_returners", "s*"), Value::from(vec!["slack"]));
        assert_eq!(
            ask("sys.list_returner_functions", "mysql"),
            Value::from(vec!["mysql.returner", "mysql.save_load"])
        );
        assert_eq!(ask("sys.list_returner_functions", "mysql.s*"), Value::from(vec!["mysql.save_load"]));
        assert_eq!(ask("sys.returner_doc", "slack").get("slack"), Some(&Value::from("Does it.")));
    }

    #[test]
    fn argspec_has_salts_shape() {
        let spec = ask("sys.argspec", Args::of(["cmd.tty"]));
        let expected = Map::from_iter([
            ("args", Value::from(vec!["device", "echo"])),
            ("defaults", Value::from(vec![""])),
            ("varargs", Value::Null),
            ("kwargs", Value::Null),
        ]);
        assert_eq!(spec.get("cmd.tty"), Some(&Value::Map(expected)));
        assert_eq!(
            ask("sys.argspec", Args::of(["test.ping"])).get("test.ping").unwrap().get("args"),
            Some(&Value::Null)
        );
    }
}
