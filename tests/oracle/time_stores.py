"""How long real Salt's own returner modules take for what our job stores do.

Needs a Python that can import salt and the client of the database. The tests in `jobs::tests::speed` start it, with
the options of the store as JSON:

    python time_stores.py RETURNER '{"opts": {...}, "jid": JID, "count": 1000, "bytes": 2048}'

One JSON object comes out: `write`, the seconds for saving so many returns of so many bytes, one by one as a master
does, and `read`, those for reading them all again.
"""

import importlib
import json
import logging
import sys
import time

import salt.config

logging.disable(logging.CRITICAL)


def module(name, opts):
    """The returner, with what Salt's loader would give it."""
    found = importlib.import_module("salt.returners." + name)
    found.__opts__ = opts
    found.__salt__ = {"config.option": lambda key, default="": opts.get(key, default)}
    found.__context__ = {}
    return found


def main():
    name, task = sys.argv[1], json.loads(sys.argv[2])
    opts = salt.config.DEFAULT_MASTER_OPTS.copy()
    opts.update({"id": "master", "extension_modules": "", **task["opts"]})
    returner, jid, count = module(name, opts), task["jid"], task["count"]
    load = {"jid": jid, "tgt_type": "glob", "tgt": "*", "user": "root", "fun": "cmd.run", "arg": ["x"], "cmd": "publish"}
    minions = [f"host{number}" for number in range(count)]
    if name == "local_cache":
        returner.prep_jid(passed_jid=jid)
        returner.save_load(jid, load, minions=minions)
    else:
        returner.save_load(jid, load)
    common = {"jid": jid, "fun": "cmd.run", "fun_args": ["x"], "return": "x" * task["bytes"], "retcode": 0, "success": True}
    start = time.monotonic()
    for minion in minions:
        returner.returner({"id": minion, **common})
    written = time.monotonic()
    assert len(returner.get_jid(jid)) == count
    print(json.dumps({"write": written - start, "read": time.monotonic() - written}))


main()
