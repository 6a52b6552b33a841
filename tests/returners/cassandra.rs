//! `cassandra_cql` against a server that knows the native protocol (version 4) and Salt's tables by their documentation
//! alone: Cassandra is in no registry tests can install from. It checks each frame, each statement against the tables, and
//! each value against its column's type, and keeps rows by their keys. That frames are those of the usual driver is
//! tested beside them.

use super::kit::{Bench, Gate, HOSTILE, JID, event, load, return_of};
use super::table::{self, Seen};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const INVALID: i32 = 0x2200;
const BAD_CREDENTIALS: i32 = 0x0100;

/// A table: how many of its first columns are the key, and its columns with their types.
type Table = (&'static str, usize, &'static [(&'static str, &'static str)]);

const TABLES: [Table; 4] = [
    (
        "salt.salt_returns",
        3,
        &[
            ("jid", "text"),
            ("minion_id", "text"),
            ("fun", "text"),
            ("alter_time", "timestamp"),
            ("full_ret", "text"),
            ("return", "text"),
            ("success", "boolean"),
        ],
    ),
    ("salt.jids", 1, &[("jid", "text"), ("load", "text")]),
    ("salt.minions", 1, &[("minion_id", "text"), ("last_fun", "text")]),
    (
        "salt.salt_events",
        2,
        &[
            ("id", "timeuuid"),
            ("tag", "text"),
            ("alter_time", "timestamp"),
            ("data", "text"),
            ("master_id", "text"),
        ],
    ),
];

/// Values by column; those that are no text as Rust shows them.
type Row = BTreeMap<String, String>;

#[derive(Default)]
struct Kept {
    /// Under the table and the key.
    rows: BTreeMap<(String, Vec<String>), Row>,
    /// What the next statements are refused with.
    refusal: Option<(i32, &'static str)>,
    logins: usize,
}

struct Server {
    port: u16,
    kept: Arc<Mutex<Kept>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let kept = Arc::<Mutex<Kept>>::default();
        let shared = kept.clone();
        std::thread::spawn(move || {
            for line in listener.incoming().flatten() {
                let kept = shared.clone();
                std::thread::spawn(move || serve(line, &kept));
            }
        });
        Server { port, kept }
    }

    fn refuses(&self, refusal: Option<(i32, &'static str)>) {
        self.kept.lock().unwrap().refusal = refusal;
    }

    fn rows(&self, table: &str) -> Vec<Row> {
        let kept = self.kept.lock().unwrap();
        kept.rows.iter().filter(|((of, _), _)| of == table).map(|(_, row)| row.clone()).collect()
    }

    fn bench(&self, more: &str) -> Bench {
        let port = self.port;
        // Nobody listens at the first.
        Bench::new(&format!(
            "id: controller\ncassandra:\n  cluster: [127.0.0.9, 127.0.0.1]\n  port: {port}\n  username: salt\n{more}"
        ))
    }
}

/// The row of the table.
pub async fn seen() -> Seen {
    let server = Server::start();
    let mut gate = Gate::closed();
    let bench = Bench::new(&format!(
        "id: controller\ncassandra:\n  cluster: [127.0.0.1]\n  port: {}\n  username: salt\n  password: pw\n",
        gate.port
    ));
    let read = async || format!("{:?}", server.rows("salt.salt_returns"));
    let up = async || gate.open(server.port).await;
    // The password is too short to be told from other words.
    table::seen("cassandra_cql", &bench, table::items("cassandra_cql"), None, up, read).await
}

/// Until the client goes.
fn serve(mut line: TcpStream, kept: &Mutex<Kept>) -> Option<()> {
    let mut is_known = false;
    loop {
        let mut head = [0; 9];
        line.read_exact(&mut head).ok()?;
        let [version, flags, a, b, opcode, length @ ..] = head;
        assert_eq!((version, flags), (4, 0), "a request of version 4");
        let mut body = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        line.read_exact(&mut body).ok()?;
        let (opcode, answer) = match opcode {
            0x01 => {
                assert_eq!(body, b"\0\x01\0\x0bCQL_VERSION\0\x053.0.0");
                (0x03, short_text("org.apache.cassandra.auth.PasswordAuthenticator"))
            }
            0x0f => {
                is_known = body == b"\0\0\0\x08\0salt\0pw";
                kept.lock().unwrap().logins += 1;
                match is_known {
                    true => (0x10, vec![0xff; 4]),
                    false => {
                        (0x00, error(BAD_CREDENTIALS, "Provided username salt and/or password are incorrect"))
                    }
                }
            }
            0x07 if is_known => match kept.lock().unwrap().query(&body) {
                Ok(()) => (0x08, vec![0, 0, 0, 1]),
                Err((code, why)) => (0x00, error(code, &why)),
            },
            other => panic!("opcode {other} of {is_known}"),
        };
        // Every result comes with a warning, which clients must step over.
        let warning = [vec![0, 1], short_text("a warning")].concat();
        let (flags, answer) = if opcode == 0x08 { (8, [warning, answer].concat()) } else { (0, answer) };
        let length = u32::try_from(answer.len()).unwrap().to_be_bytes();
        line.write_all(&[&[0x84, flags, a, b, opcode][..], &length, &answer].concat()).ok()?;
    }
}

fn short_text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn error(code: i32, why: &str) -> Vec<u8> {
    [code.to_be_bytes().to_vec(), short_text(why)].concat()
}

/// The next bytes with their length in front.
fn bytes<'a>(body: &mut &'a [u8]) -> &'a [u8] {
    let (length, rest) = body.split_first_chunk().unwrap();
    let (bytes, rest) = rest.split_at(usize::try_from(i32::from_be_bytes(*length)).unwrap());
    *body = rest;
    bytes
}

