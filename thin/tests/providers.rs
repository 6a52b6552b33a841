//! Package managers and init systems that Debian packages besides its own, driven by the states in a throwaway copy of
//! this machine's root. The programs are fetched by apt and installed in the copy alone.
//!
//! Skipped, and said so, without root's rights or where apt cannot fetch the packages.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)] // a copy speaks to its parent on stderr

mod support;

use halite_modules::NoLink;
use halite_wire::message::Call;
use halite_wire::{Jid, Map, Value};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names the provider for [`one_provider_in_its_copy`].
const PROVIDER: &str = "HALITE_PROVIDER";

/// A provider, the Debian packages of its programs, and what is tried.
struct Provider {
    name: &'static str,
    packages: &'static [&'static str],
    trial: fn(),
}

const PROVIDERS: [Provider; 6] = [
    Provider {
        name: "dnf",
        packages: &["dnf", "rpm", "createrepo-c"],
        trial: || {
            prepare(include_str!("providers/rpm.sh"), "Fedora Linux");
            packages("halite-demo");
        },
    },
    Provider {
        name: "zypper",
        packages: &["zypper", "rpm", "createrepo-c"],
        trial: || {
            prepare(include_str!("providers/rpm.sh"), "openSUSE Leap");
            packages("halite-demo");
        },
    },
    Provider { name: "pacman", packages: &["pacman-package-manager"], trial: pacman },
    Provider { name: "openrc", packages: &["openrc"], trial: openrc },
    Provider { name: "runit", packages: &["runit"], trial: runit },
    Provider { name: "kmod", packages: &["kmod"], trial: kmod },
];

#[test]
fn packages_come_and_go_with_dnf() {
    try_out("dnf");
}

#[test]
fn packages_come_and_go_with_zypper() {
    try_out("zypper");
}

#[test]
fn packages_come_and_go_with_pacman() {
    try_out("pacman");
}

#[test]
fn services_start_and_stop_with_openrc() {
    try_out("openrc");
}

#[test]
fn services_are_watched_and_started_with_runit() {
    try_out("runit");
}

#[test]
fn modules_of_the_kernel_are_listed_and_kept_with_kmod() {
    try_out("kmod");
}

fn provider(name: &str) -> &'static Provider {
    PROVIDERS.iter().find(|provider| provider.name == name).unwrap()
}

fn try_out(name: &str) {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: {name} is tried in a copy of the root, which takes root's rights");
        return;
    }
    if let Err(why) = fetch(provider(name)) {
        println!("SKIPPED: apt cannot fetch {name}: {why}");
        return;
    }
    let top = std::env::temp_dir().join(format!("halite-provider-{name}-{}", std::process::id()));
    let output = support::in_copy(&top, "one_provider_in_its_copy", PROVIDER, name);
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where the packages of a provider are kept between runs.
fn folder(provider: &Provider) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("providers").join(provider.name)
}

