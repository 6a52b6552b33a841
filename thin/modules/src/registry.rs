//! The form of a module, and how a name becomes a call.

use crate::Ctx;
use crate::args::{Args, Bound};
use crate::extmods::{self, Kind};
use halite_wire::message::WORK;
use halite_wire::{Map, Value};

/// One file of functions, known to users by its virtual name (`aptpkg` is `pkg` on Debian).
#[derive(Clone, Copy)]
pub struct Module {
    /// The file's name without `.rs`.
    pub file: &'static str,
    /// What users write before the dot.
    pub virtual_name: &'static str,
    /// One sentence about the module, ending in a stop.
    pub doc: &'static str,
    /// Whether it serves a host with these grains. Only a few modules look; see [`always`].
    pub applies: fn(&Map) -> bool,
    /// Sorted by name.
    pub functions: &'static [Function],
}

/// [`Module::applies`] of a module that serves every host.
pub fn always(_: &Map) -> bool {
    true
}

/// One function: data plus a plain `fn`.
#[derive(Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    pub params: &'static [Param],
    /// Sentences for `sys.doc`, ending in a stop.
    pub doc: &'static str,
    /// A call as a user types it: `pkg.version bash`.
    pub example: &'static str,
    pub call: Call,
}

/// A [`Function`] in one line, for long tables.
pub const fn row(
    name: &'static str,
    params: &'static [Param],
    doc: &'static str,
    example: &'static str,
    call: Call,
) -> Function {
    Function { name, params, doc, example, call }
}

/// What a function does.
pub type Call = fn(&mut Ctx, &Bound) -> Result<Value, CallError>;

/// A function but for what it does: the row that modules of one virtual name share.
#[derive(Clone, Copy)]
pub struct Signature {
    name: &'static str,
    params: &'static [Param],
    doc: &'static str,
    example: &'static str,
}

impl Signature {
    pub const fn new(
        name: &'static str,
        params: &'static [Param],
        doc: &'static str,
        example: &'static str,
    ) -> Signature {
        Signature { name, params, doc, example }
    }

    /// The same with other parameters.
    pub const fn with(self, params: &'static [Param]) -> Signature {
        Signature { params, ..self }
    }

    /// The same, described otherwise.
    pub const fn doc(self, doc: &'static str) -> Signature {
        Signature { doc, ..self }
    }

    /// The function that does it by `call`.
    pub const fn by(self, call: Call) -> Function {
        Function { name: self.name, params: self.params, doc: self.doc, example: self.example, call }
    }
}

/// One parameter, in Salt's order and with Salt's name and default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Param {
    Required(&'static str),
    Optional(&'static str, Default),
    /// `*name`: takes all further positional arguments.
    Rest(&'static str),
    /// `**name`: takes keyword arguments no parameter names.
    Keywords(&'static str),
}

/// Rows of several tables behind each other. `N` must be their number: else it does not compile.
pub const fn joined<const N: usize>(parts: &[&[Param]]) -> [Param; N] {
    let mut all = [Param::Rest(""); N];
    let (mut part, mut filled) = (0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            all[filled] = parts[part][row];
            (row, filled) = (row + 1, filled + 1);
        }
        part += 1;
    }
    assert!(filled == N);
    all
}

/// A default that can stand in a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'static str),
    EmptyList,
    EmptyMap,
}

impl Default {
    pub fn value(self) -> Value {
        match self {
            Default::Null => Value::Null,
            Default::Bool(flag) => Value::Bool(flag),
            Default::Int(number) => Value::Int(number),
            Default::Float(number) => Value::Float(number),
            Default::Str(text) => Value::from(text),
            Default::EmptyList => Value::List(Vec::new()),
            Default::EmptyMap => Value::Map(Map::new()),
        }
    }
}

/// Why a call gave no value. The text is for the user; the retcode is Salt's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No such function on this host. Retcode 255.
    #[error("'{fun}' is not available.{hint}")]
    NotAvailable { fun: String, hint: String },
    /// The arguments do not fit the function. Retcode 1 (Salt: `SaltInvocationError`, `TypeError`).
    #[error("{fun}: {why}")]
    Arguments { fun: String, why: String },
    /// The function ran and could not do it. Retcode 1 (Salt: `CommandExecutionError`).
    #[error("{0}")]
    Failed(String),
}

impl CallError {
    /// Shorthand for [`CallError::Failed`].
    pub fn failed(why: impl Into<String>) -> CallError {
        CallError::Failed(why.into())
    }

    pub fn retcode(&self) -> i64 {
        match self {
            CallError::NotAvailable { .. } => 255,
            CallError::Arguments { .. } | CallError::Failed(_) => 1,
        }
    }
}

/// Runs `fun` (`module.function`) with `args`.
///
/// # Errors
/// [`CallError`]; an unknown name or argument comes with the nearest ones that exist.
pub fn call(ctx: &mut Ctx, fun: &str, args: Args) -> Result<Value, CallError> {
    if fun == WORK {
        return crate::work::run(ctx);
    }
    let (found, render) = (find(ctx, fun), ctx.render);
    match (found, render.custom()) {
        (Ok(function), custom) if custom.is_none() || !is_overridden(ctx, fun) => {
            let bound = args.bind(fun, function.params)?;
            (function.call)(ctx, &bound)
        }
        (_, Some(custom)) if custom.has(ctx, Kind::Modules, fun) => {
            custom.call(ctx, Kind::Modules, fun, args)
        }
        (Err(CallError::NotAvailable { fun, hint }), Some(custom)) => {
            let hint = custom.why_not(ctx, Kind::Modules, &fun).map_or(hint, |why| format!(" {why}"));
            Err(CallError::NotAvailable { fun, hint })
        }
        (found, _) => {
            let function = found?;
            let bound = args.bind(fun, function.params)?;
            (function.call)(ctx, &bound)
        }
    }
}

