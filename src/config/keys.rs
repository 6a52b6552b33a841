//! The keys that mean something here: their types, and where their values go.

use super::Warning;
use super::document::Setting;
use super::known::{KNOWN, is_known};
use super::paths;
use super::settings::{Config, LOG_LEVELS};
use halite_render::yaml::{Node, NodeKind};
use halite_roster::read::{self, Mismatch, Read};
use halite_roster::{Entry, Problem, did_you_mean};
use halite_wire::Value;
use indexmap::IndexMap;
use std::path::PathBuf;
use std::time::Duration;

/// A configuration in the making: what is settled, and what waits for other keys.
#[derive(Default)]
pub(super) struct Draft {
    pub config: Config,
    pub root_dir: Option<PathBuf>,
    pub cachedir: Option<PathBuf>,
    pub pki_dir: Option<PathBuf>,
    pub roster_file: Option<PathBuf>,
    pub log_file: Option<PathBuf>,
    pub ssh_log_file: Option<PathBuf>,
    pub keep_jobs_hours: Option<u64>,
    pub keep_jobs_seconds: Option<u64>,
    pub ssh_timeout: Option<Duration>,
    /// Kept with its place: that the file is missing is a warning only.
    pub ssh_priv: Option<Setting>,
}

struct Key {
    name: &'static str,
    set: fn(&mut Draft, &Node) -> Read<()>,
}

