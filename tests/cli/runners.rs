//! `halite run` as a user meets it, for functions that need more of the controller than the job store.

use super::kit::{User, answers, entry, hosts};
use halite_faults::Exec;
use serde_json::{Value, json};
use std::time::Duration;

impl User {
    /// What a runner says, as JSON.
    async fn said(&self, words: &[&str]) -> Value {
        let run = self.run(&[words, &["--out", "json"]].concat()).await;
        assert_eq!(run.code, Some(0), "{words:?}: {run:?}");
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {run:?}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_arrive_typed_and_time_is_kept() {
    let user = User::new();
    assert_eq!(
        user.said(&["test.arg", "a", "7", "b=1", "c={d: [1]}"]).await,
        json!({"args": ["a", 7], "kwargs": {"b": 1, "c": {"d": [1]}}})
    );
    assert_eq!(
        user.said(&["test.metasyntactic", "locality=uk"]).await,
        json!(["wibble", "wobble", "wubble", "flob"])
    );
    assert_eq!(user.said(&["test.sleep", "0"]).await, json!(true));
    let late = user.run(&["test.sleep", "30", "-t", "1"]).await;
    assert!(late.code == Some(1) && late.stderr.contains("no answer within 1 s"), "{late:?}");
    let unknown = user.run(&["test.argh"]).await;
    assert!(unknown.code == Some(64) && unknown.stderr.contains("test.arg"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_prints_does_so_before_its_answer_whatever_becomes_of_that() {
    let user = User::new();
    for (option, printed) in
        [("--out=nested", "foo\nbar\n"), ("--out=json", "foo\n\"bar\"\n"), ("--quiet", "foo\n")]
    {
        let run = user.run(&["test.stdout_print", option]).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), printed), "{option}: {run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_files_and_pillar_are_shown_as_hosts_would_see_them() {
    let user = User::new();
    for folder in ["files/sub/empty", "pillar"] {
        std::fs::create_dir_all(user.path(folder)).unwrap();
    }
    for (name, text) in [
        ("files/a.txt", "hi"),
        ("files/sub/b.sls", "x: y"),
        ("pillar/top.sls", "base:\n  'web*':\n    - d\n"),
        ("pillar/d.sls", "key: val\n"),
    ] {
        std::fs::write(user.path(name), text).unwrap();
    }
    std::os::unix::fs::symlink("a.txt", user.path("files/link")).unwrap();
    let mut master = std::fs::read_to_string(user.path("conf/master")).unwrap();
    let (files, pillar) = (user.path("files"), user.path("pillar"));
    master += &format!(
        "file_roots: {{base: [{}]}}\npillar_roots: {{base: [{}]}}\n",
        files.display(),
        pillar.display()
    );
    std::fs::write(user.path("conf/master"), master).unwrap();

    assert_eq!(user.said(&["config.get", "file_roots:base"]).await, json!([files.to_str().unwrap()]));
    assert_eq!(user.said(&["config.get", "nothing", "default=7"]).await, json!(7));
    assert_eq!(user.said(&["fileserver.envs"]).await, json!(["base"]));
    assert_eq!(user.said(&["fileserver.file_list"]).await, json!(["a.txt", "link", "sub/b.sls"]));
    assert_eq!(user.said(&["fileserver.file_list", "saltenv=none"]).await, json!([]));
    assert_eq!(user.said(&["fileserver.dir_list"]).await, json!(["sub", "sub/empty"]));
    assert_eq!(user.said(&["fileserver.empty_dir_list"]).await, json!(["sub/empty"]));
    assert_eq!(user.said(&["fileserver.symlink_list"]).await, json!({"link": "a.txt"}));
    assert_eq!(user.said(&["fileserver.update"]).await, json!(true));
    assert_eq!(user.said(&["pillar.show_pillar", "web1"]).await, json!({"key": "val"}));
    assert_eq!(user.said(&["pillar.show_pillar", "db1"]).await, json!({}));
    assert_eq!(
        user.said(&["salt.cmd", "test.arg", "1", "a=2"]).await,
        json!({"args": [1], "kwargs": {"a": 2}})
    );
    let unknown = user.run(&["salt.cmd", "nope.nope"]).await;
    assert!(unknown.code == Some(1) && unknown.stderr.contains("nope.nope"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_are_kept_in_banks_and_modules_are_copied() {
    let user = User::new();
    std::fs::create_dir_all(user.path("files/_runners")).unwrap();
    std::fs::write(user.path("files/_runners/mine.py"), "def f(): pass\n").unwrap();
    let master = std::fs::read_to_string(user.path("conf/master")).unwrap();
    let roots = format!("{master}file_roots: {{base: [{}]}}\n", user.path("files").display());
    std::fs::write(user.path("conf/master"), roots).unwrap();
    assert_eq!(
        user.said(&["cache.store", "minions/web1", "data", "{grains: {os: Debian}, pillar: {a: 1}}"]).await,
        Value::Null
    );
    assert_eq!(user.said(&["cache.list", "minions"]).await, json!(["web1"]));
    assert_eq!(user.said(&["cache.grains", "web*"]).await, json!({"web1": {"os": "Debian"}}));
    assert_eq!(user.said(&["cache.clear_grains", "web*"]).await, json!(true));
    assert_eq!(user.said(&["cache.fetch", "minions/web1", "data"]).await, json!({"pillar": {"a": 1}}));
    assert_eq!(user.said(&["cache.flush", "minions/web1"]).await, json!(true));
    assert_eq!(user.said(&["cache.pillar"]).await, json!({}));
    let out = user.run(&["cache.store", "../x", "k", "v"]).await;
    assert!(out.code == Some(64) && !user.path("x").exists(), "{out:?}");
    assert_eq!(user.said(&["saltutil.sync_runners"]).await, json!(["runners.mine"]));
    assert_eq!(user.said(&["saltutil.sync_runners"]).await, json!([]));
    assert_eq!(user.said(&["saltutil.sync_all"]).await["wheel"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_the_roster_are_asked_who_is_there_and_what_they_say() {
    let mut all = hosts(2, &answers(vec![], "same")).await;
    all.extend(hosts(1, &answers(vec![], "other")).await);
    let user = User::of(&all);
    let entries: String =
        all.iter().enumerate().map(|(at, fake)| entry(&format!("h{at:02}"), fake, "")).collect();
    user.roster(&format!("{entries}gone:\n  host: 127.0.0.1\n  port: 1\n  user: tester\n"));
    assert_eq!(user.said(&["manage.status"]).await, json!({"up": ["h00", "h01", "h02"], "down": ["gone"]}));
    assert_eq!(user.said(&["manage.up", "tgt=h01"]).await, json!(["h01"]));
    assert_eq!(user.said(&["manage.down"]).await, json!(["gone"]));
    assert_eq!(
        user.said(&["manage.present", "subset=h00,h09", "show_ip=True"]).await,
        json!({"h00": "127.0.0.1"})
    );
    assert_eq!(user.said(&["manage.list_not_state"]).await, json!(["gone"]));
    let pools = user.said(&["survey.hash", "h*", "cmd.run", "x", "survey_sort=up"]).await;
    assert_eq!(
        pools,
        json!([{"pool": ["h02"], "result": "other"}, {"pool": ["h00", "h01"], "result": "same"}])
    );
    let diff = user.said(&["survey.diff", "h*", "cmd.run", "x", "survey_sort=up"]).await;
    assert_eq!(diff[0], json!({"pool": ["h02"], "result": "other"}));
    assert_eq!(diff[1], json!({"pool": ["h00", "h01"], "result": "same", "diff": "-other\n+same"}));
    let full = user.said(&["ssh.cmd", "h00", "cmd.run", "arg=[x]"]).await;
    assert_eq!((&full["h00"]["return"], &full["h00"]["retcode"]), (&json!("same"), &json!(0)), "{full}");
    assert_eq!(user.said(&["salt.execute", "h02", "cmd.run", "arg=[x]"]).await, json!({"h02": "other"}));
    let nobody = user.run(&["manage.up", "tgt=nobody"]).await;
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_executors_are_compared_with_ours() {
    let all = hosts(1, &Exec::Shell).await;
    let user = User::of(&all);
    let versions = user.said(&["manage.versions"]).await;
    assert_eq!(versions["Up to date"]["h00"], versions["Master"], "{versions}");
    let ready = user.said(&["manage.bootstrap", "hosts=h0*,gone"]).await;
    assert_eq!(ready["ready"]["h00"], versions["Master"], "{ready}");
    let script = user.run(&["manage.bootstrap", "hosts=h00", "version=v3006.2"]).await;
    assert!(script.code == Some(64) && script.stderr.contains("no script"), "{script:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runners_ask_of_hosts_are_jobs_and_events_like_any_other() {
    let all = hosts(2, &answers(vec![], "same")).await;
    let user = User::of(&all);
    user.said(&["manage.up"]).await;
    let jid = "20261121031502123456";
    user.said(&["salt.execute", "h*", "cmd.run", "arg=[x]", &format!("jid={jid}")]).await;
    let jobs = user.said(&["jobs.list_jobs", "search_function=test.ping,cmd.run"]).await;
    let functions: Vec<_> = jobs.as_object().unwrap().values().map(|job| job["Function"].clone()).collect();
    assert_eq!(functions.len(), 2, "{jobs}");
    assert_eq!(user.said(&["jobs.lookup_jid", jid]).await, json!({"h00": "same", "h01": "same"}));
    let mut log = halite::bus::EventLog::open(&user.path("cache/halite/jobs"), "").await.unwrap();
    let tags: Vec<String> =
        log.after(0, 100).await.unwrap().into_iter().map(|(_, event)| event.tag).collect();
    for tag in [format!("salt/job/{jid}/new"), format!("salt/job/{jid}/ret/h00")] {
        assert!(tags.contains(&tag), "{tag}: {tags:?}");
    }
    let of_runners =
        |what: &str| tags.iter().filter(|tag| tag.starts_with("salt/run/") && tag.ends_with(what)).count();
    assert!(of_runners("/new") >= 1 && of_runners("/ret") >= 2, "{tags:?}");
    let told = user.run(&["jobs.list_jobs", "display_progress=True"]).await;
    assert!(told.stderr.contains("looking in"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_top_of_the_pillar_is_shown_as_it_is_written() {
    let user = User::new();
    std::fs::create_dir_all(user.path("pillar")).unwrap();
    let top =
        "base:\n  'web*': [d]\n  'os:Debian':\n    - match: grain\n    - e\n    - ignore_missing: true\n";
    std::fs::write(user.path("pillar/top.sls"), top).unwrap();
    let master = std::fs::read_to_string(user.path("conf/master")).unwrap();
    let roots = format!("{master}pillar_roots: {{base: [{}]}}\n", user.path("pillar").display());
    std::fs::write(user.path("conf/master"), roots).unwrap();
    assert_eq!(
        user.said(&["pillar.show_top", "web1"]).await,
        json!({"base": {"web*": ["d"], "os:Debian": [{"match": "grain"}, "e"]}})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn grains_that_hosts_told_are_kept_and_wake_them() {
    let all = hosts(1, &Exec::Shell).await;
    let user = User::of(&all);
    assert_eq!(user.said(&["cache.grains", "*"]).await, json!({}));
    let run = user.ssh(&["h00", "grains.items"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let kept = user.said(&["cache.grains", "h*"]).await;
    assert!(kept["h00"]["kernel"] == json!("Linux"), "{kept}");
    let woken = user.said(&["network.wolmatch", "h*", "bcast=127.0.0.1", "destport=9"]).await;
    let cards = kept["h00"]["hwaddr_interfaces"]
        .as_object()
        .map_or(0, |cards| cards.keys().filter(|name| *name != "lo").count());
    assert_eq!(woken.as_array().unwrap().len(), cards, "{woken}");
    assert_eq!(user.said(&["doc.wheel"]).await, json!({}));
    assert_eq!(user.said(&["cache.cloud", "*"]).await, json!({}));
    assert_eq!(user.said(&["fileserver.clear_cache"]).await, json!("No cache was cleared"));
}

#[tokio::test(flavor = "multi_thread")]
async fn documentation_is_found_by_function_and_by_runner() {
    let user = User::new();
    let one = user.run(&["-d", "survey.hash"]).await;
    assert!(one.code == Some(0) && one.stdout.contains("survey_sort"), "{one:?}");
    let all = user.said(&["doc.runner"]).await;
    for name in ["jobs.list_jobs", "manage.up", "cache.grains", "network.wol"] {
        assert!(all[name].as_str().is_some_and(|doc| doc.contains(&format!("halite run {name}"))), "{name}");
    }
    let execution = user.said(&["doc.execution"]).await;
    assert!(execution.as_object().is_some_and(|docs| docs.contains_key("cmd.run")), "{execution}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_in_the_background_is_a_job_like_any_other() {
    let user = User::new();
    let began = user.run(&["test.sleep", "3", "--async"]).await;
    assert_eq!(began.code, Some(0), "{began:?}");
    assert!(began.took < Duration::from_secs(3), "{began:?}");
    let jid = began.stdout.trim_end().strip_prefix("Executed command with job ID: ").unwrap().to_owned();
    let running = user.said(&["jobs.master"]).await;
    assert_eq!(
        (&running[0]["fun"], &running[0]["jid"]),
        (&json!("runner.test.sleep"), &json!(jid)),
        "{running}"
    );
    let followed = user.jobs(&["follow", &jid]).await;
    assert!(followed.code == Some(0) && followed.stdout.contains("_master:\n    True"), "{followed:?}");
    assert_eq!(user.said(&["jobs.master"]).await, json!([]));
    let found = user.said(&["jobs.lookup_jid", &jid]).await;
    assert_eq!(found.as_object().unwrap().values().collect::<Vec<_>>(), [&json!(true)]);
}
