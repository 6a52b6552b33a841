//! `state.*` over a tree of a few files, as a controller would serve it.

mod pkg;

use crate::template::Engines;
use halite_modules::{Args, CallError, Ctx, Link, LinkError, call};
use halite_wire::message::{Answer, Ask};
use halite_wire::{Jid, Map, Value};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const TREE: [(&str, &str); 6] = [
    ("top.sls", "base: {'*': [web]}"),
    ("web.sls", "include: [lib]\nweb: {test.succeed_with_changes: [require: [test: lib]]}\n"),
    (
        "lib.sls",
        "lib: {test.nop: []}\nport: {test.show_notification: [text: '{{ pillar.get(\"port\", 80) }}']}\n",
    ),
    ("bad.sls", "x: {test.nop: [require: [nothing"),
    ("fails.sls", "x: test.fail_without_changes\n"),
    ("empty.sls", "{}\n"),
];

/// Serves [`TREE`]; what was told of steps is kept.
#[derive(Default)]
struct Controller {
    pillar_errors: Vec<String>,
    steps: Vec<Value>,
}

impl Link for Controller {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        let mut say = |part| on_part(part).map_err(LinkError::Local);
        match ask {
            Ask::Pillar(wanted) => {
                let errors: Value = self.pillar_errors.clone().into();
                say(Answer::Value(Map::from([("pillar", wanted.over.into()), ("errors", errors)]).into()))
            }
            Ask::ListFiles { saltenv } if saltenv == "base" => {
                say(Answer::Paths(TREE.iter().map(|(path, _)| (*path).to_owned()).collect()))
            }
            Ask::File { path, .. } => {
                let found = TREE.iter().find(|(known, _)| *known == path);
                let (_, text) = found.ok_or_else(|| LinkError::Refused("no such file".to_owned()))?;
                let sha256 = halite_modules::digest::of_bytes("sha256", text.as_bytes()).unwrap();
                say(Answer::File { size: text.len() as u64, sha256, mode: 0o644 })?;
                say(Answer::Bytes(text.as_bytes().to_vec()))
            }
            _ => Err(LinkError::Refused("one by one".to_owned())),
        }
    }

    fn progress(&mut self, step: Value) {
        self.steps.push(step);
    }

    fn log(&mut self, _: &str) {}
}

/// A directory of this test's own, gone when dropped.
struct Work(PathBuf);

