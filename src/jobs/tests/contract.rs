//! The contract of [`JobStore`]: every backend must pass [`keeps_the_contract`].

use super::*;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A clock that shows what the test puts into it.
pub(super) fn hand_clock() -> (Arc<AtomicU64>, Clock) {
    let hand = Arc::new(AtomicU64::new(1_495_061_000_000_000));
    let shown = Arc::clone(&hand);
    (hand, Box::new(move || shown.load(Ordering::SeqCst)))
}

/// How much of a return a store's layout has room for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Keeps {
    Everything,
    /// `return`, `retcode` and `success` alone.
    TheReturn,
}

impl Keeps {
    /// Whether `found` is what such a store makes of `saved`.
    fn agrees(self, found: &StoredReturn, saved: &StoredReturn) -> bool {
        let same = |key| found.full_ret.get(key) == saved.full_ret.get(key);
        match self {
            Keeps::Everything => found == saved,
            Keeps::TheReturn => {
                let head = |ret: &StoredReturn| (ret.jid, ret.id.clone(), ret.fun.clone(), ret.success);
                head(found) == head(saved)
                    && ["id", "jid", "fun", "return", "retcode", "success"].into_iter().all(same)
            }
        }
    }
}

/// `store` must be empty, and go by the clock that `hand` sets.
pub(super) async fn keeps_the_contract(store: &dyn JobStore, hand: &AtomicU64, keeps: Keeps) {
    store.init().await.unwrap();
    store.init().await.expect("what is there stays");
    let jid = keeps_jobs(store).await;
    keeps_the_first_return_of_a_host(store, jid, keeps).await;
    counts_hosts(store, keeps).await;
    keeps_hostile_words(store, keeps).await;
    takes_over(store, keeps).await;
    gives_rising_ids(store, hand).await;
    honours_a_wanted_id(store).await;
    finds(store, hand).await;
    prunes(store, hand).await;
}

async fn keeps_jobs(store: &dyn JobStore) -> Jid {
    assert!(store.list().await.unwrap().is_empty());
    let mut request = request("test.ping");
    request.kwarg.insert("cwd", "/");
    let targets = ids(["web2", "db 1", "süd", "web1"]);
    let jid = store
        .begin(NewJob { request: &request, targets: &targets, admitted: 2, wanted: None })
        .await
        .unwrap();

    let job = store.load(jid).await.unwrap().unwrap();
    assert_eq!((job.jid, job.state()), (jid, RunState::Running));
    assert!(job.admitted >= 2, "those who may have begun: {}", job.admitted);
    assert_eq!(job.load, job_load(jid, &request));
    assert_eq!(store.targets(jid).await.unwrap(), targets, "in the order of their turns");
    assert_eq!(store.list().await.unwrap(), [job]);

    store.finish(jid).await.unwrap();
    assert_eq!(store.load(jid).await.unwrap().unwrap().state(), RunState::Ended);
    assert_eq!(store.targets(jid).await.unwrap(), targets);

    let nobody: Jid = "20000101000000000000".parse().unwrap();
    assert_eq!(store.load(nobody).await.unwrap(), None);
    assert!(
        store.returns(nobody).await.unwrap().is_empty() && store.targets(nobody).await.unwrap().is_empty()
    );
    jid
}

async fn counts_hosts(store: &dyn JobStore, keeps: Keeps) {
    let mut request = request("state.apply");
    request.fun = "state.apply".to_owned();
    let state = Map::from([("changes", Value::from(Map::from([("new", "1.2")]))), ("result", true.into())]);
    let states = Map::from([("pkg_|-nginx_|-nginx_|-installed", state)]);
    let targets = ids(["well", "changed", "failed", "gone", "awaited"]);
    let job = NewJob { request: &request, targets: &targets, admitted: 5, wanted: None };
    let jid = store.begin(job).await.unwrap();
    let records = [
        record("well", Map::new()),
        record("changed", states),
        returned("failed", "no", 2),
        unreachable("gone"),
    ];
    let rows = records.map(|record| StoredReturn::new(jid, &request, &record));
    store.save_returns(&rows).await.unwrap();
    let nobody: Jid = "20000101000000000000".parse().unwrap();
    let counts = store.counts(&[nobody, jid]).await.unwrap();
    // Where there is no room for more, a host that gave no answer is one that failed.
    let (failed, lost) = if keeps == Keeps::Everything { (1, 1) } else { (2, 0) };
    let wanted = Counts { targets: 5, ok: 1, changed: 1, failed, lost };
    assert_eq!(counts, [Counts::default(), wanted], "{}", store.place());
    assert_eq!(counts[1].without(), 1);
    store.finish(jid).await.unwrap();
}

