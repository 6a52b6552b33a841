//! A job from its call and its hosts to where they may have their turn: durable, with all its targets.

use super::conduct::{Conductor, admitted};
use super::options::{SshOptions, TypedCall};
use super::setup::{self, Refusal};
use super::signals::{self, Received};
use super::{desk, exit, key_deploy, returns};
use crate::config::{Config, private_dir};
use crate::fleet::facts::{Plan, Request};
use crate::fleet::pace::Pace;
use crate::fleet::turns::Assignment;
use crate::jobs::{JobStore, NewJob, SqliteStore, StoreError, system_clock};
use crate::output::{Log, Stderr};
use crate::returners::Outlets;
use crate::session::{KeyRing, Limits, Shared, StopSignal, Work};
use crate::trust::{Policy, TrustStore};
use halite_render::args::parse_input;
use halite_roster::Host;
use halite_wire::{Jid, Map, MinionId};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// Hosts at once where nobody says otherwise: sessions are cheap, and file descriptors (1,024) the first limit.
const AT_ONCE_USUAL: usize = 400;

/// Modules whose arguments may be seen by other users of a host: they ask and tell nothing secret. Their calls
/// travel in the command line. `file` is none of them: its functions write what they are given.
const PUBLIC_MODULES: [&str; 7] = ["test", "grains", "sys", "status", "disk", "network", "saltutil"];

/// Modules that read state trees: they are told how the configuration wants those compiled.
const STATE_MODULES: [&str; 4] = ["state", "slsutil", "jinja", "cp"];

/// A job that may be conducted.
pub(super) struct Ready {
    /// Without consumers yet.
    pub conductor: Conductor,
    pub assignments: Vec<Assignment>,
    /// The signals since then.
    pub received: Received,
}

/// Opens all a run needs, and begins the job with these `hosts`.
///
/// # Errors
/// What cannot be opened or written; no host has been asked anything then, but for `--key-deploy`.
pub(super) async fn job(
    options: &SshOptions,
    config: &Config,
    hosts: Vec<Host>,
    outlets: Option<Outlets>,
    log: &Log,
    stderr: &Stderr,
) -> Result<Ready, Refusal> {
    let request = request(options);
    let shared = Arc::new(Shared {
        trust: Arc::new(open_trust(options, config)?),
        keys: KeyRing::default(),
        desk: Arc::new(desk::open(config, &request)?),
        limits: Limits::default().with_timeout(options.timeout),
    });
    if options.login.key_deploy {
        key_deploy::deploy(&shared, &hosts, log).await;
    }
    let ((switch, stop), (switch_now, stop_now)) = (StopSignal::new(), watch::channel(false));
    // Before the job is stored: from then on its hosts have a right to their records.
    let received = signals::listen(switch, switch_now, stderr.clone())
        .map_err(|error| Refusal::new(exit::BUG, format!("signals cannot be heard: {error}")))?;
    let pace = pace(options, config, hosts.len());
    let ids: Vec<MinionId> = hosts.iter().map(|host| host.id.clone()).collect();
    let store = open_store(options, config).await?;
    let jid = store_job(store.as_deref(), &request, &ids, (options, config), pace.at_once_max).await?;
    let outbox = returns::begin(outlets, jid, &request, &ids).await?;
    let assignments = assign(options, config, &hosts, &request, jid);
    let plan = Arc::new(Plan { jid, request, hosts });
    let conductor = Conductor { plan, shared, store, outbox, pace, stop, stop_now, consumers: Vec::new() };
    Ok(Ready { conductor, assignments, received })
}

/// Whether the job and its returns are kept.
pub(super) fn is_kept(options: &SshOptions, config: &Config) -> bool {
    config.jobs.cache && !options.no_cache
}

/// A batch is smaller than what the machine could do, or it is none.
fn pace(options: &SshOptions, config: &Config, hosts: usize) -> Pace {
    let most = options.max_procs.or(config.ssh.max_procs).unwrap_or(AT_ONCE_USUAL).min(descriptors());
    let wanted = &options.pace;
    Pace {
        at_once_max: wanted.batch_of(hosts).map_or(most, |batch| batch.min(most)),
        rest: wanted.batch_wait,
        failures_max: wanted.failures_max,
    }
}

fn request(options: &SshOptions) -> Request {
    let (fun, arg, kwarg) = match options.words.split_first() {
        _ if options.call.is_some() => {
            let TypedCall { fun, arg, kwarg } = options.call.clone().unwrap_or_default();
            (fun, arg, kwarg)
        }
        _ if options.raw => {
            ("ssh._raw".to_owned(), options.words.iter().map(|w| w.as_str().into()).collect(), Map::new())
        }
        Some((fun, words)) => {
            let (arg, kwarg) = parse_input(words, &options.common.no_parse);
            (fun.clone(), arg, kwarg)
        }
        None => (String::new(), Vec::new(), Map::new()),
    };
    Request {
        tgt: options.target.clone(),
        tgt_type: options.target_kind.name().to_owned(),
        fun,
        arg,
        kwarg,
        user: setup::user(),
        metadata: options.metadata.clone(),
        options: options.unkept.clone(),
    }
}