impl Work {
    fn new() -> Work {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("halite-state-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Work(path)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn with<T>(work: &Work, controller: &mut Controller, jid: u64, run: impl FnOnce(&mut Ctx) -> T) -> T {
    let dir = work.0.to_string_lossy().into_owned();
    let opts = Map::from([("cachedir", dir.as_str()), ("__thin_dir", dir.as_str())]);
    let (jid, id) = (Jid::from_unix_micros(jid), "m1".parse().unwrap());
    let mut ctx = Ctx::new(jid, id, opts, controller, &Engines, |_| Map::from([("os", "Debian")]));
    ctx.further = crate::MODULES;
    run(&mut ctx)
}

/// Value, retcode and suggested outputter of one call.
fn answer(fun: &str, args: Args) -> (Result<Value, CallError>, i64, Option<&'static str>) {
    let work = Work::new();
    with(&work, &mut Controller::default(), 0, |ctx| (call(ctx, fun, args), ctx.retcode, ctx.out))
}

fn keys(value: &Value) -> Vec<String> {
    value.as_map().unwrap().keys().map(|key| key.as_str().unwrap().to_owned()).collect()
}

const WEB: &str = "test_|-web_|-web_|-succeed_with_changes";
const LIB: &str = "test_|-lib_|-lib_|-nop";
const PORT: &str = "test_|-port_|-port_|-show_notification";

#[test]
fn an_sls_and_what_it_includes_are_applied_in_order() {
    let (value, retcode, out) = answer("state.apply", Args::of(["web"]));
    let value = value.unwrap();
    assert_eq!(keys(&value), [LIB, PORT, WEB]);
    assert_eq!((retcode, out), (0, Some("highstate")));
    assert_eq!(value.get(WEB).unwrap().get("__sls__"), Some(&"web".into()));
    assert_eq!(value.get(WEB).unwrap().get("__run_num__"), Some(&2.into()));
}

#[test]
fn without_names_the_top_files_decide() {
    assert_eq!(keys(&answer("state.apply", Args::default()).0.unwrap()), [LIB, PORT, WEB]);
    assert_eq!(keys(&answer("state.highstate", Args::default()).0.unwrap()), [LIB, PORT, WEB]);
}

#[test]
fn with_test_nothing_changes_and_nothing_fails() {
    for (fun, args) in
        [("state.apply", Args::of(["web"]).with("test", true)), ("state.test", Args::of(["web"]))]
    {
        let (value, retcode, _) = answer(fun, args);
        assert_eq!(value.unwrap().get(WEB).unwrap().get("result"), Some(&Value::Null));
        assert_eq!(retcode, 0);
    }
}

#[test]
fn retcodes_tell_failed_states_from_trees_that_do_not_compile() {
    assert_eq!(answer("state.apply", Args::of(["fails"])).1, 2);
    let (value, retcode, _) = answer("state.apply", Args::of(["bad"]));
    assert!(value.unwrap().as_list().is_some());
    assert_eq!(retcode, 1);
    assert_eq!(answer("state.apply", Args::of(["nosuch"])).1, 1);
}

#[test]
fn pillar_errors_end_the_run_before_it_begins() {
    let work = Work::new();
    let mut controller = Controller { pillar_errors: vec!["no".to_owned()], ..Controller::default() };
    let (value, retcode) =
        with(&work, &mut controller, 0, |ctx| (call(ctx, "state.apply", Args::of(["web"])), ctx.retcode));
    assert_eq!(value.unwrap().as_list().unwrap()[1], "no".into());
    assert_eq!((retcode, controller.steps.len()), (5, 0));
}

#[test]
fn the_callers_pillar_reaches_the_templates() {
    let pillar = Map::from([("port", 8080)]);
    let (value, ..) = answer("state.apply", Args::of(["lib"]).with("pillar", pillar));
    assert_eq!(value.unwrap().get(PORT).unwrap().get("comment"), Some(&"8080".into()));
    assert!(answer("state.apply", Args::of(["lib"]).with("pillar", "x")).0.is_err());
}

#[test]
fn a_keyword_nobody_knows_does_not_run_for_real() {
    let (value, ..) = answer("state.apply", Args::of(["web"]).with("tset", true));
    assert!(value.unwrap_err().to_string().contains("Did you mean test?"));
}

#[test]
fn every_state_is_told_as_it_begins_and_ends() {
    let work = Work::new();
    let mut controller = Controller::default();
    let value = with(&work, &mut controller, 0, |ctx| call(ctx, "state.apply", Args::of(["web"])).unwrap());
    let told: Vec<_> = controller.steps.iter().map(|step| step.get("key").cloned()).collect();
    assert_eq!(told, [None, Some(LIB.into()), Some(PORT.into()), Some(Value::from(WEB))]);
    let running = |step: &Value| step.get("running").unwrap().as_list().unwrap().to_vec();
    let running: Vec<_> = controller.steps.iter().map(running).collect();
    assert_eq!(running, [vec![LIB.into()], vec![PORT.into()], vec![Value::from(WEB)], vec![]]);
    let last = controller.steps.last().unwrap();
    assert_eq!((last.get("done"), last.get("total")), (Some(&3.into()), Some(&3.into())));
    assert_eq!((last.get("result"), last.get("changed")), (Some(&true.into()), Some(&true.into())));
    let Some(Value::Bytes(packed)) = last.get("ret") else { panic!("no return in {last:?}") };
    let ret = halite_wire::message::decode_value(packed).unwrap();
    assert_eq!(ret.get(WEB), value.get(WEB));
}

#[test]
fn one_id_runs_with_what_it_requires() {
    let (value, ..) = answer("state.sls_id", Args::of(["web", "web"]));
    assert_eq!(keys(&value.unwrap()), [LIB, WEB]);
    assert!(answer("state.sls_id", Args::of(["nobody", "web"])).0.is_err());
}

#[test]
fn what_is_excluded_does_not_run() {
    let (value, ..) = answer("state.apply", Args::of(["web"]).with("exclude", "lib"));
    assert_eq!(keys(&value.unwrap()), [WEB]);
}

#[test]
fn states_by_hand_and_as_text() {
    let args = Args::of(["test.succeed_with_changes", "x"]);
    assert_eq!(keys(&answer("state.single", args).0.unwrap()), ["test_|-x_|-x_|-succeed_with_changes"]);
    let (value, retcode, _) = answer("state.single", Args::of(["test.nosuch", "x"]));
    assert_eq!((value.unwrap().as_list().is_some(), retcode), (true, 1));
    let low = Map::from([("state", "test"), ("fun", "fail_without_changes"), ("name", "x")]);
    let (value, retcode, _) = answer("state.low", Args::of([low]));
    assert_eq!((value.unwrap().get("result").cloned(), retcode), (Some(false.into()), 2));
    let (value, ..) = answer("state.template_str", Args::of(["y: test.nop\n{# a comment #}"]));
    assert_eq!(keys(&value.unwrap()), ["test_|-y_|-y_|-nop"]);
    let high = Map::from([("z", Map::from([("test", vec!["nop"])]))]);
    assert_eq!(keys(&answer("state.high", Args::of([high])).0.unwrap()), ["test_|-z_|-z_|-nop"]);
}

#[test]
fn shows_show() {
    let shown = |fun: &str, args| answer(fun, args).0.unwrap();
    assert_eq!(keys(&shown("state.show_sls", Args::of(["lib"]))), ["lib", "port"]);
    assert_eq!(shown("state.show_top", Args::default()), Map::from([("base", vec!["web"])]).into());
    assert_eq!(shown("state.show_states", Args::default()), vec!["lib", "web"].into());
    assert_eq!(shown("state.show_lowstate", Args::default()).as_list().unwrap().len(), 3);
    assert_eq!(shown("state.show_low_sls", Args::of(["lib"])).as_list().unwrap().len(), 2);
    assert_eq!(shown("state.sls_exists", Args::of(["lib"])), true.into());
    assert_eq!(shown("state.sls_exists", Args::of(["nosuch"])), false.into());
    assert_eq!(shown("state.id_exists", Args::of(["lib,port", "lib"])), true.into());
    assert_eq!(shown("state.id_exists", Args::of(["lib,nobody", "lib"])), false.into());
    let usage = shown("state.show_state_usage", Args::default());
    assert_eq!(usage.get("base").and_then(|base| base.get("count_used")), Some(&1.into()));
}

#[test]
fn a_request_is_tried_now_and_run_later() {
    let work = Work::new();
    let mut controller = Controller::default();
    with(&work, &mut controller, 0, |ctx| {
        let tried = call(ctx, "state.request", Args::of(["web"])).unwrap();
        assert_eq!(tried.get(WEB).unwrap().get("result"), Some(&Value::Null));
        assert_eq!(keys(&call(ctx, "state.check_request", Args::default()).unwrap()), ["default"]);
        let ran = call(ctx, "state.run_request", Args::default()).unwrap();
        assert_eq!(ran.get(WEB).unwrap().get("result"), Some(&true.into()));
        assert_eq!(keys(&call(ctx, "state.check_request", Args::default()).unwrap()), Vec::<String>::new());
    });
}

#[test]
fn a_second_run_is_refused_waits_or_does_not_care() {
    let work = Work::new();
    let lock = std::fs::File::create(work.0.join("state.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let run = |args: Args| {
        with(&work, &mut Controller::default(), 0, |ctx| {
            (call(ctx, "state.apply", args).unwrap(), ctx.retcode)
        })
    };
    let (value, retcode) = run(Args::of(["web"]));
    assert_eq!((value.as_list().map(<[Value]>::len), retcode), (Some(1), 1));
    assert_eq!(run(Args::of(["web"]).with("concurrent", true)).1, 0);
    let waiting = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            drop(lock);
        });
        assert_eq!(run(Args::of(["web"]).with("queue", true)).1, 0);
    });
    assert!(waiting.elapsed() >= Duration::from_millis(150));
}

