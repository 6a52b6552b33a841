//! What is written: an item in, queries with their values bound out.

use super::super::{DeliveryError, Item};
use crate::jobs::json::encode_ascii;
use halite_wire::{Jid, Value};
use scylla_cql::Consistency;
use scylla_cql::frame::request::Query;
use scylla_cql::frame::request::query::QueryParameters;
use scylla_cql::frame::response::result::{ColumnType, NativeType};
use scylla_cql::serialize::row::SerializedValues;
use scylla_cql::serialize::value::SerializeValue;
use scylla_cql::value::{CqlTimestamp, CqlTimeuuid};
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use NativeType::{Boolean, Text, Timestamp, Timeuuid};

/// A row of one of Salt's tables, without its values.
pub(super) struct Insert<const N: usize> {
    cql: &'static str,
    columns: [NativeType; N],
}

pub(super) const RETURN: Insert<7> = Insert {
    cql: "INSERT INTO salt.salt_returns (jid, minion_id, fun, alter_time, full_ret, return, success) VALUES (?, ?, ?, ?, ?, ?, ?)",
    columns: [Text, Text, Text, Timestamp, Text, Text, Boolean],
};
const MINION: Insert<2> =
    Insert { cql: "INSERT INTO salt.minions (minion_id, last_fun) VALUES (?, ?)", columns: [Text, Text] };
const LOAD: Insert<2> =
    Insert { cql: "INSERT INTO salt.jids (jid, load) VALUES (?, ?)", columns: [Text, Text] };
const EVENT: Insert<5> = Insert {
    cql: "INSERT INTO salt.salt_events (id, alter_time, data, master_id, tag) VALUES (?, ?, ?, ?, ?)",
    columns: [Timeuuid, Timestamp, Text, Text, Text],
};

/// 100 ns from the beginning of the Gregorian calendar, from which time UUIDs count, to that of Unix.
const GREGORIAN_TICKS: u64 = 0x01b2_1dd2_1381_4000;

/// The rows of `item`; `master` is whom events are from.
///
/// # Errors
/// A value is longer than CQL can say.
pub(super) fn queries(item: &Item, master: &str) -> Result<Vec<Query<'static>>, DeliveryError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = CqlTimestamp(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    let jid = item.text("jid");
    match item {
        Item::Return(_) => {
            let (id, fun) = (item.text("id"), item.text("fun"));
            let (whole, value) = (encode_ascii(&item.to_value()), encode_ascii(item.field("return")));
            let success = item.field("success").is_truthy();
            let row = RETURN.with([&jid, &id, &fun, &now, &whole, &value, &success])?;
            Ok(vec![row, MINION.with([&id, &fun])?])
        }
        Item::Load(_) => Ok(vec![LOAD.with([&jid, &encode_ascii(&item.to_value())])?]),
        Item::Event { tag, data } => {
            let data = encode_ascii(&Value::Map(data.clone()));
            let id = event_id(jid.parse().ok(), tag, &data);
            Ok(vec![EVENT.with([&id, &now, &data, &master, tag])?])
        }
    }
}

impl<const N: usize> Insert<N> {
    /// As a query that counts when most of the replicas of this data centre have the row on their disks.
    ///
    /// # Errors
    /// A value is longer than CQL can say.
    pub(super) fn with(self, values: [&dyn SerializeValue; N]) -> Result<Query<'static>, DeliveryError> {
        let mut bound = SerializedValues::new();
        for (value, column) in values.into_iter().zip(self.columns) {
            bound.add_value(&value, &ColumnType::Native(column)).map_err(DeliveryError::dead)?;
        }
        let parameters = QueryParameters {
            consistency: Consistency::LocalQuorum,
            values: Cow::Owned(bound),
            ..QueryParameters::default()
        };
        Ok(Query { contents: Cow::Borrowed(self.cql), parameters })
    }
}

/// A time UUID with the time of the event's job, and a digest where others have a clock and a network card: an event that
/// comes twice has the same.
pub(super) fn event_id(jid: Option<Jid>, tag: &str, data: &str) -> CqlTimeuuid {
    let ticks = GREGORIAN_TICKS + jid.map_or(0, |jid| jid.unix_micros()) * 10;
    let [a, b, c, d, e, f, g, h] = ticks.to_be_bytes();
    let mut digest = blake3::Hasher::new();
    digest.update(tag.as_bytes()).update(b"\0").update(data.as_bytes());
    let digest = digest.finalize();
    // Low, middle and high part of the time with the version; the variant; the bit of nodes that are no network cards.
    let mut id = [e, f, g, h, c, d, a & 0x0f | 0x10, b, 0, 0, 0, 0, 0, 0, 0, 0];
    id[8..].copy_from_slice(&digest.as_bytes()[..8]);
    id[8] = id[8] & 0x3f | 0x80;
    id[10] |= 0x01;
    CqlTimeuuid::from_bytes(id)
}