/// The returns of the job are these, in whatever order.
async fn has_returns(store: &dyn JobStore, jid: Jid, saved: &[&StoredReturn], keeps: Keeps) {
    let mut found = store.returns(jid).await.unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    let mut saved = saved.to_vec();
    saved.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(found.len(), saved.len(), "{found:#?}");
    for (found, saved) in found.iter().zip(saved) {
        assert!(keeps.agrees(found, saved), "{found:#?} for {saved:#?}");
    }
}

async fn keeps_the_first_return_of_a_host(store: &dyn JobStore, jid: Jid, keeps: Keeps) {
    let odd = Value::Map(Map::from([
        ("bytes", Value::Bytes(vec![0xff, 0, 0x1b])),
        ("big", Value::BigInt("123456789012345678901234567890".into())),
        ("nan", Value::Float(f64::NAN)),
        ("deep", Value::List(vec![Value::Null, Value::Map(Map::from([("", 1.5)]))])),
    ]));
    let first = [stored(jid, &record("web1", odd)), stored(jid, &unreachable("db 1"))];
    store.save_returns(&first).await.unwrap();
    let again = [stored(jid, &record("web1", "another")), stored(jid, &record("süd", true))];
    store.save_returns(&again).await.unwrap();
    store.save_returns(&again).await.unwrap();
    has_returns(store, jid, &[&first[0], &first[1], &again[1]], keeps).await;
    store.save_returns(&[]).await.unwrap();
    let admitted = store.load(jid).await.unwrap().unwrap().admitted;
    assert!(admitted >= 4, "each of three hosts that are done admits another: {admitted}");
}

/// SEC-07: what a host answers or is called is never read as part of a statement.
async fn keeps_hostile_words(store: &dyn JobStore, keeps: Keeps) {
    let words = [
        "'; DROP TABLE jids; --",
        "\"; DROP TABLE salt_returns; #",
        "\\' OR 1=1 \\",
        "a\u{0}b",
        "\u{10ffff}\u{1f600}",
        "\r\nset x 0 0 1\r\n",
        "%s %d ${x} `id` $(id)",
        "$1 ?1 :name @x",
    ];
    let mut request = request("test.echo");
    request.arg = words.iter().map(|word| Value::from(*word)).collect();
    let names = ["'; DROP TABLE jids; --", "a\"b", "$(touch x)", "%", "*", "a:b,c"];
    let targets = ids(names.into_iter().filter(|name| name.parse::<MinionId>().is_ok()));
    let jid = store
        .begin(NewJob { request: &request, targets: &targets, admitted: 9, wanted: None })
        .await
        .unwrap();
    let map: Map = words.iter().map(|word| (*word, *word)).collect();
    let value = |n: usize| if n == 0 { map.clone().into() } else { Value::from(words[n % words.len()]) };
    let saved: Vec<_> = targets
        .iter()
        .enumerate()
        .map(|(n, id)| StoredReturn::new(jid, &request, &record(id.as_str(), value(n + 1))))
        .collect();
    store.save_returns(&saved).await.unwrap();
    has_returns(store, jid, &saved.iter().collect::<Vec<_>>(), keeps).await;
    assert_eq!(store.targets(jid).await.unwrap(), targets);
    assert_eq!(store.load(jid).await.unwrap().unwrap().load, job_load(jid, &request));
    store.finish(jid).await.unwrap();
}

/// A job that began elsewhere comes whole, however often.
async fn takes_over(store: &dyn JobStore, keeps: Keeps) {
    let jid: Jid = "20170517224315709946".parse().unwrap();
    let (request, targets) = (request("state.apply"), ids(["b", "a"]));
    let job = Job { jid, load: job_load(jid, &request), owner: Owner::this(), admitted: 2, ended: None };
    let ended = Job { ended: Some("20170517224316000000".parse().unwrap()), ..job.clone() };
    let saved = StoredReturn::new(jid, &request, &record("a", vec!["x"; 3]));
    for job in [&job, &ended, &ended] {
        store.put(job, &targets).await.unwrap();
        store.save_returns(std::slice::from_ref(&saved)).await.unwrap();
    }
    let found = store.load(jid).await.unwrap().unwrap();
    assert_eq!(Job { admitted: 2, ..found }, ended);
    assert_eq!(store.targets(jid).await.unwrap(), targets);
    has_returns(store, jid, &[&saved], keeps).await;
}

