"""One end of a conversation in lines of JSON: functions of the host are asked for while Python runs here."""

import json
import re
import sys

_in, _out = sys.stdin, sys.stdout
# What the file prints must not mix with the lines of this conversation.
sys.stdout = sys.stderr


def _say(message):
    _out.write(json.dumps(message, default=_plain) + "\n")
    _out.flush()


def _plain(value):
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if hasattr(value, "__iter__"):
        return list(value)
    return str(value)


def _ask(name, args=(), kwargs=None, **more):
    _say(dict(call=name, args=list(args), kwargs=kwargs or {}, **more))
    answer = json.loads(_in.readline() or '{"error": "nobody answers"}')
    while "do" in answer:  # while it is answered, the other end may ask in turn
        _serve(answer)
        answer = json.loads(_in.readline() or '{"error": "nobody answers"}')
    if "error" in answer:
        raise RuntimeError("%s: %s" % (name, answer["error"]))
    return answer["value"]


def _function(name):
    return lambda *args, **kwargs: _ask(name, args, kwargs)


class Module:
    """`salt.pkg`, before the function's name is known."""

    def __init__(self, name):
        self.__name = name

    def __getattr__(self, function):
        return _function("%s.%s" % (self.__name, function))


class Functions:
    """`salt['pkg.version']('bash')`, `salt.pkg.version('bash')`."""

    def __getitem__(self, name):
        if name not in self:
            raise KeyError(name)
        return _function(name)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Module(name)

    def __contains__(self, name):
        return _ask(name, only_ask=True)

    def get(self, name, default=None):
        return self[name] if name in self else default
