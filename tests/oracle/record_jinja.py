"""Writes what Salt's Jinja makes of small templates, as {source, want} or {source, error}.

Run with a Python that has Salt: `python tests/oracle/record_jinja.py > states/render/tests/jinja_more.json`
The environment is Salt's own: strict undefined names, its extension, filters, tests and globals.
"""

import json
import sys

import jinja2
import salt.utils.jinja
import salt.utils.decorators.jinja
import salt.version
from jinja2.sandbox import SandboxedEnvironment

SOURCES = r"""
{{ -2**2 }} {{ 2**-1 }} {{ 2**3**2 }} {{ -7//2 }} {{ 7.5//2 }} {{ -7.5 % 2 }} {{ 1/3 }} {{ 10/2 }} {{ 3*1.5 }} {{ 1e3 }} {{ 1_000 }} {{ 0x1f }}
{{ 1 ~ 2 + 3 }} {{ 1 + 2 ~ 3 }} {{ 'a' ~ 1 + 2 }} {{ 2 * 3 ~ 4 }} {{ not 1 == 2 }} {{ 1 < 2 == true }} {{ 1 if 0 else 2 if 0 else 3 }}
{{ -1|abs }} {{ (-1)|abs }} {{ 1.0|int }} {{ '0x1f'|int(0, 16) }} {{ '12abc'|int }} {{ '1.9'|int }} {{ ''|int }} {{ none|int }} {{ 'a'|float }} {{ '1.5'|float }}
{{ 'a b c'|title }} {{ "it's a dog's life"|title }} {{ 'x-y z'|title }} {{ 'HELLO world'|capitalize }} {{ "they're".title() }} {{ 'aBC'.capitalize() }}
{{ [1,2,3]|join(', ') }} {{ ['a',1,none]|join('-') }} {{ {'a':1,'b':2}|join(',') }} {{ 'abc'|join('.') }} {{ [{'n':'x'},{'n':'y'}]|join(',', attribute='n') }}
{{ [3,1,2]|sort }} {{ ['b','A','c']|sort }} {{ ['b','A','c']|sort(case_sensitive=true) }} {{ [3,1,2]|sort(reverse=true) }} {{ [{'a':2},{'a':1}]|sort(attribute='a') }} {{ {'b':1,'a':2}|sort }}
{{ {'b':1,'A':2,'c':0}|dictsort }} {{ {'b':1,'a':2}|dictsort(by='value') }} {{ {'b':1,'a':2}|dictsort(reverse=true) }} {{ {'B':1,'a':2}|dictsort(true) }}
{{ 'hello'|replace('l','L',1) }} {{ 'aaa'|replace('a','b') }} {{ 'hello'.replace('l','L',1) }} {{ 'a.b.c'.split('.',1) }} {{ ' a  b '.split() }} {{ ' a  b c '.split(none,1) }} {{ 'a,b,'.split(',') }} {{ ''.split(',') }} {{ ''.split() }}
{{ 'a.b.c'.rsplit('.') }} {{ 'a b c'.rsplit(none,1) }} {{ 'a.b.c'.rpartition('.') }} {{ 'abc'.partition('x') }} {{ 'abc'.rpartition('x') }} {{ 'x,y'.split(',')[0] }}
{{ 'abc'.upper().lower() }} {{ 'xxabcxx'.strip('x') }} {{ 'abc'.lstrip('a') }} {{ '  x '.rstrip() }}| {{ 'abc'.find('z') }} {{ 'abcabc'.rfind('b') }} {{ 'abcabc'.count('bc') }} {{ 'abc'.center(7) }}| {{ 'abc'.center(8,'*') }} {{ '-5'.zfill(4) }}
{{ 'abc'|center(8) }}| {{ 'abc'|length }} {{ 'abc'|first }} {{ 'abc'|last }} {{ []|first|default('none') }} {{ 'abc'|reverse }} {{ [1,2,3]|reverse|list }} {{ 'abc'|list }} {{ {'a':1}|list }}
{{ 'foo bar baz qux'|truncate(9) }} {{ 'foo bar baz qux'|truncate(9, true) }} {{ 'foo bar baz qux'|truncate(11) }} {{ 'foo bar baz qux'|truncate(11, false, '..', 0) }} {{ 'foo bar baz'|wordwrap(5) }} {{ 'foo bar'|wordcount }}
{{ 'a\nb\n\nc'|indent }} {{ 'a\nb'|indent(2, true) }} {{ 'a\n\nb'|indent(2, blank=true) }} {{ 'a\nb'|indent(width=3) }} {{ 'a\nb\n'|indent(2) }}|
{{ 42.55|round }} {{ 42.55|round(1) }} {{ 42.55|round(1, 'floor') }} {{ 42|round }} {{ 2.5|round }} {{ 3.5|round }} {{ 42.3|round(0,'ceil')|int }}
{{ [1,2,3,4,5]|batch(2)|list }} {{ [1,2,3]|batch(2,'x')|list }} {{ [1,2,3,4,5]|slice(3)|list }} {{ [1,2,3,4,5]|slice(3,'x')|list }} {{ [1,2,2,1,3]|unique|list }} {{ ['a','A','b']|unique|list }}
{{ [1,2,3]|sum }} {{ [{'a':1},{'a':2}]|sum(attribute='a') }} {{ [[1],[2]]|sum(start=[]) }} {{ [1,5,3]|max }} {{ [1,5,3]|min }} {{ ['b','a']|max }} {{ [1,2,3]|avg }}
{{ 'x'|string }} {{ 1|string }} {{ none|string }} {{ [1]|string }} {{ '<a>'|escape }} {{ '<a>'|e }} {{ "a'b"|e }} {{ '<b>x</b> y'|striptags }} {{ 'a b&c/d'|urlencode }} {{ {'a b':'c&d'}|urlencode }} {{ 1000000|filesizeformat }} {{ 1024|filesizeformat(true) }} {{ 1|filesizeformat }}
{{ '%s'|format('a') }} {{ '%s %s'|format('a','b') }} {{ '%(x)s'|format(x=1) }} {{ '%05d|%-5d|%+d|% d' % (42,42,42,42) }} {{ '%x %X %o %#x' % (255,255,8,255) }} {{ '%e %g %g %g' % (12345.678, 0.0001, 1e10, 100000) }} {{ '%.3s|%5s|%-5s|' % ('abcdef','ab','ab') }} {{ '%%' % () }} {{ '%c' % 'x' }} {{ '%r' % 'x' }} {{ '%5.1f' % 3.14159 }} {{ '%*d' % (5, 42) }}
{{ '{:05d}|{:<5}|{:>5}|{:^5}|{:+d}'.format(42,'a','b','c',7) }} {{ '{0}{1}{0}'.format('a','b') }} {{ '{a.b}'.format(a={'b':1}) if false else 'n' }} {{ '{a[b]}'.format(a={'b':1}) }} {{ '{!r}'.format('x') }} {{ '{:,}'.format(1234567) }} {{ '{:.2f}'.format(3.14159) }} {{ '{:x}'.format(255) }} {{ '{:#x}'.format(255) }} {{ '{:%}'.format(0.25) }} {{ '{{}}'.format() }} {{ '{:*^9}'.format('mid') }} {{ '{:>{w}}'.format('a', w=4) }} {{ '{:08.3f}'.format(3.14159) }} {{ '{:e}'.format(1234.5) }} {{ '{}'.format(1.0) }} {{ '{:b}'.format(5) }}
{{ {'a':1,'b':[1,{'c':none}]}|json }} {{ {'b':1,'a':2}|json(sort_keys=false) }} {{ {'a':1}|json(indent=2) }} {{ 'é<'|json }} {{ 'é<>&'|tojson }} {{ [1,2]|tojson(indent=2) }} {{ [1.0,1e20,true]|json }} {{ []|json(indent=2) }} {{ {}|json }} {{ {1:2,none:3,true:4}|json(sort_keys=false) }}
{{ {'b':1,'a':[1,2]}|yaml }} {{ {'b':1,'a':[1,2]}|yaml(false) }} {{ 'x'|yaml }} {{ 'yes'|yaml }} {{ 1|yaml }} {{ none|yaml }} {{ 'a: b'|yaml }} {{ ''|yaml }} {{ []|yaml }} {{ {}|yaml }} {{ 'a\nb'|yaml }} {{ 1.5|yaml }} {{ true|yaml }} {{ ['a','b']|yaml(flow_style=false) }}
{{ 'yes'|yaml_encode }} {{ 1|yaml_encode }} {{ none|yaml_encode }} {{ 'a"b\n'|yaml_dquote }} {{ "a'b"|yaml_squote }} {{ true|yaml_encode }} {{ 'é'|yaml_dquote }}
{{ 'a: [1, 2]'|load_yaml }} {{ '{"a": 1.5e3}'|load_json }} {{ 'x'|load_yaml }} {{ '0644'|load_yaml }} {{ '"\\u00e9\\n"'|load_json }}
{{ 'yes'|to_bool }} {{ 'no'|to_bool }} {{ 1|to_bool }} {{ []|to_bool }} {{ 'true'|to_bool }} {{ none|to_bool }} {{ 'x'|sequence }} {{ ['x']|sequence }} {{ 'x y'|quote }} {{ 'x'|quote }} {{ ''|quote }} {{ "it's"|quote }}
{{ 'abcd'|regex_search('^(.*)BC(.*)$', ignorecase=true) }} {{ 'abc'|regex_search('b') }} {{ 'abc'|regex_search('z') }} {{ 'abc'|regex_match('b') }} {{ 'abc'|regex_match('a(.)') }} {{ 'lets replace spaces'|regex_replace('\s+', '__') }} {{ 'a-b'|regex_replace('(\w)-(\w)', '\\2-\\1') }} {{ 'a\nb'|regex_replace('^', '> ', multiline=true) }} {{ 'a.b'|regex_escape }} {{ 'x1y22'|regex_replace('[0-9]+','#') }}
{{ [1,2,3]|union([2,4]) }} {{ [1,2,3]|intersect([2,3,4]) }} {{ [1,2,3]|difference([2]) }} {{ [1,2,3]|symmetric_difference([2,4]) }} {{ [1,[2,[3]]]|flatten }} {{ [1,[2,[3]]]|flatten(1) }} {{ [1,none,[none]]|flatten }} {{ [1,2]|is_list }} {{ 'a'|is_list }} {{ 'a'|is_iter }} {{ 1|is_iter }}
{{ {'a':{'b':[1,{'c':2}]}}|traverse('a:b:1:c') }} {{ {'a':1}|traverse('a:b','d') }} {{ {'a':{'b':1}}|traverse('a.b', none, '.') }} {{ {'a':1}|traverse('z') }} {{ {'a':{}}|set_dict_key_value('a:b:c', 5) }} {{ 'a'|path_join('b','c') }} {{ ['a','/b']|path_join('c') if false else '' }}
{{ 'fooBar'|to_snake_case }} {{ 'foo_bar_baz'|to_camelcase }} {{ 'foo_bar'|to_camelcase(uppercamel=true) }} {{ '5'|to_num }} {{ '5.5'|to_num }} {{ 'a'|to_num }} {{ 'a b'|contains_whitespace }} {{ '0x1f'|is_hex }} {{ ['B','a']|sorted_ignorecase }} {{ 'oo'|substring_in_list(['foo']) }} {{ [true,false]|exactly_one_true }} {{ [1,1,0]|exactly_n_true(2) }} {{ {'a':1}|to_entries }} {{ [{'key':'a','value':1}]|from_entries }}
{{ {'a':1,'b':2}|compare_dicts({'a':2,'b':2}) }} {{ ['a','b']|compare_lists(['b','c']) }} {{ 'hello'|base64_encode }} {{ 'aGVsbG8='|base64_decode }} {{ [1,2]|zip(['a','b'])|list }} {{ 'a b'|method_call('split') }}
{{ 1 is integer }} {{ 1.0 is float }} {{ true is boolean }} {{ true is integer }} {{ true is number }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ {} is iterable }} {{ 'a' is sequence }} {{ {} is sequence }} {{ 1 is odd }} {{ 2 is even }} {{ 'A' is upper }} {{ 'a' is lower }} {{ none is none }} {{ none is defined }} {{ x is undefined }} {{ [] is list }} {{ 'a' is eq 'a' }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 2 is ge 2 }} {{ 1 is in [1] }} {{ true is true }} {{ 1 is true }} {{ 'upper' is filter }} {{ 'odd' is test }} {{ 1 is callable }} {{ range is callable }}
{{ [1,2,3]|select('gt',1)|list }} {{ [1,2,3]|reject('eq',2)|list }} {{ ['',1,none]|select|list }} {{ [{'a':1},{'a':0}]|selectattr('a')|list }} {{ [{'a':1},{'b':0}]|selectattr('a','defined')|list }} {{ [{'a':1},{'a':2}]|rejectattr('a','eq',1)|list }} {{ [{'a':1}]|map(attribute='b', default='x')|list }} {{ ['a','b']|map('upper')|join }} {{ [1,2]|map('string')|list }} {{ ['x-1']|map('regex_replace','-','_')|list }} {{ [{'a':{'b':1}}]|map(attribute='a.b')|list }} {{ [[1,2]]|map(attribute=1)|list }}
{{ [1,2] + [3] }} {{ (1,) + (2,) }} {{ [1] * 2 }} {{ 'ab' * 2 }} {{ [1,2] == [1,2] }} {{ {'a':1} == {'a':1.0} }} {{ (1,2) < (1,3) }} {{ 'a' in 'abc' }} {{ 'a' in {'a':1} }} {{ 1 in (1,2) }} {{ 'x' not in [] }} {{ [] or 'e' }} {{ none or false or 0 }}
{% for a in [1,2,3] %}{{ loop.index }}/{{ loop.length }}{{ ',' if not loop.last }}{% endfor %} {% for k, v in {'a':1,'b':2}.items() %}{{ k }}{{ v }}{% endfor %} {% for (a,b) in [(1,2)] %}{{ a }}{{ b }}{% endfor %} {% for a, (b, c) in [(1,(2,3))] %}{{ a }}{{ b }}{{ c }}{% endfor %} {% for i in [] %}x{% else %}empty{% endfor %}
{% set x = 1 %}{% for i in [1,2] %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }} {% set a, b = (1, 2) %}{{ a + b }} {% set t = 1, 2 %}{{ t }} {% if x == 1 %}one{% elif x == 2 %}two{% else %}other{% endif %}
{% macro m(a, b='d', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(a=1, c=3) }}{{ m('x')|upper }} {% macro n() %}{{ caller() }}{% endmacro %}{% call n() %}body{% endcall %} {{ m.name }}
{% set ns = namespace(found=false, n=0) %}{% for i in range(5) %}{% if i == 3 %}{% set ns.found = true %}{% endif %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.found }} {{ ns.n }}
{% set d = {'a': 1} %}{% do d.update({'b': 2}, c=3) %}{{ d }} {{ d.pop('a') }} {{ d.pop('z', 'none') }} {{ d.get('q') }} {{ d.setdefault('e', 5) }} {{ d.copy() }} {{ d.keys()|list }} {{ d.items()|list }} {{ d|length }} {{ d['b'] }} {{ d.b }}
{% set l = [1] %}{% do l.append(2) %}{% do l.extend([3]) %}{% do l.insert(0, 0) %}{{ l }} {{ l.pop(0) }} {{ l.index(2) }} {{ l.count(3) }} {% do l.reverse() %}{{ l }} {% do l.sort() %}{{ l }} {% do l.remove(2) %}{{ l }} {{ l[0] }} {{ l[-1] }} {{ l[5]|default('none') }}
{{ 'abc'[0] }} {{ 'abc'[-1] }} {{ 'abcdef'[::2] }} {{ 'abcdef'[4:1:-1] }} {{ [1,2,3][1:] }} {{ [1,2,3][:10] }} {{ (1,2,3)[:2] }} {{ 'abc'[5:] }}| {{ [1,2,3][-2:] }}
a {%- set x = 1 %} b {% set y = 2 -%} c {{- 'd' -}} e {# c -#} f {#- g #} h
{%- if true -%} x {%- endif -%} y
{% raw %}{{ x }} {% y %}{% endraw %} {%- raw -%} z {%- endraw -%} w
{% filter upper|replace('A','B') %}abc{% endfilter %} {% set x | upper | trim %}  abc {% endset %}{{ x }} {% with %}{% set q = 1 %}{{ q }}{% endwith %} {% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}
{{ nope }}
{{ nope.x }}
{{ {}.x.y }}
{{ nope|upper }}
{{ {}['x'] }}
{{ [][0] }}
{{ none.x }}
{{ 1 + none }}
{{ 'a' * 'b' }}
{{ [1] + 'a' }}
{{ 1 < 'a' }}
{{ 1 in 5 }}
{{ 5 in 'a5' }}
{{ {[]: 1} }}
{{ 1 / 0 }}
{{ 'a'|nofilter }}
{{ 'a' is notest }}
{{ undefinedfn() }}
{{ 'x'.nomethod() }}
{{ range(3)|list }} {{ range(1,4)|list }} {{ range(5,0,-2)|list }} {{ dict(a=1, b=2) }} {{ dict({'a':1}, b=2) }} {{ dict([('a', 1)]) }} {{ {'a':1,'a':2} }} {{ {1:'a', 1.0:'b'} }} {{ odict([('x', 1)])['x'] if false else 'o' }}
{{ true }} {{ True }} {{ none }} {{ None }} {{ [true, none, 'a"b', "c'd", 'e\\f', 'g\nh', 1.50, -0.0] }} {{ ('a',) }} {{ () }} {{ {} }} {{ {'a': ()} }} {{ 1e100 }} {{ 123456789012345678901234567890 }} {{ 0.1 }} {{ 1e-5 }} {{ 1e16 }} {{ 100000000000000000.0 }}
{{ 'é'|upper }} {{ 'ß'.upper() }} {{ 'éa'|length }} {{ ['é'] }} {{ 'a\tb' }} {{ 'a\\tb' }} {{ "a\"b" }} {{ 'a' 'b' "c" }} {{ '\u00e9' }}
{{ [1,2,3]|random in [1,2,3] }} {{ loop|default('noloop') }} {{ joiner is callable }} {% set j = joiner('|') %}{{ j() }}a{{ j() }}b {% set c = cycler(1,2) %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}
{{ 'a,b;c'|regex_replace('[,;]', ' ')|trim }} {{ 'x=1'.split('=')|last }} {{ ['a','b']|map('regex_replace', '^', '/')|join(' ') }} {{ 'v1.2.3'.lstrip('v').split('.')|map('int')|list }}
{% set x = [] %}{% for i in [3,1,2]|sort %}{% if x.append(i) %}{% endif %}{% endfor %}{{ x }} {% set y = {} %}{% for k in ['a','b'] %}{% set _ = y.update({k: loop.index}) %}{% endfor %}{{ y }}
{% for i in range(3) recursive %}{{ i }}{% endfor %} {% for i in [1,2,3,4] if i is even %}{{ loop.index }}:{{ i }} {% endfor %} {% for i in 'ab' %}{% for j in 'xy' %}{{ loop.index }}{{ i }}{{ j }} {% endfor %}{% endfor %} {% for i in [1,2] %}{{ loop.previtem|default('p') }}{{ loop.nextitem|default('n') }}{{ loop.depth }}{{ loop.revindex0 }}{% endfor %}
{{ 'abc'|default('d') }} {{ none|default('d') }} {{ ''|default('d') }} {{ ''|default('d', true) }} {{ 0|d('z', boolean=true) }} {{ x|d }} {{ x.y|d('a') if false else 'b' }} {{ {'a':{}}.a.b|d('deep') }} {{ {}.get('a', {}).get('b', 'c') }}
{{ 'a' if x is defined else 'b' }} {{ 'a' if 1 }} {{ ('a' if 0 else 'b') ~ 'c' }} {{ not true }} {{ not not 1 }} {{ 1 and 0 }} {{ 0 or 'x' }} {{ 1 == 1 and 2 == 2 }} {{ (1 if true else 2) + 3 }}
{% if 'a' in ['a'] and not false %}1{% endif %}{% if not ('b' in ['a']) %}2{% endif %}{% if 'b' not in ['a'] %}3{% endif %}{% if [] %}4{% else %}5{% endif %}{% if x is not defined or x == 1 %}6{% endif %}
{{ {'a':1}|items|list }} {{ 'abc'|map('upper')|list }} {{ [1,2]|tojson }} {{ {'x':{'y':1}}['x']['y'] }} {{ ({'a':1}).a }} {{ [[1,2],[3]][0][1] }} {{ 'a-b-c'.split('-')[1:]|join }} {{ ['a'][0].upper() }} {{ 'a'.upper().lower().title() }}
{{ 'a' if 'x' in {'x': none} else 'b' }} {{ {'a':none}.get('a','d') }} {{ [none]|first }} {{ [none, 1]|select('none')|list }} {{ 'None' == none|string }} {{ none == false }} {{ 1 == true }} {{ '1' == 1 }} {{ 1.0 == 1 }} {{ '' == none }}
{%- macro input(name, value='', type='text') -%}<{{ type }} {{ name }}={{ value }}>{%- endmacro -%}{{ input('a') }}{{ input('b', type='x') }} {% macro outer() %}{% macro inner() %}i{% endmacro %}o{{ inner() }}{% endmacro %}{{ outer() }} {% macro kw() %}{{ kwargs }}{{ varargs }}{% endmacro %}{{ kw(1, a=2) }}
{% macro f(x) %}{% if x > 0 %}{{ x }}{{ f(x-1) }}{% endif %}{% endmacro %}{{ f(5) }} {% set g = f %}{{ g(2) }} {% macro nocall(a) %}x{% endmacro %}{{ nocall(1, 2) }}
{% for x in [1] %}{% set inner = 5 %}{% endfor %}{{ inner|default('gone') }} {% if true %}{% set kept = 5 %}{% endif %}{{ kept }} {% set x = 'outer' %}{% macro s() %}{{ x }}{% endmacro %}{% set x = 'changed' %}{{ s() }}
{{ "%s"|format(none) }} {{ "%d"|format(3.7) }} {{ "%s" % [1] }} {{ "%s" % {'a': 1} }} {{ "%s-%s" % ('a',) if false else '' }} {{ "%3d%%" % 50 }} {{ "%s" % true }} {{ '%i' % 5 }}
""".strip("\n").split("\n")

