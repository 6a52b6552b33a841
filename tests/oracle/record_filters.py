"""Writes what Salt's Jinja makes of expressions with filters and tests, as {source, want} or {source, error}.

Run with a Python that has Salt: `python tests/oracle/record_filters.py > tests/oracle/filters.json`
The environment is Salt's own: strict undefined names, its extension, filters, tests and globals. What depends on the
machine or on chance is not recorded. Dates are those of UTC.
"""

import json
import os
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()

import jinja2
import salt.renderers.jinja
import salt.utils.dateutils
import salt.utils.dictupdate
import salt.utils.http
import salt.utils.jinja
import salt.utils.templates
import salt.utils.yamlencoding
import salt.version
from jinja2.sandbox import SandboxedEnvironment
from salt.utils.decorators.jinja import JinjaFilter, JinjaGlobal, JinjaTest

USERS = "[{'name':'anna','age':30,'tags':['a','b']},{'name':'bert','age':25,'tags':['b']},{'name':'cleo','age':35,'tags':[]}]"

EXPRESSIONS = r"""
'hello'|md5
'hello'|sha1
'hello'|sha256
'hello'|sha512
''|md5
'grün'|sha256
'hello'|to_bytes|md5
5|md5
'get salted'|hmac('shared secret', 'eBWf9bstXg+NiP5AOwppB5HMvZiYMPzEM9W5YMm/AmQ=')
'get salted'|hmac('other', 'eBWf9bstXg+NiP5AOwppB5HMvZiYMPzEM9W5YMm/AmQ=')
'get salted'|hmac_compute('shared secret')
'x'|hmac_compute('a key that is longer than the block of the hash function, which makes it be hashed before use')
'hello'|base64_encode
'grün'|base64_encode
''|base64_encode
'hello'|to_bytes|base64_encode
'aGVsbG8='|base64_decode
'Z3LDvG4='|base64_decode
'/wA='|base64_decode
'aGVsbG8'|base64_decode
'example'|uuid
'grün'|uuid
''|uuid
'192.168.0.1'|is_ip
'2001:db8::1'|is_ip
'256.1.1.1'|is_ip
'01.2.3.4'|is_ip
'1.2.3'|is_ip
'192.168.0.1/24'|is_ip
'192.168.0.1/33'|is_ip
'fe80::1/64'|is_ip
'abc'|is_ip
''|is_ip
'192.168.0.1'|is_ipv4
'fe80::1'|is_ipv4
'fe80::1'|is_ipv6
'::'|is_ipv6
'1::2::3'|is_ipv6
'192.168.0.1'|is_ip(options='private')
'8.8.8.8'|is_ip(options='private')
'8.8.8.8'|is_ip(options='global')
'127.0.0.1'|is_ipv4(options='loopback')
'169.254.1.1'|is_ipv4(options='link-local, private')
'224.0.0.1'|is_ipv4('multicast')
'240.0.0.1'|is_ipv4('reserved')
'0.0.0.0'|is_ipv4('unspecified')
'fec0::1'|is_ipv6('site-local')
'fe80::1'|is_ipv6('ll')
'::1'|is_ipv6('lo')
'ff02::1'|is_ipv6('multicast')
'2001:4860::1'|is_ipv6('public')
'8.8.8.8'|is_ip(options='nonsense')
['192.168.0.1','foo','bar','fe80::']|ipaddr
['192.168.0.1','fe80::','10.0.0.1/8']|ipv4
['192.168.0.1','fe80::','FE80:0:0::1','::ffff:10.0.0.1']|ipv6
'192.168.0.1'|ipaddr
'fe80::1'|ipaddr
'foo'|ipaddr
5|ipaddr
['192.168.0.1','172.17.17.1','8.8.8.8','127.0.0.1']|ipv4(options='public')
['192.168.0.1','8.8.8.8']|ipaddr(options='private')
'10.0.0.1/255.255.255.0'|ipv4
'10.0.0.1/0.0.0.255'|ipv4
'192.168.0.12/28'|ip_host
['192.168.0.12/28','fe80::1/64','10.0.0.1']|ip_host
'10.0.0.1'|ip_host
'foo'|ip_host
'192.168.0.1/30'|network_hosts
'192.168.0.1/31'|network_hosts
'192.168.0.1'|network_hosts
'fe80::1/126'|network_hosts
'fe80::1/127'|network_hosts
['192.168.1.1/30','10.0.0.1/30']|network_hosts
'192.168.0.1/28'|network_size
'fe80::/64'|network_size
'10.0.0.0/8'|network_size
['192.168.0.1/28','192.168.1.1/30']|network_size
'x'|network_size
['10.1.1.1','192.168.1.2','fe80::1']|filter_by_networks(['10.0.0.0/8','fe80::/64'])
{'eth0':['10.1.1.1','192.168.1.2'],'lo':['127.0.0.1']}|filter_by_networks(['10.0.0.0/8'])
['10.1.1.1']|filter_by_networks(none)
['10.1.1.1']|filter_by_networks([])
['10.1.1.1']|filter_by_networks(['10.0.0.1/8'])
['10.1.1.1','x']|filter_by_networks(['10.0.0.0/8'])
['192.0.2.1','2001:db8::1']|ipwrap
'::1'|ipwrap
'host'|ipwrap
'00:11:22:33:44:55'|mac_str_to_bytes
'001122334455'|mac_str_to_bytes
'00-11-22-33-44-5f'|mac_str_to_bytes
'00:11'|mac_str_to_bytes
[1,2,3]|combinations(2)|list
'abc'|combinations(2)|list
[1,2]|combinations(3)|list
[1,2,3]|combinations(0)|list
[1,2]|combinations_with_replacement(2)|list
[1,2,3]|permutations|list
[1,2,3]|permutations(2)|list
[1,1]|permutations|list
[1,2]|product(['a','b'])|list
[0,1]|product(repeat=2)|list
[1,2]|product([])|list
['a','b','c']|compress([1,0,true])|list
[1,2,3]|zip(['a','b'])|list
[1,2]|zip([3,4],[5,6])|list
[1,2,3]|zip_longest(['a'])|list
[1,2,3]|zip_longest(['a'], fillvalue='-')|list
{'a':1}|append_dict_key_value('b', 2)
{'a':{'b':[1]}}|append_dict_key_value('a:b', 2)
{'a':1}|append_dict_key_value('a', 2)
{}|append_dict_key_value('a.b.c', 1, delimiter='.')
{'a':{'b':[1]}}|extend_dict_key_value('a:b', [2,3])
{}|extend_dict_key_value('a:b', 'xy')
{'a':'x'}|extend_dict_key_value('a', [1])
{'a':{'b':{'c':1}}}|update_dict_key_value('a:b', {'d':2})
{}|update_dict_key_value('a:b', {'d':2})
{'a':5}|update_dict_key_value('a', {'d':2})
{'a':{'b':1}}|set_dict_key_value('a:b:c', 2)
{'a':none}|append_dict_key_value('a', 2)
{}|set_dict_key_value('x', [])
1040814000|strftime
1040814000|strftime('%d.%m.%Y %H:%M:%S')
1040814000|date_format('%Y/%m/%d')
'1040814000'|strftime
1040814000.75|strftime('%S.%f')
0|strftime('%A %a %B %b %j %U %W %V %G %u %w %y %C %I %p %M %e %D %F %T %R %%')
1577836800|strftime('%G-%V %U %W %j')
1609459199|strftime('%c|%x|%X|%h|%n|%t')
951782400|strftime('%d %B %Y, day %-d' if false else '%d %B %Y')
-1|strftime('%Y-%m-%d %H:%M:%S')
4102444800|strftime('%s')
'x'|strftime
'2G'|human_to_bytes
'30MB'|human_to_bytes
'30MB'|human_to_bytes(handle_metric=true)
'64KiB'|human_to_bytes
'1.5 G'|human_to_bytes
'32'|human_to_bytes
'32'|human_to_bytes('M')
32|human_to_bytes
'x'|human_to_bytes
'1XB'|human_to_bytes
'1k'|human_to_bytes
''|human_to_bytes
'foo'|check_whitelist_blacklist(['fo*'])
'foo'|check_whitelist_blacklist(['f[aeo]o'])
'foo'|check_whitelist_blacklist(blacklist=['fo*'])
'foo'|check_whitelist_blacklist(whitelist=['foo'], blacklist=['foo'])
'foo'|check_whitelist_blacklist(whitelist='f.o')
'foobar'|check_whitelist_blacklist(whitelist='foo')
'foo'|check_whitelist_blacklist
'foo'|check_whitelist_blacklist([])
{'name':'x','changes':true,'l':[1,2]}|dict_to_sls_yaml_params
{'name':'x','l':[1,2]}|dict_to_sls_yaml_params(flow_style=true)
{}|dict_to_sls_yaml_params
{'a':'b'}|json_encode_dict
['a',1,['b']]|json_encode_list
{'a':'b'}|json_decode_dict
['a']|json_decode_list
['+----+', '| id | name |', '+----+', '| 1  | anna |', '| 2 | bert |', '']|mysql_to_dict('name')
{'root':{'a':1,'b':'x'}}|xml
{'root':{'a':[1,2,3],'b':true}}|xml
{'root':{'child':{'a':'<&"'},'t':'x'}}|xml
{'root':'text'}|xml
{'root':{'l':[{'a':1},{'a':2}]}}|xml
5|xml
USERS|json_query('[].name')
USERS|json_query('[?age > `28`].name')
USERS|json_query('[0]')
USERS|json_query('[-1].name')
USERS|json_query('[0:2].age')
USERS|json_query('[::-1].name')
USERS|json_query('[].tags[]')
USERS|json_query('[*].tags')
USERS|json_query('[].{n: name, old: age}')
USERS|json_query('[].[name, age]')
USERS|json_query('length(@)')
USERS|json_query('sort_by(@, &age)[].name')
USERS|json_query('max_by(@, &age).name')
USERS|json_query('min_by(@, &age).name')
USERS|json_query('sum([].age)')
USERS|json_query('avg([].age)')
USERS|json_query("join(', ', [].name)")
USERS|json_query("[?name == 'bert'] | [0].age")
USERS|json_query("[?starts_with(name, 'a')].name | [0]")
USERS|json_query("[?contains(tags, 'b')].name")
USERS|json_query("[?ends_with(name, 't') || age >= `35`].name")
USERS|json_query("[?!(age < `30`) && name != 'cleo'].name")
USERS|json_query('map(&age, @)')
USERS|json_query('reverse([].name)')
USERS|json_query('[].nope')
USERS|json_query('nope')
{'a':{'b':{'c':5}}}|json_query('a.b.c')
{'a':{'b':{'c':5}}}|json_query('a.x.c')
{'a b':{'c':5}}|json_query('"a b".c')
{'a':{'x':1,'y':2}}|json_query('a.*')
{'a':{'x':{'n':1},'y':{'n':2}}}|json_query('*.*.n')
{'a':{'x':1,'y':2}}|json_query('keys(a)')
{'a':{'x':1,'y':2}}|json_query('values(a)')
{'a':1}|json_query('a && `true`')
{'a':[]}|json_query('a || `[1]`')
{'a':'5'}|json_query('to_number(a)')
{'a':[1,{'b':2}]}|json_query('to_string(a)')
{'a':5}|json_query('type(a)')
{'a':5}|json_query('to_array(a)')
{'a':-5.5}|json_query('abs(a)')
{'a':-5.5}|json_query('[ceil(a), floor(a)]')
{'a':{'x':1},'b':{'y':2}}|json_query('merge(a, b)')
{'a':none,'b':2}|json_query('not_null(a, b)')
[3,1,2]|json_query('sort(@)')
[3,1,2]|json_query('max(@)')
['b','a']|json_query('min(@)')
[[1,2],[3,[4]]]|json_query('[]')
[[1,2],[3]]|json_query('[][]')
[1,2,3]|json_query('@')
{'a':[{'b':1},{'b':2}]}|json_query('a[1].b')
{'a':[{'b':1},{'b':2}]}|json_query('a[*].b | [1]')
{'reservations':[{'instances':[{'state':'up'},{'state':'down'}]}]}|json_query("reservations[].instances[?state=='up'].state | []")
{'a':1}|json_query('nofunc(a)')
{'a':1}|json_query('a[')
{'a':'x'}|json_query("a == 'x'")
{'a':1}|json_query('a == `1.0`')
{'a':true}|json_query('a == `1`')
'ab'|json_query('length(@)')
{'a':1}|json_query("'raw'")
{'a':1}|json_query('`"lit"`')
'foo bar baz qux'|truncate(9)
'foo bar baz qux'|truncate(9, true)
'foobarbazqux'|truncate(6)
'foo bar'|truncate
'see http://example.com/x, now'|urlize
'(www.example.org)'|urlize
'mail a@b.org or mailto:c@d.org'|urlize
'http://example.com/a/very/long/path'|urlize(20)
'https://x.com'|urlize(nofollow=true, target='_blank')
'<b> example.net'|urlize
'a' * 90|wordwrap(40)
'the quick brown fox'|wordwrap(10)
'the quick brown fox'|wordwrap(10, wrapstring='|')
'a-b-c-d-e-f'|wordwrap(4)
'abcdefghij kl'|wordwrap(4, false)
'one\n\ntwo three'|wordwrap(5)
{'class':'a b','id':none,'x':'<"\'>'}|xmlattr
{}|xmlattr
{'a':1}|xmlattr(false)
{'a b':1}|xmlattr
[1,2,3,4,5,6,7]|batch(3)|list
[1,2,3,4]|batch(3,'-')|list
[1,2,3,4,5,6,7]|slice(3)|list
[1,2,3,4]|slice(3,'-')|list
USERS|groupby('age')|list|length
USERS|groupby('age')|map('first')|list
[{'c':'a','v':1},{'c':'B','v':2},{'c':'A','v':3}]|groupby('c')|map(attribute='grouper')|list
[{'c':'a','v':1},{'v':2}]|groupby('c', default='z')|map('last')|list
[{'c':'a','v':1},{'c':'B','v':2},{'c':'A','v':3}]|groupby('c', case_sensitive=true)|map('first')|list
{'b':1,'a':3,'C':2}|dictsort
{'b':1,'a':3,'C':2}|dictsort(true)
{'b':1,'a':3,'C':2}|dictsort(false,'value')
{'b':1,'a':3,'C':2}|dictsort(by='value', reverse=true)
{'b':1}|dictsort(by='x')
USERS|map(attribute='name')|join(',')
USERS|map(attribute='tags.0', default='-')|list
USERS|map(attribute='x')|list
USERS|selectattr('age','gt',28)|map(attribute='name')|list
USERS|rejectattr('tags')|map(attribute='name')|list
USERS|selectattr('name','match','b')|map(attribute='name')|list
USERS|sort(attribute='age')|map(attribute='name')|list
USERS|sort(attribute='age', reverse=true)|map(attribute='name')|list
USERS|sum(attribute='age')
USERS|max(attribute='age')
USERS|map('length')|list
[1,2,3,4]|select('odd')|list
[1,2,3,4]|reject('divisibleby', 2)|list
['a','b']|map('upper')|list
['a-b','c-d']|map('replace','-','_')|list
[1,'1',1.0,true]|unique|list
['b','a','b']|unique|list
(1,2,1)|unique|list|sort
[1,2,3]|union([3,4])
(1,2)|union((2,3))|sort
[1,2,2]|difference([1])
[1,2]|symmetric_difference([2,3])
[1,2,3]|intersect([2,3,4])
[1,2,3]|avg
5|avg
[]|avg
[3,1,2]|max
[]|max
['a','B']|min
'abc'|max
[1,2,3]|random_sample(4)
'x'|sequence
{'a':1}|sequence
(1,)|sequence
'yes'|to_bool
'TRUE'|to_bool
2|to_bool
-1|to_bool
1.5|to_bool
(1,)|to_bool
[0]|to_bool
{}|to_bool
none|to_bool
'5'|to_num
' 5 '|to_num
'5.5'|to_num
'1e3'|to_num
'x'|to_num
5.7|to_num
none|to_num
'0x1f'|is_hex
'xyz'|is_hex
'-ff'|is_hex
' ff '|is_hex
5|is_hex
'a b'|contains_whitespace
'ab'|contains_whitespace
['B','a','C']|sorted_ignorecase
'oo'|substring_in_list(['foo','bar'])
'x'|substring_in_list(['foo'])
'fooBar'|to_snake_case
'FooBarBaz'|to_snake_case
'HTTPServer'|to_snake_case
'parseURL2'|to_snake_case
'foo_bar_baz'|to_camelcase
'foo_bar'|to_camelcase(uppercamel=true)
'_foo__bar'|to_camelcase
'fooBar_bAZ'|to_camelcase
[true,false]|exactly_one_true
[1,2,0]|exactly_n_true(2)
[]|exactly_n_true(0)
{'a':1,'b':2}|to_entries
['x','y']|to_entries
5|to_entries
[{'key':'a','value':1},{'name':'b','value':2}]|from_entries
[{'Key':'a','Value':1},{'NAME':'b'}]|from_entries
[{'value':1}]|from_entries
{'a':1,'b':2}|compare_dicts({'a':1,'b':3})
{'a':1}|compare_dicts({'b':3})|dictsort
['a','b','d']|compare_lists(['b','c'])
[3,1]|compare_lists([2,3])
[1,[2,[3,none]]]|flatten
[1,[2,[3,none]]]|flatten(levels=1)
[1,[none]]|flatten(preserve_nulls=true)
{'a':{'b':[1,{'c':2}]}}|traverse('a:b:1:c')
{'a':[{'x':1},{'y':2}]}|traverse('a:y')
{'a':[{0:'z'},{'y':2}]}|traverse('a:0')
{'a':{1:'z'}}|traverse('a:1')
{'a':{'true':'z'}}|traverse('a:true')
{'a':'str'}|traverse('a:b', 'd')
{'a':1}|traverse(['a'])
[[1,2],[3]]|traverse('0:1')
{'a':1}|traverse('b', [])
'a'|path_join('b','c')
'/a/'|path_join('/b','../c')
'a//b'|path_join('.')
''|path_join('x')
'a'|path_join
['x']|is_list
'x'|is_list
'x'|is_iter
[1]|is_iter
{}|is_iter
1|is_iter
'x'|skip
'a\nb\n\nc'|indent(2)
'a\nb'|indent('>>')
'a\nb'|indent(2, first=true)
'a\n\nb'|indent(2, blank=true)
"it's a \"b\""|yaml_dquote
'tab\there\u2028\xe9\U0001F600'|yaml_dquote
"it's\nx"|yaml_squote
'yes'|yaml_encode
none|yaml_encode
5|yaml_encode
1.5|yaml_encode
[1]|yaml_encode
'x'|yaml_encode
{'b':[1,{'c':none}],'a':'yes'}|yaml
{'b':[1,{'c':none}],'a':'yes'}|yaml(false)
'multi\nline'|yaml(false)
'on'|yaml
'1'|yaml
{'a':1,'b':[true,none,1.5]}|json
{'b':1,'a':2}|json(sort_keys=false)
{'a':{'b':[1,2]}}|json(indent=2)
'é</script>'|json
{'a':"<&>'"}|tojson
{'b':1,'a':[1,2]}|tojson(indent=2)
{'b':1,'a':2}|tojson(sort_keys=true)
{'a':[1,'x',none,true,1.5]}|python
{'b':1,'a':2}|python
{'b':['a long text, and then some','another long text, and then some'],'a':{'x':'more text to fill the line','y':'yet more text to fill the line'}}|python
[{'a':'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','c':['ddddddddddddddddddddd','e']},(1,2)]|pprint
'{a: 1, b: [x, yes]}'|load_yaml
'{"a": [1, null, true, 1.5, "x"]}'|load_json
'plain'|load_text
'a: b: c'|load_yaml
'{x'|load_json
'foobar'|regex_search('o(b)(a)')
'foobar'|regex_search('O+')
'foobar'|regex_search('O+', ignorecase=true)
'a\nb'|regex_search('^b', multiline=true)
'foobar'|regex_match('o')
'foobar'|regex_match('(f)(x)?')
'foobar'|regex_replace('o', '0')
'foobar'|regex_replace('(o)(b)', '\\2\\g<1>')
'a.b*c'|regex_escape
'foo' is match('FO', ignorecase=true)
'foo' is match('oo')
'a\nb' is match('a$', multiline=true)
'foo' is equalto('foo')
1 is equalto(1.0)
[1] is list
(1,) is list
'x' is list
'a b'|quote
'a'|quote
"a'b"|quote
5|quote
'a,b'|method_call('split', ',')
'abc'|method_call('nope')
{'a':1}|method_call('get','a')
[1,2,3]|first
[]|last|default('none')
'Hello'|reverse
'hello world'|title
'hello WORLD'|capitalize
'  x '|trim
'xxaxx'|trim('x')
'a b'|urlencode
{'a':'b c','d':'é'}|urlencode
[['a','1'],['b','2']]|urlencode
1000|filesizeformat
1000000|filesizeformat(true)
0|filesizeformat
'2048'|filesizeformat
'%s-%05.1f'|format('a', 3.14159)
'<i>x</i> &amp; <!-- c --> y'|striptags
'a b  c'|wordcount
42.55|round(1)
2.675|round(2)
-2.5|round
1234|round(-2)
2.5|round(0,'floor')
'3.7'|int
'x'|int(-1)
'ff'|int(0,16)
'0b11'|int(0,2)
'3.7'|float
'x'|float(1.5)
-5|abs
'x'|abs
{'a':1}|items|list
[1,2,3]|join('-')
{'a':1}|length
5|length
'x'|center(5)
'x'|default('d')
''|default('d', true)
none|default('d')
'<x>'|e
'<x>'|safe
'<x>'|forceescape
'a.b.c'|replace('.', '', 1)
['x','y']|list
'abc'|list
'x'|string
[3,1,2]|sort
['b','A']|sort(case_sensitive=true)
[[2,'a'],[1,'b']]|sort
[1,'a']|sort
{'a':1} is mapping
'a' is string
5 is divisibleby(5)
'a' is in 'abc'
3 is gt(2)
'upper' is filter
'nosuch' is filter
'match' is test
none is sameas(none)
odict([('b',1),('a',2)])|list
odict(a=1)|length
dict(a=1, b=2)
range(3)|sum
'x'|nosuchfilter
raise('stop')
""".strip("\n").split("\n")


def environment():
    extensions = ["jinja2.ext.do", "jinja2.ext.loopcontrols", salt.utils.jinja.SerializerExtension]
    env = SandboxedEnvironment(undefined=jinja2.StrictUndefined, extensions=extensions, keep_trailing_newline=True)
    indent = env.filters["indent"]
    env.tests.update(JinjaTest.salt_jinja_tests)
    env.filters.update(JinjaFilter.salt_jinja_filters)
    env.filters["indent"] = indent
    env.globals.update(JinjaGlobal.salt_jinja_globals)
    env.globals["odict"] = salt.utils.templates.OrderedDict
    env.tests["list"] = salt.utils.data.is_list
    return env


def case(expression):
    source = "{{ " + expression.replace("USERS", USERS) + " }}"
    try:
        return {"source": source, "want": environment().from_string(source).render()}
    except BaseException as error:  # pylint: disable=broad-except
        return {"source": source, "error": f"{type(error).__name__}: {error}"}


cases = [case(expression) for expression in EXPRESSIONS]
json.dump({"salt": salt.version.__version__, "cases": cases}, sys.stdout, indent=1, ensure_ascii=False)
print()
