//! The renderers of the pipe: data formats, decryption, stateconf, Python.

#![allow(clippy::unwrap_used)]

use halite_render::jinja::{Functions, Loader, NoTemplates, Settings};
use halite_render::repr::repr;
use halite_render::template::{
    Context, Finished, HostPrograms, Programs, Rendered, StateConf, TemplateError, render_bytes,
    render_pipeline,
};
use halite_wire::{Map, Value};
use std::cell::RefCell;

/// A host with two functions, and the programs given.
struct Host<'p>(&'p dyn Programs);

impl Functions for Host<'_> {
    fn has(&self, name: &str) -> bool {
        matches!(name, "pillar.get" | "grains.get" | "test.echo")
    }

    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, String> {
        match name {
            "test.echo" => Ok(Value::List(vec![Value::List(args), Value::Map(kwargs)])),
            _ if args[0].as_str() == Some("bad") => Err("no such pillar".to_owned()),
            _ => Ok(args.into_iter().nth(1).unwrap_or_default()),
        }
    }

    fn programs(&self) -> Option<&dyn Programs> {
        Some(self.0)
    }
}

fn variables() -> Map {
    let mut all = Map::from([("sls", "web.site"), ("saltenv", "base")]);
    all.insert("grains", Map::from([("os", "Debian"), ("os_family", "Debian")]));
    all.insert("pillar", Map::from([("port", 8080)]));
    all.insert("opts", Map::from([("gpg_keydir", "/keys")]));
    all
}

fn rendered_by(
    programs: &dyn Programs,
    loader: &dyn Loader,
    source: &str,
) -> Result<Rendered, TemplateError> {
    let (variables, functions) = (variables(), Host(programs));
    let context =
        Context { variables: &variables, loader, functions: &functions, settings: &Settings::default() };
    render_pipeline(source, "site.sls", "jinja|yaml", context)
}

fn shown(rendered: Result<Rendered, TemplateError>, source: &str) -> String {
    match rendered {
        Ok(Rendered::Data(node)) => repr(&node.to_value()),
        Ok(Rendered::Text(text)) => text,
        Err(error) => error.report(source),
    }
}

fn rendered(source: &str) -> String {
    shown(rendered_by(&HostPrograms, &NoTemplates, source), source)
}

#[test]
fn renderers_take_their_options_and_refuse_others() {
    assert_eq!(rendered("#!jinja -s | yaml -o\na: {{ pillar.port }}\n"), "{'a': 8080}");
    assert!(rendered("#!yaml -x\na: 1\n").starts_with("site.sls:1:1: `yaml` has no option \"-x\""));
    assert!(
        rendered("#!yaml|jinja\na: 1\n").contains("`jinja` reads text, but the renderer before it made data")
    );
}

#[test]
fn renderers_that_are_not_served_name_one_that_is() {
    for (old, new) in
        [("mako", "jinja"), ("cheetah", "jinja"), ("genshi", "jinja"), ("wempy", "jinja"), ("json5", "yaml")]
    {
        let report = rendered(&format!("#!{old}|yaml\na: 1\n"));
        assert!(
            report.starts_with("site.sls:1:1:") && report.contains(&format!("write them for {new}")),
            "{report}"
        );
    }
}

#[test]
fn toml_is_read_with_its_types() {
    let source = "#!jinja|toml\n# a comment\ntitle = \"{{ grains.os }} \\u00e9\"\nraw = 'c:\\x'\nn = 1_000\nhex = 0xff\nf = -1.5e3\nyes = true\nday = 1979-05-27\n\
                  moment = 1979-05-27 07:32:00Z\nlist = [1, [2, 3],\n  # inside\n  4,\n]\npoint = {x = 1, y.z = 2}\ntext = \"\"\"\nfirst\nsecond \\\n   still\"\"\"\n\
                  [a.\"b c\"]\nd.e = 1\n[[many]]\nx = 1\n[[many]]\nx = 2\n[many.inner]\ny = 3\n";
    let want = "{'title': 'Debian é', 'raw': 'c:\\\\x', 'n': 1000, 'hex': 255, 'f': -1500.0, 'yes': True, 'day': '1979-05-27', \
                'moment': '1979-05-27 07:32:00Z', 'list': [1, [2, 3], 4], 'point': {'x': 1, 'y': {'z': 2}}, \
                'text': 'first\\nsecond still', 'a': {'b c': {'d': {'e': 1}}}, 'many': [{'x': 1}, {'x': 2, 'inner': {'y': 3}}]}";
    assert_eq!(rendered(source), want);
}

