//! Whole screens: what a run puts on stdout and stderr, from the facts to the bytes.

use super::stderr::tests::Capture;
use super::*;
use crate::fleet::facts::{Consumer, Fact, Plan, Request, Step, Tally};
use crate::fleet::outcome::{HostError, HostErrorKind, Outcome, Phase, Reached, Record};
use halite_roster::Host;
use halite_wire::message::Return;
use halite_wire::{Jid, Map, MinionId};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn id(name: &str) -> MinionId {
    name.parse().unwrap()
}

fn record(name: &str, outcome: Outcome) -> Record {
    Record { took: Duration::from_millis(12), ..Record::new(id(name), outcome) }
}

fn returned(name: &str, value: impl Into<Value>) -> Record {
    let ret = Return { value: value.into(), retcode: 0, success: true, out: None, notes: Vec::new() };
    record(name, Outcome::Returned(ret))
}

fn failing(name: &str, value: impl Into<Value>) -> Record {
    let notes = vec!["a child was left\nbehind".to_owned()];
    let ret = Return { value: value.into(), retcode: 7, success: false, out: None, notes };
    record(name, Outcome::Returned(ret))
}

fn lost(name: &str, kind: HostErrorKind) -> Record {
    let addr = "10.0.0.9:22".to_owned();
    let error = HostError { addr, phase: Phase::Connect, reached: Reached::NotStarted, kind };
    record(name, Outcome::Failed(error))
}

/// A run of all kinds.
fn fleet() -> Vec<Record> {
    let facts: Map =
        [("pid", Value::from(4711)), ("stdout", Value::from("one\ntwo")), ("load", Value::from(0.25))].into();
    vec![
        returned("web1", true),
        failing("web2", facts),
        lost("web3", HostErrorKind::Unreachable("Connection refused".into())),
        lost("web4", HostErrorKind::HostKeyUnknown { fingerprint: "SHA256:abc".into() }),
        record("web5", Outcome::Cancelled(Reached::NotStarted)),
        returned("db1", "\x1b]0;owned\x07 \x1b[2Jtext\r\n100%\rdone\ttab \u{202e}evil"),
    ]
}

fn facts(records: &[Record]) -> Vec<Fact> {
    let jid = Jid::from_unix_micros(1_795_230_066_000_123);
    let request = Request {
        tgt: "*".into(),
        tgt_type: "glob".into(),
        fun: "test.ping".into(),
        arg: Vec::new(),
        kwarg: Map::new(),
        user: "root".into(),
        metadata: Map::new(),
        options: Vec::new(),
    };
    let hosts = records.iter().map(|record| Host::new(record.minion.clone(), "10.0.0.9")).collect();
    let mut facts = vec![Fact::RunStarted { plan: Arc::new(Plan { jid, request, hosts }) }];
    let count = |what: fn(&Record) -> bool| records.iter().filter(|record| what(record)).count();
    let finished = |record: &Record| Fact::HostFinished { record: Arc::new(record.clone()), cached: true };
    facts.extend(records.iter().map(finished));
    let tally = Tally {
        targeted: records.len(),
        ok: count(Record::is_ok),
        failed: count(|record| record.kind() == "failed"),
        unanswered: count(|record| matches!(record.outcome, Outcome::Failed(_))),
        cancelled: count(|record| record.kind() == "cancelled"),
        bugs: 0,
        uncached: 0,
    };
    facts.push(Fact::RunFinished { jid, tally });
    facts
}

/// What the screen printed, and the errors it returned.
fn run(options: Options, out: Box<dyn Write + Send>, terminal: bool, records: &[Record]) -> Vec<String> {
    let mut screen = Screen::new(options, out, terminal, None).unwrap();
    facts(records).iter().filter_map(|fact| screen.on_fact(fact).err()).collect()
}

fn shown(options: Options, terminal: bool) -> String {
    let capture = Capture::default();
    assert_eq!(run(options, Box::new(capture.clone()), terminal, &fleet()), [""; 0]);
    capture.text()
}

fn out(name: &str) -> Options {
    Options { out: Some(name.to_owned()), ..Options::default() }
}

/// Text a reviewer can look at without harm.
fn visible(text: &str) -> String {
    text.replace('\x1b', "␛").replace('\x07', "␇").replace('\r', "␍").replace('\u{202e}', "<RLO>")
}

struct Dir(PathBuf);

