//! Rows as pillar data: the first columns are keys inside each other, the last ones values.

use halite_wire::{Map, Value};

/// What a query gave.
#[derive(Debug, Default)]
pub struct Table {
    pub columns: Vec<String>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
}

/// One query, and how its rows become data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub sql: String,
    /// The key its data stand below; the top where there is none.
    root: Option<Value>,
    /// Columns that are keys; 0 stands for all but the last.
    depth: usize,
    /// Values of one key become a list.
    as_list: bool,
    /// One column that holds a whole JSON document.
    as_json: bool,
    /// Columns, counted from 1, whose keys are dropped: what stood below them becomes a list.
    with_lists: Vec<usize>,
    /// NULL is no value.
    ignore_null: bool,
}

/// The queries of a configuration: those without a name first, then the named ones by name. Empty ones are left out.
///
/// # Errors
/// A query is neither text nor a dict with `query`.
pub fn queries(positional: &[Value], named: &Map) -> Result<Vec<Query>, String> {
    let mut named: Vec<_> = named.iter().map(|(name, value)| (Some(name.clone()), value)).collect();
    named.sort_by_key(|(name, _)| name.as_ref().and_then(Value::as_str).map(str::to_owned));
    let all = positional.iter().map(|value| (None, value)).chain(named);
    let queries: Result<Vec<Query>, String> = all.map(|(root, value)| Query::read(root, value)).collect();
    Ok(queries?.into_iter().filter(|query| !query.sql.is_empty()).collect())
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
                Ok(Query {
                    sql: map.get_str("query").ok_or("`query` is missing")?.to_owned(),
                    root,
                    depth: number(map.get("depth")),
                    as_list: flag("as_list"),
                    as_json: flag("as_json"),
                    with_lists: with_lists(map.get("with_lists"))?,
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
    pub fn add(&self, table: Table, data: &mut Map) -> Result<(), String> {
        let focus = match &self.root {
            None => data,
            Some(root) => {
                data.insert(root.clone(), Map::new());
                let Some(Value::Map(focus)) = data.get_value_mut(root) else { return Ok(()) };
                focus
            }
        };
        let last = table.columns.len().saturating_sub(1);
        let depth = if self.depth == 0 || self.depth > last { last } else { self.depth };
        let mut lists = Lists::default();
        for row in table.rows {
            match &row[..] {
                [document] if self.as_json => self.document(document, focus)?,
                _ => self.row(&table.columns, depth, &row, focus, &mut lists),
            }
        }
        lists.apply(focus);
        Ok(())
    }

    fn document(&self, document: &Value, focus: &mut Map) -> Result<(), String> {
        let read = match document {
            Value::Str(text) => {
                serde_json::from_str(text).map_err(|error| format!("a document is no JSON: {error}"))?
            }
            other => other.clone(),
        };
        let Value::Map(read) = read else { return Err("a JSON document is no dict".to_owned()) };
        *focus = halite_engine::merge(std::mem::take(focus), read, "recurse", self.as_list);
        Ok(())
    }

    fn row(&self, columns: &[String], depth: usize, row: &[Value], focus: &mut Map, lists: &mut Lists) {
        let (mut place, mut path) = (focus, Vec::new());
        for (index, key) in row.iter().enumerate().take(depth.saturating_sub(1)) {
            self.list_at(index, &path, key, lists);
            place = self.within(place, key, &mut path);
        }
        if depth + 1 == columns.len() {
            // The last column is the value of the one before it; a single column is its own key.
            let key = depth.saturating_sub(1);
            self.put(place, &row[key], &row[depth], self.with_lists.contains(&depth));
            return;
        }
        let key = &row[depth - 1];
        self.list_at(depth - 1, &path, key, lists);
        if !matches!(place.get_value(key), Some(Value::Map(_))) {
            place.insert(key.clone(), Map::new());
        }
        let place = self.within(place, key, &mut path);
        for (index, name) in columns.iter().enumerate().skip(depth) {
            let name = Value::from(name.as_str());
            self.list_at(index, &path, &name, lists);
            self.put(place, &name, &row[index], false);
        }
    }

    /// Notes that `key` of the dict at `path` shall be a list, if the column is one of `with_lists`.
    fn list_at(&self, column: usize, path: &[Step], key: &Value, lists: &mut Lists) {
        if self.with_lists.contains(&(column + 1)) {
            lists.note(path, key);
        }
    }

    /// The dict below a key: one of its own beside what is there already, where values become lists.
    fn within<'d>(&self, place: &'d mut Map, key: &Value, path: &mut Vec<Step>) -> &'d mut Map {
        path.push(Step::Key(key.clone()));
        let value = place.entry_or(key.clone(), || Map::new().into());
        if !matches!(value, Value::Map(_) | Value::List(_)) {
            let before = std::mem::take(value);
            *value = if self.as_list { Value::List(vec![before]) } else { Map::new().into() };
        }
        let own = match value {
            Value::List(items) => {
                path.push(Step::Index(items.len()));
                items.push(Map::new().into());
                items.last_mut()
            }
            map => Some(map),
        };
        match own {
            Some(Value::Map(map)) => map,
            _ => unreachable!("one was put there"),
        }
    }

    fn put(&self, place: &mut Map, key: &Value, value: &Value, always_list: bool) {
        match place.get_value_mut(key) {
            Some(Value::List(items)) if self.as_list || always_list => items.push(value.clone()),
            Some(one) if self.as_list || always_list => {
                *one = Value::List(vec![std::mem::take(one), value.clone()]);
            }
            None if always_list => drop(place.insert(key.clone(), Value::List(vec![value.clone()]))),
            _ if self.ignore_null && value.is_null() => {}
            _ => drop(place.insert(key.clone(), value.clone())),
        }
    }
}

