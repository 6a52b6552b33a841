//! Arguments: as they are given, and as a function sees them.

use crate::registry::{CallError, Param, hint};
use halite_wire::{Map, Value};

/// Arguments as the caller gave them, already typed (YAML scalars on the command line).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    pub positional: Vec<Value>,
    pub keywords: Map,
}

/// Arguments under the names of the function's parameters, defaults filled in.
///
/// Asking for a name the function's table does not have is a bug of the function: the getters answer the
/// default of their type then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    fun: String,
    named: Map,
    given: Vec<&'static str>,
    rest: Vec<Value>,
    keywords: Map,
}

impl Args {
    /// Positional arguments only.
    pub fn of<V: Into<Value>>(positional: impl IntoIterator<Item = V>) -> Args {
        Args { positional: positional.into_iter().map(Into::into).collect(), keywords: Map::new() }
    }

    /// The same with one more keyword argument.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Args {
        self.keywords.insert(key, value);
        self
    }

    /// Gives each argument the name of its parameter.
    ///
    /// Keywords that begin with two underscores (`__pub_jid` and the like) are Salt's own and are dropped
    /// where no parameter takes them.
    ///
    /// # Errors
    /// [`CallError::Arguments`] where one is missing, given twice, too many, or unknown (with the nearest name).
    pub fn bind(self, fun: &str, params: &'static [Param]) -> Result<Bound, CallError> {
        let wrong = |why: String| CallError::Arguments { fun: fun.to_owned(), why };
        let mut bound = Bound {
            fun: fun.to_owned(),
            named: Map::new(),
            given: Vec::new(),
            rest: Vec::new(),
            keywords: self.keywords,
        };
        let count = self.positional.len();
        let mut positional = self.positional.into_iter();
        let (mut takes_rest, mut takes_keywords) = (false, false);
        for param in params {
            match *param {
                Param::Required(name) | Param::Optional(name, _) => {
                    // What comes after `*rest` can only be named.
                    let by_place = if takes_rest { None } else { positional.next() };
                    let by_name = bound.keywords.remove(name);
                    if by_place.is_some() && by_name.is_some() {
                        return Err(wrong(format!("the argument '{name}' is given twice")));
                    }
                    let value = match (by_place.or(by_name), param) {
                        (Some(value), _) => {
                            bound.given.push(name);
                            value
                        }
                        (None, Param::Optional(_, default)) => default.value(),
                        (None, _) => return Err(wrong(format!("the argument '{name}' is missing"))),
                    };
                    bound.named.insert(name, value);
                }
                Param::Rest(_) => takes_rest = true,
                Param::Keywords(_) => takes_keywords = true,
            }
        }
        bound.rest = positional.collect();
        if !takes_rest && !bound.rest.is_empty() {
            let most = count - bound.rest.len();
            return Err(wrong(format!("takes at most {most} positional arguments, {count} were given")));
        }
        if !takes_keywords {
            let unknown = bound
                .keywords
                .keys()
                .filter_map(Value::as_str)
                .find(|key| !key.starts_with("__"))
                .map(str::to_owned);
            if let Some(unknown) = unknown {
                let names = params.iter().filter_map(Param::name).map(str::to_owned);
                return Err(wrong(format!("no argument is named '{unknown}'.{}", hint(&unknown, names))));
            }
        }
        Ok(bound)
    }
}

impl Param {
    /// The name a caller may use with `=`.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Param::Required(name) | Param::Optional(name, _) => Some(name),
            Param::Rest(_) | Param::Keywords(_) => None,
        }
    }
}

impl Bound {
    /// The value of parameter `name`.
    pub fn get(&self, name: &str) -> &Value {
        self.named.get(name).unwrap_or(&Value::NULL)
    }

