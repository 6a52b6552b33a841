"""Records what real Salt's highstate outputter prints, as the expectations of the tests in `src/output`.

Needs a Python that can import salt. Run it from the root of the repository and look at the difference:

    python tests/oracle/record_highstate.py > src/output/golden/highstate.jsonl

One line per case: `{"name", "salt", "data", "expect": {variant: text or null}}`. A variant is the value of
`state_output`, then `+color`, `+quiet` (state_verbose false), `+diff`, `+pct`, `+noprofile`, `+ids` (compressed),
`+columns` (state_tabular true), `+format` (state_tabular is FORMAT), `+exclude=A,B`, `+terse=A,B`. Null stands for
"Salt itself fails here".
"""

import copy
import json
import logging
import sys
import tempfile

import salt.config
import salt.output
import salt.version

FORMAT = "{0}{1:<20}|{2}.{3}|{4:^9}|{6[duration]!s:>8}|{6[__id__]}{5}"
LONG = "the quick brown fox jumps over the lazy dog and then has a rest beside the river until the evening comes"


def state(tag, result=True, changes=None, comment="All is well", run=0, **more):
    module, ident, name, function = tag.split("|")
    ret = {
        "name": name,
        "result": result,
        "changes": {} if changes is None else changes,
        "comment": comment,
        "__id__": ident,
        "__sls__": "web.init",
        "__run_num__": run,
        "start_time": f"23:58:0{run % 10}.613494",
        "duration": 18.191 + run,
    }
    ret.update(more)
    return {"_|-".join([module, ident, name, function]): {k: v for k, v in ret.items() if v != "DROP"}}


def join(*states):
    return {tag: ret for one in states for tag, ret in one.items()}


CLEAN = state("test|ok|ok|nop")
CHANGED = state("file|motd|/etc/motd|managed", changes={"diff": "New file", "mode": "0644"}, run=1)
FAILED = state("cmd|false|false|run", False, {"pid": 5, "retcode": 1, "stdout": "", "stderr": ""}, "Command\n failed", 2)
WOULD = state("pkg|nginx|nginx|installed", None, {"nginx": {"new": "installed", "old": ""}}, "would install", 3)
WOULD_PLAIN = state("service|nginx|nginx|running", None, run=4)
WARNED = state("test|warned|warned|nop", warnings=["first warning", "second: " + LONG], run=5)
ALL = join(CLEAN, CHANGED, FAILED, WOULD, WOULD_PLAIN, WARNED)


def names(count, result=True, changes=True):
    many = [
        state(f"file|dirs|/srv/d{n}|directory", result, {f"/srv/d{n}": "New Dir"} if changes else {}, run=n)
        for n in range(count)
    ]
    return join(*many)


