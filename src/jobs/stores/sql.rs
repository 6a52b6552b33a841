//! What the SQL stores share: rows made of returns, conditions made of a search, and what an error means.

use super::super::{StoreError, StoredReturn, json};
use halite_wire::Value;
use std::collections::HashSet;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

/// One writes, one may read meanwhile.
pub(super) const CONNECTIONS_MAX: u32 = 2;

/// How long a connection may take to come about: a little less than the bound on the whole.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// Whether a file of authorities stands for those of the machine.
pub(super) fn is_system(file: &Path) -> bool {
    file == Path::new("system")
}

/// One row of `salt_returns`, encoded.
pub(super) struct ReturnRow<'a> {
    ret: &'a StoredReturn,
    pub value: String,
    pub full_ret: String,
}

impl<'a> ReturnRow<'a> {
    fn new(ret: &'a StoredReturn, encode: impl Fn(&Value) -> String) -> ReturnRow<'a> {
        ReturnRow { ret, value: encode(ret.value()), full_ret: encode(&Value::Map(ret.full_ret.clone())) }
    }

    /// The function, as much of it as the column takes; `full_ret` has all of it.
    pub fn fun(&self, chars_max: usize) -> String {
        self.ret.fun.chars().take(chars_max).collect()
    }

    pub fn jid(&self) -> &'a str {
        self.ret.jid.as_str()
    }

    pub fn id(&self) -> &'a str {
        self.ret.id.as_str()
    }

    /// `return`, `retcode` and `success`, encoded: all that some layouts keep.
    pub fn kept(&self) -> String {
        json::encode_ascii(&Value::Map(self.ret.kept()))
    }

    pub fn success(&self) -> bool {
        self.ret.success
    }

    fn bytes(&self) -> usize {
        self.value.len() + self.full_ret.len()
    }
}

/// The rows of a batch, without those of hosts that are `known`, and the first of each host only.
pub(super) fn first_of_each(
    batch: &[StoredReturn],
    mut known: HashSet<String>,
    encode: impl Fn(&Value) -> String,
) -> Vec<ReturnRow<'_>> {
    let fresh = batch.iter().filter(|ret| known.insert(ret.id.as_str().to_owned()));
    fresh.map(|ret| ReturnRow::new(ret, &encode)).collect()
}

/// The rows in runs of at most so many bytes each; a longer one is alone.
pub(super) fn by_size<'a, 'r>(rows: &'a [ReturnRow<'r>], bytes_max: usize) -> Vec<&'a [ReturnRow<'r>]> {
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        if bytes + row.bytes() > bytes_max && at > start {
            runs.push(&rows[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += row.bytes();
    }
    if start < rows.len() {
        runs.push(&rows[start..]);
    }
    runs
}

/// The next row of a stream.
pub(super) async fn next<T>(
    rows: &mut Pin<Box<dyn futures_core::Stream<Item = Result<T, sqlx::Error>> + Send + '_>>,
) -> Result<Option<T>, sqlx::Error> {
    std::future::poll_fn(|context| rows.as_mut().poll_next(context)).await.transpose()
}

/// Whose words an error is in.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    MySql,
    Postgres,
}

/// What an error means: nobody there, not like this, or not this record.
pub(super) fn failure(kind: Kind, place: &str, error: &sqlx::Error) -> StoreError {
    let (place, why) = (place.to_owned(), error.to_string());
    let Some(database) = error.as_database_error() else {
        return match error {
            sqlx::Error::Encode(_) | sqlx::Error::ColumnDecode { .. } => StoreError::BadRecord { place, why },
            sqlx::Error::PoolTimedOut => {
                StoreError::Unreachable { place, why: format!("no connection within {PATIENCE:?}") }
            }
            _ => StoreError::Unreachable { place, why },
        };
    };
    let (code, why) = (database.code().unwrap_or_default(), database.message().to_owned());
    let is_data = match kind {
        // Data too long, a character the table has no room for, out of range.
        Kind::MySql => code.starts_with("22") || why.starts_with("Incorrect string value"),
        Kind::Postgres => code.starts_with("22") || code.starts_with("23"),
    };
    // Shutting down, starting up, too many connections, a lock that was waited for in vain.
    let is_passing =
        code.starts_with("08") || code.starts_with("57P") || code.starts_with("40") || code.starts_with("53");
    if is_data {
        StoreError::BadRecord { place, why }
    } else if is_passing {
        StoreError::Unreachable { place, why }
    } else {
        StoreError::Refused { place, why }
    }
}
