//! memcached with the keys of Salt's returner: `JID` and `JID:ID`, `FUN:ID`, and the lists `jids` and `minions` with a
//! comma after each entry.
//!
//! A cache: it forgets when it is full or restarted. A key takes no blanks, so those of a host's name become `%20`.

use super::super::record::{read_load, read_return};
use super::super::remote::Shelf;
use super::super::{Options, Search, StoreError, StoredReturn, json};
use async_trait::async_trait;
use halite_wire::{Jid, Map, MinionId, Value};
use std::io::{self, ErrorKind};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};

const KEY_BYTES_MAX: usize = 250;

/// Bytes of one value that are believed: servers take a megabyte, or some more where they are told to.
const VALUE_BYTES_MAX: usize = 256 << 20;

/// Bytes of one line of an answer: a word, a key, two numbers.
const LINE_BYTES_MAX: u64 = 4096;

/// Keys asked for at once.
const KEYS_AT_ONCE: usize = 100;

/// The flag by which Python's client knows text from bytes.
const TEXT: u32 = 16;

const MINIONS: &str = "minions";
const JIDS: &str = "jids";

pub struct Memcache {
    address: String,
    /// Empty until the first use, and after trouble.
    line: Mutex<Option<BufReader<TcpStream>>>,
}

/// `memcache.host`, `memcache.port`.
///
/// # Errors
/// The port is none.
pub fn open(options: &Options) -> Result<Memcache, StoreError> {
    let address = format!("{}:{}", options.text("host", "127.0.0.1"), options.port(11_211)?);
    Ok(Memcache { address, line: Mutex::new(None) })
}

/// What the server says to one command.
#[derive(Debug, PartialEq)]
enum Said {
    Yes,
    No,
}

impl Memcache {
    fn failed(&self) -> impl Fn(io::Error) -> StoreError {
        |error| {
            let (place, why) = (self.place(), error.to_string());
            match error.kind() {
                // What the server says of a key or value, not what happened to the line.
                ErrorKind::InvalidInput => StoreError::BadRecord { place, why },
                _ => StoreError::Unreachable { place, why },
            }
        }
    }

    /// Talks over the one line. It is left behind where the talk is cut off: what is still to come on it would be taken
    /// for the answer to something else.
    async fn talk<T, F>(&self, work: impl FnOnce(BufReader<TcpStream>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = io::Result<(T, BufReader<TcpStream>)>>,
    {
        let mut line = self.line.lock().await;
        let open = match line.take() {
            Some(open) => open,
            None => BufReader::new(TcpStream::connect(&self.address).await.map_err(self.failed())?),
        };
        let (answer, open) = work(open).await.map_err(self.failed())?;
        *line = Some(open);
        Ok(answer)
    }

    async fn store(&self, verb: &'static str, key: String, value: String) -> Result<Said, StoreError> {
        self.talk(async |mut line| {
            let said = store(&mut line, verb, &key, &value).await?;
            Ok((said, line))
        })
        .await
    }

    /// The values that are there, in no order.
    async fn get(&self, keys: &[String]) -> Result<Vec<(String, String)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.talk(async |mut line| {
            line.write_all(format!("get {}\r\n", keys.join(" ")).as_bytes()).await?;
            let mut found = Vec::new();
            while let Some(pair) = value(&mut line).await? {
                if found.len() == keys.len() {
                    return Err(io::Error::other("more values than were asked for"));
                }
                found.push(pair);
            }
            Ok((found, line))
        })
        .await
    }

    async fn one(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self.get(&[key.to_owned()]).await?.pop().map(|(_, value)| value))
    }

    async fn list(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let list = self.one(key).await?.unwrap_or_default();
        Ok(list.split(',').filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
    }

    /// Appends what the list does not have.
    async fn append(&self, key: &str, entries: &[&str]) -> Result<(), StoreError> {
        let known = self.list(key).await?;
        let fresh = entries.iter().filter(|entry| !known.iter().any(|known| known == *entry));
        let text: String = fresh.map(|entry| format!("{entry},")).collect();
        if text.is_empty() || self.store("append", key.to_owned(), text.clone()).await? == Said::Yes {
            return Ok(());
        }
        match self.store("add", key.to_owned(), text.clone()).await? {
            Said::Yes => Ok(()),
            // Somebody else made the list in between.
            Said::No => self.store("append", key.to_owned(), text).await.map(|_| ()),
        }
    }

    async fn jids(&self) -> Result<Vec<Jid>, StoreError> {
        let mut jids: Vec<Jid> = self.list(JIDS).await?.iter().filter_map(|jid| jid.parse().ok()).collect();
        jids.sort_unstable();
        jids.dedup();
        Ok(jids)
    }
}

async fn store(line: &mut BufReader<TcpStream>, verb: &str, key: &str, value: &str) -> io::Result<Said> {
    if key.len() > KEY_BYTES_MAX || key.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "memcached takes no such key"));
    }
    let head = format!("{verb} {key} {TEXT} 0 {}\r\n", value.len());
    line.write_all(&[head.as_bytes(), value.as_bytes(), b"\r\n"].concat()).await?;
    let said = say(line).await?;
    match said.as_str() {
        "STORED" => Ok(Said::Yes),
        "NOT_STORED" => Ok(Said::No),
        _ if said.contains("too large") => Err(io::Error::new(ErrorKind::InvalidInput, said)),
        _ => Err(io::Error::other(said)),
    }
}

