//! What is settled when all keys are read: values that depend on several keys, on the machine and on the user.

use super::keys::{Draft, problem};
use super::settings::{Config, Dirs};
use super::{Locate, Warning};
use halite_roster::Entry;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Salt's default of `timeout`.
const TIMEOUT_USUAL: Duration = Duration::from_secs(5);

impl Draft {
    /// Settles what depends on several keys and on the machine.
    pub fn finish(mut self, locate: &Locate, config_dir: PathBuf, warnings: &mut Vec<Warning>) -> Config {
        self.config.dirs = self.dirs(locate, &config_dir);
        self.config.roster.file = self.roster_file.take().unwrap_or_else(|| config_dir.join("roster"));
        self.config.jobs.keep = self.keep_jobs();
        self.config.log.file = self.log(locate.program);
        if let Some(ssh_timeout) = self.ssh_timeout {
            // Salt's sum: what it hands to ssh is the time for ssh and the time for an answer.
            let timeout = self.config.timeout.unwrap_or(TIMEOUT_USUAL);
            self.config.defaults.config.connect_timeout = Some(ssh_timeout + timeout);
        }
        self.take_default_key(locate, warnings);
        self.config.config_dir = config_dir;
        self.config
    }

    fn dirs(&self, locate: &Locate, config_dir: &Path) -> Dirs {
        let env = &locate.env;
        let rooted = |path: &str| self.root_dir.as_ref().map(|_| self.under_root(Path::new(path)));
        let system = |is_ours: bool, path: PathBuf| is_ours.then_some(path);
        // Salt's directory may belong to Salt's user, so ours is one of our own inside it.
        let cache = (self.cachedir.as_ref().map(|dir| self.under_root(dir).join("halite")))
            .or_else(|| rooted("/var/cache/halite"))
            .or_else(|| system(env.is_root, "/var/cache/halite".into()))
            .or_else(|| env.user_cache_dir())
            .unwrap_or_else(|| config_dir.join("cache"));
        let may_write = env.is_root || !env.system_dirs.iter().any(|dir| dir == config_dir);
        let pki = (self.pki_dir.as_ref().map(|dir| self.under_root(dir)))
            .or_else(|| rooted("/etc/salt/pki/master"))
            .or_else(|| system(may_write, config_dir.join("pki/master")))
            .or_else(|| env.user_config_dir().map(|dir| dir.join("pki/master")))
            .unwrap_or_else(|| config_dir.join("pki/master"));
        let root = self.root_dir.clone().unwrap_or_else(|| "/".into());
        Dirs { root, store: cache.join("jobs"), cache, pki }
    }

    /// `path` below `root_dir`; one that is there already stays.
    fn under_root(&self, path: &Path) -> PathBuf {
        match &self.root_dir {
            Some(root) if !path.starts_with(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
            _ => path.to_owned(),
        }
    }

    /// Seconds win over hours, which Salt calls deprecated; 0 keeps jobs for ever.
    fn keep_jobs(&self) -> Option<Duration> {
        let hours = self.keep_jobs_hours.map(|hours| hours.saturating_mul(3600));
        match self.keep_jobs_seconds.or(hours) {
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => self.config.jobs.keep,
        }
    }

    fn log(&self, program: &str) -> Option<PathBuf> {
        let file = if program == "salt-ssh" { &self.ssh_log_file } else { &self.log_file };
        file.as_ref().map(|file| self.under_root(file))
    }

    /// The key for hosts that name none: the user's own where the configuration wants that, `ssh_priv`, or the one
    /// Salt keeps with its own keys.
    fn take_default_key(&mut self, locate: &Locate, warnings: &mut Vec<Warning>) {
        let host = &mut self.config.defaults.config;
        let at_home = locate.env.home.as_ref().map(|home| home.join(".ssh/id_rsa"));
        let at_home = at_home.filter(|file| self.config.ssh.use_home_key && file.is_file());
        let in_pki = Some(self.config.dirs.pki.join("ssh/salt-ssh.rsa")).filter(|file| file.is_file());
        let set =
            |host: &mut Entry, file: PathBuf| host.set_value("priv", file.to_string_lossy().into_owned());
        if let Some(file) = at_home {
            let _ = set(host, file);
        } else if let Some(setting) = &self.ssh_priv {
            if let Err(wrong) = host.set("priv", &setting.value) {
                warnings.push(problem(setting, &wrong));
            }
        } else if let Some(file) = in_pki {
            // One that we may not read is no concern of a user who never named it.
            let _ = set(host, file);
        }
    }
}
