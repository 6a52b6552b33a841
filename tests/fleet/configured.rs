//! What the controller's configuration says of templates and top files, seen in what states a host runs.

use super::controller::{Answer, Controller};
use super::site::fleet;
use halite_wire::{Map, Value};

/// The same lines a minion of Salt has for Jinja.
const JINJA: &str = "jinja_sls_env: {line_statement_prefix: '%', variable_start_string: '<<', variable_end_string: '>>'}\n\
                     jinja_env: {newline_sequence: \"\\r\\n\", keep_trailing_newline: true, line_comment_prefix: '##'}\n";

const FILES: [(&str, &str); 6] = [
    ("srv/top.sls", "base:\n  '*': [common, tls] ## a comment\n"),
    (
        "srv/common.sls",
        "% from 'names.jinja' import all\n% for name in all:\n<< name >>_{{:\n  test.nop\n% endfor\n",
    ),
    ("srv/names.jinja", "% set all = [grains.id, pillar.word]\n"),
    ("srv/tls.sls", "tls: test.nop\n"),
    ("pillar/top.sls", "base:\n  '*': [own]\n"),
    ("pillar/own.sls", "% set w = 'pillared'\nword: << w >>\n"),
];

fn controller(user: &str) -> Option<Controller> {
    let controller = Controller::new(fleet()?).entry("h", "plain", &[&format!("user: {user}")]);
    let at = |name: &str| controller.path(name).display().to_string();
    for (path, text) in FILES {
        let file = controller.path(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let roots =
        format!("file_roots: {{base: [{}]}}\npillar_roots: {{base: [{}]}}\n", at("srv"), at("pillar"));
    controller.configure(&(roots + JINJA));
    Some(controller)
}

/// The IDs of the states that ran well, in their order.
#[track_caller]
fn ids(answer: &Answer) -> Vec<String> {
    let states = answer.value("h").as_map().unwrap_or_else(|| panic!("{answer:#?}"));
    let mut rows: Vec<(i64, String)> = Vec::new();
    for (_, state) in states {
        assert_eq!(state.get("result"), Some(&true.into()), "{answer:#?}");
        let order = state.get("__run_num__").and_then(Value::as_i64).unwrap();
        rows.push((order, state.get("__id__").and_then(Value::as_str).unwrap().to_owned()));
    }
    rows.sort();
    rows.into_iter().map(|(_, id)| id).collect()
}

#[test]
fn signs_and_line_statements_of_jinja_count_in_states_and_pillars() {
    let Some(controller) = controller("jinja") else { return };
    assert_eq!(ids(&controller.ssh(&["h", "state.apply"])), ["h_{{", "pillared_{{", "tls"]);
}

#[test]
fn master_tops_add_to_what_the_top_file_says_of_a_host() {
    let Some(controller) = controller("tops") else { return };
    let class = controller.path("class");
    for (path, text) in [
        ("nodes/h.yml", "environment: base\nclasses: [web]\nstates: [own]\n"),
        ("classes/web.yml", "states: [tls, late]\n"),
    ] {
        let file = class.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    for name in ["own", "late", "named"] {
        std::fs::write(controller.path(&format!("srv/{name}.sls")), format!("{name}: test.nop\n")).unwrap();
    }
    let program = "echo {classes: {named: {}}}";
    let lines =
        format!("master_tops: {{saltclass: {{path: {}}}, ext_nodes: \"{program} '#'\"}}\n", class.display());
    controller.configure(&lines);
    let names = ["common", "tls", "named", "late", "own"].map(Value::from).to_vec();
    let top = controller.ssh(&["h", "state.show_top"]);
    assert_eq!(top.value("h"), &Map::from([("base", Value::List(names))]).into(), "{top:#?}");
    let ran = ids(&controller.ssh(&["h", "state.apply"]));
    assert_eq!(ran, ["h_{{", "pillared_{{", "tls", "named", "late", "own"]);
    controller.configure("master_tops_first: true\n");
    assert_eq!(ids(&controller.ssh(&["h", "state.apply"]))[..2], ["named", "tls"]);
}
