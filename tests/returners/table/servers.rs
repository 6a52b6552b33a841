//! Real servers, each started for its row and reached through a gate that is closed at first.

use super::{Row, Seen, items, seen, spool_of};
use crate::cli::kit::unique;
use crate::returners::kit::{Bench, Gate, HOSTILE, JID, postgres_settings, return_of, until_has};
use halite::jobs::{JobStore, Options, StoredReturn, open_store};
use halite::returners::Item;
use halite_site::{Daemon, MariaDb, Postgres};
use halite_wire::{Jid, Map};
use std::process::Command;
use std::sync::Arc;

pub const ROWS: &[Row] = &[
    Row { name: "carbon", server: "carbon", tried: || Box::pin(carbon()) },
    Row { name: "etcd", server: "etcd", tried: || Box::pin(etcd()) },
    Row { name: "influxdb", server: "InfluxDB", tried: || Box::pin(influxdb()) },
    Row { name: "mariadb", server: "MariaDB", tried: || Box::pin(mariadb("mariadb")) },
    Row { name: "memcache", server: "memcached", tried: || Box::pin(memcache()) },
    Row { name: "mqtt", server: "Mosquitto", tried: || Box::pin(mqtt()) },
    Row { name: "mysql", server: "MariaDB", tried: || Box::pin(mariadb("mysql")) },
    Row { name: "nats", server: "NATS", tried: || Box::pin(nats()) },
    Row { name: "pgjsonb", server: "PostgreSQL", tried: || Box::pin(postgres("pgjsonb")) },
    Row { name: "postgres", server: "PostgreSQL", tried: || Box::pin(postgres("postgres")) },
    Row {
        name: "postgres_local_cache",
        server: "PostgreSQL",
        tried: || Box::pin(postgres("postgres_local_cache")),
    },
    Row { name: "prometheus", server: "Pushgateway", tried: || Box::pin(prometheus()) },
    Row { name: "redis", server: "Redis", tried: || Box::pin(redis()) },
    Row { name: "smtp", server: "aiosmtpd", tried: || Box::pin(smtp()) },
    Row { name: "syslog", server: "syslog-ng", tried: || Box::pin(syslog()) },
];

/// What a store gives back, as text.
pub fn text_of(returns: Vec<StoredReturn>) -> String {
    returns.iter().map(|ret| format!("{} {:?}\n", ret.id, ret.value())).collect()
}

/// The store of a bench's configuration.
fn store_of(name: &str, bench: &Bench) -> Arc<dyn JobStore> {
    let backend = halite::jobs::BACKENDS.iter().find(|backend| backend.name == name).unwrap();
    let options = Options { opts: &bench.config.opts.0, name: backend.options, set: None, kwargs: None };
    open_store(name, options).unwrap()
}

/// A job store behind a gate: `PORT` in the settings. Its tables are made where it has any.
async fn store(name: &'static str, port: u16, settings: &str, secret: Option<&str>) -> Seen {
    let mut gate = Gate::closed();
    let bench = Bench::new(&settings.replace("PORT", &gate.port.to_string()));
    let store = store_of(name, &bench);
    let up = async || {
        gate.open(port).await;
        store.init().await.unwrap();
    };
    let read = async || text_of(store.returns(JID.parse().unwrap()).await.unwrap());
    seen(name, &bench, items(name), secret, up, read).await
}

/// Whether a password stays secret where the server here asks for none: it is tried on a server that is down.
async fn keeps_secret(name: &'static str, settings: &str) -> bool {
    let (canary, gate) = (unique("canary"), Gate::closed());
    let bench = Bench::new(&settings.replace("PORT", &gate.port.to_string()).replace("CANARY", &canary));
    bench.put(name, items(name)).await;
    let down = bench.flush(name).await;
    !down.error.is_empty() && !down.error.contains(&canary) && !spool_of(&bench).contains(&canary)
}

async fn mariadb(name: &'static str) -> Seen {
    let server = MariaDb::start().unwrap();
    let settings = format!(
        "mysql.host: 127.0.0.1\nmysql.port: PORT\nmysql.user: {}\nmysql.pass: '{}'\nmysql.db: {}",
        MariaDb::USER,
        MariaDb::PASSWORD,
        MariaDb::DATABASE
    );
    store(name, server.port, &settings, Some(MariaDb::PASSWORD)).await
}

