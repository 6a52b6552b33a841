//! The kit against itself: fleets are raised, met with OpenSSH's own client, and leave nothing behind.
//!
//! Namespaces need root. Without it these tests have nothing to look at; the fallback has tests of its own.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use halite_site::{DelayProxy, Flavour, Fleet, Host, Kind, Plan, User};

fn ssh(fleet: &Fleet, host: &str, command: &str) -> Output {
    fleet.command("ssh").arg("-F").arg(fleet.ssh_config()).args([host, command]).output().unwrap()
}

/// What a command over SSH printed; panics with all there is to know when it failed.
fn says(fleet: &Fleet, host: &str, command: &str) -> String {
    let output = ssh(fleet, host, command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{host}: {command}: {}: {stderr}", output.status);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// Command lines of all processes that name the fleet's folder.
fn processes_of(dir: &Path) -> Vec<String> {
    let dir = dir.to_string_lossy();
    let commands = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let words = fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&words).replace('\0', " "))
    });
    commands.filter(|command| command.contains(&*dir)).collect()
}

#[test]
fn every_host_answers_with_its_own_name_root_and_key() {
    if !is_root() {
        return;
    }
    let fleet = Fleet::up(Plan { openssh: 2, minimal: 1, ..Plan::default() }).unwrap();
    assert_eq!(fleet.kind(), Kind::Namespaced);
    for host in fleet.hosts() {
        assert_eq!(says(&fleet, &host.name, "hostname"), host.name);
        let server = if host.flavour == Flavour::Minimal { "dropbear" } else { "sshd" };
        assert_eq!(says(&fleet, &host.name, "echo mine > /root/halite-mark; cat /proc/1/comm"), server);
    }
    assert!(!Path::new("/root/halite-mark").exists(), "a host wrote into the machine's own root");
    assert_eq!(says(&fleet, "h001", "ls /home /tmp /srv"), "/home:\n\n/srv:\n\n/tmp:", "the machine shows");
    let keys: Vec<&str> = fleet.hosts().iter().map(|host| host.host_key.as_str()).collect();
    assert!(keys[0] != keys[1] && keys[1] != keys[2]);
    assert_eq!(says(&fleet, "m001", "which bash python3 useradd; test -x /bin/busybox && echo bare"), "bare");
}

#[test]
fn down_leaves_no_process_mount_namespace_or_file() {
    if !is_root() {
        return;
    }
    let fleet = Fleet::up(Plan { openssh: 1, minimal: 1, ..Plan::default() }).unwrap();
    let dir = fleet.dir().to_owned();
    let servers: Vec<_> = fleet.hosts().iter().map(|host| host.server).collect();
    let namespace = fs::read_link(format!("/proc/{}/ns/net", servers[0].pid)).unwrap();
    assert_eq!(says(&fleet, "h001", "sleep 600 >/dev/null 2>&1 </dev/null & echo left"), "left");
    assert!(!processes_of(&dir).is_empty());
    fleet.down().unwrap();
    assert!(servers.iter().all(|server| !server.is_alive()));
    assert_eq!(processes_of(&dir), Vec::<String>::new());
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains(&*dir.to_string_lossy()));
    let held =
        |entry: fs::DirEntry| fs::read_link(entry.path().join("ns/net")).is_ok_and(|link| link == namespace);
    assert!(
        !fs::read_dir("/proc").unwrap().flatten().any(held),
        "somebody still holds the network of a host"
    );
    assert!(!dir.exists());
}

#[test]
fn a_fleet_ends_with_the_process_that_raised_it() {
    if !is_root() {
        return;
    }
    let fleet = Fleet::up(Plan { openssh: 1, ..Plan::default() }).unwrap();
    let (dir, server) = (fleet.dir().to_owned(), fleet.hosts()[0].server);
    fleet.abandon();
    assert!(server.wait_gone(Duration::from_secs(5)), "the host outlived its owner");
    let end = Instant::now() + Duration::from_secs(5);
    while dir.exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!dir.exists(), "the keeper left {}", dir.display());
}

