//! The line between: servers that drop us, silence, cuts, and how often we wait for an answer.

use super::controller::{Answer, Controller};
use super::site::{fleet, inside};
use halite::session::thins::{self, Edition};
use halite_site::{DelayProxy, Fleet, Flow};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

fn address(fleet: &Fleet, host: &str) -> SocketAddr {
    let host = fleet.host(host).unwrap();
    SocketAddr::new(host.address.parse().unwrap(), host.port)
}

#[test]
fn tgt_22_a_server_that_drops_us_before_the_login_is_tried_again() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("h", "crowded", &[]);
    controller.ssh(&["h", "test.ping"]).is_true("h");
    // One line that never logs in is all this server bears at a time.
    let hold = || fleet.enter(|| TcpStream::connect(address(fleet, "crowded"))).unwrap().unwrap();
    let held = hold();
    std::thread::sleep(Duration::from_millis(300));
    let dropped = controller.ssh(&["h", "test.ping"]);
    dropped.failed("h", "unreachable", &[]);
    assert_eq!(dropped.reached("h"), "not_started");
    assert!(dropped.took < Duration::from_secs(8), "{dropped:?}");
    let run = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(250));
        drop(held);
    });
    let answer = controller.ssh(&["h", "test.ping"]);
    run.join().unwrap();
    answer.is_true("h");
}

#[test]
fn tgt_22_a_refused_login_is_not_tried_again() {
    let Some(fleet) = fleet() else { return };
    let proxy = DelayProxy::start(fleet, address(fleet, "doors"), Duration::from_millis(2)).unwrap();
    let port = format!("port: {}", proxy.address().port());
    let controller = Controller::new(fleet).entry("h", "doors", &["host: 127.0.0.1", &port, "user: refused"]);
    let answer = controller.ssh(&["h", "test.ping", "--no-host-keys"]);
    answer.failed("h", "auth_failed", &["refused", "publickey"]);
    assert_eq!((answer.reached("h"), answer.code), ("not_started", Some(69)));
    assert_eq!(proxy.flows().len(), 1, "the refused login was tried again");
}

#[test]
fn tgt_23_a_silent_command_outlives_the_keepalives_of_both_sides() {
    let Some(fleet) = fleet() else { return };
    let controller =
        Controller::new(fleet).entry("h", "patient", &["keepalive_interval: 2", "keepalive_count_max: 3"]);
    let answer = controller.ssh(&["h", "cmd.run", "sleep 21; echo awake"]);
    answer.is_text("h", "awake");
    assert!(answer.took >= Duration::from_secs(21));
}

#[test]
fn tgt_23_tgt_24_a_cut_network_is_noticed_within_the_keepalive_limit() {
    let Some(fleet) = fleet() else { return };
    let controller =
        Controller::new(fleet).entry("h", "cut", &["keepalive_interval: 2", "keepalive_count_max: 3"]);
    controller.ssh(&["h", "test.ping"]).is_true("h");
    let words = [&["h", "cmd.run", "sleep 120"][..], &["-r", "h", "sleep 120"]];
    for words in words {
        let began = Instant::now();
        let run = controller.halite(words).spawn().unwrap();
        while inside(fleet, "cut", "pgrep -x sleep || :").is_empty() {
            assert!(began.elapsed() < Duration::from_secs(20), "{words:?} does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        inside(fleet, "cut", "ip link set eth0 down");
        let cut = Instant::now();
        let answer = controller.read(&run.wait_with_output().unwrap(), cut);
        inside(fleet, "cut", "pkill -x sleep; ip link set eth0 up");
        answer.failed("h", "lost", &["call"]);
        assert_eq!(answer.reached("h"), "may_have_run");
        assert!(answer.took < Duration::from_secs(12), "noticed only after {:?}", answer.took);
    }
}

/// One run over a line with this round trip, and what it carried.
fn counted(fleet: &'static Fleet, words: &[&str], round_trip: Duration) -> (Answer, Flow) {
    let proxy = DelayProxy::start(fleet, address(fleet, "plain"), round_trip).unwrap();
    let port = format!("port: {}", proxy.address().port());
    let controller = Controller::new(fleet).entry("h", "plain", &["host: 127.0.0.1", &port, "user: far"]);
    let answer = controller.ssh(&[words, &["--no-host-keys"]].concat());
    assert_eq!(answer.outcome("h"), "ok", "{answer:?}");
    let flows = proxy.flows();
    assert_eq!(flows.len(), 1, "{words:?}: more than one connection");
    (answer, flows[0])
}

fn report(what: &str, said: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{what}: {said}");
}

/// How many round trips a run waits for: what it takes longer where each is 200 ms longer. A loaded machine only
/// adds, so the quickest of some tries counts; it is tried again as long as it is more than `most`.
fn waited(fleet: &'static Fleet, words: &[&str], most: u32) -> u32 {
    let (mut near, mut far, mut trips) = (Duration::MAX, Duration::MAX, u32::MAX);
    for _ in 0..5 {
        near = near.min(counted(fleet, words, Duration::from_millis(20)).0.took);
        let (slow, flow) = counted(fleet, words, Duration::from_millis(220));
        far = far.min(slow.took);
        trips = (far.saturating_sub(near).as_secs_f64() / 0.2).round() as u32;
        report(&format!("warm {words:?}"), &format!("{trips} round trips; {flow:?}"));
        // The last turn is the goodbye, and nobody waits for it.
        assert!(flow.turns <= most + 1, "{words:?}: {flow:?}");
        if trips <= most {
            break;
        }
    }
    trips
}

#[test]
fn a_warm_call_waits_for_eight_round_trips_and_one_on_stdin_for_nine() {
    let Some(fleet) = fleet() else { return };
    let (ping, run) = (["h", "test.ping"], ["h", "cmd.run", "echo ran"]);
    let (_, first) = counted(fleet, &ping, Duration::from_millis(20));
    report("first contact", &format!("{first:?}"));
    assert!(waited(fleet, &ping, 8) <= 8);
    assert!(waited(fleet, &run, 9) <= 9);
    let (_, warm) = counted(fleet, &ping, Duration::from_millis(20));
    assert!(warm.up <= 16 << 10, "a warm test.ping sent {} bytes", warm.up);
}

#[test]
fn a_first_contact_sends_the_packed_executor_and_little_more() {
    let Some(fleet) = fleet() else { return };
    let proxy = DelayProxy::start(fleet, address(fleet, "plain"), Duration::from_millis(2)).unwrap();
    let port = format!("port: {}", proxy.address().port());
    let controller =
        Controller::new(fleet).entry("h", "plain", &["host: 127.0.0.1", &port, "user: stranger"]);
    controller.ssh(&["h", "test.ping", "--no-host-keys"]).is_true("h");
    let flows = proxy.flows();
    assert_eq!(flows.len(), 1);
    let packed = thins::for_machine(std::env::consts::ARCH, Edition::Lean).unwrap().xz.len() as u64;
    assert!(flows[0].up <= packed + 64_000, "first contact sent {} bytes, {packed} packed", flows[0].up);
}
