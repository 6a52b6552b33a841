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
              this machine. `saltenv` and `pillarenv` choose the environment.",
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
];

async fn show(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let name = args.text("minion").unwrap_or_default();
    let environment = ["pillarenv", "saltenv"].iter().find_map(|key| args.keywords.get_str(key));
    let grains = grains(context, &args, &name).await?;
    let id = if name == "*" { grains.get_str("id").unwrap_or("local").to_owned() } else { name };
    let id: MinionId = id.parse().map_err(|error| args.wrong(format!("{error}")))?;
    let made = context.house.pillar(&id, grains, environment.map(str::to_owned)).await;
    let (mut pillar, errors) = made.map_err(|why| args.failed(why))?;
    if !errors.is_empty() {
        pillar.insert("_errors", errors.into_iter().map(Value::from).collect::<Value>());
    }
    Ok(Value::Map(pillar).into())
}

/// Those of the host, if it is known and answers; else of this machine.
async fn grains(context: &Context, args: &Bound, name: &str) -> Result<Map, RunnerError> {
    if name != "*" && context.house.hosts(name, "list").is_ok_and(|hosts| !hosts.is_empty()) {
        let (tgt, tgt_type, fun) = (name.to_owned(), "list".to_owned(), "grains.items".to_owned());
        let asked = context.house.on_hosts(Calling { tgt, tgt_type, fun, ..Calling::default() }).await;
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