#[test]
fn a_fleet_left_up_is_found_again_by_its_folder() {
    if !is_root() {
        return;
    }
    let dir = std::env::temp_dir().join(format!("halite-left-up-{}", std::process::id()));
    drop(Fleet::up_in(&dir, Plan { openssh: 1, ..Plan::default() }).unwrap());
    let second = Fleet::up_in(&dir, Plan { openssh: 1, ..Plan::default() });
    assert!(second.err().unwrap().to_string().contains("already up"));
    let fleet = Fleet::attach(&dir).unwrap();
    assert!(fleet.is_up());
    assert_eq!(says(&fleet, "h001", "echo still here"), "still here");
    fleet.down().unwrap();
    assert!(!dir.exists());
}

#[test]
fn odd_hosts_are_as_odd_as_planned() {
    if !is_root() {
        return;
    }
    let ops = User::new("ops").password("correct horse").sudo("ALL=(ALL:ALL) ALL");
    let plan = Plan::default()
        .with(Host::openssh("noexec").noexec_tmp())
        .with(Host::openssh("readonly").read_only_root())
        .with(Host::openssh("ops").user(ops).login_as("ops").roster("sudo", "True"))
        .with(Host::openssh("shell").login_shell("/bin/dash").port(2222))
        .with(Host::openssh("noisy").banner("keep out\n").file("/root/.bashrc", 0o644, "echo noise\n"))
        .with(Host::openssh("six").ipv6())
        .with(Host::openssh("nosftp").without_sftp().max_sessions_1());
    let fleet = Fleet::up(plan).unwrap();
    let refused = ssh(&fleet, "noexec", "cp /bin/true /tmp/t && /tmp/t");
    assert_eq!(refused.status.code(), Some(126), "{refused:?}");
    assert!(!ssh(&fleet, "readonly", "touch /tmp/x").status.success());
    assert_eq!(says(&fleet, "readonly", "cp /bin/echo /dev/shm/e && /dev/shm/e wrote"), "wrote");
    assert_eq!(says(&fleet, "ops", "id -un; echo 'correct horse' | sudo -S -p '' id -u"), "ops\n0");
    assert!(!ssh(&fleet, "ops", "echo wrong | sudo -S -p '' -k id -u").status.success());
    assert_eq!(says(&fleet, "shell", "readlink /proc/$$/exe"), "/usr/bin/dash");
    assert_eq!(says(&fleet, "noisy", "echo said"), "noise\nsaid");
    let six = fleet.host("six").unwrap();
    assert_eq!(says(&fleet, "six", "echo $SSH_CONNECTION | cut -d' ' -f3"), six.address);
    let mut sftp = fleet.command("sftp");
    sftp.arg("-F").arg(fleet.ssh_config()).arg("nosftp:/etc/hostname").current_dir(fleet.dir());
    assert!(!sftp.output().unwrap().status.success(), "sftp is there");
    let roster = fs::read_to_string(fleet.config_dir().join("roster")).unwrap();
    assert!(
        roster.contains("user: ops\n") && roster.contains("sudo: True\n") && roster.contains("port: 2222\n")
    );
}

