#!/usr/bin/env python3
"""record_trees.py REPOS GRAINS [NAME ...]: what real Salt makes of whole trees, as lines of JSON on standard output.

Run it with the Python of an environment that has Salt, `pip install salt==3007.15`, and in a throwaway root without
a network: templates of strangers run commands. REPOS holds checkouts, one folder each (NAME chooses some); GRAINS is a
JSON file {system: grains}. Each line is one case: {"repo", "os", "file_root", "variant", "pillar", "sls", "low":
{"ret": [...]} | {"err": [...]}, "exec_calls": [...]}. `gather_trees.py` turns the lines into a corpus for
`cargo xtask conformance`. SLS_MAX (40) bounds the SLS of one tree, CASE_SECONDS (20) the time of one case. BRIEF=1 keeps only tree, SLS and answer,
as `trees.jsonl` has them: `BRIEF=1 record_trees.py trees trees.grains.json > trees.jsonl`."""
import copy, json, logging, os, pathlib, shutil, signal, sys, tempfile

import salt.config, salt.exceptions, salt.loader, salt.loader.lazy, salt.pillar, salt.utils.extmods

logging.disable(logging.CRITICAL)
SLS_MAX, CASE_SECONDS = int(os.environ.get("SLS_MAX", "40")), int(os.environ.get("CASE_SECONDS", "20"))
BRIEF = bool(os.environ.get("BRIEF"))
# Functions that answer alike on every machine.
PURE = {"config", "defaults", "environ", "grains", "hashutil", "log", "match", "pillar", "slsutil", "sys"}
DYNAMIC = ("modules", "states", "grains", "utils", "renderers", "matchers", "serializers", "returners")
PILLARS = ("pillar.example", "pillar-example.sls", "pillar.example.sls", "pillar/example.sls")
calls, depth = [], [0]


def watched(original):
    """LoadedFunc.__call__ that remembers what templates asked of the machine."""

    def call(self, *args, **kwargs):
        module = self.name.split(".")[0]
        if depth[0] or module in PURE or self.loader.tag != "module" or self.name == "state.show_low_sls":
            return original(self, *args, **kwargs)
        depth[0] += 1
        entry = {"fun": self.name, "args": copy.deepcopy(list(args)), "kwargs": copy.deepcopy(kwargs), "ret": None, "err": None}
        calls.append(entry)
        try:
            result = original(self, *args, **kwargs)
            entry["ret"] = copy.deepcopy(result)
            return result
        except Exception as error:
            entry["err"] = f"{type(error).__name__}: {error}"
            raise
        finally:
            depth[0] -= 1

    return call


def file_root(repo):
    """The folder of the tree's top file that holds most SLS; the checkout itself where there is none."""
    tops = [path.parent for path in repo.rglob("top.sls") if "pillar" not in str(path.relative_to(repo)) and "test" not in str(path.relative_to(repo))]
    named = [repo / name for name in ("salt/states", "salt/roots", "srv/salt", "roots/salt", "states", "salt", "srv/states") if (repo / name).is_dir()]
    count = lambda folder: sum(1 for _ in folder.rglob("*.sls"))
    places = tops or [place for place in named if count(place) * 2 > count(repo)]
    return max(places, key=count) if places else repo


