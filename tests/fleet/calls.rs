//! Calls that die, hang, leave children, or come all at once; and what is left on the host after them.

use super::controller::Controller;
use super::site::{fleet, inside};
use std::process::{Child, Output};
use std::time::{Duration, Instant};

/// Starts `halite` and waits until `script` says something inside `host`, for a few seconds at most.
fn start_until(
    controller: &Controller,
    words: &[&str],
    host: &str,
    script: &str,
) -> (Child, Instant, String) {
    let began = Instant::now();
    let child = controller.halite(words).spawn().unwrap();
    while began.elapsed() < Duration::from_secs(20) {
        let output = controller.fleet.exec_in(host, script).unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !said.is_empty() {
            return (child, began, said);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{script} says nothing on {host}: {:?}", child.wait_with_output());
}

fn end(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

#[test]
fn tgt_25_a_killed_executor_is_a_lost_line_that_may_have_run() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("h", "plain", &["user: victim"]);
    controller.ssh(&["h", "test.ping"]).is_true("h");
    let words = ["h", "cmd.run", "sleep 31.25"];
    let (child, began, pid) = start_until(
        &controller,
        &words,
        "plain",
        "pgrep -fx 'sleep 31.25' >/dev/null && pgrep -u victim -f '^/?[^ ]*/[0-9a-f]{32} |^\\./[0-9a-f]{32} '",
    );
    inside(fleet, "plain", &format!("kill -KILL {pid}"));
    let answer = controller.read(&end(child), began);
    answer.failed("h", "lost", &["signal"]);
    assert_eq!(answer.reached("h"), "may_have_run");
    assert!(answer.took < Duration::from_secs(20), "{answer:?}");
    inside(fleet, "plain", "pkill -u victim sleep || :");
}

#[test]
fn tgt_25_a_frozen_executor_ends_at_the_time_limit() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("h", "plain", &["user: frozen"]);
    controller.ssh(&["h", "test.ping"]).is_true("h");
    let words = ["h", "cmd.run", "sleep 32.25", "--timeout", "3"];
    let (child, began, pid) = start_until(
        &controller,
        &words,
        "plain",
        "pgrep -fx 'sleep 32.25' >/dev/null && pgrep -u frozen -f '^/?[^ ]*/[0-9a-f]{32} |^\\./[0-9a-f]{32} '",
    );
    inside(fleet, "plain", &format!("kill -STOP {pid}"));
    let answer = controller.read(&end(child), began);
    answer.failed("h", "timeout", &["call did not end within 3s"]);
    assert_eq!(answer.reached("h"), "may_have_run");
    assert!(answer.took < Duration::from_secs(12), "{:?}", answer.took);
    inside(fleet, "plain", "pkill -KILL -u frozen || :");
}

#[test]
fn tgt_27_children_that_keep_the_output_open_are_left_alone_and_noted() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("h", "plain", &[]);
    controller.ssh(&["h", "test.ping"]).is_true("h");
    let daemon = "(setsid sh -c 'sleep 302.5' &) ; echo forked";
    for (command, said) in [("sleep 301.5 & echo ok", "ok"), (daemon, "forked")] {
        let answer = controller.ssh(&["h", "cmd.run", command]);
        answer.is_text("h", said);
        assert!(answer.took < Duration::from_secs(10), "{command}: {:?}", answer.took);
        assert!(answer.notes("h").contains("output"), "{command}: {}", answer.notes("h"));
        let raw = controller.ssh(&["-r", "h", command]);
        assert_eq!(raw.value("h").get("stdout").and_then(|out| out.as_str()), Some(&*format!("{said}\n")));
        assert!(raw.took < Duration::from_secs(10), "raw {command}: {:?}", raw.took);
        assert!(raw.notes("h").contains("output"), "raw {command}: {}", raw.notes("h"));
    }
    inside(fleet, "plain", "pkill -fx 'sleep 30[12].5' || :");
}

#[test]
fn tgt_28_a_command_that_reads_its_stdin_sees_the_end_at_once() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("h", "plain", &[]);
    for command in ["cat; echo read", "read -r line; echo read"] {
        let answer = controller.ssh(&["h", "cmd.run", command]);
        answer.is_text("h", "read");
        assert!(answer.took < Duration::from_secs(10), "{command}: {:?}", answer.took);
        let raw = controller.ssh(&["-r", "h", command]);
        assert_eq!(raw.value("h").get("stdout").and_then(|out| out.as_str()), Some("read\n"), "{raw:?}");
    }
}

#[test]
fn tgt_33_twenty_controllers_at_first_contact_with_one_host_all_get_their_answer() {
    let Some(fleet) = fleet() else { return };
    let controllers: Vec<_> =
        (0..20).map(|_| Controller::new(fleet).entry("h", "plain", &["user: crowd"])).collect();
    let runs: Vec<Child> =
        controllers.iter().map(|one| one.halite(&["h", "test.ping"]).spawn().unwrap()).collect();
    for (controller, run) in controllers.iter().zip(runs) {
        controller.read(&end(run), Instant::now()).is_true("h");
    }
    let left = inside(fleet, "plain", "ls -A /var/tmp/.halite-crowd | grep -vx proc");
    assert_eq!(
        left,
        halite::session::thins::version(halite::session::thins::Edition::Lean),
        "half executors were left"
    );
}

#[test]
fn wiping_and_random_directories_leave_nothing_on_the_host() {
    let Some(fleet) = fleet() else { return };
    for (user, option) in [("wiper", "--wipe"), ("random", "--rand-thin-dir")] {
        let controller = Controller::new(fleet).entry("h", "plain", &[&format!("user: {user}")]);
        for call in [&["h", "test.ping"][..], &["h", "cmd.run", "echo ran"], &["h", "cmd.run", "exit 7"]] {
            let answer = controller.ssh(&[call, &[option]].concat());
            assert!(matches!(answer.outcome("h"), "ok" | "failed"), "{answer:?}");
            let left = inside(
                fleet,
                "plain",
                &format!("find / -xdev -user {user} -not -path '/home/*' -not -path '/proc/*'"),
            );
            assert_eq!(left, "", "{option} {call:?}");
        }
        assert_eq!(inside(fleet, "plain", &format!("ls -A /home/{user}")), ".ssh", "{option}");
    }
}
