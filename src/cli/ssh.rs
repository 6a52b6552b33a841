//! `halite ssh`: from the command line to a plan, and from the end of the run to an exit code.

use super::conduct::{Conductor, RunEnd, admitted, thrown};
use super::keeper::Keeper;
use super::options::{LoginOptions, SshOptions, TypedCall};
use super::setup::{self, Refusal};
use super::{again, background, complain, desk, exit, key_deploy, password, returns, saltfile, signals};
use crate::bus::Announcer;
use crate::config::{Config, private_dir};
use crate::fleet::facts::{Consumer, Plan, Request};
use crate::fleet::pace::Pace;
use crate::fleet::turns::Assignment;
use crate::jobs::{JobStore, NewJob, SqliteStore};
use crate::output::{Log, Options, Progress, Screen, Stderr};
use crate::session::{KeyRing, Limits, Shared, StopSignal, Work};
use crate::trust::{Policy, TrustStore};
use halite_render::args::parse_input;
use halite_roster::{Host, Identity, Roster, Settings, Targets};
use halite_wire::{Jid, Map, MinionId, Value};
use std::hash::{BuildHasher, RandomState};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Hosts at once where nobody says otherwise: sessions are cheap, and file descriptors (1,024) the first limit.
const AT_ONCE_USUAL: usize = 400;

/// What a run that must end at once may still take to store and to show its last records.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Modules whose arguments may be seen by other users of a host: they ask and tell nothing secret. Their calls
/// travel in the command line. `file` is none of them: its functions write what they are given.
const PUBLIC_MODULES: [&str; 7] = ["test", "grains", "sys", "status", "disk", "network", "saltutil"];

/// Modules that read state trees: they are told how the configuration wants those compiled.
const STATE_MODULES: [&str; 4] = ["state", "slsutil", "jinja", "cp"];

pub fn main(options: SshOptions) -> u8 {
    if let Some(advice) = options.unsupported() {
        return complain(&advice, exit::USAGE);
    }
    if options.is_async && !background::is_child() {
        return background::main();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers()).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("cannot start: {error}"), exit::BUG),
    };
    let code = runtime
        .block_on(async { command(options).await.unwrap_or_else(|no| complain(&no.message, no.code)) });
    // A name look-up that hangs in the system must not hold us here.
    runtime.shutdown_background();
    code
}

/// Two threads do for thousands of sessions; more only where there are many processors.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8))
}

async fn command(mut options: SshOptions) -> Result<u8, Refusal> {
    let (mut config, log, stderr) = setup::begin(&options.common, "salt-ssh")?;
    saltfile::complete(&mut options, &config.saltfile);
    take_login(&mut config, &options.login)?;
    let Some(options) = again::resolve(options, &config, &log).await? else { return Ok(exit::OK) };
    let connect_timeout = &mut config.defaults.config.connect_timeout;
    *connect_timeout = options.connect_timeout.or(*connect_timeout);
    let roster = load_roster(&options, &config, &log)?;
    if options.hosts {
        return list_hosts(&options, &config, roster);
    }
    let targets = select(&options, &config, &roster)?;
    if options.preview_target {
        let ids: Value = targets.selected.hosts.iter().map(|host| host.id.as_str()).collect();
        return setup::print(&setup::output_options(&options.common.output, &config.output), &ids, None);
    }
    tell_missing(&targets.selected.missing, &log);
    if targets.selected.hosts.is_empty() {
        let message = no_target(&options, &roster);
        return if options.allow_empty { Ok(exit::OK) } else { Err(Refusal::new(exit::NO_TARGET, message)) };
    }
    if let Some(direct) = targets.unlisted.as_ref().filter(|_| options.update_roster || config.roster.update)
    {
        halite_roster::append(&roster.file, direct, config.defaults.config.passwd.as_ref())
            .map_err(|error| Refusal::new(exit::CONFIG, error))?;
    }
    let mut hosts: Vec<Host> = targets.selected.hosts.into_iter().map(with_usual_keys).collect();
    if let Some(count) = options.subset {
        hosts = at_random(hosts, count);
    }
    if options.rand_thin_dir {
        let random = Jid::from_unix_micros(now_micros());
        hosts.iter_mut().for_each(|host| host.thin_dir = Some(format!("/var/tmp/.halite-{random}")));
    }
    run(options, config, hosts, log, stderr).await
}

