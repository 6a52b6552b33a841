//! The spool and the workers, as a user of the program meets them.

use super::kit::{Bench, Gate, HOSTILE, Web, event, load, return_of};
use crate::cli::kit::{User, answers, hosts, unique, until};
use halite::returners::DELIVERY_MAX;
use halite_faults::{Act, FakeHost};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// Adds lines to the user's configuration.
pub fn configure(user: &User, lines: &str) {
    let file = user.path("conf/master");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, format!("{text}{lines}\n")).unwrap();
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

async fn answering(count: usize) -> Vec<FakeHost> {
    hosts(count, &answers(vec![], HOSTILE)).await
}

async fn status(user: &User) -> serde_json::Value {
    let status = user.run(&["returners.status", "--out", "json"]).await;
    assert_eq!(status.code, Some(0), "{status:?}");
    serde_json::from_str(&status.stdout).unwrap()
}

async fn flush(user: &User) -> serde_json::Value {
    let flushed = user.run(&["returners.flush", "--out", "json"]).await;
    assert_eq!(flushed.code, Some(0), "{flushed:?}");
    serde_json::from_str(&flushed.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_host_that_returned_is_in_the_file_with_salts_fields() {
    let all = answering(4).await;
    let user = User::of(&all);
    user.roster(
        &(std::fs::read_to_string(user.path("conf/roster")).unwrap()
            + "gone:\n  host: 127.0.0.1\n  port: 1\n"),
    );
    configure(&user, &format!("rawfile_json.filename: {}", user.path("events").display()));
    let end = user.ssh(&["*", "test.echo", "x", "--return", "rawfile_json"]).await;
    assert_eq!(end.code, Some(69), "one host is gone: {end:?}");
    until("the file has all", || lines(&user.path("events")).len() == 4).await;
    let (job, _) = user.the_job().await;
    for ret in lines(&user.path("events")) {
        assert_eq!((&ret["jid"], &ret["fun"]), (&job.jid.as_str().into(), &"test.echo".into()));
        assert_eq!(
            (&ret["return"], &ret["fun_args"][0], &ret["retcode"]),
            (&HOSTILE.into(), &"x".into(), &0.into())
        );
        assert_eq!(ret["success"], true);
        assert_ne!(ret["id"], "gone", "a returner hears of hosts that returned");
        assert!(ret.get("outcome").is_none(), "{ret}");
    }
    until("nothing waits", || true).await;
    let status = status(&user).await;
    assert_eq!((&status[0]["delivered"], &status[0]["waiting"]), (&4.into(), &0.into()), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_03_after_a_kill_everything_that_was_printed_is_delivered_and_nothing_twice() {
    const ROUNDS: usize = 40;
    let mut all = Vec::new();
    for at in 0..8 {
        all.extend(
            hosts(1, &answers(vec![Act::Sleep(Duration::from_millis(at * 9))], format!("host {at}"))).await,
        );
    }
    let user = User::of(&all);
    configure(&user, &format!("rawfile_json.filename: {}", user.path("events").display()));
    let whole = user.ssh(&["*", "test.ping", "--return", "rawfile_json"]).await;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let mut span = u64::try_from(whole.took.as_micros()).unwrap();
    let (mut printed, mut cut, mut seed) = (Vec::new(), 0, 88_172_645_463_325_252_u64);
    for round in 0..ROUNDS {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let jid = format!("202601010000000000{round:02}");
        let words = ["*", "test.ping", "--out", "jsonl", "--jid", &jid, "--return", "rawfile_json"];
        let mut child = user.halite("ssh", &words).spawn().unwrap();
        tokio::time::sleep(Duration::from_micros(span / 3 + seed % span)).await;
        let _ = child.start_kill();
        let output = child.wait_with_output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let whole_lines: Vec<_> =
            text.lines().filter(|line| line.ends_with('}')).map(str::to_owned).collect();
        cut += usize::from(whole_lines.len() < all.len());
        // Kills fall anywhere in the run, whenever that is on a busy machine.
        span = match whole_lines.len() {
            0 => span + span / 10,
            count if count == all.len() => span - span / 10,
            _ => span,
        };
        printed.extend(whole_lines.into_iter().map(|line| (jid.clone(), line)));
    }
    assert!(
        cut > ROUNDS / 10 && printed.len() > ROUNDS / 2,
        "{cut} runs were cut, {} lines printed",
        printed.len()
    );
    flush(&user).await;
    let mut delivered: HashMap<(String, String), usize> = HashMap::new();
    for ret in lines(&user.path("events")) {
        let key = (ret["jid"].as_str().unwrap().to_owned(), ret["id"].as_str().unwrap().to_owned());
        *delivered.entry(key).or_default() += 1;
    }
    for (jid, line) in &printed {
        let shown: serde_json::Value = serde_json::from_str(line).unwrap();
        let key = (jid.clone(), shown["id"].as_str().unwrap().to_owned());
        assert!(delivered.contains_key(&key), "was shown and is not delivered: {jid} {line}");
    }
    assert_eq!(delivered.values().filter(|count| **count > 1).count(), 0, "some were delivered twice");
    assert_eq!(flush(&user).await, serde_json::json!({}), "nothing is left");
}

/// How little it adds is told by the benchmark.
#[tokio::test(flavor = "multi_thread")]
async fn ctl_10_a_returner_that_hangs_is_not_waited_for() {
    let all = hosts(6, &answers(vec![Act::Sleep(Duration::from_millis(800))], true)).await;
    let user = User::of(&all);
    // Takes connections and never says a word.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    configure(&user, &format!("webhook.url: http://{}/", deaf.local_addr().unwrap()));
    let plain = user.ssh(&["*", "test.ping"]).await;
    let hanging = user.ssh(&["*", "test.ping", "--return", "webhook"]).await;
    assert_eq!((plain.code, hanging.code), (Some(0), Some(0)), "{hanging:?}");
    assert!(hanging.took < plain.took + DELIVERY_MAX / 2, "{:?} and {:?}", plain.took, hanging.took);
    let status = status(&user).await;
    assert_eq!(status[0]["waiting"], 6, "all of it is still there: {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_10_what_a_dead_returner_missed_is_delivered_when_it_is_back() {
    let all = answering(3).await;
    let user = User::of(&all);
    let mut gate = Gate::closed();
    configure(&user, &format!("webhook.url: http://127.0.0.1:{}/", gate.port));
    let end = user.ssh(&["*", "test.ping", "--return", "webhook"]).await;
    assert_eq!(end.code, Some(0), "a dead returner is no failure of the run: {end:?}");
    let flushed = flush(&user).await;
    assert!(flushed["webhook"]["error"].as_str().unwrap_or("").contains("refused"), "{flushed}");
    let web = Web::start(200, "").await;
    gate.open(web.port).await;
    flush(&user).await;
    until("all are there", || web.heard.lock().unwrap().len() >= 3).await;
    let ids: std::collections::BTreeSet<_> =
        web.heard.lock().unwrap().iter().map(|h| h.json()["id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_sends_on_what_an_earlier_one_left() {
    let all = answering(2).await;
    let user = User::of(&all);
    let mut gate = Gate::closed();
    configure(&user, &format!("webhook.url: http://127.0.0.1:{}/", gate.port));
    user.ssh(&["*", "test.ping", "--return", "webhook"]).await;
    let web = Web::start(200, "").await;
    gate.open(web.port).await;
    // No returner is asked for here.
    user.ssh(&["h00", "test.ping"]).await;
    until("they are there", || web.heard.lock().unwrap().len() >= 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_returner_nobody_knows_and_one_without_its_keys_are_refused_before_anything_runs() {
    let all = answering(1).await;
    let user = User::of(&all);
    let typo = user.ssh(&["*", "test.ping", "--return", "rawfile_jsn"]).await;
    assert_eq!(typo.code, Some(64), "{typo:?}");
    assert!(typo.stderr.contains("rawfile_json"), "{typo:?}");
    let bare = user.ssh(&["*", "test.ping", "--return", "slack"]).await;
    assert_eq!(bare.code, Some(78), "{bare:?}");
    assert!(bare.stderr.contains("`slack.api_key` is not set"), "{bare:?}");
    assert_eq!(user.returns_so_far().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_the_command_line_and_alternative_sets_choose_the_place() {
    let all = answering(1).await;
    let user = User::of(&all);
    let file = |name: &str| user.path(name).display().to_string();
    configure(
        &user,
        &format!("rawfile_json.filename: {}\nother.rawfile_json.filename: {}", file("usual"), file("other")),
    );
    user.ssh(&["*", "test.ping", "--return", "rawfile_json", "--return_config", "other"]).await;
    until("the alternative set", || lines(&user.path("other")).len() == 1).await;
    let kwargs = format!("{{filename: {}}}", file("given"));
    user.ssh(&["*", "test.ping", "--return", "rawfile_json", "--return_kwargs", &kwargs]).await;
    until("the command line", || lines(&user.path("given")).len() == 1).await;
    assert_eq!(lines(&user.path("usual")).len(), 0);
    configure(&user, "return: rawfile_json");
    user.ssh(&["*", "test.ping"]).await;
    until("the configuration", || lines(&user.path("usual")).len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_jobs_and_several_returners_each_get_what_they_asked_for() {
    let all = answering(2).await;
    let user = User::of(&all);
    let mut text =
        String::from("event_return: [rawfile_json]\nevent_return_whitelist: ['salt/job/*/ret/*']\n");
    let _ = writeln!(
        text,
        "event_return_blacklist: ['*/h01']\nrawfile_json.filename: {}",
        user.path("events").display()
    );
    let _ = writeln!(text, "ext_job_cache: sqlite3\nsqlite3.database: {}", user.path("db").display());
    let _ = writeln!(text, "multi_returner: [webhook, sqlite3]");
    let web = Web::start(200, "").await;
    let _ = writeln!(text, "webhook.url: {}", web.url());
    configure(&user, &text);
    let end = user.ssh(&["*", "test.ping", "--return", "multi_returner"]).await;
    assert_eq!(end.code, Some(0), "{end:?}");
    until("events", || lines(&user.path("events")).len() == 1).await;
    let event = &lines(&user.path("events"))[0];
    let (job, _) = user.the_job().await;
    assert_eq!(event["tag"], format!("salt/job/{}/ret/h00", job.jid));
    assert_eq!((&event["data"]["cmd"], &event["data"]["tgt"]), (&"_return".into(), &"*".into()));
    until("the webhook", || web.heard.lock().unwrap().len() == 2).await;
    flush(&user).await;
    let sqlite = std::process::Command::new("python3")
        .args(["-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); print(c.execute('select count(*) from jids').fetchone()[0], c.execute('select count(*) from salt_returns').fetchone()[0])"])
        .arg(user.path("db"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&sqlite.stdout).trim(), "1 2", "{sqlite:?}");
}

#[tokio::test]
async fn a_delivery_nobody_will_take_becomes_a_dead_letter_that_can_be_tried_again() {
    let web = Web::start(400, "no such field").await;
    let user = User::new();
    let bench = Bench::new(&format!("webhook.url: {}", web.url()));
    bench.put("webhook", vec![return_of("web1", "x"), return_of("web2", "x")]).await;
    assert_eq!(bench.flush("webhook").await.dead, 2);
    let conf = bench.path("conf");
    let conf = conf.to_str().unwrap();
    let run = async |words: &[&str]| {
        let mut halite = user.program(env!("CARGO_BIN_EXE_halite"));
        halite.args(["run", "-c", conf, "--out", "json"]).args(words);
        let end = crate::cli::kit::ended(halite).await;
        assert_eq!(end.code, Some(0), "{end:?}");
        serde_json::from_str::<serde_json::Value>(&end.stdout).unwrap()
    };
    let letters = run(&["returners.dead_letters"]).await;
    assert_eq!((&letters[0]["id"], &letters[1]["id"]), (&"web1".into(), &"web2".into()));
    assert!(letters[0]["reason"].as_str().unwrap().contains("no such field"), "{letters}");
    web.answers(200, "");
    assert_eq!(run(&["returners.dead_letters", "webhook", "retry=True"]).await, 2);
    assert_eq!(run(&["returners.flush"]).await["webhook"]["delivered"], 2);
    assert_eq!(run(&["returners.dead_letters"]).await, serde_json::json!([]));
    assert_eq!(
        run(&["returners.list"]).await["webhook"],
        serde_json::json!(["returner", "save_load", "event_return"])
    );
}

#[tokio::test]
async fn one_bad_return_in_a_batch_does_not_take_the_others_with_it() {
    let bench = Bench::new("carbon.host: 127.0.0.1\ncarbon.port: PORT\ncarbon.skip_on_error: false");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let bench = {
        drop(bench);
        Bench::new(&format!("carbon.host: 127.0.0.1\ncarbon.port: {port}\ncarbon.skip_on_error: false"))
    };
    let reading = tokio::spawn(async move {
        let mut all = String::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut all).await.unwrap();
        }
        all
    });
    let items = vec![return_of("web1", 1), return_of("web2", "no number"), return_of("web3", 3)];
    bench.put("carbon", items).await;
    let flushed = bench.flush("carbon").await;
    assert_eq!((flushed.delivered, flushed.dead), (2, 1), "{flushed:?}");
    let text = reading.await.unwrap();
    assert!(
        text.contains("cmd.run.web1 1 ") && text.contains("cmd.run.web3 3 ") && !text.contains("web2"),
        "{text}"
    );
}

#[tokio::test]
async fn a_program_and_a_returner_of_salts_in_python_can_be_returners() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new("returner_dirs: ['{dir}/mine']\nmypy.file: '{dir}/from_python'");
    std::fs::create_dir(bench.path("mine")).unwrap();
    let program = bench.path("mine/shelf");
    std::fs::write(&program, format!("#!/bin/sh\ncat >>{}\n", bench.path("from_program").display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let python = "import json\ndef returner(ret):\n    if ret['id'] == 'bad':\n        raise ValueError('not\\nthis one')\n    with open(__salt__['config.option']('mypy.file'), 'a') as f:\n        f.write(json.dumps(ret) + '\\n')\n";
    std::fs::write(bench.path("mine/mypy.py"), python).unwrap();
    bench.send("shelf", vec![return_of("web1", HOSTILE), load()]).await;
    let told = lines(&bench.path("from_program"));
    let ret = told.iter().find(|line| line["kind"] == "return").unwrap();
    assert_eq!((&ret["data"]["return"], told.len()), (&HOSTILE.into(), 2));
    bench.send("mypy", vec![return_of("web2", HOSTILE), event("web2")]).await;
    assert_eq!(lines(&bench.path("from_python"))[0]["return"], HOSTILE);
    bench.put("mypy", vec![return_of("bad", 1)]).await;
    assert_eq!(bench.flush("mypy").await.error, "ValueError not this one");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_45_secrets_of_returners_are_in_no_log_no_spool_and_no_list_of_processes() {
    let all = answering(1).await;
    let user = User::of(&all);
    let secrets = ["url", "secret", "token", "pass", "kwarg"].map(|what| unique(&format!("canary-{what}")));
    let [url, secret, token, pass, kwarg] = &secrets;
    let web = Web::start(500, &format!("you said {token} and {secret}")).await;
    let mut text =
        format!("webhook.url: {}/{url}\nwebhook.secret: {secret}\nwebhook.token: {token}\n", web.url());
    let _ = writeln!(
        text,
        "mysql.host: 127.0.0.1\nmysql.port: 1\nmysql.pass: {pass}\nsmtp.host: 127.0.0.1\nsmtp.port: 1"
    );
    let _ = writeln!(text, "smtp.from: a@b.c\nsmtp.to: a@b.c\nsmtp.username: u\nsmtp.password: {pass}");
    configure(&user, &text);
    let kwargs = format!("{{password: {kwarg}}}");
    let words =
        ["*", "test.ping", "--return", "webhook,mysql,smtp", "--return_kwargs", &kwargs, "-l", "trace"];
    let mut said = format!("{:?}", user.ssh(&words).await);
    for words in [
        ["returners.flush", "-l", "trace"],
        ["returners.status", "-l", "trace"],
        ["returners.dead_letters", "-l", "trace"],
    ] {
        let _ = write!(said, "{:?}", user.run(&words).await);
    }
    for folder in ["cache", "tmp"] {
        for file in crate::cli::kit::files_below(&user.path(folder)) {
            said += &String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default());
        }
    }
    let found: Vec<_> = secrets.iter().filter(|secret| said.contains(secret.as_str())).collect();
    assert!(found.is_empty(), "{found:?} in {said}");
    assert!(said.contains("**********"), "what the service said was shown, without the secrets: {said}");
}

#[tokio::test]
async fn two_processes_never_flush_at_once() {
    let bench = Bench::new("webhook.url: http://127.0.0.1:1/");
    bench.put("webhook", vec![return_of("web1", 1)]).await;
    let lock = std::fs::File::create(bench.path("cache/halite/returners/flush")).unwrap();
    lock.lock().unwrap();
    let at_once = Some(Duration::ZERO);
    let flushed = halite::returners::flush(&bench.config, at_once).await.unwrap().unwrap();
    assert!(flushed.is_empty(), "nothing was tried: {flushed:?}");
    lock.unlock().unwrap();
    assert!(bench.flush("webhook").await.error.contains("refused"));
}
