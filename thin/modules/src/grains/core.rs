//! Core grains: what Salt's minion knows about its host, gathered without starting a program.
//!
//! Groups run side by side, each in its own thread with the same deadline: a dead network file system in one (a
//! directory in `PATH`, a home) costs that group's grains and a note, never the call.

use super::{hardware, network, session, static_file, system, tools, virt};
use crate::Ctx;
use crate::dictupdate;
use crate::digest;
use crate::linux::Root;
use halite_wire::{Map, Value};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long all groups together may take; a healthy host needs some milliseconds.
const TIME_LIMIT: Duration = Duration::from_secs(3);

type Group = (&'static str, fn(&Root) -> Map);

/// In the order in which their keys appear.
const GROUPS: &[Group] = &[
    ("system", system::gather),
    ("hardware", hardware::gather),
    ("virtual", virt::gather),
    ("network", network::gather),
    ("session", session::gather),
    ("tools", tools::gather),
];

/// All grains: core ones, then those of the tree (`_grains`), the host's static file (`/etc/salt/grains`), then `grains` of the configuration and
/// the roster. Later ones win; dictionaries are merged.
pub fn gather(ctx: &mut Ctx) -> Map {
    let (mut grains, missing) = gather_groups(GROUPS, TIME_LIMIT);
    for group in missing {
        ctx.notes.push(format!(
            "the {group} grains were not ready after {} seconds and are left out",
            TIME_LIMIT.as_secs()
        ));
    }
    grains.extend(identity(ctx));
    grains.extend(storage_names(&ctx.opts, &Root::default()));
    let ps = process_list_command(&grains);
    grains.insert("ps", ps);
    let render = ctx.render;
    match render.custom().map(|custom| custom.grains(ctx, &grains)) {
        Some(Ok(custom)) => grains.extend(custom),
        Some(Err(error)) => ctx.notes.push(error.to_string()),
        None => {}
    }
    match static_file::read(ctx) {
        Ok(fixed) => dictupdate::update(&mut grains, fixed, false),
        Err(error) => ctx.notes.push(error.to_string()),
    }
    if let Some(Value::Map(configured)) = ctx.opts.get("grains") {
        dictupdate::update(&mut grains, configured.clone(), false);
    }
    grains
}

/// The grains of every group that was ready in time, and the names of the others.
fn gather_groups(groups: &'static [Group], limit: Duration) -> (Map, Vec<&'static str>) {
    let deadline = Instant::now() + limit;
    let (sender, receiver) = mpsc::channel();
    for (at, (name, group)) in groups.iter().enumerate() {
        let sender = sender.clone();
        let run = move || {
            let _ = sender.send((at, group(&Root::default())));
        };
        // Where no thread can be had, the group is missing like one that is late.
        let _ = std::thread::Builder::new().name(format!("grains-{name}")).spawn(run);
    }
    drop(sender);
    let mut ready: Vec<Option<Map>> = groups.iter().map(|_| None).collect();
    while let Ok((at, grains)) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        ready[at] = Some(grains);
    }
    let missing = groups
        .iter()
        .zip(&ready)
        .filter(|(_, grains)| grains.is_none())
        .map(|((name, _), _)| *name)
        .collect();
    (ready.into_iter().flatten().flatten().collect(), missing)
}

/// `{id, master, server_id}` and `append_domain` where configured.
fn identity(ctx: &Ctx) -> Map {
    let id = ctx.id.as_str();
    let mut grains = Map::from([
        ("id", Value::from(id)),
        ("master", ctx.opts.get("master").cloned().unwrap_or_else(|| "".into())),
        ("server_id", server_id(id).into()),
    ]);
    grains.extend(ctx.opts.get("append_domain").map(|domain| ("append_domain", domain.clone())));
    grains
}

