//! Host keys of real servers: unknown, known, hashed, changed.

use super::controller::Controller;
use super::site::{fleet, inside};
use halite_site::Fleet;
use std::process::Command;
use std::time::{Duration, Instant};

fn known_line(fleet: &Fleet, host: &str) -> String {
    let host = fleet.host(host).unwrap();
    format!("{} {}\n", host.known_hosts_name(), host.host_key)
}

/// What `ssh-keygen` says of the first key in the file.
fn fingerprint(file: &std::path::Path) -> String {
    let output = Command::new("ssh-keygen").arg("-lf").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn sec_82_an_unknown_host_is_refused_until_it_is_accepted_and_remembered() {
    let Some(fleet) = fleet() else { return };
    let controller =
        Controller::with_known_hosts(fleet, "").entry("h", "plain", &[]).entry("d", "doors", &[]);
    std::fs::write(controller.path("line"), known_line(fleet, "plain")).unwrap();
    let refused = controller.ssh(&["*", "test.ping"]);
    refused.failed("h", "hostkey_unknown", &[&fingerprint(&controller.path("line"))]);
    refused.failed("d", "hostkey_unknown", &[]);
    assert_eq!((refused.code, refused.reached("h")), (Some(254), "not_started"));
    let accepted = controller.ssh(&["*", "test.ping", "-i"]);
    accepted.is_true("h");
    accepted.is_true("d");
    let kept = std::fs::read_to_string(controller.path("pki/hosts/known_hosts")).unwrap();
    for host in ["plain", "doors"] {
        assert!(kept.contains(known_line(fleet, host).rsplit_once(' ').unwrap().0), "{kept}");
    }
    controller.ssh(&["h", "test.ping"]).is_true("h");
    assert_eq!(
        std::fs::read_to_string(controller.path("known_hosts")).unwrap(),
        "",
        "OpenSSH's file was written"
    );
}

#[test]
fn sec_82_names_hashed_by_ssh_keygen_are_recognised() {
    let Some(fleet) = fleet() else { return };
    let lines = known_line(fleet, "plain") + &known_line(fleet, "doors");
    let controller =
        Controller::with_known_hosts(fleet, &lines).entry("h", "plain", &[]).entry("d", "doors", &[]);
    let file = controller.path("known_hosts");
    let hashed = Command::new("ssh-keygen").args(["-H", "-f"]).arg(&file).output().unwrap();
    assert!(hashed.status.success(), "{hashed:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("|1|") && !text.contains("10.99"), "{text}");
    let answer = controller.ssh(&["*", "test.ping"]);
    answer.is_true("h");
    answer.is_true("d");
}

#[test]
fn sec_82_tgt_08_a_replaced_host_key_is_refused_whatever_is_accepted() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("h", "reinstalled", &[]);
    controller.ssh(&["h", "test.ping"]).is_true("h");
    // sshd reads its keys anew on HUP.
    let script = "cd /etc/ssh && rm ssh_host_ed25519_key* && ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key && kill -HUP 1";
    inside(fleet, "reinstalled", script);
    let new = inside(fleet, "reinstalled", "cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub");
    let host = fleet.host("reinstalled").unwrap();
    let began = Instant::now();
    loop {
        let scanned = fleet.command("ssh-keyscan").args(["-t", "ed25519", &host.address]).output().unwrap();
        if String::from_utf8_lossy(&scanned.stdout).contains(&new) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "the server does not take its new key");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::fs::write(controller.path("line"), known_line(fleet, "reinstalled")).unwrap();
    let known = fingerprint(&controller.path("line"));
    for options in [&["h", "test.ping"][..], &["h", "test.ping", "-i"], &["-r", "h", "true"]] {
        let answer = controller.ssh(options);
        answer.failed("h", "hostkey_changed", &[&known, "offered"]);
        assert_eq!((answer.code, answer.reached("h")), (Some(254), "not_started"), "{options:?}");
    }
    controller.ssh(&["h", "test.ping", "--no-host-keys"]).is_true("h");
    assert!(!controller.path("pki/hosts/known_hosts").exists(), "a key was remembered that nobody accepted");
}