fn assign(
    options: &SshOptions,
    config: &Config,
    hosts: &[Host],
    request: &Request,
    jid: Jid,
) -> Vec<Assignment> {
    let raw = Work::Raw { command: options.words.join(" ") };
    let module = request.fun.split('.').next().unwrap_or_default();
    let public = PUBLIC_MODULES.contains(&module);
    let state_opts = match request.fun.as_str() {
        "sys.list_returners" | "sys.list_returner_functions" | "sys.returner_doc" => returns::told(),
        _ if STATE_MODULES.contains(&module) => desk::state_opts(config),
        _ => Map::new(),
    };
    let work = |host: &Host| {
        if options.raw {
            return raw.clone();
        }
        let opts = host_opts(options, config, host, &state_opts);
        let call = request.call(jid, host.id.clone(), opts, options.timeout);
        // What the roster has for this host alone may be a secret, whatever the module is.
        Work::Call { call: Box::new(call), public: public && host.minion_opts.is_empty() }
    };
    hosts.iter().map(|host| Assignment { host: host.clone(), work: work(host) }).collect()
}

/// What functions on this host see as `__opts__`.
fn host_opts(options: &SshOptions, config: &Config, host: &Host, state_opts: &Map) -> Map {
    let mut opts = state_opts.clone();
    opts.extend(host.minion_opts.clone());
    if !host.grains.is_empty() {
        opts.insert("grains", host.grains.clone());
    }
    if let Some(umask) = host.cmd_umask {
        opts.insert("cmd_umask", i64::from(umask));
    }
    if let Some(wait) = options.exclusive {
        opts.insert("__exclusive", i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
    }
    if (options.wipe || config.ssh.wipe) && !host.disable_wipe {
        opts.insert("__wipe", true);
    }
    opts
}

fn open_trust(options: &SshOptions, config: &Config) -> Result<TrustStore, Refusal> {
    let policy = options.trust.unwrap_or(match (config.ssh.no_host_keys, config.ssh.ignore_host_keys) {
        (true, _) => Policy::Off,
        (false, true) => Policy::AcceptNew,
        (false, false) => Policy::Strict,
    });
    let home = std::env::home_dir().map(|home| home.join(".ssh/known_hosts"));
    let usual = home.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]);
    let files: Vec<PathBuf> = match &config.ssh.known_hosts_file {
        Some(file) => vec![file.clone()],
        None => usual.collect(),
    };
    let folder = config.dirs.pki.join("hosts");
    if policy != Policy::Off {
        private_dir(&folder).map_err(|error| Refusal::new(exit::CONFIG, error))?;
    }
    TrustStore::open(policy, &files, &folder.join("known_hosts"), &folder.join("pending"))
        .map_err(|error| Refusal::new(exit::CONFIG, error))
}

async fn open_store(options: &SshOptions, config: &Config) -> Result<Option<Arc<dyn JobStore>>, Refusal> {
    if !is_kept(options, config) {
        return Ok(None);
    }
    let hint = "or run without one: --no-cache";
    let refused =
        |error: StoreError| Refusal::new(exit::STORE, format!("{error}. {} ({hint})", error.hint()));
    let store = SqliteStore::open(&config.dirs.store).await.map_err(refused)?;
    Ok(Some(Arc::new(store.with_unique_ids(config.jobs.unique_ids))))
}

/// The job is durable with all its targets before the first connection.
async fn store_job(
    store: Option<&dyn JobStore>,
    request: &Request,
    targets: &[MinionId],
    (options, config): (&SshOptions, &Config),
    at_once_max: usize,
) -> Result<Jid, Refusal> {
    let Some(store) = store else {
        return Ok(options.common.jid.unwrap_or_else(|| config.jobs.id_of(system_clock()())));
    };
    let admitted = targets.len().min(admitted(at_once_max));
    let job = NewJob { request, targets, admitted, wanted: options.common.jid };
    store.begin(job).await.map_err(|error| Refusal::new(exit::STORE, format!("{error}. {}", error.hint())))
}

/// Sessions the file descriptors suffice for, once the limit is raised as far as it goes.
fn descriptors() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let reached = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    // A session has one; agents, files and the store need the rest.
    reached.map_or(usize::MAX, |count| {
        usize::try_from(count.saturating_sub(64) / 2).unwrap_or(usize::MAX).max(1)
    })
}
