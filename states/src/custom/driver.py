# Runs functions that a state tree brings along: requests as lines of JSON in, questions and results out.

import functools
import importlib.util
import inspect
import os
import shutil
import types

sys.dont_write_bytecode = True  # the folders hold what the tree has, and nothing else
_folders, _loaded, _context = {}, {}, {}
_facts = {"opts": {}, "grains": {}, "pillar": {}}


class _States(Functions):
    """`__states__['file.managed'](name=...)`: a state's return, from inside another one."""

    def __getitem__(self, name):
        return lambda *args, **kwargs: _ask(name, args, kwargs, kind="states")


class _Utils:
    """`__utils__['pulse.beat']()`, of the tree's own `_utils`."""

    def __getitem__(self, name):
        found, _ = _find("utils", name)
        if not found:
            raise KeyError("%s: the tree has no _utils/%s.py with such a function" % (name, name.split(".")[0]))
        return found

    def __getattr__(self, module):
        if module.startswith("__"):
            raise AttributeError(module)
        return type(module, (), {"__getattr__": lambda _, name: self["%s.%s" % (module, name)]})()

    def __contains__(self, name):
        return _find("utils", name)[0] is not None

    def get(self, name, default=None):
        return self[name] if name in self else default


class _File:
    """One file of the tree, loaded: the names it answers to, its functions, or why it has none."""

    def __init__(self, kind, stem, path):
        self.path, self.names, self.functions, self.why = path, [stem], {}, None
        package = os.path.basename(path) == "__init__.py"
        where = [os.path.dirname(path)] if package else None
        spec = importlib.util.spec_from_file_location("tree_%s_%s" % (kind, stem), path, submodule_search_locations=where)
        self.module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = self.module
        try:
            spec.loader.exec_module(self.module)
            self._pack()
            self._meet()
        except BaseException as error:  # a file may raise whatever it likes
            self.why = _told(error)

    def _pack(self):
        given = dict(
            salt=Functions(), utils=_Utils(), states=_States(), context=_context, proxy={}, runner={}, file_client=None, **_facts
        )
        for name, value in given.items():
            setattr(self.module, "__%s__" % name, value)

    def _meet(self):
        says = getattr(self.module, "__virtual__", lambda: True)()
        says, why = says if isinstance(says, tuple) else (says, None)
        if says is False or says is None:
            self.why = str(why or "its __virtual__ says it is not for this host")
            return
        name = getattr(self.module, "__virtualname__", self.names[0])
        self.names = [says if isinstance(says, str) else name, *getattr(self.module, "__virtual_aliases__", ())]
        start = getattr(self.module, "__init__", None)
        if inspect.isfunction(start):
            start(_facts["opts"])
        alias = getattr(self.module, "__func_alias__", {})
        for name in getattr(self.module, "__load__", dir(self.module)):
            function = getattr(self.module, name)
            if not name.startswith("_") and (inspect.isfunction(function) or isinstance(function, functools.partial)):
                self.functions[alias.get(name, name)] = function


def _stems(kind):
    folder = _folders.get(kind, "")
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, entry)
        if os.path.isfile(os.path.join(path, "__init__.py")):
            yield entry, os.path.join(path, "__init__.py")
        elif entry.endswith(".py") and entry != "__init__.py":
            yield entry[:-3], path


def _file(kind, stem, path):
    if (kind, stem) not in _loaded:
        _loaded[kind, stem] = _File(kind, stem, path)
    return _loaded[kind, stem]


def _find(kind, fun):
    """The function, and the file it is in; else nothing, and the file that should have it."""
    module, _, name = fun.partition(".")
    stems = sorted(_stems(kind), key=lambda item: item[0] != module)
    for stem, path in stems:
        file = _file(kind, stem, path)
        if module in file.names and not file.why and name in file.functions:
            return file.functions[name], file
    named = [_file(kind, stem, path) for stem, path in stems if stem == module]
    return None, named[0] if named else None


def _why_not(kind, fun):
    found, file = _find(kind, fun)
    if found or not file:
        return None if found else "The tree has no such module."
    return "%s: %s" % (_shown(file.path), file.why or "it has no such function")