/// So many of the hosts, picked at random, in the order they had.
fn at_random(mut hosts: Vec<Host>, count: usize) -> Vec<Host> {
    let order = RandomState::new();
    let mut lots: Vec<u64> = hosts.iter().map(|host| order.hash_one(&host.id)).collect();
    lots.sort_unstable();
    let last = count.checked_sub(1).and_then(|last| lots.get(last)).copied().unwrap_or(u64::MAX);
    hosts.retain(|host| order.hash_one(&host.id) <= last);
    hosts
}

/// The command line's login options are defaults, as in Salt: what the roster says of a host counts more.
pub(super) fn take_login(config: &mut Config, login: &LoginOptions) -> Result<(), Refusal> {
    let asked = |prompt: &str| password::ask(prompt).map_err(|why| Refusal::new(exit::USAGE, why));
    let passwd = if login.askpass { Some(asked("SSH password: ")?) } else { login.passwd.clone() };
    let sudo_passwd = if login.ask_sudo_pass { Some(asked("sudo password: ")?) } else { None };
    let defaults = &mut config.defaults.config;
    defaults.port = login.port.or(defaults.port);
    defaults.passwd = passwd.or(defaults.passwd.take());
    defaults.sudo_passwd = sudo_passwd.or(defaults.sudo_passwd.take());
    defaults.priv_passwd = login.private_key_passphrase.clone().or(defaults.priv_passwd.take());
    defaults.sudo = login.sudo.then_some(true).or(defaults.sudo);
    defaults.identities_only = login.identities_only.then_some(true).or(defaults.identities_only);
    let wrong = |key: &str, why: String| Refusal::new(exit::USAGE, format!("--{key} {why}"));
    let texts = [("user", &login.user), ("sudo-user", &login.sudo_user), ("priv", &login.private_key)];
    for (option, text) in texts {
        let Some(text) = text else { continue };
        let set = defaults.set_value(&option.replace('-', "_"), text.as_str());
        set.map_err(|why| wrong(option, why.to_string()))?;
    }
    if !login.ssh_options.is_empty() {
        let list: Value = login.ssh_options.iter().map(String::as_str).collect();
        defaults.set_value("ssh_options", list).map_err(|why| wrong("ssh-option", why.to_string()))?;
    }
    Ok(())
}

pub(super) fn load_roster(options: &SshOptions, config: &Config, log: &Log) -> Result<Roster, Refusal> {
    let backends = match &options.roster {
        Some(names) => names.split(',').map(|name| name.trim().to_owned()).collect(),
        None => config.roster.backends.clone(),
    };
    let named = options.roster_file.clone();
    let file = named.clone().unwrap_or_else(|| config.roster.file.clone());
    if named.is_none() && !file.exists() {
        // A target like root@10.0.0.1 needs no roster.
        return Ok(Roster { file, hosts: Vec::new(), warnings: Vec::new() });
    }
    let settings = Settings { file, defaults: config.defaults.clone() };
    let roster =
        halite_roster::load(&backends, &settings).map_err(|problems| Refusal::new(exit::CONFIG, problems))?;
    roster.warnings.iter().for_each(|warning| log.warning(&warning.to_string()));
    Ok(roster)
}

/// `-H`: all hosts of the roster, or those of the target.
fn list_hosts(options: &SshOptions, config: &Config, mut roster: Roster) -> Result<u8, Refusal> {
    if !options.target.is_empty() {
        let selected = select(options, config, &roster)?.selected;
        if selected.hosts.is_empty() && !options.allow_empty {
            return Err(Refusal::new(exit::NO_TARGET, no_target(options, &roster)));
        }
        roster.hosts = selected.hosts;
    }
    let output = setup::output_options(&options.common.output, &config.output);
    setup::print(&output, &Value::Map(roster.listing()), None)
}

pub(super) fn select(options: &SshOptions, config: &Config, roster: &Roster) -> Result<Targets, Refusal> {
    let (target, kind) = (&options.target, options.target_kind);
    halite_roster::targets(roster, target, kind, &config.defaults, halite_roster::resolves)
        .map_err(|error| Refusal::new(exit::USAGE, error))
}

/// Names of a list that no host of the roster has; where they are many, the first of them.
pub(super) fn tell_missing(missing: &[String], log: &Log) {
    const NAMED_MAX: usize = 5;
    for name in missing.iter().take(NAMED_MAX) {
        log.warning(&format!("no host of the roster matches {name:?}"));
    }
    if missing.len() > NAMED_MAX {
        log.warning(&format!("nor any of {} more names", missing.len() - NAMED_MAX));
    }
}

