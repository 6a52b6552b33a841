//! Tests of the grains functions, with a grains file in a directory of their own.

use super::*;
use crate::{Args, NoLink, Render, call};
use halite_render::yaml;
use halite_wire::Jid;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

struct Yaml;

impl Render for Yaml {
    fn render(&self, _: &mut Ctx, _: &str, _: &str, _: &Map) -> Result<String, String> {
        Err("no templates here".to_owned())
    }
    fn load_yaml(&self, source: &str) -> Result<Value, String> {
        yaml::load(source).map(|node| node.to_value()).map_err(|error| error.to_string())
    }
    fn dump_yaml(&self, value: &Value) -> Result<String, String> {
        Ok(yaml::dump(value))
    }
}

/// A directory that plays `/etc/salt`, gone when dropped.
struct Home(PathBuf);

impl Home {
    fn new() -> Home {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("halite-grains-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Home(path)
    }

    fn call(&self, fun: &str, args: Args) -> Result<Value, CallError> {
        let conf = self.0.join("minion").to_string_lossy().into_owned();
        let roster = Map::from([("site", Map::from([("row", 4)]))]);
        let opts = Map::from([("conf_file", Value::from(conf)), ("grains", roster.into())]);
        let (jid, id) = (Jid::from_unix_micros(0), "m1".parse().unwrap());
        call(&mut Ctx::new(jid, id, opts, &mut NoLink, &Yaml, core::gather), fun, args)
    }

    fn ok(&self, fun: &str, args: Args) -> Value {
        self.call(fun, args).unwrap()
    }

    fn result(&self, fun: &str, args: Args) -> bool {
        self.ok(fun, args).get("result").and_then(Value::as_bool).unwrap()
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.0.join("grains")).unwrap()
    }