MULTILINE = [
    "a\n{% if true %}\nb\n{% endif %}\nc\n", "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "{% for i in [1,2] %}\n- {{ i }}\n{% endfor %}\n", "{%- for i in [1,2] %}\n- {{ i }}\n{%- endfor %}\n",
    "{# c #}\na\n", "a\n{#- c -#}\nb", "\n\na\n\n", "{% set x = 1 -%}\n\n\na", "a {%+ if true +%}\nb{% endif %}", "{% raw %}\na\n{% endraw %}\nb\n", "  {%- raw %} a {% endraw -%}  b",
    "{% macro m() %}\n  x\n{% endmacro %}\n[{{ m() }}]\n", "{% load_yaml as x %}\na: 1\nb:\n  - c\n{% endload %}\n{{ x }}", "{% set x %}\n a\n{% endset %}[{{ x }}]", "{{ {\n 'a': 1,\n 'b': [\n 2,\n ],\n} }}",
    "{% set defaults = {\n 'x': 1\n} %}\n{% do defaults.update({'y': 2}) %}\n{{ defaults|yaml(false) }}\n", "a\r\nb\r\n", "{{ 'x' }}\n", "{{ 'x' }}", "", "\n", "{% if false %}\na\n{% elif true %}\nb\n{% endif %}",
]