pub(super) fn no_target(options: &SshOptions, roster: &Roster) -> String {
    let what = format!("no host matches {:?} ({})", options.target, options.target_kind.name());
    let file = roster.file.display();
    if !roster.file.exists() {
        return format!(
            "{what}: there is no roster at {file} yet.\n\nA first one, in a minute:\n\n    mkdir -p {}\n    \
             printf 'web1:\\n  host: 192.0.2.10\\n  user: root\\n' > {file}\n\n\
             or name a host right away: halite ssh root@192.0.2.10 test.ping",
            roster.file.parent().map(|folder| folder.display().to_string()).unwrap_or_default()
        );
    }
    match roster.hosts.len() {
        0 => format!("{what}: the roster {file} is empty"),
        count => format!("{what} among the {count} hosts of {file}; `-H` lists them"),
    }
}

/// Hosts that name no key get the agent's and the user's own, as `ssh` would use them.
pub(super) fn with_usual_keys(mut host: Host) -> Host {
    if host.identities.is_empty() && !host.identities_only {
        if std::env::var_os("SSH_AUTH_SOCK").is_some() {
            host.identities.push(Identity::Agent);
        }
        let folder = std::env::home_dir().map(|home| home.join(".ssh")).unwrap_or_default();
        let files = ["id_ed25519", "id_ecdsa", "id_rsa"].map(|name| folder.join(name));
        host.identities.extend(files.into_iter().filter(|file| file.is_file()).map(Identity::File));
    }
    host
}

async fn run(
    options: SshOptions,
    config: Config,
    hosts: Vec<Host>,
    log: Log,
    stderr: Stderr,
) -> Result<u8, Refusal> {
    let limits = Limits::default().with_timeout(options.timeout);
    let request = request(&options);
    let shared = Arc::new(Shared {
        trust: Arc::new(open_trust(&options, &config)?),
        keys: KeyRing::default(),
        desk: Arc::new(desk::open(&config, &request)?),
        limits,
    });
    if options.login.key_deploy {
        key_deploy::deploy(&shared, &hosts, &log).await;
    }
    let (switch, stop) = StopSignal::new();
    let (switch_now, stop_now) = watch::channel(false);
    // Before the job is stored: from then on its hosts have a right to their records.
    let received = signals::listen(switch, switch_now, stderr.clone())
        .map_err(|error| Refusal::new(exit::BUG, format!("signals cannot be heard: {error}")))?;
    let pace = pace(&options, &config, hosts.len());
    let ids: Vec<MinionId> = hosts.iter().map(|host| host.id.clone()).collect();
    let store = open_store(&options, &config).await?;
    let outlets = returns::open(&options.returners, &config, store.is_some()).await?;
    let jid = begin(store.as_deref(), &request, &ids, &options, pace.at_once_max).await?;
    let mut outbox = returns::begin(outlets, jid, &request, &ids).await?;
    if background::is_child() {
        background::detach(jid, &config.dirs.store.with_file_name("async"), config.jobs.keep)?;
    }
    if let Some(store) = &store {
        let keep = config.jobs.keep.unwrap_or_default();
        match (store.prune(keep).await, &mut outbox) {
            (Ok(1..), Some(outbox)) => outbox.drop_older(keep),
            (Ok(_), _) => {}
            (Err(error), _) => log.warning(&format!("old jobs are not dropped: {error}")),
        }
    }
    let assignments = assign(&options, &config, &hosts, &request, jid);
    let consumers = consumers(&options, &config, &request, &log, stderr)?;
    let conductor = Conductor {
        plan: Arc::new(Plan { jid, request, hosts }),
        shared,
        store,
        outbox,
        pace,
        stop,
        stop_now: stop_now.clone(),
        consumers,
    };
    let end = tokio::select! {
        ended = tokio::spawn(conductor.run(assignments)) => ended,
        () = patience(stop_now) => return Ok(received.exit_code().unwrap_or(exit::BUG)),
    };
    let end = end.map_err(|bug| Refusal::new(exit::BUG, bug))?;
    returns::afterwards(&config, end.undelivered).await;
    Ok(received.exit_code().unwrap_or_else(|| code_of(&end, &log)))
}

