//! The field of a benchmark: the fleet, and configuration of every tool for every number of hosts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use halite_site::{Fleet, HostState};

use super::many;
use super::peers;
use super::states;
use super::tools::{Case, Line, Tool};
use crate::place;
use crate::ui::{Failure, Outcome};

/// Size of the file that is copied.
const BLOB_BYTES: usize = 10 << 20;
/// No run may take longer, in seconds; the slowest peer needs about 140 for first contact with 100 hosts.
const RUN_SECONDS: &str = "400";

/// Fleet, files, and the peers' environment where there is one.
pub struct Field<'a> {
    /// The fleet.
    pub fleet: &'a Fleet,
    dir: PathBuf,
    venv: Option<PathBuf>,
}

impl<'a> Field<'a> {
    /// Writes all configuration.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn new(fleet: &'a Fleet, venv: Option<PathBuf>, sizes: &[usize]) -> Outcome<Self> {
        let dir = fleet.dir().join("bench");
        let field = Self { fleet, dir, venv };
        fs::create_dir_all(field.dir.join("files"))?;
        // Not compressible, so that no tool gains by compressing.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let blob: Vec<u8> = std::iter::repeat_with(|| next_byte(&mut state)).take(BLOB_BYTES).collect();
        fs::write(field.blob(), blob)?;
        let config = fs::read_to_string(fleet.ssh_config())?;
        fs::write(field.file("ssh_config"), &config)?;
        let kex = config.replacen("Host *\n", "Host *\n  KexAlgorithms curve25519-sha256\n", 1);
        fs::write(field.file("ssh_config_kex"), kex)?;
        states::write(&field.dir.join("files"), &field.dir.join("peers"))?;
        many::write(&field.dir.join("many"))?;
        for &hosts in sizes {
            let ssh_config = field.file("ssh_config_kex");
            field.write_config(&field.config(hosts), &fleet.hosts()[..hosts], &ssh_config)?;
        }
        Ok(field)
    }

    /// A folder with the configuration of every tool for `hosts`; `ssh_config` is for those that run ssh themselves.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_config(&self, dir: &Path, hosts: &[HostState], ssh_config: &Path) -> Outcome {
        fs::create_dir_all(dir)?;
        let key = self.fleet.key();
        let entry = |host: &HostState| {
            let HostState { name, address, port, .. } = host;
            format!("{name}:\n  host: {address}\n  port: {port}\n  user: root\n  priv: {}\n", key.display())
        };
        fs::write(dir.join("roster"), hosts.iter().map(entry).collect::<String>())?;
        let list = hosts.iter().map(|host| format!("{}\n", host.address)).collect::<String>();
        fs::write(dir.join("hosts"), list)?;
        let known: String =
            hosts.iter().map(|host| format!("{} {}\n", host.known_hosts_name(), host.host_key)).collect();
        fs::write(dir.join("known_hosts"), known)?;
        let (here, files, many) = (dir.display(), self.dir.join("files"), self.dir.join("many"));
        let master = format!(
            "root_dir: {here}/root\ncachedir: {here}/root/cache\npki_dir: {here}/root/pki\nlog_file: {here}/root/log\n\
             ssh_log_file: {here}/root/log\nlog_level_logfile: quiet\nknown_hosts_file: {here}/known_hosts\n\
             roster_file: {here}/roster\nfile_roots:\n  base: [{}]\n  {}: [{}]\n",
            files.display(),
            many::ENVIRONMENT,
            many.display()
        );
        fs::write(dir.join("master"), master)?;
        peers::write_config(self.fleet, dir, hosts, ssh_config)
    }

    /// A file of the field.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The file that is copied; as `salt://blob` it is in the file roots.
    pub fn blob(&self) -> PathBuf {
        self.dir.join("files/blob")
    }

    /// The configuration folder for the first `hosts` hosts.
    pub fn config(&self, hosts: usize) -> PathBuf {
        self.dir.join(hosts.to_string())
    }

    /// A list of addresses, one in each line.
    pub fn list(&self, hosts: usize) -> PathBuf {
        self.config(hosts).join("hosts")
    }

    /// A program of the peers' environment.
    pub fn peer(&self, program: &str) -> Option<PathBuf> {
        self.venv.as_ref().map(|venv| venv.join("bin").join(program))
    }

    /// The command that runs a line where the hosts can be reached, with a limit of time.
    pub fn command(&self, line: &Line) -> Command {
        let mut command = self.fleet.command("timeout");
        command.args(["-k", "5", RUN_SECONDS]).args(line).current_dir(place::root()).stdin(Stdio::null());
        command.env("LC_ALL", "C.UTF-8").env("PYTHONWARNINGS", "ignore");
        command
    }

    /// One run of a tool, not measured.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run_once(&self, tool: &Tool, case: Case, hosts: usize) -> Outcome<Option<Output>> {
        let Some(line) = (tool.line)(self, case, hosts) else { return Ok(None) };
        let started = self.command(&line).output();
        started.map(Some).map_err(|error| Failure(format!("{} does not start: {error}", tool.name)))
    }

    /// Puts the hosts into the state a case begins with. For a first contact everything is taken that any tool has
    /// left, connections that were kept open included (they are the children of the host's PID 1).
    ///
    /// # Errors
    /// When a host cannot be entered.
    pub fn prepare(&self, case: Case, hosts: usize) -> Outcome {
        let command = match case {
            Case::Ping | Case::StatesAgain | Case::Compile => return Ok(()),
            Case::States => states::CLEAN,
            // What a host has fetched it keeps; only the second file would be free.
            Case::Copy => "rm -rf /tmp/blob /var/cache/halite",
            Case::FirstContact => {
                "pkill -P 1; rm -rf /var/cache/halite /var/tmp/* /var/tmp/.[!.]* /tmp/* /tmp/.[!.]* /root/.ansible"
            }
        };
        for host in &self.fleet.hosts()[..hosts] {
            self.fleet.exec_in(&host.name, command)?;
        }
        Ok(())
    }
}

/// A small generator (xorshift); good enough to defeat compression.
fn next_byte(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 32) as u8
}
