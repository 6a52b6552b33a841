//! Pillars of real trees, and sources beside them.

use super::*;
use crate::files::FileServer;
use halite_wire::message::{Answer, PillarAsk};
use halite_wire::{Map, MinionId, Value};
use indexmap::IndexMap;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A controller's files, gone with the test.
pub(super) struct Room(PathBuf);

impl Room {
    pub fn new() -> Room {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("halite-pillar-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Room(path)
    }

    pub fn write(&self, path: &str, text: &str) -> &Room {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    pub fn at(&self, path: &str) -> String {
        self.0.join(path).display().to_string()
    }

    /// A pillar with `pillar/` and `dev/` as roots, and this configuration.
    pub fn pillar(&self, config: &str) -> Pillar {
        let opts = yaml(config);
        let roots = [("base", "pillar"), ("dev", "dev")];
        let roots: IndexMap<String, Vec<PathBuf>> =
            roots.into_iter().map(|(name, folder)| (name.to_owned(), vec![self.0.join(folder)])).collect();
        let nodegroups = opts.get("nodegroups").cloned().unwrap_or_default();
        let files = Arc::new(FileServer::new([("base".to_owned(), vec![self.0.join("salt")])]));
        Pillar::new(Settings { roots, opts, nodegroups, cache: self.0.join("cache"), files })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn yaml(text: &str) -> Map {
    halite_render::yaml::load(text).unwrap().to_value().as_map().cloned().unwrap_or_default()
}

pub(super) fn id(name: &str) -> MinionId {
    name.parse().unwrap()
}

fn with_grains(grains: &str) -> PillarAsk {
    PillarAsk { grains: yaml(grains), ..PillarAsk::default() }
}

/// The pillar of a host that has no errors in it.
fn of(pillar: &Pillar, name: &str, ask: PillarAsk) -> Map {
    let (data, errors) = pillar.compile(&id(name), ask);
    assert!(errors.is_empty(), "{errors:?}");
    data
}

#[test]
fn top_files_say_who_gets_what_and_later_files_are_merged_over_earlier_ones() {
    let room = Room::new();
    room.write(
        "pillar/top.sls",
        "base:\n  '*': [common]\n  'os:Debian': [{match: grain}, debian]\n  'web*': [web]\n",
    )
    .write("pillar/common.sls", "ntp: {servers: [a], tries: 3}\nid: {{ grains.id }}\n")
    .write("pillar/debian/init.sls", "ntp: {servers: [b]}\nos: {{ grains['os'] }} {{ sls }} {{ saltenv }}\n")
    .write("pillar/web.sls", "{% from 'lib/map.jinja' import port with context %}\nport: {{ port }}\n")
    .write("pillar/lib/map.jinja", "{% set port = 8000 + grains.get('number', 0) %}");
    let pillar = room.pillar("{}");
    let data = of(&pillar, "web1", with_grains("{os: Debian, number: 80, id: somebody-else}"));
    let wanted = "{ntp: {servers: [b], tries: 3}, id: web1, os: Debian debian base, port: 8080}";
    assert_eq!(data, yaml(wanted));
    assert_eq!(
        of(&pillar, "db1", with_grains("{os: Void}")),
        yaml("{ntp: {servers: [a], tries: 3}, id: db1}")
    );
}

#[test]
fn the_callers_values_win_and_environments_can_be_chosen() {
    let room = Room::new();
    room.write("pillar/top.sls", "base:\n  '*': [a]\n")
        .write("pillar/a.sls", "a: {x: 1, y: {{ pillar.get('seen', 'no') }}}\n")
        .write("dev/top.sls", "dev:\n  '*': [b]\n")
        .write("dev/b.sls", "b: {{ saltenv }}\n");
    let pillar = room.pillar("{}");
    let over = PillarAsk { over: yaml("{a: {x: 2}, seen: of course}"), ..PillarAsk::default() };
    assert_eq!(of(&pillar, "m1", over), yaml("{a: {x: 2, y: of course}, seen: of course, b: dev}"));
    let dev = PillarAsk { pillarenv: Some("dev".to_owned()), ..PillarAsk::default() };
    assert_eq!(of(&pillar, "m1", dev), yaml("{b: dev}"));
}

#[test]
fn errors_name_the_file_and_the_line_and_the_rest_is_there_all_the_same() {
    let room = Room::new();
    room.write("pillar/top.sls", "base:\n  '*': [good, broken, missing]\n")
        .write("pillar/good.sls", "good: 1\n")
        .write("pillar/broken.sls", "a: 1\nb: {{ nothing.at_all }}\n");
    let (data, errors) = room.pillar("{}").compile(&id("m1"), PillarAsk::default());
    assert_eq!(data, yaml("{good: 1}"));
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("broken.sls:2:"), "{}", errors[0]);
    assert!(errors[1].contains("missing"), "{}", errors[1]);
}

#[test]
fn sec_62_what_a_host_says_of_itself_is_data_in_its_pillar_and_never_a_template() {
    let room = Room::new();
    let sls = "os: {{ grains.os | json }}\nquoted: '{{ grains.os }}'\nseen: {{ pillar.get('over') | json }}\n\
               {% set text = grains.os %}through: {{ text | json }}\nlist: {{ [grains.os] | json }}\n";
    room.write("pillar/top.sls", "base:\n  '*': [a]\n").write("pillar/a.sls", sls);
    for hostile in ["{{ 7*7 }}", "{% raise(x) %}", "{# gone #}", "#!py", "{{ salt.cmd.run() }}", "{{"] {
        let grains = Map::from([("os", hostile)]);
        let ask = PillarAsk { grains, over: Map::from([("over", hostile)]), ..PillarAsk::default() };
        let (data, errors) = room.pillar("{}").compile(&id("m1"), ask);
        assert!(errors.is_empty(), "{hostile}: {errors:?}");
        for key in ["os", "quoted", "seen", "through", "over"] {
            assert_eq!(data.get(key), Some(&hostile.into()), "{key}");
        }
        assert_eq!(data.get("list"), Some(&Value::List(vec![hostile.into()])));
    }
}

#[test]
fn sec_62_a_value_that_is_decrypted_does_not_choose_who_reads_it() {
    let room = Room::new();
    room.write("pillar/top.sls", "base:\n  '*': [a]\n")
        .write("pillar/a.sls", "motd: {{ grains.motd | json }}\nlist: [{{ grains.motd | json }}]\n");
    for hostile in ["#!jinja\n{{ 7*7 }}", "#!py\ndef run(): return 1", "#!jinja|gpg\n{{ 7*7 }}", "{{ 7*7 }}"]
    {
        let ask = || PillarAsk { grains: Map::from([("motd", hostile)]), ..PillarAsk::default() };
        let (data, errors) = room.pillar("{decrypt_pillar: [motd, list]}").compile(&id("m1"), ask());
        assert_eq!((data.get("motd"), errors), (Some(&hostile.into()), Vec::new()));
        let (data, errors) = room.pillar("{decrypt_pillar: [motd: jinja]}").compile(&id("m1"), ask());
        assert_eq!(data.get("motd"), Some(&hostile.into()));
        assert!(errors.len() == 1 && errors[0].contains("decrypted by gpg"), "{errors:?}");
    }
}

#[test]
fn programs_and_trees_of_files_are_sources() {
    let room = Room::new();
    room.write("pillar/top.sls", "base:\n  '*': [a]\n")
        .write("pillar/a.sls", "a: {x: 1}\n")
        .write("tree/hosts/m1/etc/motd", "hello\n")
        .write("tree/hosts/m2/secret", "not for m1\n")
        .write("tree/nodegroups/all/etc/motd", "for all\n")
        .write("tree/nodegroups/all/note", "n\n");
    let config = format!(
        "nodegroups: {{all: '*', none: 'x*'}}\n\
         ext_pillar:\n- cmd_yaml: 'echo \"{{a: {{y: 2}}, who: %s}}\"'\n- cmd_json: 'echo \"{{\\\"json\\\": [1, null]}}\"'\n\
         - file_tree: {{root_dir: {}}}\n- nodegroups: {{pillar_name: groups}}\n",
        room.at("tree")
    );
    let data = of(&room.pillar(&config), "m1", PillarAsk::default());
    let wanted = "{a: {x: 1, y: 2}, who: m1, json: [1, null], etc: {motd: hello}, note: n, groups: [all]}";
    assert_eq!(data, yaml(wanted));
}

#[test]
fn a_source_that_fails_is_told_by_its_name_and_unknown_ones_by_those_there_are() {
    let room = Room::new();
    let config =
        "ext_pillar: [{cmd_yaml: 'echo oops >&2; exit 3'}, {cmd_yaml: 'echo \"a: b: c\"'}, {cmd_xml: x}, 5]";
    let (_, errors) = room.pillar(config).compile(&id("m1"), PillarAsk::default());
    assert_eq!(errors.len(), 4, "{errors:?}");
    for (error, part) in errors.iter().zip(["oops", "1:", "cmd_yaml", "entry"]) {
        assert!(error.contains(part), "{error} lacks {part}");
    }
}

#[test]
fn external_sources_may_come_first_and_templates_see_them() {
    let room = Room::new();
    room.write("pillar/top.sls", "base:\n  'role:db': [{match: pillar}, db]\n")
        .write("pillar/db.sls", "seen: {{ pillar.role }}\n");
    let config = "ext_pillar_first: True\next_pillar: [{cmd_yaml: 'echo role: db'}]";
    assert_eq!(of(&room.pillar(config), "m1", PillarAsk::default()), yaml("{role: db, seen: db}"));
}

#[test]
fn stacks_merge_files_by_the_strategies_they_name() {
    let room = Room::new();
    room.write("stack/stack.cfg", "core.yml\nos/{{ __grains__.os }}.yml\nparts/*.yml\nnothing.yml\n")
        .write("stack/core.yml", "users: [a, b]\nnet: {mtu: 1500, dns: [x]}\ngone: 1\nfirst: 1\n")
        .write("stack/os/Void.yml", "net: {dns: [y], os: {{ minion_id }}}\nusers:\n- __: remove\n- a\n")
        .write("stack/parts/1.yml", "net: {dns: [{__: overwrite}, z]}\nmtu: {{ stack.net.mtu }}\n")
        .write("stack/parts/2.yml", "__: remove\ngone: {}\n")
        .write("stack/parts/3.yml", "__: merge-first\nfirst: 2\nusers: [c]\n")
        .write("other.cfg", "- stack/parts/1.yml\n");
    let config = format!(
        "ext_pillar:\n- stack: {}\n- stack: {{'grains:os': {{Void: {}, Other: /none}}}}",
        room.at("stack/stack.cfg"),
        room.at("none.cfg")
    );
    let data = of(&room.pillar(&config), "m1", with_grains("{os: Void}"));
    let wanted = "{users: [c, b], net: {mtu: 1500, dns: [z], os: m1}, first: 1, mtu: 1500}";
    assert_eq!(data, yaml(wanted));
}

#[test]
fn rows_of_a_database_are_keys_inside_each_other() {
    let room = Room::new();
    let file = room.at("pillar.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{ConnectOptions, Executor};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        connection
            .execute(
                "CREATE TABLE p (id TEXT, a TEXT, b TEXT, c INTEGER);
                 INSERT INTO p VALUES ('m1', 'net', 'mtu', 1500), ('m1', 'net', 'ttl', 64), ('m1', 'x', 'y', NULL),
                    ('m2', 'net', 'mtu', 9000), ('m1', 'net', 'mtu', 1400);",
            )
            .await
            .unwrap();
    });
    let config = format!(
        "sqlite3: {{database: {file}}}\next_pillar:\n- sqlite3:\n    db: SELECT a, b, c FROM p WHERE id LIKE ?\n    \
         lists: {{query: 'SELECT b, c FROM p WHERE id = ?', as_list: True}}\n    \
         rows: {{query: 'SELECT a, b, c FROM p WHERE id = ? AND c = 64', depth: 1}}\n"
    );
    let wanted = "{db: {net: {mtu: 1400, ttl: 64}, x: {y: null}}, lists: {mtu: [1500, 1400], ttl: 64, y: null},\
                  rows: {net: {b: ttl, c: 64}}}";
    assert_eq!(of(&room.pillar(&config), "m1", PillarAsk::default()), yaml(wanted));
}

#[test]
fn branches_of_a_repository_are_trees_of_their_own() {
    let room = Room::new();
    room.write("repo/sub/top.sls", "base:\n  'm*': [a]\n").write("repo/sub/a.sls", "from: {{ grains.id }}\n");
    for args in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "1"]] {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=master"]);
        assert!(git.arg("-C").arg(room.at("repo")).args(args).status().unwrap().success());
    }
    let config = format!("ext_pillar:\n- git:\n  - master {}:\n    - root: sub\n", room.at("repo"));
    let pillar = room.pillar(&config);
    assert_eq!(of(&pillar, "m1", PillarAsk::default()), yaml("{from: m1}"));
    assert_eq!(of(&pillar, "x1", PillarAsk::default()), Map::new());
    let config = format!("ext_pillar:\n- git:\n  - '../../x {}'\n", room.at("repo"));
    let (_, errors) = room.pillar(&config).compile(&id("m1"), PillarAsk::default());
    assert!(errors[0].contains("no branch or tag"), "{errors:?}");
}

