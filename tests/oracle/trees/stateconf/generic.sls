#!stateconf -G
.params:
  stateconf.set:
    - colour: white

# --- end of state config ---

.shown:
  test.show_notification:
    - text: {{ params.application }} is {{ params.colour }}
