//! Servers that speak the protocol of a database as far as it takes to be believed, and then lie.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of one piece of what has no end.
const PIECE: usize = 256 << 10;

/// Between two pieces: so all of it is no faster than half a gigabit a second.
const PAUSE: Duration = Duration::from_millis(4);

/// A server, what it heard, and its port.
pub struct Liar {
    pub port: u16,
    pub heard: Arc<Mutex<Vec<u8>>>,
    task: tokio::task::JoinHandle<()>,
}

/// What a server does on one line.
pub type Lie = fn(Line) -> futures::BoxFuture;

/// The boxed future of a lie.
pub mod futures {
    pub type BoxFuture = std::pin::Pin<Box<dyn Future<Output = Option<()>> + Send>>;
}

impl Liar {
    pub async fn start(lie: Lie) -> Liar {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
        let notes = heard.clone();
        let task = tokio::spawn(async move {
            let mut lines = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                lines.spawn(lie(Line { stream, heard: notes.clone() }));
            }
        });
        Liar { port, heard, task }
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One line to somebody who believes. Everything ends where the other side hangs up.
pub struct Line {
    stream: TcpStream,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Line {
    async fn say(&mut self, bytes: impl AsRef<[u8]>) -> Option<()> {
        self.stream.write_all(bytes.as_ref()).await.ok()
    }

    /// What comes next, some of it.
    async fn hear(&mut self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 65_536];
        let length = self.stream.read(&mut bytes).await.ok().filter(|length| *length > 0)?;
        bytes.truncate(length);
        self.heard.lock().unwrap().extend_from_slice(&bytes);
        Some(bytes)
    }

    /// Says this again and again.
    async fn endless(&mut self, bytes: &[u8]) -> Option<()> {
        let piece = bytes.repeat(PIECE.div_ceil(bytes.len()));
        loop {
            self.say(&piece).await?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Says this to whatever is asked.
    async fn always(&mut self, bytes: &[u8]) -> Option<()> {
        loop {
            self.hear().await?;
            self.say(bytes).await?;
        }
    }
}

/// Bytes that mean nothing, the same in every run.
fn garbage() -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..65_536).map(|_| next()).collect()
}

macro_rules! lie {
    ($line:ident, $body:block) => {
        |mut $line: Line| -> futures::BoxFuture { Box::pin(async move { $body }) }
    };
}

#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "etcd")]
pub use etcd::OF_ETCD;

mod amqp;
pub use amqp::OF_AMQP;

#[cfg(feature = "cassandra")]
mod cassandra;
#[cfg(feature = "cassandra")]
pub use cassandra::OF_CASSANDRA;

#[cfg(feature = "xmpp")]
mod xmpp;
#[cfg(feature = "xmpp")]
pub use xmpp::OF_XMPP;

/// Lies every kind of server can tell: name, lie.
pub const OF_ALL: &[(&str, Lie)] = &[
    (
        "never answers",
        lie!(line, {
            while line.hear().await.is_some() {}
            Some(())
        }),
    ),
    ("hangs up", lie!(line, { line.hear().await.map(drop) })),
    (
        "talks nonsense at once",
        lie!(line, {
            line.say(garbage()).await?;
            line.endless(b"\xff").await
        }),
    ),
    (
        "talks nonsense when asked",
        lie!(line, {
            line.hear().await?;
            line.say(garbage()).await?;
            line.endless(b"\0").await
        }),
    ),
];

/// A packet of MySQL.
fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], body].concat()
}

/// MySQL's greeting: version 10 of the protocol, a nonce, native passwords, no TLS.
fn greeting() -> Vec<u8> {
    let mut body = b"\x0a8.0.36\0\x01\0\0\0abcdefgh\0".to_vec();
    body.extend(0xa20f_u16.to_le_bytes());
    body.extend(b"\x2d\x02\0");
    body.extend(0x0008_u16.to_le_bytes());
    body.extend(b"\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0mysql_native_password\0");
    packet(0, &body)
}

async fn mysql_login(line: &mut Line, last: &[u8]) -> Option<()> {
    line.say(greeting()).await?;
    line.hear().await?;
    line.say(packet(2, last)).await
}

/// What says that all is well.
const MYSQL_OK: &[u8] = b"\0\0\0\x02\0\0\0";