def names(root):
    """Names of SLS below a root, spread over the tree where there are too many."""
    found = []
    for path in sorted(root.rglob("*.sls")):
        parts = path.relative_to(root).with_suffix("").parts
        if "top" in parts or any("." in part or part in ("test", "tests", "pillar", "kitchen") for part in parts) or parts == ("init",):
            continue
        found.append(".".join(parts[:-1] if parts[-1] == "init" else parts))
    step = max(1, -(-len(found) // SLS_MAX))
    return sorted(set(found[::step]) | {name for name in found if "." not in name and len(found) < 4 * SLS_MAX})


def variants(repo, root):
    """[(name, pillar)]: no pillar, the example, those of the tests, or a whole pillar tree."""
    yield "none", []
    for name in PILLARS:
        if (repo / name).is_file():
            yield "example", [name]
            break
    for path in sorted(repo.glob("test/salt/pillar/*.sls"))[:2]:
        yield f"test:{path.relative_to(repo)}", [str(path.relative_to(repo))]
    for name in ("pillar", "salt/pillar", "srv/pillar", "pillars", "pillar/base", "pillar/prod"):
        if (repo / name / "top.sls").is_file() and repo / name != root:
            yield "repo", {"root": name}
            break


def pillar_root(repo, pillar, place):
    """A folder of its own for each pillar: Salt takes files of one path, size and second for the same."""
    if isinstance(pillar, dict):
        return repo / pillar["root"]
    place.mkdir(parents=True)
    top = "base:\n  '*':\n"
    for file in pillar:
        name = "example" if "example" in file else pathlib.Path(file).stem
        shutil.copy(repo / file, place / f"{name}.sls")
        top += f"    - {name}\n"
    if pillar:
        (place / "top.sls").write_text(top)
    return place


def compiled_pillar(opts):
    opts = dict(copy.deepcopy(opts), file_client="local", ext_pillar=[])
    made = salt.pillar.get_pillar(opts, opts["grains"], opts["id"], "base", pillarenv=None)
    return made.compile_pillar()


def plain(value):
    """As JSON has it; what JSON cannot say is an error of the case, as on a command line."""
    return json.loads(json.dumps(value, default=lambda odd: list(odd) if isinstance(odd, (set, tuple)) else str(odd)))


def ask(opts, sls):
    functions = salt.loader.minion_mods(opts)
    answer = functions["state.show_low_sls"](sls)
    if answer and all(isinstance(one, str) for one in answer):
        return {"err": answer}
    return {"ret": answer}


def on_time(work):
    """The answer of `work` in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        signal.alarm(CASE_SECONDS)
        sys.stdout = sys.stderr
        try:
            low = work()
        except BaseException as error:
            low = {"err": [f"{type(error).__name__}: {error}"]}
        with os.fdopen(writer, "w") as out:
            out.write(json.dumps(plain({"low": low, "exec_calls": calls})))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def record(repo, systems, minion, scratch, out):
    root = file_root(repo)
    everything = names(root)
    for os_name, grains in systems.items():
        main = everything if os_name == next(iter(systems)) else [name for name in everything if "." not in name]
        if os_name != next(iter(systems)) and len(main) > 4:
            continue
        opts = copy.deepcopy(minion)
        own = scratch / repo.name / os_name
        opts.update(grains=copy.deepcopy(grains), id="testminion", file_roots={"base": [str(root)]}, cachedir=str(own / "cache"))
        opts["extension_modules"] = str(own / "extmods")
        for kind in DYNAMIC:
            salt.utils.extmods.sync(opts, kind, saltenv=["base"])
        opts["module_dirs"], opts["states_dirs"] = [], []
        for at, (variant, pillar) in enumerate(variants(repo, root)):
            opts["cachedir"] = str(own / f"cache{at}")
            opts["pillar_roots"] = {"base": [str(pillar_root(repo, pillar, own / f"pillar{at}"))]}
            opts["pillar"] = {}  # Salt would lay a new pillar over the one it is given
            made = on_time(lambda: compiled_pillar(opts))
            opts["pillar"] = made["low"] if made else {}
            if variant not in ("none", "repo", "example") and "_errors" in opts["pillar"]:
                continue
            for sls in main:
                case = {"repo": repo.name, "os": os_name, "file_root": str(root.relative_to(repo)), "variant": variant, "pillar": pillar, "sls": sls}
                answer = on_time(lambda: ask(opts, sls))
                if answer is None or "err" in opts["pillar"]:
                    continue
                answer["exec_calls"] = made["exec_calls"] + answer["exec_calls"]
                case = {"repo": case["repo"], "sls": sls} if BRIEF else case
                if BRIEF:
                    answer = {"low": {"err": []} if "err" in answer["low"] else answer["low"]}
                out.write(json.dumps({**case, **answer}) + "\n")
                out.flush()


def main(repos, grains, *chosen):
    out = os.fdopen(os.dup(1), "w")
    scratch = pathlib.Path(tempfile.mkdtemp())
    (scratch / "minion").write_text(f"root_dir: {scratch}\nfile_client: local\nlocal: true\nmaster: salt\n")
    minion = salt.config.minion_config(str(scratch / "minion"))
    minion.update(file_client="local", local=True, autoload_dynamic_modules=False, fileserver_backend=["roots"], __cli="salt-call", config_dir="/etc/salt", pillarenv=None, saltenv=None)
    salt.loader.lazy.LoadedFunc.__call__ = watched(salt.loader.lazy.LoadedFunc.__call__)
    systems = json.loads(pathlib.Path(grains).read_text())
    try:
        for repo in sorted(path for path in pathlib.Path(repos).iterdir() if path.is_dir()):
            if not chosen or repo.name in chosen:
                record(repo, systems, minion, scratch, out)
                print(repo.name, file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main(*sys.argv[1:])
