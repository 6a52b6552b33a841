//! Custom functions, states and grains against what real Salt gives for the same tree.

use super::*;
use halite_modules::{Link, LinkError};
use halite_wire::Jid;
use halite_wire::message::{Answer, Ask};
use std::sync::atomic::{AtomicU32, Ordering};

const PULSE: &str = r#"
from salt.exceptions import CommandExecutionError
__virtualname__ = "beat"
__func_alias__ = {"list_": "list"}

def __virtual__():
    return __virtualname__

def list_(n=2):
    return [__grains__["id"] + str(i) for i in range(n)]

def twice(x):
    return __salt__["plain.add"](x, x) + __context__.setdefault("started", 0)

def shout():
    return __utils__["helper.shout"](__pillar__["word"])

def stop():
    raise CommandExecutionError("no pulse")
"#;

const STATES: &str = r#"
def steady(name, rate=60, **kwargs):
    ret = {"name": name, "result": True, "changes": {}, "comment": "in " + kwargs["__sls__"]}
    if rate > 100:
        ret["changes"] = {"old": rate, "new": 60}
        ret["result"] = None if __opts__["test"] else True
    return ret

def wraps(name):
    return __states__["test.succeed_with_changes"](name=name)

def odd(name):
    return 5
"#;

const GRAINS: &str = "def colours(grains):\n    return {'colour': 'red', 'id_twice': grains['id'] * 2}\n";

const TREE: &[(&str, &str)] = &[
    ("_grains/mine.py", GRAINS),
    (
        "_modules/never.py",
        "def __virtual__():\n    return (False, 'not on this host')\ndef f():\n    return 1\n",
    ),
    ("_modules/broken.py", "def f(:\n"),
    ("_modules/plain.py", "def add(a, b=1):\n    return a + b\n"),
    ("_modules/pulse.py", PULSE),
    ("_modules/wants.py", "import os\nimport salt.utils.http\n\ndef f():\n    return 1\n"),
    ("_states/pulse.py", STATES),
    ("_utils/helper.py", "def shout(word):\n    return word.upper()\n"),
    ("web.sls", "{{ salt['beat.list'](1)[0] }}:\n  pulse.steady:\n    - rate: {{ salt.plain.add(119) }}\n"),
];

/// A controller with that tree.
struct Controller;

impl Link for Controller {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        let answer = match ask {
            Ask::ListFiles { .. } => Answer::Paths(TREE.iter().map(|(path, _)| (*path).to_owned()).collect()),
            Ask::File { path, .. } => match TREE.iter().find(|(known, _)| *known == path) {
                Some((_, text)) => Answer::Bytes(text.as_bytes().to_vec()),
                None => return Err(LinkError::Refused("there is no such file".to_owned())),
            },
            Ask::Pillar(_) => Answer::Value(Map::from([("pillar", Map::from([("word", "hey")]))]).into()),
            _ => return Err(LinkError::Refused("there is no such thing".to_owned())),
        };
        on_part(answer).map_err(LinkError::Local)
    }

    fn progress(&mut self, _: Value) {}

    fn log(&mut self, _: &str) {}
}

fn on_host<T>(work: impl FnOnce(&mut Ctx) -> T) -> T {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let cache = std::env::temp_dir().join(format!("halite-custom-{}-{count}", std::process::id()));
    let gather = |ctx: &mut Ctx| {
        let mut grains = Map::from([("id", "m1"), ("os", "Debian")]);
        let render = ctx.render;
        grains.extend(render.custom().unwrap().grains(ctx, &grains.clone()).unwrap());
        grains
    };
    let opts = Map::from([("cachedir", cache.to_string_lossy().into_owned())]);
    let (jid, mut link) = (Jid::from_unix_micros(0), Controller);
    let mut ctx = Ctx::new(jid, "m1".parse().unwrap(), opts, &mut link, &template::Engines, gather);
    ctx.further = crate::MODULES;
    let done = work(&mut ctx);
    let _ = std::fs::remove_dir_all(cache);
    done
}

