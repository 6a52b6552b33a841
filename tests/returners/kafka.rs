//! `kafka` against brokers of Kafka's C library, which come with kcat.

use super::kit::{Bench, HOSTILE, JID, event, return_of};
use halite_site::{Kafka, KafkaRecord};
use std::time::{Duration, Instant};

/// So many records, once they were read.
pub async fn records(server: &Kafka, count: usize) -> Vec<KafkaRecord> {
    let begun = Instant::now();
    while server.records().len() < count && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.records()
}

fn settings(server: &Kafka) -> String {
    format!("returner.kafka.bootstrap: ['127.0.0.1:{}']\nreturner.kafka.topic: {}", server.port, Kafka::TOPIC)
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_keeps_each_return_under_job_and_host_in_the_partition_of_that_key() {
    let server = Kafka::start().unwrap();
    let bench = Bench::new(&settings(&server));
    let many = (0..150).map(|n| return_of(&format!("web{n}"), "x".repeat(9_000)));
    bench.send("kafka", many.chain([return_of("db1", HOSTILE), event("web1")]).collect()).await;
    let read = records(&server, 152).await;
    assert_eq!(read.len(), 152);
    let hostile = read.iter().find(|record| record.key == format!("{JID}/db1")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&hostile.value).unwrap();
    assert_eq!((&value["return"], &value["id"]), (&HOSTILE.into(), &"db1".into()));
    let partitions: std::collections::BTreeSet<_> = read.iter().map(|record| &record.partition).collect();
    assert_eq!(partitions.len(), 4, "all of them are used");
    bench.send("kafka", vec![return_of("db1", HOSTILE)]).await;
    let again = records(&server, 153).await.pop().unwrap();
    assert_eq!((&again.key, &again.partition), (&hostile.key, &hostile.partition));
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_keeps_returns_here_while_brokers_are_away_or_have_no_such_topic() {
    let server = Kafka::start().unwrap();
    let other = settings(&server).replace("topic: halite", "topic: nobodys");
    let bench = Bench::new(&other);
    bench.put("kafka", vec![return_of("web1", true)]).await;
    assert_eq!(bench.flush("kafka").await.error, r#"there is no topic "nobodys""#);
    let bench = Bench::new(&settings(&server));
    server.process().kill();
    bench.put("kafka", vec![return_of("web1", true)]).await;
    let flushed = bench.flush("kafka").await;
    assert!(!flushed.error.is_empty() && flushed.delivered == 0, "{flushed:?}");
    assert_eq!(bench.waiting().await, 1);
}
