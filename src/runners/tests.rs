//! The functions of `jobs` over a real store, in the shapes Salt gives.

use super::*;
use crate::jobs::tests::{TempDir, begin, ids, record, request, returned, run_sql, unreachable};
use crate::jobs::{JobStore, NewJob, SqliteStore, StoredReturn, json};
use halite_wire::{Jid, Map, Value};
use std::sync::Arc;

/// A controller without anything but a configuration.
struct NoHouse;

#[async_trait::async_trait]
impl House for NoHouse {
    fn opts(&self) -> &Map {
        static OPTS: std::sync::LazyLock<Map> =
            std::sync::LazyLock::new(|| Map::from([("file_roots", Map::from([("base", vec!["/srv"])]))]));
        &OPTS
    }

    fn cache_dir(&self) -> &std::path::Path {
        std::path::Path::new("/nonexistent")
    }

    fn files(&self) -> Result<Arc<crate::files::FileServer>, String> {
        Ok(Arc::new(crate::files::FileServer::new([])))
    }

    async fn pillar(
        &self,
        _: &halite_wire::MinionId,
        _: Map,
        _: Option<String>,
    ) -> Result<(Map, Vec<String>), String> {
        Ok((Map::new(), Vec::new()))
    }

    async fn pillar_top(
        &self,
        _: &halite_wire::MinionId,
        _: Map,
        _: Option<String>,
    ) -> Result<(Map, Vec<String>), String> {
        Ok((Map::new(), Vec::new()))
    }

    async fn here(&self, fun: &str, _: Vec<Value>, _: Map) -> Result<Value, String> {
        Err(format!("'{fun}' is not available."))
    }

    fn hosts(&self, _: &str, _: &str) -> Result<Vec<KnownHost>, String> {
        Ok(Vec::new())
    }

    async fn on_hosts(&self, calling: Calling) -> Result<Vec<StoredReturn>, String> {
        let request = crate::fleet::facts::Request { fun: calling.fun, ..request("x") };
        let records = [record("web1", "a"), record("web2", "b"), record("web3", "a"), unreachable("db1")];
        let jid = Jid::from_unix_micros(0);
        Ok(records.iter().map(|record| StoredReturn::new(jid, &request, record)).collect())
    }
}

struct Bench {
    store: Arc<SqliteStore>,
    dir: TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let dir = TempDir::new();
        Bench { store: Arc::new(SqliteStore::open(dir.path()).await.unwrap()), dir }
    }

    fn context(&self) -> Context {
        let store: Arc<dyn JobStore> = self.store.clone();
        Context {
            store: Some(store),
            now_micros: 1_795_000_000_000_000,
            config: std::sync::Arc::default(),
            show_endtime: false,
            house: Arc::new(NoHouse),
        }
    }

    async fn job(&self, fun: &str, tgt: &str) -> Jid {
        let mut request = request(fun);
        request.tgt = tgt.to_owned();
        let targets = ids(["web1"]);
        self.store
            .begin(NewJob { request: &request, targets: &targets, admitted: 1, wanted: None })
            .await
            .unwrap()
    }

    /// A job on four hosts: one did well, one failed, one was not reached, one has not answered.
    async fn mixed(&self) -> Jid {
        let (request, targets) = (request("cmd.run"), ids(["web1", "web2", "db1", "db2"]));
        let job = NewJob { request: &request, targets: &targets, admitted: 4, wanted: None };
        let jid = self.store.begin(job).await.unwrap();
        let records = [record("web1", "up"), returned("web2", "no such file", 2), unreachable("db1")];
        let rows = records.map(|record| StoredReturn::new(jid, &request, &record));
        self.store.save_returns(&rows).await.unwrap();
        jid
    }

    async fn call(&self, fun: &str, args: &[&str]) -> Value {
        call(&self.context(), fun, args).await.unwrap_or_else(|error| panic!("{fun} {args:?}: {error}")).data
    }

    async fn refusal(&self, fun: &str, args: &[&str]) -> String {
        call(&self.context(), fun, args).await.expect_err(fun).to_string()
    }
}

async fn call(context: &Context, fun: &str, args: &[&str]) -> Result<Answer, RunnerError> {
    let words: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let (positional, keywords) = halite_render::args::parse_input(&words, &[]);
    run(context, fun, Args { positional, keywords }).await?.gathered().await
}

/// The data as JSON, with what varies named.
fn shown(data: &Value, jid: Jid) -> String {
    json::encode(data).replace(jid.as_str(), "JID").replace(&jid.start_time(), "TIME")
}

