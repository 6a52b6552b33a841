//! What a host tells of a run of states while it lasts, kept for the case that no answer comes.

use super::capture::Capture;
use super::limits::{ALL_NEWS_BYTES_MAX, NEWS_BYTES_MAX, RUNNING_STATES_MAX, STEPS_BYTES_MAX};
use crate::fleet::unfinished::Unfinished;
use halite_wire::message::{STEP_BYTES_MAX, decode_value};
use halite_wire::{Map, Value};

/// The steps of one run of states. Returns stay packed: most runs end well, and then nobody looks at them.
pub struct Steps {
    /// Encoded `{tag: return}`, each behind its length (4 bytes, big-endian).
    packed: Capture,
    done: usize,
    total: usize,
    running: Vec<String>,
    /// Bytes that may still be passed on.
    news_left: usize,
}

impl Steps {
    pub fn new() -> Steps {
        Steps {
            packed: Capture::new(STEPS_BYTES_MAX),
            done: 0,
            total: 0,
            running: Vec::new(),
            news_left: ALL_NEWS_BYTES_MAX,
        }
    }

    /// Takes in a step `{done, total, running, ret?}`, and `ret` out of it; any other step is left alone.
    pub fn take(&mut self, step: &mut Value) {
        let Value::Map(step) = step else { return };
        let number = |key| step.get(key).and_then(Value::as_i64).and_then(|n| usize::try_from(n).ok());
        let (Some(done), Some(total)) = (number("done"), number("total")) else { return };
        (self.done, self.total) = (done, total);
        let running = step.get("running").and_then(Value::as_list).unwrap_or_default();
        let tags = running.iter().filter_map(Value::as_str).take(RUNNING_STATES_MAX);
        self.running = tags.map(str::to_owned).collect();
        if let Some(Value::Bytes(ret)) = step.remove("ret") {
            self.keep(&ret);
        }
    }

    /// Whether a step is passed on: screens and events want it, and a host that talks without end must not fill them.
    pub fn is_news(&mut self, step: &Value) -> bool {
        let before = self.news_left.min(NEWS_BYTES_MAX);
        let Some(left) = less(before, step) else { return false };
        self.news_left -= before - left;
        true
    }

    fn keep(&mut self, ret: &[u8]) {
        let fits = self.packed.total() + ret.len() as u64 + 4 <= STEPS_BYTES_MAX;
        let Ok(length) = u32::try_from(ret.len()) else { return };
        if ret.len() > 2 * STEP_BYTES_MAX || !fits {
            return;
        }
        let kept = self.packed.push(&[&length.to_be_bytes(), ret].concat());
        if let Err(error) = kept {
            // What lies behind a piece that is not whole could not be found.
            tracing::warn!("finished states cannot be kept: {error}");
            self.packed = Capture::new(0);
        }
    }

    /// What is known of the run; `None` where the host told of no state.
    pub fn unfinished(self) -> Option<Unfinished> {
        if self.done == 0 && self.running.is_empty() {
            return None;
        }
        let packed = self.packed.into_bytes().unwrap_or_default();
        Some(Unfinished {
            finished: unpacked(&packed),
            running: self.running,
            done: self.done,
            total: self.total,
        })
    }
}

/// What is left of so many bytes behind this value; `None` where it is longer.
fn less(left: usize, value: &Value) -> Option<usize> {
    let left = left.checked_sub(8)?;
    match value {
        Value::Str(text) => left.checked_sub(text.len()),
        Value::Bytes(bytes) => left.checked_sub(bytes.len()),
        Value::BigInt(digits) => left.checked_sub(digits.len()),
        Value::List(items) => items.iter().try_fold(left, less),
        Value::Map(map) => map.iter().try_fold(left, |left, (key, value)| less(less(left, key)?, value)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(left),
    }
}

/// All that can be read; pieces that make no sense are left out.
fn unpacked(mut packed: &[u8]) -> Map {
    let mut finished = Map::new();
    while let Some((length, rest)) = packed.split_first_chunk::<4>() {
        let Some((piece, rest)) = rest.split_at_checked(u32::from_be_bytes(*length) as usize) else { break };
        if let Ok(Value::Map(ret)) = decode_value(piece) {
            finished.extend(
                ret.into_iter().filter(|(tag, ret)| tag.as_str().is_some() && ret.as_map().is_some()),
            );
        }
        packed = rest;
    }
    finished
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_wire::message::encode_value;

    fn step(number: usize, ret: Value) -> Value {
        let tag = format!("test_|-{number}_|-{number}_|-nop");
        let ret = Value::Bytes(encode_value(&Map::from([(tag, ret)]).into()).unwrap());
        let running = Value::List(vec!["test_|-next_|-next_|-nop".into()]);
        Map::from([("done", number.into()), ("total", 9.into()), ("running", running), ("ret", ret)]).into()
    }

    #[test]
    fn what_a_host_told_is_there_in_its_order() {
        let mut steps = Steps::new();
        let ret = Value::Map(Map::from([("result", true)]));
        for number in 1..=3 {
            let mut step = step(number, ret.clone());
            steps.take(&mut step);
            assert_eq!(step.get("ret"), None, "returns do not travel further with the news");
        }
        let known = steps.unfinished().unwrap();
        let tags: Vec<_> = known.finished.keys().filter_map(Value::as_str).collect();
        assert_eq!(tags, [1, 2, 3].map(|n| format!("test_|-{n}_|-{n}_|-nop")));
        assert_eq!((known.done, known.total, known.running.len()), (3, 9, 1));
    }

    #[test]
    fn other_steps_and_nonsense_are_nothing() {
        let mut steps = Steps::new();
        let event = Value::Map(Map::from([("event", "site/x"), ("data", "y")]));
        for mut step in [Value::Null, "text".into(), event, Map::from([("done", -1), ("total", 3)]).into()] {
            let before = step.clone();
            steps.take(&mut step);
            assert_eq!(step, before);
        }
        assert_eq!(steps.unfinished(), None);
    }

    #[test]
    fn a_host_that_talks_without_end_is_not_passed_on_for_ever() {
        let event = |bytes: usize| {
            Value::Map(Map::from([("event", "x".into()), ("data", Value::Bytes(vec![7; bytes]))]))
        };
        let mut steps = Steps::new();
        assert!(!steps.is_news(&event(NEWS_BYTES_MAX)) && steps.is_news(&event(NEWS_BYTES_MAX / 2)));
        let passed = (0..100_000).filter(|_| steps.is_news(&event(1000))).count();
        assert!(passed * 1000 <= ALL_NEWS_BYTES_MAX && passed > 5000, "{passed}");
        assert!(!steps.is_news(&event(1000)));
    }

    #[test]
    fn a_host_that_reports_without_end_costs_no_more_than_the_limit() {
        let mut steps = Steps::new();
        let mut long = step(1, Value::Bytes(vec![7; STEP_BYTES_MAX - 100]));
        let ret = long.get("ret").cloned().unwrap();
        for _ in 0..2 * STEPS_BYTES_MAX / STEP_BYTES_MAX as u64 {
            let Value::Map(step) = &mut long else { unreachable!() };
            step.insert("ret", ret.clone());
            steps.take(&mut long);
        }
        assert!(steps.packed.total() <= STEPS_BYTES_MAX);
        let mut longer = step(2, Value::Bytes(vec![7; 3 * STEP_BYTES_MAX]));
        steps.take(&mut longer);
        assert!(steps.packed.total() <= STEPS_BYTES_MAX && steps.unfinished().unwrap().done == 2);
    }
}
