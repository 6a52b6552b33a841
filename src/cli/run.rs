//! `halite run`: a function of the controller, its answer on stdout.

use super::house::Controller;
use super::options::RunOptions;
use super::setup::{self, Refusal};
use super::{background, complain, exit, ssh, store};
use crate::fleet::facts::Request;
use crate::fleet::outcome::{Outcome, Record};
use crate::jobs::{self, NewJob, StoreError, StoredReturn, system_clock};
use crate::runners::{self, Answer, Args, Context, RunnerError};
use halite_render::args::parse_input;
use halite_wire::message::Return;
use halite_wire::{Jid, Map, MinionId, Value};
use std::sync::Arc;
use std::time::Duration;

pub fn main(options: RunOptions) -> u8 {
    if let Some(advice) = options.unsupported() {
        return complain(&advice, exit::USAGE);
    }
    if options.is_async && !background::is_child() {
        return background::main();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("cannot start: {error}"), exit::BUG),
    };
    runtime.block_on(async { command(options).await.unwrap_or_else(|no| complain(&no.message, no.code)) })
}

async fn command(mut options: RunOptions) -> Result<u8, Refusal> {
    let (config, log, _stderr) = setup::begin(&options.common, "salt-run")?;
    let output = setup::output_options(&options.common.output, &config.output);
    let answer = if options.doc {
        let docs = runners::docs(options.words.first().map(String::as_str)).map_err(refusal)?;
        Answer::from(Value::Map(docs))
    } else {
        let reach = std::mem::take(&mut options.reach);
        let house = Arc::new(Controller::new(config.clone(), reach, log)?);
        let context = Context {
            store: store::open_to_read(&config).await?,
            now_micros: system_clock()(),
            show_endtime: config.opts.0.get("job_cache_store_endtime").is_some_and(Value::is_truthy),
            config: Arc::new(config),
            house,
        };
        let mut words = options.words.into_iter();
        let fun = words.next().unwrap_or_default();
        let (positional, keywords) = parse_input(&words.collect::<Vec<_>>(), &options.common.no_parse);
        let args = Args { positional, keywords };
        if background::is_child() {
            let jid = options.common.jid;
            return as_job(&context, &fun, args, jid).await;
        }
        in_time(runners::run(&context, &fun, args), options.timeout).await?
    };
    if options.quiet {
        return Ok(exit::OK);
    }
    setup::print(&output, &answer.data, answer.outputter.as_deref())
}

/// Runs the function in the background, as a job that the store keeps.
async fn as_job(context: &Context, fun: &str, args: Args, wanted: Option<Jid>) -> Result<u8, Refusal> {
    let kept = |error: StoreError| Refusal::new(exit::STORE, format!("{error}. {}", error.hint()));
    let machine = rustix::system::uname();
    let id: MinionId = format!("{}_master", machine.nodename().to_string_lossy())
        .parse()
        .map_err(|error| Refusal::new(exit::BUG, error))?;
    let request = Request {
        tgt: id.to_string(),
        tgt_type: "list".to_owned(),
        fun: format!("runner.{fun}"),
        arg: args.positional.clone(),
        kwarg: args.keywords.clone(),
        user: ssh::user(),
        metadata: Map::new(),
    };
    let dirs = &context.config.dirs;
    let store = jobs::open(&dirs.store, &context.config.opts.0).await.map_err(kept)?;
    let targets = [id.clone()];
    let job = NewJob { request: &request, targets: &targets, admitted: 1, wanted };
    let jid = store.begin(job).await.map_err(kept)?;
    background::detach(jid, &dirs.store.with_file_name("async"), context.config.jobs.keep)?;
    let answer = runners::run(context, fun, args).await;
    let code = if answer.is_ok() { exit::OK } else { exit::RUNNER };
    let (value, out) = match answer {
        Ok(answer) => (answer.data, answer.outputter),
        Err(error) => (Value::from(error.to_string()), None),
    };
    let ret = Return { value, retcode: code.into(), success: code == exit::OK, out, notes: Vec::new() };
    let record = Record::new(id, Outcome::Returned(ret));
    store.save_returns(&[StoredReturn::new(jid, &request, &record)]).await.map_err(kept)?;
    store.finish(jid).await.map_err(kept)?;
    Ok(code)
}

/// The answer, unless the user's time is up before.
async fn in_time(
    call: impl Future<Output = Result<Answer, RunnerError>>,
    limit: Option<Duration>,
) -> Result<Answer, Refusal> {
    let Some(limit) = limit else { return call.await.map_err(refusal) };
    let ended = tokio::time::timeout(limit, call).await;
    let late = |_| Refusal::new(exit::RUNNER, format!("no answer within {} s", limit.as_secs_f64()));
    ended.map_err(late)?.map_err(refusal)
}

fn refusal(error: RunnerError) -> Refusal {
    let code = match &error {
        RunnerError::NotAvailable { .. } | RunnerError::Arguments { .. } => exit::USAGE,
        RunnerError::Store { .. } => exit::STORE,
        RunnerError::Failed { .. } => exit::RUNNER,
    };
    Refusal::new(code, error)
}
