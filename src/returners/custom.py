# Runs one of Salt's returners: the file is the first argument, the options the first line on stdin, then one delivery a
# line. Answers each with `ok` or `retry REASON`.
import importlib.util
import json
import logging
import sys

answers, sys.stdout = sys.stdout, sys.stderr
logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
opts = json.loads(sys.stdin.readline())


def option(name, default="", **_):
    """`config.option` and `config.get`: a key as it stands, or a path of keys with colons."""
    if name in opts:
        return opts[name]
    found = opts
    for part in name.split(":"):
        if not isinstance(found, dict) or part not in found:
            return default
        found = found[part]
    return found


spec = importlib.util.spec_from_file_location("returner", sys.argv[1])
module = importlib.util.module_from_spec(spec)
for name, value in {
    "__opts__": opts,
    "__salt__": {"config.option": option, "config.get": option},
    "__grains__": {"id": opts.get("id", "master")},
    "__pillar__": {},
    "__context__": {},
    "__utils__": {},
    "__proxy__": {},
}.items():
    setattr(module, name, value)
spec.loader.exec_module(module)
usable = module.__virtual__() if hasattr(module, "__virtual__") else True
if usable is False or (isinstance(usable, tuple) and not usable[0]):
    reason = usable[1] if isinstance(usable, tuple) else "it says that it cannot be used here"
    sys.exit(str(reason))


def deliver(kind, data):
    if kind == "return":
        module.returner(data)
    elif kind == "load" and hasattr(module, "save_load"):
        minions = data.pop("Minions", [])
        module.save_load(data["jid"], data, minions)
    elif kind == "event" and hasattr(module, "event_return"):
        module.event_return([data])


for line in sys.stdin:
    delivery = json.loads(line)
    try:
        deliver(delivery["kind"], delivery["data"])
        print("ok", file=answers)
    except Exception as error:  # whatever it is, it is tried again
        print("retry", type(error).__name__, " ".join(str(error).split()), file=answers)
    answers.flush()
