//! Runs: `sls`, `highstate`, `apply`, `test`, `top`, `sls_id`, `high`, `template` and `template_str`.

use super::wanted::{Stop, Wanted, answer, compiled};
use super::{FAILED, NOT_COMPILED, disabled, notable, refuse, split, turn};
use crate::compile::Tree;
use crate::run::{self, Options};
use halite_engine::{High, Rendered, Source};
use halite_modules::{Bound, CallError, Ctx};
use halite_wire::{Map, Value};

/// The outputter of runs.
const OUTPUTTER: &str = "highstate";

/// Key of the only return where top files say nothing.
const NO_STATES: &str = "no_|-states_|-states_|-None";

/// `sls` with SLS, `highstate` without.
pub fn apply(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.get("mods").is_truthy() { sls(ctx, args) } else { highstate(ctx, args) }
}

pub fn sls(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    runs(ctx, args, |ctx, args| {
        let names = split(args.get("mods"));
        let disabled = disabled::among(ctx, &names);
        if !disabled.is_empty() {
            return Ok(refuse(ctx, NOT_COMPILED, disabled));
        }
        let wanted = Wanted::of(ctx, args)?;
        let high = sls_high(ctx, &wanted, &names);
        run_high(ctx, &wanted, high, None)
    })
}

pub fn highstate(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    runs(ctx, args, |ctx, args| {
        let disabled = disabled::among(ctx, &["highstate".to_owned()]);
        if !disabled.is_empty() {
            return Ok(refuse(ctx, NOT_COMPILED, disabled));
        }
        let wanted = Wanted::of(ctx, args)?;
        top_high(ctx, &wanted)
    })
}

/// A highstate by another top file.
pub fn top(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    runs(ctx, args, |ctx, args| {
        ctx.opts.insert("state_top", args.str("topfn")?);
        let wanted = Wanted::of(ctx, args)?;
        top_high(ctx, &wanted)
    })
}

fn top_high(ctx: &mut Ctx, wanted: &Wanted) -> Result<Value, Stop> {
    let high = halite_engine::highstate(&mut Tree { ctx }, &wanted.minion(), &wanted.options);
    if high.errors.is_empty() && high.data.is_empty() {
        ctx.retcode = FAILED;
        let comment = "No states: no top file assigns any to this host";
        let none = Map::from([
            ("result", Value::from(false)),
            ("comment", comment.into()),
            ("name", "No States".into()),
            ("changes", Map::new().into()),
            ("__run_num__", 0.into()),
        ]);
        return Ok(Map::from([(NO_STATES, none)]).into());
    }
    run_high(ctx, wanted, high, None)
}

/// One ID of an SLS, and what it requires.
pub fn sls_id(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    runs(ctx, args, |ctx, args| {
        let (id, names) = (args.str("id_")?, split(args.get("mods")));
        let wanted = Wanted::of(ctx, args)?;
        let high = sls_high(ctx, &wanted, &names);
        let value = run_high(ctx, &wanted, high, Some(&id))?;
        if value.as_map().is_some_and(Map::is_empty) {
            let (names, saltenv) = (names.join(","), &wanted.saltenv);
            return Err(args
                .wrong(format!("no ID '{id}' in SLS '{names}' of environment '{saltenv}'"))
                .into());
        }
        Ok(value)
    })
}

/// High data as the caller has them.
pub fn high(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    runs(ctx, args, |ctx, args| {
        let Value::Map(data) = args.get("data").clone() else {
            return Err(args.wrong("'data' must be a map of IDs").into());
        };
        let wanted = Wanted::of(ctx, args)?;
        run_high(ctx, &wanted, High::from(data), None)
    })
}

/// An SLS file of this host.
pub fn template(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut path = args.str("tem")?;
    if !path.ends_with(".sls") {
        path.push_str(".sls");
    }
    let source = std::fs::read_to_string(&path)
        .map_err(|error| CallError::failed(format!("the template {path} cannot be read: {error}")))?;
    one_template(ctx, args, &path, &source)
}

/// An SLS as text.
pub fn template_str(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    one_template(ctx, args, "<template-str>", &args.str("tem")?)
}

fn one_template(ctx: &mut Ctx, args: &Bound, name: &str, source: &str) -> Result<Value, CallError> {
    runs(ctx, args, |ctx, args| {
        let wanted = Wanted::of(ctx, args)?;
        let renderer = ctx.render;
        let default = ctx.opts.get_str("renderer").unwrap_or("jinja|yaml").to_owned();
        let variables = Map::from([("saltenv", wanted.saltenv.as_str()), ("sls", name)]);
        let data = renderer.pipeline(ctx, source, &default, &variables);
        let data = compiled(ctx, data.map_err(|error| vec![error]))?;
        let rendered = Rendered { path: name.to_owned(), data, places: Vec::new() };
        // Dots in a name lead through folders; this one has none.
        let sls = name.replace('.', "_");
        let mut source = With { tree: Tree { ctx }, name: sls.clone(), rendered };
        let high = halite_engine::sls(&mut source, &wanted.options, &[sls], &wanted.saltenv);
        run_high(ctx, &wanted, high, None)
    })
}

/// The tree with one SLS more.
struct With<'t, 'l> {
    tree: Tree<'t, 'l>,
    name: String,
    rendered: Rendered,
}

impl Source for With<'_, '_> {
    fn environments(&mut self) -> Vec<String> {
        self.tree.environments()
    }

    fn sls_names(&mut self, saltenv: &str) -> Result<Vec<String>, String> {
        let mut names = self.tree.sls_names(saltenv).unwrap_or_default();
        names.push(self.name.clone());
        Ok(names)
    }

    fn sls(&mut self, saltenv: &str, name: &str, variables: &Map) -> Result<Option<Rendered>, String> {
        if name == self.name {
            Ok(Some(self.rendered.clone()))
        } else {
            self.tree.sls(saltenv, name, variables)
        }
    }

    fn top(&mut self, saltenv: &str) -> Result<Option<Rendered>, String> {
        self.tree.top(saltenv)
    }
}

/// What all runs have in common: their outputter, and one at a time.
fn runs(
    ctx: &mut Ctx,
    args: &Bound,
    work: impl FnOnce(&mut Ctx, &Bound) -> Result<Value, Stop>,
) -> Result<Value, CallError> {
    ctx.out = Some(OUTPUTTER);
    answer(turn::take(ctx, args, |ctx| work(ctx, args)))
}

pub fn sls_high(ctx: &mut Ctx, wanted: &Wanted, names: &[String]) -> High {
    halite_engine::sls(&mut Tree { ctx }, &wanted.options, names, &wanted.saltenv)
}

fn run_high(ctx: &mut Ctx, wanted: &Wanted, high: High, only: Option<&str>) -> Result<Value, Stop> {
    let sls = high.rendered.clone();
    let chunks = halite_engine::low(high, &wanted.options);
    let chunks = compiled(ctx, chunks)?;
    Ok(run_low(ctx, wanted, chunks, sls, only))
}

fn run_low(ctx: &mut Ctx, wanted: &Wanted, chunks: Vec<Map>, sls: Vec<String>, only: Option<&str>) -> Value {
    let only = only.map(str::to_owned);
    let finished = run::run(ctx, chunks, &Options { test: wanted.test, mock: wanted.mock, sls, only });
    ctx.retcode = if finished.succeeded { 0 } else { FAILED };
    if wanted.terse { notable(finished.returns) } else { finished.returns }.into()
}
