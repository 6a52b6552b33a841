

def _run(source, scope):
    exec(compile(source, scope["__file__"], "exec"), scope)


def _py(source, scope):
    _run(source, scope)
    if "run" not in scope:
        raise NameError("the file has no function run()")
    return scope["run"]()


REQUISITES = ("require", "watch", "listen", "onchanges", "onfail", "use", "require_in", "watch_in", "listen_in", "onchanges_in", "onfail_in", "use_in")


class _Sls:
    """States in the order they are declared, with what is included and extended."""

    def __init__(self):
        self.high, self.included, self.extended, self.enabled = {}, [], {}, True

    def add(self, id, state, args):
        if not self.enabled:
            return
        states = self.high.setdefault(id, {})
        if state in states:
            raise ValueError("the state %s of %r is there twice" % (state, id))
        states[state] = args

    def data(self):
        data = {}
        if self.included:
            data["include"] = self.included
        if self.extended:
            data["extend"] = self.extended
        data.update(self.high)
        return data


class _Function:
    def __init__(self, id, state, function, args):
        self.id, self.state, self.function, self.args = id, state, function, args

    def __call__(self, *args, **kwargs):
        if args and "name" not in kwargs:
            kwargs = dict(name=args[0], **kwargs)
        for name, value in kwargs.items():
            if name in REQUISITES and not isinstance(value, (list, tuple)):
                value = [value]
            self.args.append({name: [_reference(item) for item in value] if name in REQUISITES else value})
        return self

    configure = __call__

    def __getattr__(self, name):
        if name not in REQUISITES:
            raise AttributeError(name)

        def require(*others, **named):
            wanted = [_reference(other) for other in others] + [{state: id} for state, id in named.items()]
            for arg in self.args:
                if isinstance(arg, dict) and name in arg:
                    arg[name].extend(wanted)
                    break
            else:
                self.args.append({name: wanted})
            return self

        return require


def _reference(other):
    if isinstance(other, _Function):
        return {other.state: other.id}
    if isinstance(other, tuple) and len(other) == 2:
        return {other[0].lower() if isinstance(other[0], str) else other[0]: other[1]}
    return other


def _pydsl(source, scope):
    sls, count = _Sls(), [0]

    class Module:
        def __init__(self, id, state):
            self._id, self._state = id, state

        def __getattr__(self, function):
            args = [function]
            sls.add(self._id, self._state, args)
            made = _Function(self._id, self._state, function, args)
            self.__dict__[function] = made
            return made

        def __call__(self, function, *args, **kwargs):
            return getattr(self, function)(*args, **kwargs)

    class Declaration:
        def __init__(self, id):
            self._id = id

        def __getattr__(self, state):
            made = Module(self._id, state)
            self.__dict__[state] = made
            return made

    def state(id=None):
        if id is None:
            count[0] += 1
            id = ".%d" % count[0]
        return known.setdefault(id, Declaration(id))

    def extend(*functions):
        for function in functions:
            states = sls.high.get(function.id, {})
            sls.extended.setdefault(function.id, {})[function.state] = states.pop(function.state)
            if not states:
                sls.high.pop(function.id, None)

    known = {}
    scope.update(state=state, include=lambda *names, **_: sls.included.extend(names), extend=extend)
    _run(source, scope)
    return sls.data()


IMPORT = re.compile(r"^\s*(?:from\s+(salt://\S+)\s+import\s+(.+)|import\s+(salt://\S+))$")


def _without_imports(source, names):
    """Python that takes the place of `from salt://lib.py import a, b as c`: the names are brought in, the line is empty."""
    lines = source.split("\n")
    for at, line in enumerate(lines):
        match = IMPORT.match(line.rstrip())
        if not match:
            continue
        lines[at] = ""
        file = match[1] or match[3]
        inner = _imported(file, names)
        if match[3]:
            names[file.rpartition("/")[2].rpartition(".")[0]] = type("Module", (), dict(inner))
            continue
        for name in match[2].split(","):
            name, _, alias = (part.strip() for part in name.partition(" as "))
            if name not in inner:
                raise ImportError("%s has no %r" % (file, name))
            names[alias or name] = inner[name]
    return "\n".join(lines)


def _imported(file, names):
    text = _ask("cp.get_file_str", [file], {"saltenv": names["__env__"]})
    if not isinstance(text, str):
        raise ImportError("there is no file %s" % file)
    inner = type(names)(names, __file__=file)
    _run(_without_imports(text, inner), inner)
    return inner


def _pyobjects(source, scope):
    sls, around = _Sls(), []
    salt, host = scope["salt"], scope["grains"]

    class Made(_Function):
        def __enter__(self):
            around.append((self, "require"))
            return self

        def __exit__(self, *_):
            around.pop()

        def __getattr__(self, name):
            if name not in REQUISITES:
                raise AttributeError(name)
            outer = self

            class Inside:
                def __enter__(self):
                    around.append((outer, name))

                def __exit__(self, *_):
                    around.pop()

            return Inside()

    class Factory:
        def __init__(self, name):
            self._state = "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))

        def __call__(self, id, requisite="require"):
            made = Made(id, self._state, None, [])
            if requisite == "require":
                return made
            return getattr(made, requisite)

        def __getattr__(self, function):
            def declare(id, **kwargs):
                args = []
                sls.add(id, "%s.%s" % (self._state, function), args)
                made = Made(id, self._state, function, args)
                made(**kwargs)
                for other, kind in around:
                    _Function.__getattr__(made, kind)(other)
                return made

            return declare

    class Scope(dict):
        def __missing__(self, name):
            if name[:1].isupper() and name not in dir(__builtins__):
                return Factory(name)
            raise KeyError(name)

    class Map:
        @classmethod
        def __init_subclass__(cls):
            for name, inner in list(vars(cls).items()):
                if isinstance(inner, type) and host.get(getattr(inner, "__grain__", "os_family")) == getattr(inner, "__match__", name):
                    for key, value in vars(inner).items():
                        if not key.startswith("__"):
                            setattr(cls, key, value)
            merged = getattr(cls, "merge", None)
            if merged:
                for key, value in salt["pillar.get"](merged, {}).items():
                    setattr(cls, key, value)

    def get(name):
        return lambda key, default=None: salt[name](key, default)

    names = Scope(
        scope,
        include=lambda *names: sls.included.extend(names),
        extend=lambda made: sls.extended.update({made.id: sls.high.pop(made.id)}),
        grains=get("grains.get"),
        pillar=get("pillar.get"),
        mine=get("mine.get"),
        Map=Map,
        StateFactory=Factory,
    )
    # What imported files declare at their top is no part of this one.
    sls.enabled = False
    source = _without_imports(source, names)
    sls.enabled = True
    _run(source, names)
    if callable(names.get("run")):
        names["run"]()
    for states in sls.high.values():
        for args in states.values():
            args.sort(key=lambda arg: next(iter(arg)))
    return sls.data()


RENDERERS = {"py": _py, "pydsl": _pydsl, "pyobjects": _pyobjects}
_main()
