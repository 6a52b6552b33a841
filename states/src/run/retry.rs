//! `retry`: how often a state is tried, and how long it rests between.

use halite_wire::{Map, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `retry: True`, or a map of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub attempts: i64,
    /// The result that ends it.
    pub until: bool,
    /// Seconds between attempts.
    pub interval: u64,
    /// At most so many more seconds, by chance.
    pub splay: u64,
}

const USUAL: Retry = Retry { attempts: 2, until: true, interval: 30, splay: 0 };

impl Retry {
    /// `None` where the chunk has none. What is of the wrong kind has its default.
    pub fn of(low: &Map) -> Option<Retry> {
        Some(match low.get("retry")? {
            Value::Map(given) => {
                let number = |key: &str| given.get(key).and_then(Value::as_i64);
                let seconds = |key: &str| number(key).and_then(|n| u64::try_from(n).ok());
                Retry {
                    attempts: number("attempts").unwrap_or(USUAL.attempts),
                    until: given.get("until").and_then(Value::as_bool).unwrap_or(USUAL.until),
                    interval: seconds("interval").unwrap_or(USUAL.interval),
                    splay: seconds("splay").unwrap_or(USUAL.splay),
                }
            }
            Value::Bool(false) => Retry { attempts: 0, ..USUAL },
            _ => USUAL,
        })
    }

    /// How long to rest now.
    pub fn rest(&self) -> Duration {
        let chance = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_micros();
        Duration::from_secs(self.interval + u64::from(chance) % (self.splay + 1))
    }

    /// What `test=True` says of it.
    pub fn plan(&self) -> String {
        let Retry { attempts, interval, splay, .. } = self;
        let until = if self.until { "True" } else { "False" };
        format!(
            "It would be tried at most {attempts} times, {interval} seconds apart (and up to {splay} more), \
             until its result is {until}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_its_meaning() {
        let of = |retry: Value| Retry::of(&Map::from([("retry", retry)]));
        assert_eq!(of(true.into()), Some(USUAL));
        assert_eq!(of(false.into()), Some(Retry { attempts: 0, ..USUAL }));
        assert_eq!(of("often".into()), Some(USUAL));
        let given = Map::from([("attempts", Value::from(5)), ("until", "x".into()), ("splay", 3.into())]);
        assert_eq!(of(given.into()), Some(Retry { attempts: 5, splay: 3, ..USUAL }));
        assert_eq!(Retry::of(&Map::new()), None);
    }
}