/// Those packages that this machine lacks, with what they need.
fn fetch(provider: &Provider) -> Result<(), String> {
    let folder = folder(provider);
    std::fs::create_dir_all(folder.join("partial")).unwrap();
    let output = Command::new("apt-get")
        .args(["install", "-y", "-qq", "--download-only", "--no-install-recommends", "--reinstall"])
        // Nothing is installed, so nobody is to be waited for.
        .args(["-o", "Debug::NoLocking=true", "-o"])
        .arg(format!("Dir::Cache::archives={}", folder.display()))
        .args(provider.packages)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// The other end of [`try_out`]: alone, it does nothing.
#[test]
fn one_provider_in_its_copy() {
    let Ok(name) = std::env::var(PROVIDER) else { return };
    let provider = provider(&name);
    let install =
        "dpkg --force-all -i \"$1\"/*.deb > /tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log >&2; exit 1; }";
    shell(install, &folder(provider).to_string_lossy());
    (provider.trial)();
}

fn prepare(script: &str, word: &str) {
    shell(&format!("set -e\n{script}"), word);
}

fn shell(script: &str, word: &str) {
    let done = Command::new("sh").args(["-c", script, "sh", word]).stdin(Stdio::null()).status().unwrap();
    assert!(done.success(), "{script}");
}

/// One call; `init` stands in for the process that runs as number 1 on a real host.
fn ask(fun: &str, args: &[&str], kwarg: &[(&str, &str)]) -> Value {
    let init = std::env::var(PROVIDER).ok().filter(|name| name == "runit");
    let grains: Map = init.into_iter().map(|init| ("init", init)).collect();
    let call = Call {
        jid: Jid::from_unix_micros(1),
        id: "provider".parse().unwrap(),
        fun: fun.to_owned(),
        arg: args.iter().map(|&arg| arg.into()).collect(),
        kwarg: kwarg.iter().copied().collect(),
        opts: Map::from([("cachedir", Value::from("/var/cache/halite-provider")), ("grains", grains.into())]),
        timeout_ms: 0,
    };
    halite_thin::execute(call, &mut NoLink).value
}

/// The changes of one state that must succeed.
fn state(fun: &str, kwarg: &[(&str, &str)]) -> Value {
    let answer = ask("state.single", &[fun], kwarg);
    let ret = answer.as_map().and_then(|map| map.values().next()).cloned().unwrap_or_default();
    assert_eq!(ret.get("result"), Some(&true.into()), "{fun} {kwarg:?}: {answer:?}");
    ret.get("changes").cloned().unwrap()
}

fn change(name: &str, old: &str, new: &str) -> Value {
    Map::from([(name, Map::from([("new", new), ("old", old)]))]).into()
}

/// The course of a package `name` that is there to be had as 1.0-1 and 2.0-1.
fn packages(name: &str) {
    assert_eq!(ask("pkg.version", &[name], &[]), "".into());
    let first = [("name", name), ("version", "1.0-1")];
    assert_eq!(state("pkg.installed", &first), change(name, "", "1.0-1"));
    assert_eq!(state("pkg.installed", &first), Map::new().into());
    upgraded(name);
}

/// The same from its first version on.
fn upgraded(name: &str) {
    assert_eq!(ask("pkg.version", &[name], &[]), "1.0-1".into());
    assert_eq!(ask("pkg.list_pkgs", &[], &[]).get(name), Some(&"1.0-1".into()));
    assert_eq!(ask("pkg.latest_version", &[name], &[]), "2.0-1".into());
    assert_eq!(ask("pkg.upgrade_available", &[name], &[]), true.into());
    assert_eq!(ask("pkg.list_upgrades", &[], &[]), Map::from([(name, "2.0-1")]).into());
    assert_eq!(state("pkg.latest", &[("name", name)]), change(name, "1.0-1", "2.0-1"));
    assert_eq!(state("pkg.latest", &[("name", name)]), Map::new().into());
    assert_eq!(ask("pkg.owner", &["/opt/halite-demo/version"], &[]), name.into());
    assert_eq!(state("pkg.removed", &[("name", name)]), change(name, "2.0-1", ""));
    assert_eq!(state("pkg.removed", &[("name", name)]), Map::new().into());
    assert!(!Path::new("/opt/halite-demo/version").exists());
    assert_eq!(state("pkg.installed", &[("name", name)]), change(name, "", "2.0-1"));
}

fn pacman() {
    prepare(include_str!("providers/pacman.sh"), "");
    upgraded("halite-demo");
}

fn openrc() {
    prepare(include_str!("providers/openrc.sh"), "");
    service("demo");
    assert_eq!(ask("service.get_enabled", &[], &[]).get("demo"), None);
}

fn runit() {
    prepare(include_str!("providers/runit.sh"), "");
    assert_eq!(ask("service.available", &["demo"], &[]), true.into());
    assert_eq!(ask("service.enabled", &["demo"], &[]), false.into());
    assert_eq!(ask("service.enable", &["demo"], &[]), true.into());
    assert_eq!(ask("service.enabled", &["demo"], &[]), true.into());
    assert_eq!(state("service.running", &[("name", "demo")]), Map::from([("demo", true)]).into());
    assert_eq!(state("service.running", &[("name", "demo")]), Map::new().into());
    assert_eq!(ask("service.disable", &["demo"], &[]), true.into());
}

/// The course of a service that neither runs nor starts at boot.
fn service(name: &str) {
    assert_eq!(ask("service.available", &[name], &[]), true.into());
    assert_eq!(ask("service.status", &[name], &[]), false.into());
    assert_eq!(
        state("service.running", &[("name", name), ("enable", "true")]),
        Map::from([(name, true)]).into()
    );
    assert_eq!(state("service.running", &[("name", name), ("enable", "true")]), Map::new().into());
    assert_eq!(ask("service.status", &[name], &[]), true.into());
    assert_eq!(ask("service.enabled", &[name], &[]), true.into());
    assert_eq!(ask("service.restart", &[name], &[]), true.into());
    assert_eq!(
        state("service.dead", &[("name", name), ("enable", "false")]),
        Map::from([(name, true)]).into()
    );
    assert_eq!(ask("service.disabled", &[name], &[]), true.into());
}

/// As far as a copy goes, whose kernel is the machine's.
fn kmod() {
    let loaded = std::fs::read_to_string("/proc/modules").unwrap_or_default();
    let names: Vec<&str> = loaded.lines().filter_map(|line| line.split(' ').next()).collect();
    let told = ask("kmod.lsmod", &[], &[]);
    let told: Vec<Value> =
        told.as_list().unwrap().iter().filter_map(|row| row.get("module").cloned()).collect();
    assert_eq!(Value::from(told), names.iter().copied().map(Value::from).collect());
    let refused = ask("state.single", &["kmod.present"], &[("name", "halite_no_such_module")]);
    let refused = refused.as_map().and_then(|map| map.values().next()).cloned().unwrap_or_default();
    assert_eq!(refused.get("result"), Some(&false.into()), "{refused:?}");
    assert_eq!(state("kmod.absent", &[("name", "halite_no_such_module")]), Map::new().into());
}
