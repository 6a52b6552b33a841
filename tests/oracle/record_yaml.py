"""Writes what Salt's YAML loader makes of tricky documents, one JSON list of {source, value | error}.

Run with a Python that has Salt: `python tests/oracle/record_yaml.py > states/render/tests/yaml_types.json`
`value` is repr() of the data, tuples and one-element sets as lists, bytes as text; `error` is the exception's class.
"""

import json
import sys

import salt.utils.yaml
import salt.version

SCALARS = """yes Yes YES no No NO true True TRUE false False FALSE on On ON off Off OFF y n Y N yEs tRue oN nO
~ null Null NULL nUll None none 0 00 000 1 -1 +1 -0 +0 0644 0o644 012 08 09 0777777777 -0644 +0644 -08 0x1f 0X1F -0x1F +0x1F
0x 0x_ 0xg 0b11 -0b11 0b2 0b_1 1_000 1__0 1_ _1 0_ 0_7 -0_1 190:20:30 190:20:70 1:5 1:05 01:30 12:30 12:30:45 0:30 1:60 -1:30 22:22
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 12345678901234567890123 0xffffffffffffffff
1.0 1. .5 -.5 +.5 0. 1e3 12e03 1.5e3 1.5e+3 1.5E-3 1.e+3 .e+3 .5e+3 -1.5e+3 +1.5 1_0.5_0 1.5_ 08.5 1.0.0 1.2.3 685_230.15 190:20:30.15 1:30.
.inf -.inf +.inf .Inf .INF .iNf .nan .NaN .NAN -.nan nan inf 1e1000 1.0e+400 . .. - -- --- + +- 1- 1+1 1,000 1/2 50% 10M
2001-12-14 2001-12-14t21:59:43.10-05:00 2001-1-1 12-14 2001-13-45 = == << <<x a=b a:b a#b a/b a.b :a ::a -a ?a &a *a !a a! a& |a >a
0.1 1.10 3.14159 100.0 1e-7 0.00001 123456789012345678.0 1.7976931348623157e+308 5e-324 00.5 0b 0b1 0x1F_F 1_0x 0x-1 0-1
0000 00644 0_0 0__ 000_ 07_7 0o17 0O17 017:30 1:2:3:4 00:30 -190:20:30 +190:20:30 190:20:30.5e+3""".split()

DOCUMENTS = [
    "a: 1\na: 2", "x: &b {q: 1}\ny:\n  <<: *b\n  z: 2", "x: &b {q: 1}\ny:\n  <<: [*b]\n  q: 2",
    "a: &x {q: 1}\nb: &y {r: 2}\nc:\n  <<: [*x, *y]\n  s: 3", "a: &x {q: 1}\nb: &y {q: 2}\nc:\n  <<: [*x, *y]",
    "a: &x {q: 1}\nb: &y {q: 2}\nc:\n  <<: [*x, *y]\n  q: 3", "a: {<<: {a: 1}, <<: {b: 2}}", "<<: {}", "<<: 1", "<<: [1]", "<<: []",
    "- <<", "a: <<", "'<<': 1", "x: &a {b: 1, '1': 2}\ny: {<<: *a, 1: 3}", "x: &a {<<: {b: 1}, c: 2}\ny: {<<: *a, d: 3}",
    "y:\n  z: 1\n  <<: {w: 2}\n  v: 3", "x: &a {0644: 1}\ny: {<<: *a, 644: 2}",
    "a: !!python/object:os.x {}", "a: !!python/object/apply:os.system ['true']", "a: !!python/tuple [1]", "a: !!python/name:os.system",
    "a: !!python/unicode x", "a: !!python/str x", "a: !foo x", "a: !foo [x]", "a: !!foo x", "a: ! 12", "a: ! '12'", "a: ! [1]",
    "a: !!binary aGk=", "a: !!binary |\n  aGVs\n  bG8=\n", "a: !!binary aGk", "? !!binary aGk=\n: 1", "a: !!set {x}", "a: !!set [x]",
    "a: !!omap [a: 1]", "a: !!omap [a: 1, a: 2]", "a: !!pairs [a: 1, b: 2]", "a: !!omap {a: 1}", "a: !!omap [[a, 1]]", "a: !!omap [{a: 1, b: 2}]",
    "a: '0644'", 'a: "0644"', "0644: a", "yes: a", "~: a", "1.5: a", "'': a", "? ''\n: 1\n~: 2", "1: a\ntrue: b", "1.0: a\n1: b", "1: a\n'1': b", "01: a\n1: b",
    "? [a, b]\n: c", "? {a: b}\n: c", "a: {{ x }}", "{{ x }}: y", "a: !!str 0644", "a: !!int '0644'", "a: !!int '12'", "a: !!int abc", "a: !!int 3.5", "a: !!float 3",
    "a: !!float '1e3'", "a: !!float x", "a: !!float 1:30", "a: !!bool 'yes'", "a: !!bool x", "a: !!null x", "a: !!null [x]", "a: !!timestamp x", "a: !!str [a]", "a: !!seq {}", "a: !!map []",
    "a: !!str", "a: !!null", "a: !!int ''", "=: x", "a: {=: x}", "a: &x 1\nb: *x", "a: &x 1\nb: &x 2\nc: *x", "a: *x", "a: &x [1]\nb: *x\nc: *x", "&x a: *x", "*a : b",
    "", "# only", "---", "--- a\n...\n", "--- a\n--- b", "---\n---\n", "a\n...\n", "%YAML 1.1\n---\na: 0644", "%YAML 1.2\n---\na: yes", "\ufeffa: 1", "a: b\x07", "a: \u0085b",
    "a:\n  - b\n  -  c: 1\n     d: 2", "a: |\n  x\n   y\n\n  z\n\n", "a: |+\n  x\n\n\nb: 1", "a: |-\n  x\n\n", "a: >\n  x\n  y\n\n  z\n", "a: >-\n  x\n  y", "a: |2\n   x\n",
    "a: 'it''s'", 'a: "\\x41\\u00e9\\n\\/"', "a: x\n  y\n\n  z", "a: \"x\n  y\"", "a: [1, yes, 0644, ~, 'x']", "a: {b: , c}", "a: [b: c, d]", "- - a\n  - b", "? x\n: y", "a:\n- b\n- c",
    "a : b", "a: b#c", "a: b #c", "a::b: c", "a:\tb", "'a' : b", "\u00e9: \u00fc", "a: 12:30:45:", "a: [12:30, 1:1]", "a: {1:2}", "a: {1: 2}", "{a: 1, b: 2}", "[a, b", "a: b: c", "\ta: 1", "a:\n\tb: 1",
    "port: 022\nuser: root\nsudo: True\n", "host: 10.0.0.1\nthin_dir: /tmp/x\nminion_opts:\n  grains: {a: 1}\n",
]


def plain(data):
    if isinstance(data, bytes):
        return data.decode()
    if isinstance(data, (list, tuple, set)):
        return [plain(item) for item in data]
    if isinstance(data, dict):
        return {plain(key): plain(value) for key, value in data.items()}
    return data


def case(source):
    try:
        return {"source": source, "value": repr(plain(salt.utils.yaml.safe_load(source)))}
    except Exception as error:  # pylint: disable=broad-except
        return {"source": source, "error": type(error).__name__}


sources = [f"a: {text}" for text in SCALARS] + [f"{text}: a" for text in SCALARS[:60]] + DOCUMENTS
cases = [case(source) for source in dict.fromkeys(sources)]
json.dump({"salt": salt.version.__version__, "cases": cases}, sys.stdout, indent=1)
print()
