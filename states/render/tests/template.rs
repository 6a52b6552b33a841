//! Pipelines, limits, paths and messages of templates.

#![allow(clippy::unwrap_used)]

use halite_render::jinja::{
    self, DirLoader, FaultKind, Loader, NoFunctions, NoTemplates, RenderError, Settings,
};
use halite_render::template::{Context, Rendered, render_pipeline};
use halite_render::yaml::Mark;
use halite_wire::{Map, Value};
use std::time::{Duration, Instant};

fn render(source: &str) -> Result<String, RenderError> {
    jinja::render(source, "case", &Map::from([("name", "web1")]), &NoTemplates, &NoFunctions)
}

fn pipeline(source: &str) -> Result<Rendered, String> {
    let variables = Map::from([("name", "web1")]);
    let settings = Settings::default();
    let context =
        Context { variables: &variables, loader: &NoTemplates, functions: &NoFunctions, settings: &settings };
    render_pipeline(source, "roster", "jinja|yaml", context).map_err(|error| error.report(source))
}

fn data(source: &str) -> String {
    match pipeline(source) {
        Ok(Rendered::Data(node)) => halite_render::repr::repr(&node.to_value()),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_first_line_names_the_renderers() {
    assert_eq!(data("{{ name }}:\n  port: 0644\n"), "{'web1': {'port': 644}}");
    assert_eq!(data("#!yaml\na: '{{ name }}'\n"), "{'a': '{{ name }}'}");
    assert_eq!(data("#!jinja|json\n{\"a\": \"{{ name }}\"}\n"), "{'a': 'web1'}");
    assert_eq!(data("#!/bin/sh\na: 1\n"), "{'a': 1}");
    assert_eq!(pipeline("#!jinja\nhi {{ name }}\n"), Ok(Rendered::Text("hi web1\n".to_owned())));
    assert_eq!(pipeline("#!jinja|text\nhi {{ name }}\n"), Ok(Rendered::Text("hi web1\n".to_owned())));
    assert_eq!(data(""), "None");
    let unknown = pipeline("#!jinja|yml\na: 1").unwrap_err();
    assert_eq!(unknown, "roster:1:1: there is no renderer \"yml\"; did you mean \"yaml\"?");
}

#[test]
fn a_first_line_may_hold_settings_for_this_template() {
    let body = "{% for n in [1, 2] %}\n- {{ n }}\n{% endfor %}\n";
    let header = "#jinja2: {\"trim_blocks\": true, \"lstrip_blocks\": true}\n";
    assert_eq!(render(&format!("{header}{body}")).as_deref(), Ok("- 1\n- 2\n\n"));
    assert_eq!(
        render(&format!("#!jinja|yaml\r\n{header}{body}")).as_deref(),
        Ok("#!jinja|yaml\n- 1\n- 2\n\n")
    );
    assert_eq!(render(&format!("a\n{header}")).as_deref(), Ok(format!("a\n{header}").as_str()));
    assert_eq!(render("#jinja2: {x\na").as_deref(), Ok("#jinja2: {x\na"));
    let report = pipeline(&format!("{header}a: 1\nb: [1\n")).unwrap_err();
    assert!(report.starts_with("roster:3:4: this `[` is not closed"), "{report}");
}

#[test]
fn data_of_a_template_knows_the_lines_of_its_source() {
    let source = "{% set hosts = ['a', 'b'] %}\n{# three\nlines #}\n{% for h in hosts %}\n{{ h }}:\n  host: x\n{% endfor %}\nc: {{ 1 }}: 2\n";
    let Ok(Rendered::Data(node)) = pipeline("{% if true %}\n\nx:\n  y: 1\n{% endif %}\nz: [1, {{ 2 }}]\n")
    else {
        panic!()
    };
    assert_eq!(node.get("x").unwrap().get("y").unwrap().mark, Mark { line: 4, column: 6 });
    assert_eq!(node.get("z").unwrap().as_list().unwrap()[1].mark, Mark { line: 6, column: 8 });
    let report = pipeline(source).unwrap_err();
    assert!(report.starts_with("roster:8:"), "{report}");
}

#[test]
fn a_key_twice_in_a_loop_names_the_line_of_the_source() {
    let report = pipeline("a: 1\n{% for i in [1, 2] %}\nx: {{ i }}\n{% endfor %}\n").unwrap_err();
    assert!(report.starts_with("roster:3:1: the key \"x\" is there twice"), "{report}");
}

#[test]
fn errors_show_the_place_the_lines_and_a_cure() {
    let cases = [
        ("a\n{{ nmae }}\n", "case:2:4: 'nmae' is undefined", "did you mean `name`?"),
        ("{{ name|uper }}", "case:1:9: there is no filter `uper`", "did you mean `upper`?"),
        (
            "{% if x is definde %}{% endif %}",
            "case:1:12: there is no test `definde`",
            "did you mean `defined`?",
        ),
        ("{% fi x %}", "case:1:4: there is no tag `fi`", "did you mean `if`?"),
        ("x\n{% if name %}\ny", "case:2:4: `if` is not closed", "{% endif %}"),
        ("{{ name", "case:1:1: the tag is not closed", "}}"),
        ("{{ (1 }}", "case:1:4: this `(` is not closed", ""),
        ("{{ 1 + 'a' }}", "`+` does not work between int and str", "join texts with `~`"),
        ("{% include 'x' %}", "the template \"x\" is not found", ""),
        ("{% for a, b in [1] %}{% endfor %}", "2 names are set here, but there is a single int", ""),
        ("{{ salt['test.ping']() }}", "there is no function 'test.ping' here", ""),
        (
            "{% macro f(a) %}{{ a.b.c }}{% endmacro %}\n{{ f({}) }}",
            "case:1:24: 'dict object' has no attribute 'b'",
            "case:2:4",
        ),
        ("{{ raise('no such role') }}", "no such role", ""),
        ("{{ '%d' % 'x' }}", "%d takes a number, not a str", ""),
        ("{# open", "case:1:1: the comment is not closed", "#}"),
    ];
    for (source, message, more) in cases {
        let report = render(source).unwrap_err().report();
        assert!(report.contains(message) && report.contains(more), "{source:?}:\n{report}");
    }
}

/// The kind of the failure, which comes soon.
fn ends_soon(source: &str) -> FaultKind {
    let begin = Instant::now();
    let error = render(source).unwrap_err();
    let limit = if cfg!(debug_assertions) { 60 } else { 1 };
    assert!(begin.elapsed() < Duration::from_secs(limit), "{:?} for {source}", begin.elapsed());
    assert!(error.to_string().starts_with("case:"), "{error}");
    error.kind
}

#[test]
fn sec_63_templates_that_would_eat_the_machine_end_with_an_error() {
    let bombs = [
        "{% for i in range(10**12) %}{% endfor %}",
        "{{ range(10**12)|list }}",
        "{{ 'a' * 10**9 }}",
        "{{ [0] * 10**9 }}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ 'x' * 9999 }}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{% if true %}{% if true %}{% for i in [1] %}{{ f(n + 1) }}{% endfor %}{% endif %}{% endif %}{% endmacro %}{{ f(1) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x'|center(1000000000) }}",
        "{{ 'a'.ljust(10**10) }}",
        "{{ 2 ** 1000000000 }}",
        "{{ ('a' * 40 ~ 'b')|regex_replace('(a+)+$', '') }}",
        "{{ range(100)|permutations(50)|list }}",
        "{{ range(99999)|combinations(2)|list }}",
        "{{ range(99999)|product(range(99999))|list }}",
        "{{ [1, 2]|product(repeat=10**9)|list }}",
        "{{ [1]|zip_longest(range(99999), fillvalue='x')|list|permutations|list }}",
        "{{ '10.0.0.0/8'|network_hosts }}",
        "{{ '::/0'|network_size }}",
        "{{ (10**12)|random_str }}",
        "{{ range(99999)|json_query('[*].[@, @][].[@, @][].[@, @][].[@, @][].[@, @][].[@, @][]') }}",
        "{% set l = [] %}{% for i in range(99999) %}{% do l.append(l) %}{% do l.extend(l[:9999]) %}{% endfor %}",
    ];
    for bomb in bombs {
        assert!(matches!(ends_soon(bomb), FaultKind::Limit | FaultKind::Type), "{bomb}");
    }
}

#[test]
fn sec_63_sources_nested_without_an_end_are_refused() {
    for (open, middle, close) in
        [("(", "1", ")"), ("[", "", "]"), ("-", "1", ""), ("not ", "1", ""), ("{'a':", "1", "}")]
    {
        let source = format!("{{{{ {}{middle}{} }}}}", open.repeat(10_000), close.repeat(10_000));
        assert_eq!(ends_soon(&source), FaultKind::Syntax, "{open}");
    }
    assert_eq!(ends_soon(&"{% if true %}".repeat(10_000)), FaultKind::Syntax);
    assert_eq!(ends_soon(&format!("{{{{ {}1 }}}}", "1 + ".repeat(10_000))), FaultKind::Syntax);
    assert_eq!(ends_soon(&format!("{{{{ name{} }}}}", ".a".repeat(10_000))), FaultKind::Syntax);
    assert_eq!(ends_soon(&format!("{{{{ name{} }}}}", "|upper".repeat(10_000))), FaultKind::Syntax);
    for query in ["(".repeat(10_000), "!".repeat(10_000), "a[?".repeat(10_000), "{a:".repeat(10_000)] {
        assert_eq!(ends_soon(&format!("{{{{ name|json_query('{query}') }}}}")), FaultKind::Type);
    }
}

/// A template that includes, imports or extends itself.
struct Itself(&'static str);

impl Loader for Itself {
    fn load(&self, _: &str) -> Result<Option<String>, String> {
        Ok(Some(self.0.to_owned()))
    }
}

#[test]
fn sec_63_templates_that_include_themselves_end() {
    for source in [
        "{% include 'x' %}",
        "{% import 'x' as x with context %}",
        "{% extends 'x' %}",
        "{% import_yaml 'x' as y %}",
    ] {
        let error = jinja::render(source, "case", &Map::new(), &Itself(source), &NoFunctions).unwrap_err();
        assert_eq!(error.kind, FaultKind::Limit, "{error}");
    }
}

#[test]
fn sec_64_no_path_leads_out_of_the_roots() {
    let top = tempdir();
    let root = top.join("root/sub");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(top.join("secret"), "secret").unwrap();
    std::fs::write(root.join("in"), "inside").unwrap();
    std::fs::write(root.join("from"), "{% include './in' %}").unwrap();
    std::os::unix::fs::symlink(top.join("secret"), root.join("link")).unwrap();
    let loader = DirLoader { roots: vec![top.join("root")] };
    let include = |path: &str| {
        let source = format!("{{% include '{path}' %}}");
        jinja::render(&source, "sub/case", &Map::new(), &loader, &NoFunctions)
    };
    let secret = top.join("secret");
    let outside = [
        "../secret",
        "../../secret",
        "../../../../../etc/passwd",
        "/etc/passwd",
        "sub/../../secret",
        "sub/link",
        "./link",
    ];
    for path in outside.into_iter().chain([secret.to_str().unwrap()]) {
        assert_eq!(include(path).unwrap_err().kind, FaultKind::NotFound, "{path}");
    }
    for path in ["sub/in", "./in", "../sub/in", "sub/from"] {
        assert_eq!(include(path).as_deref(), Ok("inside"), "{path}");
    }
    std::fs::remove_dir_all(&top).unwrap();
}

fn tempdir() -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("halite-render-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn sec_62_values_are_never_templates() {
    let hostile = "{{ 7*7 }}{% raise('x') %}{# gone #}";
    let variables = Map::from([("grain", Value::from(hostile))]);
    let rendered = jinja::render("a: {{ grain }}", "case", &variables, &NoTemplates, &NoFunctions).unwrap();
    assert_eq!(rendered, format!("a: {hostile}"));
}

#[test]
fn sec_62_pythons_insides_are_out_of_reach() {
    for source in [
        "{{ ''.__class__ }}",
        "{{ {}.__init__.__globals__ }}",
        "{{ ''|attr('__class__') }}",
        "{{ '{0.__class__}'.format(1) }}",
    ] {
        assert_eq!(render(source).unwrap_err().kind, FaultKind::Security, "{source}");
    }
    assert!(render("{{ ''['__class__'] }}").is_err());
}

/// What templates are made of, and what trips their readers.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-%}",
    "{%-",
    "{{-",
    "+%}",
    " ",
    "\n",
    "a",
    "name",
    "1",
    "1.5",
    "0x",
    "1e",
    "'x'",
    "\"",
    "'\\x4",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    ",",
    ":",
    "|",
    "~",
    "**",
    "//",
    "%",
    "==",
    "not",
    " in ",
    " is ",
    "if",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "=",
    "macro",
    "endmacro",
    "raw",
    "endraw",
    "do",
    "upper",
    "join",
    "default",
    "defined",
    "-",
    "\u{e9}",
    "\u{1F600}",
    "::",
    "[-1]",
    "[::2]",
    ".split(",
    "'%s' % ",
    "range(3)",
    "loop",
    "filter",
    "endfilter",
    "'{:>5}'.format(",
    "|regex_replace('(a', ",
    "|load_yaml",
    "|load_json",
    "|yaml",
    "|int",
    "|truncate(",
    "|round",
    "|indent(",
    "import",
    "from",
];

/// Random templates of pieces that mean something; the seed is fixed.
#[test]
fn no_mixture_of_template_signs_panics() {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..15_000 {
        let mut source: String = (0..=random(12)).map(|_| PIECES[random(PIECES.len())]).collect();
        if round % 2 == 0 {
            source = format!("{{{{ {source} }}}}");
        }
        if let Err(error) = render(&source) {
            error.report();
        }
        let _ = pipeline(&source);
    }
}

/// Every filter and method on every kind of value, with arguments that may not fit.
#[test]
fn filters_and_methods_refuse_what_they_cannot_take_without_a_panic() {
    let names = "abs avg batch capitalize center compare_dicts compare_lists count dictsort difference e exactly_n_true filesizeformat \
                 first flatten float format from_entries groupby indent int intersect is_hex items join json last length list \
                 load_json load_yaml map max method_call min path_join pprint python quote regex_match regex_replace regex_search \
                 replace reverse round select selectattr set_dict_key_value slice sort split string substring_in_list sum \
                 symmetric_difference title to_bool to_camelcase to_entries to_num tojson traverse trim truncate union unique \
                 urlencode wordcount wordwrap xmlattr yaml yaml_encode zip zfill ljust partition rsplit find splitlines pop get \
                 append_dict_key_value check_whitelist_blacklist combinations compress date_format dict_to_sls_yaml_params \
                 extend_dict_key_value filter_by_networks gen_mac hmac hmac_compute human_to_bytes ip_host ipaddr ipv4 ipv6 ipwrap is_ip \
                 json_encode_dict json_query mac_str_to_bytes md5 mysql_to_dict network_hosts network_size permutations product random \
                 random_hash random_sample random_shuffle random_str sha512 update_dict_key_value urlize uuid xml zip_longest which \
                 is_empty is_text_file file_hashsum get_uid dns_check http_query list_files base64_decode base64_encode \
                 update append insert index popitem setdefault fromkeys encode startswith expandtabs";
    let values = [
        "none",
        "true",
        "-1",
        "2.5",
        "''",
        "'\u{e9}\u{1F600} a'",
        "[]",
        "[1, 'a', none]",
        "(1,)",
        "{}",
        "{'a': [1], 2: 'b'}",
        "range",
    ];
    let args = [
        "",
        "-1",
        "0",
        "'a'",
        "none",
        "[1]",
        "{'a': 1}",
        "'\u{e9}', 1",
        "1, 'x', 3",
        "'', '', -5",
        "99999999999",
    ];
    for name in names.split_whitespace() {
        for value in values {
            for arg in args {
                let _ = render(&format!("{{{{ {value}|{name}({arg}) }}}}"));
                let _ = render(&format!("{{{{ ({value}).{name}({arg}) }}}}"));
            }
        }
    }
}