CASES = {
    "nothing": {},
    "clean": CLEAN,
    "changed": CHANGED,
    "failed": FAILED,
    "would_change": WOULD,
    "would_change_without_changes": WOULD_PLAIN,
    "warned": WARNED,
    "all_kinds": ALL,
    "clean_and_changed": join(CLEAN, CHANGED),
    "failed_then_would": join(state("a|a|a|a", False), state("b|b|b|b", None, run=1)),
    "would_then_failed": join(state("a|a|a|a", None), state("b|b|b|b", False, run=1)),
    "out_of_order": join(state("a|x|x|a", run=7), state("b|y|y|b", run=2), state("c|z|z|c", run=5)),
    "same_number": join(state("a|x|x|a", run=1), state("b|y|y|b", run=1)),
    "name_is_id": state("pkg|vim|vim|installed", changes={"vim": {"old": "", "new": "9"}}),
    "many_lines_of_comment": state("a|b|c|d", comment="one\ntwo\n\n  three  \n"),
    "blank_comment": state("a|b|c|d", comment="   \n  "),
    "no_comment_text": state("a|b|c|d", comment=""),
    "comment_list": state("a|b|c|d", comment=["one", "two"]),
    "comment_number": state("a|b|c|d", comment=5),
    "comment_none": state("a|b|c|d", comment=None),
    "comment_unicode": state("a|grüße|/tmp/ü|d", comment="straße äöü 你好"),
    "comment_escape": state("a|b|c|d", comment="\x1b[31mred\x1b[0m"),
    "comment_braces": state("a|{b}|{0}|d", comment="{comment} {0[x]}"),
    "comment_tabs": state("a|b|c|d", comment="a\tb"),
    "data_list": state("a|b|c|d", data=["x", 1, None]),
    "data_dict": state("a|b|c|d", data={"x": 1, "y": [1, 2]}),
    "data_text": state("a|b|c|d", data="more"),
    "diff": state("file|f|/etc/f|managed", changes={"diff": "--- \n+++ \n@@ -1 +1 @@\n-a\n+b\n"}),
    "nested_changes": state("a|b|c|d", changes={"x": {"y": {"z": [1, {"k": "v"}]}}, "w": True, "n": None}),
    "changes_with_ret": state("module|m|m|run", changes={"ret": True}),
    "changes_with_ret_dict": state("module|m|m|run", changes={"ret": {"a": 1, "b": [1]}}),
    "changes_end_blank": state("cmd|c|c|run", changes={"stderr": "", "stdout": ""}),
    "changes_empty_text": state("a|b|c|d", changes=""),
    "changes_list": state("a|b|c|d", changes=["x"]),
    "changes_text": state("a|b|c|d", changes="text"),
    "changes_missing": state("a|b|c|d", changes="DROP"),
    "comment_missing": state("a|b|c|d", comment="DROP"),
    "result_missing": join(CLEAN, state("a|b|c|d", result="DROP")),
    "no_times": state("a|b|c|d", start_time="DROP", duration="DROP"),
    "no_duration": state("a|b|c|d", duration="DROP"),
    "no_start": state("a|b|c|d", start_time="DROP"),
    "duration_text": state("a|b|c|d", duration="12.5 ms"),
    "duration_plain_text": state("a|b|c|d", duration="12.5"),
    "duration_word": state("a|b|c|d", duration="long"),
    "duration_whole": state("a|b|c|d", duration=7),
    "duration_none": state("a|b|c|d", duration=None),
    "seconds": join(state("a|x|x|d", duration=600.123), state("a|y|y|d", duration=500.5, run=1)),
    "just_below_seconds": state("a|x|x|d", duration=999.0),
    "just_seconds": state("a|x|x|d", duration=999.0005),
    "long_times": state("a|x|x|d", duration=123456789.123),
    "parallel": join(
        state("a|x|x|d", duration=300.0, __parallel__=True),
        state("a|y|y|d", duration=700.0, run=1, __parallel__=True),
        state("a|z|z|d", duration=100.0, run=2),
    ),
    "parallel_text": state("a|x|x|d", duration="300.5 ms", __parallel__=True),
    "ten": join(*[state(f"test|s{n}|s{n}|nop", run=n) for n in range(10)]),
    "hundred_failures": join(*[state(f"test|s{n}|s{n}|nop", n % 3 != 0, run=n) for n in range(100)]),
    "thirds": join(*[state(f"test|s{n}|s{n}|nop", n != 0, run=n) for n in range(3)]),
    "sevenths": join(*[state(f"test|s{n}|s{n}|nop", n != 0, run=n) for n in range(7)]),
    "names": names(4),
    "names_clean": names(3, changes=False),
    "names_mixed": join(names(2), state("file|dirs|/bad|directory", False, run=8), state("file|dirs|/b2|directory", False, run=9)),
    "names_some_changes": join(names(1), state("file|dirs|/same|directory", run=4), state("file|dirs|/n|directory", changes={"x": 1}, run=5)),
    "names_whole_durations": join(state("a|i|x|d", duration=3), state("a|i|y|d", duration=4, run=1)),
    "names_without_sls": join(state("a|i|x|d", __sls__="DROP"), state("a|i|y|d", run=1)),
    "result_number": state("a|b|c|d", result=1),
    "result_text": state("a|b|c|d", result="yes"),
    "result_list": state("a|b|c|d", result=[True]),
    "no_number": state("a|b|c|d", __run_num__="DROP"),
    "short_tag": {"a_|-b": {"result": True, "changes": {}, "comment": "", "__run_num__": 0}},
    "warning_hyphens": state("a|b|c|d", warnings=["well-known " * 12 + "a--b --option=value x-y-z 2020-01-02 e-mail"]),
    "warning_long_word": state("a|b|c|d", warnings=["x" * 150 + " " + "ab-" * 50]),
    "warning_lines": state("a|b|c|d", warnings=["one\ntwo\tthree", "  padded  ", ""]),
    "warning_path": state("a|b|c|d", warnings=["/usr/lib/python3/dist-packages/salt/modules/very-long-name.py:123: " * 3]),
    "warnings_two_states": join(WARNED, state("test|w2|w2|nop", warnings=["x"], run=6)),
    "warning_failed": state("a|b|c|d", False, warnings=["w"]),
    "orchestrated": state(
        "salt|apply|apply|state",
        changes={"out": "highstate", "ret": {"web1": join(CLEAN, CHANGED), "web2": FAILED}},
    ),
    "orchestrated_clean": state("salt|apply|apply|state", changes={"out": "highstate", "ret": {"web1": CLEAN}}),
    "orchestrated_errors": state(
        "salt|apply|apply|state", False, changes={"out": "highstate", "ret": {"web1": ["no SLS", "two"], "web2": False}}
    ),
    "orchestrated_function": state(
        "salt|f|f|function", changes={"out": "highstate", "ret": {"web1": "one\ntwo", "web2": True, "web3": 5, "web4": None}}
    ),
    "orchestrated_none": state("salt|apply|apply|state", changes={"out": "highstate", "ret": None}),
    "orchestrated_twice": state(
        "salt|apply|apply|state",
        changes={
            "out": "highstate",
            "ret": {"m": state("salt|in|in|state", changes={"out": "highstate", "ret": {"web1": CHANGED}})},
        },
    ),
    "orchestrate_runner": state("salt|state.orch|state.orch|runner", changes={"return": {"m_master": join(CLEAN, CHANGED), "retcode": 0}}),
    "orchestrate_runner_twice": state(
        "salt|state.orchestrate|state.orchestrate|runner",
        changes={
            "data": {
                "m_master": state("salt|state.sls|state.sls|runner", changes={"data": {"x_master": CHANGED}})
            }
        },
    ),
    "orchestrate_text": state("salt|state.orch|state.orch|runner", changes="text\nmore"),
    "orchestrate_number": state("salt|state.orch|state.orch|runner", changes=5),
}