#[test]
fn broken_toml_names_its_line_after_the_template_ran() {
    for (source, message) in [
        (
            "#!jinja|toml\n{% if true %}\na = 1\n{% endif %}\na = 2\n",
            "site.sls:5:1: the key \"a\" is there twice",
        ),
        ("#!toml\na = text\n", "site.sls:2:5: a value is expected here"),
        ("#!toml\na = \"x\n", "site.sls:2:5: the quotes are not closed"),
        ("#!toml\na 1\n", "site.sls:2:3: a `=` is expected here"),
        ("#!toml\na = 1 b\n", "site.sls:2:7: the line should end here"),
        ("#!toml\n[a\n", "a `]` is expected here"),
        ("#!toml\na = 01\n", "a value is expected here"),
    ] {
        let report = rendered(source);
        assert!(report.contains(message), "{source:?}:\n{report}");
    }
}

#[test]
fn yamlex_adds_up_what_is_marked() {
    let source = "#!yamlex\nplain: 1\nplain: 2\nlist: !aggregate [1, 2]\nlist: !aggregate [2, 3]\nmap:\n  a: 1\n  b: 2\nmap:\n  b: 3\n  c: 4\n\
                  both: !aggregate {a: 1, l: !aggregate [x]}\nboth: !aggregate {b: 2, l: !aggregate y}\ngone: !aggregate [1]\n!reset gone: [2]\n";
    let want = "{'plain': 2, 'list': [1, 2, 3], 'map': {'b': 3, 'c': 4}, 'both': {'a': 1, 'l': ['x', 'y'], 'b': 2}, 'gone': [2]}";
    assert_eq!(rendered(source), want);
}

#[test]
fn messagepack_is_read_from_bytes() {
    let data = Value::Map(Map::from([("a", Value::from(vec![Value::from(1)]))]));
    let packed = halite_wire::message::encode_value(&data).unwrap();
    let (variables, functions) = (variables(), Host(&HostPrograms));
    let context = Context {
        variables: &variables,
        loader: &NoTemplates,
        functions: &functions,
        settings: &Settings::default(),
    };
    let read = |source: &[u8]| render_bytes(source, "site.sls", "jinja|yaml", context);
    let file = [b"#!msgpack\n", packed.as_slice()].concat();
    assert_eq!(shown(read(&file), ""), "{'a': [1]}");
    assert_eq!(shown(read(b"a: {{ 1 }}"), ""), "{'a': 1}");
    assert!(
        shown(read(b"a: 1\nb: \xff"), "a: 1\nb: ?").starts_with("site.sls:2:4: the file is not UTF-8 here")
    );
    assert!(rendered("#!jinja|msgpack\nx").contains("MessagePack is binary"));
}

/// A gpg that turns the text between the lines of a message around, and notes how it was called.
#[derive(Default)]
struct Turning(RefCell<Vec<String>>);

impl Programs for Turning {
    fn run(&self, argv: &[&str], input: &[u8]) -> Result<Finished, String> {
        self.0.borrow_mut().push(argv.join(" "));
        let input = String::from_utf8_lossy(input);
        let inner = input.lines().nth(1).unwrap_or("");
        let stderr = "[GNUPG:] ENC_TO\ngpg: decryption failed: No secret key\n".to_owned();
        let stdout =
            if inner == "lost" { Vec::new() } else { inner.chars().rev().collect::<String>().into_bytes() };
        Ok(Finished { success: !stdout.is_empty(), stdout, stderr })
    }