/// `{iscsi_iqn, nvme_nqn, fc_wwn}`, each only where the configuration asks for it.
fn storage_names(opts: &Map, root: &Root) -> Map {
    let lines = |file: &str, prefix: &str, kept: usize| -> Value {
        let text = root.text(file).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| line.starts_with(prefix));
        lines.filter_map(|line| line.get(kept..)).collect()
    };
    let wanted = |key: &str| opts.get(key).is_some_and(Value::is_truthy);
    let mut grains = Map::new();
    if wanted("iscsi_grains") {
        grains.insert(
            "iscsi_iqn",
            lines("/etc/iscsi/initiatorname.iscsi", "InitiatorName=", "InitiatorName=".len()),
        );
    }
    if wanted("nvme_grains") {
        grains.insert("nvme_nqn", lines("/etc/nvme/hostnqn", "nqn.", 0));
    }
    if wanted("fibre_channel_grains") {
        let hosts = root.names("/sys/class/fc_host");
        let ports =
            hosts.iter().filter_map(|host| root.line(&format!("/sys/class/fc_host/{host}/port_name")));
        grains
            .insert("fc_wwn", ports.map(|port| port.trim_start_matches("0x").to_owned()).collect::<Value>());
    }
    grains
}

/// The last 31 bits of the id's SHA-256.
fn server_id(id: &str) -> u32 {
    let hex = digest::of_bytes("sha256", id.as_bytes()).unwrap_or_default();
    let last = hex.get(hex.len().saturating_sub(8)..).unwrap_or_default();
    u32::from_str_radix(last, 16).unwrap_or_default() & 0x7fff_ffff
}

/// The shell command that lists this host's processes, for `status.procs` and others.
fn process_list_command(grains: &Map) -> &'static str {
    let is = |key, value| grains.get_str(key) == Some(value);
    if is("virtual", "openvzhn") {
        return "ps -fH -p $(grep -l \"^envID:[[:space:]]*0\\$\" /proc/[0-9]*/status | \
                sed -e \"s=/proc/\\([0-9]*\\)/.*=\\1=\")  | awk '{ $7=\"\"; print }'";
    }
    if is("os_family", "NILinuxRT") { "ps -o user,pid,ppid,tty,time,comm" } else { "ps -efHww" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick(_: &Root) -> Map {
        Map::from([("quick", 1)])
    }

    fn stuck(_: &Root) -> Map {
        std::thread::sleep(Duration::from_secs(2));
        Map::from([("stuck", 1)])
    }

    fn broken(_: &Root) -> Map {
        panic!("a group that cannot be trusted")
    }

    #[test]
    fn a_group_that_hangs_or_panics_costs_only_itself() {
        let begun = Instant::now();
        let groups: &[Group] = &[("stuck", stuck), ("broken", broken), ("quick", quick)];
        let (grains, missing) = gather_groups(groups, Duration::from_millis(200));
        assert_eq!(grains, quick(&Root::default()));
        assert_eq!(missing, ["stuck", "broken"]);
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn gathering_is_quick_on_a_healthy_host() {
        let begun = Instant::now();
        let (grains, missing) = gather_groups(GROUPS, TIME_LIMIT);
        assert!(missing.is_empty(), "{missing:?}");
        assert!(grains.len() > 55, "{} grains", grains.len());
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    }

    #[test]
    fn the_server_id_is_salts() {
        assert_eq!(server_id("gr"), 1_445_344_313);
    }

    #[test]
    fn dictionaries_of_grains_are_merged() {
        let mut grains =
            Map::from([("a", Value::Map(Map::from([("x", 1), ("y", 2)]))), ("b", Value::Int(1))]);
        dictupdate::update(
            &mut grains,
            Map::from([("a", Value::Map(Map::from([("y", 3)]))), ("b", Value::Int(2))]),
            false,
        );
        let expected = Map::from([("a", Value::Map(Map::from([("x", 1), ("y", 3)]))), ("b", Value::Int(2))]);
        assert_eq!(grains, expected);
    }
}
