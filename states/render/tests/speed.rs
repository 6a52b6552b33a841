//! What rendering costs, measured where it is built for speed: `cargo test --release -p halite-render --test speed`.

#![allow(clippy::unwrap_used)]

use halite_render::jinja::{Functions, Loader, Parsed, Prepared, Settings};
use halite_render::template::{Context, render_pipeline};
use halite_wire::{Map, Value};
use std::time::{Duration, Instant};

/// Fifty lines as formulas have them: an import, grains, pillar, a loop, a macro, states.
fn sls(number: usize) -> String {
    let mut source = String::from(
        "{% from 'map.jinja' import web with context %}\n{% set name = 'site' ~ loop_number|default(1) %}\n",
    );
    for state in 0..5 {
        source.push_str(&format!(
            "\nconf-{number}-{state}:\n  file.managed:\n    - name: {{{{ web.root }}}}/{{{{ name }}}}-{state}.conf\n    \
             - source: salt://web/files/site.conf\n    - mode: '0644'\n    - context:\n        \
             port: {{{{ salt['pillar.get']('web:port', 80) }}}}\n        os: {{{{ grains['os_family']|lower }}}}\n"
        ));
    }
    source.push_str("\n{% if grains.os == 'Debian' %}\n{% for user in pillar.users %}\n{{ user }}-web:\n  user.present:\n    - name: {{ user }}\n{% endfor %}\n{% endif %}\n");
    source
}

const MAP: &str = "{% set web = salt['grains.filter_by']({'Debian': {'root': '/etc/nginx'}}, default='Debian') %}\n\
                   {% do web.update(pillar.get('web', {})) %}\n";

struct Host(Parsed);

impl Functions for Host {
    fn has(&self, name: &str) -> bool {
        matches!(name, "pillar.get" | "grains.filter_by")
    }

    fn call(&self, name: &str, args: Vec<Value>, _: Map) -> Result<Value, String> {
        match name {
            "pillar.get" => Ok(Value::from(8080)),
            _ => Ok(args[0].get("Debian").cloned().unwrap_or_default()),
        }
    }
}

impl Loader for Host {
    fn load(&self, path: &str) -> Result<Option<String>, String> {
        Ok((path == "map.jinja").then(|| MAP.to_owned()))
    }

    fn parsed(&self) -> Option<&Parsed> {
        Some(&self.0)
    }
}

fn grains() -> Map {
    let mut grains = Map::from([("os", Value::from("Debian")), ("os_family", Value::from("Debian"))]);
    for number in 0..100 {
        grains.insert(
            format!("grain{number}"),
            Map::from([("a", Value::from("b")), ("n", Value::from(number))]),
        );
    }
    grains
}

/// A pillar of 20,000 values, of which a file reads a handful.
fn pillar() -> Map {
    let mut pillar = Map::from([("users", Value::from(vec![Value::from("anna"), Value::from("bert")]))]);
    for section in 0..200 {
        let entries =
            (0..100).map(|at| (Value::from(format!("key{at}")), Value::from("value"))).collect::<Map>();
        pillar.insert(format!("section{section}"), entries);
    }
    pillar.insert("web", Map::from([("port", 8080)]));
    pillar
}

#[test]
fn a_thousand_files_of_fifty_lines_render_at_once() {
    let host = Prepared::default().with("grains", grains()).with("pillar", pillar());
    let sources: Vec<String> = (0..1000).map(sls).collect();
    assert!((50..60).contains(&sources[0].lines().count()), "{}", sources[0].lines().count());
    let site = Host(Parsed::default());
    let begin = Instant::now();
    for source in &sources {
        let variables = host.clone().with("sls", "web").with("saltenv", "base");
        let context = Context {
            variables: &variables,
            loader: &site,
            functions: &site,
            settings: &Settings::default(),
        };
        render_pipeline(source, "web.sls", "jinja|yaml", context).unwrap();
    }
    let took = begin.elapsed();
    let limit = if cfg!(debug_assertions) { Duration::from_secs(20) } else { Duration::from_millis(350) };
    assert!(took <= limit, "{took:?}");
}
