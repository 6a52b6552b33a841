//! `halite rerun` and `halite resume`: the call of a stored job on the hosts it is still wanted on, as a new job.

use super::jobs::{no_job, read, trouble};
use super::options::{Again, SshOptions, TypedCall, Which};
use super::setup::Refusal;
use super::{exit, store};
use crate::config::Config;
use crate::jobs::{JobStore, RunState};
use crate::output::Log;
use crate::output::history::{Fate, HostView};
use crate::runners::WholeJob;
use halite_roster::TargetKind;
use halite_wire::{Jid, Map, Value};
use std::collections::HashSet;

/// Fills in target and call from the stored job. `None` where no host is left to run on.
///
/// # Errors
/// There is no such job, or (for a resumption) it runs.
pub async fn resolve(options: SshOptions, config: &Config, log: &Log) -> Result<Option<SshOptions>, Refusal> {
    let Some(again) = options.again else { return Ok(Some(options)) };
    let store = store::open_to_read(config).await?.ok_or_else(read::none_yet)?;
    let jid = read::named(&*store, again.job).await?;
    let whole = WholeJob::read(&*store, jid).await.map_err(trouble)?.ok_or_else(|| no_job(jid))?;
    if matches!(again.which, Which::Unfinished { .. }) && whole.job.state() == RunState::Running {
        return Err(Refusal::new(
            exit::USAGE,
            format!("job {jid} runs; `halite jobs follow {jid}` shows it"),
        ));
    }
    let hosts = hosts(&*store, jid, again, &whole, log).await?;
    if hosts.is_empty() {
        let why = match again.which {
            Which::Unfinished { .. } => "every host has answered",
            _ => "every host did well",
        };
        log.warning(&format!("job {jid}: {why}; there is nothing to run"));
        return Ok(None);
    }
    tell_unkept(jid, &whole.job.load, &options, log);
    let mut options = SshOptions { again: None, ..options };
    options.target = hosts.join(",");
    options.target_kind = TargetKind::List;
    options.raw = whole.job.load.get_str("fun") == Some("ssh._raw");
    let call = typed(&whole.job.load);
    if options.raw {
        options.words = call.arg.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    } else {
        options.call = Some(call);
    }
    let word = if matches!(again.which, Which::Unfinished { .. }) { "resumes" } else { "reruns" };
    options.metadata.insert(word, jid.as_str());
    Ok(Some(options))
}

/// The hosts that are meant, in the order of the job.
async fn hosts(
    store: &dyn JobStore,
    jid: Jid,
    again: Again,
    whole: &WholeJob,
    log: &Log,
) -> Result<Vec<String>, Refusal> {
    let Some((_, views)) = read::job(store, jid).await.map_err(trouble)? else { return Ok(Vec::new()) };
    let is_meant = |view: &HostView| match again.which {
        Which::All => true,
        Which::Failed => matches!(view.fate, Fate::Failed | Fate::Lost),
        Which::Unfinished { may_have_run } => {
            view.fate == Fate::Lost && (may_have_run || view.full.get_str("reached") == Some("not_started"))
        }
    };
    let meant: HashSet<&str> =
        views.iter().filter(|view| is_meant(view)).map(|view| view.id.as_str()).collect();
    let left_out = views.iter().filter(|view| view.fate == Fate::Lost && !is_meant(view)).count();
    if left_out > 0 && meant.is_empty() && matches!(again.which, Which::Unfinished { .. }) {
        return Err(Refusal::new(
            exit::NO_TARGET,
            format!(
                "job {jid}: the call may have run on each of the {left_out} hosts that gave no answer; \
                 `halite resume {jid} --may-have-run` runs it there again"
            ),
        ));
    }
    if left_out > 0 {
        log.warning(&format!(
            "{left_out} hosts are left out, because the call may have run there; --may-have-run takes them in"
        ));
    }
    let ids = whole.targets.iter().map(ToString::to_string);
    Ok(ids.filter(|id| meant.contains(id.as_str())).collect())
}

/// Says which options of the first run were not kept and are not given now: it may have run as somebody else.
fn tell_unkept(jid: Jid, load: &Map, options: &SshOptions, log: &Log) {
    let before = load.get("options").and_then(Value::as_list).unwrap_or_default();
    let before = before.iter().filter_map(Value::as_str);
    let missing: Vec<&str> =
        before.filter(|name| !options.unkept.iter().any(|given| given == name)).collect();
    if !missing.is_empty() {
        log.warning(&format!(
            "job {jid} was run with {}, and a job keeps no options: this run is without, unless you give them again",
            missing.join(", ")
        ));
    }
}

/// The call as it was stored: positional arguments, and keywords from the dict marked `__kwarg__`.
fn typed(load: &Map) -> TypedCall {
    let mut call = TypedCall { fun: load.get_str("fun").unwrap_or("").to_owned(), ..TypedCall::default() };
    for arg in load.get("arg").and_then(Value::as_list).unwrap_or_default() {
        match arg.as_map().filter(|map| map.contains_key("__kwarg__")) {
            Some(keywords) => {
                call.kwarg = keywords.clone();
                call.kwarg.remove("__kwarg__");
            }
            None => call.arg.push(arg.clone()),
        }
    }
    call
}
