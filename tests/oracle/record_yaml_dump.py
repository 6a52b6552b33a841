"""Writes how Salt's safe_dump writes data, as {data, flow, indent, text}; `data` is YAML that only uses JSON's forms.

Run with a Python that has Salt: `python tests/oracle/record_yaml_dump.py > states/render/tests/yaml_dump.json`
"""

import json
import sys

import salt.utils.yaml
import salt.version

WORDS = "the quick brown fox jumps over the lazy dog and runs far away into the deep dark forest where nobody finds it "
TEXTS = [
    "", " ", "a", "a b", " a", "a ", "a  b", "\n", "a\n", "a\nb", "a\n\nb", "a\nb\n", "a\n\n", "\na", " a\nb", "a\n b", "a \nb", "a\n b\n", "a\tb", "\ta", "a\t", "a\n\tb", "a\rb", "a\r\nb", "yes", "no", "on", "true", "True",
    "null", "~", "Null", "1", "1.5", "0644", "1e3", "1.5e+3", "0x1f", "0o17", "12:30", "1_000", "2001-12-14", "2001-12-14 10:00:00", "2001-1-1", "2001-12-14t21:59:43.10-05:00", "=", "<<", "!", "&", "*", "&a", "*a", "!a", "@a", "`a", "%a",
    "- a", "-", "--", "---", "--- a", "...", "... a", "? a", "?", "?a", ":", ": a", ":a", "a:", "a: b", "a:b", "a #b", "a#b", "#a", "[a]", "[", "]", "{a}", "{", "}", "a, b", ",a", "a,b", "'a'", '"a"', "it's", 'say "x"', "a'b\"c", "|", ">", "|a",
    "\\", "a\\b", "\x07", "\x00", "\x1b[0m", "\x7f", "\u0080", "\u0085", "\u00a0", "\u00e9", "\u2028", "\u2029", "\ufeff", "\ufffe", "\U0001f600", "\u4e2d\u6587", "a\u0085b", "a\u2028b", "\ufeffa", "e\u0301", "\ue000",
    WORDS, WORDS * 3, WORDS + "\n" + WORDS, "x" * 200, ("x" * 90 + " ") * 3, "a: " + WORDS, "'" + WORDS * 2, WORDS.replace(" ", "  "), "\x07" + WORDS * 2, ("word " * 40).strip(), " " + WORDS * 2, WORDS * 2 + "\n", "\n" + WORDS * 2, WORDS.replace(" ", "\n"),
    "line one is short\n" + WORDS * 2 + "\nend\n", "\u00e9" * 100, "\u4e2d " * 60, "a" * 79 + " b", "a" * 80 + " b", "a" * 81 + " b", "key value " * 7 + "end: yes", "#!/bin/sh\necho hi\n", "  indented\n    more\n", "trailing  \nspace\n", "a\n\n\nb\n\n", "0", "-1", ".5", ".inf", ".nan", "+1", "1:30", "1.", "0b1", "08", "10%",
]
VALUES = [
    None, True, False, 0, 1, -1, 2**63, -(2**70), 1.0, -0.0, 1e16, 1e20, 1e-7, 0.1, 1.5e300, float("inf"), float("-inf"), float("nan"), 100.0, [], {}, [[]], [{}], {"a": []}, {"a": {}}, [1, 2], [[1, 2], [3]], [[[1]]], {"a": 1}, {"b": 1, "a": 2},
    {"a": {"b": {"c": 1}}}, {"a": [1, 2]}, {"a": [{"b": 1, "c": 2}, {"d": 3}]}, [{"a": 1}, {"b": [1]}], {"a": None}, {"a": True}, {"a": "x\ny"}, {"a": ["x\ny"]}, ["x\ny", "z"], {"a": WORDS * 2}, {"a": {"b": WORDS * 2}}, [WORDS * 2], [[WORDS * 2]],
    {"k" * 130: 1}, {"k" * 128: 1}, {"k" * 127: "v"}, {"k k" * 50: 1}, {"a\nb": 1}, {"": 1}, {" ": 1}, {"yes": 1}, {"1": 1}, {"a: b": 1}, {"?": 1}, {"- a": 1}, {"\u00e9": 1}, {"'": 1}, {"\x07": 1}, {WORDS: 1},
    {1: "a", 2: "b"}, {2: "a", 1: "b"}, {True: 1, False: 0}, {None: 1}, {1: 1, "a": 2}, {"b": 1, 1: 2, "a": 3}, {1.5: 1}, {"web1": True, "db1": "Minion did not return"}, {"web1": {"retcode": 0, "stdout": "a\nb\n", "stderr": ""}},
    {"B": 1, "a": 1, "A": 1, "b": 1, "10": 1, "9": 1, "_": 1}, list(range(60)), {"a": list(range(60))}, {str(n): n for n in range(40)}, ["word " * 4] * 12, [{"a": [{"b": [{"c": 1}]}]}], {"a": {"b": []}, "c": [[], {}]}, [None, True, 1.5, "x"], [["a", ["b", "c"]], "d"],
    b"\xff\xfe", b"\xff" * 60, b"\xff" * 120, {"a": b"\xff\x00"}, [b"\xff"], {"x": {"y": ["a: b", "c #d", "- e", "yes", "1", ""]}},
]


def encode(data):
    """Data as JSON that says the types JSON lacks."""
    if isinstance(data, bytes):
        return {"$bytes": list(data)}
    if isinstance(data, float):
        return {"$float": repr(data)}
    if isinstance(data, int) and not isinstance(data, bool):
        return {"$int": str(data)}
    if isinstance(data, list):
        return [encode(item) for item in data]
    if isinstance(data, dict):
        return {"$map": [[encode(key), encode(value)] for key, value in data.items()]}
    return data


def case(data, flow, **indent):
    text = salt.utils.yaml.safe_dump(data, default_flow_style=flow, **indent)
    return {"data": encode(data), "flow": flow, "indent": indent.get("indent", 2), "text": text}


def copy(data):
    """No object is there twice, so that no anchors are written."""
    if isinstance(data, list):
        return [copy(item) for item in data]
    return {key: copy(value) for key, value in data.items()} if isinstance(data, dict) else data


cases = []
for value in [copy(value) for value in VALUES] + TEXTS + [{"a": text} for text in TEXTS] + [[text] for text in TEXTS] + [{text: 1} for text in TEXTS]:
    cases.append(case(value, False))
for value in [copy(value) for value in VALUES] + [{"a": {"b": [text]}} for text in TEXTS]:
    cases.append(case(value, True))
    cases.append(case(value, None))
    cases.append(case(value, False, indent=4))
for indent in (0, 1, 3, 8, 9, 10):
    cases.append(case({"a": {"b": [1, {"c": "x\ny", "d": [2]}]}}, False, indent=indent))
json.dump({"salt": salt.version.__version__, "cases": cases}, sys.stdout, indent=None, separators=(",", ":"))
print()
