//! A running fleet: raised by [`Fleet::up`], used through its commands and files, gone with [`Fleet::down`] or drop.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::{AtPath, Result, SiteError};
use crate::files::folder;
use crate::host::Site;
use crate::keeper::Keeper;
use crate::keys::openssh_pair;
use crate::layers::{build_mask, build_minimal};
use crate::loopback::{self, is_listening};
use crate::netns;
use crate::packages::{ensure_packages, is_root};
use crate::plan::{Flavour, Host, Kind, Plan};
use crate::process::{Started, log_tail, tree, wait_until};
use crate::roster;
use crate::state::{FleetState, HostState};

/// A host must be there this long after the last one was started; a busy machine with 200 hosts needs some of it.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running fleet.
pub struct Fleet {
    dir: PathBuf,
    kind: Kind,
    keeper: Keeper,
    hosts: Vec<HostState>,
    /// Stays up when this value is dropped.
    stays: bool,
}

impl Fleet {
    /// Raises a fleet that ends with this value: in namespaces as root, on loopback otherwise. Several may be up at
    /// once, in one process or in many.
    ///
    /// # Errors
    /// When programs are missing, the kernel refuses namespaces or mounts, or a host does not answer; the plan's
    /// own faults (a host that needs namespaces where there are none) are [`SiteError::Plan`].
    pub fn up(plan: Plan) -> Result<Self> {
        Self::raise(&fresh_dir()?, best_kind(), &plan, false)
    }

    /// Raises `hosts` plain sshd processes on loopback, as root too: quicker, and less isolated.
    ///
    /// # Errors
    /// As [`Fleet::up`].
    pub fn loopback(hosts: usize) -> Result<Self> {
        Self::raise(&fresh_dir()?, Kind::Loopback, &Plan { openssh: hosts, ..Plan::default() }, false)
    }

    /// As [`Fleet::up`], with its state in `dir` (absolute; what was there is removed).
    ///
    /// # Errors
    /// As [`Fleet::up`]; also when a fleet is already up there.
    pub fn up_at(dir: &Path, plan: Plan) -> Result<Self> {
        clear(dir)?;
        Self::raise(dir, best_kind(), &plan, false)
    }

    /// As [`Fleet::up_at`], but it stays up after this process, until somebody takes it down.
    ///
    /// # Errors
    /// As [`Fleet::up_at`].
    pub fn up_in(dir: &Path, plan: Plan) -> Result<Self> {
        clear(dir)?;
        let mut fleet = Self::raise(dir, best_kind(), &plan, true)?;
        fleet.keeper.stay()?;
        Ok(fleet)
    }

    /// Finds the fleet that another process left up in `dir`.
    ///
    /// # Errors
    /// [`SiteError::Io`] when there is none.
    pub fn attach(dir: &Path) -> Result<Self> {
        let FleetState { kind, keeper, hosts } = FleetState::load(dir)?;
        let keeper = Keeper::attach(kind, dir, keeper);
        Ok(Self { dir: dir.to_owned(), kind, keeper, hosts, stays: true })
    }

    /// Ends every process of the fleet, unmounts and removes what it had.
    ///
    /// # Errors
    /// [`SiteError::Io`] when its folder cannot be removed; the processes are gone then.
    pub fn down(mut self) -> Result<()> {
        self.stays = true;
        self.take_down()
    }

    /// Forgets the fleet as a killed owner would: its keeper notices and cleans up on its own.
    pub fn abandon(mut self) {
        self.stays = true;
        self.keeper.let_go();
    }

    fn take_down(&mut self) -> Result<()> {
        self.keeper.end();
        remove(&self.dir)
    }

    fn raise(dir: &Path, kind: Kind, plan: &Plan, stays: bool) -> Result<Self> {
        // Tests run in parallel and without a terminal: nothing is to be said, only done or refused.
        ensure_packages(needed(kind, plan), &mut io::sink())?;
        folder(&dir.join("keys"), 0o700)?;
        let client_key = openssh_pair(&dir.join("keys/id_ed25519"), "fleet")?;
        let keeper = Keeper::start(kind, dir)?;
        // From here on a failure drops the fleet, and with it all that was started.
        let mut fleet = Self { dir: dir.to_owned(), kind, keeper, hosts: Vec::new(), stays: false };
        let hosts = plan.all_hosts();
        fleet.hosts = match kind {
            Kind::Namespaced => fleet.start_namespaced(&hosts, &client_key)?,
            Kind::Loopback => fleet.start_loopback(&hosts, &client_key)?,
        };
        roster::write_all(dir, &fleet.hosts)?;
        let state = FleetState { kind, keeper: fleet.keeper.process, hosts: fleet.hosts.clone() };
        state.save(dir)?;
        fleet.stays = stays;
        Ok(fleet)
    }

