//! Returners against real servers from Debian's packages.

use super::kit::{
    Bench, Flushed, Gate, HOSTILE, JID, event, load, postgres_settings, return_of, states_of, until_has,
};
use halite::jobs::{Options, open_store};
use halite_site::{Daemon, MariaDb, Postgres};
use std::process::Command;
use std::time::Duration;

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a page of a local server says.
fn page(port: u16, path: &str) -> String {
    said("curl", &["-s", &format!("http://127.0.0.1:{port}{path}")])
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_hands_on_what_was_published_and_confirmed() {
    let broker = Daemon::mosquitto().unwrap();
    halite_site::ensure_packages(&["mosquitto_sub"], &mut std::io::sink()).unwrap();
    let bench = Bench::new(&format!("mqtt.port: {}\nmqtt.host: 127.0.0.1\nmqtt.retain: true", broker.port));
    bench.send("mqtt", vec![return_of("web+1", HOSTILE), return_of("web2", "x".repeat(300_000))]).await;
    let port = broker.port.to_string();
    let read = |topic: &str| {
        said("mosquitto_sub", &["-h", "127.0.0.1", "-p", &port, "-t", topic, "-C", "1", "-W", "5"])
    };
    let first: serde_json::Value = serde_json::from_str(&read("halite/return/web_1")).unwrap();
    assert_eq!((&first["return"], &first["jid"]), (&HOSTILE.into(), &JID.into()));
    assert!(read("halite/return/web2").len() > 300_000);
    broker.process().kill();
    bench.put("mqtt", vec![return_of("web3", true)]).await;
    assert!(!bench.flush("mqtt").await.error.is_empty(), "a dead broker is noticed");
    assert_eq!(bench.waiting().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_takes_messages_and_its_stream_knows_a_second_one() {
    let server = Daemon::nats().unwrap();
    let client = async_nats::connect(format!("127.0.0.1:{}", server.port)).await.unwrap();
    let ask = async |subject: &str, body: &str| {
        let answer = client.request(subject.to_owned(), body.to_owned().into()).await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&answer.payload).unwrap()
    };
    let made = ask("$JS.API.STREAM.CREATE.halite", r#"{"name":"halite","subjects":["halite.>"]}"#).await;
    assert!(made.get("error").is_none(), "{made}");
    let bench =
        Bench::new(&format!("nats.servers: 'nats://127.0.0.1:{}'\nnats.jetstream: true", server.port));
    bench.send("nats", vec![return_of("web.1", HOSTILE), event("web1")]).await;
    bench.send("nats", vec![return_of("web.1", HOSTILE)]).await;
    let info = ask("$JS.API.STREAM.INFO.halite", "").await;
    assert_eq!(info["state"]["messages"], 2, "the third was known: {info}");
    let got = ask("$JS.API.STREAM.MSG.GET.halite", r#"{"last_by_subj":"halite.return.web_1"}"#).await;
    let data = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        got["message"]["data"].as_str().unwrap(),
    )
    .unwrap();
    let data: serde_json::Value = serde_json::from_slice(&data).unwrap();
    assert_eq!(data["return"], HOSTILE);
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_ng_reads_every_message_over_tcp_and_udp() {
    let server = Daemon::syslog_ng().unwrap();
    let messages = server.dir().join("messages");
    let read = async || std::fs::read_to_string(&messages).unwrap_or_default();
    for transport in ["tcp", "udp"] {
        let settings = format!(
            "syslog.host: 127.0.0.1\nsyslog.port: {}\nsyslog.transport: {transport}\nsyslog.level: LOG_ERR\nsyslog.facility: LOG_LOCAL3\nsyslog.tag: fleet",
            server.port
        );
        let bench = Bench::new(&settings);
        bench
            .send(
                "syslog",
                vec![return_of(&format!("web-{transport}"), HOSTILE), return_of("web]2\"", "line\nbreak")],
            )
            .await;
        let text = until_has(&format!("web-{transport}"), read).await;
        let line = text.lines().find(|line| line.contains(&format!("web-{transport}"))).unwrap();
        assert!(line.starts_with(&format!("err local3 fleet return web-{transport} {{")), "{line}");
        let json: serde_json::Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
        assert_eq!(json["return"], HOSTILE);
    }
    let text = until_has("web]2\"", read).await;
    assert!(text.contains("return web]2\" {"), "structured data is read back: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn influxdb_has_a_point_for_each_return_however_often_it_is_sent() {
    let server = Daemon::influxdb().unwrap();
    said(
        "curl",
        &[
            "-s",
            "-XPOST",
            &format!("http://127.0.0.1:{}/query", server.port),
            "--data-urlencode",
            "q=CREATE DATABASE salt",
        ],
    );
    let bench =
        Bench::new(&format!("influxdb.host: 127.0.0.1\ninfluxdb.port: {}\ninfluxdb.db: salt", server.port));
    for _ in 0..2 {
        bench
            .send("influxdb", vec![return_of("web 1,a=b", HOSTILE), return_of("web2", "two\nlines"), load()])
            .await;
    }
    let ask = |q: &str| -> serde_json::Value {
        serde_json::from_str(&page(
            server.port,
            &format!("/query?db=salt&q={}", q.replace(' ', "%20").replace('"', "%22")),
        ))
        .unwrap()
    };
    let points = ask("select id,\"return\",full_ret from returns");
    let values =
        points["results"][0]["series"][0]["values"].as_array().unwrap_or_else(|| panic!("{points}")).clone();
    assert_eq!(values.len(), 2, "{points}");
    let first = values.iter().find(|row| row[1] == "web 1,a=b").unwrap();
    assert_eq!(serde_json::from_str::<String>(first[2].as_str().unwrap()).unwrap(), HOSTILE);
    assert!(
        ask("select load from jids")["results"][0]["series"][0]["values"][0][1]
            .as_str()
            .unwrap()
            .contains("cmd.run")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_push_gateway_shows_the_figures_of_each_host() {
    let server = Daemon::pushgateway().unwrap();
    let bench = Bench::new(&format!("prometheus.url: http://127.0.0.1:{}", server.port));
    bench.send("prometheus", vec![states_of("web1"), return_of("web2", true)]).await;
    let text = page(server.port, "/metrics");
    assert!(
        text.contains("halite_states_failed{fun=\"state.highstate\",instance=\"web1\",job=\"halite\"} 1"),
        "{text}"
    );
    assert!(
        text.contains("halite_return_success{fun=\"cmd.run\",instance=\"web2\",job=\"halite\"} 1"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives_with_its_subject_rendered_and_nothing_smuggled_into_its_head() {
    let server = Daemon::smtp().unwrap();
    let settings = format!(
        "smtp.host: 127.0.0.1\nsmtp.port: {}\nsmtp.from: salt@example.org\nsmtp.to: 'ops@example.org, dev@example.org'\n\
         smtp.subject: 'Salt {{{{ fun }}}}'\nsmtp.fields: id",
        server.port
    );
    let bench = Bench::new(&settings);
    bench.send("smtp", vec![return_of("web1\r\nBcc: evil@example.org", HOSTILE)]).await;
    let read = async || {
        let files = std::fs::read_dir(server.dir().join("mail/new"))
            .map(|dir| dir.flatten().collect::<Vec<_>>())
            .unwrap_or_default();
        files.iter().map(|file| std::fs::read_to_string(file.path()).unwrap_or_default()).collect()
    };
    let mail = until_has("Subject: Salt cmd.run web1", read).await;
    let head = &mail[..mail.find("\n\n").unwrap_or(mail.len())];
    assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{mail}");
    assert!(head.contains("ops@example.org") && head.contains("dev@example.org"), "{head}");
    assert!(mail.contains("function: cmd.run") && mail.contains("DROP TABLE"), "{mail}");
}

/// A bench for MariaDB behind a gate, with Salt's tables.
async fn mariadb(gate: &Gate, server: &MariaDb) -> Bench {
    let (user, password, database) = (MariaDb::USER, MariaDb::PASSWORD, MariaDb::DATABASE);
    let settings = |port: u16| {
        format!(
            "mysql.host: 127.0.0.1\nmysql.port: {port}\nmysql.user: {user}\nmysql.pass: '{password}'\nmysql.db: {database}"
        )
    };
    let direct = Bench::new(&settings(server.port));
    let options = Options { opts: &direct.config.opts.0, name: "mysql", set: None, kwargs: None };
    open_store("mysql", options).unwrap().init().await.unwrap();
    Bench::new(&settings(gate.port))
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_07_mariadb_gets_hostile_returns_byte_for_byte_once_it_is_up() {
    let server = MariaDb::start().unwrap();
    let mut gate = Gate::closed();
    let bench = mariadb(&gate, &server).await;
    let items: Vec<_> =
        (0..40).map(|at| return_of(&format!("web{at}"), HOSTILE)).chain([load(), event("web1")]).collect();
    bench.put("mysql", items).await;
    let down = bench.flush("mysql").await;
    assert_eq!((down.delivered, down.error.is_empty()), (0, false));
    gate.open(server.port).await;
    let Flushed { delivered, dead, error } = bench.flush("mysql").await;
    assert_eq!((delivered, dead, error.as_str()), (42, 0, ""));
    assert_eq!(server.sql("SELECT count(*), count(DISTINCT id) FROM salt_returns").unwrap().trim(), "40\t40");
    assert_eq!(server.sql("SELECT count(*) FROM jids").unwrap().trim(), "1");
    assert_eq!(server.sql("SELECT tag FROM salt_events").unwrap().trim(), format!("salt/job/{JID}/ret/web1"));
    let hex = server.sql("SELECT hex(full_ret) FROM salt_returns WHERE id = 'web7'").unwrap();
    let digits: Vec<_> =
        hex.trim().as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect();
    let bytes: Vec<u8> = digits.iter().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    let full: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(full["return"], HOSTILE);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_10_mariadb_misses_nothing_and_has_nothing_twice_when_its_line_is_cut_a_hundred_times() {
    const RETURNS: usize = 10_000;
    let server = MariaDb::start().unwrap();
    let mut gate = Gate::closed();
    let bench = mariadb(&gate, &server).await;
    gate.open(server.port).await;
    bench.put("mysql", (0..RETURNS).map(|at| return_of(&format!("web{at}"), at as i64)).collect()).await;
    let cuts = std::cell::Cell::new(0);
    for round in 0..1000 {
        let cutting = async {
            while cuts.get() < 100 {
                tokio::time::sleep(Duration::from_millis(8 + cuts.get() * 7 % 60)).await;
                gate.cut();
                cuts.set(cuts.get() + 1);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = bench.flush("mysql") => {}
            () = cutting => {}
        }
        if bench.waiting().await == 0 {
            break;
        }
        assert!(round < 999, "{} still wait", bench.waiting().await);
    }
    let cuts = cuts.get();
    let counts = server.sql("SELECT count(*), count(DISTINCT id) FROM salt_returns").unwrap();
    assert_eq!(counts.trim(), format!("{RETURNS}\t{RETURNS}"), "after {cuts} cuts");
    assert!(cuts > 10, "only {cuts} cuts");
}

/// Sends a job and its returns to a store, down at first, and reads them back.
async fn told_and_read_back(name: &'static str, settings: &str, port: u16, init: bool) {
    let mut gate = Gate::closed();
    let bench = Bench::new(&settings.replace("PORT", &gate.port.to_string()));
    bench.put(name, vec![load(), return_of("web1", HOSTILE), return_of("web2", "x".repeat(200_000))]).await;
    assert!(!bench.flush(name).await.error.is_empty(), "{name} is down");
    gate.open(port).await;
    let backend = halite::jobs::BACKENDS.iter().find(|backend| backend.name == name).unwrap();
    let options = Options { opts: &bench.config.opts.0, name: backend.options, set: None, kwargs: None };
    let store = open_store(name, options).unwrap();
    if init {
        store.init().await.unwrap();
    }
    assert_eq!(bench.flush(name).await, Flushed { delivered: 3, dead: 0, error: String::new() }, "{name}");
    bench.send(name, vec![return_of("web1", "another")]).await;
    let returns = store.returns(JID.parse().unwrap()).await.unwrap();
    assert_eq!(returns.len(), 2, "{name}: {returns:?}");
    let value = |id: &str| returns.iter().find(|ret| ret.id.as_str() == id).unwrap().value().clone();
    assert_eq!(value("web1"), HOSTILE.into(), "{name}: the first is kept");
    assert_eq!(value("web2").as_str().unwrap().len(), 200_000, "{name}");
    let job = store.load(JID.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(job.load.get_str("fun"), Some("cmd.run"), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_memcached_and_every_form_of_postgresql_give_back_what_they_were_told() {
    let redis = Daemon::redis().unwrap();
    told_and_read_back("redis", "redis.host: 127.0.0.1\nredis.port: PORT", redis.port, false).await;
    let memcached = Daemon::memcached().unwrap();
    told_and_read_back("memcache", "memcache.host: 127.0.0.1\nmemcache.port: PORT", memcached.port, false)
        .await;
    for name in ["pgjsonb", "postgres", "postgres_local_cache"] {
        let postgres = Postgres::start().unwrap();
        told_and_read_back(name, &postgres_settings(name), postgres.port, true).await;
    }
}