#[test]
fn functions_in_templates_run_here_with_the_grains_of_the_host() {
    let room = Room::new();
    let template = "a: {{ salt['grains.get']('deep:er', 'x') }}\n\
                    b: {{ salt['cmd.run']('echo from a program') }}\n\
                    c: {{ salt['pillar.get']('over', 'none') }}\n\
                    d: {{ salt['grains.item']('os').os }}\n\
                    e: {{ 'no.such' in salt }}\n";
    room.write("pillar/top.sls", "base:\n  '*': [a]\n").write("pillar/a.sls", template);
    let ask = PillarAsk { over: yaml("{over: there}"), ..with_grains("{deep: {er: found}, os: Hostos}") };
    let data = of(&room.pillar("{}"), "m1", ask);
    let wanted = "{over: there, a: found, b: from a program, c: there, d: Hostos, e: False}";
    assert_eq!(data, yaml(wanted));
}

#[test]
fn one_process_runs_the_functions_of_all_hosts_and_none_finds_what_another_left() {
    let room = Room::new();
    room.write("pillar/top.sls", "base:\n  'm*': [a]\n  'bad': [b]\n  'late': [c]\n")
        .write("pillar/a.sls", "process: {{ salt['cmd.shell']('echo $PPID') }}\nwho: {{ salt['grains.item']('id').id }}\n")
        .write("pillar/b.sls", "set: {{ salt['environ.setval']('LEFT', 'x') }}\n")
        .write("pillar/c.sls", "left: {{ salt['environ.get']('LEFT', 'none') }}\nlong: {{ salt['test.echo']('y' * 700000) | length }}\n");
    let pillar = room.pillar("{}");
    let made: Vec<Map> = ["m1", "m2", "m3"].map(|name| of(&pillar, name, PillarAsk::default())).into();
    assert!(made[0].get("process").is_some_and(|process| process.as_i64().is_some()), "{made:?}");
    assert!(made.iter().all(|data| data.get("process") == made[0].get("process")), "{made:?}");
    assert_eq!(made[2].get_str("who"), Some("m3"));
    assert_eq!(of(&pillar, "bad", PillarAsk::default()).get_str("set"), Some("x"));
    for _ in 0..2 {
        let late = of(&pillar, "late", PillarAsk::default());
        assert_eq!(late, yaml("{left: none, long: 700000}"), "also after an answer of many frames");
    }
}