impl Dir {
    fn new() -> Dir {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("halite-screens-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Dir(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn results_in_a_pipe() {
    insta::assert_snapshot!(visible(&shown(Options::default(), false)));
}

#[test]
fn results_on_a_terminal_are_coloured_and_harmless() {
    insta::assert_snapshot!(visible(&shown(Options::default(), true)));
}

#[test]
fn static_json_is_one_document() {
    let text = shown(Options { static_out: true, ..out("json") }, false);
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    insta::assert_snapshot!(visible(&text));
}

#[test]
fn verbose_names_the_job_first_and_the_summary_comes_last() {
    let options = Options { verbose: true, summary: true, ..Options::default() };
    insta::assert_snapshot!(visible(&shown(options, false)));
}

#[test]
fn show_jid_is_one_line_and_quiet_is_nothing_else() {
    assert_eq!(shown(Options { show_jid: true, ..out("quiet") }, false), "jid: 20261121030106000123\n");
}

#[test]
fn our_own_outputters_tell_how_each_host_went() {
    let both = shown(out("jsonl"), false) + &shown(out("summary"), false);
    insta::assert_snapshot!(visible(&both));
}

#[test]
fn a_stored_job_replays_as_it_was_shown() {
    for options in [Options::default(), out("json"), Options { static_out: true, ..out("yaml") }] {
        let mut replayed = Vec::new();
        replay(&fleet(), &options, false, &mut replayed).unwrap();
        assert_eq!(String::from_utf8(replayed).unwrap(), shown(options, false));
    }
}

#[test]
fn the_suggestion_of_a_function_is_followed_unless_the_user_chose() {
    let mut record = returned("web1", "a\nb");
    if let Outcome::Returned(ret) = &mut record.outcome {
        ret.out = Some("txt".into());
    }
    let print = |options: Options| options.records(std::slice::from_ref(&record), &Style::default());
    assert_eq!(print(Options::default()), "web1: a\nweb1: b\n");
    assert_eq!(print(out("raw")), "{'web1': 'a\\nb'}\n");
}

#[test]
fn an_unknown_outputter_is_refused_before_the_run() {
    let error = Screen::new(out("jsn"), Box::new(io::sink()), false, None).err().unwrap();
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn ctl_18_a_full_stdout_is_told_in_words() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(run(Options::default(), Box::new(full), false, &fleet()), ["stdout: No space left on device"]);
}

#[test]
fn ctl_02_a_closed_stdout_ends_printing_and_nothing_else() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    assert_eq!(run(Options::default(), Box::new(writer), false, &fleet()), [""; 0]);
}

#[test]
fn an_out_file_appears_whole_and_stdout_stays_empty() {
    let dir = Dir::new();
    let path = dir.0.join("results.json");
    fs::write(&path, "old").unwrap();
    let options =
        Options { out_file: Some(path.clone()), static_out: true, color: ColorMode::Always, ..out("nested") };
    let capture = Capture::default();
    let mut screen = Screen::new(options, Box::new(capture.clone()), true, None).unwrap();
    let facts = facts(&fleet());
    let (last, first) = facts.split_last().unwrap();
    first.iter().for_each(|fact| screen.on_fact(fact).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    screen.on_fact(last).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("db1:\n") && !text.contains('\x1b'), "{text}");
    assert_eq!(capture.text(), "");
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 1, "only the results are left");
}

#[test]
fn an_out_file_to_append_to_keeps_what_was_there() {
    let dir = Dir::new();
    let path = dir.0.join("log");
    let options = Options { out_file: Some(path.clone()), out_file_append: true, ..out("txt") };
    for _ in 0..2 {
        assert_eq!(run(options.clone(), Box::new(io::sink()), false, &[returned("web1", true)]), [""; 0]);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "web1: True\nweb1: True\n");
    let nowhere = Options { out_file: Some(dir.0.join("no/such/place")), ..Options::default() };
    let error = Screen::new(nowhere, Box::new(io::sink()), false, None).err().unwrap().to_string();
    assert!(error.ends_with("no/such/place: No such file or directory"), "{error}");
}

#[test]
fn an_out_file_of_a_run_that_died_is_left_as_it_was() {
    let dir = Dir::new();
    let path = dir.0.join("results");
    File::create(&path).unwrap();
    let options = Options { out_file: Some(path), ..Options::default() };
    drop(Screen::new(options, Box::new(io::sink()), false, None).unwrap());
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 1);
}

#[test]
fn hosts_without_an_answer_are_listed_by_kind_with_a_hint() {
    let capture = Capture::default();
    let log = Log::new(Stderr::new(Box::new(capture.clone()), false), Level::Warning);
    let mut records = fleet();
    records.extend((0..14).map(|n| {
        let limit = Duration::from_secs(5);
        lost(&format!("slow{n:02}"), HostErrorKind::Timeout { phase: Phase::Auth, limit })
    }));
    let mut progress = Progress::new(log, true);
    facts(&records).iter().for_each(|fact| progress.on_fact(fact).unwrap());
    insta::assert_snapshot!(capture.text());
}

#[test]
fn the_bar_counts_hosts_and_names_the_slowest_with_their_phase() {
    let mut board = board::Board::default();
    let start = Instant::now();
    let at = |secs| start + Duration::from_secs(secs);
    let facts = facts(&fleet());
    board.apply(&facts[0], start);
    for (secs, name) in ["web1", "web2", "web3", "db1"].into_iter().enumerate() {
        board.apply(&Fact::HostStarted { minion: id(name), running: secs + 1 }, at(secs as u64));
        board.apply(&Fact::HostProgress { minion: id(name), step: Step::Entered(Phase::Bootstrap) }, at(5));
    }
    let pushed = Step::Pushed { sent_bytes: 1, total_bytes: 3 };
    board.apply(&Fact::HostProgress { minion: id("web2"), step: pushed }, at(6));
    for finished in [&facts[1], &facts[3]] {
        board.apply(finished, at(8));
    }
    assert_eq!(board.headline(at(10)), "2/6 done, 2 running, 1 no answer, 20 s left");
    assert_eq!(board.slowest(at(10)), "web2 bootstrap 33% 9 s\ndb1 bootstrap 7 s");
    let step = halite_wire::Map::from([
        ("done", Value::from(12)),
        ("total", 60.into()),
        ("key", "pkg_|-web_|-vim_|-installed".into()),
        ("running", ["pkg_|-web_|-nginx_|-installed"].into_iter().collect()),
    ]);
    for step in [Step::Entered(Phase::Call), Step::Reported(step.into()), Step::Reported(Value::NULL)] {
        board.apply(&Fact::HostProgress { minion: id("web2"), step }, at(9));
    }
    assert_eq!(board.slowest(at(10)), "web2 12/60 states, now nginx\ndb1 bootstrap 7 s");
    assert_eq!(format!("{:.4}", board.fraction()), format!("{:.4}", 2.2 / 6.0));
    assert_eq!(board.headline(at(12)), "2/6 done, 2 running, 1 no answer, 20 s left");
}
