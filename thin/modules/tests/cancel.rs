//! A cancelled call, in a process of its own: what is cancelled stays cancelled.

#![allow(clippy::unwrap_used)]

use halite_modules::process::{Command, ProcessError, cancel};
use std::time::{Duration, Instant};

#[test]
fn cancelling_ends_programs_with_their_children_and_starts_no_more() {
    let start = Instant::now();
    let call = std::thread::spawn(|| Command::shell("/bin/sh", "sleep 61 & echo $!; wait").run().unwrap());
    std::thread::sleep(Duration::from_millis(300));
    cancel();
    let output = call.join().unwrap();
    assert_eq!(output.code, -15);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let child = format!("/proc/{}/stat", output.text().trim());
    assert!((0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        std::fs::read_to_string(&child).map_or(true, |stat| stat.contains(") Z "))
    }));
    assert!(matches!(Command::new(["true"]).run(), Err(ProcessError::Cancelled { .. })));
}
