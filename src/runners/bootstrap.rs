//! `manage.bootstrap`: makes hosts ready. What they need is in this program: it is put there, and asked once.

use super::house::{Calling, Login};
use super::registry::{Answer, Bound, Context, Default, Function, Param, RunnerError};
use crate::jobs::StoredReturn;
use halite_roster::Secret;
use halite_wire::{Map, Value};

const OF_SCRIPT: [&str; 5] = ["version", "script", "script_args", "tmp_dir", "http_backend"];

pub(super) const FUNCTION: Function = Function {
    name: "manage.bootstrap",
    params: &[
        Param("version", Default::Null),
        Param("script", Default::Null),
        Param("hosts", Default::Text("")),
        Param("script_args", Default::Null),
        Param("roster", Default::Text("flat")),
        Param("ssh_user", Default::Null),
        Param("ssh_password", Default::Null),
        Param("ssh_priv_key", Default::Null),
        Param("tmp_dir", Default::Null),
        Param("http_backend", Default::Null),
    ],
    doc: "Puts the executor on hosts of the roster (names or globs with commas between) and asks it for its version: \
          `ready` are those that answered, `failed` the others and why. It would come with the first call anyway. No \
          script is fetched or run. User, password and key count where the roster names none.",
    example: "manage.bootstrap hosts='web1,db*'",
    call: |context, args| Box::pin(bootstrap(context, args)),
};

async fn bootstrap(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    if let Some(name) = OF_SCRIPT.iter().find(|name| args.get(name).is_truthy()) {
        return Err(args.wrong(format!(
            "'{name}' has no meaning here: hosts get the executor of this program, and no script is run on them"
        )));
    }
    let hosts = named(context, &args)?;
    if hosts.is_empty() {
        return Err(args.wrong("which hosts? Example: manage.bootstrap hosts='web1,db*'"));
    }
    let login = Login {
        roster: args.text("roster"),
        user: args.text("ssh_user"),
        passwd: args.text("ssh_password").map(Secret::new),
        private_key: args.text("ssh_priv_key"),
    };
    let (tgt, tgt_type, fun) = (hosts.join(","), "list".to_owned(), "test.version".to_owned());
    let calling = Calling { tgt, tgt_type, fun, login, ..Calling::default() };
    let returns = context.house.on_hosts(calling).await.map_err(|why| args.failed(why))?;
    let of = |is_ready: bool| {
        let meant = returns.iter().filter(|ret| ret.success == is_ready);
        let mut all: Vec<(&str, Value)> =
            meant.map(|ret: &StoredReturn| (ret.id.as_str(), ret.value().clone())).collect();
        all.sort_by_key(|(id, _)| *id);
        Value::Map(all.into_iter().collect())
    };
    Ok(Value::Map(Map::from([("ready", of(true)), ("failed", of(false))])).into())
}

/// The hosts that are named, and those their globs mean.
fn named(context: &Context, args: &Bound) -> Result<Vec<String>, RunnerError> {
    let mut hosts = Vec::new();
    for word in args.list("hosts") {
        if !word.contains(['*', '?', '[']) {
            hosts.push(word);
            continue;
        }
        let known = context.house.hosts(&word, "glob").map_err(|why| args.failed(why))?;
        hosts.extend(known.into_iter().map(|host| host.id.to_string()));
    }
    Ok(hosts)
}
