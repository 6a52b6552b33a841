//! The whole table: returner by returner, whether it was written, read back, down and recovered, given hostile values, and
//! kept its secrets. `cargo test --test halite returners::table -- --nocapture` prints it.

use super::kit::{Bench, Gate, HOSTILE, JID, Web, decoded, return_of, states_of};
use crate::cli::kit::{files_below, unique};
use halite::returners::{Item, RETURNERS};
use std::io::Write;

/// Settings of a service at the other end of HTTP: `URL` is its address, `CANARY` a secret; what it answers.
const SERVICES: &[(&str, &str, &str)] = &[
    ("appoptics", "appoptics.api_url: URL\nappoptics.api_token: CANARY", "{}"),
    ("couchbase", "couchbase.host: URL\ncouchbase.password: CANARY", r#"{"status":"success"}"#),
    ("couchdb", "couchdb.url: URL\ncouchdb.user: u\ncouchdb.passwd: CANARY", r#"{"ok":true}"#),
    ("elasticsearch", "elasticsearch.hosts: URL\nelasticsearch.api_key: CANARY", "{}"),
    ("hipchat", "hipchat.api_url: URL\nhipchat.api_key: CANARY\nhipchat.room_id: r", ""),
    ("influxdb", "influxdb.host: URL\ninfluxdb.org: o\ninfluxdb.token: CANARY", ""),
    ("librato", "librato.api_url: URL\nlibrato.email: e\nlibrato.api_token: CANARY", "{}"),
    ("mattermost", "mattermost.api_url: URL\nmattermost.hook: CANARY", "ok"),
    ("nagios_nrdp", "nagios_nrdp.url: URL\nnagios_nrdp.token: CANARY", "<status>0</status>"),
    ("prometheus", "prometheus.url: URL\nprometheus.username: u\nprometheus.password: CANARY", ""),
    ("pushover", "pushover.api_url: URL\npushover.user: u\npushover.token: CANARY", "{}"),
    ("sentry", "raven:\n  servers: [URL]\n  project: '1'\n  public_key: CANARY", "{}"),
    ("slack", "slack.api_url: URL\nslack.api_key: CANARY\nslack.channel: c", r#"{"ok":true}"#),
    ("slack_webhook", "slack_webhook.webhook: URL/CANARY", "ok"),
    ("sms", "sms.api_url: URL\nsms.sid: s\nsms.token: CANARY\nsms.to: '1'\nsms.from: '2'", "{}"),
    ("splunk", "splunk_http_forwarder:\n  indexer: URL\n  token: CANARY", "{}"),
    ("telegram", "telegram.api_url: URL\ntelegram.chat_id: 1\ntelegram.token: CANARY", "{}"),
    ("webhook", "webhook.url: URL/CANARY\nwebhook.secret: CANARY", ""),
];

/// Those that take figures only; what a host says is not among them.
const FIGURES: [&str; 4] = ["appoptics", "librato", "prometheus", "sms"];

/// Held by tests of their own, here or with the job stores.
const ELSEWHERE: [&str; 13] = [
    "carbon",
    "custom",
    "highstate",
    "journald",
    "local",
    "mqtt",
    "multi_returner",
    "nats",
    "rawfile_json",
    "smtp",
    "sqlite3",
    "syslog",
    "zabbix",
];

#[derive(Default)]
struct Row {
    written: bool,
    read_back: bool,
    recovered: bool,
    hostile: bool,
    no_canary: bool,
}

/// Text without what an encoding puts around quotes, so that what was sent is found in any of them.
fn bare(text: &str) -> String {
    let text = decoded(&text.replace('+', "%2B")).replace("&quot;", "\"").replace("&#x27;", "'");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace('\\', "")
}

async fn row(name: &'static str, settings: &str, answer: &str) -> Row {
    let canary = unique("canary");
    let gate = Gate::closed();
    let url = format!("http://127.0.0.1:{}", gate.port);
    let bench = Bench::new(&settings.replace("URL", &url).replace("CANARY", &canary));
    let states = || {
        let mut item = states_of("web1");
        if let Item::Return(ret) = &mut item {
            ret.insert("fun_args", vec![halite_wire::Value::from(HOSTILE)]);
        }
        item
    };
    bench.put(name, vec![states(), return_of("web2", HOSTILE)]).await;
    let down = bench.flush(name).await;
    let kept = bench.waiting().await >= 1;
    let web = Web::start_at(gate.port, 503, &format!("no {canary}")).await;
    let busy = bench.flush(name).await;
    web.answers(200, answer);
    let up = bench.flush(name).await;
    let heard: Vec<_> = web.heard.lock().unwrap().clone();
    let all: String = heard.iter().map(|heard| format!("{} {}\n", heard.path, heard.body)).collect();
    let figures = FIGURES.contains(&name);
    let spool: String = files_below(&bench.path("cache"))
        .iter()
        .map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned())
        .collect();
    Row {
        written: up.error.is_empty() && bench.waiting().await == 0,
        read_back: all.contains(JID) || all.contains("web2") || figures,
        recovered: kept && !down.error.is_empty() && !busy.error.is_empty() && up.delivered >= 1,
        hostile: figures
            || bare(&all).contains(&bare(HOSTILE))
            || bare(&all).contains("'; DROP TABLE salt_returns; --"),
        no_canary: ![&down.error, &busy.error, &spool].into_iter().any(|text| text.contains(&canary)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_green_in_every_column() {
    let mut table = String::from(
        "returner         written  read back  down and recovered  hostile value  secrets kept\n",
    );
    let mut bad = Vec::new();
    for (name, settings, answer) in SERVICES {
        let row = row(name, settings, answer).await;
        let cells = [row.written, row.read_back, row.recovered, row.hostile, row.no_canary];
        let [a, b, c, d, e] = cells.map(|cell| if cell { "yes" } else { "NO" });
        table += &format!("{name:<16} {a:<8} {b:<10} {c:<19} {d:<14} {e}\n");
        if cells.contains(&false) {
            bad.push(*name);
        }
    }
    let _ = write!(std::io::stderr(), "{table}");
    assert!(bad.is_empty(), "{bad:?}\n{table}");
}

#[test]
fn no_returner_is_left_out_of_the_table() {
    let stores: Vec<_> = halite::jobs::BACKENDS.iter().map(|backend| backend.name).collect();
    let is_held = |name: &str| {
        SERVICES.iter().any(|(service, ..)| *service == name)
            || ELSEWHERE.contains(&name)
            || stores.contains(&name)
    };
    let missing: Vec<_> =
        RETURNERS.iter().map(|definition| definition.name).filter(|name| !is_held(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert!(RETURNERS.windows(2).all(|pair| pair[0].name < pair[1].name), "they are sorted");
    for definition in RETURNERS {
        assert!(definition.doc.ends_with('.'), "{}", definition.name);
    }
    let unserved: Vec<_> = stores.into_iter().filter(|name| halite::returners::find(name).is_err()).collect();
    assert_eq!(unserved, Vec::<&str>::new(), "every job store is a returner, too");
}
