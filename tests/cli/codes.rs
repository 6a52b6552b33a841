//! Exit codes and messages, end to end.

use super::kit::{User, answers, ended, entry, finish, hosts, signal, until};
use crate::kit::Scratch;
use halite_faults::{Act, Exec, FakeHost, Script};
use std::fs::File;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};

async fn one_host() -> (Vec<FakeHost>, User) {
    let hosts = hosts(1, &Exec::Shell).await;
    let user = User::of(&hosts);
    (hosts, user)
}

#[track_caller]
fn assert_ended(end: &super::kit::Ended, code: i32, said: &str) {
    assert_eq!(end.code, Some(code), "{end:?}");
    assert!(end.stderr.contains(said) || end.stdout.contains(said), "{said:?} is not said: {end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_19_each_end_of_a_run_has_its_code() {
    let (hosts, user) = one_host().await;
    assert_ended(&user.ssh(&["*", "test.ping"]).await, 0, "True");
    assert_ended(&user.ssh(&["*", "cmd.run", "exit 3"]).await, 20, "");
    assert_ended(&user.ssh(&["*", "test.pong"]).await, 20, "test.ping");
    assert_ended(&user.ssh(&["nobody*", "test.ping"]).await, 2, "nobody*");
    assert_ended(&user.ssh(&["nobody*", "test.ping", "--allow-empty"]).await, 0, "");
    assert_ended(&user.ssh(&["*", "test.ping", "--rooster"]).await, 64, "--roster");
    assert_ended(&user.ssh(&["*"]).await, 64, "which function?");
    let port = hosts[0].addr.port();
    drop(hosts);
    assert_ended(&user.ssh(&["*", "test.ping"]).await, 69, &format!("127.0.0.1:{port}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_19_a_host_whose_key_is_not_known_is_254_even_among_good_ones() {
    let hosts = hosts(2, &answers(vec![], true)).await;
    let user = User::of(&hosts);
    user.knows(&hosts[..1]);
    let end = user.ssh(&["*", "test.ping"]).await;
    assert_ended(&end, 254, "SHA256:");
    assert_ended(&end, 254, "-i");
    // Accepted once on first use, it is known.
    assert_ended(&user.ssh(&["*", "test.ping", "-i"]).await, 0, "");
    assert_ended(&user.ssh(&["*", "test.ping"]).await, 0, "");
    // Another key under the same address is refused, also with -i.
    let other = FakeHost::start(Script::default()).await;
    let line = format!("[127.0.0.1]:{} {}\n", hosts[0].addr.port(), other.key);
    std::fs::write(user.path("home/.ssh/known_hosts"), line).unwrap();
    assert_ended(&user.ssh(&["h00", "test.ping", "-i"]).await, 254, "changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_19_a_store_that_cannot_be_used_is_73_and_nothing_is_run() {
    let (hosts, user) = one_host().await;
    std::fs::write(user.path("cache"), "a file where the folder should be").unwrap();
    assert_ended(&user.ssh(&["*", "test.ping"]).await, 73, "--no-cache");
    assert_eq!(hosts[0].connections.load(Ordering::Relaxed), 0);
    assert_ended(&user.ssh(&["*", "test.ping", "--no-cache"]).await, 0, "True");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_12_a_broken_roster_is_told_at_once_and_whole_and_nobody_is_contacted() {
    let (hosts, user) = one_host().await;
    let broken = [
        entry("good", &hosts[0], ""),
        entry("ports", &hosts[0], "").replace("port: ", "port: 7"),
        entry("users", &hosts[0], "").replace("user: tester", "user: 'a;b'"),
        entry("typo", &hosts[0], "  sudoo: True\n"),
        "nameless:\n  host: ''\n".to_owned(),
        "'../../etc':\n  host: 10.0.0.1\n".to_owned(),
        "keyless:\n  host: 10.0.0.1\n  priv: /nonexistent/key\n".to_owned(),
    ];
    user.roster(&broken.concat());
    let end = user.ssh(&["good", "test.ping"]).await;
    for said in
        ["ports", "users", "`sudoo`", "sudo", "nameless", "../../etc", "/nonexistent/key", "roster:9:9:"]
    {
        assert_ended(&end, 78, said);
    }
    for broken in [
        "a: {host: 1",
        "\ta: b\n",
        "a: b\na: c\n",
        "- a\n- b\n",
        "{% if %}",
        "a: &x [*x]\n",
        "!!python/object:os.x {}\n",
    ] {
        user.roster(broken);
        let end = user.ssh(&["*", "test.ping"]).await;
        assert_ended(&end, 78, "conf/roster:");
    }
    assert_eq!(hosts[0].connections.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_12_a_broken_configuration_is_told_at_once_and_nobody_is_contacted() {
    let (hosts, user) = one_host().await;
    std::fs::write(
        user.path("conf/master"),
        "cachedir: [1]\nssh_port: 70000\nssh_usser: x\nssh_sudo: maybe\n",
    )
    .unwrap();
    let end = user.ssh(&["*", "test.ping"]).await;
    for said in ["master:1", "master:2", "master:4", "cachedir", "ssh_port", "ssh_sudo"] {
        assert_ended(&end, 78, said);
    }
    assert_ended(&user.run(&["jobs.list_jobs"]).await, 78, "ssh_port");
    assert_eq!(hosts[0].connections.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_12_a_bad_target_is_a_usage_error() {
    let (hosts, user) = one_host().await;
    assert_ended(&user.ssh(&["-E", "web[", "test.ping"]).await, 64, "web[");
    assert_eq!(hosts[0].connections.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_18_a_full_device_is_74_with_a_message_and_the_store_is_complete() {
    let hosts = hosts(3, &answers(vec![], true)).await;
    let user = User::of(&hosts);
    let mut halite = user.halite("ssh", &["*", "test.ping"]);
    halite.stdout(File::options().write(true).open("/dev/full").unwrap());
    let end = super::kit::ended(halite).await;
    assert_ended(&end, 74, "stdout: ");
    let (_, returns) = user.the_job().await;
    assert_eq!(returns.iter().filter(|ret| ret.success).count(), 3);
    for command in [["jobs.list_jobs"], ["-d"]] {
        let mut halite = user.halite("run", &command);
        halite.stdout(File::options().write(true).open("/dev/full").unwrap());
        assert_ended(&super::kit::ended(halite).await, 74, "stdout: ");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_18_a_slow_reader_does_not_slow_the_records() {
    // Far more than a pipe holds, so that writing would have to wait for the reader.
    let hosts = hosts(8, &answers(vec![], "y".repeat(100_000))).await;
    let user = User::of(&hosts);
    let began = Instant::now();
    let mut child = user.halite("ssh", &["*", "test.ping", "--out", "jsonl"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let store = user.path("cache/halite/jobs/jobs.sqlite");
    until("the job is begun", || store.exists()).await;
    while user.returns_so_far().await < hosts.len() {
        assert!(began.elapsed() < Duration::from_secs(20), "the records wait for the reader");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert!(child.try_wait().unwrap().is_none(), "all is stored while nothing was read");
    let mut read = 0;
    while let Some(line) = lines.next_line().await.unwrap() {
        assert!(line.len() > 100_000);
        read += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(read, hosts.len());
    assert_eq!(finish(child, began).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_19_an_interrupt_is_130_whatever_the_hosts_did() {
    let mut all = hosts(1, &Exec::Acts(vec![Act::Exit(1), Act::Close])).await;
    all.extend(hosts(1, &Exec::Acts(vec![Act::Hang])).await);
    let user = User::of(&all);
    let child = user.halite("ssh", &["*", "test.ping"]).spawn().unwrap();
    until("both are reached", || all.iter().all(|fake| fake.connections.load(Ordering::Relaxed) > 0)).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    signal(&child, rustix::process::Signal::INT);
    assert_eq!(finish(child, Instant::now()).await.code, Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_19_an_output_file_that_cannot_be_made_stops_before_the_first_host() {
    let (hosts, user) = one_host().await;
    let nowhere = Scratch::new().path("gone/results");
    let end = user.ssh(&["*", "test.ping", "--out-file", &nowhere.display().to_string()]).await;
    assert_ended(&end, 64, "gone/results");
    assert_eq!(hosts[0].connections.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outputter_that_is_not_there_is_refused_by_every_command() {
    let user = User::new();
    user.roster("web1: 10.0.0.1\n");
    for (command, words) in [("ssh", &["web1", "test.ping"][..]), ("run", &["test.arg"]), ("jobs", &["last"])]
    {
        let words = [words, &["--out", "nestd"]].concat();
        assert_ended(&ended(user.halite(command, &words)).await, 64, "nested");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_listed_as_the_target_says_also_where_a_saltfile_asks_for_the_list() {
    let user = User::new();
    user.roster("web1: 10.0.0.1\nweb2: 10.0.0.2\ndb1: 10.0.0.3\n");
    let all = user.ssh(&["-H"]).await;
    assert!(all.code == Some(0) && all.stdout.contains("10.0.0.3"), "{all:?}");
    let some = user.ssh(&["-H", "web*"]).await;
    assert!(some.stdout.contains("10.0.0.2") && !some.stdout.contains("10.0.0.3"), "{some:?}");
    assert_ended(&user.ssh(&["-H", "mail*"]).await, 2, "mail*");
    std::fs::write(user.path("Saltfile"), "salt-ssh:\n  list_hosts: True\n").unwrap();
    assert_eq!(user.ssh(&["web*", "test.ping"]).await.stdout, some.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_and_outputters_of_a_saltfile_are_those_of_the_list_of_jobs_too() {
    let hosts = hosts(1, &answers(vec![], true)).await;
    let user = User::of(&hosts);
    assert_eq!(user.ssh(&["*", "test.ping"]).await.code, Some(0));
    let said = async |section: &str| {
        std::fs::write(user.path("Saltfile"), section).unwrap();
        user.jobs(&[]).await.stdout
    };
    let plain = said("salt-run: {verbose: False}\n").await;
    assert!(plain.starts_with("JID") && !plain.contains('\x1b'), "{plain}");
    assert!(said("salt-run: {force_color: True}\n").await.contains("\x1b["));
    assert!(said("salt-run: {output: json}\n").await.starts_with("[\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_in_return_kwargs_is_told_and_loses_no_return() {
    let hosts = hosts(1, &answers(vec![], true)).await;
    let user = User::of(&hosts);
    let words = ["*", "test.ping", "--return", "rawfile_json", "--return-kwargs"];
    let file = user.path("returns");
    let right = format!("{{filename: {}, tag: x}}", file.display());
    let run = user.ssh(&[&words[..], &[&right]].concat()).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let told = "`tag` means nothing to rawfile_json, which has filename";
    assert_eq!(run.stderr.matches(told).count(), 1, "{run:?}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("test.ping"));
}
