//! What the configuration says to a returner, found by Salt's rules and typed once.
//!
//! A value of key `host` of returner `mysql` is looked for in `--return_kwargs`; with `--return_config alternative`
//! in `alternative.mysql.host` and in the dict `alternative.mysql`; then in the dict `mysql` and in `mysql.host`.
//! Null and the empty text count as not set.

use crate::config::Config;
use crate::jobs::json;
use crate::template::Written;
use halite_roster::Secret;
use halite_wire::{Map, Value};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// Parts of an address that are as long as this may be secrets; shorter ones are words.
const SECRET_PART_MIN: usize = 8;

/// A key that is missing or wrong. Never shows the value: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("`{key}` is not set")]
    Missing { key: String },
    #[error("`{key}` must be {wanted}, not {found}")]
    Mismatch { key: String, wanted: String, found: &'static str },
    #[error("`{key}`: {why}")]
    Refused { key: String, why: String },
    #[error("it is not in this build; `cargo build --release --features {0}` makes one that has it")]
    Feature(&'static str),
}

/// The settings of one returner.
#[derive(Debug)]
pub struct Settings {
    prefixes: Vec<String>,
    /// `--return_config`.
    alternative: Option<String>,
    kwargs: Map,
    opts: crate::config::Opts,
    /// Where the controller keeps what can be made anew.
    pub cache: PathBuf,
    /// How long jobs are kept; `None` for ever.
    pub keep: Option<Duration>,
    /// Secrets that were read: they are cut out of every message.
    secrets: Mutex<Vec<Secret>>,
}

impl Written for Settings {
    fn written(&self, key: &str) -> Option<&Value> {
        self.raw(key).filter(|value| value.as_str().is_none_or(|text| !text.eq_ignore_ascii_case("none")))
    }
}

impl Settings {
    /// The settings under `prefixes` (the usual one first), with an alternative set of options and those of the command line.
    pub fn new(config: &Config, prefixes: &[&str], alternative: Option<&str>, kwargs: Map) -> Settings {
        Settings {
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
            alternative: alternative.filter(|name| !name.is_empty()).map(str::to_owned),
            kwargs,
            opts: config.opts.clone(),
            cache: config.dirs.cache.clone(),
            keep: config.jobs.keep,
            secrets: Mutex::default(),
        }
    }

    /// The value as written.
    pub fn raw(&self, key: &str) -> Option<&Value> {
        let from_kwargs = self.kwargs.get(key).filter(is_set);
        from_kwargs.or_else(|| {
            let alternatives = self.alternative.iter().flat_map(|alternative| {
                self.prefixes.iter().map(move |prefix| format!("{alternative}.{prefix}"))
            });
            alternatives.chain(self.prefixes.iter().cloned()).find_map(|place| self.under(&place, key))
        })
    }

    /// The value of `key` in the dict at `place`, or at `place.key`.
    fn under(&self, place: &str, key: &str) -> Option<&Value> {
        let nested = || self.opts.0.get(place).and_then(|dict| dict.get(key)).filter(is_set);
        self.opts.0.get(&format!("{place}.{key}")).filter(is_set).or_else(nested)
    }

    /// The same settings as the job stores read them.
    pub(super) fn with_options<T>(&self, read: impl FnOnce(crate::jobs::Options) -> T) -> T {
        read(crate::jobs::Options {
            opts: &self.opts.0,
            name: self.prefixes.first().map_or("", String::as_str),
            set: self.alternative.as_deref(),
            kwargs: Some(&self.kwargs),
        })
    }

    /// The whole configuration, with the options of the command line under the first prefix.
    pub(super) fn all_opts(&self) -> Value {
        let mut opts = self.opts.0.clone();
        let prefix = self.prefixes.first().map_or("", String::as_str);
        opts.extend(
            self.kwargs
                .iter()
                .filter_map(|(key, value)| Some((format!("{prefix}.{}", key.as_str()?), value.clone()))),
        );
        Value::Map(opts)
    }

    /// A key of the configuration itself.
    pub fn of_config(&self, key: &str) -> Option<&Value> {
        self.opts.0.get(key).filter(is_set)
    }

    /// Text, or a number as text.
    ///
    /// # Errors
    /// [`SettingError::Mismatch`] for anything else.
    pub fn text(&self, key: &str) -> Result<Option<String>, SettingError> {
        match self.raw(key) {
            None => Ok(None),
            Some(Value::Str(text)) if text.eq_ignore_ascii_case("none") => Ok(None),
            Some(Value::Str(text)) => Ok(Some(text.clone())),
            Some(number @ (Value::Int(_) | Value::Float(_))) => Ok(Some(json::encode(number))),
            Some(other) => Err(self.mismatch(key, "a str", other)),
        }
    }

    /// Text, or `usual`.
    ///
    /// # Errors
    /// As [`Settings::text`].
    pub fn text_or(&self, key: &str, usual: &str) -> Result<String, SettingError> {
        Ok(self.text(key)?.unwrap_or_else(|| usual.to_owned()))
    }

    /// Text that must be there.
    ///
    /// # Errors
    /// [`SettingError::Missing`], and as [`Settings::text`].
    pub fn required(&self, key: &str) -> Result<String, SettingError> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// A password, a token, or an address that has one in it.
    ///
    /// # Errors
    /// As [`Settings::text`].
    pub fn secret(&self, key: &str) -> Result<Option<Secret>, SettingError> {
        let secret = self.text(key)?.map(Secret::new);
        if let (Some(secret), Ok(mut secrets)) = (&secret, self.secrets.lock()) {
            secrets.push(secret.clone());
            let path = secret.expose().split_once("://").map_or("", |(_, rest)| rest);
            let parts = path.split(['/', '@', ':', '?', '=', '&']).skip(1);
            let long = parts.filter(|part| part.len() >= SECRET_PART_MIN);
            secrets.extend(long.map(|part| Secret::new(part.to_owned())));
        }
        Ok(secret)
    }

    /// A password or token that must be there.
    ///
    /// # Errors
    /// As [`Settings::required`].
    pub fn required_secret(&self, key: &str) -> Result<Secret, SettingError> {
        self.secret(key)?.ok_or_else(|| self.missing(key))
    }

    /// A whole number, or digits.
    ///
    /// # Errors
    /// [`SettingError::Mismatch`].
    pub fn number(&self, key: &str) -> Result<Option<i64>, SettingError> {
        match self.raw(key) {
            None => Ok(None),
            Some(Value::Int(number)) => Ok(Some(*number)),
            Some(value @ Value::Str(text)) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.mismatch(key, "a whole number", value)),
            },
            Some(other) => Err(self.mismatch(key, "a whole number", other)),
        }
    }

    /// A port, or `usual`.
    ///
    /// # Errors
    /// [`SettingError::Mismatch`].
    pub fn port_or(&self, key: &str, usual: u16) -> Result<u16, SettingError> {
        match self.number(key)? {
            None => Ok(usual),
            Some(number) => u16::try_from(number)
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| self.refused(key, "is not a port: 1 to 65535")),
        }
    }

    /// A bool, or `usual`.
    ///
    /// # Errors
    /// [`SettingError::Mismatch`].
    pub fn flag_or(&self, key: &str, usual: bool) -> Result<bool, SettingError> {
        match self.raw(key) {
            None => Ok(usual),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.mismatch(key, "True or False", other)),
        }
    }

    /// A list of texts, or one text with commas.
    ///
    /// # Errors
    /// [`SettingError::Mismatch`].
    pub fn list(&self, key: &str) -> Result<Vec<String>, SettingError> {
        let split = |text: &str| {
            text.split(',').map(|word| word.trim().to_owned()).filter(|w| !w.is_empty()).collect()
        };
        match self.raw(key) {
            None => Ok(Vec::new()),
            Some(Value::Str(text)) => Ok(split(text)),
            Some(Value::List(items)) => {
                let word = |item: &Value| {
                    item.as_str().map(str::to_owned).ok_or_else(|| self.mismatch(key, "a list of str", item))
                };
                items.iter().map(word).collect()
            }
            Some(other) => Err(self.mismatch(key, "a list", other)),
        }
    }

    pub fn missing(&self, key: &str) -> SettingError {
        SettingError::Missing { key: self.full(key) }
    }

    pub fn refused(&self, key: &str, why: impl ToString) -> SettingError {
        SettingError::Refused { key: self.full(key), why: why.to_string() }
    }

    fn mismatch(&self, key: &str, wanted: &str, found: &Value) -> SettingError {
        SettingError::Mismatch { key: self.full(key), wanted: wanted.to_owned(), found: found.kind() }
    }

    fn full(&self, key: &str) -> String {
        format!("{}.{key}", self.prefixes.first().map_or("", String::as_str))
    }

    /// `text` with every secret that was read cut out of it.
    pub fn scrub(&self, text: &str) -> String {
        let secrets = self.secrets.lock().map(|secrets| secrets.clone()).unwrap_or_default();
        let hidden = |text: String, secret: &Secret| match secret.expose() {
            "" => text,
            bare => text.replace(bare, "**********"),
        };
        secrets.iter().fold(text.to_owned(), hidden)
    }
}

fn is_set(value: &&Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}
