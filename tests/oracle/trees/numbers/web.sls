{%- set by_major = {2: {'name': 'python-old'}, 3: {'name': 'python3-new', 'more': [1]}, '4': {'name': 'text'}} %}
{%- set chosen = salt['grains.filter_by'](by_major, grain='nothing', default=grains.pythonversion[0], base=2) %}
{%- set merged = salt['grains.filter_by'](by_major, grain='nothing', default=3, merge={'extra': True}) %}
{%- set absent = salt['grains.filter_by'](by_major, grain='nothing', default=7) %}
{{ chosen.name }}:
  test.show_notification:
    - text: {{ [chosen, merged, absent] | tojson }}