async fn postgres(name: &'static str) -> Seen {
    let server = Postgres::start().unwrap();
    store(name, server.port, &postgres_settings(name), Some(Postgres::PASSWORD)).await
}

async fn redis() -> Seen {
    let server = Daemon::redis().unwrap();
    let secret = unique("canary");
    let cli = Command::new("redis-cli")
        .args(["-p", &server.port.to_string(), "config", "set", "requirepass", &secret])
        .status();
    assert!(cli.unwrap().success());
    let settings = format!("redis.host: 127.0.0.1\nredis.port: PORT\nredis.password: {secret}");
    store("redis", server.port, &settings, Some(&secret)).await
}

async fn memcache() -> Seen {
    let server = Daemon::memcached().unwrap();
    store("memcache", server.port, "memcache.host: 127.0.0.1\nmemcache.port: PORT", None).await
}

#[cfg(feature = "etcd")]
async fn etcd() -> Seen {
    let server = Daemon::etcd().unwrap();
    let settings = "etcd.host: 127.0.0.1\netcd.port: PORT\n";
    let no_secret = keeps_secret("etcd", &format!("{settings}etcd.username: u\netcd.password: CANARY")).await;
    Seen { no_secret: Some(no_secret), ..store("etcd", server.port, settings, None).await }
}