/// `[1, 3]` or `1,3`.
fn with_lists(value: Option<&Value>) -> Result<Vec<usize>, String> {
    let number = |text: &str| text.trim().parse().map_err(|_| format!("with_lists: {text:?} is no column"));
    match value {
        Some(Value::Str(text)) if !text.is_empty() => text.split(',').map(number).collect(),
        Some(Value::List(items)) => {
            Ok(items.iter().filter_map(|item| usize::try_from(item.as_i64()?).ok()).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// One step from a dict or list into another.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(Value),
    Index(usize),
}

/// Keys whose dicts shall become lists, by the dict they are in, in the order these were met.
#[derive(Default)]
struct Lists(Vec<(Vec<Step>, Vec<Value>)>);

impl Lists {
    fn note(&mut self, path: &[Step], key: &Value) {
        let keys = match self.0.iter().position(|(known, _)| known == path) {
            Some(index) => &mut self.0[index].1,
            None => {
                self.0.push((path.to_vec(), Vec::new()));
                let end = self.0.len() - 1;
                &mut self.0[end].1
            }
        };
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }

    /// Innermost first: outer dicts were met before those in them.
    fn apply(self, focus: &mut Map) {
        for (path, keys) in self.0.iter().rev() {
            let Some(place) = at(focus, path) else { continue };
            for key in keys {
                match place.get_value_mut(key) {
                    Some(value @ Value::Map(_)) => {
                        let Value::Map(map) = std::mem::take(value) else { continue };
                        *value = Value::List(map.into_iter().map(|(_, item)| item).collect());
                    }
                    Some(value @ Value::List(_)) => *value = Value::List(vec![std::mem::take(value)]),
                    _ => {}
                }
            }
        }
    }
}

fn at<'d>(focus: &'d mut Map, path: &[Step]) -> Option<&'d mut Map> {
    let Some((Step::Key(first), rest)) = path.split_first() else { return Some(focus) };
    let found = rest.iter().try_fold(focus.get_value_mut(first)?, |value, step| match (value, step) {
        (Value::Map(map), Step::Key(key)) => map.get_value_mut(key),
        (Value::List(items), Step::Index(index)) => items.get_mut(*index),
        _ => None,
    })?;
    match found {
        Value::Map(map) => Some(map),
        _ => None,
    }
}
