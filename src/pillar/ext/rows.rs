//! Rows of a database as pillar data: the first columns are keys inside each other, the last ones values.

use halite_wire::{Map, Value};

/// One query, and how its rows become data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub sql: String,
    /// The key its data stand below; the top where there is none.
    pub root: Option<Value>,
    /// Columns that are keys; 0 stands for all but the last.
    depth: usize,
    /// Values of one key become a list.
    as_list: bool,
    /// One column that holds a whole JSON document.
    as_json: bool,
    /// NULL is no value.
    ignore_null: bool,
}

/// The queries of a configuration: those without a name first, then the named ones by name.
///
/// # Errors
/// A query is neither text nor a dict with `query`.
pub fn queries(positional: &[Value], named: &Map) -> Result<Vec<Query>, String> {
    let mut queries: Vec<Query> = Vec::new();
    for value in positional {
        queries.push(Query::read(None, value)?);
    }
    let mut named: Vec<_> = named.iter().collect();
    named.sort_by_key(|(name, _)| name.as_str().map(str::to_owned));
    for (name, value) in named {
        queries.push(Query::read(Some(name.clone()), value)?);
    }
    Ok(queries)
}

impl Query {
    fn read(root: Option<Value>, value: &Value) -> Result<Query, String> {
        let number = |value: Option<&Value>| {
            value.and_then(Value::as_i64).and_then(|depth| usize::try_from(depth).ok()).unwrap_or(0)
        };
        match value {
            Value::Str(sql) => Ok(Query { sql: sql.clone(), root, ..Query::default() }),
            Value::List(items) => {
                let sql = items.first().and_then(Value::as_str).ok_or("a query is missing")?;
                Ok(Query { sql: sql.to_owned(), root, depth: number(items.get(1)), ..Query::default() })
            }
            Value::Map(map) => {
                let flag = |name| map.get(name).is_some_and(Value::is_truthy);
                if flag("with_lists") {
                    return Err("with_lists is not supported; use as_list".to_owned());
                }
                Ok(Query {
                    sql: map.get_str("query").ok_or("`query` is missing")?.to_owned(),
                    root,
                    depth: number(map.get("depth")),
                    as_list: flag("as_list"),
                    as_json: flag("as_json"),
                    ignore_null: flag("ignore_null"),
                })
            }
            other => Err(format!("a query is a text or a dict, not {}", other.kind())),
        }
    }

    /// Adds the rows to `data`.
    ///
    /// # Errors
    /// A document that is no JSON, or no dict.
    pub fn add(&self, columns: &[String], rows: Vec<Vec<Value>>, data: &mut Map) -> Result<(), String> {
        let focus = match &self.root {
            None => data,
            Some(root) => {
                data.insert(root.clone(), Map::new());
                let Some(Value::Map(focus)) = data.get_value_mut(root) else { return Ok(()) };
                focus
            }
        };
        let depth = if self.depth == 0 || self.depth >= columns.len() {
            columns.len().saturating_sub(1)
        } else {
            self.depth
        };
        rows.into_iter().try_for_each(|row| match &row[..] {
            [document] if self.as_json => self.document(document, focus),
            _ => {
                self.row(columns, depth, &row, focus);
                Ok(())
            }
        })
    }

    fn document(&self, document: &Value, focus: &mut Map) -> Result<(), String> {
        let text = document.as_str().ok_or("a JSON document is no text")?;
        let read = halite_render::yaml::load(text).map_err(|error| error.report("row", text))?;
        let Value::Map(read) = read.to_value() else { return Err("a JSON document is no dict".to_owned()) };
        *focus = halite_engine::merge(std::mem::take(focus), read, "recurse", self.as_list);
        Ok(())
    }

    fn row(&self, columns: &[String], depth: usize, row: &[Value], focus: &mut Map) {
        let last_is_value = depth + 1 == columns.len();
        let keys = if last_is_value { depth.saturating_sub(1) } else { depth };
        self.within(focus, row.get(..keys).unwrap_or_default(), &mut |place| {
            if last_is_value {
                // The last column is the value of the one before it.
                if let [.., key, value] = row {
                    self.put(place, key, value);
                }
                return;
            }
            for (name, value) in columns.iter().zip(row).skip(depth) {
                self.put(place, &Value::from(name.as_str()), value);
            }
        });
    }

    /// Fills the dict below all `keys`: one of its own beside what is there already, where values become lists.
    fn within(&self, place: &mut Map, keys: &[Value], fill: &mut dyn FnMut(&mut Map)) {
        let Some((key, deeper)) = keys.split_first() else { return fill(place) };
        match place.get_value_mut(key) {
            Some(Value::Map(map)) => self.within(map, deeper, fill),
            Some(Value::List(items)) => {
                let mut fresh = Map::new();
                self.within(&mut fresh, deeper, fill);
                items.push(fresh.into());
            }
            Some(other) if self.as_list => {
                let mut fresh = Map::new();
                self.within(&mut fresh, deeper, fill);
                *other = Value::List(vec![other.clone(), fresh.into()]);
            }
            _ => {
                let mut fresh = Map::new();
                self.within(&mut fresh, deeper, fill);
                place.insert(key.clone(), fresh);
            }
        }
    }

    fn put(&self, place: &mut Map, key: &Value, value: &Value) {
        match place.get_value_mut(key) {
            Some(Value::List(items)) if self.as_list => items.push(value.clone()),
            Some(one) if self.as_list => *one = Value::List(vec![one.clone(), value.clone()]),
            _ if self.ignore_null && value.is_null() => {}
            _ => drop(place.insert(key.clone(), value.clone())),
        }
    }
}