/// Every key with a meaning, sorted. `roster_defaults` and `ssh_priv` are read in [`Draft::take`].
const KEYS: &[Key] = &[
    Key { name: "cachedir", set: |draft, node| some(&mut draft.cachedir, read::path(node)) },
    Key {
        name: "cli_summary",
        set: |draft, node| put(&mut draft.config.output.summary, read::boolean(node)),
    },
    Key { name: "color", set: |draft, node| some(&mut draft.config.output.color, read::boolean(node)) },
    Key { name: "default_include", set: |_, node| read::words(node).map(drop) },
    Key { name: "file_roots", set: |draft, node| put(&mut draft.config.files.file_roots, roots(node)) },
    Key {
        name: "fileserver_backend",
        set: |draft, node| put(&mut draft.config.files.backends, read::words(node)),
    },
    Key { name: "hash_type", set: |draft, node| put(&mut draft.config.files.hash_type, hash_type(node)) },
    Key {
        name: "ignore_host_keys",
        set: |draft, node| put(&mut draft.config.ssh.ignore_host_keys, read::boolean(node)),
    },
    Key { name: "include", set: |_, node| read::words(node).map(drop) },
    Key { name: "job_cache", set: |draft, node| put(&mut draft.config.jobs.cache, read::boolean(node)) },
    Key { name: "keep_jobs", set: |draft, node| some(&mut draft.keep_jobs_hours, whole(node)) },
    Key { name: "keep_jobs_seconds", set: |draft, node| some(&mut draft.keep_jobs_seconds, whole(node)) },
    Key {
        name: "known_hosts_file",
        set: |draft, node| some(&mut draft.config.ssh.known_hosts_file, read::path(node)),
    },
    Key { name: "log_file", set: |draft, node| some(&mut draft.log_file, read::path(node)) },
    Key { name: "log_level", set: |draft, node| put(&mut draft.config.log.level, log_level(node)) },
    Key {
        name: "log_level_logfile",
        set: |draft, node| some(&mut draft.config.log.file_level, log_level(node)),
    },
    Key {
        name: "no_host_keys",
        set: |draft, node| put(&mut draft.config.ssh.no_host_keys, read::boolean(node)),
    },
    Key { name: "nodegroups", set: |draft, node| put(&mut draft.config.nodegroups, nodegroups(node)) },
    Key { name: "output", set: |draft, node| some(&mut draft.config.output.output, read::word(node)) },
    Key { name: "output_file", set: |draft, node| some(&mut draft.config.output.file, read::path(node)) },
    Key {
        name: "output_file_append",
        set: |draft, node| put(&mut draft.config.output.file_append, read::boolean(node)),
    },
    Key {
        name: "output_indent",
        set: |draft, node| some(&mut draft.config.output.indent, Ok(node.to_value())),
    },
    Key { name: "pillar_roots", set: |draft, node| put(&mut draft.config.files.pillar_roots, roots(node)) },
    Key { name: "pki_dir", set: |draft, node| some(&mut draft.pki_dir, read::path(node)) },
    Key { name: "renderer", set: |draft, node| put(&mut draft.config.files.renderer, read::word(node)) },
    Key { name: "root_dir", set: |draft, node| some(&mut draft.root_dir, absolute(node)) },
    Key { name: "roster", set: |draft, node| put(&mut draft.config.roster.backends, read::words(node)) },
    Key { name: "roster_defaults", set: |_, node| read::dict(node).map(drop) },
    Key { name: "roster_file", set: |draft, node| some(&mut draft.roster_file, read::path(node)) },
    Key { name: "rosters", set: |draft, node| put(&mut draft.config.roster.rosters, path_list(node)) },
    Key { name: "ssh_grains", set: |draft, node| of_host(draft, "grains", node) },
    Key { name: "ssh_identities_only", set: |draft, node| of_host(draft, "identities_only", node) },
    Key { name: "ssh_keepalive", set: |draft, node| of_host(draft, "keepalive", node) },
    Key { name: "ssh_keepalive_count_max", set: |draft, node| of_host(draft, "keepalive_count_max", node) },
    Key { name: "ssh_keepalive_interval", set: |draft, node| of_host(draft, "keepalive_interval", node) },
    Key {
        name: "ssh_list_nodegroups",
        set: |draft, node| put(&mut draft.config.ssh.list_nodegroups, read::dict(node)),
    },
    Key { name: "ssh_log_file", set: |draft, node| some(&mut draft.ssh_log_file, read::path(node)) },
    Key { name: "ssh_max_procs", set: |draft, node| some(&mut draft.config.ssh.max_procs, max_procs(node)) },
    Key { name: "ssh_minion_opts", set: |draft, node| of_host(draft, "minion_opts", node) },
    Key { name: "ssh_options", set: |draft, node| of_host(draft, "ssh_options", node) },
    Key { name: "ssh_passwd", set: |draft, node| of_host(draft, "passwd", node) },
    Key { name: "ssh_port", set: |draft, node| of_host(draft, "port", node) },
    Key { name: "ssh_priv", set: |_, node| read::word(node).map(drop) },
    Key { name: "ssh_priv_passwd", set: |draft, node| of_host(draft, "priv_passwd", node) },
    Key { name: "ssh_remote_port_forwards", set: |draft, node| of_host(draft, "remote_port_forwards", node) },
    Key {
        name: "ssh_run_pre_flight",
        set: |draft, node| put(&mut draft.config.ssh.run_pre_flight, read::boolean(node)),
    },
    Key { name: "ssh_sudo", set: |draft, node| of_host(draft, "sudo", node) },
    Key { name: "ssh_sudo_user", set: |draft, node| of_host(draft, "sudo_user", node) },
    Key { name: "ssh_timeout", set: |draft, node| some(&mut draft.ssh_timeout, read::seconds(node)) },
    Key {
        name: "ssh_update_roster",
        set: |draft, node| put(&mut draft.config.roster.update, read::boolean(node)),
    },
    Key {
        name: "ssh_use_home_key",
        set: |draft, node| put(&mut draft.config.ssh.use_home_key, read::boolean(node)),
    },
    Key { name: "ssh_user", set: |draft, node| of_host(draft, "user", node) },
    Key { name: "ssh_wipe", set: |draft, node| put(&mut draft.config.ssh.wipe, read::boolean(node)) },
    Key {
        name: "state_compress_ids",
        set: |draft, node| put(&mut draft.config.output.state_compress_ids, read::boolean(node)),
    },
    Key {
        name: "state_output",
        set: |draft, node| put(&mut draft.config.output.state_output, state_output(node)),
    },
    Key {
        name: "state_output_diff",
        set: |draft, node| put(&mut draft.config.output.state_output_diff, read::boolean(node)),
    },
    Key {
        name: "state_output_exclude",
        set: |draft, node| put(&mut draft.config.output.state_output_exclude, Ok(node.to_value())),
    },
    Key {
        name: "state_output_pct",
        set: |draft, node| put(&mut draft.config.output.state_output_pct, read::boolean(node)),
    },
    Key {
        name: "state_output_profile",
        set: |draft, node| put(&mut draft.config.output.state_output_profile, read::boolean(node)),
    },
    Key {
        name: "state_output_terse",
        set: |draft, node| put(&mut draft.config.output.state_output_terse, Ok(node.to_value())),
    },
    Key {
        name: "state_tabular",
        set: |draft, node| put(&mut draft.config.output.state_tabular, Ok(node.to_value())),
    },
    Key {
        name: "state_verbose",
        set: |draft, node| put(&mut draft.config.output.state_verbose, read::boolean(node)),
    },
    Key { name: "timeout", set: |draft, node| some(&mut draft.config.timeout, read::seconds(node)) },
    Key {
        name: "unique_jid",
        set: |draft, node| put(&mut draft.config.jobs.unique_ids, read::boolean(node)),
    },
    Key { name: "user", set: |draft, node| some(&mut draft.config.user, read::word(node)) },
];

