//! Options of a run that no recorded tree shows.

#![allow(clippy::unwrap_used)]

mod support;

use halite_engine::{Minion, Options, Rendered};
use halite_render::yaml;
use halite_wire::{Map, Value};
use support::Files;

fn map(text: &str) -> Map {
    yaml::load(text).unwrap().to_value().as_map().unwrap().clone()
}

fn tree() -> Files {
    Files::new(&map(concat!(
        "top.sls: \"base: {'*': [a, b]}\"\n",
        "a.sls: 'x: test.nop'\n",
        "b.sls: 'y: test.nop'\n",
        "c.sls: 'z: test.nop'\n",
        "empty.sls: ''\n",
    )))
}

/// IDs of a highstate's chunks, in order.
fn ids(options: &Options) -> Vec<String> {
    let empty = Map::new();
    let minion = Minion { id: "m1", grains: &empty, pillar: &empty, nodegroups: &empty, opts: &empty };
    let chunks =
        halite_engine::low(halite_engine::highstate(&mut tree(), &minion, options), options).unwrap();
    chunks.iter().map(|chunk| chunk.get_str("__id__").unwrap().to_owned()).collect()
}

#[test]
fn a_whitelist_keeps_what_it_names() {
    let options = Options { whitelist: Some(vec!["b".to_owned(), "c".to_owned()]), ..Options::default() };
    assert_eq!(ids(&options), ["y"]);
}

#[test]
fn the_caller_excludes_as_an_sls_does() {
    let exclude = vec![Value::from("a"), Value::Map(map("{id: z}"))];
    assert_eq!(ids(&Options { exclude, ..Options::default() }), ["y"]);
}

#[test]
fn other_sources_assign_behind_the_top_file_or_before_it() {
    let options = Options { master_tops: map("{base: [b, c]}"), ..Options::default() };
    assert_eq!(ids(&options), ["x", "y", "z"]);
    assert_eq!(ids(&Options { master_tops_first: true, ..options }), ["y", "z", "x"]);
}

#[test]
fn every_rendered_sls_is_known_even_where_it_has_no_state() {
    let names = ["a".to_owned(), "empty".to_owned()];
    let mut high = halite_engine::sls(&mut tree(), &Options::default(), &names, "base");
    high.rendered.sort();
    assert_eq!(high.rendered, ["a", "empty"]);
}

#[test]
fn a_template_has_states_but_no_includes() {
    let template = |text: &str| {
        let data = Value::Map(map(text));
        halite_engine::template(Rendered { path: "t.sls".to_owned(), data, places: Vec::new() })
    };
    let chunks = halite_engine::low(
        template("{x: test.nop, y: {test.nop: [{require_in: [{test: x}]}]}}"),
        &Options::default(),
    );
    let chunks = chunks.unwrap();
    assert_eq!(chunks.len(), 2);
    assert!(chunks.iter().all(|chunk| chunk.get("__sls__").is_none()));
    assert!(template("{include: [a], x: test.nop}").errors[0].contains("include works in an SLS only"));
    assert!(template("{x: nop}").errors[0].contains("takes a map of states"));
}

#[test]
fn sls_that_include_one_another_without_end_are_refused() {
    let mut files = Map::new();
    for at in 0..500 {
        files.insert(format!("s{at}.sls"), format!("include: [s{}]\nid{at}: test.nop\n", at + 1));
    }
    files.insert("s500.sls", "last: test.nop\n");
    let high = halite_engine::sls(&mut Files::new(&files), &Options::default(), &["s0".to_owned()], "base");
    assert_eq!(high.errors.len(), 1, "{:?}", high.errors);
    assert!(high.errors[0].contains("too deep"), "{:?}", high.errors);
}