    fn start_loopback(&mut self, hosts: &[Host], client_key: &str) -> Result<Vec<HostState>> {
        hosts.iter().map(|host| loopback::start(&mut self.keeper, &self.dir, host, client_key)).collect()
    }

    /// Writes the layers, lets all hosts start at once, then waits for each.
    fn start_namespaced(&mut self, hosts: &[Host], client_key: &str) -> Result<Vec<HostState>> {
        let (outside, inside) = (self.keeper.tmpfs(), self.dir.join("fs"));
        if hosts.iter().any(|host| host.flavour == Flavour::OpenSsh) {
            build_mask(&outside.join("mask"))?;
        }
        if hosts.iter().any(|host| host.flavour == Flavour::Minimal) {
            build_minimal(&outside.join("minimal"))?;
        }
        let site = |(at, host)| Site { host, number: at + 1, outside: &outside, inside: &inside };
        let sites: Vec<Site<'_>> = hosts.iter().enumerate().map(site).collect();
        let mut host_keys = Vec::new();
        for site in &sites {
            host_keys.push(site.write(client_key)?);
            self.keeper.serve(&site.script())?;
        }
        let servers = self.wait_for_hosts(&sites)?;
        let states = sites.iter().zip(host_keys).zip(servers);
        Ok(states.map(|((site, host_key), server)| state_of(site, host_key, server)).collect())
    }

    /// Waits until every host listens; returns their servers in the order of `sites`.
    fn wait_for_hosts(&self, sites: &[Site<'_>]) -> Result<Vec<Started>> {
        let mut servers: Vec<Option<Started>> = vec![None; sites.len()];
        wait_until(READY_WITHIN, || {
            let pending = |at: &usize| servers[*at].is_none();
            let waiting: Vec<usize> = (0..sites.len()).filter(pending).collect();
            let running = named_roots(self.keeper.process.pid);
            for at in &waiting {
                let host = sites[*at].host;
                let found = running.iter().find(|(name, _)| *name == host.name).map(|(_, process)| *process);
                let net = |process: &Started| PathBuf::from(format!("/proc/{}/net", process.pid));
                servers[*at] = found.filter(|process| is_listening(&net(process), None, host.port));
            }
            waiting.is_empty() || waiting.iter().any(|at| sites[*at].failed_mark().exists())
        });
        let log = |name: &str| log_tail(&self.dir.join("log").join(format!("{name}.log")));
        let not_ready = |host: &Host| SiteError::NotReady { host: host.name.clone(), log: log(&host.name) };
        if let Some(failed) = sites.iter().find(|site| site.failed_mark().exists()) {
            return Err(not_ready(failed.host));
        }
        sites.iter().zip(servers).map(|(site, server)| server.ok_or_else(|| not_ready(site.host))).collect()
    }

    /// How this fleet is isolated.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The running hosts in roster order.
    pub fn hosts(&self) -> &[HostState] {
        &self.hosts
    }

    /// One host by name.
    ///
    /// # Errors
    /// [`SiteError::NoSuchHost`] with the names there are.
    pub fn host(&self, name: &str) -> Result<&HostState> {
        self.hosts.iter().find(|host| host.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.hosts.iter().map(|host| host.name.as_str()).collect();
            SiteError::NoSuchHost { name: name.into(), known: names.join(", ") }
        })
    }

    /// The fleet's folder on disk.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the fleet still runs; one found by [`Fleet::attach`] may have ended with the machine.
    pub fn is_up(&self) -> bool {
        self.keeper.process.is_alive()
    }

    /// A configuration folder for the controller: `master`, `roster`, `known_hosts`.
    pub fn config_dir(&self) -> PathBuf {
        self.dir.join("etc")
    }

    /// The private key that opens every host.
    pub fn key(&self) -> PathBuf {
        self.dir.join("keys/id_ed25519")
    }

    /// The known_hosts file with every host's key.
    pub fn known_hosts(&self) -> PathBuf {
        self.dir.join("etc/known_hosts")
    }

