//! `manage.*`: which hosts answer. There is no list of connected hosts here: they are asked, all at once.

use super::bootstrap;
use super::house::{Calling, KnownHost};
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError, RunnerFuture};
use super::seconds;
use crate::jobs::StoredReturn;
use halite_wire::{Map, Value};
use std::collections::{BTreeMap, HashMap};

pub(super) const RUNNER: Runner = Runner { name: "manage", functions: FUNCTIONS };

const TGT: Param = Param("tgt", Default::Text("*"));
const TGT_TYPE: Param = Param("tgt_type", Default::Text("glob"));
const TIMEOUT: Param = Param("timeout", Default::Null);
const GATHER: Param = Param("gather_job_timeout", Default::Null);
const SUBSET: Param = Param("subset", Default::Null);
const SHOW_IP: Param = Param("show_ip", Default::Bool(false));

type Call = for<'a> fn(&'a Context, Bound) -> RunnerFuture<'a>;

const UP: Call = |context, args| Box::pin(present(context, args, true));
const DOWN: Call = |context, args| Box::pin(present(context, args, false));
const UP_DOC: &str = "Hosts of the roster that answer; with `show_ip=True` where they are, too.";
const DOWN_DOC: &str = "Hosts of the roster that do not answer.";

/// Salt's many names of one question.
const fn presence(name: &'static str, doc: &'static str, call: Call) -> Function {
    Function { name, params: &[SUBSET, SHOW_IP], doc, example: name, call }
}

const FUNCTIONS: &[Function] = &[
    presence("manage.alived", UP_DOC, UP),
    presence("manage.allowed", UP_DOC, UP),
    bootstrap::FUNCTION,
    Function {
        name: "manage.down",
        params: &[Param("removekeys", Default::Bool(false)), TGT, TGT_TYPE, TIMEOUT, GATHER],
        doc: "Hosts that do not answer.",
        example: "manage.down tgt='web*'",
        call: |context, args| Box::pin(one_side(context, args, false)),
    },
    presence("manage.joined", UP_DOC, UP),
    presence("manage.list_not_state", DOWN_DOC, DOWN),
    presence("manage.list_state", UP_DOC, UP),
    presence("manage.not_alived", DOWN_DOC, DOWN),
    presence("manage.not_allowed", DOWN_DOC, DOWN),
    presence("manage.not_joined", DOWN_DOC, DOWN),
    presence("manage.not_present", DOWN_DOC, DOWN),
    presence("manage.not_reaped", DOWN_DOC, DOWN),
    presence("manage.present", UP_DOC, UP),
    presence("manage.reaped", UP_DOC, UP),
    Function {
        name: "manage.status",
        params: &[Param("output", Default::Bool(true)), TGT, TGT_TYPE, TIMEOUT, GATHER],
        doc: "Hosts that answer and hosts that do not.",
        example: "manage.status",
        call: |context, args| Box::pin(status(context, args)),
    },
    Function {
        name: "manage.up",
        params: &[TGT, TGT_TYPE, TIMEOUT, GATHER],
        doc: "Hosts that answer.",
        example: "manage.up tgt='web*'",
        call: |context, args| Box::pin(one_side(context, args, true)),
    },
    Function {
        name: "manage.versions",
        params: &[TIMEOUT, GATHER],
        doc: "The version of the executor on each host, beside that of this program; False where none answers.",
        example: "manage.versions",
        call: |context, args| Box::pin(versions(context, args)),
    },
];

/// Sorted names of hosts that answer, and of those that do not.
async fn ask(context: &Context, args: &Bound) -> Result<[Vec<String>; 2], RunnerError> {
    let tgt = args.text("tgt").unwrap_or_else(|| "*".to_owned());
    let tgt_type = args.text("tgt_type").unwrap_or_else(|| "glob".to_owned());
    let timeout = seconds(args, "timeout")?;
    let fun = "test.ping".to_owned();
    let calling = Calling { tgt, tgt_type, fun, timeout, ..Calling::default() };
    let returns = context.house.on_hosts(calling).await.map_err(|why| args.failed(why))?;
    let names = |is_up: bool| {
        let meant = returns.iter().filter(|ret| ret.has_answer() == is_up);
        let mut names: Vec<String> = meant.map(|ret| ret.id.to_string()).collect();
        names.sort();
        names
    };
    Ok([names(true), names(false)])
}

async fn status(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let [up, down] = ask(context, &args).await?;
    let list = |names: Vec<String>| names.into_iter().map(Value::from).collect::<Value>();
    Ok(Value::Map(Map::from([("up", list(up)), ("down", list(down))])).into())
}

async fn one_side(context: &Context, args: Bound, is_up: bool) -> Result<Answer, RunnerError> {
    if args.is_true("removekeys") {
        return Err(args.wrong(
            "'removekeys' has no meaning here: hosts have no keys on the controller but those of ssh",
        ));
    }
    let [up, down] = ask(context, &args).await?;
    let names = if is_up { up } else { down };
    Ok(names.into_iter().map(Value::from).collect::<Value>().into())
}

/// The hosts of `subset` (all without it); with `show_ip` where each of them is.
async fn present(context: &Context, args: Bound, is_up: bool) -> Result<Answer, RunnerError> {
    let [up, down] = ask(context, &args).await?;
    let mut names = if is_up { up } else { down };
    let subset = args.list("subset");
    if !subset.is_empty() {
        names.retain(|name| subset.contains(name));
    }
    if !args.is_true("show_ip") {
        return Ok(names.into_iter().map(Value::from).collect::<Value>().into());
    }
    let known = context.house.hosts("*", "glob").map_err(|why| args.failed(why))?;
    let places: HashMap<String, String> =
        known.into_iter().map(|KnownHost { id, address }| (id.to_string(), address)).collect();
    let place = |name: &String| Value::from(places.get(name).map_or("", String::as_str));
    Ok(Value::Map(names.iter().map(|name| (name.as_str(), place(name))).collect()).into())
}

/// `{"Master": ours, "Up to date": {id: version}, "Minion requires update": {...}, "Minion offline": {id: False}}`, as
/// far as there are any.
async fn versions(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let failed = |why: String| args.failed(why);
    let ours = context.house.here("test.version", Vec::new(), Map::new()).await.map_err(failed)?;
    let calling = Calling {
        tgt: "*".to_owned(),
        tgt_type: "glob".to_owned(),
        fun: "test.version".to_owned(),
        timeout: seconds(&args, "timeout")?,
        ..Calling::default()
    };
    let mut returns = context.house.on_hosts(calling).await.map_err(failed)?;
    let mut groups = BTreeMap::<&str, Map>::new();
    let labelled = |ret: &StoredReturn| match ret.value() {
        _ if !ret.success => ("Minion offline", Value::Bool(false)),
        version if *version == ours => ("Up to date", version.clone()),
        version => ("Minion requires update", version.clone()),
    };
    returns.sort_by(|a, b| a.id.cmp(&b.id));
    for ret in &returns {
        let (label, version) = labelled(ret);
        groups.entry(label).or_default().insert(ret.id.as_str(), version);
    }
    let mut all = Map::from([("Master", ours.clone())]);
    all.extend(groups.into_iter().rev().map(|(label, hosts)| (label, Value::Map(hosts))));
    Ok(Value::Map(all).into())
}
