//! Stores that are damaged, foreign, newer, full, unwritable or not files at all.

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// Opens what lies in `dir` both ways, and demands the same refusal within 50 ms. A busy machine gets three tries.
async fn refused(dir: &TempDir) -> StoreError {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let to_read = SqliteStore::open_to_read(dir.path()).await.err().expect("it was opened to read");
        fastest = fastest.min(start.elapsed());
        let to_write = SqliteStore::open(dir.path()).await.err().expect("it was opened to write");
        assert_eq!(
            std::mem::discriminant(&to_write),
            std::mem::discriminant(&to_read),
            "{to_write}; {to_read}"
        );
    }
    assert!(fastest < Duration::from_millis(50), "the refusal took {fastest:?}");
    let error = SqliteStore::open(dir.path()).await.err().expect("it was opened");
    assert!(error.to_string().contains(FILE_NAME), "{error}");
    error
}

#[tokio::test]
async fn sec_11_a_pipe_in_place_of_the_store_is_refused_at_once() {
    for name in [FILE_NAME.to_owned(), format!("{FILE_NAME}-wal"), format!("{FILE_NAME}-shm")] {
        let dir = TempDir::new();
        let made = std::process::Command::new("mkfifo").arg(dir.path().join(&name)).status().unwrap();
        assert!(made.success());
        assert!(matches!(refused(&dir).await, StoreError::NotAStore { .. }));
    }
}

#[tokio::test]
async fn sec_11_a_link_in_place_of_the_store_is_refused_and_its_aim_untouched() {
    let dir = TempDir::new();
    let aim = dir.path().join("aim");
    for exists in [false, true] {
        if exists {
            std::fs::write(&aim, "").unwrap();
        }
        let _ = std::fs::remove_file(dir.store_file());
        std::os::unix::fs::symlink(&aim, dir.store_file()).unwrap();
        assert!(matches!(refused(&dir).await, StoreError::NotAStore { .. }));
        assert_eq!(std::fs::read(&aim).unwrap_or_default(), b"");
    }
}

#[tokio::test]
async fn ctl_11_foreign_things_in_place_of_the_store_are_refused_and_untouched() {
    let dir = TempDir::new();
    let foreign = b"I am a diary, not a database. ".repeat(500);
    std::fs::write(dir.store_file(), &foreign).unwrap();
    assert!(matches!(refused(&dir).await, StoreError::NotAStore { .. }));
    assert_eq!(std::fs::read(dir.store_file()).unwrap(), foreign);

    std::fs::remove_file(dir.store_file()).unwrap();
    std::fs::create_dir(dir.store_file()).unwrap();
    assert!(matches!(refused(&dir).await, StoreError::NotAStore { .. }));
}

#[tokio::test]
async fn ctl_11_the_database_of_another_program_is_refused_and_untouched() {
    let dir = TempDir::new();
    run_sql(&dir, "CREATE TABLE diary (day); INSERT INTO diary VALUES ('mine');").await;
    let before = std::fs::read(dir.store_file()).unwrap();
    assert!(matches!(refused(&dir).await, StoreError::NotAStore { .. }));
    assert_eq!(std::fs::read(dir.store_file()).unwrap(), before);
}

#[tokio::test]
async fn ctl_17_a_newer_format_is_refused_and_untouched() {
    let dir = TempDir::new();
    drop_store(SqliteStore::open(dir.path()).await.unwrap()).await;
    run_sql(&dir, "PRAGMA user_version = 4; PRAGMA wal_checkpoint(TRUNCATE);").await;
    let before = std::fs::read(dir.store_file()).unwrap();
    let error = refused(&dir).await;
    assert!(matches!(error, StoreError::Newer { found: 4, known: 3, .. }), "{error}");
    assert_eq!(std::fs::read(dir.store_file()).unwrap(), before);
}

