//! `salt.*`: execution functions on the controller's own machine, or on hosts.

use super::calling;
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use super::shape::by_host;

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
        ],
        doc: "Runs an execution function on hosts and gives what each returned.",
        example: "salt.execute 'web*' cmd.run arg='[uptime]'",
        call: |context, args| Box::pin(execute(context, args)),
    },
];

async fn cmd(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let fun = args.text("fun").unwrap_or_default();
    let answer = context.house.here(&fun, args.rest.clone(), args.keywords.clone()).await;
    answer.map(Answer::from).map_err(|why| args.failed(why))
}

async fn execute(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let returns = context.house.on_hosts(calling(&args)?).await.map_err(|why| args.failed(why))?;
    Ok(by_host(&returns, |ret| ret.value().clone()).into())
}
