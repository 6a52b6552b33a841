//! `ssh.cmd`: a function on hosts, with all that is known of each return.

use super::calling;
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use super::shape::by_host;
use halite_wire::Value;

pub(super) const RUNNER: Runner = Runner { name: "ssh", functions: FUNCTIONS };

const FUNCTIONS: &[Function] = &[Function {
    name: "ssh.cmd",
    params: &[
        Param("tgt", Default::Required),
        Param("fun", Default::Required),
        Param("arg", Default::Null),
        Param("timeout", Default::Null),
        Param("tgt_type", Default::Text("glob")),
        Param("kwarg", Default::Null),
    ],
    doc: "Runs a function on hosts and gives the whole return of each.",
    example: "ssh.cmd 'web*' cmd.run arg='[uptime]'",
    call: |context, args| Box::pin(cmd(context, args)),
}];

async fn cmd(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let returns = context.house.on_hosts(calling(&args)?).await.map_err(|why| args.failed(why))?;
    Ok(by_host(&returns, |ret| Value::Map(ret.full_ret.clone())).into())
}
