#!/usr/bin/env python3
"""Records what real Salt's state functions do: record_states.py [MODULE...]

Run it with a Python that has salt==3007.15 (PyPI) and PyYAML, as root. For each case of tests/oracle/states/MODULE.yaml
it makes a throwaway copy of this machine's root (overlay in tmpfs; own mount, pid, uts and net namespaces), runs the
case's `before` lines, and applies its SLS four times: test=True, for real, again, and test=True again. Result and changes
of every state go to MODULE.json. `NAMES=part` records only cases whose name has that part and keeps the others."""
import ctypes, json, os, pathlib, subprocess, sys, tempfile, traceback

import yaml
import salt.config, salt.loader

FOLDER = pathlib.Path(__file__).resolve().parent / "states"
ROUNDS = [("test", True), ("fresh", False), ("again", False), ("test_again", True)]
NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
SRV = "/srv/halite-oracle"
# What differs from run to run and says nothing.
VOLATILE = {"pid", "last_run", "mtime", "atime", "ctime"}


def sh(*words):
    subprocess.run(words, check=True)


def enter_copy(top):
    """This process goes on in a throwaway copy of the root, mounted on `top`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    pid = os.fork()
    if pid:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
    sh("mount", "--make-rprivate", "/")
    sh("mount", "-t", "tmpfs", "copy", top)
    for name in ("up", "work", "root"):
        os.mkdir(f"{top}/{name}")
    sh("mount", "-t", "overlay", "copy", "-o", f"lowerdir=/,upperdir={top}/up,workdir={top}/work", f"{top}/root")
    sh("mount", "-t", "proc", "proc", f"{top}/root/proc")
    sh("mount", "--rbind", "/dev", f"{top}/root/dev")
    for empty in ("run", "tmp", "var/tmp"):
        sh("mount", "-t", "tmpfs", "empty", "-o", "mode=1777" if "tmp" in empty else "mode=755", f"{top}/root/{empty}")
    sh("ip", "link", "set", "lo", "up")
    sh("sh", str(pathlib.Path(__file__).with_name("neutral.sh")), f"{top}/root")
    for name in [name for name in os.environ if name.startswith(("GIT_", "PIP_"))]:
        del os.environ[name]
    os.chroot(f"{top}/root")
    os.chdir("/")


def tidy(value):
    if isinstance(value, dict):
        return {str(k): tidy(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, (list, tuple)):
        return [tidy(v) for v in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def answer(returned):
    if not isinstance(returned, dict):
        return {"errors": True}
    return {key: {"result": state["result"], "changes": tidy(state["changes"])} for key, state in returned.items()}


def show(case, name, returned):
    """With SHOW=1, or where nothing compiled: what Salt said, on stderr."""
    if not isinstance(returned, dict):
        print(f"{case}: {name}: {returned}", file=sys.stderr)
    elif os.environ.get("SHOW"):
        for key, state in returned.items():
            print(f"{case}: {name}: {key}: {state['result']} {state['comment']!r} {state['changes']}", file=sys.stderr)


def run(case, opts):
    for name, text in {**case.get("files", {}), "case.sls": case["sls"]}.items():
        path = pathlib.Path(SRV, "base", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if case.get("before"):
        subprocess.run(["/bin/bash", "-ec", case["before"]], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    found = {}
    for name, test in ROUNDS:
        # Each round is a process of its own: modules keep things between runs.
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                os.close(reader)
                opts["pillar"] = case.get("pillar", {})
                if "grains." in case["sls"]:
                    opts["grains"] = salt.loader.grains(opts, force_refresh=True)
                modules = salt.loader.minion_mods(opts, utils=salt.loader.utils(opts))
                returned = modules["state.sls"]("case", test=test, pillar=case.get("pillar") or None)
                show(case["name"], name, returned)
                with os.fdopen(writer, "w") as out:
                    json.dump(answer(returned), out)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        os.close(writer)
        with os.fdopen(reader) as text:
            body = text.read()
        if os.waitpid(pid, 0)[1]:
            sys.exit(f"{case['name']}: round {name} failed")
        found[name] = json.loads(body)
    return found


def record(case, opts):
    """One case in a process of its own."""
    top = tempfile.mkdtemp(prefix="halite-record-")
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        code = 1
        try:
            enter_copy(top)
            with os.fdopen(writer, "w") as out:
                json.dump(run(case, opts), out)
            code = 0
        except SystemExit as no:
            print(no, file=sys.stderr)
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as text:
        body = text.read()
    os.waitpid(pid, 0)
    os.rmdir(top)
    return json.loads(body) if body else None


def main():
    opts = salt.config.minion_config(None)
    opts.update(conf_file="/etc/salt/minion", root_dir="/", cachedir="/var/cache/halite-oracle", pki_dir="/var/cache/halite-oracle/pki", id="oracle",
                file_client="local", master_type="disable", file_roots={"base": [SRV + "/base"]}, pillar_roots={"base": []}, log_level="quiet",
                sock_dir="/run/oracle", extension_modules="/var/cache/halite-oracle/ext", state_events=False, __role="minion")
    opts["grains"] = salt.loader.grains(opts)
    # Loading what states need once, before the forks.
    salt.loader.minion_mods(opts)["test.ping"]()
    names = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.yaml"))
    only = os.environ.get("NAMES", "")
    for name in names:
        cases = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
        target = FOLDER / f"{name}.json"
        known = json.loads(target.read_text()) if only and target.exists() else {}
        for case in cases:
            if only in case["name"]:
                known[case["name"]] = record(case, opts)
                if known[case["name"]] is None:
                    sys.exit(f"{name}: {case['name']!r} could not be recorded")
        target.write_text(json.dumps({case["name"]: known.get(case["name"]) for case in cases}, indent=1, sort_keys=False) + "\n")
        print(f"{name}: {len(cases)} cases")


main()
