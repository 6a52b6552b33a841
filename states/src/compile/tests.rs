//! A small tree behind a link that counts what is asked of it.

use super::*;
use crate::template::Engines;
use halite_engine::{Options, low, sls};
use halite_modules::{Link, LinkError};
use halite_wire::message::{Answer, Ask};
use halite_wire::{Jid, Value};
use std::collections::BTreeMap;
use std::time::Instant;

struct Controller {
    files: BTreeMap<String, String>,
    asked: Vec<String>,
}

impl Controller {
    fn of(files: &[(&str, &str)]) -> Controller {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Controller { files, asked: Vec::new() }
    }
}

impl Link for Controller {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        self.asked.push(format!("{ask:?}").chars().take(60).collect());
        let refused = || LinkError::Refused("there is no such thing".to_owned());
        let answer = match ask {
            Ask::File { path, .. } => {
                Answer::Bytes(self.files.get(&path).ok_or_else(refused)?.clone().into())
            }
            Ask::ListFiles { .. } => Answer::Paths(self.files.keys().cloned().collect()),
            Ask::Pillar(_) => Answer::Value(Map::from([("pillar", Map::from([("role", "db")]))]).into()),
            _ => return Err(refused()),
        };
        on_part(answer).map_err(LinkError::Local)
    }
    fn progress(&mut self, _: Value) {}
    fn log(&mut self, _: &str) {}
}

fn on_host<T>(link: &mut Controller, opts: Map, work: impl FnOnce(&mut Ctx) -> T) -> T {
    let gather = |_: &mut Ctx| Map::from([("os", "Debian"), ("os_family", "Debian")]);
    let (jid, id) = (Jid::from_unix_micros(0), "m1".parse().unwrap());
    let mut ctx = Ctx::new(jid, id, opts, link, &Engines, gather);
    ctx.further = crate::MODULES;
    work(&mut ctx)
}

/// The data of one SLS.
fn data(files: &[(&str, &str)], name: &str) -> Result<Value, String> {
    on_host(&mut Controller::of(files), Map::new(), |ctx| {
        Tree { ctx }.sls("base", name, &Map::new()).map(|found| found.map(|sls| sls.data).unwrap_or_default())
    })
}

#[test]
fn an_sls_is_a_file_or_the_init_of_a_folder() {
    let files =
        [("web.sls", "a: {}"), ("web/init.sls", "b: {}"), ("db/init.sls", "c: {}"), ("blank.sls", " \n")];
    assert_eq!(data(&files, "web").unwrap(), Map::from([("a", Map::new())]).into());
    assert_eq!(data(&files, "db").unwrap(), Map::from([("c", Map::new())]).into());
    assert_eq!(data(&files, "db.").unwrap(), Map::from([("c", Map::new())]).into());
    assert_eq!(data(&files, "blank").unwrap(), Map::new().into());
    assert_eq!(data(&files, "none").unwrap(), Value::Null);
    let names = on_host(&mut Controller::of(&files), Map::new(), |ctx| Tree { ctx }.sls_names("base"));
    assert_eq!(names.unwrap(), ["blank", "db", "web"]);
}

#[test]
fn an_sls_sees_where_it_stands() {
    let source =
        "{{ [sls, slspath, slsdotpath, slscolonpath, sls_path, tplfile, tpldir, tpldot, saltenv] | json }}";
    let seen = |path: &str, name: &str| data(&[(path, source)], name).unwrap();
    let texts = |texts: [&str; 9]| texts.into_iter().collect::<Value>();
    assert_eq!(
        seen("a/b/c.sls", "a.b.c"),
        texts(["a.b.c", "a/b", "a.b", "a:b", "a_b", "a/b/c.sls", "a/b", "a.b", "base"])
    );
    assert_eq!(
        seen("a/b/init.sls", "a.b"),
        texts(["a.b", "a/b", "a.b", "a:b", "a_b", "a/b/init.sls", "a/b", "a.b", "base"])
    );
    assert_eq!(seen("x.sls", "x"), texts(["x", "", "", "", "", "x.sls", ".", "", "base"]));
}

