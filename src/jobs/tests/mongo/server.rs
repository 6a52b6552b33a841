//! A server that speaks MongoDB's `OP_MSG` and keeps documents in memory. MongoDB itself is in no registry tests can install
//! from, so this one knows its commands by their documentation alone: it refuses fields that a command does not have, takes
//! ids once, hands out answers in batches, and limits documents as MongoDB does.

use mongodb::bson::{Bson, Document, doc};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

const OP_REPLY: i32 = 1;
const OP_QUERY: i32 = 2004;
const OP_MSG: i32 = 2013;

/// Levels and bytes of a document.
const LEVELS_MAX: usize = 100;
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Documents of one answer, where the client does not say.
const BATCH: usize = 101;

/// Fields that any command may have.
const COMMON: [&str; 6] = ["$db", "lsid", "txnNumber", "$readPreference", "$clusterTime", "comment"];

/// Commands with their own fields.
const COMMANDS: [(&str, &[&str]); 10] = [
    (
        "hello",
        &[
            "hello",
            "helloOk",
            "client",
            "compression",
            "topologyVersion",
            "maxAwaitTimeMS",
            "saslSupportedMechs",
            "backpressure",
        ],
    ),
    ("ismaster", &["ismaster", "helloOk", "client", "compression", "saslSupportedMechs", "backpressure"]),
    ("ping", &["ping"]),
    ("endSessions", &["endSessions"]),
    ("insert", &["insert", "documents", "ordered", "writeConcern", "bypassDocumentValidation", "maxTimeMS"]),
    (
        "update",
        &["update", "updates", "ordered", "writeConcern", "bypassDocumentValidation", "let", "maxTimeMS"],
    ),
    ("delete", &["delete", "deletes", "ordered", "writeConcern", "let", "maxTimeMS"]),
    (
        "find",
        &[
            "find",
            "filter",
            "sort",
            "projection",
            "limit",
            "skip",
            "batchSize",
            "singleBatch",
            "maxTimeMS",
            "readConcern",
        ],
    ),
    ("getMore", &["getMore", "collection", "batchSize", "maxTimeMS"]),
    ("createIndexes", &["createIndexes", "indexes", "writeConcern", "commitQuorum", "maxTimeMS"]),
];

#[derive(Default)]
struct Kept {
    /// Documents under `database.collection`, in the order they came.
    collections: BTreeMap<String, Vec<Document>>,
    indexes: Vec<(String, Document)>,
    cursors: BTreeMap<i64, (String, Vec<Document>)>,
    commands: Vec<Document>,
}

pub struct Server {
    pub port: u16,
    kept: Arc<Mutex<Kept>>,
    ends: Arc<AtomicBool>,
}