    /// Whether the caller gave `name`, as opposed to its default.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains(&name)
    }

    /// What `*rest` took.
    pub fn rest(&self) -> &[Value] {
        &self.rest
    }

    /// What `**keywords` took, Salt's own `__` ones among them.
    pub fn keywords(&self) -> &Map {
        &self.keywords
    }

    /// An error about the arguments of this very function.
    pub fn wrong(&self, why: impl Into<String>) -> CallError {
        CallError::Arguments { fun: self.fun.clone(), why: why.into() }
    }

    fn wrong_kind(&self, name: &str, wanted: &str) -> CallError {
        self.wrong(format!("the argument '{name}' must be {wanted}, not {}", self.get(name).kind()))
    }

    /// `name` as text. Numbers are taken as they print, as Salt's functions do with `str()`.
    ///
    /// # Errors
    /// [`CallError::Arguments`] where it is none of these.
    pub fn str(&self, name: &str) -> Result<String, CallError> {
        self.opt_str(name)?.ok_or_else(|| self.wrong_kind(name, "text"))
    }

    /// Like [`Bound::str`]; `None` where it is null.
    ///
    /// # Errors
    /// [`CallError::Arguments`].
    pub fn opt_str(&self, name: &str) -> Result<Option<String>, CallError> {
        match self.get(name) {
            Value::Null => Ok(None),
            other => as_text(other).map(Some).ok_or_else(|| self.wrong_kind(name, "text")),
        }
    }

    /// Python's truth of `name`; the words `true`, `yes`, `on` and `1` are true too.
    pub fn bool(&self, name: &str) -> bool {
        match self.get(name) {
            Value::Str(text) => matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1"),
            other => other.is_truthy(),
        }
    }

    /// `name` as a whole number; text of digits is taken.
    ///
    /// # Errors
    /// [`CallError::Arguments`].
    pub fn int(&self, name: &str) -> Result<i64, CallError> {
        self.opt_int(name)?.ok_or_else(|| self.wrong_kind(name, "a whole number"))
    }

    /// Like [`Bound::int`]; `None` where it is null.
    ///
    /// # Errors
    /// [`CallError::Arguments`].
    pub fn opt_int(&self, name: &str) -> Result<Option<i64>, CallError> {
        match self.get(name) {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(*number)),
            Value::Str(text) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.wrong_kind(name, "a whole number")),
            },
            _ => Err(self.wrong_kind(name, "a whole number")),
        }
    }

    /// `name` as a list of texts: a list as it is, text split at commas, null as nothing.
    ///
    /// # Errors
    /// [`CallError::Arguments`].
    pub fn texts(&self, name: &str) -> Result<Vec<String>, CallError> {
        match self.get(name) {
            Value::Null => Ok(Vec::new()),
            Value::List(items) => items
                .iter()
                .map(|item| as_text(item).ok_or_else(|| self.wrong_kind(name, "a list of texts")))
                .collect(),
            other => {
                let text = as_text(other).ok_or_else(|| self.wrong_kind(name, "text or a list"))?;
                Ok(text
                    .split(',')
                    .map(|part| part.trim().to_owned())
                    .filter(|part| !part.is_empty())
                    .collect())
            }
        }
    }
}

/// Text as it is, numbers and booleans as Python prints them.
pub fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::BigInt(digits) => Some(digits.to_string()),
        Value::Float(number) => Some(format!("{number:?}")),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Null | Value::Bytes(_) | Value::List(_) | Value::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Default;

    const PARAMS: &[Param] = &[
        Param::Required("name"),
        Param::Optional("shell", Default::Str("/bin/sh")),
        Param::Optional("umask", Default::Null),
    ];

    fn why(args: Args) -> String {
        args.bind("cmd.run", PARAMS).unwrap_err().to_string()
    }

    #[test]
    fn arguments_get_their_names_and_defaults() {
        let bound = Args::of(["ls"]).with("umask", 22).bind("cmd.run", PARAMS).unwrap();
        assert_eq!(bound.str("name"), Ok("ls".to_owned()));
        assert_eq!(bound.str("shell"), Ok("/bin/sh".to_owned()));
        assert_eq!(bound.opt_int("umask"), Ok(Some(22)));
        assert!(bound.is_given("umask") && !bound.is_given("shell"));
    }

    #[test]
    fn misfits_are_named() {
        assert_eq!(why(Args::default()), "cmd.run: the argument 'name' is missing");
        assert_eq!(why(Args::of(["ls"]).with("name", "ls")), "cmd.run: the argument 'name' is given twice");
        assert_eq!(
            why(Args::of(["ls"]).with("shel", "x")),
            "cmd.run: no argument is named 'shel'. Did you mean shell?"
        );
        assert_eq!(
            why(Args::of(["a", "b", "c", "d"])),
            "cmd.run: takes at most 3 positional arguments, 4 were given"
        );
    }
}
