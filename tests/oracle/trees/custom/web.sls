{% for name in salt['beat.list'](3) %}
{{ name }}:
  pulse.steady:
    - rate: {{ salt['beat.count']() }}
{% endfor %}
known:
  test.show_notification:
    - text: "{{ salt.beat.shout('a') }} {{ 'beat.list' in salt }} {{ 'pulse.list' in salt }} {{ 'never.f' in salt }} {{ 'plain._hidden' in salt }} {{ salt.plain.twice(2) }}"
