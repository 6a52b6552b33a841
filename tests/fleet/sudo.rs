//! Becoming somebody else by a real sudo.

use super::controller::Controller;
use super::site::{PASSWORD, fleet, inside};
use std::process::Stdio;
use std::time::Instant;

fn passwd() -> String {
    format!("passwd: {PASSWORD}")
}

#[test]
fn tgt_20_sudo_runs_the_call_with_and_without_a_password_and_after_lectures() {
    let Some(fleet) = fleet() else { return };
    let passwd = passwd();
    let controller = Controller::new(fleet)
        .entry("free", "sudo", &["user: free", "sudo: True"])
        .entry("asked", "sudo", &["user: asked", "sudo: True", &passwd])
        .entry("lectured", "sudo", &["user: lectured", "sudo: True", &passwd])
        .entry("typist", "sudo", &["user: typist", "sudo: True", "tty: True", &passwd])
        .entry("unaware", "sudo", &["user: typist", "sudo: True", &passwd]);
    let ids = ["free", "asked", "lectured", "typist", "unaware"];
    for _ in ["first contact", "second"] {
        let answer = controller.ssh(&["*", "test.ping"]);
        ids.iter().for_each(|id| answer.is_true(id));
    }
    let answer = controller.ssh(&["*", "cmd.run", "id -un"]);
    ids.iter().for_each(|id| answer.is_text(id, "root"));
    let long = "x".repeat(50_000);
    let answer = controller.ssh(&["*", "test.echo", &long]);
    ids.iter().for_each(|id| answer.is_text(id, &long));
    let raw = controller.ssh(&["-r", "*", "id -un; echo \"it's\" \"$0\""]);
    for id in ids.iter().filter(|id| **id != "unaware") {
        let said =
            raw.value(id).get("stdout").and_then(|out| out.as_str()).unwrap_or_default().replace('\r', "");
        assert_eq!(said, "root\nit's sh\n", "{id}: {raw:?}");
    }
}

#[test]
fn tgt_20_the_executor_belongs_to_whom_sudo_makes_us() {
    let Some(fleet) = fleet() else { return };
    let passwd = passwd();
    let controller = Controller::new(fleet)
        .entry("free", "sudo", &["user: free", "sudo: True", "sudo_user: app"])
        .entry("asked", "sudo", &["user: asked", "sudo: True", "sudo_user: app", &passwd])
        .entry("root", "sudo", &["user: free", "sudo: True"]);
    for id in ["free", "asked"] {
        controller.ssh(&[id, "cmd.run", "id -un; echo $HOME"]).is_text(id, "app\n/home/app");
    }
    controller.ssh(&["root", "test.ping"]).is_true("root");
    let owners = inside(
        fleet,
        "sudo",
        "stat -c '%U %a %n' /var/tmp/.halite-app /var/tmp/.halite-root; ls -d /var/tmp/.halite-free /var/tmp/.halite-asked 2>/dev/null || :",
    );
    assert_eq!(owners, "app 1700 /var/tmp/.halite-app\nroot 1700 /var/tmp/.halite-root");
}

#[test]
fn tgt_20_sudo_that_refuses_says_why_in_its_own_words() {
    let Some(fleet) = fleet() else { return };
    let passwd = passwd();
    let controller = Controller::new(fleet)
        .entry("wrong", "sudo", &["user: asked", "sudo: True", "passwd: not this one"])
        .entry("none", "sudo", &["user: asked", "sudo: True"])
        .entry("guest", "sudo", &["user: guest", "sudo: True", &passwd])
        .entry("nobody", "sudo", &["user: free", "sudo: True", "sudo_user: no-such-user"]);
    let rows = [
        ("wrong", "password"),
        ("none", "password is required"),
        ("guest", "sudoers"),
        ("nobody", "no-such-user"),
    ];
    let answer = controller.ssh(&["*", "test.ping"]);
    for (id, word) in rows {
        answer.failed(id, "sudo_failed", &[word]);
        assert_eq!(answer.reached(id), "not_started", "{id}");
    }
    assert_eq!(answer.code, Some(69), "{answer:?}");
    assert!(answer.took.as_secs() < 14, "a refusal was waited for: {:?}", answer.took);
    // A plain command and sudo before it share one stream of errors: what sudo says is shown.
    let raw = controller.ssh(&["-r", "*", "true"]);
    for (id, word) in rows {
        let said = format!("{:?}", raw.value(id));
        assert!(raw.outcome(id) != "ok" && said.contains(word), "{id}: {said}");
    }
    assert!(raw.took.as_secs() < 14, "a refusal was waited for: {:?}", raw.took);
}

#[test]
fn sec_46_prompts_of_login_scripts_and_banners_do_not_keep_a_host_from_answering() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet)
        .entry("noisy", "noisy", &["user: asked", "sudo: True", &passwd()])
        .entry("typed", "noisy", &["user: asked", "sudo: True", "tty: True", &passwd()])
        .entry("plain", "noisy", &["user: asked"]);
    for _ in ["first contact", "second"] {
        let answer = controller.ssh(&["*", "cmd.run", "id -un"]);
        answer.is_text("noisy", "root");
        answer.is_text("typed", "root");
        answer.is_text("plain", "asked");
    }
}

#[test]
fn sec_47_no_secret_stands_on_a_command_line_of_the_host() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("asked", "sudo", &["user: asked", "sudo: True", &passwd()]);
    // The word is put together on the host, so that the watcher's own line does not have it.
    let watch = "while [ -e /run/watch ]; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' >>/run/watched; done";
    inside(fleet, "sudo", "touch /run/watch; : >/run/watched");
    let mut watcher = fleet.command_in("sudo", watch).unwrap().stdin(Stdio::null()).spawn().unwrap();
    inside(fleet, "sudo", "rm -rf /var/tmp/.halite-root/[0-9a-f]*");
    for command in [&["asked", "test.ping"][..], &["asked", "cmd.run", "echo its canary-$((40+2)); sleep 1"]]
    {
        assert_eq!(controller.ssh(command).outcome("asked"), "ok");
    }
    inside(fleet, "sudo", "rm /run/watch");
    assert!(watcher.wait().unwrap().success());
    let seen = inside(fleet, "sudo", "sort -u /run/watched");
    assert!(seen.contains("halite-root"), "the watcher saw nothing of the runs");
    assert!(!seen.contains(PASSWORD), "the password was on show");
    let began = Instant::now();
    let output = controller.halite(&["asked", "test.ping", "-l", "trace"]).output().unwrap();
    let answer = controller.read(&output, began);
    assert!(!answer.stderr.contains(PASSWORD) && !answer.stdout.contains(PASSWORD), "{answer:?}");
}
