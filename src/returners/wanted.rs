//! Which returners a run has: those of the command line, of the configuration, and those for events.

use super::events::Filter;
use super::outbox::Takes;
use super::registry::{Found, UnknownReturner};
use super::{Kind, multi};
use crate::config::Config;
use halite_wire::{Map, Value};

/// The returners of a run.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Names as registered, each once, with what it is to take.
    pub(super) outlets: Vec<(String, Takes)>,
    /// `--return_config`.
    pub(super) set: Option<String>,
    /// `--return_kwargs`.
    pub(super) kwargs: Map,
    pub(super) filter: Filter,
}

/// What the command line says of returners.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `--return`: names with commas between.
    pub names: Option<String>,
    pub set: Option<String>,
    pub kwargs: Map,
}

impl Wanted {
    /// `--return` and `return` get returns, `ext_job_cache` jobs and returns, `event_return` events.
    ///
    /// # Errors
    /// [`UnknownReturner`].
    pub fn new(config: &Config, asked: &Asked) -> Result<Wanted, UnknownReturner> {
        let mut wanted = Wanted {
            outlets: Vec::new(),
            set: asked.set.clone(),
            kwargs: asked.kwargs.clone(),
            filter: Filter::new(config),
        };
        let of_line = asked.names.iter().flat_map(|names| words(names));
        for name in of_line.chain(names(config, "return")) {
            wanted.add(config, &name, Takes::of(&[Kind::Return]))?;
        }
        for name in names(config, "ext_job_cache") {
            wanted.add(config, &name, Takes::of(&[Kind::Return, Kind::Load]))?;
        }
        for name in names(config, "event_return") {
            wanted.add(config, &name, Takes::of(&[Kind::Event]))?;
        }
        Ok(wanted)
    }

    /// The store elsewhere that gets every job with all that is known of it.
    pub fn with_job_store(mut self, name: &str) -> Wanted {
        let store = Takes { job_store: true, ..Takes::of(&[Kind::Return, Kind::Load]) };
        // A returner of the same name that is the same place is that store.
        let is_same = self.set.is_none() && self.kwargs.is_empty();
        match self.outlets.iter_mut().find(|(known, _)| is_same && known == name) {
            None => self.outlets.push((name.to_owned(), store)),
            Some((_, known)) => *known = Takes { events: known.events, ..store },
        }
        self
    }

    fn add(&mut self, config: &Config, name: &str, takes: Takes) -> Result<(), UnknownReturner> {
        let name = Found::look(config, name)?.name(name);
        if name == multi::DEFINITION.name {
            let all = names(config, &name).into_iter().filter(|inner| *inner != name && inner != "multi");
            return all.into_iter().try_for_each(|inner| self.add(config, &inner, takes));
        }
        match self.outlets.iter_mut().find(|(known, _)| *known == name) {
            None => self.outlets.push((name, takes)),
            Some((_, known)) => {
                known.returns |= takes.returns;
                known.loads |= takes.loads;
                known.events |= takes.events;
            }
        }
        Ok(())
    }
}

fn words(names: &str) -> Vec<String> {
    names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn names(config: &Config, key: &str) -> Vec<String> {
    match config.opts.0.get(key) {
        Some(Value::Str(text)) => words(text),
        Some(Value::List(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
