//! `salt.*`: execution functions on the controller's own machine, or on hosts.

use super::calling;
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use super::shape::by_host;
use halite_wire::{Jid, Value};

pub(super) const RUNNER: Runner = Runner { name: "salt", functions: FUNCTIONS };

const FUNCTIONS: &[Function] = &[
    Function {
        name: "salt.cmd",
        params: &[
            Param("fun", Default::Required),
            Param("args", Default::Rest),
            Param("kwargs", Default::Keywords),
        ],
        doc: "Runs an execution function on the controller's own machine.",
        example: "salt.cmd disk.usage",
        call: |context, args| Box::pin(cmd(context, args)),
    },
    Function {
        name: "salt.execute",
        params: &[
            Param("tgt", Default::Required),
            Param("fun", Default::Required),
            Param("arg", Default::Null),
            Param("timeout", Default::Null),
            Param("tgt_type", Default::Text("glob")),
            Param("ret", Default::Text("")),
            Param("jid", Default::Text("")),
            Param("kwarg", Default::Null),
            Param("kwargs", Default::Keywords),
        ],
        doc: "Runs an execution function on hosts and gives what each returned. `ret` names returners that get it, too; \
              `jid` is the id the job shall have.",
        example: "salt.execute 'web*' cmd.run arg='[uptime]'",
        call: |context, args| Box::pin(execute(context, args)),
    },
];

async fn cmd(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let fun = args.text("fun").unwrap_or_default();
    let mut kwarg = args.keywords.clone();
    if kwarg.remove("with_pillar").is_some_and(|wanted| wanted.is_truthy()) {
        return Err(args.wrong("there is no pillar of this machine here; `pillar.show_pillar` shows one"));
    }
    let answer = context.house.here(&fun, args.rest.clone(), kwarg).await;
    answer.map(Answer::from).map_err(|why| args.failed(why))
}

async fn execute(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let mut calling = calling(&args)?;
    calling.ret = args.text("ret").filter(|names| !names.is_empty());
    calling.jid = match args.text("jid").filter(|jid| !jid.is_empty()) {
        Some(jid) => {
            Some(jid.parse().map_err(|_| args.wrong(format!("{jid:?} is no job id: {}", Jid::FORM)))?)
        }
        None => None,
    };
    if let Some(unknown) = args.keywords.keys().filter_map(Value::as_str).find(|key| !key.starts_with("__")) {
        return Err(args.wrong(format!(
            "no argument is named '{unknown}'; those of the function are given as kwarg='{{{unknown}: ...}}'"
        )));
    }
    let returns = context.house.on_hosts(calling).await.map_err(|why| args.failed(why))?;
    Ok(by_host(&returns, |ret| ret.value().clone()).into())
}
