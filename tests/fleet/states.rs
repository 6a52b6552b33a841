//! Runs of states that are cut off, that meet on one host, and that go on while somebody edits their files.

use super::controller::{Answer, Controller};
use super::site::{fleet, inside};
use halite_site::Fleet;
use halite_wire::{Map, Value};
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A controller with a state tree.
fn with_tree(fleet: &'static Fleet, files: &[(&str, &str)]) -> Controller {
    let controller = Controller::new(fleet);
    let master = controller.path("conf/master");
    let text = std::fs::read_to_string(&master).unwrap();
    let srv = controller.path("srv");
    std::fs::write(&master, format!("{text}file_roots: {{base: [{}]}}\n", srv.display())).unwrap();
    for (path, text) in files {
        let file = srv.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    controller
}

/// Five states; the third takes so many seconds.
fn five(seconds: u32) -> String {
    let one = |n: u32| {
        let what = if n == 3 { format!("sleep {seconds}") } else { format!("echo {n}") };
        format!("step{n}:\n  cmd.run:\n    - name: {what}\n")
    };
    (1..=5).map(one).collect()
}

fn starts(controller: &Controller, words: &[&str], host: &str, script: &str) -> Child {
    let began = Instant::now();
    let child = controller.halite(words).spawn().unwrap();
    while inside(controller.fleet, host, &format!("{script} || :")).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "{words:?} does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn state(value: &Value, step: u32) -> Option<&Map> {
    let states = value.as_map()?;
    let found = states
        .iter()
        .find(|(tag, _)| tag.as_str().is_some_and(|tag| tag.contains(&format!("_|-step{step}_|-"))));
    found.and_then(|(_, ret)| ret.as_map())
}

/// Two states are done, the third was running, the others had not begun.
#[track_caller]
fn tells_how_far_it_got(answer: &Answer, outcome: &str) {
    assert_eq!((answer.outcome("h"), answer.reached("h")), (outcome, "may_have_run"), "{answer:#?}");
    let comment = third_did_not_end(answer);
    assert!(comment.contains("may have changed the host") && comment.contains("2 of 5"), "{comment}");
    assert!(answer.stderr.contains("2 of 5 states had ended; running: cmd.run sleep"), "{}", answer.stderr);
}

/// What is said of the third state.
#[track_caller]
fn third_did_not_end(answer: &Answer) -> &str {
    let value = answer.value("h");
    for step in [1, 2] {
        let ret = state(value, step).unwrap_or_else(|| panic!("state {step} is missing: {value:?}"));
        assert_eq!(ret.get("result"), Some(&true.into()));
        let stdout = ret.get("changes").and_then(|changes| changes.get("stdout"));
        assert_eq!(stdout, Some(&step.to_string().into()), "{ret:?}");
    }
    assert!(state(value, 4).is_none() && state(value, 5).is_none(), "{value:?}");
    let running = state(value, 3).unwrap();
    assert_eq!(running.get("result"), Some(&false.into()));
    running.get_str("comment").unwrap()
}

#[test]
fn tgt_24_a_run_of_states_whose_line_is_lost_leaves_what_was_done_and_what_was_running() {
    let Some(fleet) = fleet() else { return };
    let tree = [("slow.sls", five(600))];
    let tree: Vec<(&str, &str)> = tree.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let quick = ["keepalive_interval: 2", "keepalive_count_max: 3"];
    let controller = with_tree(fleet, &tree).entry("h", "midway", &quick);
    let cuts = ["pkill -KILL -f '^sshd: root'", "ip link set eth0 down", "pkill -KILL -f '[0-9a-f]{32} '"];
    for cut in cuts {
        let run = starts(&controller, &["h", "state.apply", "slow"], "midway", "pgrep -x sleep");
        inside(fleet, "midway", &format!("{cut}; :"));
        let began = Instant::now();
        let answer = controller.read(&run.wait_with_output().unwrap(), began);
        inside(fleet, "midway", "pkill -x sleep; ip link set eth0 up; :");
        tells_how_far_it_got(&answer, "lost");
        assert!(answer.took < Duration::from_secs(20), "{answer:?}");
        looks_the_same_from_the_store(&controller);
    }
}

fn looks_the_same_from_the_store(controller: &Controller) {
    let mut halite = controller.program(env!("CARGO_BIN_EXE_halite"));
    halite
        .arg("run")
        .arg("-c")
        .arg(controller.path("conf"))
        .args(["jobs.lookup_jid", controller.seen_jid().unwrap().as_str()]);
    let said = String::from_utf8(halite.output().unwrap().stdout).unwrap();
    for line in [
        "h:",
        "      ID: step1",
        "      ID: step3",
        "  Result: False",
        "Succeeded: 2 (changed=2)",
        "Failed:    1",
    ] {
        assert!(said.contains(line), "no {line:?} in:\n{said}");
    }
    assert!(said.contains("the line was lost in call"), "{said}");
}

#[test]
fn tgt_24_a_deadline_and_a_stop_leave_what_was_done_too() {
    let Some(fleet) = fleet() else { return };
    let tree = [("slow.sls", five(600))];
    let tree: Vec<(&str, &str)> = tree.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let controller = with_tree(fleet, &tree).entry("h", "plain", &["user: halfway"]);
    controller.ssh(&["h", "test.ping"]).is_true("h");
    tells_how_far_it_got(&controller.ssh(&["h", "state.apply", "slow", "--timeout", "4"]), "timeout");
    let run = starts(&controller, &["h", "state.apply", "slow"], "plain", "pgrep -u halfway -x sleep");
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", run.id())).unwrap();
    for pid in children.split_whitespace() {
        let kill = std::process::Command::new("kill").args(["-INT", pid]).status().unwrap();
        assert!(kill.success());
    }
    let answer = controller.read(&run.wait_with_output().unwrap(), Instant::now());
    // The host has a moment to end by itself: then the answer is whole, and nothing began after the stop.
    assert!(["cancelled", "failed"].contains(&answer.outcome("h")), "{answer:#?}");
    third_did_not_end(&answer);
}

/// A state that fails where another run of it is at work on the host.
const ALONE: &str = "
alone:
  cmd.run:
    - name: mkdir /tmp/alone && sleep 0.1 && rmdir /tmp/alone
";

#[test]
fn ctl_08_two_controllers_on_one_host_never_run_states_at_once() {
    let Some(fleet) = fleet() else { return };
    let controllers = [0, 1].map(|_| with_tree(fleet, &[("alone.sls", ALONE)]).entry("h", "meeting", &[]));
    controllers.iter().for_each(|controller| controller.ssh(&["h", "test.ping"]).is_true("h"));
    let both = |words: &[&str]| -> Vec<Answer> {
        let began = Instant::now();
        let runs: Vec<Child> = controllers.iter().map(|one| one.halite(words).spawn().unwrap()).collect();
        let ends = runs.into_iter().zip(&controllers);
        ends.map(|(run, one)| one.read(&run.wait_with_output().unwrap(), began)).collect()
    };
    let mut refused = 0;
    for round in 0..rounds() {
        for answer in both(&["h", "state.apply", "alone", "queue=True"]) {
            assert_eq!(answer.outcome("h"), "ok", "round {round}: {answer:#?}");
        }
        let answers = both(&["h", "state.apply", "alone"]);
        let (well, ill): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.outcome("h") == "ok");
        assert!(!well.is_empty(), "round {round}: {ill:#?}");
        for answer in ill {
            let said = format!("{:?}", answer.value("h"));
            assert!(said.contains("is running as PID") && said.contains("with jid 20"), "{said}");
            refused += 1;
        }
    }
    assert!(refused > 0, "they never met");
}

