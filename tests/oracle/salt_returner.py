"""Real Salt's own returner modules, for the scripts beside this one. Needs a Python that can import salt."""

import importlib
import logging

import salt.config

logging.disable(logging.CRITICAL)

# Salt's names of modules that are not called like their files.
FILES = {"redis": "redis_return", "memcache": "memcache_return", "etcd": "etcd_return"}


class Returner:
    """A returner with these options, and what Salt's loader would give it."""

    def __init__(self, name, options):
        opts = salt.config.DEFAULT_MASTER_OPTS.copy()
        opts.update({"id": "master", "extension_modules": "", **options})
        self.name = name
        self.module = importlib.import_module("salt.returners." + FILES.get(name, name))
        self.module.__opts__ = opts
        self.module.__salt__ = {"config.option": lambda key, default="": opts.get(key, default)}
        self.module.__context__ = {}

    def begin(self, load, minions):
        """Saves a job, as a master does."""
        jid = load["jid"]
        if self.name == "local_cache":
            self.module.prep_jid(passed_jid=jid)
            self.module.save_load(jid, load, minions=minions)
        else:
            self.module.save_load(jid, load)
