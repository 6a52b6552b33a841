#!pyobjects
from salt://lib/names.py import nothing