#[test]
fn templates_call_functions_that_render_templates() {
    let files = [
        ("page.jinja", "{% from 'lib.jinja' import twice %}{{ twice(grains.os) }}"),
        ("lib.jinja", "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}"),
        ("data.sls", "role: {{ salt['pillar.get']('role') }}"),
        (
            "top_level.sls",
            "{% set page = salt['slsutil.renderer']('salt://page.jinja', default_renderer='jinja') %}\n\
             page: {{ page }}\nrole: {{ salt['slsutil.renderer']('salt://data.sls').role }}\n\
             here: {{ salt['match.compound']('G@os:Debian and m*') }}\n",
        ),
    ];
    let wanted =
        Map::from([("page", Value::from("DebianDebian")), ("role", "db".into()), ("here", true.into())]);
    assert_eq!(data(&files, "top_level").unwrap(), wanted.into());
}

#[test]
fn mistakes_show_their_place_and_ids_have_one() {
    let error = data(&[("a.sls", "x:\n  y: {{ nothing.at_all }}\n")], "a").unwrap_err();
    assert!(error.contains("a.sls:2:") && error.contains("nothing"), "{error}");
    let source = "{% set x = 1 %}\nmotd:\n  file.managed:\n    - name: /etc/motd\n";
    let places = on_host(&mut Controller::of(&[("a.sls", source)]), Map::new(), |ctx| {
        Tree { ctx }.sls("base", "a", &Map::new()).unwrap().unwrap().places
    });
    let shown: Vec<_> = places.iter().map(|((id, key), place)| format!("{id} {key:?} {place}")).collect();
    assert_eq!(shown, ["motd None salt://a.sls:2:1", "motd Some(\"file.managed\") salt://a.sls:3:3"]);
}

#[test]
fn settings_of_blanks_are_those_for_sls() {
    let source = "a: |\n  x\n{% if true %}\n  y\n{% endif %}\n";
    let rendered = |opts: Map| {
        on_host(&mut Controller::of(&[("a.sls", source)]), opts, |ctx| {
            Tree { ctx }.sls("base", "a", &Map::new()).unwrap().unwrap().data
        })
    };
    let trimmed = Map::from([("a", "x\ny\n")]);
    let opts = |name: &str, value: Value| Map::from([(name, value)]);
    let env = Value::from(Map::from([("trim_blocks", true)]));
    assert_eq!(rendered(opts("jinja_sls_env", env.clone())), trimmed.clone().into());
    assert_eq!(rendered(opts("jinja_trim_blocks", true.into())), trimmed.into());
    assert_ne!(rendered(opts("jinja_env", env)), Map::from([("a", "x\ny\n")]).into());
}

/// A tree of `count` SLS of 50 lines, each importing the same map.
fn large(count: usize) -> Controller {
    let mut link = Controller::of(&[
        (
            "lib/map.jinja",
            "{% import_yaml 'lib/defaults.yaml' as d %}{% set map = salt['grains.filter_by'](d) %}",
        ),
        ("lib/defaults.yaml", "Debian: {user: root, mode: '0644'}\n"),
    ]);
    let includes: String = (0..count).map(|at| format!("  - part{at}\n")).collect();
    link.files.insert("all.sls".to_owned(), format!("include:\n{includes}"));
    for at in 0..count {
        let mut sls = "{% from 'lib/map.jinja' import map %}\n".to_owned();
        for state in 0..7 {
            sls.push_str(&format!(
                "part{at}-{state}:\n  file.managed:\n    - name: /etc/part{at}/{{{{ sls }}}}.{state}\n    - user: {{{{ \
                 map.user }}}}\n    - mode: {{{{ map.mode }}}}\n    - contents: |\n        {{{{ pillar.role }}}}\n"
            ));
        }
        link.files.insert(format!("part{at}.sls"), sls);
    }
    link
}

#[test]
fn a_thousand_sls_are_compiled_at_once_and_each_file_is_asked_once() {
    let count = 1000;
    let mut link = large(count);
    let started = Instant::now();
    let chunks = on_host(&mut link, Map::new(), |ctx| {
        let options = Options::from_config(&ctx.opts);
        low(sls(&mut Tree { ctx }, &options, &["all".to_owned()], "base"), &options)
    });
    let took = started.elapsed();
    assert_eq!(chunks.map_err(|errors| errors[0].clone()).map(|chunks| chunks.len()), Ok(count * 7));
    let all = link.asked.len();
    link.asked.sort();
    link.asked.dedup();
    assert_eq!(all, link.asked.len(), "something is asked twice");
    // Beside the parts: the list, the pillar, all.sls, the map and the defaults.
    assert!(all <= count + 6, "{:?}", &link.asked[all - 6..]);
    let limit_ms = if cfg!(debug_assertions) { 30_000 } else { 1_000 };
    assert!(took.as_millis() < limit_ms, "{took:?}");
}
