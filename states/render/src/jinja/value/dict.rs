//! A dict in the order of insertion. Keys are what Python can hash.

use super::super::fault::{Fault, Outcome};
use super::Val;
use super::compare::equal;
use indexmap::{Equivalent, IndexMap};
use std::hash::{Hash, Hasher};

#[derive(Clone, Default)]
pub(in super::super) struct Dict(IndexMap<Key, Val>);

#[derive(Clone)]
struct Key(Val);

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        equal(&self.0, &other.0)
    }
}

impl Eq for Key {}

/// `1`, `1.0` and `True` are one key, so they hash alike.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Val::Str(text) => text.hash(state),
            Val::Bytes(bytes) => bytes.hash(state),
            Val::Tuple(items) => items.iter().for_each(|item| Key(item.clone()).hash(state)),
            Val::Float(number) if number.fract() != 0.0 => number.to_bits().hash(state),
            Val::Float(number) => Some(*number as i128).hash(state),
            other => other.as_int().hash(state),
        }
    }
}

/// Text hashes as `str` does, so names are looked up without building a value.
impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        key.0.as_str() == Some(self)
    }
}

impl Dict {
    /// # Errors
    /// Lists and dicts cannot be keys.
    pub fn insert(&mut self, key: Val, value: Val) -> Outcome<()> {
        hashable(&key)?;
        self.0.insert(Key(key), value);
        Ok(())
    }

    /// Puts `value` under a name.
    pub fn set(&mut self, name: &str, value: Val) {
        self.0.insert(Key(Val::from(name)), value);
    }

    pub fn get(&self, key: &Val) -> Option<Val> {
        hashable(key).ok()?;
        self.0.get(&Key(key.clone())).cloned()
    }

    pub fn get_str(&self, name: &str) -> Option<Val> {
        self.0.get(name).cloned()
    }

    pub fn remove(&mut self, key: &Val) -> Option<Val> {
        hashable(key).ok()?;
        self.0.shift_remove(&Key(key.clone()))
    }

    pub fn pop_last(&mut self) -> Option<(Val, Val)> {
        self.0.pop().map(|(key, value)| (key.0, value))
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn keys(&self) -> impl Iterator<Item = &Val> {
        self.0.keys().map(|key| &key.0)
    }

    pub fn values(&self) -> impl Iterator<Item = &Val> {
        self.0.values()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Val, &Val)> {
        self.0.iter().map(|(key, value)| (&key.0, value))
    }

    /// Takes over every entry of `other`.
    pub fn update(&mut self, other: &Dict) {
        self.0.extend(other.0.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

impl FromIterator<(Val, Val)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Val, Val)>>(entries: I) -> Dict {
        Dict(entries.into_iter().map(|(key, value)| (Key(key), value)).collect())
    }
}

pub(super) fn hashable(key: &Val) -> Outcome<()> {
    match key.defined()? {
        Val::List(_) | Val::Dict(_) => Err(Fault::of_type(format!("unhashable type: '{}'", key.type_name()))),
        Val::Tuple(items) => items.iter().try_for_each(hashable),
        _ => Ok(()),
    }
}
