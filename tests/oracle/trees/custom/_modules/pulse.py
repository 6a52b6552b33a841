__virtualname__ = "beat"
__func_alias__ = {"list_": "list"}


def __virtual__():
    return __virtualname__


def list_(n=2):
    return [__grains__["id"] + str(i) for i in range(n)]


def shout(word):
    return __utils__["helper.loud"](__salt__["plain.twice"](word))


def count():
    __context__["count"] = __context__.get("count", 0) + 1
    return __context__["count"]
