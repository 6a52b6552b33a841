//! The runtime on hand-made chunks: what real Salt cannot be asked.

use super::{Finished, Options, run};
use halite_modules::{Ctx, Link, LinkError, NoRender};
use halite_wire::message::{Answer, Ask};
use halite_wire::{Jid, Map, Value};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Keeps what it is told.
#[derive(Default)]
struct Told(Vec<Value>);

impl Link for Told {
    fn ask(&mut self, _: Ask, _: &mut dyn FnMut(Answer) -> Result<(), String>) -> Result<(), LinkError> {
        Err(LinkError::Closed)
    }
    fn progress(&mut self, step: Value) {
        self.0.push(step);
    }
    fn log(&mut self, _: &str) {}
}

fn low(fun: &str, id: &str, more: &[(&str, Value)]) -> Map {
    let (state, fun) = fun.split_once('.').unwrap();
    let base = [("state", state), ("name", id), ("__sls__", "s"), ("__id__", id), ("fun", fun)];
    let mut low: Map = base.into_iter().collect();
    low.extend(more.iter().map(|(key, value)| (*key, value.clone())));
    low
}

fn run_of(chunks: Vec<Map>, grains: fn(&mut Ctx) -> Map) -> (Finished, Vec<Value>) {
    let mut link = Told::default();
    let (jid, id) = (Jid::from_unix_micros(0), "m1".parse().unwrap());
    let mut ctx = Ctx::new(jid, id, Map::new(), &mut link, &NoRender, grains);
    ctx.further = crate::MODULES;
    (run(&mut ctx, chunks, &Options::default()), link.0)
}

fn of<'r>(finished: &'r Finished, tag: &str, key: &str) -> &'r Value {
    finished.returns.get(tag).unwrap().get(key).unwrap()
}

#[test]
fn parallel_states_run_at_the_same_time_and_are_told_by_one_line() {
    let chunk = |id: &str| {
        low("cmd.run", id, &[("name", format!("sleep 0.4; echo {id}").into()), ("parallel", true.into())])
    };
    let began = Instant::now();
    let (finished, told) = run_of(["a", "b", "c", "d"].map(chunk).to_vec(), |_| Map::new());
    assert!(began.elapsed() < Duration::from_millis(1200), "{:?}", began.elapsed());
    // Each tells when it begins and when it ends.
    assert_eq!((finished.returns.len(), told.len(), finished.succeeded), (4, 8, true));
    let changes = of(&finished, "cmd_|-c_|-sleep 0.4; echo c_|-run", "changes");
    assert_eq!(changes.get("stdout"), Some(&"c".into()));
}

#[test]
fn fire_event_sends_an_event_of_its_own() {
    let chunks = vec![
        low("test.nop", "a", &[("fire_event", true.into())]),
        low("test.nop", "b", &[("fire_event", "site/done".into())]),
        low("test.nop", "c", &[]),
    ];
    let events: Vec<Value> =
        run_of(chunks, |_| Map::new()).1.iter().filter_map(|step| step.get("event").cloned()).collect();
    let jid = Jid::from_unix_micros(0);
    let tag = |suffix: &str| Value::from(format!("salt/state_result/{jid}/m1/{suffix}"));
    assert_eq!(events, [tag("a"), tag("site/done")]);
}

#[test]
fn functions_that_are_disabled_do_not_run() {
    let grains = |_: &mut Ctx| Map::from([("state_runs_disabled", vec!["test.n*"])]);
    let (finished, _) =
        run_of(vec![low("test.nop", "a", &[]), low("test.succeed_with_changes", "b", &[])], grains);
    assert_eq!(of(&finished, "test_|-a_|-a_|-nop", "result"), &false.into());
    assert_eq!(of(&finished, "test_|-b_|-b_|-succeed_with_changes", "result"), &true.into());
}

#[test]
fn an_argument_nobody_knows_fails_its_state_and_no_other() {
    let bad = low("test.configurable_test_state", "a", &[("chagnes", true.into())]);
    let (finished, _) = run_of(vec![bad, low("test.nop", "b", &[])], |_| Map::new());
    let comment = of(&finished, "test_|-a_|-a_|-configurable_test_state", "comment").as_str().unwrap();
    assert!(comment.contains("Did you mean changes?"), "{comment}");
    assert_eq!(of(&finished, "test_|-b_|-b_|-nop", "result"), &true.into());
}

#[test]
fn every_return_has_salts_fields() {
    let (finished, _) = run_of(
        vec![
            low("test.nop", "a", &[("onchanges", vec![Map::from([("test", "b")])].into())]),
            low("test.nop", "b", &[]),
        ],
        |_| Map::new(),
    );
    for ret in finished.returns.values() {
        for key in [
            "name",
            "changes",
            "result",
            "comment",
            "__sls__",
            "__id__",
            "__run_num__",
            "start_time",
            "duration",
        ] {
            assert!(ret.get(key).is_some(), "{key} of {ret:?}");
        }
        let time = ret.get("start_time").unwrap().as_str().unwrap();
        assert!(time.len() == 15 && time.as_bytes()[8] == b'.', "{time}");
    }
}

#[test]
fn the_user_of_a_state_is_the_user_of_its_commands() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let chunks =
        vec![low("module.run", "a", &[("cmd.run", vec!["id -un"].into()), ("runas", "nobody".into())])];
    let (finished, _) = run_of(chunks, |_| Map::new());
    assert_eq!(of(&finished, "module_|-a_|-a_|-run", "changes").get("cmd.run"), Some(&"nobody".into()));
}

#[test]
fn the_catalogue_of_states_is_in_order_and_documented() {
    for module in crate::STATES {
        assert!(module.doc.ends_with('.'), "{}: doc without a stop", module.file);
        let names: Vec<_> = module.functions.iter().map(|f| f.name).collect();
        assert!(names.is_sorted(), "{}: functions out of order: {names:?}", module.file);
        assert_eq!(BTreeSet::from_iter(&names).len(), names.len(), "{}: a name twice", module.file);
        for function in module.functions {
            assert!(
                function.doc.ends_with('.'),
                "{}.{}: doc without a stop",
                module.virtual_name,
                function.name
            );
            let example = halite_render::yaml::load(function.example);
            assert!(example.is_ok(), "{}.{}: {example:?}", module.virtual_name, function.name);
        }
    }
    for module in crate::MODULES {
        let names: Vec<_> = module.functions.iter().map(|f| f.name).collect();
        assert!(names.is_sorted(), "{}: functions out of order: {names:?}", module.file);
        for function in module.functions {
            let name = format!("{}.{}", module.virtual_name, function.name);
            assert!(function.doc.ends_with('.'), "{name}: doc without a stop");
            assert_eq!(
                function.example.split(' ').next(),
                Some(name.as_str()),
                "{name}: the example calls another"
            );
        }
    }
}
