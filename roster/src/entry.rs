//! What can be said about a host, each thing or nothing: a roster entry, `roster_defaults`, the configuration and the
//! command line all say it in this form, and [`Defaults::resolve`] makes one [`Host`] of them.

use crate::read::{self, Mismatch, Read};
use crate::{
    Host, Identity, Keepalive, Place, Problem, Secret, SshOptions, check, did_you_mean, shell_words,
    ssh_option,
};
use halite_render::yaml::{Mark, Node, NodeKind};
use halite_wire::{Map, MinionId, Value};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Values for the fields of [`Host`]; `None` leaves it to the next layer. An empty secret means: none, and do not ask
/// the next layer.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub user: Option<String>,
    pub passwd: Option<Secret>,
    pub identities: Option<Vec<Identity>>,
    pub identities_only: Option<bool>,
    pub priv_passwd: Option<Secret>,
    pub sudo: Option<bool>,
    pub sudo_user: Option<String>,
    pub sudo_passwd: Option<Secret>,
    pub tty: Option<bool>,
    pub connect_timeout: Option<Duration>,
    pub keepalive: Option<bool>,
    pub keepalive_interval: Option<Duration>,
    pub keepalive_count_max: Option<u32>,
    pub thin_dir: Option<String>,
    pub set_path: Option<String>,
    pub cmd_umask: Option<u32>,
    pub minion_opts: Option<Map>,
    pub grains: Option<Map>,
    pub mine_functions: Option<Map>,
    pub disable_wipe: Option<bool>,
    pub ssh_pre_flight: Option<PathBuf>,
    pub ssh_pre_flight_args: Option<Vec<String>>,
    pub remote_port_forwards: Option<Vec<String>>,
    pub ssh: Option<SshOptions>,
}

struct Key {
    name: &'static str,
    set: fn(&mut Entry, &Node) -> Read<()>,
}

/// Every key of a roster entry, sorted.
const KEYS: &[Key] = &[
    Key { name: "cmd_umask", set: |entry, node| put(&mut entry.cmd_umask, umask(node)) },
    Key { name: "disable_wipe", set: |entry, node| put(&mut entry.disable_wipe, read::boolean(node)) },
    Key { name: "grains", set: |entry, node| put(&mut entry.grains, read::dict(node)) },
    Key { name: "host", set: |entry, node| put(&mut entry.host, checked(node, check::host)) },
    Key { name: "identities_only", set: |entry, node| put(&mut entry.identities_only, read::boolean(node)) },
    Key { name: "keepalive", set: |entry, node| put(&mut entry.keepalive, read::boolean(node)) },
    Key { name: "keepalive_count_max", set: |entry, node| put(&mut entry.keepalive_count_max, count(node)) },
    Key {
        name: "keepalive_interval",
        set: |entry, node| put(&mut entry.keepalive_interval, read::seconds(node)),
    },
    Key { name: "mine_functions", set: |entry, node| put(&mut entry.mine_functions, read::dict(node)) },
    Key { name: "minion_opts", set: |entry, node| put(&mut entry.minion_opts, read::dict(node)) },
    Key { name: "passwd", set: |entry, node| put(&mut entry.passwd, read::secret(node)) },
    Key { name: "port", set: |entry, node| put(&mut entry.port, read::port(node)) },
    Key { name: "priv", set: |entry, node| put(&mut entry.identities, identities(node)) },
    Key { name: "priv_passwd", set: |entry, node| put(&mut entry.priv_passwd, read::secret(node)) },
    Key {
        name: "remote_port_forwards",
        set: |entry, node| put(&mut entry.remote_port_forwards, forwards(node)),
    },
    Key { name: "set_path", set: |entry, node| put(&mut entry.set_path, checked(node, check::search_path)) },
    Key { name: "ssh_options", set: ssh_option::read },
    Key { name: "ssh_pre_flight", set: |entry, node| put(&mut entry.ssh_pre_flight, local_file(node)) },
    Key {
        name: "ssh_pre_flight_args",
        set: |entry, node| put(&mut entry.ssh_pre_flight_args, arguments(node)),
    },
    Key { name: "ssh_python_env", set: |_, _| Err(no_windows()) },
    Key { name: "sudo", set: |entry, node| put(&mut entry.sudo, read::boolean(node)) },
    Key { name: "sudo_passwd", set: |entry, node| put(&mut entry.sudo_passwd, read::secret(node)) },
    Key { name: "sudo_user", set: |entry, node| put(&mut entry.sudo_user, checked(node, check::sudo_user)) },
    Key { name: "thin_dir", set: |entry, node| put(&mut entry.thin_dir, checked(node, check::remote_path)) },
    Key { name: "timeout", set: |entry, node| put(&mut entry.connect_timeout, read::seconds(node)) },
    Key { name: "tty", set: |entry, node| put(&mut entry.tty, read::boolean(node)) },
    Key { name: "user", set: |entry, node| put(&mut entry.user, checked(node, check::user)) },
    Key { name: "winrm", set: |_, node| if read::boolean(node)? { Err(no_windows()) } else { Ok(()) } },
];

