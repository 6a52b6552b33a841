//! Hosts that are named by the target itself: `user@host`, `host:port`, or a plain name the roster does not have.

use crate::glob::is_glob;
use crate::target::{Selected, Target, TargetError, TargetKind};
use crate::{Defaults, Entry, Host, Place, Roster, check};
use std::net::{IpAddr, ToSocketAddrs};

/// A target read as an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direct {
    pub user: Option<String>,
    /// Without brackets.
    pub host: String,
    pub port: Option<u16>,
}

impl Direct {
    /// Reads `[user@]host[:port]`; IPv6 with a port needs brackets. `None` where it is nothing of the kind.
    pub fn parse(text: &str) -> Option<Direct> {
        let (user, rest) = text.rsplit_once('@').map_or((None, text), |(user, rest)| (Some(user), rest));
        let user = user.map(check::user).transpose().ok()?;
        if is_glob(rest) && !rest.starts_with('[') {
            return None;
        }
        if let Ok(host) = check::host(rest) {
            return Some(Direct { user, host, port: None });
        }
        let (host, port) = rest.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        Some(Direct { user, host: check::host(host).ok()?, port: Some(port) })
    }

    /// Whether nobody can mean a host of the roster by it: it has a user, a port or a numeric address.
    fn is_plainly_an_address(&self) -> bool {
        self.user.is_some()
            || self.port.is_some()
            || self.host.parse::<IpAddr>().is_ok()
            || self.host.contains('%')
    }

    /// What it says, in the form of an entry.
    pub fn entry(&self) -> Entry {
        Entry { host: Some(self.host.clone()), user: self.user.clone(), port: self.port, ..Entry::default() }
    }
}

/// A selection, and whether it came from the target itself and not from the roster.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    pub selected: Selected,
    /// The host that has no entry yet: what `--update-roster` adds.
    pub unlisted: Option<Direct>,
}

/// The hosts `expression` means. Where it is a glob that fits no id, it is read as an address: first of a host in the
/// roster (whose entry then counts, with the user and port of the target over it), then of a host that has no entry.
/// `resolves` is asked about bare names only, so that a typing error is "no such host" and not a failed session.
///
/// # Errors
/// As [`Target::parse`] and [`Target::select`]. No host at all is not an error here: `hosts` is empty.
pub fn targets(
    roster: &Roster,
    expression: &str,
    kind: TargetKind,
    defaults: &Defaults,
    resolves: impl FnOnce(&str) -> bool,
) -> Result<Targets, TargetError> {
    let selected = Target::parse(expression, kind)?.select(&roster.hosts)?;
    if kind != TargetKind::Glob || !selected.hosts.is_empty() {
        return Ok(Targets { selected, unlisted: None });
    }
    let Some(direct) = Direct::parse(expression) else { return Ok(Targets::default()) };
    let listed: Vec<Host> = roster.hosts.iter().filter(|host| is_same(host, &direct)).cloned().collect();
    if !listed.is_empty() {
        let hosts = listed.into_iter().map(|host| with(host, &direct)).collect();
        return Ok(Targets { selected: Selected { hosts, missing: Vec::new() }, unlisted: None });
    }
    if !direct.is_plainly_an_address() && !resolves(&direct.host) {
        return Ok(Targets::default());
    }
    let hosts: Vec<Host> = unlisted(&direct, defaults).into_iter().collect();
    let unlisted = (!hosts.is_empty()).then_some(direct);
    Ok(Targets { selected: Selected { hosts, missing: Vec::new() }, unlisted })
}

/// Whether the name service knows `name`. Blocks for as long as that takes.
pub fn resolves(name: &str) -> bool {
    (name, 22).to_socket_addrs().is_ok_and(|mut addresses| addresses.next().is_some())
}

fn is_same(host: &Host, direct: &Direct) -> bool {
    host.id.as_str() == direct.host || host.host.eq_ignore_ascii_case(&direct.host)
}

fn with(host: Host, direct: &Direct) -> Host {
    Host { user: direct.user.clone().unwrap_or(host.user), port: direct.port.unwrap_or(host.port), ..host }
}

/// `None` where the address cannot be an id: those with a zone.
fn unlisted(direct: &Direct, defaults: &Defaults) -> Option<Host> {
    let id = direct.host.parse().ok()?;
    let mut host =
        defaults.resolve(id, &direct.entry(), Place { file: "command line".into(), line: 0, column: 0 });
    host.user = direct.user.clone().unwrap_or(host.user);
    host.port = direct.port.unwrap_or(host.port);
    Some(host)
}
