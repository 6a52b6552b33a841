//! `halite ssh`: from the command line to a plan, and from the end of the run to an exit code.

use super::conduct::{Conductor, RunEnd, thrown};
use super::keeper::Keeper;
use super::options::{LoginOptions, SshOptions};
use super::setup::{self, Refusal};
use super::{again, background, begin, complain, exit, password, returns, saltfile};
use crate::bus::Announcer;
use crate::config::Config;
use crate::fleet::facts::{Consumer, Request};
use crate::jobs::system_clock;
use crate::output::{Log, Options, Progress, Screen, Stderr};
use halite_roster::{Host, Identity, Roster, Settings, Targets};
use halite_wire::{Jid, Value};
use std::hash::{BuildHasher, RandomState};
use std::io::IsTerminal;
use std::time::Duration;
use tokio::sync::watch;

/// What a run that must end at once may still take to store and to show its last records.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
        return setup::print(&setup::output_options(&options.common.output, &config), &ids, None);
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
        let random = Jid::from_unix_micros(system_clock()());
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
    let output = setup::output_options(&options.common.output, config);
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
    let outlets = returns::open(&options.returners, &config, begin::is_kept(&options, &config), &log).await?;
    let mut ready = begin::job(&options, &config, hosts, outlets, &log, &stderr).await?;
    let conductor = &mut ready.conductor;
    if background::is_child() {
        let folder = config.dirs.store.with_file_name("async");
        background::detach(conductor.plan.jid, &folder, config.jobs.keep)?;
    }
    drop_old_jobs(conductor, &config, &log).await;
    conductor.consumers = consumers(&options, &config, &conductor.plan.request, &log, stderr)?;
    let stop_now = conductor.stop_now.clone();
    let end = tokio::select! {
        ended = tokio::spawn(ready.conductor.run(ready.assignments)) => ended,
        () = patience(stop_now) => return Ok(ready.received.exit_code().unwrap_or(exit::BUG)),
    };
    let end = end.map_err(|bug| Refusal::new(exit::BUG, bug))?;
    returns::afterwards(&config, end.undelivered).await;
    Ok(ready.received.exit_code().unwrap_or_else(|| code_of(&end, &log)))
}

async fn drop_old_jobs(conductor: &mut Conductor, config: &Config, log: &Log) {
    let Some(store) = &conductor.store else { return };
    let keep = config.jobs.keep.unwrap_or_default();
    match (store.prune(keep).await, &mut conductor.outbox) {
        (Ok(1..), Some(outbox)) => outbox.drop_older(keep),
        (Ok(_), _) => {}
        (Err(error), _) => log.warning(&format!("old jobs are not dropped: {error}")),
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
        ..setup::output_options(&options.common.output, config)
    };
    let stdout = std::io::stdout();
    let is_terminal = stdout.is_terminal();
    let screen = Screen::new(output, Box::new(stdout), is_terminal, Some(stderr))
        .map_err(|error| Refusal::new(exit::USAGE, error))?;
    let mut consumers: Vec<Box<dyn Consumer>> =
        vec![Box::new(screen), Box::new(Progress::new(log.clone(), !options.is_async))];
    if begin::is_kept(options, config) {
        consumers.push(Box::new(announcer(config)));
        consumers.push(Box::new(Keeper::new(&config.dirs.cache)));
    }
    Ok(consumers)
}

/// Makes events of a run.
pub(super) fn announcer(config: &Config) -> Announcer {
    Announcer::new(&config.dirs.store, &setup::master_id(config), system_clock())
}