/// Searches give what agrees and nothing else.
async fn finds(store: &dyn JobStore, hand: &AtomicU64) {
    hand.store(3_000_000_000_000_000, Ordering::SeqCst);
    let mut jids = Vec::new();
    for fun in ["state.apply", "state.highstate", "stateful", "pkg.install", "saltutil.find_job"] {
        let request = request(fun);
        let job = NewJob { request: &request, targets: &ids(["a"]), admitted: 1, wanted: None };
        let jid = store.begin(job).await.unwrap();
        store.finish(jid).await.unwrap();
        jids.push(jid);
    }
    let since = Search { since: Some(jids[0]), ..Search::default() };
    let funs = |patterns: &[&str]| Search {
        functions: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        ..since.clone()
    };
    let cases = [
        (since.clone(), vec![0, 1, 2, 3, 4]),
        (Search { until: Some(jids[2]), ..since.clone() }, vec![0, 1, 2]),
        (funs(&["state.*"]), vec![0, 1]),
        (funs(&["state[.f]*", "*install"]), vec![0, 1, 2, 3]),
        (funs(&["state_*", "%"]), vec![]),
        (Search { newest: Some(1), ..funs(&["state.*"]) }, vec![1]),
        (Search { newest: Some(2), ..since.clone() }, vec![3, 4]),
        (Search { newest: Some(1), without: Some("saltutil.find_job".into()), ..since.clone() }, vec![3]),
    ];
    for (search, expected) in cases {
        let found: Vec<Jid> = store.find(&search).await.unwrap().iter().map(|job| job.jid).collect();
        assert_eq!(found, expected.iter().map(|n| jids[*n]).collect::<Vec<_>>(), "{search:?}");
    }
}

async fn gives_rising_ids(store: &dyn JobStore, hand: &AtomicU64) {
    let hour = 3_600_000_000;
    let mut last = begin(store, &[]).await;
    for step in [0, 0, -hour, 1, -hour, 24 * 365 * hour, -24 * 365 * hour, 0] {
        hand.fetch_add_signed(step);
        let next = begin(store, &[]).await;
        assert!(next > last, "{next} after {last}, the clock went {step} µs");
        last = next;
    }
}

trait AddSigned {
    fn fetch_add_signed(&self, by: i64);
}

impl AddSigned for AtomicU64 {
    fn fetch_add_signed(&self, by: i64) {
        let _ = self.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |at| Some(at.wrapping_add_signed(by)));
    }
}

/// Jobs of one moment, told apart by their processes, are found each by its own id, and all of them within their moment.
pub(super) async fn keeps_ids_with_a_process(store: &dyn JobStore) {
    let request = request("test.ping");
    let texts = ["20171025203830123456", "20171025203830123456_1234", "20171025203830123456_77"];
    let others = ["20171025203830123455_9999999999", "20171025203830123457"];
    let jids: Vec<Jid> = texts.iter().chain(&others).map(|text| text.parse().unwrap()).collect();
    for jid in &jids {
        let job = NewJob { request: &request, targets: &ids(["a"]), admitted: 1, wanted: Some(*jid) };
        assert_eq!(store.begin(job).await.unwrap(), *jid);
        store.save_returns(&[stored(*jid, &record("a", jid.as_str()))]).await.unwrap();
    }
    for jid in &jids {
        assert_eq!(store.load(*jid).await.unwrap().unwrap().jid, *jid, "{}", store.place());
        let returns = store.returns(*jid).await.unwrap();
        assert_eq!(returns.len(), 1, "{jid} at {}", store.place());
        assert_eq!(returns[0].value().as_str(), Some(jid.as_str()), "{}", store.place());
        store.finish(*jid).await.unwrap();
    }
    let moment = Search { since: Some(jids[0]), until: Some(jids[0].last_of_moment()), ..Search::default() };
    let found: Vec<Jid> = store.find(&moment).await.unwrap().iter().map(|job| job.jid).collect();
    assert_eq!(found, jids[..3], "{}", store.place());
    let next = begin(store, &[]).await;
    assert!(jids.iter().all(|jid| next > *jid), "{next}");
}

async fn honours_a_wanted_id(store: &dyn JobStore) {
    let newest = store.list().await.unwrap().pop().unwrap().jid;
    let wanted: Jid = (newest.as_str().parse::<u128>().unwrap() + 1).to_string().parse().unwrap();
    let request = request("test.ping");
    let job = NewJob { request: &request, targets: &[], admitted: 0, wanted: Some(wanted) };
    assert_eq!(store.begin(job).await.unwrap(), wanted);
    assert!(matches!(store.begin(job).await, Err(StoreError::JidTaken(jid)) if jid == wanted));
    let next = begin(store, &[]).await;
    assert!(next > wanted, "the id somebody asked for is not given out again");
}