    /// A configuration for OpenSSH's client: `ssh -F FILE h001`.
    pub fn ssh_config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }

    /// Writes the flat roster to a file of the caller's choice.
    ///
    /// # Errors
    /// [`SiteError::Io`] when it cannot be written.
    pub fn roster(&self, path: &Path) -> Result<()> {
        fs::write(path, roster::roster(&self.hosts, &self.key())).at(path)
    }

    /// A program that will run where the hosts can be reached: in the controller's network namespace. Files,
    /// processes and user are those of the caller.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        match self.kind {
            Kind::Loopback => Command::new(program),
            Kind::Namespaced => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--net={}", self.keeper.network().display())).arg("--").arg(program);
                command
            }
        }
    }

    /// Bytes that crossed the fleet's bridge so far: to the hosts, and from them. `None` on loopback, where nobody
    /// counts them apart.
    pub fn traffic(&self) -> Option<(u64, u64)> {
        let counters = fs::read_to_string(format!("/proc/{}/net/dev", self.keeper.process.pid)).ok()?;
        let line = counters.lines().find_map(|line| line.trim().strip_prefix("br0:"))?;
        let counts: Vec<u64> = line.split_whitespace().filter_map(|count| count.parse().ok()).collect();
        Some((*counts.get(8)?, *counts.first()?))
    }

    /// Runs `work` on a thread in the controller's network namespace: sockets it makes, and threads it starts, are
    /// of that network for good.
    ///
    /// # Errors
    /// [`SiteError::Io`] when the namespace is gone; a panic of `work` is [`SiteError::Program`].
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        match self.kind {
            Kind::Loopback => Ok(work()),
            Kind::Namespaced => netns::within(&self.keeper.network(), work),
        }
    }

    /// A shell command that will run inside a host, in all its namespaces, as root, without SSH. On loopback it runs
    /// beside the server, as the current user.
    ///
    /// # Errors
    /// [`SiteError::NoSuchHost`].
    pub fn command_in(&self, name: &str, shell_command: &str) -> Result<Command> {
        let host = self.host(name)?;
        let mut command = match self.kind {
            Kind::Loopback => {
                let mut command = Command::new("/bin/sh");
                command.current_dir(loopback::host_folder(&self.dir, name));
                command
            }
            Kind::Namespaced => {
                let mut command = Command::new("nsenter");
                command.args([
                    "-t",
                    &host.server.pid.to_string(),
                    "-m",
                    "-u",
                    "-i",
                    "-n",
                    "-p",
                    "-r",
                    "-w",
                    "--",
                ]);
                command.arg("/bin/sh");
                command
            }
        };
        command.args(["-c", shell_command]);
        Ok(command)
    }

    /// Runs a shell command inside a host to its end (see [`Fleet::command_in`]).
    ///
    /// # Errors
    /// [`SiteError::NoSuchHost`]; [`SiteError::Program`] when nothing could be started.
    pub fn exec_in(&self, name: &str, shell_command: &str) -> Result<Output> {
        let output = self.command_in(name, shell_command)?.output();
        output.map_err(|error| SiteError::Program { program: "nsenter".into(), said: error.to_string() })
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if !self.stays {
            // Nobody is left to hear of it; the processes are gone in any case.
            let _ = self.take_down();
        }
    }
}

fn state_of(site: &Site<'_>, host_key: String, server: Started) -> HostState {
    let host = site.host;
    HostState {
        name: host.name.clone(),
        flavour: host.flavour,
        address: site.address(),
        port: host.port,
        login: host.login.clone(),
        host_key,
        roster_lines: host.roster_lines.clone(),
        server,
    }
}

/// Host name and process of every PID 1 below the keeper that has changed into its own root.
fn named_roots(keeper: u32) -> Vec<(String, Started)> {
    let first_of_namespace = |process: &Started| {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap_or_default();
        let levels = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
        levels.split_whitespace().count() >= 3 && levels.ends_with("\t1")
    };
    let named = |process: Started| {
        let name = fs::read_to_string(format!("/proc/{}/root/etc/hostname", process.pid)).ok()?;
        Some((name.trim().to_owned(), process))
    };
    tree(keeper).into_iter().filter(first_of_namespace).filter_map(named).collect()
}

fn best_kind() -> Kind {
    if is_root() { Kind::Namespaced } else { Kind::Loopback }
}

/// Programs this plan cannot do without.
fn needed(kind: Kind, plan: &Plan) -> &'static [&'static str] {
    let minimal = plan.minimal > 0 || plan.hosts.iter().any(|host| host.flavour == Flavour::Minimal);
    match kind {
        Kind::Loopback => &["sshd", "ssh-keygen"],
        Kind::Namespaced if minimal => &[
            "sshd",
            "ssh-keygen",
            "ip",
            "unshare",
            "nsenter",
            "openssl",
            "dropbear",
            "dropbearkey",
            "busybox",
        ],
        Kind::Namespaced => &["sshd", "ssh-keygen", "ip", "unshare", "nsenter", "openssl"],
    }
}

/// Makes room for a fleet in `dir`, unless one is up there.
fn clear(dir: &Path) -> Result<()> {
    if Fleet::attach(dir).is_ok_and(|fleet| fleet.is_up()) {
        return Err(SiteError::Plan(format!("a fleet is already up in {}", dir.display())));
    }
    remove(dir)?;
    folder(dir, 0o755)
}

/// A new folder for one fleet.
fn fresh_dir() -> Result<PathBuf> {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("halite-fleet-{}-{number}", process::id()));
    fs::create_dir(&dir).at(&dir)?;
    Ok(dir)
}

/// Removes a folder; the mount in it may take a moment to go with its namespace.
fn remove(dir: &Path) -> Result<()> {
    let mut last = Ok(());
    wait_until(Duration::from_secs(2), || {
        last = match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        last.is_ok()
    });
    last.at(dir)
}
