def __virtual__():
    return (False, "not on this host")


def f():
    return 1
