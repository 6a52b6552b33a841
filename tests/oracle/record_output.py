"""Records what real Salt's outputters print, as the expectations of the tests in `src/output`.

Needs a Python that can import salt. Run it from the root of the repository and look at the difference:

    python tests/oracle/record_output.py > src/output/golden/corpus.jsonl

One line per case: `{"name", "salt", "data", "expect": {variant: text or null}}`. A variant is the outputter's
name, then `:N` for --out-indent=N, then `+color`. Null stands for "Salt itself fails here". Kinds that JSON
lacks are tagged: {"$float": "inf"}, {"$int": "1267650600228229401496703205376"}, {"$bytes": "ff00"} (hex), and
{"$map": [[key, value], ...]} for keys that are not text.
"""

import json
import logging
import math
import sys
import tempfile

import salt.config
import salt.output
import salt.version

INF, NAN = math.inf, math.nan
LONG = "the quick brown fox jumps over the lazy dog and then has a rest beside the river until the evening comes"
PATHS = ":".join(f"/opt/package-{n}/bin" for n in range(12))

STRINGS = {
    "empty": "",
    "word": "hello",
    "space": " ",
    "spaces_around": "  padded  ",
    "tab": "a\tb",
    "newline_end": "one\n",
    "two_lines": "one\ntwo",
    "blank_line_between": "one\n\ntwo",
    "newline_first": "\none",
    "only_newlines": "\n\n",
    "crlf": "one\r\ntwo\r\n",
    "cr": "50%\r100%",
    "form_feed": "a\fb\vc",
    "separators": "a\x1cb\x1db\x1ec\x1fd",
    "nel": "a\x85b",
    "line_separator": "a\u2028b\u2029c",
    "nul": "a\0b",
    "bell": "ding\x07",
    "backspace": "ab\x08c",
    "delete": "a\x7fb",
    "escape_color": "\x1b[31mred\x1b[0m",
    "osc_title": "\x1b]0;title\x07",
    "osc_link": "\x1b]8;;http://x\x1b\\x",
    "c1_csi": "\x9b31m",
    "bidi": "abc\u202edef\u202c",
    "isolate": "a\u2066b\u2069",
    "zero_width": "a\u200bb\u200dc",
    "bom": "\ufeffabc",
    "nbsp": "a\u00a0b",
    "soft_hyphen": "a\u00adb",
    "latin": "Gr\u00fc\u00dfe, na\u00efve caf\u00e9",
    "cyrillic": "\u043f\u0440\u0438\u0432\u0435\u0442",
    "chinese": "\u4f60\u597d\uff0c\u4e16\u754c",
    "emoji": "ok \U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea",
    "combining": "e\u0301o\u0302",
    "long_emoji": "well \U0001f44d done " * 12,
    "private_use": "\ue000\U000f0000",
    "unassigned": "\u0378\U000e0080",
    "hebrew": "\u05e9\u05dc\u05d5\u05dd",
    "single_quote": "it's",
    "double_quote": 'say "hi"',
    "both_quotes": "it's \"so\"",
    "backslash": "C:\\temp\\new",
    "backslash_end": "a\\",
    "percent": "100%",
    "at": "@x",
    "backtick": "`x`",
    "star": "*x",
    "amp": "&x",
    "bang": "!x",
    "pipe": "|x",
    "gt": ">x",
    "question": "? x",
    "dash_space": "- x",
    "dash": "-",
    "dashes": "---",
    "dots": "...",
    "colon_end": "a:",
    "colon_space": "a: b",
    "colon_inside": "a:b",
    "hash": "# no",
    "space_hash": "a # b",
    "hash_inside": "a#b",
    "comma": "a, b",
    "brackets": "[a]",
    "braces": "{a}",
    "equals": "=",
    "merge": "<<",
    "tilde": "~",
    "null_word": "null",
    "yes": "yes",
    "off": "Off",
    "true_word": "true",
    "y": "y",
    "int_text": "42",
    "negative_text": "-7",
    "octal_text": "0644",
    "octal_new": "0o17",
    "hex_text": "0x1F",
    "binary_text": "0b101",
    "underscored": "1_000",
    "sexagesimal": "12:30:45",
    "sexagesimal_float": "1:30.5",
    "float_text": "1.5",
    "float_dot_end": "1.",
    "exp_text": "1e5",
    "exp_signed": "1.0e+5",
    "dot_number": ".5",
    "inf_text": ".inf",
    "nan_text": ".NaN",
    "version": "1.2.3",
    "date": "2026-11-21",
    "timestamp": "2026-11-21T03:04:05Z",
    "time_space": "2026-11-21 03:04:05.5 +01:00",
    "ip": "10.0.0.1",
    "ipv6": "fe80::1",
    "mac": "52:54:00:12:34:56",
    "space_end": "a ",
    "leading_space_line": "  a\nb",
    "trailing_space_line": "a \nb",
    "tabbed_lines": "a\tb\nc\td",
    "nul_text": "NULL",
    "long_words": LONG,
    "long_no_space": "x" * 100,
    "long_path": PATHS,
    "long_twice": LONG + " " + LONG,
    "long_with_newline": LONG + "\n" + LONG,
    "long_quoted": LONG + ": it's " + LONG,
    "long_unicode": "gr\u00f6\u00dfer " * 20,
    "long_special": "\x1b[1m" + LONG + "\t" + LONG,
    "long_double_spaces": "word  " * 30,
    "exactly_80": "a" * 72 + " bcdefg",
    "long_backslashes": "\\d+ " * 30,
    "fstab": "# /etc/fstab\nUUID=1 / ext4 defaults 0 1\n\n/dev/sr0\t/media\tudf,iso9660\n",
    "spaces_only_line": "a\n   \nb",
    "indented_block": "if x:\n    y\n",
    "long_leading_space": "   " + LONG,
    "long_trailing_newline": LONG + "\n",
    "quote_newline": "it's\n\"x\"\n",
}

