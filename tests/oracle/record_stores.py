"""Lets real Salt's own returner modules read what is in a store, and write what a test then reads.

Needs a Python that can import salt and the client of the database. The test
`jobs::tests::oracle::real_salt_reads_and_writes_the_same_stores` starts it, with the options of the store as JSON:

    python record_stores.py RETURNER '{"opts": {...}, "read": JID, "write": JID}'

One JSON object comes out: `load`, `returns` and `listed` of the job it was to read, as Salt's `get_load`, `get_jid`
and `get_jids` give them.
"""

import json
import sys

from salt_returner import Returner

LOAD = {
    "tgt_type": "list",
    "tgt": ["web1", "db1"],
    "user": "sudo_ada",
    "fun": "state.apply",
    "arg": ["nginx", {"test": True, "__kwarg__": True}],
    "cmd": "publish",
    "ret": "",
    "kwargs": {},
}

RETURNS = {
    "web1": {"return": {"a": [1, 2.5, None, "é\u2028"], "b": True}, "retcode": 0, "success": True, "out": "highstate"},
    "db1": {"return": "it's \"broken\"; DROP TABLE jids; --", "retcode": 2, "success": False},
}


def main():
    name, task = sys.argv[1], json.loads(sys.argv[2])
    returner = Returner(name, task["opts"])
    read, write = task["read"], task["write"]
    listed = returner.module.get_jids()
    seen = {
        "load": returner.module.get_load(read),
        "returns": returner.module.get_jid(read),
        "listed": listed[read] if isinstance(listed, dict) else read in listed,
    }
    returner.begin({"jid": write, **LOAD}, list(RETURNS))
    for minion, ret in RETURNS.items():
        returner.module.returner({"id": minion, "jid": write, "fun": LOAD["fun"], "fun_args": LOAD["arg"], **ret})
    print(json.dumps(seen, sort_keys=True, default=str))


main()