fn call<V: Into<Value>>(fun: &str, args: impl IntoIterator<Item = V>) -> Result<Value, String> {
    on_host(|ctx| halite_modules::call(ctx, fun, Args::of(args)).map_err(|error| error.to_string()))
}

fn none() -> [Value; 0] {
    []
}

#[test]
fn functions_of_a_tree_see_the_host_and_call_each_other() {
    assert_eq!(call("beat.list", [3]).unwrap(), Value::from(vec!["m10", "m11", "m12"]));
    assert_eq!(call("beat.twice", [4]).unwrap(), 8.into());
    assert_eq!(call("beat.shout", none()).unwrap(), "HEY".into());
    assert_eq!(call("grains.get", ["id_twice"]).unwrap(), "m1m1".into());
    assert_eq!(call("test.ping", none()).unwrap(), true.into());
}

#[test]
fn what_goes_wrong_names_the_file_and_its_line() {
    let said = |fun: &str| call(fun, none()).unwrap_err();
    assert!(said("beat.stop").contains("no pulse (salt://_modules/pulse.py:19)"), "{}", said("beat.stop"));
    assert!(said("never.f").contains("salt://_modules/never.py: not on this host"), "{}", said("never.f"));
    assert!(said("broken.f").contains("(salt://_modules/broken.py:1)"), "{}", said("broken.f"));
    assert!(said("wants.f").contains("the import of salt.utils.http is missing"), "{}", said("wants.f"));
    assert!(
        said("plain.no").contains("salt://_modules/plain.py: it has no such function"),
        "{}",
        said("plain.no")
    );
    assert!(said("nothing.f").starts_with("'nothing.f' is not available."), "{}", said("nothing.f"));
}

#[test]
fn states_of_a_tree_run_and_are_only_looked_at_with_test() {
    let apply = |test: bool| {
        let args = Args::of(["web"]).with("test", test);
        on_host(|ctx| halite_modules::call(ctx, "state.apply", args).unwrap())
    };
    let state = |returned: &Value| returned.get("pulse_|-m10_|-m10_|-steady").cloned().unwrap_or_default();
    let (planned, done) = (state(&apply(true)), state(&apply(false)));
    assert_eq!(planned.get("result"), Some(&Value::Null), "{planned:?}");
    assert_eq!(done.get("result"), Some(&true.into()));
    assert_eq!(done.get("changes"), Some(&Map::from([("old", 120), ("new", 60)]).into()));
    assert_eq!(done.get("comment"), Some(&"in web".into()));
}

#[test]
fn a_state_may_call_another_one_and_must_return_a_map() {
    let single = |fun: &str| {
        let args = Args::of([fun]).with("name", "x");
        let returned = on_host(|ctx| halite_modules::call(ctx, "state.single", args).unwrap());
        returned.as_map().and_then(|map| map.iter().next().map(|(_, ret)| ret.clone())).unwrap()
    };
    assert!(single("pulse.wraps").get("changes").is_some_and(Value::is_truthy));
    let odd = single("pulse.odd");
    assert_eq!(odd.get("result"), Some(&false.into()));
    assert!(odd.get("comment").and_then(Value::as_str).unwrap().contains("returns a map"), "{odd:?}");
}

#[test]
fn sync_names_what_is_new_and_nothing_twice() {
    let names = |value: &Value| {
        value.as_list().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    on_host(|ctx| {
        let mut ask = |fun: &str, args: Args| halite_modules::call(ctx, fun, args).unwrap();
        let only = ask("saltutil.sync_modules", Args::default().with("extmod_whitelist", "plain"));
        assert_eq!(names(&only), "modules.plain");
        let rest = ask("saltutil.sync_modules", Args::default());
        assert_eq!(names(&rest), "modules.broken modules.never modules.pulse modules.wants");
        let all = ask("saltutil.sync_all", Args::default());
        assert_eq!(all.get("states"), Some(&vec!["states.pulse"].into()));
        assert_eq!(
            (all.get("modules"), all.get("beacons")),
            (Some(&Value::List(Vec::new())), Some(&Value::List(Vec::new())))
        );
    });
}