#[tokio::test]
async fn list_job_has_salts_shape_and_says_how_far_it_got_where_there_was_no_answer() {
    let bench = Bench::new().await;
    let jid = bench.mixed().await;
    let listed = bench.call("jobs.list_job", &[jid.as_str()]).await;
    assert_eq!(
        shown(&listed, jid),
        r#"{"jid":"JID","Function":"cmd.run","Arguments":["a",7],"Target":"*","Target-type":"glob","User":"root","#
            .to_owned()
            + r#""Minions":["web1","web2","db1","db2"],"StartTime":"TIME","Result":{"#
            + r#""web1":{"return":"up","retcode":0,"success":true},"#
            + r#""web2":{"return":"no such file","retcode":2,"success":false},"#
            + r#""db1":{"return":"db1:22: cannot be reached: refused","retcode":255,"success":false,"#
            + r#""outcome":"unreachable","reached":"not_started"}}}"#
    );
    let Value::Map(mut without_jid) = listed else { panic!() };
    without_jid.remove("jid");
    let printed = bench.call("jobs.print_job", &[jid.as_str()]).await;
    assert_eq!(printed, Value::Map(Map::from([(jid.as_str(), without_jid)])));
}

#[tokio::test]
async fn lookup_jid_gives_the_returns_and_names_the_missing() {
    let bench = Bench::new().await;
    let jid = bench.mixed().await;
    let found = bench.call("jobs.lookup_jid", &[jid.as_str()]).await;
    let unreached = r#""db1":"db1:22: cannot be reached: refused""#;
    assert_eq!(shown(&found, jid), format!(r#"{{"web1":"up","web2":"no such file",{unreached}}}"#));
    let all = bench.call("jobs.lookup_jid", &[jid.as_str(), "missing=True"]).await;
    assert_eq!(all.get("db2").and_then(Value::as_str), Some("Minion did not return"));
    let missing = bench.call("jobs.lookup_jid", &[jid.as_str(), "missing=True", "returned=False"]).await;
    assert_eq!(shown(&missing, jid), r#"{"db2":"Minion did not return"}"#);
}

#[tokio::test]
async fn lookup_jid_suggests_the_outputter_of_the_returns() {
    let bench = Bench::new().await;
    let jid = bench.job("state.apply", "*").await;
    let mut states = record("web1", Map::from([("a", 1)]));
    if let crate::fleet::outcome::Outcome::Returned(ret) = &mut states.outcome {
        ret.out = Some("highstate".to_owned());
    }
    bench.store.save_returns(&[StoredReturn::new(jid, &request("state.apply"), &states)]).await.unwrap();
    let answer = call(&bench.context(), "jobs.lookup_jid", &[jid.as_str()]).await.unwrap();
    assert_eq!(answer.outputter.as_deref(), Some("highstate"));
}

#[tokio::test]
async fn a_job_whose_process_died_is_shown_as_interrupted() {
    let bench = Bench::new().await;
    let (request, targets) = (request("cmd.run"), ids(["a", "b", "c"]));
    let job = NewJob { request: &request, targets: &targets, admitted: 1, wanted: None };
    let jid = bench.store.begin(job).await.unwrap();
    bench.store.save_returns(&[StoredReturn::new(jid, &request, &record("a", 1))]).await.unwrap();
    run_sql(&bench.dir, "UPDATE runs SET started = started + 1").await;

    let listed = bench.call("jobs.list_job", &[jid.as_str()]).await;
    let word = |id: &str, key: &str| listed.get("Result").unwrap().get(id).unwrap().get(key).cloned();
    assert_eq!(word("a", "outcome"), None);
    assert_eq!(
        (word("b", "outcome"), word("b", "reached")),
        (Some("interrupted".into()), Some("may_have_run".into()))
    );
    assert_eq!(
        (word("c", "outcome"), word("c", "reached")),
        (Some("interrupted".into()), Some("not_started".into()))
    );
    let found = bench.call("jobs.lookup_jid", &[jid.as_str()]).await;
    assert_eq!(found.as_map().unwrap().len(), 3, "every host is known: {found:?}");
    assert_eq!(bench.call("jobs.active", &[]).await, Value::Map(Map::new()));
    let done_well = bench.call("jobs.exit_success", &[jid.as_str()]).await;
    assert_eq!(shown(&done_well, jid), r#"{"a":true,"b":false,"c":false}"#);
}

#[tokio::test]
async fn active_shows_hosts_at_work_and_done() {
    let bench = Bench::new().await;
    let (jid, ended) = (bench.mixed().await, bench.job("test.ping", "*").await);
    bench.store.finish(ended).await.unwrap();
    let active = bench.call("jobs.active", &[]).await;
    let pid = std::process::id();
    assert_eq!(
        shown(&active, jid),
        format!(
            r#"{{"JID":{{"Function":"cmd.run","Arguments":["a",7],"Target":"*","Target-type":"glob","User":"root","StartTime":"TIME","Running":[{{"db2":{pid}}}],"Returned":["web1","web2","db1"]}}}}"#
        )
    );
}

#[tokio::test]
async fn exit_success_tells_failures_from_successes() {
    let bench = Bench::new().await;
    let jid = bench.mixed().await;
    let done_well = bench.call("jobs.exit_success", &[jid.as_str()]).await;
    assert_eq!(shown(&done_well, jid), r#"{"web1":true,"web2":false,"db1":false,"db2":false}"#);
}

async fn found(bench: &Bench, args: &[&str]) -> Vec<String> {
    let jobs = bench.call("jobs.list_jobs", args).await;
    jobs.as_map()
        .unwrap()
        .values()
        .map(|job| job.get("Function").unwrap().as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn list_jobs_obeys_all_filters_at_once() {
    let bench = Bench::new().await;
    let first = bench.job("test.ping", "web*").await;
    let second = bench.job("cmd.run", "web1").await;
    bench.job("pkg.install", "db1").await;
    assert_eq!(found(&bench, &[]).await, ["test.ping", "cmd.run", "pkg.install"]);
    assert_eq!(found(&bench, &["search_function=test.*,pkg.*"]).await, ["test.ping", "pkg.install"]);
    assert_eq!(found(&bench, &["search_function=['cmd.*']"]).await, ["cmd.run"]);
    assert_eq!(
        found(&bench, &["search_target=web?"]).await,
        ["test.ping", "cmd.run"],
        "globs match the words typed"
    );
    assert_eq!(found(&bench, &["search_target=web1", "search_function=*"]).await, ["cmd.run"]);
    assert_eq!(found(&bench, &["search_target=web1", "search_function=pkg.*"]).await, [""; 0]);
    assert_eq!(found(&bench, &[&format!("start_time={second}")]).await, ["cmd.run", "pkg.install"]);
    assert_eq!(found(&bench, &[&format!("end_time={}", first.start_time())]).await, ["test.ping"]);
    assert_eq!(found(&bench, &["start_time=2099-01-01"]).await, [""; 0]);
    let shape = bench.call("jobs.list_jobs", &["search_target=web1"]).await;
    assert_eq!(
        shown(&shape, second),
        r#"{"JID":{"Function":"cmd.run","Arguments":["a",7],"Target":"web1","Target-type":"glob","User":"root","StartTime":"TIME"}}"#
    );
}

#[tokio::test]
async fn list_jobs_finds_the_metadata_of_a_call() {
    let bench = Bench::new().await;
    begin(&*bench.store, &ids(["a"])).await;
    let mut tagged = request("test.ping");
    tagged.kwarg.insert("metadata", Map::from([("ticket", 7)]));
    let job = NewJob { request: &tagged, targets: &[], admitted: 0, wanted: None };
    let jid = bench.store.begin(job).await.unwrap();
    let jobs = bench.call("jobs.list_jobs", &["search_metadata={ticket: 7, other: 1}"]).await;
    assert_eq!(jobs.as_map().unwrap().keys().cloned().collect::<Value>(), vec![jid.as_str()].into());
    assert_eq!(jobs.get(jid.as_str()).unwrap().get("Metadata"), Some(&Map::from([("ticket", 7)]).into()));
    assert!(found(&bench, &["search_metadata={ticket: 8}"]).await.is_empty());
}

#[tokio::test]
async fn list_jobs_filter_gives_the_newest_oldest_first() {
    let bench = Bench::new().await;
    for fun in ["a.a", "b.b", "saltutil.find_job", "c.c"] {
        bench.job(fun, "*").await;
    }
    let functions = |jobs: Value| -> Vec<String> {
        let name = |job: &Value| job.get("Function").unwrap().as_str().unwrap().to_owned();
        assert!(jobs.as_list().unwrap().iter().all(|job| job.get("JID").is_some()));
        jobs.as_list().unwrap().iter().map(name).collect()
    };
    assert_eq!(functions(bench.call("jobs.list_jobs_filter", &["2"]).await), ["b.b", "c.c"]);
    let all = bench.call("jobs.list_jobs_filter", &["2", "filter_find_job=False"]).await;
    assert_eq!(functions(all), ["saltutil.find_job", "c.c"]);
    assert!(bench.refusal("jobs.list_jobs_filter", &["many"]).await.contains("whole number"));
}

#[tokio::test]
async fn last_run_is_the_newest_match_or_false() {
    let bench = Bench::new().await;
    assert_eq!(bench.call("jobs.last_run", &[]).await, Value::Bool(false));
    let first = bench.job("test.ping", "web1").await;
    let second = bench.job("cmd.run", "web1").await;
    let of = |data: Value| data.as_map().unwrap().keys().next().unwrap().clone();
    assert_eq!(of(bench.call("jobs.last_run", &["target=web*"]).await), second.as_str().into());
    assert_eq!(of(bench.call("jobs.last_run", &["function=test.*"]).await), first.as_str().into());
    assert_eq!(bench.call("jobs.last_run", &["function=nothing"]).await, Value::Bool(false));
}

#[tokio::test]
async fn a_job_that_is_not_there_is_said_so_in_salts_shape() {
    let bench = Bench::new().await;
    let jid: Jid = "20130916125524463507".parse().unwrap();
    let none = bench.call("jobs.list_job", &[jid.as_str()]).await;
    let error = r#""Error":"there is no job with this jid in the store""#;
    assert_eq!(shown(&none, jid), format!(r#"{{"jid":"JID",{error},"StartTime":"TIME","Result":{{}}}}"#));
    assert_eq!(bench.call("jobs.lookup_jid", &[jid.as_str()]).await, Value::Map(Map::new()));
    assert_eq!(bench.call("jobs.exit_success", &[jid.as_str()]).await, Value::Map(Map::new()));
    let nothing_stored = Context { store: None, ..bench.context() };
    assert_eq!(call(&nothing_stored, "jobs.list_jobs", &[]).await.unwrap().data, Value::Map(Map::new()));
}

#[tokio::test]
async fn sec_11_a_jid_that_is_a_path_is_refused_at_once() {
    let bench = Bench::new().await;
    for jid in ["../../proc/self/fd/0", "", "123", "2013091612552446350x", "20130916125524463507/x"] {
        for fun in ["jobs.list_job", "jobs.lookup_jid", "jobs.print_job", "jobs.exit_success"] {
            let start = std::time::Instant::now();
            assert!(bench.refusal(fun, &[&format!("jid={jid}")]).await.contains("no job id"), "{fun} {jid}");
            assert!(start.elapsed().as_millis() < 50);
        }
    }
}

#[tokio::test]
async fn endtime_is_shown_where_the_config_wants_it() {
    let bench = Bench::new().await;
    let jid = bench.mixed().await;
    bench.store.finish(jid).await.unwrap();
    let context = Context { show_endtime: true, ..bench.context() };
    let shown = call(&context, "jobs.list_job", &[jid.as_str()]).await.unwrap().data;
    assert!(
        shown.get("EndTime").is_some()
            && bench.call("jobs.list_job", &[jid.as_str()]).await.get("EndTime").is_none()
    );
}

#[tokio::test]
async fn mistakes_are_met_with_the_nearest_name() {
    let bench = Bench::new().await;
    assert!(bench.refusal("jobs.list_jbos", &[]).await.contains("`jobs.list_jobs`"));
    assert!(bench.refusal("jobs.list_jobs", &["search_functoin=x"]).await.contains("`search_function`"));
    assert!(bench.refusal("jobs.list_job", &[]).await.contains("'jid' is missing"));
    assert!(bench.refusal("jobs.active", &["1", "2"]).await.contains("at most 1"));
    assert!(bench.refusal("jobs.list_jobs", &["start_time=foo"]).await.contains("start_time"));
    assert!(bench.refusal("jobs.list_jobs", &["nowhere"]).await.contains("nowhere"));
}

#[test]
fn the_catalogue_is_in_order_and_documented() {
    assert!(RUNNERS.windows(2).all(|pair| pair[0].name < pair[1].name));
    for runner in RUNNERS {
        assert!(runner.functions.windows(2).all(|pair| pair[0].name < pair[1].name), "{}", runner.name);
        for function in runner.functions {
            assert!(function.name.starts_with(&format!("{}.", runner.name)));
            assert!(function.doc.ends_with('.') && function.example.split(' ').next() == Some(function.name));
        }
    }
}

#[test]
fn docs_are_of_a_function_a_runner_or_all() {
    assert_eq!(docs(Some("jobs.active")).unwrap().len(), 1);
    let (of_jobs, all) = (docs(Some("jobs")).unwrap(), docs(None).unwrap());
    assert!(of_jobs.len() > 5 && of_jobs.len() < all.len());
    assert!(
        docs(Some("job")).is_err()
            && docs(Some("jobs.actve")).unwrap_err().to_string().contains("jobs.active")
    );
    assert!(docs(None).unwrap().get_str("jobs.last_run").unwrap().contains("target=None"));
}