/// Names of all keys a roster entry may have, sorted.
pub fn key_names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name)
}

impl Entry {
    /// Sets one value by the name of its roster key.
    ///
    /// # Errors
    /// What is wrong with the value; the fragment follows the name of the key.
    pub fn set(&mut self, key: &str, node: &Node) -> Read<()> {
        match KEYS.iter().find(|known| known.name == key) {
            Some(known) => (known.set)(self, node),
            None => Err(Mismatch::new(format!("is not a key of a roster{}", did_you_mean(key, key_names())))),
        }
    }

    /// Like [`Entry::set`], for a value that comes from no file.
    ///
    /// # Errors
    /// As there.
    pub fn set_value(&mut self, key: &str, value: impl Into<Value>) -> Read<()> {
        self.set(key, &node_of(value.into()))
    }

    /// Reads the dict `node`, telling all that is wrong with it; `owner` begins each message. What is wrong is left
    /// out.
    pub fn read(node: &Node, file: &Path, owner: &str) -> (Entry, Vec<Problem>) {
        let (mut entry, mut problems) = (Entry::default(), Vec::new());
        // `ssh_options` fills what the other keys leave open, so it comes last.
        let is_last = |(key, _): &&(Node, Node)| key.as_str() == Some("ssh_options");
        let pairs = node.as_map().unwrap_or_default();
        for (key, value) in pairs.iter().filter(|pair| !is_last(pair)).chain(pairs.iter().filter(is_last)) {
            let problem = match key.as_str() {
                Some(name) => entry.set(name, value).err().map(|wrong| {
                    let unknown = !KEYS.iter().any(|known| known.name == name);
                    let mark = wrong.mark.unwrap_or(if unknown { key.mark } else { value.mark });
                    Problem::new(file, mark, format!("{owner}: `{}` {wrong}", name.escape_debug()))
                }),
                None => {
                    let what = format!("{owner}: a key must be a str, not {}", read::describe(key));
                    Some(Problem::new(file, key.mark, what))
                }
            };
            problems.extend(problem);
        }
        (entry, problems)
    }
}

/// `value` as a node of no file.
fn node_of(value: Value) -> Node {
    let kind = match value {
        Value::List(items) => NodeKind::List(items.into_iter().map(node_of).collect()),
        Value::Map(map) => {
            NodeKind::Map(map.into_iter().map(|(key, value)| (node_of(key), node_of(value))).collect())
        }
        scalar => NodeKind::Scalar(scalar),
    };
    Node { kind, mark: Mark::default() }
}

/// Where a host's values come from when its own entry does not have them.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Wins over the entry.
    pub command_line: Entry,
    /// `roster_defaults` of the configuration: under the entry.
    pub roster_defaults: Entry,
    /// The `ssh_*` keys of the configuration: under everything else.
    pub config: Entry,
}

impl Defaults {
    /// The host of `entry`, with every value from the first layer that has it: command line, entry,
    /// `roster_defaults`, configuration, built in. Dicts are taken whole, but `minion_opts` and `grains` are merged
    /// over those of the configuration. Without `host` the address is the id, which the caller has checked.
    pub fn resolve(&self, id: MinionId, entry: &Entry, place: Place) -> Host {
        let layers = [&self.command_line, entry, &self.roster_defaults, &self.config];
        macro_rules! first {
            ($field:ident) => {
                layers.iter().find_map(|layer| layer.$field.clone())
            };
        }
        let secret = |found: Option<Secret>| found.filter(|secret| !secret.expose().is_empty());
        let usual = Keepalive::default();
        let keepalive = Keepalive {
            interval: first!(keepalive_interval).unwrap_or(usual.interval),
            count_max: first!(keepalive_count_max).unwrap_or(usual.count_max),
        };
        let address = first!(host).unwrap_or_else(|| bare(id.as_str()).to_owned());
        let bare_host = Host::new(id, address);
        Host {
            port: first!(port).unwrap_or(bare_host.port),
            user: first!(user).unwrap_or_else(|| bare_host.user.clone()),
            passwd: secret(first!(passwd)),
            identities: first!(identities).unwrap_or_default(),
            identities_only: first!(identities_only).unwrap_or_default(),
            priv_passwd: secret(first!(priv_passwd)),
            sudo: first!(sudo).unwrap_or_default(),
            sudo_user: first!(sudo_user).unwrap_or_else(|| bare_host.sudo_user.clone()),
            sudo_passwd: secret(first!(sudo_passwd)),
            tty: first!(tty).unwrap_or_default(),
            connect_timeout: first!(connect_timeout),
            keepalive: first!(keepalive).unwrap_or(true).then_some(keepalive),
            thin_dir: first!(thin_dir),
            set_path: first!(set_path),
            cmd_umask: first!(cmd_umask),
            minion_opts: merged(&layers, |layer| layer.minion_opts.as_ref()),
            grains: merged(&layers, |layer| layer.grains.as_ref()),
            mine_functions: first!(mine_functions).unwrap_or_default(),
            disable_wipe: first!(disable_wipe).unwrap_or_default(),
            ssh_pre_flight: first!(ssh_pre_flight),
            ssh_pre_flight_args: first!(ssh_pre_flight_args).unwrap_or_default(),
            remote_port_forwards: first!(remote_port_forwards).unwrap_or_default(),
            ssh: first!(ssh).unwrap_or_default(),
            place,
            ..bare_host
        }
    }
}

