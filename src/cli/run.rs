//! `halite run`: a function of the controller, its answer on stdout.

use super::options::RunOptions;
use super::setup::{self, Refusal};
use super::{complain, exit};
use crate::jobs::{JobStore, SqliteStore, system_clock};
use crate::runners::{self, Args, Context, RunnerError};
use halite_render::args::parse_input;
use halite_wire::Value;
use std::sync::Arc;

pub fn main(options: RunOptions) -> u8 {
    if let Some(advice) = options.unsupported() {
        return complain(&advice, exit::USAGE);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("cannot start: {error}"), exit::BUG),
    };
    runtime.block_on(async { command(options).await.unwrap_or_else(|no| complain(&no.message, no.code)) })
}

async fn command(options: RunOptions) -> Result<u8, Refusal> {
    let (config, _log, _stderr) = setup::begin(&options.common, "salt-run")?;
    let output = setup::output_options(&options.common.output, &config.output);
    let answer = if options.doc {
        let docs = runners::docs(options.words.first().map(String::as_str)).map_err(refusal)?;
        runners::Answer::from(Value::Map(docs))
    } else {
        let found = SqliteStore::open_to_read(&config.dirs.store).await;
        let store = found.map_err(|error| Refusal::new(exit::STORE, format!("{error}. {}", error.hint())))?;
        let context = Context {
            store: store.map(|store| Arc::new(store) as Arc<dyn JobStore>),
            now_micros: system_clock()(),
            show_endtime: config.opts.0.get("job_cache_store_endtime").is_some_and(Value::is_truthy),
        };
        let mut words = options.words.into_iter();
        let fun = words.next().unwrap_or_default();
        let (positional, keywords) = parse_input(&words.collect::<Vec<_>>(), &options.common.no_parse);
        runners::run(&context, &fun, Args { positional, keywords }).await.map_err(refusal)?
    };
    if options.quiet {
        return Ok(exit::OK);
    }
    setup::print(&output, &answer.data, answer.outputter.as_deref())
}

fn refusal(error: RunnerError) -> Refusal {
    let code = match &error {
        RunnerError::NotAvailable { .. } | RunnerError::Arguments { .. } => exit::USAGE,
        RunnerError::Store { .. } => exit::STORE,
    };
    Refusal::new(code, error)
}