/// A batch is smaller than what the machine could do, or it is none.
pub(super) fn pace(options: &SshOptions, config: &Config, hosts: usize) -> Pace {
    let most = options.max_procs.or(config.ssh.max_procs).unwrap_or(AT_ONCE_USUAL).min(descriptors());
    let wanted = &options.pace;
    Pace {
        at_once_max: wanted.batch_of(hosts).map_or(most, |batch| batch.min(most)),
        rest: wanted.batch_wait,
        failures_max: wanted.failures_max,
    }
}

/// Ends a moment after the second Ctrl-C: a reader who sleeps may hold the results up, but not us.
async fn patience(mut stop_now: watch::Receiver<bool>) {
    thrown(&mut stop_now).await;
    tokio::time::sleep(LAST_WORDS).await;
}

fn code_of(end: &RunEnd, log: &Log) -> u8 {
    if let Some(error) = &end.store_error {
        log.error(&format!("{error}. {}", error.hint()));
    }
    if let Some(error) = &end.spool_error {
        log.error(&format!("{error}. Returners did not get all returns."));
    }
    if let Some(error) = &end.consumer_error {
        log.error(error);
    }
    let code = exit::of_run(&end.tally, end.untrusted, end.consumer_error.is_some());
    if end.store_error.is_some() || end.spool_error.is_some() { code.max(exit::STORE) } else { code }
}

/// Who runs this, as Salt writes it.
pub(super) fn user() -> String {
    std::env::var("SUDO_USER").map_or_else(
        |_| std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "root".to_owned()),
        |user| format!("sudo_{user}"),
    )
}

pub(super) fn request(options: &SshOptions) -> Request {
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
        user: user(),
        metadata: options.metadata.clone(),
        options: options.unkept.clone(),
    }
}

pub(super) fn assign(
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

pub(super) fn open_trust(options: &SshOptions, config: &Config) -> Result<TrustStore, Refusal> {
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

pub(super) async fn open_store(
    options: &SshOptions,
    config: &Config,
) -> Result<Option<Arc<dyn JobStore>>, Refusal> {
    if options.no_cache || !config.jobs.cache {
        return Ok(None);
    }
    let hint = "or run without one: --no-cache";
    let refused = |error: crate::jobs::StoreError| {
        Refusal::new(exit::STORE, format!("{error}. {} ({hint})", error.hint()))
    };
    let store = SqliteStore::open(&config.dirs.store).await.map_err(refused)?;
    Ok(Some(Arc::new(store)))
}

/// The job is durable with all its targets before the first connection.
pub(super) async fn begin(
    store: Option<&dyn JobStore>,
    request: &Request,
    targets: &[MinionId],
    options: &SshOptions,
    at_once_max: usize,
) -> Result<Jid, Refusal> {
    let Some(store) = store else {
        return Ok(options.common.jid.unwrap_or_else(|| Jid::from_unix_micros(now_micros())));
    };
    let admitted = targets.len().min(admitted(at_once_max));
    let job = NewJob { request, targets, admitted, wanted: options.common.jid };
    store.begin(job).await.map_err(|error| Refusal::new(exit::STORE, format!("{error}. {}", error.hint())))
}

fn now_micros() -> u64 {
    crate::jobs::system_clock()()
}

fn consumers(
    options: &SshOptions,
    config: &Config,
    request: &Request,
    log: &Log,
    stderr: Stderr,
) -> Result<Vec<Box<dyn Consumer>>, Refusal> {
    let mut states = setup::state_view(&options.common.output, &config.output);
    states.take_keywords(&request.kwarg);
    let output = Options {
        states: states.into(),
        static_out: options.is_static,
        verbose: options.verbose,
        show_jid: options.show_jid,
        summary: options.summary || config.output.summary,
        ..setup::output_options(&options.common.output, &config.output)
    };
    let stdout = std::io::stdout();
    let is_terminal = stdout.is_terminal();
    let screen = Screen::new(output, Box::new(stdout), is_terminal, Some(stderr))
        .map_err(|error| Refusal::new(exit::USAGE, error))?;
    let mut consumers: Vec<Box<dyn Consumer>> =
        vec![Box::new(screen), Box::new(Progress::new(log.clone(), !options.is_async))];
    if config.jobs.cache && !options.no_cache {
        consumers.push(Box::new(announcer(config)));
        consumers.push(Box::new(Keeper::new(&config.dirs.cache)));
    }
    Ok(consumers)
}

/// Makes events of a run.
pub(super) fn announcer(config: &Config) -> Announcer {
    Announcer::new(&config.dirs.store, &setup::master_id(config), crate::jobs::system_clock())
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