#[tokio::test]
async fn ctl_17_a_store_of_the_format_before_is_read_as_it_is_and_raised_by_the_first_writer() {
    let dir = TempDir::new();
    run_sql(&dir, include_str!("format_1.sql")).await;
    let before = std::fs::read(dir.store_file()).unwrap();
    let reader = SqliteStore::open_to_read(dir.path()).await.unwrap().unwrap();
    let search = Search { functions: vec!["test.*".into()], ..Search::default() };
    let job = reader.find(&search).await.unwrap().pop().unwrap();
    assert_eq!(reader.targets(job.jid).await.unwrap(), ids(["a", "b"]));
    assert_eq!(reader.returns(job.jid).await.unwrap()[0].value(), &Value::Bool(true));
    drop_store(reader).await;
    assert_eq!(std::fs::read(dir.store_file()).unwrap(), before, "reading changes nothing");

    let writer = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(writer.find(&search).await.unwrap(), std::slice::from_ref(&job));
    let next = begin(&writer, &ids(["a"])).await;
    assert!(next > job.jid);
    drop_store(writer).await;
    drop_store(SqliteStore::open(dir.path()).await.unwrap()).await;
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let dir = TempDir::new();
    std::fs::write(dir.store_file(), "").unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    begin(&store, &ids(["a"])).await;
}

#[tokio::test]
async fn ctl_11_a_damaged_store_is_an_error_with_its_path_and_never_a_hang() {
    let whole = TempDir::new();
    let store = SqliteStore::open(whole.path()).await.unwrap();
    let jid = begin(&store, &ids((0..300).map(|n| format!("host{n}")))).await;
    let rows: Vec<_> = (0..300).map(|n| stored(jid, &record(&format!("host{n}"), "x".repeat(500)))).collect();
    store.save_returns(&rows).await.unwrap();
    drop_store(store).await;
    run_sql(&whole, "PRAGMA wal_checkpoint(TRUNCATE);").await;
    let bytes = std::fs::read(whole.store_file()).unwrap();

    let mut errors = 0;
    for fault in 0..80 {
        let mut bad = bytes.clone();
        let at = bytes.len() * (fault / 2) / 40;
        if fault % 2 == 0 {
            bad.truncate(at.max(1))
        } else {
            bad[at..(at + 4096).min(bytes.len())].fill(0)
        }
        let dir = TempDir::new();
        std::fs::write(dir.store_file(), &bad).unwrap();
        let start = Instant::now();
        errors += usize::from(read_all(&dir, jid).await.is_err());
        assert!(start.elapsed() < Duration::from_millis(500), "fault {fault} took {:?}", start.elapsed());
    }
    assert!(errors > 10, "only {errors} of the faults were seen");
}

/// Reads everything; an error must name the file.
async fn read_all(dir: &TempDir, jid: Jid) -> Result<(), ()> {
    let all = async {
        let Some(store) = SqliteStore::open_to_read(dir.path()).await? else { return Ok(()) };
        store.list().await?;
        store.targets(jid).await?;
        store.returns(jid).await.map(drop)
    };
    all.await.map_err(|error: StoreError| assert!(error.to_string().contains(FILE_NAME), "{error}"))
}

#[tokio::test]
async fn a_damaged_row_is_reported_and_the_others_are_read() {
    let dir = TempDir::new();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let jid = begin(&store, &ids(["a", "b"])).await;
    store.save_returns(&[stored(jid, &record("a", 1)), stored(jid, &record("b", 2))]).await.unwrap();
    run_sql(&dir, "UPDATE salt_returns SET full_ret = '[1]' WHERE id = 'a'; UPDATE jids SET load = x'ff';")
        .await;
    let returns = store.returns(jid).await.unwrap();
    assert_eq!(returns[0].full_ret.get_str("outcome"), Some("damaged"));
    assert_eq!(returns[1], stored(jid, &record("b", 2)));
    assert_eq!(store.load(jid).await.unwrap().unwrap().load.get_str("fun"), Some("damaged-load"));
}

#[tokio::test]
async fn sec_10_a_planted_row_whose_id_is_a_path_is_not_served() {
    let dir = TempDir::new();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let jid = begin(&store, &ids(["a"])).await;
    store.save_returns(&[stored(jid, &record("a", 1))]).await.unwrap();
    run_sql(&dir, "UPDATE salt_returns SET id = '../../pwn'; UPDATE targets SET id = '../../pwn';").await;
    assert!(store.returns(jid).await.unwrap().is_empty() && store.targets(jid).await.unwrap().is_empty());
}

#[tokio::test]
async fn sec_35_the_store_is_for_its_owner_alone() {
    let dir = TempDir::new();
    let cache = dir.path().join("cache/jobs");
    let store = SqliteStore::open(&cache).await.unwrap();
    begin(&store, &ids(["a"])).await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir.path().join("cache")), mode(&cache)), (0o700, 0o700));
    for name in ["jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm"] {
        assert_eq!(mode(&cache.join(name)), 0o600, "{name}");
    }
    drop_store(store).await;
    std::fs::set_permissions(cache.join(FILE_NAME), std::fs::Permissions::from_mode(0o666)).unwrap();
    drop_store(SqliteStore::open(&cache).await.unwrap()).await;
    assert_eq!(mode(&cache.join(FILE_NAME)), 0o600, "an open door is closed");
}