/// This build has no driver.
#[cfg(not(feature = "etcd"))]
async fn etcd() -> Seen {
    Seen::default()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn mqtt() -> Seen {
    let broker = Daemon::mosquitto().unwrap();
    halite_site::ensure_packages(&["mosquitto_sub"], &mut std::io::sink()).unwrap();
    let (mut gate, secret) = (Gate::closed(), unique("canary"));
    let bench = Bench::new(&format!(
        "mqtt.host: 127.0.0.1\nmqtt.port: {}\nmqtt.retain: true\nmqtt.username: u\nmqtt.password: {secret}",
        gate.port
    ));
    let port = broker.port.to_string();
    let read = async || {
        said("mosquitto_sub", &["-h", "127.0.0.1", "-p", &port, "-t", "halite/#", "-C", "2", "-W", "5"])
    };
    let up = async || gate.open(broker.port).await;
    seen("mqtt", &bench, items("mqtt"), Some(&secret), up, read).await
}

async fn nats() -> Seen {
    let server = Daemon::nats().unwrap();
    let client = async_nats::connect(format!("127.0.0.1:{}", server.port)).await.unwrap();
    let ask = async |subject: &str, body: &str| {
        let answer = client.request(subject.to_owned(), body.to_owned().into()).await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&answer.payload).unwrap()
    };
    ask("$JS.API.STREAM.CREATE.halite", r#"{"name":"halite","subjects":["halite.>"]}"#).await;
    let (mut gate, secret) = (Gate::closed(), unique("canary"));
    let bench = Bench::new(&format!(
        "nats.servers: 'nats://127.0.0.1:{}'\nnats.jetstream: true\nnats.user: u\nnats.password: {secret}",
        gate.port
    ));
    let read = async || {
        let got = ask("$JS.API.STREAM.MSG.GET.halite", r#"{"last_by_subj":"halite.return.web2"}"#).await;
        let data = got["message"]["data"].as_str().unwrap_or_default();
        let data = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap();
        String::from_utf8(data).unwrap()
    };
    let up = async || gate.open(server.port).await;
    seen("nats", &bench, items("nats"), Some(&secret), up, read).await
}

async fn syslog() -> Seen {
    let server = Daemon::syslog_ng().unwrap();
    let mut gate = Gate::closed();
    let bench =
        Bench::new(&format!("syslog.host: 127.0.0.1\nsyslog.port: {}\nsyslog.transport: tcp", gate.port));
    let messages = server.dir().join("messages");
    let text = async || std::fs::read_to_string(&messages).unwrap_or_default();
    let read = async || until_has("return web2", text).await;
    let up = async || gate.open(server.port).await;
    seen("syslog", &bench, items("syslog"), None, up, read).await
}

async fn influxdb() -> Seen {
    let server = Daemon::influxdb().unwrap();
    let ask = |query: &str| {
        let url = format!("http://127.0.0.1:{}/query?db=salt", server.port);
        said("curl", &["-s", "-XPOST", &url, "--data-urlencode", &format!("q={query}")])
    };
    ask("CREATE DATABASE salt");
    let (mut gate, secret) = (Gate::closed(), unique("canary"));
    let bench = Bench::new(&format!(
        "influxdb.host: 127.0.0.1\ninfluxdb.port: {}\ninfluxdb.db: salt\ninfluxdb.user: u\ninfluxdb.password: {secret}",
        gate.port
    ));
    let up = async || gate.open(server.port).await;
    let read = async || ask("select id,\"return\" from returns");
    seen("influxdb", &bench, items("influxdb"), Some(&secret), up, read).await
}

/// It takes figures; what may mean harm is the name of a function.
async fn prometheus() -> Seen {
    let server = Daemon::pushgateway().unwrap();
    let (mut gate, secret) = (Gate::closed(), unique("canary"));
    let bench = Bench::new(&format!(
        "prometheus.url: http://127.0.0.1:{}\nprometheus.username: u\nprometheus.password: {secret}",
        gate.port
    ));
    let mut items = items("prometheus");
    for item in &mut items {
        if let Item::Return(ret) = item {
            ret.insert("fun", HOSTILE);
        }
    }
    let up = async || gate.open(server.port).await;
    let read = async || said("curl", &["-s", &format!("http://127.0.0.1:{}/metrics", server.port)]);
    seen("prometheus", &bench, items, Some(&secret), up, read).await
}

async fn smtp() -> Seen {
    let server = Daemon::smtp().unwrap();
    let settings =
        "smtp.host: 127.0.0.1\nsmtp.port: PORT\nsmtp.from: salt@example.org\nsmtp.to: ops@example.org\n";
    let no_secret = keeps_secret("smtp", &format!("{settings}smtp.username: u\nsmtp.password: CANARY")).await;
    let mut gate = Gate::closed();
    let bench = Bench::new(&settings.replace("PORT", &gate.port.to_string()));
    let mails = async || {
        let files = std::fs::read_dir(server.dir().join("mail/new")).into_iter().flatten().flatten();
        let text = |file: std::fs::DirEntry| std::fs::read_to_string(file.path()).unwrap_or_default();
        // Without the line breaks that mail puts into long lines.
        files.map(text).collect::<String>().replace("=\r\n", "").replace("=\n", "")
    };
    let read = async || until_has("id: web2", mails).await;
    let up = async || gate.open(server.port).await;
    let seen = seen("smtp", &bench, items("smtp"), None, up, read).await;
    Seen { no_secret: Some(no_secret), ..seen }
}

/// Numbers of a moment that carbon still keeps; one of them has a name that means harm.
async fn carbon() -> Seen {
    let server = Daemon::carbon().unwrap();
    let mut gate = Gate::closed();
    let bench = Bench::new(&format!("carbon.host: 127.0.0.1\ncarbon.port: {}", gate.port));
    let mut item = return_of("web2", Map::from([("load", 0.5), (HOSTILE, 1.5), ("../../../up", 2.5)]));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
    if let Item::Return(ret) = &mut item {
        ret.insert("jid", Jid::from_unix_micros(u64::try_from(now).unwrap()).as_str());
    }
    let whisper = server.dir().join("whisper");
    let load = whisper.join("cmd/run/web2/load.wsp");
    let names = async || {
        let written = load.exists().then(|| said("whisper-fetch", &["--drop=nulls", load.to_str().unwrap()]));
        let files = crate::cli::kit::files_below(&whisper);
        files.iter().map(|file| format!("{}\n", file.display())).collect::<String>()
            + &written.unwrap_or_default()
    };
    let read = async || {
        until_has("DROP_TABLE", names).await;
        until_has("0.5", names).await
    };
    let up = async || gate.open(server.port).await;
    let seen = seen("carbon", &bench, vec![item], None, up, read).await;
    // Blanks and semicolons end a name, so they are underlines there.
    let files = names().await;
    Seen {
        hostile: Some(files.contains("DROP_TABLE_salt_returns") && files.contains("/cmd/run/web2/up.wsp")),
        ..seen
    }
}