BARE = {
    "two_hosts": {"web2": CLEAN, "web1": CHANGED},
    "host_escape": {"web\x1b[31m": CLEAN},
    "errors": {"web1": ["Rendering SLS 'base:web' failed: Jinja error", "second\n  line"]},
    "errors_of_kinds": {"web1": [{"a": 1}, None, 5, "\x1b[1mx"]},
    "errors_empty": {"web1": []},
    "no_minion": {"web1": "Minion did not return. [No response]"},
    "text": {"web1": "one\n\ntwo"},
    "empty_text": {"web1": ""},
    "true": {"web1": True},
    "number": {"web1": 5},
    "float": {"web1": 1.5},
    "none": {"web1": None},
    "plain_dict": {"web1": {"a": 1, "b": [1, 2]}},
    "dict_of_dicts": {"web1": {"eth0": {"up": True}}},
    "envelope_data": {"outputter": "highstate", "data": {"m_master": ALL, "retcode": 1}},
    "envelope_data_one": {"data": {"m_master": ALL}, "retcode": 0},
    "envelope_return": {"return": {"web1": CLEAN}, "jid": "1"},
    "envelope_job": {"20260101": {"jid": "20260101", "fun": "state.sls", "return": {"data": {"m_master": CLEAN}}}},
    "envelope_job_no_data": {"20260101": {"jid": "20260101", "fun": "state.sls", "return": {"web1": CLEAN}}},
    "retcode_two_masters": {"a_master": CLEAN, "b_master": CHANGED, "retcode": 0},
    "retcode_no_master": {"web1": CLEAN, "retcode": 3},
    "bare_text": "text\n",
    "bare_none": None,
    "bare_number": 5,
    "bare_list": ["a"],
    "bare_float": 2.5,
    "bare_empty": {},
    "key_number": {5: CLEAN},
}

VARIANTS = """
    full full+color full_id full_id+color terse terse+color terse_id mixed mixed+color mixed_id changes changes+color
    changes_id filter filter_id filter+exclude=True filter+exclude=False,None filter+terse=True,None
    filter+terse=True+exclude=False+color full+quiet full+quiet+color full+diff full+pct full+pct+color
    full+noprofile full+noprofile+color terse+noprofile full+ids full+ids+color terse_id+ids terse+columns
    terse+columns+color terse+columns+noprofile terse+format terse+format+color mixed+quiet+pct+noprofile
    changes+diff full_id+ids+pct
""".split()

SWITCHES = {
    "quiet": ("state_verbose", False),
    "diff": ("state_output_diff", True),
    "pct": ("state_output_pct", True),
    "noprofile": ("state_output_profile", False),
    "ids": ("state_compress_ids", True),
    "columns": ("state_tabular", True),
    "format": ("state_tabular", FORMAT),
    "color": ("color", True),
}


def printed(data, variant, base):
    mode, *switches = variant.split("+")
    opts = dict(base, state_output=mode, color=False)
    for switch in switches:
        name, _, value = switch.partition("=")
        if value:
            opts["state_output_" + name] = value.split(",")
        else:
            opts.update([SWITCHES[name]])
    try:
        return salt.output.out_format(copy.deepcopy(data), "highstate", opts)
    except Exception:
        return None


def tagged(value):
    if isinstance(value, float):
        return {"$float": repr(value)}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: tagged(item) for key, item in value.items()}
        return {"$map": [[tagged(key), tagged(item)] for key, item in value.items()]}
    return value


def main():
    logging.disable(logging.CRITICAL)
    base = salt.config.client_config("/nonexistent/master")
    base["root_dir"] = base["cachedir"] = base["extension_modules"] = tempfile.mkdtemp()
    cases = [(name, {"web1": states}) for name, states in CASES.items()] + list(BARE.items())
    for name, data in cases:
        expect = {variant: printed(data, variant, base) for variant in VARIANTS}
        row = {"name": name, "salt": salt.version.__version__, "data": tagged(data), "expect": expect}
        sys.stdout.write(json.dumps(row) + "\n")


main()
