"""Writes what Salt makes of templates under `jinja_env`, as {env, source, want} or {env, source, error}.

Run with a Python that has Salt: `python tests/oracle/record_jinja_env.py > states/render/tests/jinja_env.json`
Each case is a template under options of Jinja's environment, by Salt's own `render_jinja_tmpl`, line breaks at the end included.
"""

import json
import os
import sys
import tempfile

import salt.utils.templates
import salt.version

FILES = {
    "own.jinja": "<% macro m(x) %>[<< x >>]<% endmacro %>\nhere << 1 + 1 >>\n",
    "lines.jinja": "# macro m(x)\n[{{ x }}]\n# endmacro\n# set y = 3\nbody\n",
    "tail.txt": "one\ntwo\n",
}

LINES = {"line_statement_prefix": "#", "line_comment_prefix": "##"}
PERCENT = {"line_statement_prefix": "%"}
OWN = {
    "block_start_string": "<%", "block_end_string": "%>", "variable_start_string": "<<", "variable_end_string": ">>",
    "comment_start_string": "<#", "comment_end_string": "#>",
}
ASP = {
    "block_start_string": "<%", "block_end_string": "%>", "variable_start_string": "<%=", "variable_end_string": "%>",
    "comment_start_string": "<%#", "comment_end_string": "%>",
}
HTML = {"comment_start_string": "<!--", "comment_end_string": "-->"}
PHP = {"block_start_string": "<?", "block_end_string": "?>", "variable_start_string": "${", "variable_end_string": "}"}
BOTH = {"trim_blocks": True, "lstrip_blocks": True}