/// Options of `salt-ssh` that a Saltfile may set and a configuration may not, sorted.
const COMMAND_OPTIONS: &[&str] = &[
    "config_dir",
    "hard_crash",
    "jid",
    "list_hosts",
    "log_file_level",
    "no_color",
    "force_color",
    "python2_bin",
    "python3_bin",
    "rand_thin_dir",
    "raw_shell",
    "refresh_cache",
    "ssh_askpass",
    "ssh_key_deploy",
    "static",
    "verbose",
];

/// Keys whose values are never handed on as they are.
const SECRETS: &[&str] = &["roster_defaults", "ssh_passwd", "ssh_priv_passwd"];

/// Looks at every setting where it stands.
#[derive(Default)]
pub(super) struct Checker {
    pub problems: Vec<Problem>,
    pub warnings: Vec<Warning>,
}

impl Checker {
    pub fn check(&mut self, setting: &Setting) {
        if !is_known(&setting.name) && !COMMAND_OPTIONS.contains(&setting.name.as_str()) {
            let names = KNOWN.iter().chain(COMMAND_OPTIONS).copied();
            let what = format!(
                "`{}` is not a key of the configuration{}",
                setting.name.escape_debug(),
                did_you_mean(&setting.name, names)
            );
            self.warnings.push(Problem::new(&setting.file, setting.mark, what));
        }
        self.problems.extend(Draft::default().take(setting));
    }
}

impl Draft {
    /// Takes the value of `setting`, or says what is wrong with it. Null means: as if it were not there.
    pub fn take(&mut self, setting: &Setting) -> Vec<Problem> {
        if setting.value.as_scalar().is_some_and(Value::is_null) {
            return Vec::new();
        }
        let problems = match KEYS.iter().find(|key| key.name == setting.name) {
            Some(key) => (key.set)(self, &setting.value).err().map(|wrong| problem(setting, &wrong)),
            None => None,
        };
        match setting.name.as_str() {
            "roster_defaults" if problems.is_none() => return self.take_roster_defaults(setting),
            "ssh_priv" if problems.is_none() => self.ssh_priv = Some(setting.clone()),
            _ => {}
        }
        self.keep(setting);
        problems.into_iter().collect()
    }

    fn take_roster_defaults(&mut self, setting: &Setting) -> Vec<Problem> {
        let (entry, problems) = Entry::read(&setting.value, &setting.file, "roster_defaults");
        self.config.defaults.roster_defaults = entry;
        problems
    }