    fn converse(
        &self,
        _: &[&str],
        _: &str,
        _: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Result<Finished, String> {
        Err("no".to_owned())
    }
}

#[test]
fn gpg_decrypts_messages_anywhere_in_data_and_text() {
    let gpg = Turning::default();
    let message =
        |text: &str| format!("-----BEGIN PGP MESSAGE-----\n      {text}\n      -----END PGP MESSAGE-----");
    let source = format!("#!yaml|gpg\nplain: x\ndeep:\n  - secret: |\n      {}\n", message("terces"));
    assert_eq!(
        shown(rendered_by(&gpg, &NoTemplates, &source), &source),
        "{'plain': 'x', 'deep': [{'secret': 'secret'}]}"
    );
    assert_eq!(gpg.0.borrow()[0], "gpg --homedir /keys --status-fd 2 --no-tty -d");
    let line = "#!yaml|gpg\na: 'x -----BEGIN PGP MESSAGE-----\\nb\\n-----END PGP MESSAGE----- y'\n";
    assert_eq!(shown(rendered_by(&gpg, &NoTemplates, line), line), "{'a': 'x b y'}");
    let text = "#!gpg|yaml\na: -----BEGIN PGP MESSAGE-----\n1b\n-----END PGP MESSAGE-----\n";
    assert_eq!(shown(rendered_by(&gpg, &NoTemplates, text), text), "{'a': 'b1'}");
}

#[test]
fn a_value_gpg_cannot_decrypt_is_an_error_with_its_line() {
    let source =
        "#!yaml|gpg\na: 1\nb: |\n  -----BEGIN PGP MESSAGE-----\n  lost\n  -----END PGP MESSAGE-----\n";
    let report = shown(rendered_by(&Turning::default(), &NoTemplates, source), source);
    assert!(
        report.starts_with("site.sls:3:4: the encrypted value cannot be decrypted: gpg: decryption failed"),
        "{report}"
    );
    assert!(report.contains("keyring /keys"), "{report}");
}

/// One tree: what a file sets is seen by the next.
#[derive(Default)]
struct Tree(StateConf);

impl Loader for Tree {
    fn load(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn state_conf(&self) -> Option<&StateConf> {
        Some(&self.0)
    }
}

const STATECONF: &str = "#!stateconf yaml . jinja\n.params:\n  stateconf.set:\n    - port: 80\n    - host: web\n# --- end of state config ---\n\
                         .conf:\n  file.managed:\n    - contents: {{ params.host }}:{{ params.port }}\n    - require:\n      - pkg: .pkg\n.pkg:\n  pkg.installed\nother:\n  cmd.run: []\n";

#[test]
fn stateconf_gives_ids_parameters_and_a_goal() {
    let want = "{'other': {'cmd.run': []}, 'web.site::params': {'stateconf.set': [{'port': 80}, {'host': 'web'}]}, \
                'web.site::conf': {'file.managed': [{'name': 'conf'}, {'contents': 'web:80'}, {'require': [{'pkg': 'web.site::pkg'}]}]}, \
                'web.site::pkg': {'pkg.installed': [{'name': 'pkg'}]}, \
                'web.site::goal': {'stateconf.set': [{'require': [{'stateconf': 'web.site::params'}, {'file': 'web.site::conf'}, \
                {'pkg': 'web.site::pkg'}, {'cmd': 'other'}]}]}}";
    assert_eq!(rendered(STATECONF), want);
}

#[test]
fn a_file_sets_the_parameters_of_one_it_includes() {
    let tree = Tree::default();
    let user = "#!stateconf -G yaml . jinja\ninclude:\n  - .other\nextend:\n  web.site::params:\n    stateconf.set:\n      - port: 8080\n";
    let first = shown(rendered_by(&HostPrograms, &tree, user), user);
    assert_eq!(
        first,
        "{'include': ['web.other'], 'extend': {'web.site::params': {'stateconf.set': [{'port': 8080}]}}}"
    );
    let second = shown(rendered_by(&HostPrograms, &tree, STATECONF), STATECONF);
    assert!(second.contains("{'contents': 'web:8080'}"), "{second}");
}

#[test]
fn stateconf_orders_states_and_starts_them() {
    let source = "#!stateconf -Gos\n.a:\n  cmd.run: []\n.b:\n  cmd.run:\n    - require:\n      - cmd: .a\n";
    let want = "{'web.site::a': {'cmd.run': [{'name': 'a'}]}, 'web.site::b': {'cmd.run': [{'name': 'b'}, \
                {'require': [{'cmd': 'web.site::a'}, {'cmd': 'web.site::a'}]}]}, \
                'web.site::start': {'stateconf.set': [{'require_in': [{'cmd': 'web.site::a'}]}]}}";
    assert_eq!(rendered(source), want);
    let data = rendered("#!yaml|stateconf -p\n.a:\n  cmd.run: []\n");
    assert!(data.contains("web.site::a") && data.contains("web.site::goal"), "{data}");
}

#[test]
fn stateconf_says_what_is_wrong_and_where() {
    for (source, message) in [
        ("#!stateconf -x\na: 1\n", "site.sls:1:1: `stateconf` has no option -x"),
        ("#!stateconf yaml\na: 1\n", "renderer of data and one of templates"),
        ("#!stateconf yaml . mako\na: 1\n", "`mako` does not render templates"),
        (
            "#!stateconf -o yaml . jinja\n.a:\n  cmd.run:\n    - require:\n      - cmd: .b\n.b:\n  cmd.run: []\n",
            "site.sls:5:14: .a:cmd requires .b:cmd, which comes after it",
        ),
        ("#!stateconf -o\n.a:\n  cmd.run:\n    - names: [x]\n", "has `names`, which have no order"),
        (
            "#!stateconf\n.goal:\n  cmd.run: []\n",
            "site.sls:2:1: the id \".goal\" is one that stateconf makes itself",
        ),
        ("#!stateconf\ninclude:\n  - ....x\n", "site.sls:3:5: \"....x\" climbs above the first folder"),
        ("#!stateconf\n{{ nope }}\n", "site.sls:2:4: 'nope' is undefined"),
        ("#!stateconf -p\na: 1\n", "`-p` takes data, not text"),
    ] {
        let report = rendered(source);
        assert!(report.contains(message), "{source:?}:\n{report}");
    }
}

#[test]
fn python_files_make_data_and_call_functions() {
    let source = "#!py\nimport os.path\n\ndef run():\n    port = __pillar__['port']\n    echo = __salt__['test.echo']('x', port, key=1)\n    \
                  assert 'test.echo' in __salt__ and 'no.such' not in __salt__\n    return {'conf': {'file.managed': [{'name': '/etc/%s' % grains['os']}, {'echo': echo}, {'sls': __sls__}]}}\n";
    let want = "{'conf': {'file.managed': [{'name': '/etc/Debian'}, {'echo': [['x', 8080], {'key': 1}]}, {'sls': 'web.site'}]}}";
    assert_eq!(rendered(source), want);
    let templated =
        "#!jinja|py\ndef run():\n    return {'os': '{{ grains.os }}', 'set': {'b', 'a'}, 't': (1, 2)}\n";
    assert_eq!(rendered(templated), "{'os': 'Debian', 'set': ['a', 'b'], 't': [1, 2]}");
}

#[test]
fn python_files_that_fail_name_their_line() {
    for (source, message) in [
        ("#!py\ndef run(:\n", "site.sls:2:9: this is not Python"),
        (
            "#!py\ndef run():\n    x = 1\n    return nope\n",
            "site.sls:4:1: NameError: name 'nope' is not defined",
        ),
        ("#!py\nx = 1\n", "the file has no function run()"),
        (
            "#!py\ndef run():\n    return salt.pillar.get('bad')\n",
            "site.sls:3:1: RuntimeError: pillar.get: no such pillar",
        ),
        ("#!py\ndef run():\n    return __salt__['no.such']()\n", "site.sls:3:1: KeyError: 'no.such'"),
        ("#!py\nimport os\ndef run():\n    os._exit(3)\n", "python3 ended without a result"),
    ] {
        let report = rendered(source);
        assert!(report.contains(message), "{source:?}:\n{report}");
    }
    let source = "#!py\ndef run():\n    return {}\n";
    let without = shown(rendered_by(&Turning::default(), &NoTemplates, source), source);
    assert!(
        without.contains("site.sls:1:1: `py` needs a python3: no") && without.contains("install python3"),
        "{without}"
    );
}

#[test]
fn pydsl_declares_states() {
    let source = "#!pydsl\ninclude('web.base')\nfor name in ('a', 'b'):\n    state('pkg-' + name).pkg.installed(name=name, version='1')\n\
                  state('conf').file.managed('/etc/x', source='salt://x').require(pkg='pkg-a')\nstate('conf').file.managed.watch(state('pkg-b').pkg.installed)\n\
                  cmd = state('run').cmd\ncmd.run(name='true', unless='false')\n";
    let want = "{'include': ['web.base'], 'pkg-a': {'pkg': ['installed', {'name': 'a'}, {'version': '1'}]}, \
                'pkg-b': {'pkg': ['installed', {'name': 'b'}, {'version': '1'}]}, \
                'conf': {'file': ['managed', {'name': '/etc/x'}, {'source': 'salt://x'}, {'require': [{'pkg': 'pkg-a'}]}, {'watch': [{'pkg': 'pkg-b'}]}]}, \
                'run': {'cmd': ['run', {'name': 'true'}, {'unless': 'false'}]}}";
    assert_eq!(rendered(source), want);
}

#[test]
fn pyobjects_declares_states() {
    let source = "#!pyobjects\ninclude('web.base')\n\nclass Web(Map):\n    class Debian:\n        package = 'nginx'\n    class RedHat:\n        package = 'httpd'\n\n\
                  with Pkg.installed('web', name=Web.package):\n    Service.running('web', watch=[File('/etc/web.conf')], enable=True)\n\
                  with Pkg('web', 'watch'):\n    File.managed('/etc/web.conf', source='salt://web', mode='0644')\n\
                  if grains('os') is None:\n    PipModule.installed('x', require=Pkg('web'))\n";
    let want = "{'include': ['web.base'], 'web': {'pkg.installed': [{'name': 'nginx'}], \
                'service.running': [{'enable': True}, {'require': [{'pkg': 'web'}]}, {'watch': [{'file': '/etc/web.conf'}]}]}, \
                '/etc/web.conf': {'file.managed': [{'mode': '0644'}, {'source': 'salt://web'}, {'watch': [{'pkg': 'web'}]}]}, \
                'x': {'pip_module.installed': [{'require': [{'pkg': 'web'}]}]}}";
    assert_eq!(rendered(source), want);
}

#[test]
fn programs_of_the_host_read_while_they_write() {
    let input = vec![b'x'; 1 << 20];
    let finished = HostPrograms.run(&["cat"], &input).unwrap();
    assert!(finished.success && finished.stdout == input);
    assert!(HostPrograms.run(&["/no/such/program"], b"").unwrap_err().contains("/no/such/program"));
}