impl Server {
    pub fn start() -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (kept, ends) = (Arc::<Mutex<Kept>>::default(), Arc::<AtomicBool>::default());
        let server = Server { port, kept: kept.clone(), ends: ends.clone() };
        std::thread::spawn(move || {
            for line in listener.incoming().flatten() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let kept = kept.clone();
                std::thread::spawn(move || serve(line, &kept));
            }
        });
        server
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub fn documents(&self, collection: &str) -> Vec<Document> {
        self.kept().collections.get(collection).cloned().unwrap_or_default()
    }

    /// A document that somebody else wrote.
    pub fn put(&self, collection: &str, document: Document) {
        self.kept().collections.entry(collection.to_owned()).or_default().push(document);
    }

    /// Which keys of which collections have indexes.
    pub fn indexes(&self) -> Vec<(String, Document)> {
        self.kept().indexes.clone()
    }

    /// The commands of this name that came.
    pub fn commands(&self, name: &str) -> Vec<Document> {
        self.kept().commands.iter().filter(|command| command.contains_key(name)).cloned().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Until the client goes.
fn serve(mut line: TcpStream, kept: &Mutex<Kept>) -> Option<()> {
    loop {
        let [_, request, _, opcode] = numbers(&mut line).ok()?;
        let (command, is_legacy) = match opcode {
            OP_MSG => (message(&mut line).ok()?, false),
            OP_QUERY => (query(&mut line).ok()?, true),
            other => panic!("opcode {other}"),
        };
        let answer = kept.lock().unwrap().answer(&command);
        let bytes = answer.to_vec().unwrap();
        let mut body = match is_legacy {
            // Flags, a cursor, where it begins, how many documents.
            true => [&[8_u8, 0, 0, 0][..], &[0; 8], &[0; 4], &[1, 0, 0, 0]].concat(),
            // No flags, then a section of one document.
            false => vec![0; 5],
        };
        body.extend(bytes);
        let length = i32::try_from(body.len() + 16).unwrap();
        let opcode = if is_legacy { OP_REPLY } else { OP_MSG };
        let head: Vec<u8> = [length, 1, request, opcode].into_iter().flat_map(i32::to_le_bytes).collect();
        line.write_all(&[head, body].concat()).ok()?;
    }
}

fn numbers<const N: usize>(line: &mut impl Read) -> io::Result<[i32; N]> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        let mut bytes = [0; 4];
        line.read_exact(&mut bytes)?;
        *number = i32::from_le_bytes(bytes);
    }
    Ok(numbers)
}

