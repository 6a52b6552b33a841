#!pyobjects
from salt://lib/names.py import label as named


def block(name):
    Test.nop(named(name))


Test.nop("left out")
