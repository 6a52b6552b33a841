//! Small runs by hand; what real Salt makes of many more is compared in `halite-states`.

use super::*;

fn low(id: &str, more: &[(&str, Value)]) -> Map {
    let base = [("state", "test"), ("name", id), ("__sls__", "s"), ("__id__", id), ("fun", "nop")];
    let mut low: Map = base.into_iter().collect();
    low.extend(more.iter().map(|(key, value)| (*key, value.clone())));
    low
}

fn on(id: &str) -> Value {
    vec![Map::from([("test", id)])].into()
}

fn settings<'a>(has_mod_watch: &'a dyn Fn(&str) -> bool) -> Settings<'a> {
    Settings {
        test: false,
        failhard: false,
        without: &[],
        disabled: &[],
        only: None,
        sls: &[],
        has_mod_watch,
    }
}

fn returned(result: Option<bool>, changed: bool) -> Map {
    let changes = if changed { Map::from([("a", 1)]) } else { Map::new() };
    Map::from([("result", Value::from(result)), ("changes", changes.into()), ("comment", "".into())])
}

/// Runs to the end; `answer` says how each call ends. Gives the calls as `id.fun` and the run.
fn drive(chunks: Vec<Map>, answer: impl Fn(&Call) -> Map) -> (Vec<String>, Run) {
    let mut run = Run::new(chunks, &settings(&|_| true));
    let mut calls = Vec::new();
    loop {
        match run.next_ready() {
            Next::Call(call) => {
                calls.push(format!("{}.{}", words(call.low.get("__id__")), words(call.low.get("fun"))));
                run.record(Outcome::Returned(answer(&call)));
            }
            Next::Wait(tags) => panic!("nothing was started: {tags:?}"),
            Next::Done => return (calls, run),
        }
    }
}

fn result(run: &Run, id: &str) -> Option<bool> {
    run.returns().get(&format!("test_|-{id}_|-{id}_|-nop")).unwrap().get("result").unwrap().as_bool()
}

#[test]
fn what_is_required_runs_first() {
    let (calls, run) =
        drive(vec![low("a", &[("require", on("b"))]), low("b", &[])], |_| returned(Some(true), false));
    assert_eq!(calls, ["b.nop", "a.nop"]);
    assert!(run.succeeded());
}

#[test]
fn a_failed_requisite_fails_what_stands_on_it() {
    let (calls, run) =
        drive(vec![low("a", &[]), low("b", &[("require", on("a"))])], |_| returned(Some(false), false));
    assert_eq!(calls, ["a.nop"]);
    assert_eq!(result(&run, "b"), Some(false));
    assert!(words(run.returns().get("test_|-b_|-b_|-nop").unwrap().get("comment")).contains("s.a"));
}

#[test]
fn a_watched_change_calls_mod_watch_where_nothing_else_changed() {
    let chunks = vec![low("a", &[]), low("b", &[("watch", on("a"))])];
    let (calls, _) = drive(chunks, |call| returned(Some(true), call.low.get_str("__id__") == Some("a")));
    assert_eq!(calls, ["a.nop", "b.nop", "b.mod_watch"]);
}

#[test]
fn a_prereq_looks_before_and_acts_after() {
    let chunks = vec![low("a", &[("prereq", on("b"))]), low("b", &[("prerequired", on("a"))])];
    let answer = |call: &Call| returned((!call.only_look).then_some(true), true);
    let (calls, run) = drive(chunks, answer);
    assert_eq!(calls, ["b.nop", "a.nop", "b.nop"]);
    assert!(run.succeeded());
}

#[test]
fn those_that_wait_for_each_other_fail() {
    let chunks = vec![low("a", &[("require", on("b"))]), low("b", &[("require", on("a"))])];
    let (calls, run) = drive(chunks, |_| returned(Some(true), false));
    assert!(calls.is_empty());
    assert_eq!((result(&run, "a"), result(&run, "b")), (Some(false), Some(false)));
}

#[test]
fn failhard_ends_the_run_and_listeners_still_hear() {
    let chunks = vec![
        low("a", &[("listen", on("b"))]),
        low("b", &[]),
        low("c", &[("failhard", true.into())]),
        low("d", &[]),
    ];
    let answer = |call: &Call| returned(Some(call.low.get_str("__id__") != Some("c")), true);
    let (calls, _) = drive(chunks, answer);
    assert_eq!(calls, ["a.nop", "b.nop", "c.nop", "listener_a.mod_watch"]);
}

#[test]
fn started_calls_are_waited_for_where_somebody_stands_on_them() {
    let chunks = vec![low("a", &[]), low("b", &[]), low("c", &[("require", on("a"))])];
    let mut run = Run::new(chunks, &settings(&|_| true));
    for id in ["a", "b"] {
        let Next::Call(call) = run.next_ready() else { panic!() };
        assert_eq!((call.low.get_str("__id__"), call.may_start), (Some(id), true));
        run.record(Outcome::Started);
    }
    let a = "test_|-a_|-a_|-nop".to_owned();
    assert_eq!(run.next_ready(), Next::Wait(vec![a.clone()]));
    run.finish(&a, returned(Some(true), false));
    assert!(matches!(run.next_ready(), Next::Call(_)));
    run.record(Outcome::Returned(returned(Some(true), false)));
    assert_eq!(run.next_ready(), Next::Wait(vec!["test_|-b_|-b_|-nop".to_owned()]));
}

#[test]
fn a_handler_that_does_not_stop_makes_good_for_a_failure() {
    let handler = |stop| low("b", &[("onfail", on("a")), ("onfail_stop", Value::Bool(stop))]);
    let answer = |call: &Call| returned(Some(call.low.get_str("__id__") != Some("a")), false);
    assert!(drive(vec![low("a", &[]), handler(false)], answer).1.succeeded());
    assert!(!drive(vec![low("a", &[]), handler(true)], answer).1.succeeded());
}

#[test]
fn requisites_on_nothing_say_what_is_missing() {
    let (_, run) = drive(vec![low("a", &[("require", on("zzz"))])], |_| returned(Some(true), false));
    let comment = words(run.returns().get("test_|-a_|-a_|-nop").unwrap().get("comment"));
    assert!(comment.contains("require: test: zzz"), "{comment}");
}

#[test]
fn ten_thousand_requisites_take_no_square_of_time() {
    let name = |i: usize| format!("s{i}");
    let chunk =
        |i: usize| if i == 0 { low(&name(0), &[]) } else { low(&name(i), &[("require", on(&name(i - 1)))]) };
    let (calls, _) = drive((0..10_000).rev().map(chunk).collect(), |_| returned(Some(true), false));
    assert_eq!(calls.len(), 10_000);
}