/// Rounds of two controllers; all 100 take a minute and more.
pub(super) fn rounds() -> usize {
    std::env::var("HALITE_MEETINGS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

#[test]
fn ctl_08_a_lock_of_a_run_that_was_killed_is_free() {
    let Some(fleet) = fleet() else { return };
    let slow = five(300);
    let controller =
        with_tree(fleet, &[("slow.sls", &slow), ("alone.sls", ALONE)]).entry("h", "plain", &["user: locked"]);
    let run = starts(&controller, &["h", "state.apply", "slow"], "plain", "pgrep -u locked -x sleep");
    let other = controller.ssh(&["h", "state.apply", "alone"]);
    assert!(format!("{:?}", other.value("h")).contains("is running as PID"), "{other:#?}");
    inside(fleet, "plain", "pkill -KILL -u locked -f '[0-9a-f]{32} '; :");
    run.wait_with_output().unwrap();
    inside(fleet, "plain", "pkill -u locked -x sleep; :");
    assert_eq!(controller.ssh(&["h", "state.apply", "alone"]).outcome("h"), "ok");
}

#[test]
fn ctl_13_hosts_of_one_job_work_on_the_same_files_whatever_is_edited() {
    let Some(fleet) = fleet() else { return };
    let sls =
        |round: usize| format!("{{% import_yaml 'data.yaml' as data %}}\nround{round}:\n  test.nop: []\n");
    let first = sls(0);
    let controller = with_tree(fleet, &[("edited.sls", &first), ("data.yaml", "a: 0")]);
    let controller = ["plain", "patient", "narrow"]
        .iter()
        .fold(controller, |controller, host| controller.entry(host, host, &["user: root"]));
    controller.ssh(&["*", "test.ping"]);
    let srv = controller.path("srv");
    let mut digests = std::collections::BTreeSet::new();
    let editing = Editing::begin(srv, sls);
    for _ in 0..12 {
        let answer = controller.ssh(&["*", "state.apply", "edited"]);
        let tags = |host: &str| {
            let states = answer.value(host).as_map().unwrap_or_else(|| panic!("{host}: {answer:#?}"));
            (states.keys().cloned().collect::<Vec<Value>>(), answer.trees(host))
        };
        let plain = tags("plain");
        assert_eq!((tags("patient"), tags("narrow")), (plain.clone(), plain.clone()), "{answer:#?}");
        assert_eq!(answer.outcome("plain"), "ok", "{answer:#?}");
        digests.insert(plain.1.get_str("base").unwrap().to_owned());
    }
    drop(editing);
    assert!(digests.len() > 3, "the files were hardly edited: {digests:?}");
}

/// Somebody who saves an SLS again and again.
struct Editing {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Editing {
    fn begin(srv: PathBuf, text: impl Fn(usize) -> String + Send + 'static) -> Editing {
        let done = Arc::new(AtomicBool::new(false));
        let is_done = done.clone();
        let thread = std::thread::spawn(move || {
            for round in (1..).take_while(|_| !is_done.load(Ordering::Relaxed)) {
                std::fs::write(srv.join("next"), text(round)).unwrap();
                std::fs::rename(srv.join("next"), srv.join("edited.sls")).unwrap();
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        Editing { done, thread: Some(thread) }
    }
}

impl Drop for Editing {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
