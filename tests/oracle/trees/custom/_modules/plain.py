def twice(x):
    return x + x


def _hidden():
    return 1