#[test]
fn a_run_inside_a_run_has_its_turn() {
    let source = "x: {module.run: [{state.apply: [lib]}]}";
    let (value, retcode, _) = answer("state.template_str", Args::of([source]));
    let changes = value.unwrap().get("module_|-x_|-x_|-run").unwrap().get("changes").unwrap().clone();
    assert_eq!(retcode, 0);
    assert!(changes.get("state.apply").unwrap().get(LIB).is_some(), "{changes:?}");
}

#[test]
fn a_run_can_be_ended_before_its_next_state() {
    let work = Work::new();
    let mut controller = Controller::default();
    with(&work, &mut controller, 7, |ctx| {
        let jid = ctx.jid.to_string();
        call(ctx, "state.soft_kill", Args::of([jid.as_str(), "web"])).unwrap();
        assert_eq!(keys(&call(ctx, "state.apply", Args::of(["web"])).unwrap()), [LIB, PORT]);
        call(ctx, "state.resume", Args::of([jid.as_str()])).unwrap();
        assert_eq!(keys(&call(ctx, "state.apply", Args::of(["web"])).unwrap()), [LIB, PORT, WEB]);
    });
}

#[test]
fn a_paused_run_goes_on_when_its_time_is_over() {
    let work = Work::new();
    with(&work, &mut Controller::default(), 8, |ctx| {
        let jid = ctx.jid.to_string();
        let pause = Args::of([jid.as_str(), "web"]).with("duration", 1);
        call(ctx, "state.pause", pause).unwrap();
        let began = Instant::now();
        call(ctx, "state.apply", Args::of(["web"])).unwrap();
        assert!(began.elapsed() >= Duration::from_secs(1));
    });
}

#[test]
fn sys_tells_of_states() {
    let (doc, ..) = answer("sys.state_doc", Args::of(["test.nop"]));
    assert_eq!(keys(&doc.unwrap()), ["test.nop"]);
    let (spec, ..) = answer("sys.state_argspec", Args::of(["cmd.run"]));
    assert_eq!(spec.unwrap().get("cmd.run").unwrap().get("kwargs"), Some(&"kwargs".into()));
    let (modules, ..) = answer("sys.list_state_modules", Args::of(["cm*"]));
    assert_eq!(modules.unwrap(), vec!["cmd"].into());
}
