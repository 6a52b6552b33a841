//! The controller as runners see it: configuration, files, pillar, this machine and the hosts of the roster.

use super::conduct::Conductor;
use super::options::{SshOptions, TypedCall};
use super::setup::Refusal;
use super::{desk, exit, ssh};
use crate::config::Config;
use crate::files::FileServer;
use crate::fleet::facts::{Consumer, Fact, Plan, Request};
use crate::fleet::outcome::Record;
use crate::jobs::{StoredReturn, system_clock};
use crate::output::Log;
use crate::runners::{Calling, House, KnownHost};
use crate::session::{KeyRing, Limits, Shared, StopSignal};
use async_trait::async_trait;
use halite_roster::TargetKind;
use halite_wire::message::PillarAsk;
use halite_wire::{Jid, Map, MinionId, Value};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The controller with its configuration, and what the command line says of reaching hosts.
pub(super) struct Controller {
    config: Config,
    reach: SshOptions,
    log: Log,
}

impl Controller {
    /// # Errors
    /// A login option that is wrong.
    pub(super) fn new(mut config: Config, reach: SshOptions, log: Log) -> Result<Controller, Refusal> {
        ssh::take_login(&mut config, &reach.login)?;
        Ok(Controller { config, reach, log })
    }

    fn options(&self, calling: &Calling) -> Result<SshOptions, String> {
        let Calling { tgt, tgt_type, fun, arg, kwarg, timeout } = calling.clone();
        let call = TypedCall { fun, arg, kwarg };
        let target_kind = kind(&tgt_type)?;
        Ok(SshOptions { target: tgt, target_kind, call: Some(call), timeout, ..self.reach.clone() })
    }

    fn selected(&self, options: &SshOptions) -> Result<Vec<halite_roster::Host>, Refusal> {
        let roster = ssh::load_roster(options, &self.config, &self.log)?;
        let hosts = ssh::select(options, &self.config, &roster)?.selected.hosts;
        if hosts.is_empty() {
            return Err(Refusal::new(exit::NO_TARGET, ssh::no_target(options, &roster)));
        }
        Ok(hosts.into_iter().map(ssh::with_usual_keys).collect())
    }

    /// Gives all hosts their turn, and gathers the records.
    async fn gather(&self, options: &SshOptions) -> Result<(Request, Vec<Arc<Record>>), Refusal> {
        let hosts = self.selected(options)?;
        let shared = Arc::new(Shared {
            trust: Arc::new(ssh::open_trust(options, &self.config)?),
            keys: KeyRing::default(),
            desk: Arc::new(desk::open(&self.config)?),
            limits: Limits::default().with_timeout(options.timeout),
        });
        let jid = Jid::from_unix_micros(system_clock()());
        let request = ssh::request(options);
        let assignments = ssh::assign(options, &self.config, &hosts, &request, jid);
        let gathered = Gathered::default();
        let ((_switch, stop), (_switch_now, stop_now)) = (StopSignal::new(), watch::channel(false));
        let conductor = Conductor {
            pace: ssh::pace(options, &self.config, hosts.len()),
            plan: Arc::new(Plan { jid, request: request.clone(), hosts }),
            shared,
            store: None,
            outbox: None,
            stop,
            stop_now,
            consumers: vec![Box::new(gathered.clone())],
        };
        conductor.run(assignments).await;
        let records = std::mem::take(&mut *gathered.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((request, records))
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
        let (request, records) = self.gather(&self.options(&calling)?).await.map_err(|no| no.message)?;
        let jid = Jid::from_unix_micros(system_clock()());
        Ok(records.iter().map(|record| StoredReturn::new(jid, &request, record)).collect())
    }
}