/// One line, without its end.
async fn say(line: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut said = String::new();
    // What is cut off at its length is no answer.
    let read = line.take(LINE_BYTES_MAX).read_line(&mut said).await?;
    if !said.ends_with('\n') {
        let kind = if read == 0 { ErrorKind::UnexpectedEof } else { ErrorKind::InvalidData };
        return Err(kind.into());
    }
    said.truncate(said.trim_end().len());
    Ok(said)
}

/// One pair of an answer to `get`; `None` at its end.
async fn value(line: &mut BufReader<TcpStream>) -> io::Result<Option<(String, String)>> {
    let head = say(line).await?;
    let mut words = head.split(' ');
    let (Some("VALUE"), Some(key), Some(length)) = (words.next(), words.next(), words.nth(1)) else {
        return if head == "END" { Ok(None) } else { Err(io::Error::other(head)) };
    };
    let length = length.parse().ok().filter(|length| *length <= VALUE_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::other(head.clone()))?;
    // Memory is taken as the value comes, not as it was announced.
    let mut bytes = Vec::new();
    if line.take(length as u64 + 2).read_to_end(&mut bytes).await? < length + 2 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    bytes.truncate(length);
    Ok(Some((key.to_owned(), String::from_utf8_lossy(&bytes).into_owned())))
}

/// A host's name as part of a key or a list.
fn escaped(id: &MinionId) -> String {
    id.as_str().replace(' ', "%20").replace(',', "%2C")
}

fn encoded(map: &Map) -> String {
    json::encode_ascii(&Value::Map(map.clone()))
}

#[async_trait]
impl Shelf for Memcache {
    fn place(&self) -> String {
        format!("memcache at {}", self.address)
    }

    async fn add(&self, jid: Jid, load: &Map) -> Result<bool, StoreError> {
        let added = self.store("add", jid.to_string(), encoded(load)).await? == Said::Yes;
        if added {
            self.append(JIDS, &[jid.as_str()]).await?;
        }
        Ok(added)
    }

    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError> {
        self.store("set", jid.to_string(), encoded(load)).await?;
        self.append(JIDS, &[jid.as_str()]).await
    }

    async fn load(&self, jid: Jid) -> Result<Option<Map>, StoreError> {
        Ok(self.one(jid.as_str()).await?.map(|text| read_load(jid, &text)))
    }

    async fn loads(&self, search: &Search) -> Result<Vec<(Jid, Map)>, StoreError> {
        let mut jids = self.jids().await?;
        jids.retain(|jid| search.since.is_none_or(|since| *jid >= since));
        jids.retain(|jid| search.until.is_none_or(|until| *jid <= until));
        let keys: Vec<String> = jids.iter().map(Jid::to_string).collect();
        let mut loads = Vec::new();
        for some in keys.chunks(KEYS_AT_ONCE) {
            let found = self.get(some).await?;
            loads.extend(found.iter().filter_map(|(key, text)| {
                let jid = key.parse().ok()?;
                Some((jid, read_load(jid, text)))
            }));
        }
        Ok(loads)
    }

    async fn save(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        let mut names = Vec::new();
        for ret in batch {
            let (id, full_ret) = (escaped(&ret.id), encoded(&ret.full_ret));
            if self.store("add", format!("{}:{id}", ret.jid), full_ret.clone()).await? == Said::Yes {
                self.store("set", format!("{}:{id}", ret.fun), full_ret).await?;
            }
            names.push(id);
        }
        for of_job in batch.chunk_by(|a, b| a.jid == b.jid) {
            self.append(JIDS, &[of_job[0].jid.as_str()]).await?;
        }
        names.sort_unstable();
        names.dedup();
        self.append(MINIONS, &names.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        let mut names = self.list(MINIONS).await?;
        names.sort_unstable();
        names.dedup();
        let keys: Vec<String> = names.iter().map(|name| format!("{jid}:{name}")).collect();
        for some in keys.chunks(KEYS_AT_ONCE) {
            for (key, text) in self.get(some).await? {
                let id = key[jid.as_str().len() + 1..].replace("%20", " ").replace("%2C", ",");
                let Some(ret) = read_return(jid, &id, "", &text) else { continue };
                if to.send(ret).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn remove(&self, jid: Jid) -> Result<(), StoreError> {
        let names = self.list(MINIONS).await?;
        let keys = names.iter().map(|name| format!("{jid}:{name}")).chain([jid.to_string()]);
        for key in keys {
            self.talk(async |mut line| {
                line.write_all(format!("delete {key}\r\n").as_bytes()).await?;
                say(&mut line).await?;
                Ok(((), line))
            })
            .await?;
        }
        let left: String = self
            .list(JIDS)
            .await?
            .iter()
            .filter(|one| *one != jid.as_str())
            .map(|one| format!("{one},"))
            .collect();
        self.store("set", JIDS.to_owned(), left).await.map(|_| ())
    }
}