ENVS = {"plain": {}, "trim": {"trim_blocks": True}, "lstrip": {"lstrip_blocks": True}, "both": {"trim_blocks": True, "lstrip_blocks": True}}


def environment(**settings):
    extensions = ["jinja2.ext.do", "jinja2.ext.loopcontrols", salt.utils.jinja.SerializerExtension]
    env = SandboxedEnvironment(undefined=jinja2.StrictUndefined, extensions=extensions, **settings)
    env.tests["list"] = salt.utils.jinja.is_list if hasattr(salt.utils.jinja, "is_list") else lambda v: isinstance(v, list)
    for registry, target in ((salt.utils.decorators.jinja.JinjaFilter, env.filters), (salt.utils.decorators.jinja.JinjaTest, env.tests), (salt.utils.decorators.jinja.JinjaGlobal, env.globals)):
        for name in ("salt_jinja_filters", "salt_jinja_tests", "salt_jinja_globals"):
            target.update(getattr(registry, name, {}))
    return env


def case(source, name):
    settings = ENVS[name]
    try:
        # As Salt does it: the line break at the end is taken off before and put back after.
        want = environment(**settings).from_string(source).render() + ("\n" if source.endswith("\n") else "")
        return {"source": source, "env": name, "want": want}
    except Exception as error:  # pylint: disable=broad-except
        return {"source": source, "env": name, "error": f"{type(error).__name__}: {error}"}


def pieces(line):
    """Each print of a line that only prints is a case of its own."""
    if "{%" in line or "{#" in line or "{{-" in line or line.count("{{") < 2 or "'{{" in line:
        return [line]
    return ["{{" + part.strip() for part in line.split("{{") if part.strip()]


import salt.utils.data  # noqa: E402  registers filters
import salt.utils.files  # noqa: E402
import salt.utils.hashutils  # noqa: E402
import salt.utils.network  # noqa: E402
import salt.utils.path  # noqa: E402
import salt.utils.stringutils  # noqa: E402
import salt.utils.templates  # noqa: E402
import salt.utils.user  # noqa: E402
import salt.utils.yamlencoding  # noqa: E402

cases = [case(piece, "plain") for line in SOURCES for piece in pieces(line)]
cases += [case(source, name) for source in MULTILINE for name in ENVS]
json.dump({"salt": salt.version.__version__, "jinja": jinja2.__version__, "cases": cases}, sys.stdout, indent=1)
print()
