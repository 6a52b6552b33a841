//! What the compiler reads from.

use halite_wire::{Map, Value};
use std::fmt;

/// Where in a file something was written; both numbers begin at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `salt://web/init.sls` and the like.
    pub file: String,
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// An SLS or top file, rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The file's path below its root: `web/init.sls`.
    pub path: String,
    pub data: Value,
    /// Where the keys of the outermost map stand, and those of the maps below them: `(id, None)`, `(id, Some(key))`.
    pub places: Vec<((String, Option<String>), Place)>,
}

impl Rendered {
    /// `salt://web/init.sls:3:1`: where `id` stands, or the file alone where that is not known.
    pub(crate) fn place(&self, id: &str) -> String {
        let place = self.places.iter().find(|((own, key), _)| own == id && key.is_none());
        place.map_or_else(|| self.path.clone(), |(_, place)| place.to_string())
    }
}

/// Files of state (or pillar) trees, rendered for one host.
pub trait Source {
    /// The environments there are, `base` first.
    fn environments(&mut self) -> Vec<String>;

    /// Names of all SLS of an environment, dotted, sorted: globs choose among them.
    ///
    /// # Errors
    /// The whole message for the user.
    fn sls_names(&mut self, saltenv: &str) -> Result<Vec<String>, String>;

    /// The SLS `name` (dotted); `None` where there is no such file. `variables` are names its template sees besides
    /// the usual ones: the `defaults` of a pillar include. State trees have none.
    ///
    /// # Errors
    /// The whole message for the user: file, line, the lines around.
    fn sls(&mut self, saltenv: &str, name: &str, variables: &Map) -> Result<Option<Rendered>, String>;

    /// The environment's top file; `None` where there is none.
    ///
    /// # Errors
    /// As [`Source::sls`].
    fn top(&mut self, saltenv: &str) -> Result<Option<Rendered>, String>;
}