NUMBERS = {
    "zero": 0,
    "one": 1,
    "minus": -1,
    "max": 2**63 - 1,
    "min": -(2**63),
    "big": 2**100,
    "big_negative": -(10**30),
    "f_zero": 0.0,
    "f_minus_zero": -0.0,
    "f_one": 1.0,
    "f_tenth": 0.1,
    "f_third": 1 / 3,
    "f_1e15": 1e15,
    "f_1e16": 1e16,
    "f_1e17": 1e17,
    "f_1e20": 1e20,
    "f_1e22": 1e22,
    "f_1e23": 1e23,
    "f_1e_4": 0.0001,
    "f_1e_5": 0.00001,
    "f_1e_7": 1e-7,
    "f_neg_exp": -2.5e-10,
    "f_tiny": 5e-324,
    "f_huge": 1.7976931348623157e308,
    "f_digits": 123456789.12345679,
    "f_load": 0.30000000000000004,
    "f_tie_of_two_shortest": 196296634874972.625,
    "f_whole_big": 123456789012345680.0,
    "inf": INF,
    "minus_inf": -INF,
    "nan": NAN,
    "none": None,
    "true": True,
    "false": False,
}

BYTES = {
    "bytes_high": b"\xff\xfe",
    "bytes_mixed": b"ok \xc3\xa9 \xff\n\x00tail",
    "bytes_quotes": b"it's\xff",
    "bytes_both": b"it's \"so\"\xff",
    "bytes_long": bytes(range(256)),
    "bytes_two_lines": b"a\xff\nb\xfe\r\nc\rd",
    "bytes_in_list": [b"\xff"],
    "bytes_in_dict": {"raw": b"\x80abc"},
}

