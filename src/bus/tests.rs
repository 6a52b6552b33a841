//! The event log and its announcer over a real directory.

use super::*;
use crate::fleet::facts::{Consumer, Fact, Plan, Step, Tally};
use crate::jobs::tests::{TempDir, record, request};
use halite_roster::Host;
use halite_wire::{Jid, Map, Value};
use std::sync::Arc;

fn event(tag: &str) -> Event {
    Event { tag: tag.to_owned(), data: Map::from([("n", 1)]) }
}

fn tags(events: &[(i64, Event)]) -> Vec<&str> {
    events.iter().map(|(_, event)| event.tag.as_str()).collect()
}

#[tokio::test]
async fn whoever_follows_sees_what_other_processes_append_in_order() {
    let dir = TempDir::new();
    let mut reader = EventLog::open(dir.path(), "m").await.unwrap();
    assert_eq!((reader.newest().await.unwrap(), reader.after(0, 9).await.unwrap()), (0, vec![]));
    let mut writers =
        [EventLog::open(dir.path(), "a").await.unwrap(), EventLog::open(dir.path(), "b").await.unwrap()];
    writers[0].append(&[event("one"), event("two")]).await.unwrap();
    let place = reader.newest().await.unwrap();
    writers[1].append(&[event("three")]).await.unwrap();
    assert_eq!(tags(&reader.after(0, 2).await.unwrap()), ["one", "two"]);
    let news = reader.after(place, 9).await.unwrap();
    assert_eq!(news, [(place + 1, event("three"))]);
}

#[test]
fn sec_28_a_host_cannot_speak_in_the_name_of_the_controller_or_of_another_host() {
    let jid = Jid::from_unix_micros(1);
    let id = "web1".parse().unwrap();
    let told = |tag: &str| tag_of_host(jid, &id, tag);
    let reserved = [
        "salt/job/20260101000000000000/publish",
        "salt/auth",
        "salt/key",
        "/salt/auth",
        "//Salt/auth",
        "salt",
        "minion_start",
        "salt/minion/web2/start",
        "salt/state_result/19700101000000000001/web2/x",
        "salt/state_result/20260101000000000000/web1/x",
        "salt/job/19700101000000000001/prog/web2/0",
        "salt/job/19700101000000000001/ret/web1",
        "20260101000000000000",
        "host/web2/x",
        "syndic/x",
        "sal\0t/auth",
        "",
    ];
    for tag in reserved {
        let told = told(tag);
        assert!(told.starts_with("host/web1/"), "{tag:?} became {told:?}");
        assert!(!told.contains(char::is_control));
    }
    let own = format!("salt/state_result/{jid}/web1/nginx");
    for tag in ["site/deployed", own.as_str(), "salty/x"] {
        assert_eq!(told(tag), tag);
    }
    assert_eq!(told(&"x".repeat(9000)).len(), 255);
}

#[test]
fn a_run_announces_its_beginning_its_returns_and_what_hosts_send() {
    let dir = TempDir::new();
    let jid = Jid::from_unix_micros(1_795_230_066_000_123);
    let host = Host::new("web1".parse().unwrap(), "10.0.0.1");
    let plan = Arc::new(Plan { jid, request: request("state.apply"), hosts: vec![host.clone()] });
    let step = Value::Map(Map::from([("event", "salt/auth"), ("data", "let me in")]));
    let facts = [
        Fact::RunStarted { plan },
        Fact::HostProgress { minion: host.id.clone(), step: Step::Reported(step) },
        Fact::HostProgress { minion: host.id.clone(), step: Step::Reported(Value::Null) },
        Fact::HostFinished { record: Arc::new(record("web1", "done")), cached: true },
        Fact::RunFinished { jid, tally: Tally::default() },
    ];
    let mut announcer = Announcer::new(dir.path(), "here_master", Box::new(|| 1_795_230_066_000_123));
    facts.iter().for_each(|fact| announcer.on_fact(fact).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let events =
        runtime.block_on(async { EventLog::open(dir.path(), "m").await.unwrap().after(0, 9).await.unwrap() });
    let expected =
        [format!("salt/job/{jid}/new"), "host/web1/salt/auth".into(), format!("salt/job/{jid}/ret/web1")];
    assert_eq!(tags(&events), expected);
    let data = |place: usize, key: &str| events[place].1.data.get(key).cloned().unwrap_or_default();
    assert_eq!(data(0, "minions"), Value::List(vec!["web1".into()]));
    assert_eq!((data(1, "id"), data(1, "data")), ("web1".into(), "let me in".into()));
    assert_eq!((data(2, "return"), data(2, "cmd")), ("done".into(), "_return".into()));
    assert_eq!(data(2, "_stamp"), "2026-11-21T03:01:06.000123".into());
}

#[tokio::test]
async fn sec_11_a_link_or_a_pipe_in_the_place_of_the_log_is_refused_at_once() {
    let dir = TempDir::new();
    let place = dir.path().join(FILE_NAME);
    std::os::unix::fs::symlink("/etc/passwd", &place).unwrap();
    assert!(EventLog::open(dir.path(), "m").await.is_err());
    std::fs::remove_file(&place).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&place).status().unwrap().success());
    assert!(EventLog::open(dir.path(), "m").await.is_err());
}

#[tokio::test]
async fn sec_35_the_log_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new();
    let mut log = EventLog::open(dir.path(), "m").await.unwrap();
    log.append(&[event("x")]).await.unwrap();
    let names = ["", "-wal", "-shm"].map(|end| dir.path().join(format!("{FILE_NAME}{end}")));
    for file in names.iter().filter(|file| file.exists()) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
    }
}
