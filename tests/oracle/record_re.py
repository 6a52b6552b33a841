#!/usr/bin/env python3
"""What Python's `re` finds: writes thin/pattern/tests/re.json.

A row is [pattern, flags, text, groups]: the bytes from and to of every group, null for one that matched nothing;
groups is null where nothing is found and "error" where the pattern is broken. Flags are of `imsx`, and `b` for bytes.
"""
import json
import re
import sys

TEXTS = [
    "", "a", "ab", "abc", "aab", "aaaa", "abab", "b\na", "a\n", "foo bar baz", "foobar", "x=1, y=22", "web01.example.org",
    "größe", "ÄB äb", "k\u212aſs", "१२३", "a b\tc", "'x' \"y\"", "<a><b>", "key: value\nother: thing\n", "[]{}^$",
    "the the cat", "2024-05-06 07:08:09", "ERROR a\nWARN b\nERROR c", "()", "aXbXc", "\\n", "é", "abcabc", "-_.",
]
PATTERNS = [
    "a", "b*", "a+", "a+?", "a??b", "a{2}", "a{1,2}?", "a{,2}", "a{2,}", "a{,}", "a{x}", "{", "a{1", "(a|ab)(c|bcd)?",
    "(a)|(b)", "(a*)*", "(a|b*)*", "(a*)+", "(?:a|b)+?b", "((a)|b)*", "(a?)*?b", "^", "$", "^a", "a$", r"a\Z", r"\Aa",
    r"\b", r"\B", r"\bfoo\b", r"\w+", r"\W+", r"\d+", r"\D+", r"\s", r"\S+$", "[a-c]+", "[^a-c]+", "[]a]+", "[^]a]", "[a-]+",
    r"[\w.]+", r"[^\s]+", r"[\d-]+", r"[\]\[]+", r"[\b]", "[a&&b]", ".", ".*", ".*b", ".+b", "(.*)b(.*)", ".*?b", "(.)(.)",
    r"(.)\1", r"(\w+) \1", "(?P<q>['\"]).*?(?P=q)", "(?P<k>\\w+)=(?P<v>\\d+)", "a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b",
    r"(?<=\d\d)-", "(?=(a+))a", "(?!(a)b)a", "(?<=(a))b", "(a)?b(?(1)c|$)", "(?P<o><)?a(?(o)>)", r"\x61\u0062", r"\141",
    r"\0", r"[\141]", r"\.", r"\-", r"a\ b", "(?#c)a", "a(?#c)+", "(?i)A", "(?i:A)b", "(?i)[A-B]+", "(?i)K", "(?i)S+",
    "(?i)äb", "(?im)^error", "(?s).b|.\\n", "(?s:a.)", "(?-i:A)", "(?x) a b # no\n c", "(?x) [ ] b", "(?x)a {2}", "^.*$",
    r"^(\w+): (.*)$", r"(\d+)-(\d+)-(\d+)", r"(?:(\d+)[-: ]?)+", "([a-z]+)(\\d*)\\.", "(ab)+", "(ab){2}", "(?:ab){1,2}?c?",
    "(|a)+", "(a|)+", "(?:a*?)*?b", "(a|b|c)*c", "(abc)+?", "X(?!c)", r"[^\W\d]+", "ö", "[ä-ü]", r"\w\W", "(a)(?:(b)|c)*",
    "<.+?>", "<[^>]*>$", "x*", "|a", "a|", "()", "(?:)", "(?=a)*", "(b?)(?<!b)a",
]
BROKEN = [
    "(", ")", "[a", "*a", "a**", "a*{2}", "(?P<x", "(?P<1>a)", "(?P<n>a)(?P<n>b)", "\\", "(?<=a*)b", "(?<=a|bc)d", "\\9", "(\\1)",
    "(?P=n)", "[z-a]", "[\\d-z]", "\\q", "\\x1", "\\u12", "a(?i)b", "(?z)", "^*", "\\b+", "{2}", "a{3,2}", "(?(1)a)", "[", "(?:a",
    "a??*", "(?", "(?i", "(?-i)", "\\400",
]


def row(pattern, flags, text):
    is_bytes = "b" in flags
    bits = sum({"i": re.I, "m": re.M, "s": re.S, "x": re.X}[flag] for flag in flags if flag != "b")
    try:
        found = re.search(pattern.encode() if is_bytes else pattern, text.encode() if is_bytes else text, bits)
    except re.error:
        return [pattern, flags, text, "error"]
    if not found:
        return [pattern, flags, text, None]
    place = (lambda at: at) if is_bytes else (lambda at: len(text[:at].encode()))
    spans = [found.span(group) for group in range(found.re.groups + 1)]
    return [pattern, flags, text, [None if start < 0 else [place(start), place(end)] for start, end in spans]]


def rows():
    for pattern in PATTERNS:
        for flags in ["", "i", "ms", "b", "x", "bim"]:
            for text in TEXTS:
                yield row(pattern, flags, text)
    for pattern in BROKEN:
        yield row(pattern, "", "a")


def main():
    # What finds nothing is told once for each pattern and set of flags, else the file is mostly that.
    kept, told = [], set()
    for number, (pattern, flags, text, groups) in enumerate(rows()):
        first = groups in (None, "error") and (pattern, flags) not in told
        if first or (groups not in (None, "error") and number % (1 if flags == "" else 7) == 0):
            told.add((pattern, flags))
            kept.append([pattern, flags, text, groups])
    json.dump(kept, sys.stdout, ensure_ascii=False, separators=(",", ":"))


main()