#[test]
fn a_hundred_hosts_cost_little_each() {
    let room = Room::new();
    let names: Vec<String> = (0..20).map(|n| format!("part{n}")).collect();
    room.write("pillar/top.sls", &format!("base:\n  '*': [{}]\n", names.join(", ")));
    for name in &names {
        let text =
            format!("{{% for n in range(5) %}}\n{name}_{{{{ n }}}}: {{{{ grains.id }}}}\n{{% endfor %}}\n");
        room.write(&format!("pillar/{name}.sls"), &text);
    }
    let pillar = room.pillar("{}");
    of(&pillar, "first", PillarAsk::default());
    let began = Instant::now();
    for n in 0..100 {
        assert_eq!(of(&pillar, &format!("m{n}"), with_grains("{os: Debian}")).len(), 100);
    }
    let each = began.elapsed() / 100;
    // 2 ms with optimization; tests are built without.
    let limit = if cfg!(debug_assertions) { 60 } else { 2 };
    assert!(each.as_millis() < limit, "{each:?} for each host");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random top files: globs, lists and grains in any order assign one secret to each of three hosts.
    #[test]
    fn sec_49_a_host_never_sees_the_pillar_of_another(
        order in Just(vec![0usize, 1, 2]).prop_shuffle(),
        kinds in prop::collection::vec(0..5usize, 3),
        claimed in 0..3usize,
    ) {
        let room = Room::new();
        let hosts = ["alpha", "beta", "gamma"];
        let mut top = "base:\n  '*': [common]\n".to_owned();
        for host in order {
            let name = hosts[host];
            let (expression, kind) = match kinds[host] {
                0 => (name.to_owned(), "glob"),
                1 => (format!("{}*", &name[..2]), "glob"),
                2 => (format!("{name},nobody"), "list"),
                3 => (format!("id:{name}"), "grain"),
                _ => (format!("E@^{name}$ and not G@id:nobody"), "compound"),
            };
            top += &format!("  '{expression}': [{{match: {kind}}}, secret_{name}]\n");
            room.write(&format!("pillar/secret_{name}.sls"), &format!("secret: canary-of-{name}\n"));
        }
        room.write("pillar/top.sls", &top).write("pillar/common.sls", "name: {{ grains.id }}\n");
        let pillar = room.pillar("{}");
        for name in hosts {
            // Each host claims to be another.
            let ask = with_grains(&format!("{{id: {}}}", hosts[claimed]));
            let text = halite_render::repr::repr(&Value::Map(of(&pillar, name, ask)));
            prop_assert!(text.contains(&format!("canary-of-{name}")), "{name}: {text}\n{top}");
            for other in hosts.iter().filter(|other| **other != name) {
                prop_assert!(!text.contains(other), "{name} sees {text}\n{top}");
            }
        }
    }
}