/// Whether a file of the tree stands in for our module.
fn is_overridden(ctx: &Ctx, fun: &str) -> bool {
    fun.split_once('.').is_some_and(|(module, _)| extmods::overrides(ctx, Kind::Modules, module))
}

/// Whether `fun` can be called on this host: a function of ours, or one of the tree.
pub fn has(ctx: &mut Ctx, fun: &str) -> bool {
    let render = ctx.render;
    find(ctx, fun).is_ok() || render.custom().is_some_and(|custom| custom.has(ctx, Kind::Modules, fun))
}

/// The function users call `fun` on this host.
///
/// # Errors
/// [`CallError::NotAvailable`] with the nearest names.
pub fn find(ctx: &mut Ctx, fun: &str) -> Result<&'static Function, CallError> {
    let found = fun.split_once('.').and_then(|(module, name)| {
        let mut named = ctx.modules().filter(|m| m.virtual_name == module).peekable();
        named.peek()?;
        named.filter(|m| serves(ctx, m)).find_map(|m| m.functions.iter().find(|f| f.name == name))
    });
    found.ok_or_else(|| CallError::NotAvailable { fun: fun.to_owned(), hint: why_not(ctx, fun) })
}

/// What to say of a name that cannot be called here: that it serves other hosts, or which names are near.
fn why_not(ctx: &Ctx, fun: &str) -> String {
    if all_names(ctx).any(|name| name == fun) {
        return " Its module does not serve this host.".to_owned();
    }
    hint(fun, all_names(ctx))
}

/// Whether the module serves this host. Grains are gathered only for modules that look at them.
pub fn serves(ctx: &mut Ctx, module: &Module) -> bool {
    std::ptr::fn_addr_eq(module.applies, always as fn(&Map) -> bool) || (module.applies)(ctx.grains())
}

/// Every `module.function` there is, whether it serves this host or not.
pub fn all_names(ctx: &Ctx) -> impl Iterator<Item = String> + use<> {
    ctx.modules().flat_map(|m| m.functions.iter().map(move |f| format!("{}.{}", m.virtual_name, f.name)))
}

/// ` Did you mean a, b?` with at most three names near to `wanted`; empty where none is near.
pub fn hint(wanted: &str, names: impl Iterator<Item = String>) -> String {
    let mut near: Vec<(usize, String)> = names
        .map(|name| (distance(wanted, &name), name))
        .filter(|(d, name)| *d <= 1 + name.chars().count() / 4)
        .collect();
    near.sort();
    near.dedup();
    let near: Vec<_> = near.into_iter().take(3).map(|(_, name)| name).collect();
    if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(", ")) }
}

/// How many letters must be put in, taken out, changed, or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FULL, LEAN};
    use std::collections::BTreeSet;

    #[test]
    fn the_catalogue_is_in_order_and_documented() {
        for list in [LEAN, FULL] {
            let files: Vec<_> = list.iter().map(|m| m.file).collect();
            assert!(files.is_sorted(), "{files:?}");
        }
        let files: Vec<_> = LEAN.iter().chain(FULL).map(|m| m.file).collect();
        assert_eq!(BTreeSet::from_iter(&files).len(), files.len(), "{files:?}");
        for module in LEAN.iter().chain(FULL) {
            assert!(module.doc.ends_with('.'), "{}: doc without a stop", module.file);
            let names: Vec<_> = module.functions.iter().map(|f| f.name).collect();
            assert!(names.is_sorted(), "{}: functions out of order: {names:?}", module.file);
            assert_eq!(BTreeSet::from_iter(&names).len(), names.len(), "{}: a name twice", module.file);
            for function in module.functions {
                let name = format!("{}.{}", module.virtual_name, function.name);
                assert!(function.doc.ends_with('.'), "{name}: doc without a stop");
                let first = function.example.split(' ').next();
                assert_eq!(first, Some(name.as_str()), "{name}: the example calls another function");
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let not_modules = ["lib", "args", "context", "registry", "work"];
        let listed: BTreeSet<_> = LEAN.iter().chain(FULL).map(|m| m.file.to_owned()).collect();
        let helpers = include_str!("lib.rs");
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let is_helper = helpers.contains(&format!("pub mod {stem};"));
            let known = listed.contains(&stem) || is_helper || not_modules.contains(&stem.as_str());
            assert!(known, "{stem} is in no list");
        }
    }

    #[test]
    fn near_names_are_offered() {
        let names = || ["test.ping", "test.echo", "cmd.run"].into_iter().map(str::to_owned);
        assert_eq!(hint("test.pign", names()), " Did you mean test.ping?");
        assert_eq!(hint("zzz", names()), "");
        let arguments = || ["cmd", "cwd", "env"].into_iter().map(str::to_owned);
        assert_eq!(
            hint("cdw", arguments()),
            " Did you mean cwd?",
            "two letters in the wrong order are one slip"
        );
    }
}