impl Kept {
    fn query(&mut self, mut body: &[u8]) -> Result<(), (i32, String)> {
        let statement = std::str::from_utf8(bytes(&mut body)).unwrap();
        let (head, mut body) = body.split_at(5);
        assert_eq!(head[..3], [0, 6, 1], "LOCAL_QUORUM, and values");
        let count = u16::from_be_bytes([head[3], head[4]]);
        let values: Vec<&[u8]> = (0..count).map(|_| bytes(&mut body)).collect();
        assert!(body.is_empty(), "nothing comes after the values");
        if let Some((code, why)) = self.refusal {
            return Err((code, why.to_owned()));
        }
        let (table, columns) = insert(statement);
        let Some((name, keys, types)) = TABLES.iter().find(|(name, ..)| *name == table) else {
            return Err((INVALID, format!("unconfigured table {table}")));
        };
        assert_eq!(columns.len(), values.len());
        let mut row = Row::new();
        for (column, value) in columns.iter().zip(values) {
            let kind = types.iter().find(|(known, _)| known == column).expect(column).1;
            row.insert((*column).to_owned(), read(kind, value));
        }
        let key = types[..*keys].iter().map(|(key, _)| row[*key].clone()).collect();
        self.rows.insert(((*name).to_owned(), key), row);
        Ok(())
    }
}

/// The table and the columns of `INSERT INTO table (columns) VALUES (?, ...)`.
fn insert(statement: &str) -> (&str, Vec<&str>) {
    let rest = statement.strip_prefix("INSERT INTO ").unwrap();
    let (table, rest) = rest.split_once(" (").unwrap();
    let (columns, values) = rest.split_once(") VALUES ").unwrap();
    let columns: Vec<&str> = columns.split(", ").collect();
    assert_eq!(values, format!("({})", vec!["?"; columns.len()].join(", ")));
    (table, columns)
}

fn read(kind: &str, value: &[u8]) -> String {
    match kind {
        "text" => String::from_utf8(value.to_vec()).unwrap(),
        "timestamp" => i64::from_be_bytes(value.try_into().unwrap()).to_string(),
        "boolean" => [false, true][usize::from(<[u8; 1]>::try_from(value).unwrap()[0])].to_string(),
        "timeuuid" => {
            let id = u128::from_be_bytes(value.try_into().unwrap());
            assert_eq!((id >> 76 & 0xf, id >> 62 & 0b11), (1, 0b10), "version 1 of the usual variant");
            format!("{id:032x}")
        }
        other => panic!("no type {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cassandra_gets_rows_of_salts_tables_once() {
    let server = Server::start();
    let bench = server.bench("  password: pw");
    for _ in 0..2 {
        bench.send("cassandra_cql", vec![return_of("web1", HOSTILE), load(), event("web1")]).await;
    }
    let many = (0..200).map(|n| return_of(&format!("db{n}"), "x".repeat(20_000)));
    bench.send("cassandra_cql", many.collect()).await;
    let returns = server.rows("salt.salt_returns");
    assert_eq!((returns.len(), server.rows("salt.minions").len()), (201, 201));
    let web1 = returns.iter().find(|row| row["minion_id"] == "web1").unwrap();
    assert_eq!(
        (web1["jid"].as_str(), web1["fun"].as_str(), web1["success"].as_str()),
        (JID, "cmd.run", "true")
    );
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(
        (json(&web1["return"]), &json(&web1["full_ret"])["return"]),
        (HOSTILE.into(), &HOSTILE.into())
    );
    let milliseconds: u64 = web1["alter_time"].parse().unwrap();
    assert!((1_700_000_000_000..4_000_000_000_000).contains(&milliseconds));
    let jids = server.rows("salt.jids");
    assert_eq!((jids.len(), &json(&jids[0]["load"])["fun"]), (1, &"cmd.run".into()));
    let events = server.rows("salt.salt_events");
    assert_eq!((events.len(), events[0]["master_id"].as_str()), (1, "controller"));
    assert_eq!(json(&events[0]["data"])["jid"], JID);
}

#[tokio::test(flavor = "multi_thread")]
async fn cassandra_is_asked_again_later_but_for_what_is_too_large() {
    let server = Server::start();
    let bench = server.bench("  password: wrong");
    bench.put("cassandra_cql", vec![return_of("web1", true)]).await;
    let said = bench.flush("cassandra_cql").await.error;
    assert!(said.starts_with("error 0x0100: Provided username"), "{said}");

    let bench = server.bench("  password: pw");
    server.refuses(Some((INVALID, "unconfigured table salt_returns")));
    bench.put("cassandra_cql", vec![return_of("web1", true), return_of("web2", true)]).await;
    let said = bench.flush("cassandra_cql").await;
    assert_eq!((said.dead, said.error.as_str()), (0, "error 0x2200: unconfigured table salt_returns"));
    server.refuses(None);
    assert_eq!(bench.flush("cassandra_cql").await.delivered, 2);

    server.refuses(Some((INVALID, "Mutation of 17MiB is too large for the maximum size of 16MiB")));
    bench.put("cassandra_cql", vec![return_of("web3", "x")]).await;
    assert_eq!(bench.flush("cassandra_cql").await.dead, 1);
    assert_eq!(bench.waiting().await, 0);
}
