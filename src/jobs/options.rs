//! Options of a store in Salt's spelling: `mysql.host`, `mysql: {host: ...}`, another set as
//! `alternative.mysql.host`, and values given for one call.

use super::StoreError;
use halite_wire::{Map, Value};
use std::path::PathBuf;

/// Options of one store, looked up under its name.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The whole configuration.
    pub opts: &'a Map,
    /// What keys begin with: `mysql`, `returner.pgjsonb`. The last part alone serves, too.
    pub name: &'a str,
    /// `--return_config`: the set that comes before the usual keys.
    pub set: Option<&'a str>,
    /// `--return_kwargs`: what comes before everything.
    pub kwargs: Option<&'a Map>,
}

impl<'a> Options<'a> {
    /// These options under another name.
    pub fn named(self, name: &'a str) -> Options<'a> {
        Options { name, ..self }
    }

    /// The value of `key`. Empty text and the text `none` count as absent, as in Salt.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        let short = self.name.rsplit('.').next().unwrap_or(self.name);
        let given = self.kwargs.and_then(|kwargs| kwargs.get(key));
        let of_set = |set| {
            self.under(&format!("{set}.{}", self.name), key)
                .or_else(|| self.under(&format!("{set}.{short}"), key))
        };
        let found = given.or_else(|| self.set.and_then(of_set)).or_else(|| self.under(self.name, key));
        found.or_else(|| self.under(short, key)).filter(|value| !is_absent(value))
    }

    /// `NAME.KEY`, or `KEY` in the dict `NAME`.
    fn under(&self, name: &str, key: &str) -> Option<&'a Value> {
        let in_dict = || self.opts.get(name)?.get(key);
        self.opts.get(&format!("{name}.{key}")).or_else(in_dict).filter(|value| !is_absent(value))
    }

    /// The value as text, or `default`. Numbers become their digits.
    pub fn text(&self, key: &str, default: &str) -> String {
        self.maybe(key).unwrap_or_else(|| default.to_owned())
    }

    /// The value as text.
    pub fn maybe(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::Str(text) => Some(text.clone()),
            Value::Int(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    /// The value as a path.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.maybe(key).map(PathBuf::from)
    }

    /// A TCP port.
    ///
    /// # Errors
    /// [`StoreError::Option`] where it is none.
    pub fn port(&self, default: u16) -> Result<u16, StoreError> {
        match self.maybe("port") {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| self.wrong("port", "is not a port: 1 to 65535")),
        }
    }

    /// What is wrong with `key`.
    pub fn wrong(&self, key: &str, why: &str) -> StoreError {
        StoreError::Option { key: format!("{}.{key}", self.name), why: why.to_owned() }
    }
}

fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Str(text) => text.is_empty() || text.eq_ignore_ascii_case("none"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_spelling_of_an_option_wins() {
        let dict = Map::from([("user", "in dict"), ("db", "in dict")]);
        let opts = Map::from([
            ("mysql.host", Value::from("flat")),
            ("mysql.port", 3307.into()),
            ("mysql.ssl_ca", "None".into()),
            ("mysql", dict.into()),
            ("alternative.mysql.host", "other".into()),
            ("returner.mysql.pass", "long".into()),
        ]);
        let kwargs = Map::from([("db", "given")]);
        let plain = Options { opts: &opts, name: "mysql", set: None, kwargs: None };
        assert_eq!(plain.text("host", ""), "flat");
        assert_eq!((plain.text("user", ""), plain.port(1).ok()), ("in dict".into(), Some(3307)));
        assert_eq!((plain.get("ssl_ca"), plain.text("absent", "default")), (None, "default".into()));
        assert_eq!(plain.named("returner.mysql").text("pass", ""), "long");
        assert_eq!(plain.named("returner.mysql").text("host", ""), "flat");
        let other = Options { set: Some("alternative"), kwargs: Some(&kwargs), ..plain };
        assert_eq!(
            (other.text("host", ""), other.text("user", ""), other.text("db", "")),
            ("other".into(), "in dict".into(), "given".into())
        );
    }
}