#[tokio::test]
async fn ctl_06_a_store_that_cannot_be_made_says_where_and_what_to_do() {
    let dir = TempDir::new();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let error = SqliteStore::open(&dir.path().join("file/jobs")).await.err().unwrap();
    assert!(matches!(error, StoreError::Open { .. }) && error.to_string().contains("file/jobs"), "{error}");
    assert!(error.hint().contains("cachedir"));
    let error = SqliteStore::open(Path::new("/proc/halite-jobs")).await.err().unwrap();
    assert!(error.to_string().contains("/proc/halite-jobs"), "{error}");
}

/// A store that fails every second batch.
struct Moody {
    inner: SqliteStore,
    batches: AtomicU32,
}

#[async_trait::async_trait]
impl JobStore for Moody {
    async fn save_returns(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        if self.batches.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            return Err(StoreError::Full { path: self.inner.path().to_owned() });
        }
        self.inner.save_returns(batch).await
    }
    async fn begin(&self, job: NewJob<'_>) -> Result<Jid, StoreError> {
        self.inner.begin(job).await
    }
    async fn finish(&self, jid: Jid) -> Result<(), StoreError> {
        self.inner.finish(jid).await
    }
    async fn put(&self, job: &Job, targets: &[MinionId]) -> Result<(), StoreError> {
        self.inner.put(job, targets).await
    }
    async fn find(&self, search: &Search) -> Result<Vec<Job>, StoreError> {
        self.inner.find(search).await
    }
    async fn load(&self, jid: Jid) -> Result<Option<Job>, StoreError> {
        self.inner.load(jid).await
    }
    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        self.inner.send_returns(jid, to).await
    }
    async fn targets(&self, jid: Jid) -> Result<Vec<MinionId>, StoreError> {
        self.inner.targets(jid).await
    }
    async fn prune(&self, keep: Duration) -> Result<u64, StoreError> {
        self.inner.prune(keep).await
    }
    fn place(&self) -> String {
        self.inner.place()
    }
}

#[tokio::test]
async fn ctl_06_trouble_in_mid_run_is_told_per_record_and_the_run_goes_on() {
    let dir = TempDir::new();
    let store = Moody { inner: SqliteStore::open(dir.path()).await.unwrap(), batches: AtomicU32::new(0) };
    let targets = ids((0..1000).map(|n| format!("host{n}")));
    let jid = begin(&store, &targets).await;
    let (send, records) = mpsc::channel(2000);
    let (kept, mut shown) = mpsc::channel(2000);
    for id in &targets {
        send.send(Arc::new(record(id.as_str(), true))).await.unwrap();
    }
    drop(send);
    let trouble = save_as_they_come(&store, jid, &request("test.ping"), records, kept).await;
    assert!(matches!(trouble, Some(StoreError::Full { .. })));
    let (mut cached, mut order) = (Vec::new(), Vec::new());
    while let Some(kept) = shown.recv().await {
        order.push(kept.record.minion.clone());
        cached.extend(kept.cached.then(|| kept.record.minion.clone()));
    }
    assert_eq!(order, targets, "all are shown, in order");
    let in_store: Vec<_> = store.returns(jid).await.unwrap().into_iter().map(|ret| ret.id).collect();
    assert!(in_store == cached && cached.len() == 512, "what is called stored is stored: {}", cached.len());
}

#[tokio::test]
async fn ctl_06_a_full_disk_loses_no_acknowledged_return() {
    let dir = TempDir::new();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let jid = begin(&store, &ids(["a"])).await;
    store.limit_pages(40).await;
    let mut saved = 0;
    let error = loop {
        let ret = stored(jid, &record(&format!("host{saved}"), "x".repeat(3000)));
        match store.save_returns(&[ret]).await {
            Ok(()) => saved += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().contains(FILE_NAME) && saved > 5);
    assert_eq!(store.returns(jid).await.unwrap().len(), saved);
}

/// Closes the connection for good, so that the next one starts from the files.
async fn drop_store(store: SqliteStore) {
    store.close().await;
}
