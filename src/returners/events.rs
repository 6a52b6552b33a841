//! Which events of a run go to those that asked for them by `event_return`. What events say, the bus knows.

use crate::config::Config;
use halite_roster::Glob;
use halite_wire::Value;

/// `event_return_whitelist` and `event_return_blacklist`: globs on tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    white: Vec<String>,
    black: Vec<String>,
}

impl Filter {
    pub fn new(config: &Config) -> Filter {
        let list = |key: &str| match config.opts.0.get(key) {
            Some(Value::Str(one)) => vec![one.clone()],
            Some(Value::List(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Filter { white: list("event_return_whitelist"), black: list("event_return_blacklist") }
    }

    /// Whether events of this tag are wanted.
    pub fn passes(&self, tag: &str) -> bool {
        let fits = |globs: &[String]| globs.iter().any(|glob| Glob::new(glob).is_match(tag));
        (self.white.is_empty() || fits(&self.white)) && !fits(&self.black)
    }
}
