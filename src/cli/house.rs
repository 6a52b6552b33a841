//! The controller as runners see it: configuration, files, pillar, this machine and the hosts of the roster.

use super::crier::Crier;
use super::keeper::Keeper;
use super::options::{LoginOptions, SshOptions, TypedCall};
use super::setup::{self, Refusal};
use super::{begin, desk, exit, returns, ssh};
use crate::config::Config;
use crate::files::FileServer;
use crate::fleet::facts::{Consumer, Fact, Request};
use crate::fleet::outcome::Record;
use crate::jobs::StoredReturn;
use crate::output::{Log, Stderr};
use crate::runners::{Calling, House, KnownHost, Login};
use async_trait::async_trait;
use halite_roster::TargetKind;
use halite_wire::message::PillarAsk;
use halite_wire::{Jid, Map, MinionId, Value};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The controller with its configuration, and what the command line says of reaching hosts.
pub(super) struct Controller {
    config: Config,
    reach: SshOptions,
    log: Log,
    stderr: Stderr,
    crier: Arc<Crier>,
}

/// What a call on hosts has brought.
struct Gathering {
    jid: Jid,
    request: Request,
    records: Vec<Arc<Record>>,
}

impl Controller {
    /// `crier` tells who follows the events of this call.
    ///
    /// # Errors
    /// A login option that is wrong.
    pub(super) fn new(
        mut config: Config,
        reach: SshOptions,
        log: Log,
        stderr: Stderr,
        crier: Arc<Crier>,
    ) -> Result<Controller, Refusal> {
        ssh::take_login(&mut config, &reach.login)?;
        Ok(Controller { config, reach, log, stderr, crier })
    }

    /// Configuration and options of one call.
    fn options(&self, calling: Calling) -> Result<(Config, SshOptions), Refusal> {
        let mut config = self.config.clone();
        let Login { roster, user, passwd, private_key } = calling.login;
        ssh::take_login(&mut config, &LoginOptions { user, passwd, private_key, ..LoginOptions::default() })?;
        let target_kind = kind(&calling.tgt_type).map_err(|why| Refusal::new(exit::USAGE, why))?;
        let Calling { tgt, fun, arg, kwarg, timeout, ret, jid, unkept, .. } = calling;
        let mut options = SshOptions {
            target: tgt,
            target_kind,
            call: Some(TypedCall { fun, arg, kwarg }),
            timeout,
            no_cache: unkept || !config.jobs.cache,
            ..self.reach.clone()
        };
        options.common.jid = jid;
        options.roster = roster.or(options.roster);
        options.returners.names = ret;
        match options.unsupported() {
            Some(advice) => Err(Refusal::new(exit::USAGE, advice)),
            None => Ok((config, options)),
        }
    }

    fn selected(&self, config: &Config, options: &SshOptions) -> Result<Vec<halite_roster::Host>, Refusal> {
        let roster = ssh::load_roster(options, config, &self.log)?;
        let selected = ssh::select(options, config, &roster)?.selected;
        if selected.hosts.is_empty() {
            return Err(Refusal::new(exit::NO_TARGET, ssh::no_target(options, &roster)));
        }
        ssh::tell_missing(&selected.missing, &self.log);
        Ok(selected.hosts.into_iter().map(ssh::with_usual_keys).collect())
    }

    /// Gives all hosts their turn, as a job like any other, and gathers the records.
    async fn gather(&self, calling: Calling) -> Result<Gathering, Refusal> {
        let (config, options) = self.options(calling)?;
        let hosts = self.selected(&config, &options)?;
        let outlets = match options.no_cache {
            true => None,
            false => {
                returns::open(&options.returners, &config, begin::is_kept(&options, &config), &self.log)
                    .await?
            }
        };
        let mut ready = begin::job(&options, &config, hosts, outlets, &self.log, &self.stderr).await?;
        let plan = ready.conductor.plan.clone();
        let (jid, gathered) = (plan.jid, Gathered::default());
        let consumers = &mut ready.conductor.consumers;
        consumers.push(Box::new(gathered.clone()));
        consumers.push(Box::new(Keeper::new(&config.dirs.cache)));
        if !options.no_cache {
            consumers.push(Box::new(ssh::announcer(&config)));
        }
        let end = ready.conductor.run(ready.assignments).await;
        if let Some(error) = &end.store_error {
            self.log.error(&format!("{error}. {}", error.hint()));
        }
        returns::afterwards(&config, end.undelivered).await;
        if ready.received.exit_code().is_some() {
            return Err(Refusal::new(
                exit::RUNNER,
                format!("job {jid} was stopped; `halite jobs {jid}` shows it"),
            ));
        }
        let records = std::mem::take(&mut *gathered.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Gathering { jid, request: plan.request.clone(), records })
    }
}

