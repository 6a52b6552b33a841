//! How fast hosts get their turn: how many at once, with what pause between them, and when no more begin.

use super::outcome::Record;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The pace of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Hosts at work at the same time; at least one.
    pub at_once_max: usize,
    /// How long the place of a host that is done stays empty.
    pub rest: Duration,
    /// After so many hosts that did not do well no other begins; those at work go on.
    pub failures_max: Option<usize>,
}

impl Pace {
    /// So many at once, and nothing else.
    pub fn at_once(at_once_max: usize) -> Pace {
        Pace { at_once_max, rest: Duration::ZERO, failures_max: None }
    }
}

/// The places of a run as they are taken and given back.
#[derive(Debug)]
pub(super) struct Places {
    pace: Pace,
    /// When places that stay empty may be taken again, the soonest first.
    resting: VecDeque<Instant>,
    failures: usize,
}

impl Places {
    pub(super) fn new(pace: Pace) -> Places {
        Places { pace, resting: VecDeque::new(), failures: 0 }
    }

    /// Whether a host may begin while `at_work` others have their turn.
    pub(super) fn is_free(&mut self, at_work: usize) -> bool {
        let now = Instant::now();
        while self.resting.front().is_some_and(|until| *until <= now) {
            self.resting.pop_front();
        }
        !self.is_over() && at_work + self.resting.len() < self.pace.at_once_max.max(1)
    }

    /// Whether too many hosts did not do well.
    pub(super) fn is_over(&self) -> bool {
        self.pace.failures_max.is_some_and(|most| self.failures >= most)
    }

    /// A host is done.
    pub(super) fn give_back(&mut self, record: &Record) {
        self.failures += usize::from(!record.is_ok());
        if !self.pace.rest.is_zero() {
            self.resting.push_back(Instant::now() + self.pace.rest);
        }
    }

    /// Waits until the next resting place is free; for ever where none rests.
    pub(super) async fn rested(&self) {
        match self.resting.front() {
            Some(until) => tokio::time::sleep_until(*until).await,
            None => std::future::pending().await,
        }
    }

    /// Whether a place rests.
    pub(super) fn rests(&self) -> bool {
        !self.resting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::outcome::{Outcome, Reached};

    fn failed() -> Record {
        Record::new("web1".parse().unwrap(), Outcome::Cancelled(Reached::NotStarted))
    }

    #[test]
    fn a_host_begins_while_there_is_a_place() {
        let mut places = Places::new(Pace::at_once(2));
        assert!(places.is_free(0) && places.is_free(1) && !places.is_free(2));
        let mut one_at_least = Places::new(Pace::at_once(0));
        assert!(one_at_least.is_free(0) && !one_at_least.is_free(1));
    }

    #[tokio::test]
    async fn a_place_that_rests_is_taken() {
        let rest = Duration::from_millis(30);
        let mut places = Places::new(Pace { rest, ..Pace::at_once(1) });
        places.give_back(&failed());
        assert!(!places.is_free(0) && places.rests());
        let began = Instant::now();
        places.rested().await;
        assert!(began.elapsed() >= Duration::from_millis(25) && places.is_free(0));
    }

    #[test]
    fn after_too_many_failures_there_is_no_place_any_more() {
        let mut places = Places::new(Pace { failures_max: Some(2), ..Pace::at_once(9) });
        places.give_back(&failed());
        assert!(places.is_free(0) && !places.is_over());
        places.give_back(&failed());
        assert!(!places.is_free(0) && places.is_over());
    }
}