#[test]
fn master_tops_are_asked_for_the_host_and_one_that_fails_is_an_error() {
    let room = Room::new();
    room.write("class/nodes/web1.yml", "environment: base\nclasses: [web]\nstates: [own, nginx]\n")
        .write("class/classes/web.yml", "classes: [os]\nstates: [nginx, tls]\n")
        .write("class/classes/os.yml", "environment: dev\nstates: [base.users]\n")
        .write("nodes", "echo \"{classes: {$1-site: {a: 1}, tls: null}, environment: base}\"\n");
    let of = |config: &str| match room.pillar(config).answer(&id("web1"), PillarAsk::default()) {
        Answer::Value(value) => value,
        other => panic!("{other:?}"),
    };
    let (class, nodes) = (room.at("class"), room.at("nodes"));
    let both = of(&format!("master_tops: {{saltclass: {{path: {class}}}, ext_nodes: 'sh {nodes}'}}"));
    let names = ["web1-site", "tls", "base.users", "nginx", "own"].map(Value::from).to_vec();
    assert_eq!(both.get("tops"), Some(&Map::from([("base", Value::List(names))]).into()), "{both:?}");
    assert_eq!(of("pillar_opts: false").get("tops"), None);
    for config in ["{ext_nodes: 'false'}", "{cobbler: {}}", "{ext_nodes: 'echo [a'}"] {
        let failed = of(&format!("master_tops: {config}"));
        let error =
            failed.get("errors").and_then(|errors| errors.as_list()?.first()?.as_str().map(str::to_owned));
        assert!(error.is_some_and(|error| error.starts_with("master_tops")), "{failed:?}");
    }
}