/// What a server of MySQL or MariaDB can say.
pub const OF_MYSQL: &[(&str, Lie)] = &[
    (
        "sends a packet without end",
        lie!(line, {
            line.say(b"\xff\xff\xff\0").await?;
            line.endless(&[b"\xff\xff\xff\0", &[7; 0xff_ffff][..]].concat()).await
        }),
    ),
    (
        "wants the password in the clear",
        lie!(line, {
            mysql_login(&mut line, b"\xfemysql_clear_password\0").await?;
            line.always(&packet(4, MYSQL_OK)).await
        }),
    ),
    (
        "cuts its own words short",
        lie!(line, {
            mysql_login(&mut line, b"\x01").await?;
            line.always(b"\x01\0\0\x01\0").await
        }),
    ),
    (
        "wants a key for the password",
        lie!(line, {
            mysql_login(&mut line, b"\xfecaching_sha2_password\0abcdefghijabcdefghij\0").await?;
            line.hear().await?;
            line.say(packet(4, b"\x01\x04")).await?;
            line.hear().await?;
            line.say(packet(6, b"\x01no key at all")).await?;
            line.endless(b"\0").await
        }),
    ),
    (
        "asks for a file",
        lie!(line, {
            mysql_login(&mut line, MYSQL_OK).await?;
            line.always(&packet(1, b"\xfb/etc/passwd")).await
        }),
    ),
    (
        "has more columns than there are",
        lie!(line, {
            mysql_login(&mut line, MYSQL_OK).await?;
            line.always(&packet(1, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff")).await
        }),
    ),
    (
        "has rows without end",
        lie!(line, {
            mysql_login(&mut line, MYSQL_OK).await?;
            line.hear().await?;
            let column = b"\x03def\0\0\0\x01a\0\x0c\x2d\0\xff\0\0\0\xfd\0\0\0\0\0";
            line.say([packet(1, b"\x01"), packet(2, column), packet(3, b"\xfe\0\0\x02\0")].concat()).await?;
            line.endless(&packet(4, &[&[0xfc, 0xe8, 0x03][..], &[b'x'; 1000]].concat())).await
        }),
    ),
    (
        "prepares a statement of its own",
        lie!(line, {
            mysql_login(&mut line, MYSQL_OK).await?;
            loop {
                let asked = line.hear().await?;
                let is_statement = asked.get(4) == Some(&0x16);
                let answer: &[u8] =
                    if is_statement { b"\0\x01\0\0\0\xff\xff\xff\xff\0\0\0" } else { MYSQL_OK };
                line.say(packet(1, answer)).await?;
            }
        }),
    ),
];

/// A message of PostgreSQL.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], &length[..], body].concat()
}

/// Refuses TLS, where it is asked for, and hears who is there.
async fn postgres_begin(line: &mut Line) -> Option<()> {
    let first = line.hear().await?;
    if first.get(4..8) == Some(&80_877_103_u32.to_be_bytes()) {
        line.say(b"N").await?;
        line.hear().await?;
    }
    Some(())
}

async fn postgres_login(line: &mut Line) -> Option<()> {
    postgres_begin(line).await?;
    let all = [message(b'R', &[0; 4]), message(b'K', &[1; 8]), message(b'Z', b"I")].concat();
    line.say(all).await
}

/// What a server of PostgreSQL can say.
pub const OF_POSTGRES: &[(&str, Lie)] = &[
    (
        "sends a message without end",
        lie!(line, {
            postgres_begin(&mut line).await?;
            line.say(b"R\x7f\xff\xff\xff").await?;
            line.endless(b"\0").await
        }),
    ),
    (
        "sends one shorter than itself",
        lie!(line, {
            postgres_begin(&mut line).await?;
            line.say(b"R\0\0\0\0").await?;
            line.endless(b"R\0\0\0\x01").await
        }),
    ),
    (
        "hashes passwords for ever",
        lie!(line, {
            postgres_begin(&mut line).await?;
            line.say(message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")).await?;
            let first = line.hear().await?;
            let text = String::from_utf8_lossy(&first).into_owned();
            let nonce = text.rsplit("r=").next()?;
            let challenge = format!("r={nonce}x,s=c2FsdHNhbHQ=,i=4294967295");
            line.say(message(b'R', &[b"\0\0\0\x0b", challenge.as_bytes()].concat())).await?;
            line.hear().await.map(drop)
        }),
    ),
    (
        "knows no way to log in",
        lie!(line, {
            postgres_begin(&mut line).await?;
            line.say(message(b'R', b"\0\0\0\x63")).await?;
            line.hear().await.map(drop)
        }),
    ),
    (
        "has an error without words",
        lie!(line, {
            postgres_begin(&mut line).await?;
            line.say(message(b'E', b"")).await?;
            line.hear().await.map(drop)
        }),
    ),
    (
        "has more columns than it names",
        lie!(line, {
            postgres_login(&mut line).await?;
            line.always(&message(b'T', b"\x7f\xff")).await
        }),
    ),
    (
        "has values longer than their row",
        lie!(line, {
            postgres_login(&mut line).await?;
            line.always(&message(b'D', b"\0\x01\x7f\xff\xff\xff")).await
        }),
    ),
    (
        "has rows without end",
        lie!(line, {
            postgres_login(&mut line).await?;
            line.hear().await?;
            line.say([message(b'1', b""), message(b't', b"\0\0"), message(b'n', b"")].concat()).await?;
            line.endless(&message(b'D', &[b"\0\x01\0\0\x03\xe8", &[b'x'; 1000][..]].concat())).await
        }),
    ),
    (
        "gives notice without end",
        lie!(line, {
            postgres_login(&mut line).await?;
            line.endless(&message(b'N', b"SNOTICE\0Mx\0\0")).await
        }),
    ),
];

/// What a server of Redis can say.
pub const OF_REDIS: &[(&str, Lie)] = &[
    (
        "has a text of an exabyte",
        lie!(line, {
            line.hear().await?;
            line.say(b"$1152921504606846976\r\n").await?;
            line.endless(b"x").await
        }),
    ),
    (
        "has a list of four billion",
        lie!(line, {
            line.hear().await?;
            line.say(b"*4294967295\r\n").await?;
            line.endless(b"+x\r\n").await
        }),
    ),
    (
        "has a list in a list in a list",
        lie!(line, {
            line.hear().await?;
            line.endless(b"*1\r\n").await
        }),
    ),
    ("has lengths below nothing", lie!(line, { line.always(b"$-9223372036854775808\r\n*-2\r\n").await })),
    ("says yes to everything", lie!(line, { line.always(b"+OK\r\n").await })),
    (
        "never ends its line",
        lie!(line, {
            line.hear().await?;
            line.endless(b"+").await
        }),
    ),
    (
        "has errors without end",
        lie!(line, {
            line.hear().await?;
            line.endless(b"-ERR x\r\n").await
        }),
    ),
];

/// Takes what it is told to keep, up to the first question.
async fn memcache_asked(line: &mut Line) -> Option<()> {
    while !line.hear().await?.starts_with(b"get") {
        line.say(b"STORED\r\n").await?;
    }
    Some(())
}

/// What a server of memcached can say.
pub const OF_MEMCACHE: &[(&str, Lie)] = &[
    (
        "has a value of an exabyte",
        lie!(line, {
            memcache_asked(&mut line).await?;
            line.say(b"VALUE x 0 1152921504606846976\r\n").await?;
            line.endless(b"x").await
        }),
    ),
    (
        "has a value of the last length",
        lie!(line, {
            memcache_asked(&mut line).await?;
            line.say(b"VALUE x 0 18446744073709551615\r\n").await?;
            line.endless(b"x").await
        }),
    ),
    (
        "never ends its line",
        lie!(line, {
            line.hear().await?;
            line.endless(b"x").await
        }),
    ),
    (
        "never ends its answer",
        lie!(line, {
            memcache_asked(&mut line).await?;
            line.endless(b"x").await
        }),
    ),
    (
        "has everything already, and endless",
        lie!(line, {
            memcache_asked(&mut line).await?;
            line.endless(b"VALUE jids 0 2\r\nab\r\n").await
        }),
    ),
    ("is in trouble whatever it is told", lie!(line, { line.always(b"SERVER_ERROR out of luck\r\n").await })),
];
