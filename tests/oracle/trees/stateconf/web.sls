#!stateconf -G
include:
  - generic

extend:
  generic::params:
    stateconf.set:
      - application: web
      - colour: blue
