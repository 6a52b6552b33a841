//! The line between: servers that drop us, silence, cuts, and how often we wait for an answer.

use super::controller::{Answer, Controller};
use super::site::{fleet, inside};
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

/// One run through a proxy that counts.
fn counted(fleet: &'static Fleet, user: &str, words: &[&str]) -> (Answer, Vec<Flow>) {
    let proxy = DelayProxy::start(fleet, address(fleet, "plain"), Duration::from_millis(40)).unwrap();
    let (port, user) = (format!("port: {}", proxy.address().port()), format!("user: {user}"));
    let controller = Controller::new(fleet).entry("h", "plain", &["host: 127.0.0.1", &port, &user]);
    let answer = controller.ssh(&[words, &["--no-host-keys"]].concat());
    (answer, proxy.flows())
}

#[test]
fn a_warm_call_waits_for_few_round_trips_and_a_first_one_sends_little() {
    let Some(fleet) = fleet() else { return };
    let report = |what: &str, flows: &[Flow]| {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "{what}: {flows:?}");
        assert_eq!(flows.len(), 1, "{what}: more than one connection");
        flows[0]
    };
    let (answer, flows) = counted(fleet, "far", &["h", "test.ping"]);
    answer.is_true("h");
    let first = report("first contact", &flows);
    let (answer, flows) = counted(fleet, "far", &["h", "test.ping"]);
    answer.is_true("h");
    let ping = report("warm test.ping", &flows);
    let (answer, flows) = counted(fleet, "far", &["h", "cmd.run", "echo ran"]);
    answer.is_text("h", "ran");
    let run = report("warm cmd.run", &flows);
    assert!(ping.turns <= 8, "warm test.ping: {} round trips", ping.turns);
    assert!(run.turns <= 9, "warm cmd.run: {} round trips", run.turns);
    assert!(ping.up <= 16 << 10, "warm test.ping sent {} bytes", ping.up);
    assert!(first.up <= 1_200_000, "first contact sent {} bytes", first.up);
}
