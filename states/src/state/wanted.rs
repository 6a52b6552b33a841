//! What the caller of a run wants: keywords and configuration in, one answer to every question out.

use super::{NOT_COMPILED, PILLAR_FAILED, refuse, split};
use halite_engine::{Minion, Options};
use halite_modules::{Bound, CallError, Ctx};
use halite_wire::{Map, Value};

/// Decided before anything is compiled.
pub struct Wanted {
    pub test: bool,
    pub mock: bool,
    pub terse: bool,
    /// The environment of SLS that are named; `base` unless said.
    pub saltenv: String,
    pub options: Options,
    facts: Facts,
}

/// What top files look at.
struct Facts {
    id: String,
    grains: Map,
    pillar: Map,
    nodegroups: Map,
    opts: Map,
}

/// An error of the call itself, or an answer that ends it.
pub enum Stop {
    Error(CallError),
    Answer(Value),
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Stop {
        Stop::Error(error)
    }
}

impl Wanted {
    /// Lays the caller's pillar and environments over the call, and has the pillar made.
    ///
    /// # Errors
    /// Keywords that make no sense; a pillar with errors is [`Stop::Answer`].
    pub fn of(ctx: &mut Ctx, args: &Bound) -> Result<Wanted, Stop> {
        if let Some(path) = args.opt_str("localconfig")? {
            local_config(ctx, &path)?;
        }
        environments(ctx, args)?;
        pillar(ctx, args)?;
        let mut options = Options::from_config(&ctx.opts);
        options.exclude = match args.get("exclude") {
            Value::List(items) => items.clone(),
            other => split(other).into_iter().map(Value::from).collect(),
        };
        options.whitelist = Some(args.texts("whitelist")?).filter(|list| !list.is_empty());
        let facts = Facts::of(ctx);
        options.master_tops = ctx.master_tops.clone();
        Ok(Wanted {
            test: test(ctx, args),
            mock: args.bool("mock"),
            terse: args.bool("terse") || ctx.opts.get_str("state_data") == Some("terse"),
            saltenv: options.saltenv.clone().unwrap_or_else(|| "base".to_owned()),
            facts,
            options,
        })
    }

    pub fn minion(&self) -> Minion<'_> {
        let Facts { id, grains, pillar, nodegroups, opts } = &self.facts;
        Minion { id, grains, pillar, nodegroups, opts }
    }
}

impl Facts {
    fn of(ctx: &mut Ctx) -> Facts {
        Facts {
            id: ctx.id.to_string(),
            grains: ctx.grains().clone(),
            pillar: ctx.pillar().cloned().unwrap_or_default(),
            nodegroups: ctx.opts.get("nodegroups").and_then(Value::as_map).cloned().unwrap_or_default(),
            opts: ctx.opts.clone(),
        }
    }
}

/// `test=`, else the configuration's.
pub fn test(ctx: &Ctx, args: &Bound) -> bool {
    match args.get("test") {
        Value::Null => ctx.opts.get("test").is_some_and(Value::is_truthy),
        _ => args.bool("test"),
    }
}

/// `localconfig`: a YAML file whose keys go over the configuration.
fn local_config(ctx: &mut Ctx, path: &str) -> Result<(), CallError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| CallError::failed(format!("localconfig {path} cannot be read: {error}")))?;
    match ctx.render.load_yaml(&text).map_err(CallError::Failed)? {
        Value::Map(config) => ctx.opts.extend(config),
        Value::Null => {}
        other => {
            return Err(CallError::failed(format!("localconfig {path} holds no map but {}", other.kind())));
        }
    }
    Ok(())
}

fn environments(ctx: &mut Ctx, args: &Bound) -> Result<(), CallError> {
    if let Some(saltenv) = args.opt_str("saltenv")? {
        let locked = ctx.opts.get("lock_saltenv").is_some_and(Value::is_truthy);
        if locked && ctx.opts.get_str("saltenv") != Some(&saltenv) {
            return Err(CallError::failed("lock_saltenv is on: the environment cannot be changed"));
        }
        ctx.opts.insert("saltenv", saltenv);
    }
    if let Some(pillarenv) = args.opt_str("pillarenv")? {
        ctx.opts.insert("pillarenv", pillarenv);
    } else if ctx.opts.get("pillarenv_from_saltenv").is_some_and(Value::is_truthy) {
        let saltenv = ctx.opts.get("saltenv").cloned().unwrap_or_default();
        ctx.opts.insert("pillarenv", saltenv);
    }
    Ok(())
}

/// Has the pillar made with what the caller lays over it.
fn pillar(ctx: &mut Ctx, args: &Bound) -> Result<(), Stop> {
    match args.get("pillar") {
        Value::Null => {}
        Value::Map(over) => ctx.pillar_wanted.over = over.clone(),
        other => return Err(args.wrong(format!("'pillar' must be a map, not {}", other.kind())).into()),
    }
    let env = |ctx: &Ctx, key| ctx.opts.get_str(key).map(str::to_owned);
    let wanted = (env(ctx, "saltenv"), env(ctx, "pillarenv"));
    let known = (&ctx.pillar_wanted.saltenv, &ctx.pillar_wanted.pillarenv);
    if args.is_given("pillar") || (&wanted.0, &wanted.1) != known {
        (ctx.pillar_wanted.saltenv, ctx.pillar_wanted.pillarenv) = wanted;
        ctx.set_pillar(None);
    }
    // The tree is needed, too: both in one go.
    let saltenv = ctx.pillar_wanted.saltenv.clone().unwrap_or_else(|| "base".to_owned());
    ctx.prefetch(&saltenv);
    let mut errors = match ctx.pillar() {
        Ok(_) => ctx.pillar_errors.clone(),
        Err(error) => vec![error.to_string()],
    };
    if errors.is_empty() || args.bool("force") {
        return Ok(());
    }
    errors.insert(0, "Pillar failed to render with the following messages:".to_owned());
    Err(Stop::Answer(refuse(ctx, PILLAR_FAILED, errors)))
}

/// An answer that ends a call is the call's value.
pub fn answer(stopped: Result<Value, Stop>) -> Result<Value, CallError> {
    match stopped {
        Ok(value) | Err(Stop::Answer(value)) => Ok(value),
        Err(Stop::Error(error)) => Err(error),
    }
}

/// Compile errors as the call's value.
pub fn compiled<T>(ctx: &mut Ctx, result: Result<T, Vec<String>>) -> Result<T, Stop> {
    result.map_err(|errors| Stop::Answer(refuse(ctx, NOT_COMPILED, errors)))
}
