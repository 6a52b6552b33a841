//! Runs that want a host for themselves.

use super::controller::{Answer, Controller};
use super::site::{fleet, inside};
use std::process::Child;
use std::time::{Duration, Instant};

/// Fails where another run of it is at work on the host.
const ALONE: &str = "mkdir /tmp/exclusive && sleep 0.1 && rmdir /tmp/exclusive";

fn both(controllers: &[Controller; 2], words: [&[&str]; 2]) -> [Answer; 2] {
    let began = Instant::now();
    let start = |(one, words): (&Controller, &[&str])| one.halite(words).spawn().unwrap();
    let runs: Vec<Child> = controllers.iter().zip(words).map(start).collect();
    let answers = runs.into_iter().zip(controllers);
    let answers = answers.map(|(run, one)| one.read(&run.wait_with_output().unwrap(), began));
    answers.collect::<Vec<_>>().try_into().unwrap()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn ctl_08_of_two_controllers_that_want_a_host_alone_one_runs_or_both_in_turn() {
    let Some(fleet) = fleet() else { return };
    let controllers = [0, 1].map(|_| Controller::new(fleet).entry("h", "exclusive", &[]));
    controllers.iter().for_each(|controller| controller.ssh(&["h", "test.ping"]).is_true("h"));
    let refusing: &[&str] = &["h", "cmd.retcode", ALONE, "--exclusive"];
    let waiting: &[&str] = &["h", "cmd.retcode", ALONE, "--exclusive-wait", "30"];
    let (mut met, rounds) = (0, super::states::rounds());
    for round in 0..rounds {
        for answer in both(&controllers, [waiting, waiting]) {
            assert_eq!(
                (answer.outcome("h"), answer.value("h").as_i64()),
                ("ok", Some(0)),
                "{round}: {answer:#?}"
            );
        }
        let answers = both(&controllers, [refusing, refusing]);
        let (ran, refused): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.value("h").as_i64() == Some(0));
        for answer in &refused {
            answer.failed("h", "failed", &["beside nobody"]);
            assert_eq!(answer.code, Some(20), "{answer:#?}");
        }
        assert!(!ran.is_empty(), "{answers:#?}");
        met += refused.len();
    }
    assert!(met > 0, "they never met");
}

#[test]
fn ctl_08_beside_an_exclusive_run_no_other_begins_but_those_who_look() {
    let Some(fleet) = fleet() else { return };
    let controllers = [0, 1].map(|_| Controller::new(fleet).entry("h", "exclusive", &["user: loner"]));
    controllers.iter().for_each(|controller| controller.ssh(&["h", "test.ping"]).is_true("h"));
    let [one, other] = &controllers;
    let is_running = || !inside(fleet, "exclusive", "pgrep -u loner -x sleep || :").is_empty();
    let run = one.halite(&["h", "cmd.run", "sleep 300", "--exclusive"]).spawn().unwrap();
    until("it does not begin", is_running);
    let ordinary = other.ssh(&["h", "test.ping"]);
    ordinary.failed(
        "h",
        "failed",
        &["\"cmd.run\" is running as PID", "with jid 20", "runs alone (--exclusive)"],
    );
    let jobs = other.ssh(&["h", "saltutil.running"]);
    let jid = jobs.value("h").as_list().unwrap()[0].get("jid").unwrap().as_str().unwrap().to_owned();
    other.ssh(&["h", "saltutil.kill_job", &jid]);
    run.wait_with_output().unwrap();
    until("its sleep goes on", || !is_running());
    // The lock went with its process.
    other.ssh(&["h", "test.ping"]).is_true("h");
    let run = one.halite(&["h", "cmd.run", "sleep 2"]).spawn().unwrap();
    until("it does not begin", is_running);
    other.ssh(&["h", "test.ping"]).is_true("h");
    other.ssh(&["h", "test.ping", "--exclusive"]).failed(
        "h",
        "failed",
        &["beside nobody", "--exclusive-wait"],
    );
    other.ssh(&["h", "test.ping", "--exclusive-wait", "30"]).is_true("h");
    assert!(run.wait_with_output().unwrap().status.success());
}