async fn prunes(store: &dyn JobStore, hand: &AtomicU64) {
    let old = store.list().await.unwrap();
    for job in &old[1..] {
        store.finish(job.jid).await.unwrap();
    }
    hand.store(4_000_000_000_000_000, Ordering::SeqCst);
    let running = begin(store, &ids(["a"])).await;
    hand.fetch_add(86_400_000_001, Ordering::SeqCst);
    let fresh = begin(store, &ids(["a"])).await;
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 0, "zero keeps all");
    assert_eq!(store.prune(Duration::from_secs(86_400)).await.unwrap(), old.len() as u64);
    let left: Vec<_> = store.list().await.unwrap().iter().map(|job| job.jid).collect();
    assert_eq!(left, [running, fresh], "old jobs that still run stay");
    assert!(
        store.returns(old[0].jid).await.unwrap().is_empty()
            && store.targets(old[0].jid).await.unwrap().is_empty()
    );

    store.finish(running).await.unwrap();
    assert_eq!(store.prune(Duration::from_secs(86_400)).await.unwrap(), 0, "not twice within minutes");
    hand.fetch_add(301_000_000, Ordering::SeqCst);
    assert_eq!(store.prune(Duration::from_secs(86_400)).await.unwrap(), 1);
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let dir = TempDir::new();
    let (hand, clock) = hand_clock();
    let store = SqliteStore::open_with_clock(dir.path(), clock).await.unwrap();
    keeps_the_contract(&store, &hand, Keeps::Everything).await;
    let dir = TempDir::new();
    keeps_ids_with_a_process(&SqliteStore::open(dir.path()).await.unwrap()).await;
}

#[tokio::test]
async fn a_store_with_unique_ids_ends_them_with_the_process_and_they_still_rise() {
    let dir = TempDir::new();
    let (hand, clock) = hand_clock();
    let store = SqliteStore::open_with_clock(dir.path(), clock).await.unwrap().with_unique_ids(true);
    let end = format!("_{}", std::process::id());
    let first = begin(&store, &[]).await;
    hand.fetch_sub(3_600_000_000, Ordering::SeqCst);
    let second = begin(&store, &[]).await;
    assert!(first.as_str().ends_with(&end) && second.as_str().ends_with(&end), "{first} {second}");
    assert!(second.unix_micros() > first.unix_micros(), "{second} after {first}");
}

#[tokio::test]
async fn sec_07_what_hosts_say_is_stored_and_never_read_as_a_statement() {
    let dir = TempDir::new();
    keeps_hostile_words(&SqliteStore::open(dir.path()).await.unwrap(), Keeps::Everything).await;
}

#[tokio::test]
async fn other_programs_find_salts_tables() {
    use sqlx::{Connection, Row};
    let dir = TempDir::new();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let jid = begin(&store, &ids(["web1"])).await;
    store.save_returns(&[stored(jid, &record("web1", vec![1, 2]))]).await.unwrap();

    let url = format!("sqlite://{}", dir.store_file().display());
    let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let row = sqlx::query("SELECT fun, jid, return, id, success, full_ret, alter_time FROM salt_returns");
    let row = row.fetch_one(&mut conn).await.unwrap();
    let columns: Vec<String> = (0..5).map(|column| row.get(column)).collect();
    assert_eq!(columns, ["test.ping", jid.as_str(), "[1,2]", "web1", "1"]);
    let full: serde_json::Value = serde_json::from_str(row.get(5)).unwrap();
    assert_eq!(full["return"], serde_json::json!([1, 2]));
    let load: String = sqlx::query("SELECT load FROM jids").fetch_one(&mut conn).await.unwrap().get(0);
    let load: serde_json::Value = serde_json::from_str(&load).unwrap();
    assert_eq!(load["arg"], serde_json::json!(["a", 7]));
}

#[tokio::test]
async fn readers_see_a_run_as_it_goes_and_an_absent_store_is_no_error() {
    let dir = TempDir::new();
    assert!(SqliteStore::open_to_read(dir.path()).await.unwrap().is_none());
    assert!(!dir.store_file().exists(), "reading makes nothing");
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let reader = SqliteStore::open_to_read(dir.path()).await.unwrap().unwrap();
    let jid = begin(&store, &ids(["a"])).await;
    store.save_returns(&[stored(jid, &record("a", true))]).await.unwrap();
    assert_eq!(reader.returns(jid).await.unwrap().len(), 1);
    let refused = reader.finish(jid).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
}
