//! Each service's requests, against what its documentation asks for.

use super::kit::{Bench, HOSTILE, Heard, JID, Web, event, jid_seconds, load, return_of, states_of};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite::returners::Item;
use hmac::{Hmac, KeyInit, Mac};

/// Sends one item to a server that answers so, and gives what it heard. `URL` in the settings is the server.
async fn told(returner: &'static str, settings: &str, answer: (u16, &str), item: Item) -> Vec<Heard> {
    let web = Web::start(answer.0, answer.1).await;
    let bench = Bench::new(&settings.replace("URL", &web.url()));
    bench.send(returner, vec![item]).await;
    web.heard.lock().unwrap().clone()
}

async fn told_once(returner: &'static str, settings: &str, answer: (u16, &str), item: Item) -> Heard {
    let mut heard = told(returner, settings, answer, item).await;
    assert_eq!(heard.len(), 1, "{heard:#?}");
    heard.remove(0)
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn a_webhook_is_signed_as_standard_webhooks_says() {
    let key = STANDARD.encode("a key of bytes");
    let settings = format!("webhook.url: URL/hook\nwebhook.secret: whsec_{key}\nwebhook.token: tok");
    let heard = told_once("webhook", &settings, (204, ""), return_of("web1", HOSTILE)).await;
    assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/hook"));
    assert_eq!(heard.header("content-type"), "application/json");
    assert_eq!(heard.header("authorization"), "Bearer tok");
    let (id, time) = (heard.header("webhook-id"), heard.header("webhook-timestamp"));
    assert_eq!(id, format!("return_{JID}_web1"));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"a key of bytes").unwrap();
    mac.update(format!("{id}.{time}.{}", heard.body).as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(heard.header("webhook-signature"), format!("v1,{signature}"));
    assert_eq!(heard.json()["return"], HOSTILE);
    assert_eq!(heard.json()["fun_args"][0], "uptime");
}

#[tokio::test]
async fn slack_gets_a_form_with_a_bearer_token() {
    let settings = "slack.api_url: URL\nslack.api_key: xoxb-1\nslack.channel: '#ops'\nslack.username: salt\nslack.as_user: true";
    let heard = told_once("slack", settings, (200, r#"{"ok":true}"#), return_of("web1", HOSTILE)).await;
    assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/api/chat.postMessage"));
    assert_eq!(heard.header("authorization"), "Bearer xoxb-1");
    let form = heard.form();
    assert_eq!(
        (form["channel"].as_str(), form["username"].as_str(), form["as_user"].as_str()),
        ("#ops", "salt", "true")
    );
    assert!(
        form["text"].starts_with("```id: web1\r\nfunction: cmd.run\r\n") && form["text"].contains(HOSTILE),
        "{form:?}"
    );
}

#[tokio::test]
async fn what_slack_says_in_a_success_decides() {
    let web = Web::start(200, r#"{"ok":false,"error":"ratelimited"}"#).await;
    let bench = Bench::new(&format!("slack.api_url: {}\nslack.api_key: k\nslack.channel: c", web.url()));
    bench.put("slack", vec![return_of("web1", "x")]).await;
    let flushed = bench.flush("slack").await;
    assert_eq!((flushed.delivered, flushed.error.as_str()), (0, "ratelimited"));
    web.answers(200, r#"{"ok":false,"error":"msg_too_long"}"#);
    assert_eq!(bench.flush("slack").await.dead, 1);
    assert_eq!(bench.waiting().await, 0);
}

#[tokio::test]
async fn a_slack_webhook_counts_states() {
    let settings = "slack_webhook.webhook: URL/services/T/B/x\nslack_webhook.show_tasks: true";
    let heard = told_once("slack_webhook", settings, (200, "ok"), states_of("web1")).await;
    let all = &heard.json()["attachments"];
    assert_eq!(all[0]["fallback"], "web1 | Failed");
    assert_eq!(all[1]["title"], "Unchanged: 1");
    assert_eq!(
        (&all[2]["title"], &all[2]["fields"][0]["value"]),
        (&"Changed: 1".into(), &"web.sls | s1".into())
    );
    assert_eq!((&all[3]["title"], &all[3]["color"]), (&"Failed: 1".into(), &"danger".into()));
}

#[tokio::test]
async fn mattermost_telegram_pushover_hipchat_and_sms_get_their_fields() {
    let item = || return_of("web1", HOSTILE);
    let settings =
        "mattermost.api_url: URL\nmattermost.hook: h00k\nmattermost.channel: town\nmattermost.username: salt";
    let heard = told_once("mattermost", settings, (200, "ok"), item()).await;
    assert_eq!(heard.path, "/hooks/h00k");
    let payload: serde_json::Value = serde_json::from_str(&heard.form()["payload"]).unwrap();
    assert_eq!((&payload["channel"], &payload["username"]), (&"town".into(), &"salt".into()));
    assert!(payload["text"].as_str().unwrap().contains(HOSTILE));

    let settings = "telegram.api_url: URL\ntelegram.token: 1:ab\ntelegram.chat_id: 42";
    let heard = told_once("telegram", settings, (200, r#"{"ok":true}"#), item()).await;
    assert_eq!((heard.path.as_str(), heard.form()["chat_id"].as_str()), ("/bot1:ab/sendMessage", "42"));
    assert!(heard.form()["text"].contains(HOSTILE));

    let settings = "pushover.api_url: URL\npushover.user: u\npushover.token: t\npushover.priority: 2\npushover.expire: 60\npushover.retry: 30";
    let heard =
        told_once("pushover", settings, (200, r#"{"status":1}"#), return_of("web1", "long ".repeat(900)))
            .await;
    let form = heard.form();
    assert_eq!(heard.path, "/1/messages.json");
    assert_eq!(
        ["user", "token", "priority", "expire", "retry"].map(|key| form[key].as_str()),
        ["u", "t", "2", "60", "30"]
    );
    assert_eq!(form["message"].chars().count(), 1024, "longer ones are refused");

    let settings = "hipchat.api_url: URL\nhipchat.api_key: k\nhipchat.room_id: ops room";
    let heard = told_once("hipchat", settings, (204, ""), states_of("web1")).await;
    assert_eq!(
        (heard.path.as_str(), heard.header("authorization")),
        ("/v2/room/ops%20room/notification", "Bearer k")
    );
    assert_eq!((&heard.json()["color"], &heard.json()["message_format"]), (&"red".into(), &"text".into()));

    let settings = "sms.api_url: URL\nsms.sid: AC1\nsms.token: t\nsms.to: '+1555'\nsms.from: '+1666'";
    let heard = told_once("sms", settings, (201, "{}"), item()).await;
    assert_eq!(heard.path, "/2010-04-01/Accounts/AC1/Messages.json");
    assert_eq!(heard.header("authorization"), basic("AC1", "t"));
    let form = heard.form();
    assert_eq!((form["To"].as_str(), form["From"].as_str()), ("+1555", "+1666"));
    assert_eq!(form["Body"], format!("Minion: web1\nCmd: cmd.run\nSuccess: True\n\nJid: {JID}"));
}

#[tokio::test]
async fn elasticsearch_makes_the_index_once_and_puts_documents_under_ids_of_their_own() {
    let web = Web::start(201, "{}").await;
    let settings = format!(
        "elasticsearch.hosts: ['{}']\nelasticsearch.states_count: true\nelasticsearch.username: u\nelasticsearch.password: p",
        web.url()
    );
    let bench = Bench::new(&settings);
    let dotted = halite_wire::Map::from([("a.b", "v")]);
    bench
        .send("elasticsearch", vec![states_of("web1"), return_of("web2", dotted), load(), event("web1")])
        .await;
    let heard = web.heard.lock().unwrap().clone();
    let of = |path: &str| {
        heard.iter().find(|heard| heard.path == path).unwrap_or_else(|| panic!("{path}: {heard:#?}"))
    };
    let index = of("/salt-state_highstate-v1");
    assert_eq!((index.method.as_str(), index.header("authorization")), ("PUT", basic("u", "p").as_str()));
    assert_eq!(index.json()["settings"]["number_of_shards"], 1);
    assert!(index.json()["aliases"]["salt-state_highstate"].is_object());
    let states = of(&format!("/salt-state_highstate/_doc/{JID}-web1")).json();
    assert_eq!((&states["counts"]["succeeded"], &states["counts"]["failed"]), (&2.into(), &1.into()));
    assert_eq!(
        (&states["success"], &states["retcode"], &states["minion"]),
        (&false.into(), &2.into(), &"web1".into())
    );
    let dotted = of(&format!("/salt-cmd_run/_doc/{JID}-web2")).json();
    assert_eq!((&dotted["data"]["a_b"], &dotted["data"]["_orig_key"]), (&"v".into(), &"a.b".into()));
    assert_eq!(of(&format!("/salt-master-job-cache/_doc/{JID}")).json()["load"]["fun"], "cmd.run");
    assert_eq!(heard.iter().filter(|heard| heard.path.ends_with("-v1")).count(), 4, "once for each index");
}

#[tokio::test]
async fn influxdb_gets_lines_in_both_versions_of_its_interface() {
    let settings = "influxdb.host: URL\ninfluxdb.db: salt\ninfluxdb.user: u\ninfluxdb.password: p";
    let heard = told_once("influxdb", settings, (204, ""), return_of("web 1,x=y", "a \"b\" \\")).await;
    assert_eq!(
        (heard.path.as_str(), heard.header("authorization")),
        ("/write?db=salt&precision=ns", basic("u", "p").as_str())
    );
    let nanoseconds = JID.parse::<halite_wire::Jid>().unwrap().unix_micros() * 1000;
    let head = format!(
        "returns,fun=cmd.run,id=web\\ 1\\,x\\=y,jid={JID} return=\"\\\"a \\\\\\\"b\\\\\\\" \\\\\\\\\\\"\",full_ret=\"{{"
    );
    assert!(heard.body.starts_with(&head), "{}", heard.body);
    assert!(heard.body.ends_with(&format!("}}\" {nanoseconds}")), "{}", heard.body);
    let settings = "influxdb.host: URL\ninfluxdb.org: our org\ninfluxdb.bucket: b\ninfluxdb.token: t";
    let heard = told_once("influxdb", settings, (204, ""), load()).await;
    assert_eq!(heard.path, "/api/v2/write?org=our%20org&bucket=b&precision=ns");
    assert_eq!(heard.header("authorization"), "Token t");
    assert!(heard.body.starts_with(&format!("jids,jid={JID} load=\"{{")));
}

#[tokio::test]
async fn splunk_sentry_and_nagios_get_their_documents() {
    let settings = "splunk_http_forwarder:\n  token: t0k\n  indexer: URL\n  sourcetype: salt\n  index: main";
    let heard =
        told_once("splunk", settings, (200, r#"{"text":"Success","code":0}"#), return_of("web1", HOSTILE))
            .await;
    assert_eq!(
        (heard.path.as_str(), heard.header("authorization")),
        ("/services/collector/event", "Splunk t0k")
    );
    let event = heard.json();
    assert_eq!(
        (&event["index"], &event["sourcetype"], &event["event"]["return"]),
        (&"main".into(), &"salt".into(), &HOSTILE.into())
    );
    assert!(event["time"].as_str().unwrap().parse::<u64>().unwrap() > jid_seconds() - 400 * 86_400);

    let web = Web::start(200, r#"{"id":"x"}"#).await;
    let dsn = web.url().replace("http://", "http://abc@") + "/7";
    let bench = Bench::new(&format!("raven:\n  dsn: {dsn}"));
    bench.send("sentry", vec![states_of("web1"), return_of("web2", true)]).await;
    let heard = web.heard.lock().unwrap().clone();
    assert!(heard.iter().all(|heard| heard.path == "/api/7/store/"));
    assert!(
        heard[0].header("x-sentry-auth").contains("sentry_version=7")
            && heard[0].header("x-sentry-auth").contains("sentry_key=abc")
    );
    let levels: Vec<_> = ["web1", "web2"]
        .map(|id| heard.iter().find(|h| h.json()["server_name"] == id).unwrap().json())
        .into();
    assert_eq!((&levels[0]["level"], &levels[1]["level"]), (&"error".into(), &"info".into()));
    assert_eq!(levels[1]["event_id"].as_str().unwrap().len(), 32);
    assert_eq!(levels[1]["culprit"], "salt func: cmd.run uptime");

    let settings = "nagios_nrdp.url: URL/nrdp/\nnagios_nrdp.token: t\nnagios_nrdp.service: salt";
    let answer = (200, "<result><status>0</status><message>OK</message></result>");
    let heard = told_once("nagios_nrdp", settings, answer, return_of("a<b", HOSTILE)).await;
    let form = heard.form();
    assert_eq!((form["token"].as_str(), form["cmd"].as_str()), ("t", "submitcheck"));
    let xml = &form["XMLDATA"];
    assert!(xml.contains("<checkresult type='service' checktype='1'><hostname>a&lt;b</hostname><servicename>salt</servicename><state>0</state>"), "{xml}");
    assert!(xml.contains("&lt;b&gt;&amp;amp;&lt;/b&gt;"), "{xml}");
}

#[tokio::test]
async fn librato_appoptics_and_prometheus_get_figures_of_states() {
    let settings = "librato.api_url: URL\nlibrato.email: e\nlibrato.api_token: t";
    let heard = told_once("librato", settings, (202, "{}"), states_of("web1")).await;
    assert_eq!(
        (heard.path.as_str(), heard.header("authorization")),
        ("/v1/measurements", basic("e", "t").as_str())
    );
    let list = heard.json()["measurements"].as_array().unwrap().clone();
    let value = |name: &str| {
        list.iter().find(|m| m["name"] == name).unwrap_or_else(|| panic!("{name}"))["value"].clone()
    };
    assert_eq!(value("saltstack.highstate.failed_states"), 1);
    assert_eq!(value("saltstack.highstate.total_states"), 3);
    assert_eq!(
        (value("saltstack.highstate.runtime"), &list[0]["tags"]["Name"]),
        (4.5.into(), &"web1".into())
    );
    assert!(
        told("librato", settings, (202, "{}"), return_of("web1", true)).await.is_empty(),
        "only runs of states"
    );

    let settings = "appoptics.api_url: URL\nappoptics.api_token: t\nappoptics.tags: {env: prod}";
    let heard = told_once("appoptics", settings, (202, "{}"), states_of("web1")).await;
    assert_eq!(heard.header("authorization"), basic("t", ""));
    let tags = heard.json()["measurements"][0]["tags"].clone();
    assert_eq!((&tags["env"], &tags["state_type"]), (&"prod".into(), &"state.highstate".into()));

    let heard = told_once("prometheus", "prometheus.url: URL", (200, ""), states_of("web/1")).await;
    assert_eq!(
        (heard.method.as_str(), heard.path.as_str()),
        ("PUT", "/metrics/job/halite/instance@base64/d2ViLzE=/fun/state.highstate")
    );
    assert!(
        heard.body.contains("\nhalite_states_failed 1\n")
            && heard.body.contains("\nhalite_return_success 0\n"),
        "{}",
        heard.body
    );
}

#[tokio::test]
async fn couchdb_and_couchbase_get_documents() {
    let heard = told(
        "couchdb",
        "couchdb.url: URL/\ncouchdb.db: salt\ncouchdb.user: u\ncouchdb.passwd: p",
        (201, r#"{"ok":true}"#),
        return_of("web1", HOSTILE),
    )
    .await;
    assert_eq!((heard[0].method.as_str(), heard[0].path.as_str()), ("PUT", "/salt"));
    assert_eq!((heard[1].method.as_str(), heard[1].path.clone()), ("PUT", format!("/salt/{JID}%3Aweb1")));
    assert_eq!(heard[1].header("authorization"), basic("u", "p"));
    let document = heard[1].json();
    assert_eq!((&document["return"], &document["_id"]), (&HOSTILE.into(), &format!("{JID}:web1").into()));
    assert!(document["timestamp"].is_f64());

    let settings = "couchbase.host: URL\ncouchbase.bucket: salt\ncouchbase.user: u\ncouchbase.password: p";
    let heard =
        told_once("couchbase", settings, (200, r#"{"status":"success"}"#), return_of("web1", HOSTILE)).await;
    assert_eq!(
        (heard.path.as_str(), heard.header("authorization")),
        ("/query/service", basic("u", "p").as_str())
    );
    let query = heard.json();
    assert_eq!(
        query["statement"],
        "UPSERT INTO `salt` (KEY, VALUE, OPTIONS) VALUES ($1, $2, {\"expiration\": 86400})"
    );
    assert_eq!(
        (&query["args"][0], &query["args"][1]["return"]),
        (&format!("{JID}/web1").into(), &HOSTILE.into())
    );
}
