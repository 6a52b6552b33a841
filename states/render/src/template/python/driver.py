# Runs a state file: a line of JSON in, questions and a result as lines of JSON out.

def _main():
    request = json.loads(_in.readline())
    known = request["variables"]
    salt = Functions()
    scope = dict(known, salt=salt, __salt__=salt, __name__="__sls__", __file__=request["name"])
    for name in ("grains", "pillar", "opts"):
        scope[name] = scope["__%s__" % name] = known.get(name, {})
    scope["__sls__"], scope["__env__"] = known.get("sls", ""), known.get("saltenv", "base")
    try:
        _say({"result": RENDERERS[request["renderer"]](request["source"], scope)})
    except SyntaxError as error:
        _say({"error": "this is not Python: %s" % error.msg, "line": error.lineno, "column": error.offset})
    except BaseException as error:  # a file may raise whatever it likes
        line, trace = 1, error.__traceback__
        while trace:
            if trace.tb_frame.f_code.co_filename == request["name"]:
                line = trace.tb_lineno
            trace = trace.tb_next
        _say({"error": "%s: %s" % (type(error).__name__, error), "line": line})