CASES = [
    (LINES, "# for x in [1, 2]\n- {{ x }}\n# endfor\nend\n"),
    (LINES, "# for x in [1, 2]:\n- {{ x }}\n# else:\nnone\n# endfor\n"),
    (LINES, "  # if true:\n  a\n  # elif false:\n  b\n  # else:\n  c\n  # endif\nd"),
    (LINES, "a: 1 ## gone\nb: 2## gone, too\n## a whole line\nc: '#'\n"),
    (LINES, "{{ 1 }}   ## after a tag\n{{ 2 -}}   ## after a tag that drops\n3\n"),
    (LINES, "# set x = [\n   1,\n   2,\n ]\n{{ x }}\n"),
    (LINES, "# set x = 1\n\n\n  \n  indented {{ x }}\n"),
    (LINES, "# set x = 1\n   \n"),
    (LINES, "# set x = 1"),
    (LINES, "text # set x = 1\n"),
    (LINES, "a\n\n#- set x = 1\nb {{ x }}\n"),
    (LINES, "a\n\n  #+ set x = 1\nb {{ x }}\n"),
    (LINES, "# macro m(a)\n<{{ a }}>\n# endmacro\n{{ m(1) }}# not a statement\n"),
    (LINES, "# call\n"), (LINES, "# if true\nx\n"), (LINES, "# set x = (1\n"), (LINES, "#!/bin/sh\necho\n"),
    (LINES, "{% raw %}\n# if x\n{% endraw %}\n# if true\ny\n# endif\n"),
    (LINES, "# raw\n{{ x }}\n# endraw\n"),
    (LINES, "# set t\ncaptured\n# endset\n[{{ t }}]\n"),
    (LINES, "{# a comment\n# if x\n#}b\n"),
    (LINES, "# import 'lines.jinja' as l\n{{ l.m(1) }}{{ l.y }}\n"),
    (LINES, "# include 'lines.jinja'\nend\n"),
    (LINES, "# load_yaml as d\na: 1\n# endload\n{{ d }}\n"),
    (LINES, "# do [].append(1)\nx\n\n# with a = 1\n{{ a }}\n# endwith\n"),
    (LINES, "x\x0b# set a = 1\n\x0b \t# set a = 2\n{{ a }}\n"),
    (LINES, "\u00a0## blank of Unicode\nb\u00a0\u00a0## c\n"),
    ({**LINES, **BOTH}, "  # if true\n  a\n  # endif\n  {% if true %}\n  b\n  {% endif %}\n  ## c\nd\n"),
    ({"line_comment_prefix": "//"}, "a // b\n  // c\nhttp://x // d\n// e"),
    ({"line_comment_prefix": "#-"}, "a\n\n #- b\nc\n"), ({"line_comment_prefix": "##"}, "a\n\n  ##- b\nc\n"),
    (PERCENT, "% for k, v in {'a': 1}.items()\n{{ k }}: {{ v }}\n% endfor\n100 % 7\n"),
    (PERCENT, "%% not one\n"), (PERCENT, "%set x = 5\n{{ x }} %\n%"),
    ({"line_statement_prefix": "%%"}, "%% set x = 7 % 4\n% {{ x }}\n"),
    ({"line_statement_prefix": "{"}, "{ set x = 1\n{{ x }}{% if x %}y{% endif %}\n"),
    ({"line_statement_prefix": None, "line_comment_prefix": None}, "# {{ 1 }} ## 2\n"),
    (OWN, "<% for x in [1, 2] %><< x >>,<% endfor %> {{ x }} {% y %} {# z #} <# gone #>!\n"),
    (OWN, "a <%- if 1 < 2 -%> b <%- endif %> << {'a': {'b': 1 << 2 >> 1}} >>\n"),
    (OWN, "<% raw %><< x >> <% if %><% endraw %>|<%- raw -%> y <%- endraw -%> z\n"),
    (OWN, "<% from 'own.jinja' import m %><< m(2) >><% include 'own.jinja' %>\n"),
    (OWN, "<< 3 > 2 >> << (8 > 4) >> << [1, 2][0] -> > 1 >>\n"), (OWN, "<< 3 > 2 >> << (8 > 4) >> <<- 1 ->> .\n"),
    (OWN, "<< 'a>>b' >>\n"), (OWN, "<% if true\n"), (OWN, "<# open\n"), (OWN, "%> >> #>\n"),
    ({**OWN, **BOTH}, "  <% if true %>\n  a\n  <% endif %>\n  <# c #>\n  <%+ if true %>\nb<% endif +%>\n"),
    (ASP, "<%= 1 + 1 %> <% if true %>y<% endif %> <%# c %>.\n"), (ASP, "<%=raw%> <% raw %><%= 1 %><% endraw %>\n"),
    (HTML, "<!-- {{ 1 }} --> a <!--- b ---> c <!-----> d\n"), (HTML, "<!--> x -->y\n"),
    (PHP, "<? for i in range(2) ?>${i}, <? endfor ?>${ {'a': {'b': 2}}['a'] } $ {x}\n"),
    (PHP, "${ '}' }${ [1, 2][-1:] }\n"),
    ({"variable_start_string": "[[", "variable_end_string": "]]"}, "[[ [1, [2]][1] ]] [[[1, 2]]] {{ x }}\n"),
    ({"variable_start_string": "{", "variable_end_string": "}"}, "{ 1 } {% if true %}a{% endif %} { {'a': 2}.a } {# c #}\n"),
    ({"variable_start_string": "\u00ab", "variable_end_string": "\u00bb"}, "\u00ab 'h\u00e9' \u00bb \u2603 \u00abx|default(1)\u00bb\n"),
    ({"block_start_string": "{{", "variable_start_string": "{{"}, "a\n"), ({"comment_start_string": "{{"}, "a\n"),
    ({"comment_start_string": "{%"}, "a {% if %} b {% #} c\n"),
    ({"block_start_string": 3}, "a\n"), ({"newline_sequence": "x"}, "a\n"), ({"default_filters": {}}, "a\n"),
    ({"autoescape": True, "no_such_thing": 1, "finalize": None}, "{{ '<a>' }}\n"),
    ({"TRIM_BLOCKS": True}, "{% if true %}\na\n{% endif %}\nb\n"),
    ({"trim_blocks": "no"}, "{% if true %}\na\n{% endif %}\nb\n"), ({"trim_blocks": 0}, "{% if true %}\na\n{% endif %}\nb\n"),
    ({"keep_trailing_newline": True}, "a\n"), ({"keep_trailing_newline": True}, "a"), ({"keep_trailing_newline": True}, "a\n\n"),
    ({"keep_trailing_newline": True}, "{% include 'tail.txt' %}|{% set x = 1 %}\n"), ({"keep_trailing_newline": False}, "{% include 'tail.txt' %}|\n"),
    ({"keep_trailing_newline": True, **BOTH}, "a\n{% set x = 1 %}\n"), ({"keep_trailing_newline": True}, "a {%- set x = 1 -%} \n"),
    ({"newline_sequence": "\r\n"}, "a\nb\r\n{{ 'c\nd' }}{{ 'e\\nf' }}\n"), ({"newline_sequence": "\r"}, "a\n{{ 1 }}\nb\n"),
    ({"newline_sequence": "\r\n"}, "{{ 'aa bb cc'|wordwrap(3) }}\n{{ 'a\\nb'|indent(2) }}\n{% include 'tail.txt' %}\n"),
    ({"newline_sequence": "\r\n", "keep_trailing_newline": True}, "a\n"),
    ({}, '#jinja2: {"line_statement_prefix": "%", "trim_blocks": true}\n% if true\n{% if true %}\na\n{% endif %}\n% endif\n'),
    ({}, '#jinja2: {"block_start_string": "{", "block_end_string": "}", "comment_start_string": "{!"}\n{ if true }a{ endif }\n'),
    ({}, '#!jinja|yaml\n#jinja2: {"variable_start_string": "<<", "variable_end_string": ">>"}\na: << 1 >>\n{% import "own.jinja" as o %}\n'),
    (OWN, '#jinja2: {"variable_start_string": "{{", "variable_end_string": "}}"}\n{{ 1 }} << 1 >> <% if true %>b<% endif %>\n'),
    (LINES, '#jinja2: {"line_statement_prefix": null}\n# if {{ 1 }}\n'),
    ({}, '#jinja2: {"newline_sequence": "x"}\na\n'),
    ({}, "{% if true: %}a{% else: %}b{% endif %}{% for x in [1]: %}{{ x }}{% endfor %}{% set y = 1: %}\n"),
    ({}, "{% macro m(): %}a{% endmacro %}{% filter upper: %}b{% endfilter %}{% with a = 1: %}{{ a }}{% endwith %}{{ m() }}\n"),
    ({}, "{#-#} a {#--#} b {#+-#}  c\n"), ({}, "{#}a\n"), ({}, "a {#"), ({}, "a{% raw %}\n"), ({}, "a{% raw %} "), ({}, "{#-}a\n"), ({}, "{%- raw +%}a{% endraw %}\n"), ({}, "{{+ 1 }} {{ 2 +}}\n"),
]


def case(folder, env, source):
    opts = {"jinja_env": dict(env), "cachedir": folder, "extension_modules": ""}
    try:
        want = salt.utils.templates.render_jinja_tmpl(source, {"opts": opts, "saltenv": None}, os.path.join(folder, "main"))
        return {"env": env, "source": source, "want": want}
    except Exception as error:  # pylint: disable=broad-except
        return {"env": env, "source": source, "error": str(error).splitlines()[0]}


with tempfile.TemporaryDirectory() as folder:
    for name, text in FILES.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    cases = [case(folder, env, source) for env, source in CASES]
json.dump({"salt": salt.version.__version__, "files": FILES, "cases": cases}, sys.stdout, indent=1)
print()
