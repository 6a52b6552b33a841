#!/usr/bin/env python3
"""Records what real Salt answers to the calls of exec_calls.yaml.

    record_exec.py VENV [--only TEXT]

VENV is a virtual environment with Salt in it; where there is none yet, one is made and salt==3007.15 put into it.
The answers go to exec_expected.json beside this file: {"salt": version, "answers": {call: {"value": ...} or
{"error": text}}}. With --only, calls that contain TEXT are recorded again and the others kept.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

SALT = "salt==3007.15"
CHANGED = 1_600_000_000  # when every file of a tree was last changed, as in the tests
HERE = os.path.dirname(os.path.abspath(__file__))
CALLS = os.path.join(HERE, "exec_calls.yaml")
EXPECTED = os.path.join(HERE, "exec_expected.json")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("venv")
    options.add_argument("--only", default="")
    options = options.parse_args()
    python = os.path.join(options.venv, "bin", "python3")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", options.venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", SALT], check=True)
    if os.path.realpath(sys.prefix) != os.path.realpath(options.venv):
        os.execv(python, [python, *sys.argv])
    record(options.venv, options.only)


def record(venv, only):
    import salt.version
    import yaml

    with open(CALLS, encoding="utf-8") as file:
        plan = yaml.safe_load(file)
    answers = {}
    if only:
        with open(EXPECTED, encoding="utf-8") as file:
            answers = json.load(file)["answers"]
    os.umask(0o022)
    lines = [entry["call"] for entry in plan["calls"]]
    todo = [line for line in lines if only in line]
    with ThreadPoolExecutor(max_workers=2) as pool:
        answers.update(zip(todo, pool.map(lambda line: ask(venv, plan["tree"], line), todo)))
    known = [entry for entry in plan["calls"] if entry["call"] in answers]
    answers = {entry["call"]: reduced(entry, answers[entry["call"]]) for entry in known}
    with open(EXPECTED, "w", encoding="utf-8") as file:
        json.dump({"salt": salt.version.__version__, "answers": answers}, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(len(todo), "calls recorded with Salt", salt.version.__version__)


def ask(venv, tree, line):
    """One call in a tree and a configuration of its own."""
    with tempfile.TemporaryDirectory(prefix="exec-") as scratch:
        scratch = os.path.realpath(scratch)
        here, config = os.path.join(scratch, "d"), os.path.join(scratch, "c")
        os.mkdir(here)
        os.mkdir(config)
        make(tree, here)
        with open(os.path.join(config, "minion"), "w", encoding="utf-8") as file:
            json.dump(
                {
                    "id": "minion",
                    "root_dir": os.path.join(config, "root"),
                    "file_client": "local",
                    "file_roots": {"base": [os.path.join(here, "srv", "base")]},
                    "cachedir": os.path.join(here, "cache"),
                },
                file,
            )
        words = shlex.split(line.replace("$DIR", here))
        fixed = ["--local", "--config-dir", config, "--out=json", "--log-level=quiet"]
        # Arguments follow a `--`, so that those with dashes are the function's.
        command = [os.path.join(venv, "bin", "salt-call"), *fixed, words[0], "--", *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        shutil.rmtree(config)
        return understand(done, here, os.path.join(config, "root"))


def understand(done, here, root):
    # Salt puts its root directory before the cache directory; ours has none.
    text = done.stdout.replace(root + here, "$DIR").replace(here, "$DIR")
    start = text.find('{\n    "local"')
    if start >= 0:
        return {"value": json.loads(text[start:])["local"]}
    last = (done.stderr.replace(here, "$DIR").strip().splitlines() or [""])[-1]
    return {"error": last}


def reduced(entry, answer):
    """Where types alone are compared, nothing else of the recording host is kept."""
    how = entry.get("as")
    if "value" not in answer or how not in ("types", "kind", "kinds", "each"):
        return answer
    value = answer["value"]
    if how == "kind":
        return {"value": type(value)() if value is not None else None}
    if how == "each" and isinstance(value, dict):
        value = {str(number): item for number, item in enumerate(value.values())}
    return {"value": blank(value)}


def blank(value):
    """Every leaf as the empty value of its type, and the first item of every list."""
    if isinstance(value, dict):
        return {key: blank(item) for key, item in value.items()}
    if isinstance(value, list):
        return [blank(item) for item in value[:1]]
    return type(value)() if value is not None else None


def make(tree, here):
    for name, what in tree.items():
        path = os.path.join(here, name)
        os.makedirs(path if name.endswith("/") else os.path.dirname(path), exist_ok=True)
        if isinstance(what, dict) and "link" in what:
            os.symlink(what["link"].replace("$DIR", here), path)
            continue
        mode = 0o755 if name.endswith("/") else 0o644
        if isinstance(what, dict):
            mode, what = int(what.get("mode", oct(mode)[2:]), 8), what.get("text")
        if not name.endswith("/"):
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(what.replace("$DIR", here))
        os.chmod(path, mode)
    for folder, _, files in os.walk(here, topdown=False):
        for name in files:
            os.utime(os.path.join(folder, name), (CHANGED, CHANGED), follow_symlinks=False)
        os.utime(folder, (CHANGED, CHANGED))


if __name__ == "__main__":
    main()
