//! How fast hosts begin: batches, pauses between them, and an end after too many failures.

use super::kit::{User, answers, entry, hosts};
use halite_faults::{Act, FakeHost};
use std::sync::atomic::Ordering;
use std::time::Duration;

async fn slow_fleet(count: usize, millis: u64) -> (Vec<FakeHost>, User) {
    let all = hosts(count, &answers(vec![Act::Sleep(Duration::from_millis(millis))], true)).await;
    let user = User::of(&all);
    (all, user)
}

fn reached(hosts: &[FakeHost]) -> usize {
    hosts.iter().filter(|fake| fake.connections.load(Ordering::Relaxed) > 0).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_never_greater_than_asked_for_and_all_hosts_get_their_turn() {
    let (_hosts, user) = slow_fleet(6, 700).await;
    let all_at_once = user.ssh(&["*", "test.ping"]).await;
    assert_eq!(all_at_once.code, Some(0), "{all_at_once:?}");
    for batch in ["2", "33%"] {
        let in_batches = user.ssh(&["*", "test.ping", "-b", batch, "--out", "jsonl"]).await;
        assert_eq!(in_batches.code, Some(0), "{in_batches:?}");
        assert_eq!(in_batches.stdout.lines().count(), 6, "{in_batches:?}");
        assert!(in_batches.took > Duration::from_millis(2_100), "{batch}: {:?}", in_batches.took);
    }
    let safe = user.ssh(&["*", "test.ping", "--batch-safe-limit", "5", "--batch-safe-size", "1"]).await;
    assert!(safe.code == Some(0) && safe.took > Duration::from_millis(4_200), "{safe:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_of_a_finished_host_rests_before_it_is_taken_again() {
    let (_hosts, user) = slow_fleet(3, 0).await;
    let rested = user.ssh(&["*", "test.ping", "-b", "1", "--batch-wait", "1"]).await;
    assert_eq!(rested.code, Some(0), "{rested:?}");
    assert!(rested.took > Duration::from_secs(2), "{:?}", rested.took);
    assert!(rested.took < Duration::from_secs(20), "nothing waits after the last: {:?}", rested.took);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_too_many_failures_no_other_host_begins_and_each_has_a_record() {
    let (hosts, user) = slow_fleet(6, 0).await;
    let dead = |name: &str| format!("{name}:\n  host: 127.0.0.1\n  port: 1\n  user: tester\n");
    let entries: String =
        hosts.iter().enumerate().map(|(at, fake)| entry(&format!("h{at:02}"), fake, "")).collect();
    user.roster(&format!("{}{}{entries}", dead("a1"), dead("a2")));
    for (options, begun) in
        [(&["--failhard"][..], 0), (&["--limit-failures", "2"], 0), (&["--limit-failures", "3"], 6)]
    {
        let before = hosts.iter().map(|fake| fake.connections.load(Ordering::Relaxed)).sum::<u32>();
        let run = user.ssh(&[&["*", "test.ping", "-b", "1", "--out", "jsonl"], options].concat()).await;
        let after = hosts.iter().map(|fake| fake.connections.load(Ordering::Relaxed)).sum::<u32>();
        assert_eq!(run.code, Some(69), "{run:?}");
        assert_eq!(run.stdout.lines().count(), 8, "one record each: {run:?}");
        assert_eq!(after - before, begun, "{options:?}: {run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subset_is_as_great_as_asked_for_and_not_always_the_same() {
    let (hosts, user) = slow_fleet(8, 0).await;
    for _ in 0..6 {
        let run = user.ssh(&["*", "test.ping", "--subset", "3", "--out", "jsonl", "--summary"]).await;
        assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 3), "{run:?}");
    }
    assert!(reached(&hosts) > 3, "always the same three");
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_make_no_sense_are_refused() {
    let user = User::new();
    for (option, value) in
        [("-b", "0"), ("-b", "150%"), ("-b", "x"), ("--subset", "0"), ("--limit-failures", "no")]
    {
        let refused = user.ssh(&["*", "test.ping", option, value]).await;
        assert_eq!(refused.code, Some(64), "{option} {value}: {refused:?}");
    }
}
