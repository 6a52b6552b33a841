"""Runs a state file in Python: a line of JSON in, questions and a result as lines of JSON out."""

import json
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


def _main():
    request = json.loads(_in.readline())
    known = request["variables"]
    salt = Functions()
    scope = dict(known, salt=salt, __salt__=salt, __name__="__sls__", __file__=request["name"])
    for name in ("grains", "pillar", "opts"):
        scope[name] = scope["__%s__" % name] = known.get(name, {})
    scope["__sls__"], scope["__env__"] = known.get("sls", ""), known.get("saltenv", "base")
    try:
        code = compile(request["source"], request["name"], "exec")
        _say({"result": RENDERERS[request["renderer"]](code, scope)})
    except SyntaxError as error:
        _say({"error": "this is not Python: %s" % error.msg, "line": error.lineno, "column": error.offset})
    except BaseException as error:  # a file may raise whatever it likes
        line, trace = 1, error.__traceback__
        while trace:
            if trace.tb_frame.f_code.co_filename == request["name"]:
                line = trace.tb_lineno
            trace = trace.tb_next
        _say({"error": "%s: %s" % (type(error).__name__, error), "line": line})
