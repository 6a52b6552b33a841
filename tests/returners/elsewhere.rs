//! A job store elsewhere (`master_job_cache`) as one more destination: down, hanging, killed, refusing. Nothing is lost,
//! nothing is twice, nobody waits.

use super::kit::Bench;
use halite::fleet::facts::Request;
use halite::fleet::outcome::{HostError, HostErrorKind, Outcome, Phase, Reached, Record};
use halite::jobs::{Job, JobStore, NewJob, RunState, SqliteStore, StoredReturn, elsewhere};
use halite::returners::spool::{DeadLetter, Spool};
use halite::returners::{Outbox, Outlets, Wanted, spool_dir};
use halite_site::MariaDb;
use halite_wire::message::Return;
use halite_wire::{Jid, Map, MinionId, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A configuration whose `master_job_cache` is this server.
fn bench(server: &MariaDb) -> Bench {
    let (user, password, database) = (MariaDb::USER, MariaDb::PASSWORD, MariaDb::DATABASE);
    Bench::new(&format!(
        "master_job_cache: mysql\nmysql.host: {}\nmysql.port: {}\nmysql.user: {user}\nmysql.pass: '{password}'\nmysql.db: {database}",
        MariaDb::HOST,
        server.port
    ))
}

fn there(bench: &Bench) -> Arc<dyn JobStore> {
    elsewhere(&bench.config.opts.0).unwrap().unwrap().1
}

/// A run as the controller makes one: everything is in the spool before the local store has it.
struct Run {
    local: SqliteStore,
    outbox: Outbox,
    request: Request,
    jid: Jid,
    began: Instant,
}

impl Run {
    async fn begin(bench: &Bench, targets: &[MinionId]) -> Run {
        let began = Instant::now();
        let (tgt, tgt_type, user) = ("*".to_owned(), "glob".to_owned(), "root".to_owned());
        let (arg, kwarg, metadata) = (Vec::new(), Map::new(), Map::new());
        let request = Request {
            tgt,
            tgt_type,
            fun: "test.ping".to_owned(),
            arg,
            kwarg,
            user,
            metadata,
            options: Vec::new(),
        };
        let local = SqliteStore::open(&bench.config.dirs.store).await.unwrap();
        let wanted = Wanted::default().with_job_store("mysql");
        let outlets = Outlets::open(&bench.config, &wanted).await.unwrap().unwrap();
        let job = NewJob { request: &request, targets, admitted: targets.len(), wanted: None };
        let jid = local.begin(job).await.unwrap();
        let outbox = outlets.begin(jid, &request, targets).await.unwrap();
        Run { local, outbox, request, jid, began }
    }

    async fn save(&self, records: Vec<Record>) {
        let records: Vec<_> = records.into_iter().map(Arc::new).collect();
        let row = |record: &Arc<Record>| StoredReturn::new(self.jid, &self.request, record);
        let rows: Vec<_> = records.iter().map(row).collect();
        self.outbox.take(&self.request, &records).await.unwrap();
        self.local.save_returns(&rows).await.unwrap();
    }

    /// Ends the run; whether something is left for later.
    async fn end(mut self) -> bool {
        self.outbox.end().await.unwrap();
        self.local.finish(self.jid).await.unwrap();
        self.outbox.close(self.began.elapsed()).await
    }
}

fn ids(names: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<MinionId> {
    names.into_iter().map(|name| name.as_ref().parse().unwrap()).collect()
}

fn record(id: &str, value: impl Into<Value>) -> Record {
    let ret = Return { value: value.into(), retcode: 0, success: true, out: None, notes: Vec::new() };
    Record::new(id.parse().unwrap(), Outcome::Returned(ret))
}

fn unreachable(id: &str) -> Record {
    let kind = HostErrorKind::Unreachable("refused".into());
    let (addr, phase, reached) = (format!("{id}:22"), Phase::Connect, Reached::NotStarted);
    Record::new(id.parse().unwrap(), Outcome::Failed(HostError { addr, phase, reached, kind }))
}

fn rows(server: &MariaDb) -> String {
    server.sql("SELECT count(*), count(DISTINCT jid, id) FROM salt_returns").unwrap().trim().to_owned()
}

async fn dead_letters(bench: &Bench) -> Vec<DeadLetter> {
    let spool = Spool::open(&spool_dir(&bench.config)).await.unwrap();
    spool.dead_letters(Some("mysql")).await.unwrap()
}

async fn there_now(bench: &Bench, jid: Jid) -> Job {
    there(bench).load(jid).await.unwrap().unwrap()
}

/// Flushes until nothing waits.
async fn sent(bench: &Bench) {
    let until = Instant::now() + Duration::from_secs(60);
    while bench.waiting().await > 0 {
        let flushed = bench.flush("mysql").await;
        assert!(Instant::now() < until, "{flushed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_in_the_database_with_all_hosts_and_its_end() {
    let server = MariaDb::start().unwrap();
    let bench = bench(&server);
    there(&bench).init().await.unwrap();
    let run = Run::begin(&bench, &ids(["a", "b"])).await;
    let jid = run.jid;
    run.save(vec![record("a", 1), unreachable("b")]).await;
    run.end().await;
    sent(&bench).await;
    assert_eq!(there_now(&bench, jid).await.state(), RunState::Ended);
    let columns = "SELECT fun, jid, `return`, id, success FROM salt_returns ORDER BY id";
    let a_and_b = server.sql(columns).unwrap();
    let mut lines = a_and_b.lines();
    assert_eq!(lines.next(), Some(format!("test.ping\t{jid}\t1\ta\t1").as_str()));
    assert!(lines.next().unwrap().ends_with("\tb\t0"), "{a_and_b}");
    let full = server.sql("SELECT full_ret FROM salt_returns WHERE id = 'b'").unwrap();
    assert!(full.contains("\"reached\": \"not_started\""), "a store keeps all of it: {full}");
    let spool = Spool::open(&spool_dir(&bench.config)).await.unwrap();
    let status = spool.status().await.unwrap().pop().unwrap();
    assert!(status.name.is_job_store && status.delivered == 4, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_10_a_database_that_is_down_or_hangs_delays_nothing_and_loses_nothing() {
    let server = MariaDb::start().unwrap();
    let bench = bench(&server);
    there(&bench).init().await.unwrap();
    server.process().freeze();
    let targets = ids((0..300).map(|n| format!("host{n}")));
    let run = Run::begin(&bench, &targets).await;
    let (jid, began) = (run.jid, run.began);
    for chunk in targets.chunks(100) {
        run.save(chunk.iter().map(|id| record(id.as_str(), true)).collect()).await;
    }
    assert!(run.end().await, "something is left");
    assert!(began.elapsed() < Duration::from_secs(2), "it was waited for: {:?}", began.elapsed());
    let local = SqliteStore::open(&bench.config.dirs.store).await.unwrap();
    assert_eq!(local.returns(jid).await.unwrap().len(), 300, "all is here");

    server.process().thaw();
    sent(&bench).await;
    assert_eq!(rows(&server), "300\t300");
    assert_eq!(there_now(&bench, jid).await.state(), RunState::Ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_10_absent_tables_and_refused_records_hold_up_no_other_record() {
    let server = MariaDb::start().unwrap();
    let bench = bench(&server);
    let run = Run::begin(&bench, &ids(["a", "b", "c"])).await;
    let jid = run.jid;
    run.save(vec![record("a", 1), record("b", "long".repeat(9)), record("c", 3)]).await;
    assert!(run.end().await);
    assert!(bench.flush("mysql").await.error.contains("refuses"), "it has no tables");
    assert_eq!((bench.waiting().await, dead_letters(&bench).await), (5, vec![]));

    there(&bench).init().await.unwrap();
    server.sql("ALTER TABLE salt_returns MODIFY `return` varchar(30) NOT NULL").unwrap();
    sent(&bench).await;
    assert_eq!(rows(&server), "2\t2");
    let dead = dead_letters(&bench).await;
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!((dead[0].jid.as_str(), dead[0].id.as_str()), (jid.as_str(), "b"));
}

/// How often the server is killed: `HALITE_DB_KILLS`, or a few times.
fn kills() -> usize {
    std::env::var("HALITE_DB_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(4)
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_10_after_kills_of_the_database_every_return_is_there_once() {
    const RETURNS: usize = 10_000;
    let mut server = MariaDb::start().unwrap();
    let bench = bench(&server);
    there(&bench).init().await.unwrap();
    let targets = ids((0..RETURNS).map(|n| format!("host{n}")));
    let run = Run::begin(&bench, &targets).await;
    let (jid, kills) = (run.jid, kills());
    let writer = tokio::spawn(async move {
        for chunk in targets.chunks(RETURNS.div_ceil(4 * kills)) {
            run.save(chunk.iter().map(|id| record(id.as_str(), "x".repeat(2048))).collect()).await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        run.end().await
    });
    let mut seed = u64::from(std::process::id()) | 1 << 40;
    for _ in 0..kills {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        tokio::time::sleep(Duration::from_millis(300 + seed % 700)).await;
        server = tokio::task::spawn_blocking(move || server.kill_and_restart().map(|()| server))
            .await
            .unwrap()
            .unwrap();
    }
    writer.await.unwrap();
    sent(&bench).await;
    assert_eq!(rows(&server), format!("{RETURNS}\t{RETURNS}"), "missing or doubled");
    assert_eq!(there_now(&bench, jid).await.state(), RunState::Ended);
}