    fn keep(&mut self, setting: &Setting) {
        let name = setting.name.as_str();
        if COMMAND_OPTIONS.contains(&name) {
            self.config.saltfile.0.insert(name, setting.value.to_value());
        } else if !SECRETS.contains(&name) {
            self.config.opts.0.insert(name, setting.value.to_value());
        }
    }
}

pub(super) fn problem(setting: &Setting, wrong: &Mismatch) -> Problem {
    let mark = wrong.mark.unwrap_or(setting.value.mark);
    Problem::new(&setting.file, mark, format!("`{}` {wrong}", setting.name))
}

fn put<T>(slot: &mut T, value: Read<T>) -> Read<()> {
    *slot = value?;
    Ok(())
}

fn some<T>(slot: &mut Option<T>, value: Read<T>) -> Read<()> {
    *slot = Some(value?);
    Ok(())
}

/// A default for hosts, read as the roster key of that name. An empty text is Salt's way to say none.
fn of_host(draft: &mut Draft, key: &str, node: &Node) -> Read<()> {
    if node.as_str() == Some("") {
        return Ok(());
    }
    draft.config.defaults.config.set(key, node)
}

fn whole(node: &Node) -> Read<u64> {
    read::integer(node, 0..=10_000_000_000)?.try_into().map_err(|_| Mismatch::expected("a number", node))
}

fn max_procs(node: &Node) -> Read<usize> {
    read::integer(node, 1..=100_000)?.try_into().map_err(|_| Mismatch::expected("a number", node))
}

fn absolute(node: &Node) -> Read<PathBuf> {
    let path = read::path(node)?;
    if path.is_absolute() { Ok(path) } else { Err(Mismatch::expected("an absolute path", node)) }
}

fn path_list(node: &Node) -> Read<Vec<PathBuf>> {
    Ok(read::words(node)?.iter().map(|word| read::expand_home(word)).collect())
}

fn log_level(node: &Node) -> Read<String> {
    let lower = Node { kind: NodeKind::Scalar(read::word(node)?.to_lowercase().into()), mark: node.mark };
    read::one_of(&lower, &LOG_LEVELS)
}

fn hash_type(node: &Node) -> Read<String> {
    read::one_of(node, &["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
}

fn state_output(node: &Node) -> Read<String> {
    let words = ["full", "terse", "mixed", "changes", "filter"];
    let with_id = ["full_id", "terse_id", "mixed_id", "changes_id", "filter_id"];
    read::one_of(node, &[words, with_id].concat())
}

fn nodegroups(node: &Node) -> Read<Value> {
    match node.to_value() {
        value @ (Value::Map(_) | Value::List(_)) => Ok(value),
        _ => Err(Mismatch::expected("a dict or a list", node)),
    }
}

/// Environments and their directories; wildcards become the directories that fit them now.
fn roots(node: &Node) -> Read<IndexMap<String, Vec<PathBuf>>> {
    let mut roots = IndexMap::new();
    for (name, dirs) in node.as_map().ok_or_else(|| Mismatch::expected("a dict of environments", node))? {
        let name = read::word(name).map_err(|wrong| wrong.at(name.mark))?;
        roots.insert(name, directories(dirs).map_err(|wrong| wrong.at(dirs.mark))?);
    }
    Ok(roots)
}

fn directories(node: &Node) -> Read<Vec<PathBuf>> {
    if node.as_scalar().is_some_and(Value::is_null) {
        return Ok(Vec::new());
    }
    let items = node.as_list().ok_or_else(|| {
        Mismatch::expected("a list of directories", node).with_cure("write one `- /directory` per line")
    })?;
    let mut directories = Vec::new();
    for item in items {
        let path = read::path(item).map_err(|wrong| wrong.at(item.mark))?;
        match path.to_string_lossy().contains(['*', '?', '[']) {
            true => directories.extend(paths::glob(&path)),
            false => directories.push(path),
        }
    }
    Ok(directories)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_known_to_salt() {
        assert!(KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for key in KEYS {
            assert!(is_known(key.name), "{}", key.name);
        }
    }
}
