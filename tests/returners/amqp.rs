//! `amqp` against a real RabbitMQ.

use super::kit::{Bench, Flushed, Gate, HOSTILE, JID, event, return_of};
use super::table::spool_of;
use halite_site::RabbitMq;

fn settings(port: u16) -> String {
    let (user, password) = (RabbitMq::USER, RabbitMq::PASSWORD);
    format!("amqp.host: localhost\namqp.port: {port}\namqp.user: {user}\namqp.password: '{password}'\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_keeps_on_its_disk_what_it_confirmed_and_nothing_is_lost_where_no_queue_is_bound() {
    let mut broker = RabbitMq::start().unwrap();
    let mut gate = Gate::closed();
    let bench = Bench::new(&settings(gate.port));
    bench.put("amqp", vec![return_of("web.1", HOSTILE), return_of("web2", "x".repeat(300_000))]).await;
    let down = bench.flush("amqp").await;
    assert_eq!((down.delivered, down.dead, down.error.is_empty()), (0, 0, false));
    gate.open(broker.port).await;
    broker.queue("some", "halite.return.web2").unwrap();
    let Flushed { delivered, dead, error } = bench.flush("amqp").await;
    assert_eq!((delivered, dead, bench.waiting().await), (1, 0, 1), "{error}");
    assert!(error.contains("\"halite.return.web_1\""), "{error}");
    broker.queue("all", "halite.#").unwrap();
    bench.put("amqp", vec![event("web.1")]).await;
    let both = Flushed { delivered: 2, dead: 0, error: String::new() };
    assert_eq!(bench.flush("amqp").await, both, "the one that came back was sent again");
    let big = "x".repeat(RabbitMq::MESSAGE_MAX);
    bench.put("amqp", vec![return_of("big", big), return_of("web3", true)]).await;
    let Flushed { delivered, dead, .. } = bench.flush("amqp").await;
    assert_eq!((delivered, dead), (1, 1), "one is too large for the broker, its neighbour is not");
    broker.kill_and_restart().unwrap();
    let long = &broker.messages("some").unwrap()[0];
    assert_eq!(long["payload_bytes"].as_u64().unwrap() / 100_000, 3, "{long}");
    let kept = broker.messages("all").unwrap();
    let of = |key: &str| {
        let found = kept.iter().find(|message| message["routing_key"] == key);
        found.unwrap_or_else(|| panic!("{key} is not in {kept:?}"))
    };
    let first = of("halite.return.web_1");
    let body: serde_json::Value = serde_json::from_str(first["payload"].as_str().unwrap()).unwrap();
    assert_eq!((&body["return"], &body["id"]), (&HOSTILE.into(), &"web.1".into()));
    let properties = &first["properties"];
    let key = serde_json::Value::from(format!("{JID}/web.1"));
    assert_eq!((&properties["message_id"], &properties["delivery_mode"]), (&key, &2.into()));
    assert_eq!(properties["headers"]["x-deduplication-header"], key);
    assert_eq!(of("halite.event.web_1")["properties"]["type"], "event");
    assert_eq!(of("halite.return.web3")["properties"]["content_type"], "application/json");
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_is_spoken_to_over_verified_tls_and_a_refused_password_is_in_no_message_and_no_file() {
    const CANARY: &str = "canary-8b1d40-amqp";
    let broker = RabbitMq::start().unwrap();
    broker.queue("all", "#").unwrap();
    let secure = format!("{}amqp.tls: true\n", settings(broker.tls_port));
    let strangers = Bench::new(&secure);
    strangers.put("amqp", vec![return_of("web1", true)]).await;
    let error = strangers.flush("amqp").await.error;
    assert!(error.contains("certificate"), "one nobody vouches for is refused: {error}");
    let known = format!("{secure}amqp.ca_file: {}", broker.certificate.display());
    Bench::new(&known).send("amqp", vec![return_of("web1", HOSTILE)]).await;
    assert_eq!(broker.messages("all").unwrap().len(), 1);
    let wrong = Bench::new(&known.replace(RabbitMq::PASSWORD, CANARY));
    wrong.put("amqp", vec![return_of("web1", true)]).await;
    let error = wrong.flush("amqp").await.error;
    assert!(error.contains("403") && !error.contains(CANARY), "{error}");
    assert!(!spool_of(&wrong).contains(CANARY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_exchange_is_named_and_what_was_for_it_waits() {
    let broker = RabbitMq::start().unwrap();
    let bench = Bench::new(&format!("{}amqp.exchange: nowhere", settings(broker.port)));
    bench.put("amqp", vec![return_of("web1", true)]).await;
    let error = bench.flush("amqp").await.error;
    assert!(error.contains("'nowhere'") && error.contains("404"), "{error}");
    assert_eq!(bench.waiting().await, 1);
    broker.queue("q", "none").unwrap();
    let direct = format!("{}amqp.exchange: default\namqp.routing_key: q", settings(broker.port));
    Bench::new(&direct).send("amqp", vec![return_of("web1", HOSTILE)]).await;
    assert_eq!(broker.messages("q").unwrap().len(), 1);
}
