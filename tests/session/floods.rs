//! Hosts that never stop talking.

use crate::kit::{ask, call, host_of, kind, ping_exec, shared, short};
use halite::fleet::outcome::{HostErrorKind, Outcome};
use halite::session::{Limits, Work};
use halite_faults::{Act, Exec, FakeHost, Script};
use halite_wire::Value;
use halite_wire::message::{FromThin, Hello};
use std::time::Duration;

fn hello() -> Act {
    Act::Frame(FromThin::Hello(Hello { protocol: 1, pid: 1 }))
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_01_endless_output_of_a_raw_command_is_cut_at_the_limit() {
    let fake = FakeHost::start(Script::default()).await;
    let work = Work::Raw { command: "echo HEAD; while :; do echo filler filler filler; done".to_owned() };
    let limits = Limits { call: Some(Duration::from_secs(20)), ..short() };
    let record = ask(&shared(limits), &host_of(&fake), &work).await;
    assert!(
        matches!(kind(&record), HostErrorKind::OutputLimit { head, .. } if head.starts_with("HEAD")),
        "{record:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_01_a_thin_that_answers_without_end_is_cut_at_the_limit() {
    let part = || Act::Frame(FromThin::ReturnPart(vec![b'x'; 100_000]));
    let acts = [vec![Act::Greet, hello()], (0..20).map(|_| part()).collect()].concat();
    let record = ping_exec(Exec::Acts(acts)).await;
    assert!(matches!(kind(&record), HostErrorKind::OutputLimit { .. }), "{record:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_02_endless_stderr_is_cut_before_and_after_the_greeting() {
    for start in [vec![], vec![Act::Greet, hello()]] {
        let acts = [start, vec![Act::FloodStderr(vec![b'e'; 8192])]].concat();
        let record = ping_exec(Exec::Acts(acts)).await;
        let cut = matches!(kind(&record), HostErrorKind::OutputLimit { .. } | HostErrorKind::Timeout { .. });
        assert!(cut, "{record:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_02_of_too_much_stderr_a_raw_command_keeps_the_beginning_and_says_so_as_a_function_does() {
    let command = "head -c 5000000 /dev/zero | tr '\\0' e >&2; echo done; exit 3";
    let fake = FakeHost::start(Script::default()).await;
    let limits = || Limits { return_bytes: 8 << 20, ..short() };
    let raw = Work::Raw { command: command.to_owned() };
    let function = call("cmd.run_all", vec![command.into()]);
    for work in [raw, function] {
        let record = ask(&shared(limits()), &host_of(&fake), &work).await;
        let Outcome::Returned(ret) = &record.outcome else { panic!("{record:?}") };
        let text = |key: &str| ret.value.get(key).and_then(Value::as_str).unwrap_or_default();
        assert_eq!((text("stdout").trim_end(), ret.value.get("retcode")), ("done", Some(&3.into())));
        assert_eq!(text("stderr"), "e".repeat(4 << 20));
        assert_eq!(ret.notes, ["stderr: the first 4194304 bytes are kept, 805696 more were cut"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_02_endless_stderr_of_a_raw_command_ends_where_its_output_would() {
    let fake = FakeHost::start(Script::default()).await;
    let work = Work::Raw { command: "echo HEAD >&2; yes filler >&2".to_owned() };
    let limits = Limits { call: Some(Duration::from_secs(20)), ..short() };
    let record = ask(&shared(limits), &host_of(&fake), &work).await;
    let is_cut = matches!(kind(&record), HostErrorKind::OutputLimit { head, .. } if head.starts_with("HEAD"));
    assert!(is_cut, "{record:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_02_floods_of_tiny_writes_and_of_nuls_end() {
    for piece in [vec![0; 1], vec![0; 8192]] {
        let record = ping_exec(Exec::Acts(vec![Act::FloodStdout(piece)])).await;
        let ended = matches!(kind(&record), HostErrorKind::Unsupported(_) | HostErrorKind::Timeout { .. });
        assert!(ended, "{record:?}");
        assert!(record.took < Duration::from_secs(5), "{:?}", record.took);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_any_bytes_of_a_raw_command_come_back_as_they_were() {
    let fake = FakeHost::start(Script::default()).await;
    let work = Work::Raw { command: r"printf '\377\000\201 text'".to_owned() };
    let record = ask(&shared(short()), &host_of(&fake), &work).await;
    assert_eq!(record.value().get("stdout"), Some(&halite_wire::Value::Bytes(b"\xff\0\x81 text".to_vec())));
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_31_bytes_that_are_not_utf8_come_back_from_a_function() {
    let fake = FakeHost::start(Script::default()).await;
    let work = call("cmd.run", vec![r"printf 'a\377\201b'".into()]);
    let record = ask(&shared(short()), &host_of(&fake), &work).await;
    assert_eq!(record.value(), halite_wire::Value::Bytes(b"a\xff\x81b".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_31_random_bytes_come_back_from_a_function_as_they_were() {
    let fake = FakeHost::start(Script::default()).await;
    let (host, shared) = (host_of(&fake), shared(Limits { return_bytes: 8 << 20, ..short() }));
    let file = fake.home.join("bytes");
    // A generator of its own, so that a failing round can be repeated.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..24 {
        let length = [0, 1, 2, 3, 100, 10_000, 200_000][round % 7];
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[0]
            })
            .collect();
        std::fs::write(&file, &bytes).unwrap();
        let Work::Call { mut call, public } = call("cmd.run", vec![format!("cat {}", file.display()).into()])
        else {
            unreachable!("it is a call")
        };
        call.kwarg.insert("rstrip", false);
        let record = ask(&shared, &host, &Work::Call { call, public }).await;
        assert_eq!(record.value(), halite_wire::Value::from_bytes(bytes), "round {round}");
    }
}
