//! `ssh_options`: what the `-o` options of `ssh` mean without `ssh`.
//!
//! An option is obeyed, or it is one that changes nothing for us and gets a warning, or it is refused: going on
//! without it would reach another host, another way, or with less proof than the user asked for.

use crate::entry::identity;
use crate::read::{Mismatch, Read};
use crate::{Entry, HostKeyCheck, SshOptions, did_you_mean};
use halite_render::yaml::{Mark, Node, NodeKind};
use halite_wire::Value;
use std::time::Duration;

struct Known {
    name: &'static str,
    obey: fn(&mut Entry, &mut SshOptions, &str) -> Read<()>,
}

/// The options that are obeyed, sorted.
const OBEYED: &[Known] = &[
    Known { name: "Ciphers", obey: |_, ssh, value| algorithms(&mut ssh.ciphers, value) },
    Known {
        name: "ConnectTimeout",
        obey: |entry, _, value| unless_set(&mut entry.connect_timeout, seconds(value)),
    },
    Known {
        name: "HostKeyAlgorithms",
        obey: |_, ssh, value| algorithms(&mut ssh.host_key_algorithms, value),
    },
    Known {
        name: "HostName",
        obey: |entry, _, value| via_key(entry, "host", value, |entry| entry.host.is_some()),
    },
    Known {
        name: "IdentitiesOnly",
        obey: |entry, _, value| unless_set(&mut entry.identities_only, yes_no(value)),
    },
    Known { name: "IdentityFile", obey: |entry, _, value| identity_file(entry, value) },
    Known { name: "KexAlgorithms", obey: |_, ssh, value| algorithms(&mut ssh.kex_algorithms, value) },
    Known { name: "MACs", obey: |_, ssh, value| algorithms(&mut ssh.macs, value) },
    Known {
        name: "Port",
        obey: |entry, _, value| via_key(entry, "port", value, |entry| entry.port.is_some()),
    },
    Known { name: "RequestTTY", obey: |entry, _, value| unless_set(&mut entry.tty, tty(value)) },
    Known { name: "ServerAliveCountMax", obey: |entry, _, value| alive_count(entry, value) },
    Known { name: "ServerAliveInterval", obey: |entry, _, value| alive_interval(entry, value) },
    Known { name: "StrictHostKeyChecking", obey: |_, ssh, value| host_key_check(ssh, value) },
    Known {
        name: "User",
        obey: |entry, _, value| via_key(entry, "user", value, |entry| entry.user.is_some()),
    },
    Known { name: "UserKnownHostsFile", obey: |_, ssh, value| known_hosts(ssh, value) },
];

/// Options whose absence nobody would notice: we do not do what they tune, or do it anyway.
const WITHOUT_EFFECT: &[&str] = &[
    "AddKeysToAgent",
    "BatchMode",
    "CheckHostIP",
    "Compression",
    "CompressionLevel",
    "ConnectionAttempts",
    "ControlMaster",
    "ControlPath",
    "ControlPersist",
    "EnableEscapeCommandline",
    "EscapeChar",
    "ExitOnForwardFailure",
    "FingerprintHash",
    "ForwardAgent",
    "ForwardX11",
    "ForwardX11Trusted",
    "GSSAPIAuthentication",
    "GSSAPIDelegateCredentials",
    "HashKnownHosts",
    "IPQoS",
    "KbdInteractiveAuthentication",
    "LogLevel",
    "NumberOfPasswordPrompts",
    "ObscureKeystrokeTiming",
    "PasswordAuthentication",
    "PermitLocalCommand",
    "PreferredAuthentications",
    "PubkeyAuthentication",
    "RekeyLimit",
    "TCPKeepAlive",
    "UpdateHostKeys",
    "VisualHostKey",
];

/// Options we cannot obey and must not pass over.
const REFUSED: &[&str] = &[
    "AddressFamily",
    "BindAddress",
    "BindInterface",
    "CASignatureAlgorithms",
    "CertificateFile",
    "DynamicForward",
    "GlobalKnownHostsFile",
    "HostKeyAlias",
    "HostbasedAuthentication",
    "IdentityAgent",
    "Include",
    "KnownHostsCommand",
    "LocalCommand",
    "LocalForward",
    "Match",
    "PKCS11Provider",
    "ProxyCommand",
    "ProxyJump",
    "ProxyUseFdpass",
    "PubkeyAcceptedAlgorithms",
    "PubkeyAcceptedKeyTypes",
    "RemoteCommand",
    "RemoteForward",
    "RequiredRSASize",
    "RevokedHostKeys",
    "SecurityKeyProvider",
    "SendEnv",
    "SetEnv",
    "Tunnel",
    "TunnelDevice",
    "VerifyHostKeyDNS",
];

/// Reads the list of `Name=value`. A value with a roster key of its own counts where this entry lacks that key; the
/// first of several counts, as with `ssh`.
pub(crate) fn read(entry: &mut Entry, node: &Node) -> Read<()> {
    let items = node
        .as_list()
        .ok_or_else(|| Mismatch::expected("a list", node).with_cure("write one `- Name=value` per line"))?;
    let mut ssh = SshOptions::default();
    for item in items {
        read_one(entry, &mut ssh, item).map_err(|wrong| wrong.at(item.mark))?;
    }
    entry.ssh = Some(ssh);
    Ok(())
}

