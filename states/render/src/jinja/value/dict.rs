//! A dict in the order of insertion. Keys are what Python can hash.

use super::super::fault::{Fault, Outcome};
use super::super::variables::Shared;
use super::compare::equal;
use super::{Val, from_shared};
use indexmap::{Equivalent, IndexMap};
use std::cell::OnceCell;
use std::hash::{Hash, Hasher};

#[derive(Clone, Default)]
pub(in super::super) struct Dict(IndexMap<Key, Slot>);

/// The value of an entry. One that is shared with other renderings becomes ours when it is looked at.
enum Slot {
    Own(Val),
    Shared(Shared, OnceCell<Val>),
}

impl Slot {
    fn value(&self) -> &Val {
        match self {
            Slot::Own(value) => value,
            Slot::Shared(shared, own) => own.get_or_init(|| from_shared(shared)),
        }
    }
}

/// Copies of a dict hold the very same values, so they are made before.
impl Clone for Slot {
    fn clone(&self) -> Slot {
        Slot::Own(self.value().clone())
    }
}

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
        self.0.insert(Key(key), Slot::Own(value));
        Ok(())
    }

    /// Puts `value` under a name.
    pub fn set(&mut self, name: &str, value: Val) {
        self.0.insert(Key(Val::from(name)), Slot::Own(value));
    }

    /// Puts what other renderings share under a key that can be hashed.
    pub(super) fn share(&mut self, key: Val, value: Shared) {
        self.0.insert(Key(key), Slot::Shared(value, OnceCell::new()));
    }

    pub fn get(&self, key: &Val) -> Option<Val> {
        hashable(key).ok()?;
        self.0.get(&Key(key.clone())).map(|slot| slot.value().clone())
    }

    pub fn get_str(&self, name: &str) -> Option<Val> {
        self.0.get(name).map(|slot| slot.value().clone())
    }

    pub fn remove(&mut self, key: &Val) -> Option<Val> {
        hashable(key).ok()?;
        self.0.shift_remove(&Key(key.clone())).map(|slot| slot.value().clone())
    }

    pub fn pop_last(&mut self) -> Option<(Val, Val)> {
        self.0.pop().map(|(key, slot)| (key.0, slot.value().clone()))
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
        self.0.values().map(Slot::value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Val, &Val)> {
        self.0.iter().map(|(key, slot)| (&key.0, slot.value()))
    }

    /// Takes over every entry of `other`.
    pub fn update(&mut self, other: &Dict) {
        self.0.extend(other.0.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

impl FromIterator<(Val, Val)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Val, Val)>>(entries: I) -> Dict {
        Dict(entries.into_iter().map(|(key, value)| (Key(key), Slot::Own(value))).collect())
    }
}

pub(super) fn hashable(key: &Val) -> Outcome<()> {
    match key.defined()? {
        Val::List(_) | Val::Dict(_) => Err(Fault::of_type(format!("{} cannot be a key", key.kind()))),
        Val::Tuple(items) => items.iter().try_for_each(hashable),
        _ => Ok(()),
    }
}