/// The records of a run, in the order they came.
#[derive(Clone, Default)]
struct Gathered(Arc<Mutex<Vec<Arc<Record>>>>);

impl Consumer for Gathered {
    fn on_fact(&mut self, fact: &Fact) -> Result<(), String> {
        if let Fact::HostFinished { record, .. } = fact {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
        }
        Ok(())
    }
}

fn kind(name: &str) -> Result<TargetKind, String> {
    let kinds = [TargetKind::Glob, TargetKind::List, TargetKind::Pcre];
    let found = kinds.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| format!("tgt_type {name:?} is none of glob, list and pcre"))
}

#[async_trait]
impl House for Controller {
    fn events(&self) -> Option<&Path> {
        Some(&self.config.dirs.store)
    }

    fn show_event(&self, tag: &str, data: &Value, pretty: bool) -> bool {
        super::setup::print_event(tag, data, pretty)
    }

    fn opts(&self) -> &Map {
        &self.config.opts.0
    }

    fn cache_dir(&self) -> &Path {
        &self.config.dirs.cache
    }

    fn files(&self) -> Result<Arc<FileServer>, String> {
        desk::files(&self.config).map_err(|no| no.message)
    }

    async fn pillar(
        &self,
        id: &MinionId,
        grains: Map,
        saltenv: Option<String>,
    ) -> Result<(Map, Vec<String>), String> {
        let pillar = desk::pillar(&self.config, self.files()?);
        let (id, pillarenv) = (id.clone(), saltenv.clone());
        let wanted = PillarAsk { grains, over: Map::new(), saltenv, pillarenv };
        let made = tokio::task::spawn_blocking(move || pillar.compile(&id, wanted));
        made.await.map_err(|bug| bug.to_string())
    }

    async fn pillar_top(
        &self,
        id: &MinionId,
        grains: Map,
        saltenv: Option<String>,
    ) -> Result<(Map, Vec<String>), String> {
        let (pillar, id) = (desk::pillar(&self.config, self.files()?), id.clone());
        let wanted = PillarAsk { grains, over: Map::new(), saltenv, pillarenv: None };
        let read = tokio::task::spawn_blocking(move || pillar.top(&id, wanted));
        read.await.map_err(|bug| bug.to_string())
    }

    async fn progress(&self, message: &str) {
        self.stderr.line(message);
        self.crier.cry("progress", Map::from([("message", message)])).await;
    }

    async fn print_line(&self, line: &str) -> Result<(), String> {
        setup::write_out(&format!("{line}\n")).map(drop).map_err(|no| no.message)
    }

    async fn here(&self, fun: &str, arg: Vec<Value>, kwarg: Map) -> Result<Value, String> {
        let (files, cache) = (self.files()?, self.config.dirs.cache.clone());
        let (fun, opts) = (fun.to_owned(), desk::state_opts(&self.config));
        let call = move || crate::pillar::here(&cache, files, &opts, &fun, arg, kwarg);
        tokio::task::spawn_blocking(call).await.map_err(|bug| bug.to_string())?
    }

    fn hosts(&self, tgt: &str, tgt_type: &str) -> Result<Vec<KnownHost>, String> {
        let options =
            SshOptions { target: tgt.to_owned(), target_kind: kind(tgt_type)?, ..self.reach.clone() };
        let roster = ssh::load_roster(&options, &self.config, &self.log).map_err(|no| no.message)?;
        let targets = ssh::select(&options, &self.config, &roster).map_err(|no| no.message)?;
        let known = |host: halite_roster::Host| KnownHost { id: host.id, address: host.host };
        Ok(targets.selected.hosts.into_iter().map(known).collect())
    }

    async fn on_hosts(&self, calling: Calling) -> Result<Vec<StoredReturn>, String> {
        let Gathering { jid, request, records } = self.gather(calling).await.map_err(|no| no.message)?;
        Ok(records.iter().map(|record| StoredReturn::new(jid, &request, record)).collect())
    }
}
