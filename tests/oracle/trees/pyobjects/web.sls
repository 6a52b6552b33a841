#!pyobjects
from salt://lib/blocks.sls import block
from salt://lib/names.py import label, SIZE as size
import salt://lib/names.py

block("first")
with Test.nop(label("second")):
    Test.show_notification("third", text="%s of %s" % (size, names.label("x")))