def _wanted(kind, fun):
    found, file = _find(kind, fun)
    if not found:
        raise LookupError(_why_not(kind, fun))
    return found, file


def _shown(path):
    for kind, folder in _folders.items():
        if path.startswith(folder + os.sep):
            return "salt://_%s/%s" % (kind, path[len(folder) + 1 :])
    return path


def _told(error):
    """What went wrong, and the last line of the tree's own that took part."""
    place, trace = "", error.__traceback__
    while trace:
        shown = _shown(trace.tb_frame.f_code.co_filename)
        if shown.startswith("salt://"):
            place = " (%s:%d)" % (shown, trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        place = " (%s:%s)" % (_shown(error.filename), error.lineno)
    if isinstance(error, LookupError) and type(error) is LookupError:
        return str(error)
    if isinstance(error, ImportError) and (error.name or "").startswith("salt"):
        what = "the import of %s is missing: Salt's own packages are not brought along" % error.name
        return what + "; call __salt__ functions instead, or install Salt for this python3" + place
    return "%s: %s%s" % (type(error).__name__, error, place)


def _call(request):
    function, _ = _wanted("modules", request["fun"])
    return function(*request["args"], **request["kwargs"])


def _state(request):
    function, file = _wanted("states", request["fun"])
    low, kwargs = request["low"], request["kwargs"]
    file.module.__low__, file.module.__env__ = low, low.get("__env__", "base")
    takes_all = any(one.kind == one.VAR_KEYWORD for one in inspect.signature(function).parameters.values())
    return function(**(dict(low, **kwargs) if takes_all else kwargs))


def _grains(request):
    grains, problems = {}, []
    for stem, path in _stems("grains"):
        file = _file("grains", stem, path)
        if file.why:
            problems.append("%s: %s" % (_shown(path), file.why))
        for function in file.functions.values():
            try:
                takes = "grains" in inspect.signature(function).parameters
                found = function(grains=dict(_facts["grains"], **grains)) if takes else function()
                grains.update(found or {})
            except BaseException as error:
                problems.append("%s: %s" % (_shown(path), _told(error)))
    return {"grains": grains, "problems": problems}


_WORK = {
    "call": _call,
    "state": _state,
    "grains": _grains,
    "why_not": lambda request: _why_not(request["kind"], request["fun"]),
    "has": lambda request: _find(request["kind"], request["fun"])[0] is not None,
}


def _serve(request):
    _folders.update(request.get("folders", {}))
    for name, fact in request.get("facts", {}).items():
        _facts[name].clear()
        _facts[name].update(fact)
    if "test" in request:
        _facts["opts"]["test"] = request["test"]
    try:
        _say({"result": _WORK[request["do"]](request)})
    except BaseException as error:
        _say({"error": _told(error)})


def _stand_in(name, **content):
    """A package of Salt's by its name, with the little of it that files of a tree import most."""
    module = types.ModuleType(name)
    module.__path__ = []
    module.__dict__.update(content)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def _exceptions():
    base = type("SaltException", (Exception,), {})
    command = type("CommandExecutionError", (base,), {})
    names = "SaltInvocationError CommandNotFoundError MinionError SaltRenderError TimeoutError NotImplemented AuthenticationError FileserverConfigError"
    made = {name: type(name, (base,), {}) for name in names.split()}
    made["SaltInvocationError"] = type("SaltInvocationError", (base, TypeError), {})
    made["CommandNotFoundError"] = type("CommandNotFoundError", (base,), {})
    return dict(made, SaltException=base, CommandExecutionError=command)


if importlib.util.find_spec("salt") is None:
    _stand_in("salt")
    _stand_in("salt.exceptions", **_exceptions())
    _stand_in("salt.utils")
    _stand_in("salt.utils.path", which=shutil.which, join=os.path.join)
    _stand_in("salt.utils.files", fopen=open)
    _systems = {"is_linux": "linux", "is_darwin": "darwin", "is_windows": "win32", "is_freebsd": "freebsd", "is_sunos": "sunos", "is_aix": "aix"}
    _stand_in("salt.utils.platform", **{name: functools.partial(sys.platform.startswith, system) for name, system in _systems.items()})

for _line in iter(_in.readline, ""):
    _serve(json.loads(_line))
