//! Times of a return: when a state began, in the host's time, and how long it took.

use halite_modules::linux::Root;
use halite_modules::linux::clock::offset_at;
use halite_wire::Map;
use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Clocks are put forward and back on quarters of an hour only, so long one look at the zone holds.
const QUARTER: i64 = 900;

thread_local! {
    /// A quarter of an hour, and the offset during it.
    static OFFSET: Cell<Option<(i64, i64)>> = const { Cell::new(None) };
}

/// Runs from [`Stopwatch::start`] on.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    began: SystemTime,
    running: Instant,
}

impl Stopwatch {
    pub fn start() -> Stopwatch {
        Stopwatch { began: SystemTime::now(), running: Instant::now() }
    }

    /// Puts `start_time` (`HH:MM:SS.ffffff`) and `duration` (milliseconds) into a return.
    pub fn stamp(&self, ret: &mut Map) {
        ret.insert("start_time", time_of_day(self.began));
        ret.insert("duration", milliseconds(self.running.elapsed()));
    }
}

/// To the microsecond, as Salt writes durations.
pub fn milliseconds(time: Duration) -> f64 {
    let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1000.0
}

fn time_of_day(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    let local = (seconds + offset(seconds)).rem_euclid(86_400);
    let (hour, minute, second) = (local / 3600, local / 60 % 60, local % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{:06}", since.subsec_micros())
}

/// Seconds east of Greenwich.
fn offset(seconds: i64) -> i64 {
    let quarter = seconds.div_euclid(QUARTER);
    if let Some((_, offset)) = OFFSET.get().filter(|(known, _)| *known == quarter) {
        return offset;
    }
    let offset = offset_at(&Root::default(), seconds).seconds;
    OFFSET.set(Some((quarter, offset)));
    offset
}
