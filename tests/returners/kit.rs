//! A spool of the test's own, returns to put into it, and a web server that remembers what it was told.

use crate::kit::Scratch;
use halite::config::{Config, Environment, Locate};
use halite::returners::spool::{OutletName, Spool};
use halite::returners::{Item, find, flush, spool_dir};
use halite_site::Postgres;
use halite_wire::{Jid, Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a host may say to break a database, a message or a line of text.
pub const HOSTILE: &str = "'; DROP TABLE salt_returns; -- \"quoted\" \\back %s ${x} \u{1f980} <b>&amp;</b>";

pub const JID: &str = "20261121031502123456";

/// A configuration with a spool.
pub struct Bench {
    pub scratch: Scratch,
    pub config: Config,
}

impl Bench {
    /// With these lines in the configuration; `{dir}` in them is the bench's folder.
    pub fn new(settings: &str) -> Bench {
        let scratch = Scratch::new();
        let conf = scratch.path("conf");
        std::fs::create_dir_all(&conf).unwrap();
        let settings = settings.replace("{dir}", scratch.0.to_str().unwrap());
        let master = format!("cachedir: {}\n{settings}\n", scratch.path("cache").display());
        std::fs::write(conf.join("master"), master).unwrap();
        let env = Environment::default();
        let locate = Locate { config_dir: Some(conf), saltfile: None, program: "salt-run", env };
        let (config, _) = halite::config::load(&locate).unwrap();
        Bench { scratch, config }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path(name)
    }

    /// Puts items into the queue of a returner.
    pub async fn put(&self, returner: &str, items: Vec<Item>) {
        let spool = Spool::open(&spool_dir(&self.config)).await.unwrap();
        let name = find(returner).map_or(returner, |definition| definition.name);
        let name = OutletName::new(&self.config.config_dir, name, None, &Map::new());
        let outlet = spool.outlet(&name).await.unwrap();
        let rows: Vec<_> = items.into_iter().map(|item| (item, vec![outlet])).collect();
        spool.put(JID.parse().unwrap(), &rows).await.unwrap();
    }

    /// One flush: what it says of the returner.
    pub async fn flush(&self, returner: &str) -> Flushed {
        let flushed = flush(&self.config, None).await.unwrap().expect("nobody else flushes");
        let name = find(returner).map_or(returner, |definition| definition.name);
        let shown = flushed.get(name).and_then(Value::as_map).cloned().unwrap_or_default();
        let number = |key: &str| shown.get(key).and_then(Value::as_i64).unwrap_or(0);
        Flushed {
            delivered: number("delivered"),
            dead: number("dead_letters"),
            error: shown.get_str("error").unwrap_or("").to_owned(),
        }
    }

    /// Puts and flushes; all of it must be taken.
    pub async fn send(&self, returner: &'static str, items: Vec<Item>) {
        let count = i64::try_from(items.len()).unwrap();
        self.put(returner, items).await;
        let flushed = self.flush(returner).await;
        assert_eq!(flushed, Flushed { delivered: count, dead: 0, error: String::new() }, "{returner}");
    }

    /// What waits for any returner.
    pub async fn waiting(&self) -> i64 {
        let spool = Spool::open(&spool_dir(&self.config)).await.unwrap();
        spool.status().await.unwrap().iter().map(|outlet| outlet.waiting).sum()
    }
}

/// What leads a store of PostgreSQL called `name` to the server of the tests, but for its `PORT`.
pub fn postgres_settings(name: &str) -> String {
    let prefix = halite::jobs::BACKENDS.iter().find(|backend| backend.name == name).unwrap().options;
    let keys = [
        ("host", "127.0.0.1"),
        ("port", "PORT"),
        ("user", Postgres::USER),
        ("passwd", Postgres::PASSWORD),
        ("db", Postgres::DATABASE),
    ];
    keys.map(|(key, value)| format!("{prefix}.{key}: '{value}'\n")).concat()
}

#[derive(Debug, PartialEq, Eq)]
pub struct Flushed {
    pub delivered: i64,
    pub dead: i64,
    pub error: String,
}

/// A return of `cmd.run` of a host.
pub fn return_of(id: &str, value: impl Into<Value>) -> Item {
    Item::Return(Map::from([
        ("id", Value::from(id)),
        ("jid", JID.into()),
        ("fun", "cmd.run".into()),
        ("fun_args", Value::List(vec!["uptime".into()])),
        ("return", value.into()),
        ("retcode", 0.into()),
        ("success", true.into()),
    ]))
}

/// A return of states: one in order, one changed, one failed.
pub fn states_of(id: &str) -> Item {
    let state = |number: i64, result: bool, changes: Map| {
        Value::Map(Map::from([
            ("__run_num__", Value::from(number)),
            ("__sls__", "web".into()),
            ("__id__", format!("s{number}").into()),
            ("name", format!("/etc/s{number}").into()),
            ("result", result.into()),
            ("changes", changes.into()),
            ("comment", "said".into()),
            ("duration", 1.5.into()),
        ]))
    };
    let states = Map::from([
        ("file_|-s2_|-/etc/s2_|-managed", state(2, false, Map::new())),
        ("file_|-s0_|-/etc/s0_|-managed", state(0, true, Map::new())),
        ("file_|-s1_|-/etc/s1_|-managed", state(1, true, Map::from([("diff", "+x")]))),
    ]);
    let Item::Return(mut ret) = return_of(id, states) else { unreachable!() };
    ret.insert("fun", "state.highstate");
    ret.insert("fun_args", Value::List(Vec::new()));
    ret.insert("retcode", 2);
    ret.insert("success", false);
    Item::Return(ret)
}

pub fn load() -> Item {
    Item::Load(Map::from([
        ("jid", Value::from(JID)),
        ("tgt", "*".into()),
        ("tgt_type", "glob".into()),
        ("user", "root".into()),
        ("fun", "cmd.run".into()),
        ("arg", Value::List(vec!["uptime".into()])),
        ("Minions", Value::List(vec!["web1".into(), "web2".into()])),
    ]))
}

pub fn event(id: &str) -> Item {
    let data = Map::from([
        ("jid", Value::from(JID)),
        ("id", id.into()),
        ("return", true.into()),
        ("fun", "test.ping".into()),
    ]);
    Item::Event { tag: format!("salt/job/{JID}/ret/{id}"), data }
}

pub fn jid_seconds() -> u64 {
    JID.parse::<Jid>().unwrap().unix_micros() / 1_000_000
}

/// One request as it came.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The fields of a form, decoded.
    pub fn form(&self) -> BTreeMap<String, String> {
        assert_eq!(self.header("content-type"), "application/x-www-form-urlencoded");
        let pairs = self.body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
    }
}