/// The first map of the upper layers, over that of the last.
fn merged(layers: &[&Entry; 4], field: fn(&Entry) -> Option<&Map>) -> Map {
    let [upper @ .., config] = layers;
    let mut map = field(config).cloned().unwrap_or_default();
    map.extend(upper.iter().find_map(|layer| field(layer)).cloned().unwrap_or_default());
    map
}

/// An IPv6 address without its brackets; anything else as it stands.
fn bare(address: &str) -> &str {
    address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address)
}

pub(crate) fn put<T>(slot: &mut Option<T>, value: Read<T>) -> Read<()> {
    *slot = Some(value?);
    Ok(())
}

fn checked(node: &Node, check: fn(&str) -> Read<String>) -> Read<String> {
    check(&read::text(node)?)
}

fn no_windows() -> Mismatch {
    Mismatch::new("is not supported: Windows hosts cannot be reached; remove it")
}

fn count(node: &Node) -> Read<u32> {
    read::integer(node, 1..=1000)?.try_into().map_err(|_| Mismatch::expected("a count", node))
}

/// One or more private keys; `agent-forwarding` means those of the ssh-agent.
fn identities(node: &Node) -> Read<Vec<Identity>> {
    match node.as_list() {
        Some(items) => items.iter().map(|item| identity(item).map_err(|wrong| wrong.at(item.mark))).collect(),
        None => Ok(vec![identity(node)?]),
    }
}

pub(crate) fn identity(node: &Node) -> Read<Identity> {
    match node.as_str() {
        Some("agent-forwarding") => Ok(Identity::Agent),
        _ => local_file(node).map(Identity::File),
    }
}

/// A file of this machine that is there and can be read.
fn local_file(node: &Node) -> Read<PathBuf> {
    let path = read::path(node)?;
    let refused = |why: &str| Err(Mismatch::new(format!("names the file {}, which {why}", path.display())));
    match File::open(&path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() => Ok(path),
        Ok(_) => refused("is not a regular file"),
        Err(error) if error.kind() == ErrorKind::NotFound => refused("does not exist"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => refused("this user may not read"),
        Err(error) => refused(&format!("cannot be read: {error}")),
    }
}

fn forwards(node: &Node) -> Read<Vec<String>> {
    read::words(node)?.iter().map(|text| check::forward(text)).collect()
}

fn arguments(node: &Node) -> Read<Vec<String>> {
    match &node.kind {
        NodeKind::Scalar(Value::Str(line)) => shell_words::split(line),
        NodeKind::List(items) => {
            items.iter().map(|item| argument(item).map_err(|wrong| wrong.at(item.mark))).collect()
        }
        NodeKind::Scalar(_) | NodeKind::Map(_) => Err(Mismatch::expected("a str or a list", node)),
    }
}

fn argument(node: &Node) -> Read<String> {
    match node.as_scalar() {
        Some(Value::Int(number)) => Ok(number.to_string()),
        _ => read::text(node),
    }
}

/// An octal mask. YAML drops the leading zeros of `0077`, so a bare number is read as octal digits; but where someone
/// may have worked out the decimal form (63 for 0077), guessing wrong would open files, so that needs quotes.
fn umask(node: &Node) -> Read<u32> {
    let digits = match node.as_scalar() {
        Some(Value::Str(text)) => Some(text.clone()),
        Some(Value::Int(number)) => {
            Some(number.to_string()).filter(|digits| digits.bytes().all(|c| b"027".contains(&c)))
        }
        _ => None,
    };
    digits
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| u32::from_str_radix(&digits, 8).ok())
        .filter(|mask| *mask <= 0o777)
        .ok_or_else(|| {
            Mismatch::expected("an octal mask", node).with_cure("write it in quotes, such as \"0077\"")
        })
}