    fn write(&self, text: &str) {
        std::fs::write(self.0.join("grains"), text).unwrap();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn get(home: &Home, key: &str) -> Value {
    home.ok("grains.get", Args::of([key]).with("default", Value::Null))
}

#[test]
fn the_grains_file_and_the_configuration_are_merged_over_core_grains() {
    let home = Home::new();
    home.write("os: Plan9\nsite:\n  rack: r12\n  row: 1\n");
    assert_eq!(get(&home, "os"), "Plan9".into());
    assert_eq!(get(&home, "site:rack"), "r12".into());
    assert_eq!(get(&home, "site:row"), 4.into());
    assert_eq!(get(&home, "kernel"), "Linux".into());
    assert_eq!(get(&home, "id"), "m1".into());
}

#[test]
fn a_broken_grains_file_is_told_and_does_not_hide_the_core_grains() {
    let home = Home::new();
    home.write("a: [1\nb: }");
    let conf = home.0.join("minion").to_string_lossy().into_owned();
    let opts = Map::from([("conf_file", conf)]);
    let mut link = NoLink;
    let mut ctx =
        Ctx::new(Jid::from_unix_micros(0), "m1".parse().unwrap(), opts, &mut link, &Yaml, core::gather);
    assert_eq!(ctx.grains().get_str("kernel"), Some("Linux"));
    assert!(ctx.notes.iter().any(|note| note.contains("is not YAML")), "{:?}", ctx.notes);
    let error = home.call("grains.setval", Args::of(["x", "y"])).unwrap_err();
    assert!(error.to_string().contains("is not YAML"), "{error}");
    assert_eq!(home.file(), "a: [1\nb: }");
}

#[test]
fn a_name_that_would_spoil_the_file_is_refused() {
    let home = Home::new();
    let error = home.call("grains.setval", Args::of([Value::from(vec![1]), 2.into()])).unwrap_err();
    assert_eq!(error.to_string(), "a list cannot name a grain");
    assert!(home.ok("grains.setvals", Args::of([Map::new()])) == Value::Map(Map::new()));
}

#[test]
fn values_are_set_and_removed_in_the_file() {
    let home = Home::new();
    assert_eq!(home.ok("grains.setval", Args::of(["rack", "r12"])), Value::Map(Map::from([("rack", "r12")])));
    assert_eq!(get(&home, "rack"), "r12".into());
    assert_eq!(home.file(), "rack: r12\n");
    assert!(home.result("grains.set", Args::of(["a:b:c", "deep"])));
    assert_eq!(get(&home, "a:b:c"), "deep".into());
    assert!(home.result("grains.delval", Args::of(["rack"])));
    assert_eq!(home.ok("grains.has_value", Args::of(["rack"])), true.into());
    assert!(home.result("grains.delkey", Args::of(["rack"])));
    assert_eq!(home.ok("grains.has_value", Args::of(["rack"])), false.into());
}

#[test]
fn lists_and_dictionaries_are_replaced_only_by_force() {
    let home = Home::new();
    home.write("roles: [web]\none: 1\n");
    assert!(!home.result("grains.set", Args::of(["roles", "db"])));
    assert!(!home.result("grains.set", Args::of(["one:two", "x"])));
    let list = Value::from(vec!["a"]);
    assert!(!home.result("grains.set", Args::of([Value::from("one"), list.clone()])));
    assert!(home.result("grains.set", Args::of([Value::from("one"), list.clone()]).with("force", true)));
    assert_eq!(get(&home, "one"), list);
    assert!(home.result("grains.set", Args::of(["roles:web", "front"])));
    assert_eq!(get(&home, "roles:web"), "front".into());
}

#[test]
fn lists_grow_and_shrink() {
    let home = Home::new();
    home.ok("grains.append", Args::of(["roles", "web"]));
    home.ok("grains.append", Args::of(["roles", "db"]));
    home.ok("grains.append", Args::of(["roles", "db"]));
    home.ok("grains.append", Args::of(["deep:list", "x"]));
    home.ok("grains.remove", Args::of(["roles", "web"]));
    assert_eq!(get(&home, "roles"), Value::from(vec!["db"]));
    assert_eq!(get(&home, "deep:list"), Value::from(vec!["x"]));
    home.ok("grains.setval", Args::of(["single", "a"]));
    assert!(home.ok("grains.append", Args::of(["single", "b"])).as_str().unwrap().contains("not a list"));
    home.ok("grains.append", Args::of(["single", "b"]).with("convert", true));
    assert_eq!(get(&home, "single"), Value::from(vec!["a", "b"]));
}

#[test]
fn a_hash_is_made_once() {
    let home = Home::new();
    let first = home.ok("grains.get_or_set_hash", Args::of(["web:secret"]).with("length", 50));
    assert_eq!(first.as_str().unwrap().len(), 50);
    assert_eq!(home.ok("grains.get_or_set_hash", Args::of(["web:secret"])), first);
}

#[test]
fn filter_by_takes_globs_a_base_and_a_merge() {
    let home = Home::new();
    home.write("os_family: Debian\nroles: [db, web]\n");
    let names = |pkg: &str| Value::Map(Map::from([("pkg", pkg)]));
    let lookup = Map::from([("Deb*", names("apache2")), ("default", names("none"))]);
    assert_eq!(home.ok("grains.filter_by", Args::of([lookup.clone()])), names("apache2"));
    let other = Args::of([lookup.clone()]).with("grain", "nothing");
    assert_eq!(home.ok("grains.filter_by", other), names("none"));
    let merged =
        Args::of([lookup]).with("merge", Value::Map(Map::from([("port", 80)]))).with("base", "default");
    let expected = Map::from([("pkg", Value::from("apache2")), ("port", Value::Int(80))]);
    assert_eq!(home.ok("grains.filter_by", merged), Value::Map(expected));
    let by_role = Args::of([Map::from([("web", 1)])]).with("grain", "roles");
    assert_eq!(home.ok("grains.filter_by", by_role), 1.into());
}

#[test]
fn items_are_listed_picked_and_sanitized() {
    let home = Home::new();
    home.write("serialnumber: ABCDEFGH\n");
    let some = home.ok("grains.item", Args::of(["serialnumber", "id", "missing"]).with("sanitize", true));
    let expected = Map::from([("serialnumber", "ABCDEFXX"), ("id", "MINION.DOMAINNAME"), ("missing", "")]);
    assert_eq!(some, Value::Map(expected));
    let names = home.ok("grains.ls", Args::default());
    assert!(names.as_list().unwrap().is_sorted_by_key(|name| name.as_str().unwrap().to_owned()));
    assert_eq!(home.ok("grains.equals", Args::of(["os", "Plan9"])), false.into());
    assert_eq!(home.ok("grains.equals", Args::of(["num_cpus", "0"])), false.into());
}
