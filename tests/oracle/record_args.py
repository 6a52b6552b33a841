"""Writes what Salt makes of words on a command line, as {words, no_parse, args, kwargs} with repr() of both.

Run with a Python that has Salt: `python tests/oracle/record_args.py > states/render/tests/args.json`
"""

import json
import sys

import salt.utils.args
import salt.version

WORDS = [
    "", " ", "a", "a b", "1", "-1", "+1", "1.5", "-1.5", "1e3", "1.5e+3", ".5", "0644", "0x1f", "0b11", "0o17", "08", "1_000", "_1", "1_0.5", " 1_0 ", "12:30", "12:30:45",
    "190:20:30", "true", "True", "yes", "no", "on", "off", "y", "n", "None", "none", "null", "~", "2001-12-14", "2001-12-14 10:00:00", "---", "...", " --- ", "-", "--", "[a, b]",
    "[]", "[1, yes, ~]", " [a]", "- a", "- a\n- b", "{a: b}", "{}", "{a: 1, b: [c]}", " {a: b}", "a: b", "a:b", "a:", ":", "{a", "[a", "{a: b} c", "'a'", '"a"', "'1'", '"1"', "'a", "it's",
    '"a" b', "#", "# a", " # a", "a#b", "a #b", "1 #b", "[a] # b", "[a, #b\n]", "{a: '#'}", "a: 1 #c", "'a#b'", "!", "|", ">", "!x", "!!str 1", "!!int '1'", "!!binary aGk=", "!!set {a}", "!!python/name:os.system",
    "&a", "*a", "&a b", "@a", "`a`", "%a", "%", "=", "==", "<<", "a\tb", "a\nb", "a\rb", "\ta", "a ", " a", " 1", "1 ", "20260101000000000000", "20171231235959999999", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "123456789012345678901234567890", ".inf", "-.inf", ".nan", "1.0", "100.0", "1,000", "10%", "/tmp/x", "C:\\x", "http://a:80/b", "a,b", "*", "web*", "?", "? a", "?a", "a=b", "a==b", "a=", "=b", "a =b",
    "a= b", "a.b=1", "a-b=1", "a b=1", "1a=1", "_a=1", "-a=1", "a=1", "a=yes", "a=None", "a=~", "a=[1, 2]", "a={b: c}", "a=b=c", "a='1'", "a=1_000", "a=0644", "a=#x", "a=b #c", "a=x\ny", "a=x\n", "a=\n", "a=\tx",
    "\u00e9=1", "a\u00e9=\u00fc", "__kwarg__=True", "__pub_x=1", "test=True", "name=a", "a\\=b", "'a=b'", "[a=b]", "{a=b}", "a:1=2", "a=20260101000000000000", "a=2001-12-14", "cmd=echo 'a b'", "a= ", "a=---", "a=|",
    "a=!", "a=a: b", "a=- b", "uptime", "df -h | grep x", "echo a=b", "A=1 env", "ls -l", "$HOME", "${x}", "{{ x }}", "{% if %}", "\\n", "a\\nb", "\u00fc", "\u4e2d", "\u00a0", "yes\u00a0", "0", "00", "-0", "0.0", "1.", "+.5", "1..2", "1.2.3",
    "10.0.0.1", "::1", "[::1]", "fe80::1", "a::b", "{a: b, a: c}", "[a, [b, [c]]]", "{1: 2}", "{yes: no}", "[a: b]", "{a: }", "{a}", "[,]", "[a,]", "\"\\x41\"", "'it''s'", "<a>", "a > b", "a & b", "(a)", "^a$", "a|b", ",", ";", "\\",
]

LISTS = [
    (["a", "b=c", "1"], []), (["a=1", "a=2"], []), (["a=1", "b=1"], ["a"]), (["a=[x]", "b=[x]"], ["a", "b"]), (["a=None"], ["a"]), (["a="], ["a"]), (["1", "2", "3"], ["1"]),
    (["cmd.run", "echo x=y", "cwd=/tmp", "python_shell=False"], []), (["name=x", "changes={a: 1}", "20260101000000000000", "jid=20260101000000000000"], []), ([], []),
]


def case(words, no_parse):
    args, kwargs = salt.utils.args.parse_input(list(words), condition=False, no_parse=no_parse)
    conditioned = salt.utils.args.condition_input(args, {})
    return {"words": words, "no_parse": no_parse, "args": repr(conditioned), "kwargs": repr(kwargs)}


cases = [case([word], []) for word in dict.fromkeys(WORDS)] + [case(*both) for both in LISTS]
json.dump({"salt": salt.version.__version__, "cases": cases}, sys.stdout, indent=1)
print()