/// `%41` as `A`.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex =
            || std::str::from_utf8(after.get(..2)?).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, hex()) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (byte, _) => {
                bytes.push(if *byte == b'+' { b' ' } else { *byte });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A web server that answers everything alike.
pub struct Web {
    pub port: u16,
    pub heard: Arc<Mutex<Vec<Heard>>>,
    answer: Arc<Mutex<(u16, String)>>,
    task: tokio::task::JoinHandle<()>,
}

impl Web {
    pub async fn start(status: u16, body: &str) -> Web {
        Web::start_at(0, status, body).await
    }

    pub async fn start_at(port: u16, status: u16, body: &str) -> Web {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let answer = Arc::new(Mutex::new((status, body.to_owned())));
        let (notes, said) = (heard.clone(), answer.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, notes.clone(), said.clone()));
            }
        });
        Web { port, heard, answer, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn answers(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, heard: Arc<Mutex<Vec<Heard>>>, answer: Arc<Mutex<(u16, String)>>) {
    while let Some(request) = read(&mut stream).await {
        heard.lock().unwrap().push(request);
        let (status, body) = answer.lock().unwrap().clone();
        let text = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Heard> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&body[..length]).into_owned();
    Some(Heard { method: first.next()?.to_owned(), path: first.next()?.to_owned(), headers, body })
}

/// A port of 127.0.0.1 that is closed until [`Gate::open`] leads it to another.
pub struct Gate {
    pub port: u16,
    /// Counts the cuts: each ends all lines there are.
    cuts: tokio::sync::watch::Sender<u32>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Gate {
    pub fn closed() -> Gate {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (cuts, _) = tokio::sync::watch::channel(0);
        Gate { port: listener.local_addr().unwrap().port(), cuts, task: None }
    }

    pub async fn open(&mut self, to: u16) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let cuts = self.cuts.subscribe();
        self.task = Some(tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cuts = cuts.clone();
                cuts.mark_unchanged();
                tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(("127.0.0.1", to)).await {
                        tokio::select! {
                            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                            _ = cuts.changed() => {}
                        }
                    }
                });
            }
        }));
    }

    /// Ends every line in the middle of whatever it carries.
    pub fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Waits until a text has what is looked for.
pub async fn until_has(what: &str, read: impl AsyncFn() -> String) -> String {
    for _ in 0..200 {
        let text = read().await;
        if text.contains(what) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what:?} never came: {}", read().await);
}
