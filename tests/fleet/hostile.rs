//! Another user of the host who lies in wait where the executor is put.

use super::controller::Controller;
use super::site::{fleet, inside};
use halite::session::thins::{self, Edition};
use halite_site::Fleet;
use std::process::Child;

const DIR: &str = "/var/tmp/.halite-root";

/// Runs a script as the unprivileged user.
fn as_mallory(fleet: &Fleet, script: &str) {
    inside(fleet, "traps", &format!("su mallory -c '{script}'"));
}

/// A script that proves it was run, in place of every file a run might start.
fn plant(folder: &str) -> String {
    let version = thins::version(Edition::Lean);
    format!(
        "cp /home/mallory/planted {folder}/{version}; cp /home/mallory/planted {folder}/.{version}; chmod 700 {folder}/{version}"
    )
}

fn clear(fleet: &Fleet) {
    inside(
        fleet,
        "traps",
        "rm -rf /var/tmp/.halite* /tmp/.halite* /dev/shm/.halite* /root/.halite* /home/mallory/trap /tmp/ran; umask 0; echo '#!/bin/sh\ntouch /tmp/ran' >/home/mallory/planted; chmod 755 /home/mallory/planted",
    );
}

fn assert_untouched(fleet: &Fleet, how: &str) {
    let ran = inside(fleet, "traps", "ls /tmp/ran 2>/dev/null || :");
    assert_eq!(ran, "", "{how}: what mallory planted was run");
    let etc = inside(
        fleet,
        "traps",
        "ls -d /etc/[0-9a-f]* /etc/.[0-9a-f]* 2>/dev/null | grep -E '[0-9a-f]{32}' || :",
    );
    assert_eq!(etc, "", "{how}: a link was followed");
}

/// Takes its turn with the swapping: a shared host must not be swapped under two tests.
static TRAPS: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[test]
fn sec_36_what_another_user_prepared_is_neither_run_nor_written_to() {
    let Some(fleet) = fleet() else { return };
    let _turn = TRAPS.lock().unwrap();
    let controller = Controller::new(fleet).entry("h", "traps", &[]);
    let traps = [
        ("a link to /etc", format!("ln -s /etc {DIR}")),
        (
            "a link to a trap",
            format!(
                "mkdir -m 700 /home/mallory/trap; {}; ln -s /home/mallory/trap {DIR}",
                plant("/home/mallory/trap")
            ),
        ),
        ("an open directory", format!("mkdir -m 777 {DIR}; chmod 777 {DIR}; {}", plant(DIR))),
        ("a private directory", format!("mkdir -m 700 {DIR}; {}", plant(DIR))),
        ("a file", format!("cp /home/mallory/planted {DIR}")),
        ("a pipe", format!("mkfifo {DIR}")),
        ("a dangling link", format!("ln -s /etc/made-by-link {DIR}")),
    ];
    for (name, trap) in traps {
        clear(fleet);
        as_mallory(fleet, &trap);
        let before = inside(
            fleet,
            "traps",
            &format!("ls -ldn {DIR}; ls -lnR /home/mallory/trap {DIR}/ 2>/dev/null || :"),
        );
        for _ in ["first contact", "second"] {
            controller.ssh(&["h", "test.ping"]).is_true("h");
        }
        assert_untouched(fleet, name);
        let after = inside(
            fleet,
            "traps",
            &format!("ls -ldn {DIR}; ls -lnR /home/mallory/trap {DIR}/ 2>/dev/null || :"),
        );
        assert_eq!(before, after, "{name} was changed");
    }
}

#[test]
fn sec_36_where_all_usual_names_are_taken_a_fresh_one_serves_and_goes_again() {
    let Some(fleet) = fleet() else { return };
    let _turn = TRAPS.lock().unwrap();
    clear(fleet);
    let controller = Controller::new(fleet).entry("h", "traps", &[]);
    as_mallory(fleet, "for d in /var/tmp /tmp /dev/shm; do mkdir -m 755 $d/.halite-root; done");
    inside(fleet, "traps", "touch /root/.halite-root");
    for _ in ["first contact", "second"] {
        controller.ssh(&["h", "test.ping"]).is_true("h");
    }
    let left = inside(fleet, "traps", "find /var/tmp /tmp /dev/shm -name '.halite-root.*'");
    assert_eq!(left, "", "the fresh directory was left");
    clear(fleet);
}

/// Starts loops of mallory's that end when `/tmp/swapping` goes.
fn swap(fleet: &Fleet, scripts: &[String]) -> Vec<Child> {
    inside(fleet, "traps", "touch /tmp/swapping");
    let start = |script: &String| {
        let looped = format!(
            "su mallory -c 'while [ -e /tmp/swapping ]; do {script}; done' >/dev/null 2>&1 </dev/null"
        );
        fleet.command_in("traps", &looped).unwrap().spawn().unwrap()
    };
    scripts.iter().map(start).collect()
}

#[test]
fn sec_37_a_directory_swapped_between_check_and_use_gains_nothing() {
    let Some(fleet) = fleet() else { return };
    let _turn = TRAPS.lock().unwrap();
    clear(fleet);
    // The gap is hit once in a hundred tries or so: many go through it at once.
    let ids: Vec<String> = (0..30).map(|n| format!("h{n}")).collect();
    let controller = ids.iter().fold(Controller::new(fleet), |all, id| all.entry(id, "traps", &[]));
    // A real one of root's, elsewhere, lends its owner and mode to whoever links to it.
    as_mallory(fleet, &format!("mkdir -m 755 {DIR}"));
    controller.ssh(&["h0", "test.ping"]).is_true("h0");
    inside(fleet, "traps", &format!("rmdir {DIR}"));
    let fill = plant("/home/mallory/trap");
    as_mallory(fleet, &format!("mkdir -m 700 /home/mallory/trap; {fill}"));
    let version = thins::version(Edition::Lean);
    let loops = [
        format!(
            "ln -sfn /tmp/.halite-root {DIR}; rm -f {DIR}; mv -T /home/mallory/trap {DIR}; mv -T {DIR} /home/mallory/trap"
        ),
        format!(
            "ln -sfn /etc /home/mallory/trap/.{version}; cp /home/mallory/planted /home/mallory/trap/{version}"
        ),
    ];
    let children = swap(fleet, &loops);
    for turn in 0..10 {
        // What root made under the name in dispute would end the swapping; every third time it is first contact.
        inside(fleet, "traps", &format!("if [ -O {DIR} ]; then rm -rf {DIR}; fi"));
        if turn % 3 == 2 {
            inside(fleet, "traps", "rm -rf /tmp/.halite-root/[0-9a-f]*");
        }
        let answer = controller.ssh(&["*", "test.ping"]);
        ids.iter().for_each(|id| answer.is_true(id));
    }
    inside(fleet, "traps", "rm -f /tmp/swapping");
    for mut child in children {
        child.wait().unwrap();
    }
    assert_untouched(fleet, "swapping");
    clear(fleet);
}
