#!/usr/bin/env python3
"""record_sls.py [NAME ...]: what real Salt makes of the trees in sls/NAME.yaml, written to sls/NAME.json.

Run it with the Python of an environment that has Salt, `pip install salt==3007.15`. A case is a map of
  name:    a sentence
  ask:     low (chunks of state.apply), low_sls (state.show_low_sls), sls (state.show_sls), highstate
           (state.show_highstate), lowstate (chunks of state.highstate), top, pillar, or match
  sls:     names, for low, low_sls and sls; saltenv: their environment (base)
  files:   {path: text} of base, or {environment: {path: text}} where every value is a map
  opts, grains, pillar, id: of the minion (id m1); matches: [[kind, expression], ...] for match
  override: what the caller says of the pillar, for pillar
The answer is {"ret": ...}, or {"error": text} where Salt gives a list of errors or fails altogether."""
import copy, json, logging, pathlib, shutil, sys, tempfile

import salt.config, salt.loader, salt.pillar, salt.state, salt.version
import yaml

HERE = pathlib.Path(__file__).parent / "sls"
logging.disable(logging.CRITICAL)


class Refused(Exception):
    """Salt returned errors in place of data."""


def by_environment(files):
    nested = files and all(isinstance(value, dict) for value in files.values())
    return files if nested else {"base": files}


def lay_out(root, files):
    roots = {}
    for saltenv, tree in by_environment(files).items():
        base = root / saltenv
        base.mkdir(parents=True)
        roots[saltenv] = [str(base)]
        for path, text in tree.items():
            (base / path).parent.mkdir(parents=True, exist_ok=True)
            (base / path).write_text(text)
    return roots


def low(state, high):
    """What State.call_high does before it runs anything."""
    high, errors = state.reconcile_extend(high)
    errors += state.verify_high(high)
    refuse(errors)
    high, errors = state.requisite_in(high)
    high = state.apply_exclude(high)
    refuse(errors)
    return state.compile_high_data(high)


def refuse(errors):
    if errors:
        raise Refused("\n".join(map(str, errors)))


def from_top(high_state):
    top = high_state.get_top()
    refuse(high_state.verify_tops(top))
    return high_state.top_matches(top)


def compiled(case, opts):
    ask = case["ask"]
    with salt.state.HighState(opts, initial_pillar=opts["pillar"]) as high_state:
        if ask in ("highstate", "lowstate", "top"):
            matches = from_top(high_state)
            if ask == "top":
                return matches
        else:
            matches = {case.get("saltenv", "base"): case["sls"].split(",")}
        high, errors = high_state.render_highstate(matches)
        refuse(errors)
        if ask in ("low", "lowstate"):
            return low(high_state.state, high)
        if ask != "highstate":
            refuse(high_state.state.verify_high(high))
        return high_state.state.compile_high_data(high) if ask == "low_sls" else high


def pillar(case, opts, roots):
    opts.update(pillar_roots=roots, file_roots={"base": []}, file_client="local")
    del opts["pillar"]
    opts["pillar_source_merging_strategy"] = opts.get("pillar_source_merging_strategy", "smart")
    made = salt.pillar.Pillar(
        opts, opts["grains"], opts["id"], opts.get("saltenv"),
        pillarenv=opts.get("pillarenv"), pillar_override=case.get("override"),
    )
    data = made.compile_pillar()
    refuse(data.get("_errors"))
    return data


def matched(case, opts):
    loader = salt.loader.matchers(opts)
    answers = []
    for kind, expression in case["matches"]:
        try:
            extra = [opts["nodegroups"]] if kind == "nodegroup" else []
            answers.append(bool(loader[f"{kind}_match.match"](expression, *extra)))
        except Exception as error:
            answers.append("error")
    return answers


def answer(case, plain, root):
    opts = copy.deepcopy(plain)
    opts.update(id=case.get("id", "m1"), grains=case.get("grains", {}), pillar=case.get("pillar", {}))
    opts.update(case.get("opts", {}))
    if "saltenv" in case:
        opts["saltenv"] = case["saltenv"]
    roots = lay_out(root, case.get("files", {}))
    opts["cachedir"] = str(root / "cache")
    try:
        if case["ask"] == "match":
            return {"ret": matched(case, opts)}
        if case["ask"] == "pillar":
            return {"ret": pillar(case, opts, roots)}
        opts["file_roots"] = roots
        return {"ret": compiled(case, opts)}
    except Refused as error:
        return {"error": str(error).replace(str(root), "")}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".replace(str(root), "")}


def main(names):
    scratch = pathlib.Path(tempfile.mkdtemp())
    (scratch / "minion").write_text(f"root_dir: {scratch}\nfile_client: local\nlocal: true\n")
    plain = salt.config.minion_config(str(scratch / "minion"))
    plain.update(file_client="local", local=True, grains={}, autoload_dynamic_modules=False, fileserver_backend=["roots"])
    try:
        for path in sorted(HERE.glob("*.yaml")):
            if names and path.stem not in names:
                continue
            cases = yaml.safe_load(path.read_text())
            answers = {case["name"]: answer(case, plain, scratch / f"{path.stem}{at}") for at, case in enumerate(cases)}
            assert len(answers) == len(cases), f"{path.name}: two cases of one name"
            recorded = {"salt": salt.version.__version__, "answers": answers}
            path.with_suffix(".json").write_text(json.dumps(recorded, indent=1) + "\n")
            failed = sum("error" in one for one in answers.values())
            print(f"{path.stem}: {len(cases)} cases, {failed} errors")
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main(sys.argv[1:])
