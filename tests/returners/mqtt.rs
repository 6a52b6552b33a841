//! `mqtt` against brokers that break the rules, and a batch too long for what a line holds against a real one.

use super::kit::{Bench, return_of};
use super::table::spool_of;
use crate::cli::kit::unique;
use halite_site::Daemon;
use std::process::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// CONNACK: come in.
const LET_IN: &[u8] = &[0x20, 2, 0, 0];

/// A broker's name, what it says to CONNECT and, where it gets that far, to what is published, and what we say of it.
type Broker = (&'static str, &'static [u8], Option<&'static [u8]>, &'static str);

const BROKERS: &[Broker] = &[
    ("refuses us", &[0x20, 2, 0, 5], None, "code 5"),
    ("answers with something else", &[0xd0, 0], None, "unexpected pingresp"),
    ("announces 256 MB", &[0x20, 0xff, 0xff, 0xff, 0x7f], None, "PacketTooLarge"),
    ("announces more than there is", &[0x20, 0xff, 0xff, 0xff, 0xff], None, "MalformedPacket"),
    ("hangs up", LET_IN, Some(&[]), "hung up"),
    ("lets us in twice", LET_IN, Some(LET_IN), "unexpected connack"),
    ("publishes to us", LET_IN, Some(&[0x30, 3, 0, 1, b'a']), "unexpected publish"),
    ("has a receipt for what it did not get", LET_IN, Some(&[0x40, 2, 0, 9]), "ProtocolError"),
    ("has two for one", LET_IN, Some(&[0x40, 2, 0, 1, 0x40, 2, 0, 1]), "ProtocolError"),
];

/// Says on the first line that comes what such a broker says; then it listens until nobody speaks, or hangs up.
async fn speak(listener: TcpListener, first: &[u8], then: Option<&[u8]>) -> std::io::Result<()> {
    let (mut line, mut heard) = (listener.accept().await?.0, vec![0; 65_536]);
    for said in [Some(first), then].into_iter().flatten() {
        if line.read(&mut heard).await? == 0 || said.is_empty() {
            return Ok(());
        }
        line.write_all(said).await?;
    }
    while line.read(&mut heard).await? > 0 {}
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mqtt_believes_no_broker_that_breaks_the_rules_and_keeps_what_was_for_it() {
    for (name, first, then, says) in BROKERS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let broker = tokio::spawn(speak(listener, first, *then));
        let secret = unique("canary");
        let bench = Bench::new(&format!(
            "mqtt.host: 127.0.0.1\nmqtt.port: {port}\nmqtt.username: u\nmqtt.password: {secret}"
        ));
        bench.put("mqtt", vec![return_of("web1", true), return_of("web2", true)]).await;
        let flushed = bench.flush("mqtt").await;
        assert!(flushed.error.contains(says), "{name}: {flushed:?}");
        assert!(!flushed.error.contains(&secret) && !spool_of(&bench).contains(&secret), "{name}");
        assert_eq!((flushed.delivered, flushed.dead, bench.waiting().await), (0, 0, 2), "{name}");
        broker.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_confirms_more_than_a_line_holds_and_more_than_one_batch() {
    const COUNT: usize = 70;
    let broker = Daemon::mosquitto().unwrap();
    halite_site::ensure_packages(&["mosquitto_sub"], &mut std::io::sink()).unwrap();
    let port = broker.port.to_string();
    let bench = Bench::new(&format!("mqtt.host: 127.0.0.1\nmqtt.port: {port}\nmqtt.retain: true"));
    let long = "x".repeat(200_000);
    bench.send("mqtt", (0..COUNT).map(|n| return_of(&format!("web{n}"), long.as_str())).collect()).await;
    let topics = ["-h", "127.0.0.1", "-p", &port, "-t", "halite/return/+", "-F", "%t", "-W", "10", "-C"];
    let read = Command::new("mosquitto_sub").args(topics).arg(COUNT.to_string()).output().unwrap();
    assert_eq!(String::from_utf8(read.stdout).unwrap().lines().count(), COUNT);
}