fn read_one(entry: &mut Entry, ssh: &mut SshOptions, item: &Node) -> Read<()> {
    let text = crate::read::word(item)?;
    let (name, value) = split(&text).ok_or_else(|| Mismatch::expected("a list of Name=value", item))?;
    ssh.raw.push(text.clone());
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    if let Some(known) = OBEYED.iter().find(|known| is(&known.name)) {
        return (known.obey)(entry, ssh, value)
            .map_err(|wrong| Mismatch::new(format!("has a bad `{}`: {wrong}", known.name)));
    }
    if WITHOUT_EFFECT.iter().any(is) {
        return Ok(());
    }
    if let Some(known) = REFUSED.iter().find(|known| is(known)) {
        return Err(Mismatch::new(format!("has `{known}`, which is not supported yet; remove it")));
    }
    let names = OBEYED.iter().map(|known| known.name).chain(WITHOUT_EFFECT.iter().chain(REFUSED).copied());
    Err(Mismatch::new(format!(
        "has `{}`, which ssh does not know{}",
        name.escape_debug(),
        did_you_mean(name, names)
    )))
}

/// The options among `raw` that change nothing here, by their names.
pub(crate) fn without_effect(raw: &[String]) -> impl Iterator<Item = &'static str> {
    raw.iter().filter_map(|text| {
        let (name, _) = split(text)?;
        WITHOUT_EFFECT.iter().find(|known| known.eq_ignore_ascii_case(name)).copied()
    })
}

/// `Name=value`, `Name value` or `Name = value`; quotes around the value are dropped.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let (name, rest) = text.split_at(text.find(|c: char| c == '=' || c.is_whitespace())?);
    let value = rest.trim_start();
    let value = value.strip_prefix('=').unwrap_or(value).trim();
    let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value);
    (!name.is_empty() && !value.is_empty()).then_some((name, value))
}

fn unless_set<T>(slot: &mut Option<T>, value: Read<T>) -> Read<()> {
    let value = value?;
    slot.get_or_insert(value);
    Ok(())
}

/// Checks and sets `value` as the roster key `key` would, unless the entry has that already.
fn via_key(entry: &mut Entry, key: &str, value: &str, is_set: fn(&Entry) -> bool) -> Read<()> {
    let target = if is_set(entry) { &mut Entry::default() } else { entry };
    target.set_value(key, value)
}

fn seconds(value: &str) -> Read<Duration> {
    crate::read::seconds(&scalar(value))
}

fn scalar(value: &str) -> Node {
    Node { kind: NodeKind::Scalar(Value::from(value)), mark: Mark::default() }
}

fn tty(value: &str) -> Read<bool> {
    match value.to_ascii_lowercase().as_str() {
        "force" => Ok(true),
        "auto" => Ok(false),
        other => yes_no(other),
    }
}

fn yes_no(value: &str) -> Read<bool> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(Mismatch::new(format!("must be yes or no, not {value:?}"))),
    }
}

/// Names after those of `priv`, which `ssh` would offer first as well.
fn identity_file(entry: &mut Entry, value: &str) -> Read<()> {
    let identity = identity(&scalar(value))?;
    entry.identities.get_or_insert_default().push(identity);
    Ok(())
}

fn alive_interval(entry: &mut Entry, value: &str) -> Read<()> {
    match value {
        "0" => unless_set(&mut entry.keepalive, Ok(false)),
        _ => unless_set(&mut entry.keepalive_interval, seconds(value)),
    }
}

fn alive_count(entry: &mut Entry, value: &str) -> Read<()> {
    via_key(entry, "keepalive_count_max", value, |entry| entry.keepalive_count_max.is_some())
}

fn host_key_check(ssh: &mut SshOptions, value: &str) -> Read<()> {
    let check = match value.to_ascii_lowercase().as_str() {
        "yes" | "true" | "ask" => HostKeyCheck::Strict,
        "accept-new" => HostKeyCheck::AcceptNew,
        "no" | "false" | "off" => HostKeyCheck::Off,
        _ => return Err(Mismatch::new(format!("must be yes, accept-new or no, not {value:?}"))),
    };
    ssh.host_key_check.get_or_insert(check);
    Ok(())
}

fn known_hosts(ssh: &mut SshOptions, value: &str) -> Read<()> {
    let files = match value {
        "none" => Vec::new(),
        files => files.split_whitespace().map(crate::read::expand_home).collect(),
    };
    ssh.known_hosts_files.get_or_insert(files);
    Ok(())
}

fn algorithms(slot: &mut Option<String>, value: &str) -> Read<()> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"@._,+^*-".contains(&byte);
    if !value.bytes().all(is_good) {
        return Err(Mismatch::new(format!("must be a list of algorithm names, not {value:?}")));
    }
    slot.get_or_insert_with(|| value.to_owned());
    Ok(())
}
