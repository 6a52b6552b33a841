//! The table of all returners: whether each was written, read back, down and recovered, given hostile values, and kept its
//! secrets. `cargo xtask returners` prints it.
//!
//! A returner is one [`Row`] in one of the lists of [`rows`]; one that is in none of them fails the test.

mod brokers;
mod here;
mod servers;
mod services;

use super::kit::{Bench, HOSTILE, JID, decoded, load, return_of, states_of};
use crate::cli::kit::files_below;
use halite::returners::{Item, Kind, RETURNERS, find};
use halite_wire::Value;
use std::io::Write;
use std::pin::Pin;

/// One returner, and how it is tried.
pub struct Row {
    pub name: &'static str,
    /// What is at the other end: a program that runs here, or [`SCHEMA`].
    pub server: &'static str,
    pub tried: fn() -> Trying,
}

pub type Trying = Pin<Box<dyn Future<Output = Seen>>>;

/// At the other end is the test itself, which knows what the service's documentation asks for.
pub const SCHEMA: &str = "schema-only";

/// All of them, list by list.
fn rows() -> Vec<&'static Row> {
    [brokers::ROWS, services::ROWS, servers::ROWS, here::ROWS].into_iter().flatten().collect()
}

/// What was seen; `None` where there is no such thing.
#[derive(Default)]
pub struct Seen {
    pub written: Option<bool>,
    pub read_back: Option<bool>,
    pub recovered: Option<bool>,
    pub hostile: Option<bool>,
    pub no_secret: Option<bool>,
}

impl Seen {
    fn cells(&self) -> [Option<bool>; 5] {
        [self.written, self.read_back, self.recovered, self.hostile, self.no_secret]
    }
}

/// A run of states and a plain return, both with words that mean harm, and a job for those that take one.
pub fn items(name: &str) -> Vec<Item> {
    let mut states = states_of("web1");
    if let Item::Return(ret) = &mut states {
        ret.insert("fun_args", vec![Value::from(HOSTILE)]);
    }
    let mut items = vec![states, return_of("web2", HOSTILE)];
    if find(name).unwrap().takes.contains(&Kind::Load) {
        items.push(load());
    }
    items
}

/// Text without what an encoding puts around quotes, so that what was sent is found in any of them.
pub fn bare(text: &str) -> String {
    let text = decoded(&text.replace('+', "%2B")).replace("&quot;", "\"").replace("&#x27;", "'");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace('\\', "")
}

/// Whether the words that mean harm are in this text, as they were.
pub fn has_hostile(text: &str) -> bool {
    bare(text).contains(&bare(HOSTILE)) || bare(text).contains("'; DROP TABLE salt_returns; --")
}

/// All that lies in the bench's cache.
pub fn spool_of(bench: &Bench) -> String {
    let read = |file| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
    files_below(&bench.path("cache")).into_iter().map(read).collect()
}

/// Delivers to a place that is down, brings it `up`, delivers again and reads what is there then.
pub async fn seen(
    name: &'static str,
    bench: &Bench,
    items: Vec<Item>,
    secret: Option<&str>,
    up: impl AsyncFnOnce(),
    read: impl AsyncFnOnce() -> String,
) -> Seen {
    bench.put(name, items).await;
    let down = bench.flush(name).await;
    let kept = bench.waiting().await > 0;
    up().await;
    let then = bench.flush(name).await;
    let is_written = then.error.is_empty() && then.dead == 0 && bench.waiting().await == 0;
    let text = if is_written { read().await } else { format!("{down:?} {then:?}") };
    if !is_written || !has_hostile(&text) {
        let _ = writeln!(std::io::stderr(), "{name}: {down:?} {then:?} {text}");
    }
    let spool = spool_of(bench);
    Seen {
        written: Some(is_written),
        read_back: Some(text.contains(JID) || text.contains("web2")),
        recovered: Some(kept && !down.error.is_empty() && then.delivered > 0),
        hostile: Some(has_hostile(&text)),
        no_secret: secret
            .map(|secret| ![&down.error, &then.error, &spool].iter().any(|text| text.contains(secret))),
    }
}

fn shown(rows: &[(&Row, Seen)]) -> String {
    let mut table = format!(
        "{:<21} {:<12} written  read back  down and recovered  hostile value  secret absent\n",
        "returner", "server"
    );
    for (row, seen) in rows {
        let [a, b, c, d, e] = seen.cells().map(|cell| match cell {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        });
        table += &format!("{:<21} {:<12} {a:<8} {b:<10} {c:<19} {d:<14} {e}\n", row.name, row.server);
    }
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn every_returner_is_green_in_every_column() {
    let mut rows = rows();
    rows.sort_by_key(|row| row.name);
    let mut all = Vec::new();
    for row in rows {
        all.push((row, (row.tried)().await));
    }
    let table = shown(&all);
    let bad = all.iter().filter(|(_, seen)| seen.cells().contains(&Some(false)));
    let bad: Vec<_> = bad.map(|(row, _)| row.name).collect();
    match std::env::var_os("HALITE_TABLE") {
        Some(file) => std::fs::write(file, &table).unwrap(),
        None => write!(std::io::stderr(), "{table}").unwrap(),
    }
    assert!(bad.is_empty(), "{bad:?}\n{table}");
}

#[test]
fn no_returner_is_left_out_of_the_table() {
    let rows = rows();
    let is_there = |name: &&str| rows.iter().any(|row| row.name == *name);
    let missing: Vec<_> =
        RETURNERS.iter().map(|definition| definition.name).filter(|name| !is_there(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    for row in &rows {
        assert!(find(row.name).is_ok_and(|definition| definition.name == row.name), "{}", row.name);
        assert_eq!(rows.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
    }
}

#[test]
fn returners_are_sorted_documented_and_every_job_store_is_one() {
    assert!(RETURNERS.windows(2).all(|pair| pair[0].name < pair[1].name), "they are sorted");
    for definition in RETURNERS {
        assert!(definition.doc.ends_with('.'), "{}", definition.name);
    }
    let stores = halite::jobs::BACKENDS.iter().map(|backend| backend.name);
    let unserved: Vec<_> = stores.filter(|name| find(name).is_err()).collect();
    assert_eq!(unserved, Vec::<&str>::new(), "every job store is a returner, too");
}
