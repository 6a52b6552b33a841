"""How long real Salt's own returner modules take for what our job stores do.

Needs a Python that can import salt and the client of the database. The tests in `jobs::tests::speed` start it, with
the options of the store as JSON:

    python time_stores.py RETURNER '{"opts": {...}, "jid": JID, "count": 1000, "bytes": 2048}'

One JSON object comes out: `write`, the seconds for saving so many returns of so many bytes, one by one as a master
does, and `read`, those for reading them all again.
"""

import json
import sys
import time

from salt_returner import Returner


def main():
    name, task = sys.argv[1], json.loads(sys.argv[2])
    returner, jid, count = Returner(name, task["opts"]), task["jid"], task["count"]
    load = {"jid": jid, "tgt_type": "glob", "tgt": "*", "user": "root", "fun": "cmd.run", "arg": ["x"], "cmd": "publish"}
    minions = [f"host{number}" for number in range(count)]
    returner.begin(load, minions)
    common = {"jid": jid, "fun": "cmd.run", "fun_args": ["x"], "return": "x" * task["bytes"], "retcode": 0, "success": True}
    start = time.monotonic()
    for minion in minions:
        returner.module.returner({"id": minion, **common})
    written = time.monotonic()
    assert len(returner.module.get_jid(jid)) == count
    print(json.dumps({"write": written - start, "read": time.monotonic() - written}))


main()
