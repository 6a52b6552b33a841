//! Hosts that stop answering: every phase ends at its own deadline, whatever trickles in.

use crate::kit::{ask, call, host_at, host_of, kind, ping, ping_exec, ping_script, shared, short};
use halite::fleet::outcome::{HostErrorKind, Outcome, Phase, Reached, Record};
use halite_faults::{Act, Auth, Direction, Exec, FakeHost, Fault, Odd, Script, Tap};
use std::time::Duration;

#[track_caller]
fn assert_timeout(record: &Record, wanted: Phase) {
    assert!(
        matches!(kind(record), HostErrorKind::Timeout { phase, .. } if *phase == wanted),
        "{:?}",
        record.outcome
    );
    assert!(record.took < Duration::from_secs(4), "it took {:?}", record.took);
}

async fn ping_odd(odd: Odd) -> Record {
    let (addr, _task) = odd.start().await;
    ping(&host_at(addr)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_03_endless_lines_before_the_identification_end() {
    for odd in [Odd::EndlessLines, Odd::EndlessLine] {
        let record = ping_odd(odd).await;
        assert_eq!(record.reached(), Reached::NotStarted);
        assert!(record.took < Duration::from_secs(4), "{odd:?} took {:?}", record.took);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_03_a_huge_banner_is_cut_and_the_host_answers() {
    let script = Script { banner: Some("x".repeat(200_000)), ..Script::default() };
    crate::kit::assert_true(&ping_script(script).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_04_a_silent_host_ends_at_the_key_exchange_limit() {
    assert_timeout(&ping_odd(Odd::Silent).await, Phase::HostKey);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_04_an_address_that_drops_packets_ends_at_the_connect_limit() {
    // A listener whose queue is full drops the handshake, as a firewall would.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _queued: Vec<_> = (0..3)
        .filter_map(|_| std::net::TcpStream::connect_timeout(&addr, Duration::from_millis(200)).ok())
        .collect();
    assert_timeout(&ping(&host_at(addr)).await, Phase::Connect);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_05_trickled_bytes_extend_no_deadline() {
    // Its four zero bytes are no packet, so it may also be dropped for that.
    let record = ping_odd(Odd::SlowKeyExchange).await;
    assert_eq!(record.reached(), Reached::NotStarted);
    assert!(record.took < Duration::from_secs(6), "it took {:?}", record.took);
    let fake = FakeHost::start(Script::default()).await;
    for (offset, phase) in [(100, Phase::HostKey), (1500, Phase::Auth)] {
        let tap = Tap::start(fake.addr, Direction::FromHost, offset, Fault::Trickle).await;
        let record = ping(&host_at(tap.addr)).await;
        assert!(
            matches!(kind(&record), HostErrorKind::Timeout { phase: at, .. } if *at <= phase),
            "{record:?}"
        );
        assert!(record.took < Duration::from_secs(6), "it took {:?}", record.took);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_05_each_later_phase_has_its_own_deadline() {
    let hang = |auth, hang_on_open, acts| Script { auth, hang_on_open, exec: Exec::Acts(acts), banner: None };
    assert_timeout(&ping_script(hang(Auth::Hang, false, vec![])).await, Phase::Auth);
    assert_timeout(&ping_script(hang(Auth::Anybody, true, vec![])).await, Phase::Bootstrap);
    assert_timeout(&ping_script(hang(Auth::Anybody, false, vec![Act::Hang])).await, Phase::Bootstrap);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_25_a_thin_that_stops_ends_at_the_call_limit_and_may_have_run() {
    let hello = halite_wire::message::FromThin::Hello(halite_wire::message::Hello { protocol: 1, pid: 1 });
    let record = ping_exec(Exec::Acts(vec![Act::Greet, Act::Frame(hello), Act::Hang])).await;
    assert_timeout(&record, Phase::Call);
    assert_eq!(record.reached(), Reached::MayHaveRun);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_01_a_stopped_run_ends_the_host_and_its_children() {
    let fake = FakeHost::start(Script::default()).await;
    let host = host_of(&fake);
    let limits = halite::session::Limits { call: None, ..short() };
    let shared = shared(limits);
    let marker = format!("halite-stop-{}", std::process::id());
    let work = call("cmd.run", vec![format!("sleep 300; : {marker}").into()]);
    let (switch, stop) = halite::session::StopSignal::new();
    let running = halite::session::run(&shared, &host, &work, stop, &|_| {});
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let _ = switch.send(true);
    };
    let (record, ()) = tokio::join!(running, stopping);
    // Within its moment of grace the thin may still tell how its child ended.
    let ended = match &record.outcome {
        Outcome::Cancelled(reached) => *reached == Reached::MayHaveRun,
        Outcome::Returned(ret) => ret.retcode == -15,
        _ => false,
    };
    assert!(ended, "{:?}", record.outcome);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let left = std::process::Command::new("pgrep").args(["-f", &marker]).output().unwrap();
    assert!(left.stdout.is_empty(), "left behind: {}", String::from_utf8_lossy(&left.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_22_a_host_that_drops_us_before_it_knows_us_is_tried_again_and_then_unreachable() {
    let (addr, _task) = Odd::Closed.start().await;
    let record = ask(&shared(short()), &host_at(addr), &call("test.ping", vec![])).await;
    assert!(matches!(kind(&record), HostErrorKind::Unreachable(_)), "{record:?}");
    assert_eq!(record.reached(), Reached::NotStarted);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_22_a_refused_login_is_never_tried_again() {
    let fake = FakeHost::start(Script { auth: Auth::Nobody, ..Script::default() }).await;
    let record = ping(&host_of(&fake)).await;
    assert!(matches!(kind(&record), HostErrorKind::AuthFailed(_)), "{record:?}");
    assert_eq!(fake.connections.load(std::sync::atomic::Ordering::Relaxed), 1);
}