fn text(line: &mut impl Read) -> io::Result<String> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    loop {
        line.read_exact(&mut byte)?;
        match byte {
            [0] => break,
            [other] => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn document(line: &mut impl Read) -> io::Result<Document> {
    Document::from_reader(line).map_err(io::Error::other)
}

/// The first greeting of drivers, which do not know yet with whom they speak.
fn query(line: &mut impl Read) -> io::Result<Document> {
    let [_flags] = numbers(line)?;
    assert_eq!(text(line)?, "admin.$cmd");
    let [_skip, _count] = numbers(line)?;
    document(line)
}

/// A body, and documents that belong into one of its fields. Bodies come first here, as drivers send them.
fn message(line: &mut impl Read) -> io::Result<Document> {
    let [flags] = numbers(line)?;
    assert_eq!(flags, 0, "no checksum, and an answer to everything");
    let mut kind = [0];
    line.read_exact(&mut kind)?;
    assert_eq!(kind, [0]);
    let mut command = document(line)?;
    let sequence = match command.keys().next().map(String::as_str) {
        Some("insert") => "documents",
        Some("update") => "updates",
        Some("delete") => "deletes",
        _ => return Ok(command),
    };
    if command.contains_key(sequence) {
        return Ok(command);
    }
    line.read_exact(&mut kind)?;
    assert_eq!(kind, [1]);
    let [size] = numbers(line)?;
    let mut section = vec![0; usize::try_from(size).unwrap() - 4];
    line.read_exact(&mut section)?;
    let mut section = &section[..];
    assert_eq!(text(&mut section)?, sequence);
    let mut documents = Vec::new();
    while !section.is_empty() {
        documents.push(Bson::Document(document(&mut section)?));
    }
    command.insert(sequence, documents);
    Ok(command)
}

fn failure(code: i32, why: &str) -> Document {
    doc! { "ok": 0.0, "code": code, "errmsg": why }
}

impl Kept {
    fn answer(&mut self, command: &Document) -> Document {
        self.commands.push(command.clone());
        let name = command.keys().next().unwrap().to_owned();
        let known = COMMANDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        let Some((known, fields)) = known else { return failure(59, &format!("no such command: '{name}'")) };
        for field in command.keys().skip(1).map(String::as_str) {
            if !fields.contains(&field) && !COMMON.contains(&field) {
                return failure(40_415, &format!("BSON field '{name}.{field}' is an unknown field."));
            }
        }
        let place =
            |key: &str| format!("{}.{}", command.get_str("$db").unwrap(), command.get_str(key).unwrap());
        let done = match *known {
            "insert" => self.insert(&place("insert"), command),
            "update" => self.update(&place("update"), command),
            "delete" => self.delete(&place("delete"), command),
            "find" => self.find(&place("find"), command),
            "getMore" => Ok(self.more(command)),
            "createIndexes" => Ok(self.index(&place("createIndexes"), command)),
            "hello" | "ismaster" => Ok(greeting()),
            _ => Ok(Document::new()),
        };
        match done {
            Ok(mut answer) => {
                answer.insert("ok", 1.0);
                answer
            }
            Err((code, why)) => failure(code, &why),
        }
    }

    fn insert(&mut self, place: &str, command: &Document) -> Result<Document, (i32, String)> {
        let documents = self.collections.entry(place.to_owned()).or_default();
        let is_ordered = command.get_bool("ordered").unwrap_or(true);
        let (mut count, mut errors) = (0, Vec::new());
        for (index, new) in (0_i32..).zip(listed(command, "documents")) {
            let taken = documents.iter().any(|old| old.get("_id") == new.get("_id"));
            let refused = match unfit(&new) {
                None if taken => Some((11_000, format!("E11000 duplicate key error collection: {place}"))),
                unfit => unfit,
            };
            match refused {
                None => {
                    documents.push(new);
                    count += 1;
                }
                Some((code, why)) => errors.push(doc! { "index": index, "code": code, "errmsg": why }),
            }
            if is_ordered && !errors.is_empty() {
                break;
            }
        }
        let mut answer = doc! { "n": count };
        if !errors.is_empty() {
            answer.insert("writeErrors", errors);
        }
        Ok(answer)
    }

    /// Replacements alone.
    fn update(&mut self, place: &str, command: &Document) -> Result<Document, (i32, String)> {
        let documents = self.collections.entry(place.to_owned()).or_default();
        let (mut count, mut upserted) = (0, Vec::new());
        for (index, update) in (0_i32..).zip(listed(command, "updates")) {
            let (filter, new) =
                (update.get_document("q").unwrap(), update.get_document("u").unwrap().clone());
            assert!(
                new.keys().all(|key| !key.starts_with('$')) && !update.get_bool("multi").unwrap_or(false)
            );
            if let Some(refused) = unfit(&new) {
                return Err(refused);
            }
            count += 1;
            match documents.iter_mut().find(|old| matches(old, filter)) {
                Some(old) => {
                    assert_eq!(old.get("_id"), new.get("_id"), "the id of a document stays");
                    *old = new;
                }
                None if update.get_bool("upsert").unwrap_or(false) => {
                    upserted.push(doc! { "index": index, "_id": new.get("_id").unwrap().clone() });
                    documents.push(new);
                }
                None => count -= 1,
            }
        }
        let replaced = count - i32::try_from(upserted.len()).unwrap();
        let mut answer = doc! { "n": count, "nModified": replaced };
        if !upserted.is_empty() {
            answer.insert("upserted", upserted);
        }
        Ok(answer)
    }

    fn delete(&mut self, place: &str, command: &Document) -> Result<Document, (i32, String)> {
        let documents = self.collections.entry(place.to_owned()).or_default();
        let before = documents.len();
        for delete in listed(command, "deletes") {
            assert_eq!(delete.get_i32("limit").unwrap(), 0, "all that match");
            documents.retain(|old| !matches(old, delete.get_document("q").unwrap()));
        }
        Ok(doc! { "n": i32::try_from(before - documents.len()).unwrap() })
    }

    fn find(&mut self, place: &str, command: &Document) -> Result<Document, (i32, String)> {
        let everything = Document::new();
        let filter = command.get_document("filter").unwrap_or(&everything);
        let documents = self.collections.get(place).into_iter().flatten();
        let mut found: Vec<Document> = documents.filter(|old| matches(old, filter)).cloned().collect();
        for (key, direction) in command.get_document("sort").into_iter().flatten() {
            found.sort_by_key(|document| document.get_str(key).unwrap_or("").to_owned());
            if number(direction) < 0 {
                found.reverse();
            }
        }
        let limit = usize::try_from(command.get("limit").map_or(0, number)).unwrap();
        found.truncate(if limit == 0 { usize::MAX } else { limit });
        let rest = found.split_off(found.len().min(BATCH));
        let id = if rest.is_empty() { 0 } else { i64::try_from(self.commands.len()).unwrap() };
        if id != 0 {
            self.cursors.insert(id, (place.to_owned(), rest));
        }
        Ok(doc! { "cursor": { "firstBatch": found, "id": id, "ns": place } })
    }

    fn more(&mut self, command: &Document) -> Document {
        let id = command.get_i64("getMore").unwrap();
        let (place, mut found) = self.cursors.remove(&id).expect("a cursor we gave");
        let rest = found.split_off(found.len().min(BATCH));
        let next = if rest.is_empty() { 0 } else { id };
        if next != 0 {
            self.cursors.insert(id, (place.clone(), rest));
        }
        doc! { "cursor": { "nextBatch": found, "id": next, "ns": place } }
    }

    fn index(&mut self, place: &str, command: &Document) -> Document {
        for index in listed(command, "indexes") {
            assert!(!index.get_str("name").unwrap().is_empty());
            self.indexes.push((place.to_owned(), index.get_document("key").unwrap().clone()));
        }
        doc! { "numIndexesBefore": 1, "numIndexesAfter": 2 }
    }
}

fn greeting() -> Document {
    doc! {
        "helloOk": true, "ismaster": true, "isWritablePrimary": true, "maxBsonObjectSize": i32::try_from(BYTES_MAX).unwrap(),
        "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000, "logicalSessionTimeoutMinutes": 30,
        "minWireVersion": 0, "maxWireVersion": 21, "readOnly": false, "connectionId": 1,
    }
}

fn listed(command: &Document, key: &str) -> Vec<Document> {
    command.get_array(key).unwrap().iter().map(|item| item.as_document().unwrap().clone()).collect()
}

fn number(bson: &Bson) -> i64 {
    match bson {
        Bson::Int32(number) => (*number).into(),
        Bson::Int64(number) => *number,
        other => panic!("{other} is no number"),
    }
}

/// Equality, and `$gte` and `$lte` of text.
fn matches(document: &Document, filter: &Document) -> bool {
    filter.iter().all(|(key, wanted)| {
        let found = document.get(key);
        let Bson::Document(bounds) = wanted else { return found == Some(wanted) };
        let found = found.and_then(Bson::as_str);
        bounds.iter().all(|(bound, limit)| match (bound.as_str(), found, limit.as_str().unwrap()) {
            ("$gte", Some(found), limit) => found >= limit,
            ("$lte", Some(found), limit) => found <= limit,
            (_, None, _) => false,
            (other, ..) => panic!("{other} is no comparison we know"),
        })
    })
}

/// Why MongoDB does not take a document.
fn unfit(document: &Document) -> Option<(i32, String)> {
    let dollar = document.keys().find(|key| key.starts_with('$'));
    if let Some(key) = dollar {
        return Some((
            52,
            format!("The dollar ($) prefixed field '{key}' in '{key}' is not valid for storage."),
        ));
    }
    if document.to_vec().unwrap().len() > BYTES_MAX {
        return Some((10_334, "BSONObj size is invalid".to_owned()));
    }
    (levels(&Bson::Document(document.clone())) > LEVELS_MAX)
        .then(|| (15, "Object exceeded maximum nesting depth".to_owned()))
}

fn levels(bson: &Bson) -> usize {
    match bson {
        Bson::Document(document) => 1 + document.values().map(levels).max().unwrap_or(0),
        Bson::Array(items) => 1 + items.iter().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}