NESTED = {
    "empty_list": [],
    "empty_dict": {},
    "list_of_empties": [[], {}, "", None],
    "dict_of_empties": {"a": {}, "b": [], "c": "", "d": None},
    "list": ["a", "b"],
    "list_numbers": [1, 2.5, None, True],
    "list_in_list": [["a", "b"], ["c"]],
    "deep_lists": [[[["x"]]]],
    "dict": {"b": 1, "a": 2},
    "dict_in_dict": {"a": {"b": {"c": "d"}}},
    "dict_in_list": [{"a": 1}, {"b": [1, 2]}],
    "list_in_dict": {"a": [1, [2, {"b": 3}]]},
    "args": {"args": ["a"], "kwargs": {"b": 2, "l": [1, {"x": "y"}], "n": None}},
    "multi_line_in_list": ["one\ntwo", "three"],
    "multi_line_in_dict": {"out": "one\ntwo\n"},
    "run_all": {"pid": 4711, "retcode": 7, "stdout": "some\noutput", "stderr": "ls: no such file '/x'"},
    "packages": {"bash": "5.2.15-2+b2", "libc6": "2.36-9+deb12u4", "zsh": ""},
    "keys_upper_lower": {"b": 1, "B": 2, "a": 3, "\u00e4": 4, "_": 5},
    "key_numbers": {10: "ten", 9: "nine", 1.5: "half", 2**70: "big"},
    "key_mixed": {"b": 1, 2: "two", None: "none", True: "yes"},
    "key_none": {None: 1},
    "key_bool": {True: 1, False: 0},
    "key_float": {0.1: 1, 1e20: 2},
    "key_text_like": {"1": 1, "true": 2, "null": 3, "": 4, "a b": 5, "a: b": 6, "- a": 7},
    "key_unicode": {"\u043a\u043b\u044e\u0447": "\u0437\u043d\u0430\u0447", "\U0001f511": 1},
    "key_newline": {"a\nb": 1},
    "key_control": {"a\x1b[31mb": "c"},
    "key_long": {"k" * 130: "v"},
    "key_long_spaces": {LONG: LONG},
    "key_tuple": {(1, 2): "pair", (3,): "one"},
    "key_bytes": {b"\xff": 1},
    "key_with_long_value": {"description": LONG, "x": {"y": {"z": LONG}}},
    "list_of_long": [LONG, LONG],
    "mixed_list": ["a", ["b"], {"c": "d"}, 1, None, [], {}],
    "wide_list": list(range(40)),
    "wide_dict": {f"key{n:02}": n for n in range(30)},
    "list_of_lists_numbers": [[1, 2, 3], [4, 5, 6]],
    "rows": [{"a": 1, "b": "xx"}, {"a": 22, "b": "y"}],
    "rows_unicode": [{"name": "gr\u00f6\u00dfe", "zahl": 1}, {"name": "b", "zahl": 222}],
    "rows_uneven": [{"a": 1}, {"a": 2, "b": 3}],
    "rows_named": [{"last_move": 0.0, "mac_address": "40:A6:77", "static": False, "it's2x_uP": None}],
    "rows_long": [{"text": LONG, "n": 1}, {"text": "short", "n": 2}],
    "rows_long_both": [{"text": LONG, "other": LONG[::-1]}],
    "rows_multi_line": [{"a": "x\ny", "b": "z"}],
    "rows_strings": ["one", "two words", "three"],
    "rows_mixed": ["one", 2],
    "rows_numbers": [1, 2],
    "rows_nested": {"out": [{"a": 1}], "comment": "", "result": True},
    "rows_lists": [["a", "b"], ["c", "d"]],
    "rows_lists_uneven": [["a", "b"], ["c"]],
    "rows_empty_dicts": [{}, {}],
    "rows_deep": [{"a": {"b": [1, 2]}}],
    "rows_key_mixed": [{1: "a", "b": "c"}],
    "table_deep": {"x": {"y": {"z": ["a", "b"]}}},
    "rows_escape": [{"a": "\x1b[31mx"}],
    "network": {
        "eth0": {
            "up": True,
            "hwaddr": "52:54:00:12:34:56",
            "inet": [{"address": "10.0.0.2", "netmask": "255.255.255.0"}],
        }
    },
    "str_list_escape": ["\x1b[2J", "a\rb"],
    "dict_none_values": {"a": None, "b": None},
    "nested_multi_long": {"a": [{"b": LONG + "\n" + LONG}]},
    "float_list": [0.1, 1e-7, 1e20, INF],
    "empty_text_at_the_edge": {"k" * 60: {"x" * 20: "", "y" * 20: []}},
    "emoji_everywhere": {"\U0001f44d" * 3: ["\U0001f44d", "a \U0001f44d: b"], "plain": "no"},
    "deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": ["h", {"i": "j"}]}}}}}}},
    "list_dict_list": [{"a": [{"b": [{"c": 1}]}]}],
    "strings_look_alike": ["1", "1.0", "true", "null", "~", "", "0644"],
}

