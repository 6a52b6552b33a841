//! Where the executor can be put, and what is said where it cannot.

use super::controller::Controller;
use super::site::{fleet, inside};
use halite::session::thins::{self, Edition};

/// Every path below the usual directories of a host, one to a line.
const LEFT: &str = "find /var/tmp /tmp /dev/shm -mindepth 1 | sort";

/// The folder of the user `name` among the usual ones, where there is just one.
fn where_is(fleet: &halite_site::Fleet, host: &str, user: &str) -> String {
    inside(
        fleet,
        host,
        &format!(
            "ls -d /var/tmp/.halite-{user} /tmp/.halite-{user} /dev/shm/.halite-{user} 2>/dev/null || :"
        ),
    )
}

#[test]
fn tgt_10_tgt_21_one_channel_is_enough_without_sftp_forwarding_terminal_or_second_session() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("narrow", "narrow", &[]);
    for _ in ["first contact", "second"] {
        controller.ssh(&["narrow", "test.ping"]).is_true("narrow");
    }
    controller.ssh(&["narrow", "cmd.run", "echo out; echo err >&2"]).is_text("narrow", "out\nerr");
    let controller = controller.entry("terminal", "narrow", &["tty: True"]);
    // Nothing but sudo may insist on a terminal; where there is none, all else goes on.
    controller.ssh(&["terminal", "test.ping"]).is_true("terminal");
}

#[test]
fn tgt_14_a_read_only_root_is_served_from_dev_shm() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("ro", "readonly", &[]);
    controller.ssh(&["ro", "test.ping"]).is_true("ro");
    assert_eq!(where_is(fleet, "readonly", "root"), "/dev/shm/.halite-root");
    controller
        .ssh(&["ro", "cmd.run", "touch /x; echo $?"])
        .is_text("ro", "touch: cannot touch '/x': Read-only file system\n1");
}

#[test]
fn tgt_14_homes_that_are_read_only_the_root_absent_or_unset_do_not_matter() {
    let Some(fleet) = fleet() else { return };
    let users =
        [("fixed", "/home/fixed"), ("slash", "/"), ("lost", "/home/nobody-made-it"), ("homeless", "")];
    let controller = users.iter().fold(Controller::new(fleet), |controller, (user, _)| {
        controller.entry(user, "homes", &[&format!("user: {user}")])
    });
    for _ in ["first contact", "second"] {
        let answer = controller.ssh(&["*", "test.ping"]);
        users.iter().for_each(|(user, _)| answer.is_true(user));
    }
    let answer = controller.ssh(&["-r", "*", "echo \"$HOME\""]);
    for (user, home) in users {
        assert_eq!(
            answer.value(user).get("stdout").and_then(|out| out.as_str()),
            Some(&*format!("{home}\n")),
            "{answer:?}"
        );
    }
    let answer = controller.ssh(&["*", "cmd.run", "id -un"]);
    users.iter().for_each(|(user, _)| answer.is_text(user, user));
}

#[test]
fn tgt_15_places_that_do_not_execute_are_passed_over() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet)
        .entry("next", "noexec", &[])
        .entry("home", "nowhere", &["user: homely"])
        .entry("none", "nowhere", &[])
        .entry("given", "nowhere", &["thin_dir: /srv/thin"]);
    let answer = controller.ssh(&["*", "test.ping"]);
    answer.is_true("next");
    assert_eq!(where_is(fleet, "noexec", "root"), "/dev/shm/.halite-root", "an empty directory was left");
    answer.is_true("home");
    assert!(inside(fleet, "nowhere", "ls -d /home/homely/.halite-homely/*").len() > 30);
    answer.is_true("given");
    let places = [
        "noexec",
        "/var/tmp/.halite-root",
        "/tmp/.halite-root",
        "/dev/shm/.halite-root",
        "/root/.halite-root",
    ];
    answer.failed("none", "push_failed", &places);
    assert_eq!(answer.reached("none"), "not_started");
    assert_eq!(inside(fleet, "nowhere", LEFT), "", "something was left where nothing runs");
}

/// Sets the size of the only place of `tiny` that can be written, empties it, and fills it but for `free` bytes.
fn make_room(fleet: &halite_site::Fleet, free: usize) {
    // Size 0 would mean no limit; a page that is taken leaves exactly nothing.
    let size = free + 4096;
    let script = format!(
        "find /dev/shm -mindepth 1 -delete; mount -o remount,size={size} /dev/shm; head -c 4096 /dev/zero >/dev/shm/full"
    );
    inside(fleet, "tiny", &script);
}

#[test]
fn tgt_16_without_room_nothing_is_left_nothing_half_is_run_and_the_next_run_works() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("tiny", "tiny", &[]);
    let whole =
        thins::for_machine(std::env::consts::ARCH, Edition::Lean).unwrap().size.next_multiple_of(4096);
    let few = [0, 4096, 8192, 64 << 10, whole / 2, whole - 8192, whole - 4096];
    for free in few {
        make_room(fleet, free);
        let answer = controller.ssh(&["tiny", "test.ping"]);
        answer.failed("tiny", "push_failed", &["no room", "/dev/shm/.halite-root"]);
        assert_eq!(answer.reached("tiny"), "not_started");
        assert_eq!(
            inside(fleet, "tiny", "find /dev/shm -type f"),
            "/dev/shm/full",
            "with {free} bytes of {whole}"
        );
    }
    for free in [whole, whole + (64 << 10)] {
        make_room(fleet, free);
        controller.ssh(&["tiny", "test.ping"]).is_true("tiny");
    }
    // Room is gone again; the executor is there and needs none.
    inside(fleet, "tiny", "head -c 100000000 /dev/zero >>/dev/shm/full 2>/dev/null || :");
    controller.ssh(&["tiny", "test.ping"]).is_true("tiny");
}
