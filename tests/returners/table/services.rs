//! Services at the other end of HTTP: each request is remembered, and what the documentation asks for is looked at in
//! `schema.rs`.

use super::{Row, SCHEMA, Seen, has_hostile, items, spool_of};
use crate::cli::kit::unique;
use crate::returners::kit::{Bench, Gate, JID, Web};

/// `URL` is the service's address, `CANARY` a secret; then what it answers.
macro_rules! services {
    ($(($name:literal, $settings:expr, $answer:expr)),* $(,)?) => {
        pub const ROWS: &[Row] = &[$(Row {
            name: $name,
            server: SCHEMA,
            tried: || Box::pin(tried($name, $settings, $answer)),
        }),*];
    };
}

services![
    ("appoptics", "appoptics.api_url: URL\nappoptics.api_token: CANARY", "{}"),
    ("couchbase", "couchbase.host: URL\ncouchbase.password: CANARY", r#"{"status":"success"}"#),
    ("couchdb", "couchdb.url: URL\ncouchdb.user: u\ncouchdb.passwd: CANARY", r#"{"ok":true}"#),
    ("elasticsearch", "elasticsearch.hosts: URL\nelasticsearch.api_key: CANARY", "{}"),
    ("hipchat", "hipchat.api_url: URL\nhipchat.api_key: CANARY\nhipchat.room_id: r", ""),
    ("librato", "librato.api_url: URL\nlibrato.email: e\nlibrato.api_token: CANARY", "{}"),
    ("mattermost", "mattermost.api_url: URL\nmattermost.hook: CANARY", "ok"),
    ("nagios_nrdp", "nagios_nrdp.url: URL\nnagios_nrdp.token: CANARY", "<status>0</status>"),
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
const FIGURES: [&str; 3] = ["appoptics", "librato", "sms"];

/// First nobody is there, then somebody who is busy and repeats the secret, then the service.
async fn tried(name: &'static str, settings: &str, answer: &str) -> Seen {
    let canary = unique("canary");
    let gate = Gate::closed();
    let url = format!("http://127.0.0.1:{}", gate.port);
    let bench = Bench::new(&settings.replace("URL", &url).replace("CANARY", &canary));
    bench.put(name, items(name)).await;
    let down = bench.flush(name).await;
    let kept = bench.waiting().await > 0;
    let web = Web::start_at(gate.port, 503, &format!("no {canary}")).await;
    let busy = bench.flush(name).await;
    web.answers(200, answer);
    let up = bench.flush(name).await;
    let heard: Vec<_> = web.heard.lock().unwrap().clone();
    let all: String = heard.iter().map(|heard| format!("{} {}\n", heard.path, heard.body)).collect();
    let figures = FIGURES.contains(&name);
    let spool = spool_of(&bench);
    Seen {
        written: Some(up.error.is_empty() && bench.waiting().await == 0),
        read_back: Some(all.contains(JID) || all.contains("web2") || figures && !all.is_empty()),
        recovered: Some(kept && !down.error.is_empty() && !busy.error.is_empty() && up.delivered > 0),
        hostile: (!figures).then(|| has_hostile(&all)),
        no_secret: Some(![&down.error, &busy.error, &spool].into_iter().any(|text| text.contains(&canary))),
    }
}
