#!/usr/bin/env python3
"""Records how real Salt runs states: record_run.py [FILE...]

Run it with a Python that has salt==3007.15 (PyPI). For each case of tests/oracle/run/FILE.yaml (`{name, sls, pillar}`) it
compiles the SLS and runs its low chunks twice in a fresh state system, with test=True and for real. The chunks and all
returns go to FILE.json; our runtime is given the same chunks. `{tmp}` in an SLS stands for a directory that is made
anew for each run. A `matrix` in a case stands for one case each: `{word: [values]}`, replacing `<word>`."""
import copy, itertools, json, logging, pathlib, shutil, sys, tempfile

import yaml
import salt.config, salt.loader, salt.state

logging.disable(logging.CRITICAL)

FOLDER = pathlib.Path(__file__).resolve().parent / "run"
# What says nothing, or differs from run to run.
DROP = {"comment", "duration", "start_time", "__run_num__", "__parallel__", "warnings"}


def variants(case):
    matrix = case.pop("matrix", {})
    for values in itertools.product(*matrix.values()):
        one = dict(case)
        for word, value in zip(matrix, values):
            one["name"] = one["name"].replace(f"<{word}>", str(value))
            one["sls"] = one["sls"].replace(f"<{word}>", str(value))
        yield one


def options(root):
    (root / "srv").mkdir()
    opts = salt.config.minion_config(None)
    opts.update(root_dir=str(root), cachedir=str(root / "cache"), pki_dir=str(root / "pki"), id="m1", file_client="local",
                file_roots={"base": [str(root / "srv")]}, pillar_roots={"base": []}, extension_modules=str(root / "ext"),
                conf_file=str(root / "minion"), sock_dir=str(root / "sock"), log_level="quiet", state_events=False, local=True)
    opts["grains"] = salt.loader.grains(opts)
    opts["grains"]["shell"] = "/bin/sh"
    return opts


def slim(value):
    if isinstance(value, dict):
        return {key: slim(item) for key, item in value.items() if key != "pid"}
    return [slim(item) for item in value] if isinstance(value, list) else value


def record(opts, case, test, root):
    tmp = root / "tmp"
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir()
    (root / "srv" / "case.sls").write_text(case["sls"].replace("{tmp}", str(tmp)))
    opts = copy.deepcopy(opts)
    opts.update(test=test, **case.get("opts", {}))
    with salt.state.HighState(opts, pillar_override=case.get("pillar")) as st:
        st.push_active()
        high, errors = st.render_highstate({"base": ["case"]})
        errors += st.state.verify_high(high)
        if errors:
            raise SystemExit(f"{case['name']}: {errors}")
        high, errors = st.state.requisite_in(high)
        if errors:
            raise SystemExit(f"{case['name']}: {errors}")
        chunks = st.state.compile_high_data(st.state.apply_exclude(high))
        before = json.loads(json.dumps(chunks).replace(str(tmp), "{tmp}"))
        try:
            running = st.state.call_listen(chunks, st.state.call_chunks(chunks))
        except Exception as error:
            return before, {"raises": repr(error).replace(str(tmp), "{tmp}")}
        finally:
            st.pop_active()
    order = sorted(running, key=lambda tag: (running[tag].get("__run_num__", 10**6), tag))
    returns = {tag: slim({k: v for k, v in running[tag].items() if k not in DROP}) for tag in order}
    skipped = {tag: running[tag]["comment"] for tag in order if running[tag].get("__state_ran__") is False}
    said = {"returns": returns, "skipped": skipped}
    return before, json.loads(json.dumps(said, default=str).replace(str(tmp), "{tmp}"))


def record_file(stem, root):
    opts, recorded = options(root), []
    for case in yaml.safe_load((FOLDER / f"{stem}.yaml").read_text()):
        for one in variants(case):
            chunks, tested = record(opts, one, True, root)
            _, real = record(opts, one, False, root)
            entry = {"name": one["name"], "chunks": chunks, "test": tested, "real": real}
            entry.update({key: one[key] for key in ("pillar", "opts") if key in one})
            recorded.append(entry)
    return recorded


def main():
    for stem in sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.yaml")):
        with tempfile.TemporaryDirectory(prefix="oracle-run-") as root:
            recorded = record_file(stem, pathlib.Path(root))
        (FOLDER / f"{stem}.json").write_text(json.dumps(recorded, indent=1, sort_keys=False) + "\n")
        print(stem, len(recorded))


main()