#[test]
fn a_password_opens_openssh_and_dropbear_and_a_wrong_one_does_not() {
    if !is_root() {
        return;
    }
    let ops = User::new("ops").password("open sesame").without_key();
    let plan = Plan::default()
        .with(Host::openssh("o").user(ops.clone()).login_as("ops"))
        .with(Host::minimal("m").user(ops).login_as("ops"));
    let fleet = Fleet::up(plan).unwrap();
    let askpass = fleet.dir().join("askpass");
    for host in ["o", "m"] {
        for (word, opens) in [("open sesame", true), ("guess", false)] {
            fs::write(&askpass, format!("#!/bin/sh\necho '{word}'\n")).unwrap();
            fs::set_permissions(&askpass, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
            let mut ssh = fleet.command("ssh");
            ssh.arg("-F").arg(fleet.ssh_config()).args([
                "-o",
                "BatchMode=no",
                "-o",
                "NumberOfPasswordPrompts=1",
            ]);
            ssh.args([host, "id -un"]).env("SSH_ASKPASS", &askpass).env("SSH_ASKPASS_REQUIRE", "force");
            let output = ssh.output().unwrap();
            assert_eq!(output.stdout == b"ops\n", opens, "{host}, {word}: {output:?}");
        }
    }
}

#[test]
fn a_plan_that_cannot_come_up_says_which_host_and_why() {
    if !is_root() {
        return;
    }
    let plan = Plan::default().with(Host::openssh("broken").sshd("NoSuchKeyword yes"));
    let error = Fleet::up(plan).err().unwrap().to_string();
    assert!(error.contains("broken") && error.contains("NoSuchKeyword"), "{error}");
}

#[test]
fn loopback_hosts_answer_and_leave_no_process() {
    let fleet = Fleet::loopback(2).unwrap();
    assert_eq!(fleet.kind(), Kind::Loopback);
    assert_eq!(says(&fleet, "h001", "echo one"), "one");
    assert_eq!(says(&fleet, "h002", "sleep 600 >/dev/null 2>&1 </dev/null & echo two"), "two");
    let (dir, hosts) = (fleet.dir().to_owned(), fleet.hosts().to_vec());
    fleet.down().unwrap();
    assert!(hosts.iter().all(|host| !host.server.is_alive()));
    assert_eq!(processes_of(&dir), Vec::<String>::new());
    assert!(!dir.exists());
}

/// A host of a fleet is a machine on which this very test can be an ordinary user.
#[test]
fn without_root_the_same_fleet_runs_on_loopback() {
    if !is_root() {
        return;
    }
    let fleet = Fleet::up(Plan::default().with(Host::openssh("machine").user(User::new("ops")))).unwrap();
    let mut scp = fleet.command("scp");
    scp.arg("-qF").arg(fleet.ssh_config()).arg(std::env::current_exe().unwrap()).arg("machine:/tmp/kit");
    assert!(scp.status().unwrap().success());
    let tests = "loopback_hosts_answer_and_leave_no_process \
                 the_delay_proxy_stands_between_client_and_host_inside_the_fleet";
    let said =
        says(&fleet, "machine", &format!("su ops -c '/tmp/kit --exact {tests}' 2>&1; ps -U ops -o args="));
    assert!(said.contains("2 passed"), "{said}");
    assert!(!said.contains("sshd"), "left behind: {said}");
}

#[test]
fn the_delay_proxy_stands_between_client_and_host_inside_the_fleet() {
    let fleet = Fleet::up(Plan { openssh: 1, ..Plan::default() }).unwrap();
    let host = &fleet.hosts()[0];
    let target = format!("{}:{}", host.address, host.port).parse().unwrap();
    let proxy = DelayProxy::start(&fleet, target, Duration::from_millis(20)).unwrap();
    let port = proxy.address().port().to_string();
    let mut ssh = fleet.command("ssh");
    ssh.args(["-p", &port, "-o", "HostName=127.0.0.1"]);
    ssh.args(["-o", &format!("HostKeyAlias={}", host.known_hosts_name())]);
    ssh.arg("-F").arg(fleet.ssh_config()).args(["h001", "echo far"]);
    let output = ssh.output().unwrap();
    assert_eq!(output.stdout, b"far\n", "{output:?}");
    let flows = proxy.flows();
    assert_eq!(flows.len(), 1);
    assert!((6..=14).contains(&flows[0].turns), "{flows:?}");
}

#[test]
fn an_unknown_host_is_answered_with_the_names_there_are() {
    let fleet = Fleet::loopback(1).unwrap();
    let error = fleet.exec_in("h009", "true").err().unwrap().to_string();
    assert_eq!(error, "no host `h009` in this fleet (there are: h001)");
}
