//! Frames and ids against those that DataStax's driver for Python makes, and answers of servers that lie.

use super::driver::{log_in, run};
use super::rows::{RETURN, event_id};
use crate::returners::{DeliveryError, Fate};
use halite_roster::Secret;
use halite_wire::Jid;
use scylla_cql::value::CqlTimestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

const STARTUP: &str = "0400000001000000160001000b43514c5f56455253494f4e0005332e302e30";
const AUTH_RESPONSE: &str = "040000000f0000000c000000080073616c74007077";
const QUERY: &str = "0400000007000000cc00000077494e5345525420494e544f2073616c742e73616c745f72657475726e7320286a69642c206d696e696f6e5f69642c2066756e2c20616c7465725f74696d652c2066756c6c5f7265742c2072657475726e2c2073756363657373292056414c55455320283f2c203f2c203f2c203f2c203f2c203f2c203f2900060100070000001432303236313132313033313530323132333435360000000473c3bc6400000009746573742e70696e6700000008000001a1fe205f95000000027b7d00000004747275650000000101";

/// Answers, each without a body.
const AUTHENTICATE: &str = "840000000300000000";
const AUTH_SUCCESS: &str = "840000001000000000";
const RESULT: &str = "840000000800000000";

#[tokio::test]
async fn frames_are_those_of_the_usual_driver() {
    let (mut line, mut server) = tokio::io::duplex(4096);
    server.write_all(&bytes(&[AUTHENTICATE, AUTH_SUCCESS, RESULT].concat())).await.unwrap();
    log_in(&mut line, "salt", &Secret::new("pw".to_owned())).await.unwrap();
    let (jid, id, fun) = ("20261121031502123456", "süd", "test.ping");
    let now = CqlTimestamp(1_795_264_896_917);
    let row = RETURN.with([&jid, &id, &fun, &now, &"{}", &"true", &true]).unwrap();
    run(&mut line, &[row]).await.unwrap();
    drop(line);
    let mut sent = Vec::new();
    server.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, bytes(&[STARTUP, AUTH_RESPONSE, QUERY].concat()));
}

#[test]
fn the_id_of_an_event_has_the_time_of_its_job_and_is_its_own() {
    let jid: Jid = "20261121031502123456".parse().unwrap();
    let id = event_id(Some(jid), "salt/job/1/new", "{}");
    let bytes_of_id = id.as_bytes();
    assert_eq!(bytes_of_id[..8], bytes("bd9d1580e55911f1"));
    assert_eq!((bytes_of_id[8] & 0xc0, bytes_of_id[10] & 1), (0x80, 1));
    assert_eq!(id, event_id(Some(jid), "salt/job/1/new", "{}"));
    assert_ne!(id, event_id(Some(jid), "salt/job/1/ret/a", "{}"));
    assert_ne!(id, event_id(Some(jid), "salt/job/1/new", "{} "));
}

/// How it ends where this is the answer to one row.
async fn answered(answer: &str) -> Result<(), DeliveryError> {
    let (mut line, mut server) = tokio::io::duplex(4096);
    server.write_all(&bytes(answer)).await.unwrap();
    let row = RETURN.with([&"j", &"h", &"f", &CqlTimestamp(0), &"{}", &"true", &true]).unwrap();
    run(&mut line, &[row]).await
}

#[tokio::test]
async fn answers_take_no_more_memory_than_their_bytes() {
    let said = answered("8400000008ffffffff").await.unwrap_err().to_string();
    assert_eq!(said, "the server sent a frame of 4294967295 bytes");
    // A statement it has prepared, of 2^31 - 1 columns.
    answered("840000000800000012000000040000000000017fffffff7fffffff").await.unwrap();
}

#[tokio::test]
async fn answers_that_break_off_or_are_of_another_version_are_errors() {
    // An error without words, one whose words are longer than it, warnings without end, a compressed one, none of ours.
    for answer in [
        "840000000000000000",
        "8400000000000000060000220000ff",
        "840800000800000002ffff",
        "8401000008000000020000",
        "850000000800000000",
        "840000000c00000000",
        "84000000ff00000000",
    ] {
        assert_eq!(answered(answer).await.unwrap_err().fate, Fate::Retry, "{answer}");
    }
}
