a:
  test.nop:
    - x: {{ salt["never.f"]() }}
