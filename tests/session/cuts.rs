//! The line breaks: at any byte, in either direction, in any way there is.

use crate::kit::{ask, call, host_at, host_of, ping, shared, short};
use halite::fleet::outcome::Outcome;
use halite::session::Limits;
use halite_faults::{Direction, FakeHost, Fault, Script, Tap};
use halite_wire::Value;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Every n-th place is cut. All places are tried by `HALITE_CUT_STRIDE=1`.
fn stride() -> usize {
    std::env::var("HALITE_CUT_STRIDE").ok().and_then(|text| text.parse().ok()).unwrap_or(61)
}

/// Short enough for thousands of stalls.
fn hasty() -> Limits {
    let limit = Duration::from_millis(1200);
    Limits { connect: limit, host_key: limit, auth: limit, bootstrap: limit, call: Some(limit), ..short() }
}

async fn sweep(direction: Direction, fault: Fault) {
    let fake = FakeHost::start(Script::default()).await;
    let thin_dir = host_of(&fake).thin_dir;
    let whole = Tap::start(fake.addr, direction, 0, Fault::None).await;
    let mut host = host_at(whole.addr);
    host.thin_dir = thin_dir.clone();
    crate::kit::assert_true(&ping(&host).await);
    let before: Vec<u64> = whole.passed.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    crate::kit::assert_true(&ping(&host).await);
    let side = usize::from(direction == Direction::FromHost);
    let length = whole.passed[side].load(Ordering::Relaxed) - before[side];
    let shared = std::sync::Arc::new(shared(hasty()));
    let mut tries = tokio::task::JoinSet::new();
    for offset in (0..length).step_by(stride()) {
        let tap = Tap::start(fake.addr, direction, offset, fault).await;
        let mut host = host_at(tap.addr);
        host.thin_dir = thin_dir.clone();
        let shared = shared.clone();
        tries.spawn(async move {
            let record = ask(&shared, &host, &call("test.ping", vec![])).await;
            drop(tap);
            (offset, record)
        });
        while tries.len() >= 16 {
            check(tries.join_next().await);
        }
    }
    while !tries.is_empty() {
        check(tries.join_next().await);
    }
}

/// One record, in time: a failure, or, where the cut came after the answer, the answer. Never a wrong one.
fn check(ended: Option<Result<(u64, halite::fleet::outcome::Record), tokio::task::JoinError>>) {
    let Some(ended) = ended else { return };
    let (offset, record) = ended.expect("no task panics");
    match &record.outcome {
        Outcome::Failed(_) => {}
        Outcome::Returned(ret) => {
            assert_eq!(ret.value, Value::Bool(true), "a wrong answer after a cut at {offset}")
        }
        other => panic!("cut at {offset}: {other:?}"),
    }
    assert!(record.took < Duration::from_secs(12), "cut at {offset} took {:?}", record.took);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_06_a_line_that_ends_at_any_byte_is_one_honest_record() {
    for direction in [Direction::ToHost, Direction::FromHost] {
        sweep(direction, Fault::Fin).await;
        sweep(direction, Fault::Reset).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_06_a_line_that_stalls_at_any_byte_is_one_honest_record() {
    for direction in [Direction::ToHost, Direction::FromHost] {
        sweep(direction, Fault::Stall).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_07_a_flipped_bit_is_never_a_wrong_answer() {
    for direction in [Direction::ToHost, Direction::FromHost] {
        sweep(direction, Fault::Flip).await;
    }
}