BARE = {
    "bare_text": "just text",
    "bare_lines": "one\ntwo\n",
    "bare_long": LONG,
    "bare_int": 5,
    "bare_float": 1e16,
    "bare_none": None,
    "bare_true": True,
    "bare_list": ["a", {"b": 1}],
    "bare_empty": {},
    "bare_rows": [{"a": 1, "b": 2}],
    "bare_long_list": [LONG, "b"],
    "bare_bytes": b"\xff" * 40,
    "two_hosts": {"web2": True, "web1": {"a": 1}},
    "two_hosts_lists": {"b": ["1", "2"], "a": ["3"]},
    "two_hosts_text": {"web10": "a\nb", "web9": "c"},
    "keys_lists": {
        "minions": ["web2", "web1"],
        "minions_pre": ["new"],
        "minions_rejected": [],
        "minions_denied": ["bad\x1b[31m"],
    },
    "keys_local": {"local": ["master.pem", "master.pub"]},
    "keys_prints": {"minions": {"web1": "aa:bb:cc", "db1": "dd:ee"}},
    "keys_numbers": {"minions": [2, 1]},
    "keys_text": {"minions": "abc"},
    "did_not_return": {"web1": "Minion did not return. [No response]\nsecond line", "web0": "x"},
    "did_not_return_nested": {"a": {"c": "x", "b": "y"}, "d": 5},
    "jobs": {
        "20261121030106000123": {
            "Arguments": ["uptime"],
            "Function": "cmd.run",
            "StartTime": "2026, Nov 21 03:01:06.000123",
            "Target": "*",
            "Target-type": "glob",
            "User": "root",
        }
    },
}

VARIANTS = """
    nested nested+color json json:0 json:2 json:-1 json:pretty yaml yaml:4 yaml:0 yaml:-1 txt raw pprint pprint:4
    pprint:0 table table+color key key+color newline_values_only no_return no_return+color
""".split()


def tagged(value):
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else {"$int": str(value)}
    if isinstance(value, float):
        return {"$float": repr(value)}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, (list, tuple)):
        return [tagged(item) for item in value]
    if all(isinstance(key, str) for key in value):
        return {key: tagged(item) for key, item in value.items()}
    return {"$map": [[tagged(key), tagged(item)] for key, item in value.items()]}


def printed(data, variant, base):
    name, _, color = variant.partition("+")
    name, _, indent = name.partition(":")
    opts = dict(base, color=bool(color))
    if indent:
        opts["output_indent"] = indent if indent == "pretty" else int(indent)
    try:
        return salt.output.out_format(data, name, opts)
    except Exception:
        return None


def cases():
    for group in (STRINGS, NUMBERS, BYTES, NESTED):
        for name, value in group.items():
            yield name, {"web1": value}
    yield from BARE.items()


def main():
    logging.disable(logging.CRITICAL)
    base = salt.config.client_config("/nonexistent/master")
    base["root_dir"] = base["cachedir"] = base["extension_modules"] = tempfile.mkdtemp()
    base.pop("output_indent", None)
    for name, data in cases():
        expect = {variant: printed(data, variant, base) for variant in VARIANTS}
        row = {"name": name, "salt": salt.version.__version__, "data": tagged(data), "expect": expect}
        sys.stdout.write(json.dumps(row) + "\n")


main()
