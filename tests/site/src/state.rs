//! What is known of a running fleet, and its form on disk (`fleet.json`), by which another process finds it again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{AtPath, Result, SiteError};
use crate::files::put;
use crate::plan::{Flavour, Kind};
use crate::process::Started;

/// One running host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostState {
    /// Name, which is also the minion id in the roster.
    pub name: String,
    /// What it is made of.
    pub flavour: Flavour,
    /// Address inside the fleet's network (or loopback).
    pub address: String,
    /// Port of its SSH server.
    pub port: u16,
    /// Login in the roster.
    pub login: String,
    /// Public host key, `TYPE BASE64`.
    pub host_key: String,
    /// Further roster keys with their YAML values.
    pub roster_lines: Vec<(String, String)>,
    /// Its SSH server; in namespaces PID 1 of the host.
    pub server: Started,
}

impl HostState {
    /// The name under which its key stands in a known_hosts file.
    pub fn known_hosts_name(&self) -> String {
        if self.port == 22 { self.address.clone() } else { format!("[{}]:{}", self.address, self.port) }
    }
}

/// All that is kept of a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FleetState {
    pub kind: Kind,
    pub keeper: Started,
    pub hosts: Vec<HostState>,
}

/// Where the state of the fleet in `dir` lies.
fn file(dir: &Path) -> PathBuf {
    dir.join("fleet.json")
}

impl FleetState {
    /// Writes the state for [`FleetState::load`].
    pub(crate) fn save(&self, dir: &Path) -> Result<()> {
        let hosts: Vec<Value> = self.hosts.iter().map(host_to_json).collect();
        let kind = if self.kind == Kind::Namespaced { "namespaced" } else { "loopback" };
        let state = json!({"kind": kind, "keeper": started_to_json(self.keeper), "hosts": hosts});
        put(&file(dir), 0o644, format!("{state:#}\n"))
    }

    /// Reads the state of the fleet in `dir`.
    ///
    /// # Errors
    /// [`SiteError::Io`] when there is none, [`SiteError::State`] when it is not whole.
    pub(crate) fn load(dir: &Path) -> Result<Self> {
        let path = file(dir);
        let text = fs::read_to_string(&path).at(&path)?;
        let broken = |why: String| SiteError::State { path: path.clone(), why };
        let state: Value = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        from_json(&state).ok_or_else(|| broken("a field is missing".into()))
    }
}

fn from_json(state: &Value) -> Option<FleetState> {
    let kind = if state["kind"].as_str()? == "namespaced" { Kind::Namespaced } else { Kind::Loopback };
    let hosts = state["hosts"].as_array()?.iter().map(host_from_json).collect::<Option<Vec<_>>>()?;
    Some(FleetState { kind, keeper: started_from_json(&state["keeper"])?, hosts })
}

fn started_to_json(process: Started) -> Value {
    json!([process.pid, process.start])
}

fn started_from_json(value: &Value) -> Option<Started> {
    Some(Started { pid: u32::try_from(value[0].as_u64()?).ok()?, start: value[1].as_u64()? })
}

fn host_to_json(host: &HostState) -> Value {
    json!({
        "name": host.name,
        "minimal": host.flavour == Flavour::Minimal,
        "address": host.address,
        "port": host.port,
        "login": host.login,
        "host_key": host.host_key,
        "roster": host.roster_lines,
        "server": started_to_json(host.server),
    })
}

fn host_from_json(value: &Value) -> Option<HostState> {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
    Some(HostState {
        name: text("name")?,
        flavour: if value["minimal"].as_bool()? { Flavour::Minimal } else { Flavour::OpenSsh },
        address: text("address")?,
        port: u16::try_from(value["port"].as_u64()?).ok()?,
        login: text("login")?,
        host_key: text("host_key")?,
        roster_lines: value["roster"].as_array()?.iter().map(pair).collect::<Option<_>>()?,
        server: started_from_json(&value["server"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_survives_its_form_on_disk() {
        let host = HostState {
            name: "h001".into(),
            flavour: Flavour::Minimal,
            address: "fd99::1".into(),
            port: 2222,
            login: "ops".into(),
            host_key: "ssh-ed25519 AAAA".into(),
            roster_lines: vec![("sudo".into(), "True".into())],
            server: Started { pid: 7, start: 99 },
        };
        let state = FleetState {
            kind: Kind::Namespaced,
            keeper: Started { pid: 3, start: 42 },
            hosts: vec![host.clone()],
        };
        let json = json!({"kind": "namespaced", "keeper": [3, 42], "hosts": [host_to_json(&host)]});
        assert_eq!(from_json(&json), Some(state));
        assert_eq!(host.known_hosts_name(), "[fd99::1]:2222");
    }
}
