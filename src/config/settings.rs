//! The configuration as the rest of the controller sees it. Every path is absolute or as the user wrote it.

use halite_roster::Defaults;
use halite_wire::{Jid, Map, Value};
use indexmap::IndexMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Salt's names of log levels, from the most to the least.
pub const LOG_LEVELS: [&str; 10] =
    ["all", "garbage", "trace", "debug", "profile", "info", "warning", "error", "critical", "quiet"];

/// The whole configuration: what the files say, with Salt's defaults and ours, checked and typed.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where `master` and `roster` are looked for. It may not exist.
    pub config_dir: PathBuf,
    pub dirs: Dirs,
    /// `user`, as written: whom Salt's daemons run as.
    pub user: Option<String>,
    /// `timeout`: how long a client waits for returns. `None` where the files do not say.
    pub timeout: Option<Duration>,
    pub roster: RosterConfig,
    /// Values for hosts: `roster_defaults` and the `ssh_*` keys. `command_line` is still empty.
    pub defaults: Defaults,
    pub ssh: SshConfig,
    pub files: FileConfig,
    pub jobs: JobConfig,
    pub output: OutputConfig,
    pub log: LogConfig,
    /// `nodegroups`, as written: a dict, or a list of dicts.
    pub nodegroups: Value,
    /// Options of the command that the Saltfile sets and that are no keys of a configuration: `verbose`, `static` ...
    pub saltfile: Opts,
    /// Every key as written, but for the passwords of hosts.
    pub opts: Opts,
}

/// Raw values; a dump of the program shows their names only, as some of them are secrets of other programs.
#[derive(Clone, Default)]
pub struct Opts(pub Map);

impl Opts {
    /// Whether `name` is there and means yes.
    pub fn is_on(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_truthy)
    }
}

impl fmt::Debug for Opts {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.debug_list().entries(self.0.keys()).finish()
    }
}

/// Where things are kept. Nothing is made before it is needed; see [`super::private_dir`].
#[derive(Clone, Debug, Default)]
pub struct Dirs {
    /// `root_dir`, put in front of the paths below where the files set it.
    pub root: PathBuf,
    /// Everything that can be made anew.
    pub cache: PathBuf,
    /// The job store.
    pub store: PathBuf,
    /// Keys: ours, and those of hosts.
    pub pki: PathBuf,
}

/// Which hosts there are.
#[derive(Clone, Debug)]
pub struct RosterConfig {
    /// Names of the backends, in order.
    pub backends: Vec<String>,
    pub file: PathBuf,
    /// `rosters`: the directories and files the API may choose from.
    pub rosters: Vec<PathBuf>,
    /// Add hosts that are reached without an entry (`--update-roster`).
    pub update: bool,
}

impl Default for RosterConfig {
    fn default() -> RosterConfig {
        RosterConfig {
            backends: vec!["flat".into()],
            file: PathBuf::new(),
            rosters: Vec::new(),
            update: false,
        }
    }
}

/// What concerns sessions and is the same for all hosts.
#[derive(Clone, Debug, Default)]
pub struct SshConfig {
    /// Hosts at once; `None` leaves it to the run.
    pub max_procs: Option<usize>,
    pub wipe: bool,
    pub run_pre_flight: bool,
    pub ignore_host_keys: bool,
    pub no_host_keys: bool,
    pub known_hosts_file: Option<PathBuf>,
    pub use_home_key: bool,
    /// `ssh_list_nodegroups`, as written.
    pub list_nodegroups: Map,
}

/// What hosts may ask for, and how it is rendered.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// Environment to directories, in the order they are searched.
    pub file_roots: IndexMap<String, Vec<PathBuf>>,
    pub pillar_roots: IndexMap<String, Vec<PathBuf>>,
    pub backends: Vec<String>,
    pub hash_type: String,
    /// Salt's pipe of renderers: `jinja|yaml`.
    pub renderer: String,
}

impl Default for FileConfig {
    fn default() -> FileConfig {
        FileConfig {
            file_roots: IndexMap::from([("base".into(), vec!["/srv/salt".into()])]),
            pillar_roots: IndexMap::from([("base".into(), vec!["/srv/pillar".into()])]),
            backends: vec!["roots".into()],
            hash_type: "sha256".into(),
            renderer: "jinja|yaml".into(),
        }
    }
}

/// What is kept of jobs.
#[derive(Clone, Debug)]
pub struct JobConfig {
    /// Whether jobs are kept at all.
    pub cache: bool,
    /// For how long; `None` means for ever.
    pub keep: Option<Duration>,
    /// Whether their ids end with the process that began them.
    pub unique_ids: bool,
}

impl JobConfig {
    /// The id of a job that begins now, where no store gives it one.
    pub fn id_of(&self, now_micros: u64) -> Jid {
        let jid = Jid::from_unix_micros(now_micros);
        if self.unique_ids { jid.of_process(std::process::id()) } else { jid }
    }
}

impl Default for JobConfig {
    fn default() -> JobConfig {
        JobConfig { cache: true, keep: Some(Duration::from_secs(86_400)), unique_ids: false }
    }
}

/// How results are shown where the command line does not say.
#[derive(Clone, Debug)]
pub struct OutputConfig {
    /// Name of the outputter; `None` leaves it to the function.
    pub output: Option<String>,
    /// `output_indent`: a number, or `pretty`.
    pub indent: Option<Value>,
    pub file: Option<PathBuf>,
    pub file_append: bool,
    /// `None`: on a terminal.
    pub color: Option<bool>,
    pub state_output: String,
    pub state_verbose: bool,
    pub state_output_diff: bool,
    pub state_output_pct: bool,
    pub state_output_profile: bool,
    /// Results mode `filter` leaves out, and those it shows as one line.
    pub state_output_exclude: Value,
    pub state_output_terse: Value,
    pub state_compress_ids: bool,
    /// A bool, or a format of columns.
    pub state_tabular: Value,
    /// `cli_summary`.
    pub summary: bool,
}

impl Default for OutputConfig {
    fn default() -> OutputConfig {
        OutputConfig {
            output: None,
            indent: None,
            file: None,
            file_append: false,
            color: None,
            state_output: "full".into(),
            state_verbose: true,
            state_output_diff: false,
            state_output_pct: false,
            state_output_profile: true,
            state_output_exclude: Value::Null,
            state_output_terse: Value::Null,
            state_compress_ids: false,
            state_tabular: Value::Bool(false),
            summary: false,
        }
    }
}

/// Levels are words of [`LOG_LEVELS`].
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// On the terminal.
    pub level: String,
    /// `ssh_log_file`, or `log_file` for other commands than `salt-ssh`; `None` keeps no log.
    pub file: Option<PathBuf>,
    /// In the file; `None` means as on the terminal.
    pub file_level: Option<String>,
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig { level: "warning".into(), file: None, file_level: None }
    }
}
