//! `halite run`: a function of the controller, its answer on stdout.

use super::crier::Crier;
use super::house::Controller;
use super::options::RunOptions;
use super::setup::{self, Refusal};
use super::{background, complain, exit, returns, store};
use crate::config::Config;
use crate::fleet::facts::Request;
use crate::fleet::outcome::{Outcome, Record};
use crate::jobs::{JobStore, NewJob, SqliteStore, StoreError, StoredReturn, system_clock};
use crate::returners::Outbox;
use crate::runners::{self, Answer, Args, Context, RunnerError};
use halite_render::args::parse_input;
use halite_wire::message::Return;
use halite_wire::{Jid, Map, MinionId, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    let code = runtime
        .block_on(async { command(options).await.unwrap_or_else(|no| complain(&no.message, no.code)) });
    // A driver that never lets go must not hold us here.
    runtime.shutdown_background();
    code
}

async fn command(mut options: RunOptions) -> Result<u8, Refusal> {
    let (config, log, stderr) = setup::begin(&options.common, "salt-run")?;
    let output = setup::output_options(&options.common.output, &config);
    if options.doc {
        let docs = runners::docs(options.words.first().map(String::as_str)).map_err(refusal)?;
        return setup::print(&output, &Value::Map(docs), None);
    }
    let mut words = std::mem::take(&mut options.words).into_iter();
    let fun = words.next().unwrap_or_default();
    let (positional, keywords) = parse_input(&words.collect::<Vec<_>>(), &options.common.no_parse);
    let call = Call { fun, args: Args { positional, keywords } };
    let job = if background::is_child() {
        Some(KeptJob::begin(&config, &call, options.common.jid).await?)
    } else {
        None
    };
    let now = system_clock()();
    let jid = job.as_ref().map_or_else(|| config.jobs.id_of(now), |job| job.jid);
    let crier = Arc::new(Crier::new(&config, jid, &call.fun, &call.args.positional));
    let reach = std::mem::take(&mut options.reach);
    let house = Arc::new(Controller::new(config.clone(), reach, log, stderr, crier.clone())?);
    let context = Context {
        store: store::open_to_read(&config).await?,
        now_micros: now,
        show_endtime: config.opts.0.get("job_cache_store_endtime").is_some_and(Value::is_truthy),
        config: Arc::new(config),
        house,
    };
    crier.cry("new", Map::new()).await;
    let answer = in_time(runners::run(&context, &call.fun, call.args), options.timeout).await;
    if let Some(job) = job {
        return job.end(answer, &crier).await;
    }
    crier.cry("ret", outcome(&answer)).await;
    match answer? {
        answer if options.quiet => answer.gathered().await.map(|_| exit::OK).map_err(refusal),
        answer => setup::print_answer(&output, answer).await,
    }
}

/// A function of the controller with its arguments.
struct Call {
    fun: String,
    args: Args,
}

/// What an event says of the end: `success`, and `return`, but for answers that are still read: the store has those.
fn outcome(answer: &Result<Answer, Refusal>) -> Map {
    match answer {
        Ok(Answer { more: Some(_), .. }) => Map::from([("success", Value::Bool(true))]),
        Ok(answer) => Map::from([("success", Value::Bool(true)), ("return", answer.data.clone())]),
        Err(no) => Map::from([("success", Value::Bool(false)), ("return", no.message.as_str().into())]),
    }
}

/// A function in the background, as a job that the store keeps: its one host is this controller.
struct KeptJob {
    config: Config,
    store: SqliteStore,
    /// The job store elsewhere.
    outbox: Option<Outbox>,
    began: Instant,
    request: Request,
    id: MinionId,
    jid: Jid,
}

impl KeptJob {
    /// From here on the job is there, and nobody waits for this process any more.
    async fn begin(config: &Config, call: &Call, wanted: Option<Jid>) -> Result<KeptJob, Refusal> {
        let id = setup::master_id(config);
        let id: MinionId = id.parse().map_err(|error| Refusal::new(exit::CONFIG, error))?;
        let request = Request {
            tgt: id.to_string(),
            tgt_type: "list".to_owned(),
            fun: format!("runner.{}", call.fun),
            arg: call.args.positional.clone(),
            kwarg: call.args.keywords.clone(),
            user: setup::user(),
            metadata: Map::new(),
            options: Vec::new(),
        };
        let dirs = &config.dirs;
        let store = SqliteStore::open(&dirs.store).await.map_err(unkept)?;
        let store = store.with_unique_ids(config.jobs.unique_ids);
        let outlets = returns::open_store(config).await?;
        let targets = [id.clone()];
        let job = NewJob { request: &request, targets: &targets, admitted: 1, wanted };
        let jid = store.begin(job).await.map_err(unkept)?;
        let outbox = returns::begin(outlets, jid, &request, &targets).await?;
        background::detach(jid, &dirs.store.with_file_name("async"), config.jobs.keep)?;
        Ok(KeptJob { config: config.clone(), store, outbox, began: Instant::now(), request, id, jid })
    }

    async fn end(mut self, answer: Result<Answer, Refusal>, crier: &Crier) -> Result<u8, Refusal> {
        let answer = match answer {
            Ok(answer) => answer.gathered().await.map_err(refusal),
            Err(no) => Err(no),
        };
        crier.cry("ret", outcome(&answer)).await;
        let code = answer.as_ref().map_or_else(|no| no.code, |_| exit::OK);
        let (value, out) = match answer {
            Ok(answer) => (answer.data, answer.outputter),
            Err(no) => (Value::from(no.message), None),
        };
        let ret = Return { value, retcode: code.into(), success: code == exit::OK, out, notes: Vec::new() };
        let record = Arc::new(Record::new(self.id, Outcome::Returned(ret)));
        let row = StoredReturn::new(self.jid, &self.request, &record);
        if let Some(outbox) = &mut self.outbox {
            let spooled = outbox.take(&self.request, &[record]).await;
            spooled.and(outbox.end().await).map_err(|error| Refusal::new(exit::STORE, error))?;
        }
        self.store.save_returns(&[row]).await.map_err(unkept)?;
        self.store.finish(self.jid).await.map_err(unkept)?;
        if let Some(outbox) = self.outbox {
            let is_left = outbox.close(self.began.elapsed()).await;
            returns::afterwards(&self.config, is_left).await;
        }
        Ok(code)
    }
}

fn unkept(error: StoreError) -> Refusal {
    Refusal::new(exit::STORE, format!("{error}. {}", error.hint()))
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
