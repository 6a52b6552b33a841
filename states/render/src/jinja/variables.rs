//! What templates see by name, turned into values of the template only when and as deep as it is looked at.

use halite_wire::{Map, Value};
use std::sync::Arc;

/// Names and values every template starts with. A plain [`Map`] will do for one rendering; [`Prepared`] serves
/// many without being copied for each.
pub trait Variables {
    fn get(&self, name: &str) -> Option<Variable<'_>>;

    /// All names, for suggestions and `show_full_context()`.
    fn names(&self) -> Vec<String>;
}

/// One variable as its owner holds it.
#[derive(Debug)]
pub enum Variable<'v> {
    /// Converted as a whole at its first use.
    Plain(&'v Value),
    /// Converted level by level.
    Shared(&'v Shared),
}

impl Variable<'_> {
    /// The value, copied.
    pub fn to_value(&self) -> Value {
        match self {
            Variable::Plain(value) => (*value).clone(),
            Variable::Shared(shared) => shared.to_value(),
        }
    }

    /// The value under `key`, copied, where this is a map that has it.
    pub fn item(&self, key: &str) -> Option<Value> {
        match self {
            Variable::Plain(value) => value.get(key).cloned(),
            Variable::Shared(shared) => match &*shared.0 {
                Level::Map(entries) => entries
                    .iter()
                    .find(|(name, _)| name.as_str() == Some(key))
                    .map(|(_, value)| value.to_value()),
                _ => None,
            },
        }
    }
}

impl Shared {
    fn to_value(&self) -> Value {
        match &*self.0 {
            Level::Leaf(value) => value.clone(),
            Level::List(items) => items.iter().map(Shared::to_value).collect(),
            Level::Map(entries) => {
                Value::Map(entries.iter().map(|(key, value)| (key.clone(), value.to_value())).collect())
            }
        }
    }
}

impl Variables for Map {
    fn get(&self, name: &str) -> Option<Variable<'_>> {
        Map::get(self, name).map(Variable::Plain)
    }

    fn names(&self) -> Vec<String> {
        self.keys().filter_map(|key| key.as_str().map(str::to_owned)).collect()
    }
}

/// A value that many renderings, also at the same time, read without copying it. What a template changes in place
/// is its own copy.
#[derive(Clone, Debug)]
pub struct Shared(pub(super) Arc<Level>);

/// One level of a shared value.
#[derive(Debug)]
pub(super) enum Level {
    Leaf(Value),
    List(Vec<Shared>),
    Map(Vec<(Value, Shared)>),
}

impl From<Value> for Shared {
    fn from(value: Value) -> Shared {
        Shared(Arc::new(match value {
            Value::List(items) => Level::List(items.into_iter().map(Shared::from).collect()),
            Value::Map(map) => {
                Level::Map(map.into_iter().map(|(key, value)| (key, Shared::from(value))).collect())
            }
            leaf => Level::Leaf(leaf),
        }))
    }
}

/// Variables for many renderings: large ones (`grains`, `pillar`, `opts`) are prepared once and shared, those of
/// one file (`sls`, `tpldir`) are added to a cheap clone.
///
/// ```
/// use halite_render::jinja::{self, NoFunctions, NoTemplates, Prepared};
/// use halite_wire::Map;
/// let host = Prepared::default().with("grains", Map::from([("os", "Debian")]));
/// let file = host.clone().with("sls", "nginx");
/// let text = jinja::render("{{ sls }} on {{ grains.os }}", "nginx", &file, &NoTemplates, &NoFunctions);
/// assert_eq!(text.as_deref(), Ok("nginx on Debian"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Prepared(Vec<(Arc<str>, Shared)>);

impl Prepared {
    /// Adds a variable, or replaces the one of this name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Prepared {
        self.set(name, Shared::from(value.into()));
        self
    }

    /// Like [`with`](Self::with), for a value that is shared already.
    pub fn set(&mut self, name: &str, value: Shared) {
        match self.0.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.into(), value)),
        }
    }
}

impl Variables for Prepared {
    fn get(&self, name: &str) -> Option<Variable<'_>> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, value)| Variable::Shared(value))
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.to_string()).collect()
    }
}
