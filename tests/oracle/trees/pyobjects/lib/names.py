SIZE = 3


def label(name):
    return "%s-%d" % (name, SIZE)
