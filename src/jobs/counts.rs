//! What became of the hosts of a job, in numbers.

use super::{StoreError, StoredReturn};
use halite_wire::{Jid, Value};
use sqlx::{Row, SqliteConnection};
use std::collections::HashMap;

/// How a host's turn ended, in the four words people care about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Ok,
    /// Well, and a state changed something.
    Changed,
    /// It answered, and not well.
    Failed,
    /// It gave no answer.
    Lost,
}

impl Ending {
    /// The ending a database has this word for.
    pub(super) fn named(word: &str) -> Ending {
        match word {
            "ok" => Ending::Ok,
            "changed" => Ending::Changed,
            "failed" => Ending::Failed,
            _ => Ending::Lost,
        }
    }
}

/// The hosts of one job. Those that are in none of the four are still awaited, or the job was cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub targets: usize,
    pub ok: usize,
    pub changed: usize,
    pub failed: usize,
    pub lost: usize,
}

impl Counts {
    pub(super) fn add(&mut self, ending: Ending, hosts: usize) {
        *match ending {
            Ending::Ok => &mut self.ok,
            Ending::Changed => &mut self.changed,
            Ending::Failed => &mut self.failed,
            Ending::Lost => &mut self.lost,
        } += hosts;
    }

    /// Targets without a return.
    pub fn without(&self) -> usize {
        self.targets.saturating_sub(self.ok + self.changed + self.failed + self.lost)
    }
}

impl StoredReturn {
    pub fn ending(&self) -> Ending {
        let outcome = self.full_ret.get_str("outcome").unwrap_or(if self.success { "ok" } else { "failed" });
        match outcome {
            "ok" if has_changed(&self.fun, self.value()) => Ending::Changed,
            "ok" => Ending::Ok,
            "failed" => Ending::Failed,
            _ => Ending::Lost,
        }
    }
}

/// Whether a return of states reports a change: a dict of states of which one has `changes`.
pub(super) fn has_changed(fun: &str, value: &Value) -> bool {
    let Some(states) = value.as_map().filter(|_| fun.starts_with("state.")) else { return false };
    states.iter().any(|(key, state)| {
        key.as_str().is_some_and(|key| key.contains("_|-"))
            && state.get("changes").is_some_and(Value::is_truthy)
    })
}

/// [`StoredReturn::ending`] as SQLite finds it, the same expression in the index and in the query: so it is worked out
/// when a return is written, and no return is read to count them.
macro_rules! ending {
    () => {
        "CASE WHEN NOT json_valid(full_ret) THEN 'lost'
        ELSE CASE coalesce(full_ret ->> '$.outcome', iif(full_ret ->> '$.success', 'ok', 'failed'))
            WHEN 'ok' THEN iif(coalesce(full_ret ->> '$.changed', 0), 'changed', 'ok')
            WHEN 'failed' THEN 'failed' ELSE 'lost' END END"
    };
}

/// What format 3 of the SQLite store has more.
pub(super) const FORMAT_3: &str = concat!(
    "CREATE INDEX IF NOT EXISTS salt_returns_ending ON salt_returns (jid, ",
    ending!(),
    "); PRAGMA user_version = 3;"
);

/// The counts of these jobs in a SQLite store, in their order.
pub(super) async fn in_sqlite(conn: &mut SqliteConnection, jids: &[Jid]) -> Result<Vec<Counts>, sqlx::Error> {
    const TARGETS: &str = "SELECT jid, '', count(*) FROM targets
        WHERE jid IN (SELECT value FROM json_each(?1)) GROUP BY jid";
    const RETURNS: &str = concat!(
        "SELECT jid, ",
        ending!(),
        " AS ending, count(*) FROM salt_returns WHERE jid IN (SELECT value FROM json_each(?1)) GROUP BY jid, ending"
    );
    let wanted = super::json::encode(&jids.iter().map(Jid::as_str).collect());
    let mut found: HashMap<String, Counts> = HashMap::new();
    for query in [TARGETS, RETURNS] {
        for row in sqlx::query(query).bind(&wanted).fetch_all(&mut *conn).await? {
            let count = usize::try_from(row.try_get::<i64, _>(2)?).unwrap_or(0);
            let counts = found.entry(row.try_get(0)?).or_default();
            match row.try_get(1)? {
                "" => counts.targets = count,
                word => counts.add(Ending::named(word), count),
            }
        }
    }
    Ok(jids.iter().map(|jid| found.get(jid.as_str()).copied().unwrap_or_default()).collect())
}

/// The counts of one job of any store, from all its returns.
pub(super) async fn by_reading(
    store: &(impl super::JobStore + ?Sized),
    jid: Jid,
) -> Result<Counts, StoreError> {
    let mut counts = Counts { targets: store.targets(jid).await?.len(), ..Counts::default() };
    for ret in store.returns(jid).await? {
        counts.add(ret.ending(), 1);
    }
    Ok(counts)
}
