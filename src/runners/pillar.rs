//! `pillar.*`: what a host's pillar is.

use super::house::Calling;
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use halite_wire::{Map, MinionId, Value};

pub(super) const RUNNER: Runner = Runner { name: "pillar", functions: FUNCTIONS };

const FUNCTIONS: &[Function] = &[
    Function {
        name: "pillar.clear_pillar_cache",
        params: &[Param("minion", Default::Text("*")), Param("kwargs", Default::Keywords)],
        doc: "Forgets kept pillars. Pillars are made when they are asked for, so the answer is False.",
        example: "pillar.clear_pillar_cache",
        call: |_, _| Box::pin(async { Ok(Value::Bool(false).into()) }),
    },
    Function {
        name: "pillar.show_pillar",
        params: &[Param("minion", Default::Text("*")), Param("kwargs", Default::Keywords)],
        doc: "The pillar of a host, for the grains it has; where no host of the roster has this name, for those of \
              this machine. `saltenv` and `pillarenv` choose the environment; other keywords are grains it shall have.",
        example: "pillar.show_pillar web1 saltenv=dev",
        call: |context, args| Box::pin(show(context, args)),
    },
    Function {
        name: "pillar.show_pillar_cache",
        params: &[Param("minion", Default::Text("*")), Param("kwargs", Default::Keywords)],
        doc: "Kept pillars. None are kept, so the answer is False.",
        example: "pillar.show_pillar_cache",
        call: |_, _| Box::pin(async { Ok(Value::Bool(false).into()) }),
    },
    Function {
        name: "pillar.show_top",
        params: &[Param("minion", Default::Null), Param("saltenv", Default::Text("base"))],
        doc: "The top files of the pillar as one, rendered for the grains of a host, or of this machine. Where something \
              is wrong with them, that is shown instead.",
        example: "pillar.show_top web1",
        call: |context, args| Box::pin(show_top(context, args)),
    },
];

async fn show_top(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let name = args.text("minion").unwrap_or_else(|| "*".to_owned());
    let (id, grains) = known(context, &args, name).await?;
    let read = context.house.pillar_top(&id, grains, args.text("saltenv")).await;
    let (top, errors) = read.map_err(|why| args.failed(why))?;
    if errors.is_empty() {
        return Ok(Value::Map(top).into());
    }
    Ok(errors.into_iter().map(Value::from).collect::<Value>().into())
}

async fn show(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let name = args.text("minion").unwrap_or_default();
    let environment = ["pillarenv", "saltenv"].iter().find_map(|key| args.keywords.get_str(key));
    let (id, mut grains) = known(context, &args, name).await?;
    let others = args.keywords.iter().filter(|(key, _)| !is_environment(key));
    grains.extend(others.map(|(key, value)| (key.clone(), value.clone())));
    let made = context.house.pillar(&id, grains, environment.map(str::to_owned)).await;
    let (mut pillar, errors) = made.map_err(|why| args.failed(why))?;
    if !errors.is_empty() {
        pillar.insert("_errors", errors.into_iter().map(Value::from).collect::<Value>());
    }
    Ok(Value::Map(pillar).into())
}

/// Keywords that choose the environment; all others are grains for this one time.
fn is_environment(key: &Value) -> bool {
    key.as_str().is_none_or(|key| key == "saltenv" || key == "pillarenv" || key.starts_with("__"))
}

/// The host called `name`, `*` for this machine, and its grains.
async fn known(context: &Context, args: &Bound, name: String) -> Result<(MinionId, Map), RunnerError> {
    let grains = grains(context, args, &name).await?;
    let id = if name == "*" { grains.get_str("id").unwrap_or("local").to_owned() } else { name };
    let id = id.parse().map_err(|error| args.wrong(format!("{error}")))?;
    Ok((id, grains))
}

/// Those of the host, if it is known and answers; else of this machine.
async fn grains(context: &Context, args: &Bound, name: &str) -> Result<Map, RunnerError> {
    if name != "*" && context.house.hosts(name, "list").is_ok_and(|hosts| !hosts.is_empty()) {
        let (tgt, tgt_type, fun) = (name.to_owned(), "list".to_owned(), "grains.items".to_owned());
        let calling = Calling { tgt, tgt_type, fun, unkept: true, ..Calling::default() };
        let asked = context.house.on_hosts(calling).await;
        let answer = asked.ok().and_then(|returns| returns.into_iter().find(|ret| ret.success));
        if let Some(Value::Map(grains)) = answer.map(|ret| ret.value().clone()) {
            return Ok(grains);
        }
    }
    let own = context.house.here("grains.items", Vec::new(), Map::new()).await;
    match own.map_err(|why| args.failed(why))? {
        Value::Map(grains) => Ok(grains),
        _ => Ok(Map::new()),
    }
}
