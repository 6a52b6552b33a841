//! Where states were written, kept beside high data for the sake of messages.

use crate::{Place, Rendered};
use halite_wire::{Map, Value};
use std::collections::BTreeMap;

type Keys = Vec<((String, Option<String>), Place)>;

/// Places of the IDs of every SLS, by environment and name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Places(BTreeMap<(String, String), (String, Keys)>);

impl Places {
    /// Keeps the places of an SLS. Asked for once a message is wanted only, so they are not indexed.
    pub(crate) fn keep(&mut self, saltenv: &str, sls: &str, rendered: &mut Rendered) {
        let keys = std::mem::take(&mut rendered.places);
        self.0.insert((saltenv.to_owned(), sls.to_owned()), (rendered.path.clone(), keys));
    }

    /// The environments of a top file, once its places are kept. What is wrong with it is added to `errors`; `what`
    /// names its kind there, `root` what its path is below.
    pub(crate) fn keep_top(
        &mut self,
        saltenv: &str,
        rendered: Result<Option<Rendered>, String>,
        (what, root): (&str, &str),
        errors: &mut Vec<String>,
    ) -> Option<Map> {
        let mut rendered = match rendered {
            Ok(rendered) => rendered?,
            Err(error) => {
                errors.push(error);
                return None;
            }
        };
        let path = rendered.path.clone();
        self.keep(saltenv, &path, &mut rendered);
        match rendered.data {
            Value::Map(top) => Some(top),
            other if !other.is_truthy() => None,
            other => {
                let kind = other.kind();
                errors.push(format!("{root}{path}: {what} is a map of environments, this is {kind}"));
                None
            }
        }
    }

    /// `salt://web/init.sls:12:3` of `key` under `id`, of the ID alone where the key has no place, of the file where
    /// the ID has none.
    pub(crate) fn show(&self, saltenv: &str, sls: &str, id: &str, key: Option<&str>) -> String {
        let Some((path, keys)) = self.0.get(&(saltenv.to_owned(), sls.to_owned())) else {
            return format!("SLS {sls:?} of saltenv {saltenv:?}");
        };
        // `pkg` may have been written as `pkg.installed`.
        let is_key = |inner: Option<&str>, key: Option<&str>| {
            inner == key
                || inner.and_then(|inner| inner.split_once('.')).is_some_and(|(state, _)| Some(state) == key)
        };
        let find = |key: Option<&str>| {
            keys.iter()
                .find(|((own, inner), _)| own == id && is_key(inner.as_deref(), key))
                .map(|(_, place)| place)
        };
        let place = find(key).or_else(|| find(None));
        place.map_or_else(|| format!("salt://{path}"), Place::to_string)
    }

    /// Where an ID is written, whichever SLS it is in: for what does not say itself where it is from.
    pub(crate) fn anywhere(&self, id: &str) -> Option<&Place> {
        let mut keys = self.0.values().flat_map(|(_, keys)| keys);
        keys.find(|((own, inner), _)| own == id && inner.is_none()).map(|(_, place)| place)
    }

    /// Where a top file names the target of an environment, whichever top file that is.
    pub(crate) fn of_target(&self, saltenv: &str, target: &str) -> String {
        let all = || self.0.values().flat_map(|(_, keys)| keys);
        let is_target = |own: &(String, Option<String>)| own.0 == saltenv && own.1.as_deref() == Some(target);
        let place = all().find(|(own, _)| is_target(own)).or_else(|| all().find(|(own, _)| own.0 == saltenv));
        place.map_or_else(|| "the top file".to_owned(), |(_, place)| place.to_string())
    }

    /// The place of an ID's `body` in high data, which says itself what SLS it is from.
    pub(crate) fn of(&self, body: &Map, id: &str, key: Option<&str>) -> String {
        let saltenv = body.get_str("__env__").unwrap_or("base");
        body.get_str("__sls__").map_or_else(|| format!("{id:?}"), |sls| self.show(saltenv, sls, id, key))
    }
}
