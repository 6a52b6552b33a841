//! What a returner is: data about it, and how to open it.

use super::{Delivery, DeliveryError, Kind, RETURNERS, SettingError, Settings, custom};
use crate::config::Config;
use crate::drivers;
use async_trait::async_trait;
use halite_roster::did_you_mean;
use halite_wire::Map;
use std::path::PathBuf;

/// Something that takes returns and keeps them elsewhere. Opened once, used by one worker.
#[async_trait]
pub trait Returner: Send + Sync {
    /// Delivers the whole batch. A delivery marked `again` may have arrived before: where the other side has keys, a
    /// second one changes nothing.
    ///
    /// Cut off by the caller after [`DELIVERY_MAX`](super::DELIVERY_MAX).
    ///
    /// # Errors
    /// [`DeliveryError`] where any of the batch is not there for good; all of them are tried again then, one by one
    /// where the error says dead.
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError>;

    /// Connects, where that takes time and may be done before there is anything to deliver.
    async fn get_ready(&self) {}
}

pub type Open = fn(&Settings) -> Result<Box<dyn Returner>, SettingError>;

/// One returner: data plus a plain `fn`.
pub struct Definition {
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// Where its keys are: `mysql` for `mysql.host`. The usual one first.
    pub prefixes: &'static [&'static str],
    /// Sentences, ending in a stop.
    pub doc: &'static str,
    pub keys: &'static [Key],
    /// Keys it shares with others of its kind.
    pub common: &'static [Key],
    /// What it takes; anything else passes it by.
    pub takes: &'static [Kind],
    /// Deliveries in one call. 1 where a batch could be taken in part.
    pub batch_max: usize,
    /// Calls at once.
    pub at_once_max: usize,
    pub open: Open,
}

/// A key of the configuration: its name below the prefix, what it is where nobody sets it, and what it means.
pub struct Key(pub &'static str, pub &'static str, pub &'static str);

/// What databases and files take.
pub const ALL: &[Kind] = &[Kind::Return, Kind::Load, Kind::Event];
pub const RETURNS_AND_EVENTS: &[Kind] = &[Kind::Return, Kind::Event];
pub const RETURNS: &[Kind] = &[Kind::Return];

impl Definition {
    /// The feature it needs and this build does not have.
    pub fn missing_feature(&self) -> Option<&'static str> {
        drivers::missing_for(self.name)
    }

    /// Salt's names of what it does: `returner`, `save_load`, `event_return`.
    pub fn functions(&self) -> impl Iterator<Item = &'static str> {
        self.takes.iter().map(|kind| match kind {
            Kind::Return => "returner",
            Kind::Load => "save_load",
            Kind::Event => "event_return",
        })
    }

    pub fn all_keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().chain(self.common)
    }

    /// The documentation with all keys.
    pub fn full_doc(&self) -> String {
        let prefix = self.prefixes.first().unwrap_or(&self.name);
        let key = |Key(name, usual, doc): &Key| match *usual {
            "" => format!("    {prefix}.{name}: {doc}\n"),
            usual => format!("    {prefix}.{name}: {doc} Default: {usual}\n"),
        };
        let keys: String = self.all_keys().map(key).collect();
        if keys.is_empty() { self.doc.to_owned() } else { format!("{}\n\n{keys}", self.doc) }
    }
}

/// No returner has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no returner {name:?}{hint}; `halite run returners.list` shows all")]
pub struct UnknownReturner {
    name: String,
    hint: String,
}

/// The returner called `name`.
///
/// # Errors
/// [`UnknownReturner`] with the nearest name.
pub fn find(name: &str) -> Result<&'static Definition, UnknownReturner> {
    let found = RETURNERS.iter().find(|def| def.name == name || def.aliases.contains(&name));
    found.copied().ok_or_else(|| UnknownReturner {
        name: name.to_owned(),
        hint: did_you_mean(name, RETURNERS.iter().map(|def| def.name)),
    })
}

/// A returner as it was found: one of ours, or a file.
pub(super) enum Found {
    Ours(&'static Definition),
    Custom(PathBuf),
}

impl Found {
    /// Ours come first.
    pub fn look(config: &Config, name: &str) -> Result<Found, UnknownReturner> {
        match (find(name), custom::find(config, name)) {
            (Ok(ours), _) => Ok(Found::Ours(ours)),
            (Err(_), Some(file)) => Ok(Found::Custom(file)),
            (Err(unknown), None) => Err(unknown),
        }
    }

    /// The name under which its queue is kept.
    pub fn name(&self, asked: &str) -> String {
        match self {
            Found::Ours(definition) => definition.name.to_owned(),
            Found::Custom(_) => asked.to_owned(),
        }
    }

    /// Opens it with what the configuration and the options say.
    pub fn open(
        self,
        config: &Config,
        name: &str,
        alternative: &str,
        kwargs: Map,
    ) -> (&'static Definition, Settings, Result<Box<dyn Returner>, SettingError>) {
        match self {
            Found::Ours(definition) => {
                let settings = Settings::new(config, definition.prefixes, Some(alternative), kwargs);
                let opened = (definition.open)(&settings);
                (definition, settings, opened)
            }
            Found::Custom(file) => {
                let settings = Settings::new(config, &[name], Some(alternative), kwargs);
                let opened = custom::open(&settings, file);
                (&custom::DEFINITION, settings, opened)
            }
        }
    }
}
