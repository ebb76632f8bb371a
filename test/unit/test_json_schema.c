/*
 * test_json_schema.c
 *		JSON Schema: what each keyword means, what is refused, and the shorthand.
 *
 * In the tables, ' stands for ".
 */
#include "json_schema.h"
#include "json_number.h"
#include "json_tree.h"
#include "unit.h"

/* A copy of its own, so that reading beyond it is noticed; ' has become ". */
static char *
json_text(const char *text, size_t *len)
{
	char	   *copy;
	size_t		i;

	*len = strlen(text);
	copy = malloc(*len + (*len == 0));
	for (i = 0; i < *len; i++)
		copy[i] = text[i] == '\'' ? '"' : text[i];
	return copy;
}

static void
is_problem(const Buf *problem, const char *expected, const char *name)
{
	Buf			text;
	const char *p;

	buf_init(&text, 0);
	for (p = expected; *p; p++)
		buf_putc(&text, *p == '\'' ? '"' : *p);
	is_text(buf_text(problem), buf_text(&text), name);
	buf_free(&text);
}

/* ---- checking ---- */

static const struct
{
	const char *schema;
	const char *document;
	const char *problem;		/* "": valid */
}			checks[] = {
	/* any schema */
	{"true", "1", ""},
	{"{}", "[1,{}]", ""},
	{"false", "1", "the document: nothing is allowed here"},
	{"{'properties':{'a':false}}", "{'a':1}", "a: nothing is allowed here"},
	{"{'properties':{'a':false}}", "{'b':1}", ""},
	/* type */
	{"{'type':'string'}", "'a'", ""},
	{"{'type':'string'}", "1.5", "the document: expected string, found number 1.5"},
	{"{'type':'string'}", "1", "the document: expected string, found number 1"},
	{"{'type':'string'}", "true", "the document: expected string, found boolean true"},
	{"{'type':'string'}", "null", "the document: expected string, found null"},
	{"{'type':'string'}", "[1]", "the document: expected string, found array of 1 item"},
	{"{'type':'string'}", "{'a':1}",
	"the document: expected string, found object of 1 member"},
	{"{'type':'number'}", "'a'", "the document: expected number, found string 'a'"},
	{"{'type':'number'}", "1.5", ""},
	{"{'type':'number'}", "1", ""},
	{"{'type':'number'}", "true", "the document: expected number, found boolean true"},
	{"{'type':'number'}", "null", "the document: expected number, found null"},
	{"{'type':'number'}", "[1]", "the document: expected number, found array of 1 item"},
	{"{'type':'number'}", "{'a':1}",
	"the document: expected number, found object of 1 member"},
	{"{'type':'integer'}", "'a'", "the document: expected integer, found string 'a'"},
	{"{'type':'integer'}", "1.5", "the document: expected integer, found number 1.5"},
	{"{'type':'integer'}", "1", ""},
	{"{'type':'integer'}", "true", "the document: expected integer, found boolean true"},
	{"{'type':'integer'}", "null", "the document: expected integer, found null"},
	{"{'type':'integer'}", "[1]",
	"the document: expected integer, found array of 1 item"},
	{"{'type':'integer'}", "{'a':1}",
	"the document: expected integer, found object of 1 member"},
	{"{'type':'boolean'}", "'a'", "the document: expected boolean, found string 'a'"},
	{"{'type':'boolean'}", "1.5", "the document: expected boolean, found number 1.5"},
	{"{'type':'boolean'}", "1", "the document: expected boolean, found number 1"},
	{"{'type':'boolean'}", "true", ""},
	{"{'type':'boolean'}", "null", "the document: expected boolean, found null"},
	{"{'type':'boolean'}", "[1]",
	"the document: expected boolean, found array of 1 item"},
	{"{'type':'boolean'}", "{'a':1}",
	"the document: expected boolean, found object of 1 member"},
	{"{'type':'null'}", "'a'", "the document: expected null, found string 'a'"},
	{"{'type':'null'}", "1.5", "the document: expected null, found number 1.5"},
	{"{'type':'null'}", "1", "the document: expected null, found number 1"},
	{"{'type':'null'}", "true", "the document: expected null, found boolean true"},
	{"{'type':'null'}", "null", ""},
	{"{'type':'null'}", "[1]", "the document: expected null, found array of 1 item"},
	{"{'type':'null'}", "{'a':1}",
	"the document: expected null, found object of 1 member"},
	{"{'type':'array'}", "'a'", "the document: expected array, found string 'a'"},
	{"{'type':'array'}", "1.5", "the document: expected array, found number 1.5"},
	{"{'type':'array'}", "1", "the document: expected array, found number 1"},
	{"{'type':'array'}", "true", "the document: expected array, found boolean true"},
	{"{'type':'array'}", "null", "the document: expected array, found null"},
	{"{'type':'array'}", "[1]", ""},
	{"{'type':'array'}", "{'a':1}",
	"the document: expected array, found object of 1 member"},
	{"{'type':'object'}", "'a'", "the document: expected object, found string 'a'"},
	{"{'type':'object'}", "1.5", "the document: expected object, found number 1.5"},
	{"{'type':'object'}", "1", "the document: expected object, found number 1"},
	{"{'type':'object'}", "true", "the document: expected object, found boolean true"},
	{"{'type':'object'}", "null", "the document: expected object, found null"},
	{"{'type':'object'}", "[1]", "the document: expected object, found array of 1 item"},
	{"{'type':'object'}", "{'a':1}", ""},
	/* types */
	{"{'type':['string','null']}", "'a'", ""},
	{"{'type':['string','null']}", "null", ""},
	{"{'type':['string','null']}", "1",
	"the document: expected null or string, found number 1"},
	{"{'type':['string','null','array']}", "{}",
	"the document: expected null, string or array, found object of 0 members"},
	{"{'type':['integer','number']}", "1.5", ""},
	{"{'type':['integer']}", "1.5", "the document: expected integer, found number 1.5"},
	/* integers */
	{"{'type':'integer'}", "1.0", ""},
	{"{'type':'integer'}", "-0", ""},
	{"{'type':'integer'}", "1e2", ""},
	{"{'type':'integer'}", "1.5e1", ""},
	{"{'type':'integer'}", "1.55e1",
	"the document: expected integer, found number 1.55e1"},
	{"{'type':'integer'}", "1e-1", "the document: expected integer, found number 1e-1"},
	{"{'type':'integer'}", "100e-2", ""},
	{"{'type':'integer'}", "9007199254740993", ""},
	{"{'type':'integer'}", "123456789012345678901234567890", ""},
	{"{'type':'integer'}", "0.0", ""},
	{"{'type':'integer'}", "1e400", ""},
	{"{'type':'integer'}", "1e-400",
	"the document: expected integer, found number 1e-400"},
	{"{'type':'integer'}", "0e-400", ""},
	/* enum */
	{"{'enum':['a',1,null,[1],{'b':2}]}", "'a'", ""},
	{"{'enum':['a',1,null,[1],{'b':2}]}", "1.0", ""},
	{"{'enum':['a',1,null,[1],{'b':2}]}", "null", ""},
	{"{'enum':['a',1,null,[1],{'b':2}]}", "[1.0]", ""},
	{"{'enum':['a',1,null,[1],{'b':2}]}", "{'b':2e0}", ""},
	{"{'enum':['a',1,null,[1],{'b':2}]}", "'b'",
	"the document: expected one of 'a', 1, null, [1], {'b': 2}, found string 'b'"},
	{"{'enum':['a',1,null,[1],{'b':2}]}", "[1,1]",
	"the document: expected one of 'a', 1, null, [1], {'b': 2}, found array of 2 items"},
	{"{'enum':['a',1,null,[1],{'b':2}]}", "{}",
	"the document: expected one of 'a', 1, null, [1], {'b': 2}, found object of 0 members"},
	{"{'enum':['a',1,null,[1],{'b':2}]}", "false",
	"the document: expected one of 'a', 1, null, [1], {'b': 2}, found boolean false"},
	{"{'enum':['a']}", "'A'", "the document: expected 'a', found string 'A'"},
	{"{'enum':[9007199254740993]}", "9007199254740992",
	"the document: expected 9007199254740993, found number 9007199254740992"},
	{"{'enum':[9007199254740993]}", "9007199254740993.0", ""},
	{"{'enum':[false]}", "0", "the document: expected false, found number 0"},
	{"{'enum':['1']}", "1", "the document: expected '1', found number 1"},
	{"{'enum':[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22]}", "0",
	"the document: expected one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, ..., found number 0"},
	/* const */
	{"{'const':{'a':1,'b':[2]}}", "{'b':[2.0],'a':1}", ""},
	{"{'const':{'a':1,'b':[2]}}", "{'a':1}",
	"the document: expected exactly {'a': 1, 'b': [2]}, found object of 1 member"},
	{"{'const':{'a':1,'b':[2]}}", "{'a':1,'b':[2],'c':3}",
	"the document: expected exactly {'a': 1, 'b': [2]}, found object of 3 members"},
	{"{'const':{'a':1,'b':[2]}}", "{'a':1,'b':[3]}",
	"the document: expected exactly {'a': 1, 'b': [2]}, found object of 2 members"},
	{"{'const':null}", "null", ""},
	{"{'const':null}", "0", "the document: expected exactly null, found number 0"},
	{"{'const':0}", "-0.0", ""},
	{"{'const':''}", "''", ""},
	{"{'const':'\xC3\xA4" "'}", "'\\u00e4'", ""},
	/* properties */
	{"{'properties':{'a':{'type':'string'},'b':{'type':'integer'}}}", "{}", ""},
	{"{'properties':{'a':{'type':'string'},'b':{'type':'integer'}}}", "{'a':'x','b':1,'c':null}",
	""},
	{"{'properties':{'a':{'type':'string'},'b':{'type':'integer'}}}", "{'a':1,'b':'x'}",
	"a: expected string, found number 1\nb: expected integer, found string 'x'"},
	{"{'properties':{'a':{'type':'string'},'b':{'type':'integer'}}}", "[]", ""},
	{"{'properties':{'a':{'type':'string'},'b':{'type':'integer'}}}", "'a'", ""},
	{"{'properties':{'a b':{'type':'string'},'':{'type':'string'},'x.y':{'type':'string'}}}", "{'a b':1,'':2,'x.y':3}",
	"['a b']: expected string, found number 1\n['']: expected string, found number 2\n['x.y']: expected string, found number 3"},
	/* required */
	{"{'required':['a','b']}", "{'a':1,'b':null}", ""},
	{"{'required':['a','b']}", "{'a':1}", "b: is missing, but required"},
	{"{'required':['a','b']}", "{}",
	"a: is missing, but required\nb: is missing, but required"},
	{"{'required':['a','b']}", "[]", ""},
	{"{'required':['a','b']}", "{'A':1,'b':1}", "a: is missing, but required"},
	{"{'required':[]}", "{}", ""},
	{"{'required':['a.b','']}", "{}",
	"['a.b']: is missing, but required\n['']: is missing, but required"},
	/* nested paths */
	{"{'properties':{'components':{'items':{'required':['name'],'properties':{'name':{'type':'string'}}}}}}", "{'components':[{'name':'a'},{'name':'b'},{'name':3},{}]}",
	"components[2].name: expected string, found number 3\ncomponents[3].name: is missing, but required"},
	{"{'items':{'items':{'type':'string'}}}", "[['a'],['b',1]]",
	"[1][1]: expected string, found number 1"},
	/* additionalProperties */
	{"{'properties':{'a':true},'additionalProperties':false}", "{'a':1}", ""},
	{"{'properties':{'a':true},'additionalProperties':false}", "{}", ""},
	{"{'properties':{'a':true},'additionalProperties':false}", "{'a':1,'b':2}",
	"b: is not allowed; the members here are 'a'"},
	{"{'properties':{'a':true},'additionalProperties':false}", "[1]", ""},
	{"{'additionalProperties':false}", "{'b':2}",
	"b: is not allowed; there may be no members here"},
	{"{'additionalProperties':{'type':'string'}}", "{'a':'x','b':2}",
	"b: expected string, found number 2"},
	{"{'properties':{'a':true},'additionalProperties':{'type':'string'}}", "{'a':1,'b':'x'}",
	""},
	{"{'allOf':[{'properties':{'a':true}}],'additionalProperties':false}", "{'a':1}",
	"a: is not allowed; there may be no members here"},
	/* propertyNames */
	{"{'propertyNames':{'maxLength':2}}", "{'ab':1}", ""},
	{"{'propertyNames':{'maxLength':2}}", "{'abc':1}",
	"abc: this name is not allowed by propertyNames (expected at most 2 characters, found 3)"},
	{"{'propertyNames':{'maxLength':2}}", "{}", ""},
	{"{'propertyNames':{'maxLength':2}}", "'abc'", ""},
	{"{'propertyNames':{'enum':['a','b']}}", "{'a':1,'c':2}",
	"c: this name is not allowed by propertyNames (expected one of 'a', 'b', found string 'c')"},
	{"{'propertyNames':false}", "{'a':1}",
	"a: this name is not allowed by propertyNames (nothing is allowed here)"},
	{"{'propertyNames':false}", "{}", ""},
	/* minProperties */
	{"{'minProperties':1}", "{'a':1}", ""},
	{"{'minProperties':1}", "{}", "the document: expected at least 1 member, found 0"},
	{"{'minProperties':1}", "[]", ""},
	{"{'maxProperties':1}", "{'a':1}", ""},
	{"{'maxProperties':1}", "{'a':1,'b':1}",
	"the document: expected at most 1 member, found 2"},
	{"{'maxProperties':1}", "[1,2]", ""},
	/* dependentRequired */
	{"{'dependentRequired':{'a':['b','c']}}", "{}", ""},
	{"{'dependentRequired':{'a':['b','c']}}", "{'b':1}", ""},
	{"{'dependentRequired':{'a':['b','c']}}", "{'a':1,'b':1,'c':1}", ""},
	{"{'dependentRequired':{'a':['b','c']}}", "{'a':1,'b':1}",
	"c: is missing, but required when there is a"},
	{"{'dependentRequired':{'a':['b','c']}}", "1", ""},
	/* dependentSchemas */
	{"{'dependentSchemas':{'a':{'required':['b']}}}", "{}", ""},
	{"{'dependentSchemas':{'a':{'required':['b']}}}", "{'a':1,'b':1}", ""},
	{"{'dependentSchemas':{'a':{'required':['b']}}}", "{'a':1}",
	"b: is missing, but required"},
	{"{'dependentSchemas':{'a':{'required':['b']}}}", "[]", ""},
	/* items */
	{"{'items':{'type':'string'}}", "[]", ""},
	{"{'items':{'type':'string'}}", "['a','b']", ""},
	{"{'items':{'type':'string'}}", "['a',1,2]",
	"[1]: expected string, found number 1\n[2]: expected string, found number 2"},
	{"{'items':{'type':'string'}}", "{'0':1}", ""},
	{"{'items':false}", "[]", ""},
	{"{'items':false}", "[1]", "the document: expected at most 0 items, found 1"},
	{"{'items':true}", "[1]", ""},
	/* prefixItems */
	{"{'prefixItems':[{'type':'string'},{'type':'number'}]}", "[]", ""},
	{"{'prefixItems':[{'type':'string'},{'type':'number'}]}", "['a']", ""},
	{"{'prefixItems':[{'type':'string'},{'type':'number'}]}", "['a',1,null]", ""},
	{"{'prefixItems':[{'type':'string'},{'type':'number'}]}", "[1,'a']",
	"[0]: expected string, found number 1\n[1]: expected number, found string 'a'"},
	{"{'prefixItems':[{'type':'string'},{'type':'number'}]}", "'a'", ""},
	{"{'prefixItems':[{'type':'string'}],'items':{'type':'number'}}", "['a',1,2]", ""},
	{"{'prefixItems':[{'type':'string'}],'items':{'type':'number'}}", "['a',1,'b']",
	"[2]: expected number, found string 'b'"},
	{"{'prefixItems':[true],'items':false}", "[1]", ""},
	{"{'prefixItems':[true],'items':false}", "[1,2]",
	"the document: expected at most 1 item, found 2"},
	/* contains */
	{"{'contains':{'type':'string'}}", "['a']", ""},
	{"{'contains':{'type':'string'}}", "[1,'a',2]", ""},
	{"{'contains':{'type':'string'}}", "[]",
	"the document: expected at least 1 item that fits {'type': 'string'}, found 0"},
	{"{'contains':{'type':'string'}}", "[1]",
	"the document: expected at least 1 item that fits {'type': 'string'}, found 0"},
	{"{'contains':{'type':'string'}}", "{}", ""},
	{"{'contains':{'const':1},'minContains':2}", "[1,1]", ""},
	{"{'contains':{'const':1},'minContains':2}", "[1,2]",
	"the document: expected at least 2 items that fit {'const': 1}, found 1"},
	{"{'contains':{'const':1},'maxContains':1}", "[1,2]", ""},
	{"{'contains':{'const':1},'maxContains':1}", "[1,1]",
	"the document: expected at most 1 item that fits {'const': 1}, found 2"},
	{"{'contains':{'const':1},'maxContains':1}", "[2]",
	"the document: expected at least 1 item that fits {'const': 1}, found 0"},
	{"{'contains':{'const':1},'minContains':0}", "[]", ""},
	{"{'contains':{'const':1},'minContains':0,'maxContains':1}", "[1,1]",
	"the document: expected at most 1 item that fits {'const': 1}, found 2"},
	{"{'minContains':5}", "[]", ""},
	/* minItems */
	{"{'minItems':2}", "[1,2]", ""},
	{"{'minItems':2}", "[1]", "the document: expected at least 2 items, found 1"},
	{"{'minItems':2}", "'a'", ""},
	{"{'maxItems':2.0}", "[1,2]", ""},
	{"{'maxItems':2.0}", "[1,2,3]", "the document: expected at most 2.0 items, found 3"},
	{"{'maxItems':2.0}", "{}", ""},
	{"{'maxItems':1e400}", "[1]", ""},
	{"{'minItems':1e400}", "[1]", "the document: expected at least 1e400 items, found 1"},
	/* uniqueItems */
	{"{'uniqueItems':true}", "[]", ""},
	{"{'uniqueItems':true}", "[1,2]", ""},
	{"{'uniqueItems':true}", "[1,1.0]",
	"[1]: is equal to [0]; the items must differ from each other"},
	{"{'uniqueItems':true}", "[1,true]", ""},
	{"{'uniqueItems':true}", "[0,false]", ""},
	{"{'uniqueItems':true}", "['a','a']",
	"[1]: is equal to [0]; the items must differ from each other"},
	{"{'uniqueItems':true}", "[{'a':1,'b':2},{'b':2,'a':1}]",
	"[1]: is equal to [0]; the items must differ from each other"},
	{"{'uniqueItems':true}", "[[1],[2],[1]]",
	"[2]: is equal to [0]; the items must differ from each other"},
	{"{'uniqueItems':true}", "[{'a':1},{'a':2}]", ""},
	{"{'uniqueItems':true}", "[null,null,null]",
	"[1]: is equal to [0]; the items must differ from each other\n[2]: is equal to [1]; the items must differ from each other"},
	{"{'uniqueItems':true}", "[1,'1']", ""},
	{"{'uniqueItems':true}", "{}", ""},
	{"{'uniqueItems':true}", "[9007199254740992,9007199254740993]", ""},
	{"{'uniqueItems':true}", "[1e2,100,1.00e+2]",
	"[1]: is equal to [0]; the items must differ from each other\n[2]: is equal to [1]; the items must differ from each other"},
	{"{'uniqueItems':false}", "[1,1]", ""},
	/* minLength */
	{"{'minLength':2}", "'ab'", ""},
	{"{'minLength':2}", "'a'", "the document: expected at least 2 characters, found 1"},
	{"{'minLength':2}", "'\xC3\xA4" "\xC3\xA4" "'", ""},
	{"{'minLength':2}", "'\xC3\xA4" "'",
	"the document: expected at least 2 characters, found 1"},
	{"{'minLength':2}", "1", ""},
	{"{'maxLength':2}", "'ab'", ""},
	{"{'maxLength':2}", "'abc'", "the document: expected at most 2 characters, found 3"},
	{"{'maxLength':2}", "'\xC3\xA4" "\xC3\xA4" "'", ""},
	{"{'maxLength':2}", "'\xF0\x9F\x98\x80" "\\ud83d\\ude00'", ""},
	{"{'maxLength':2}", "'a\\nb'",
	"the document: expected at most 2 characters, found 3"},
	{"{'maxLength':2}", "[1,2,3]", ""},
	{"{'maxLength':1}", "'ab'", "the document: expected at most 1 character, found 2"},
	/* minimum */
	{"{'minimum':1.5}", "1.5", ""},
	{"{'minimum':1.5}", "1.49", "the document: expected at least 1.5, found number 1.49"},
	{"{'minimum':1.5}", "1.50", ""},
	{"{'minimum':1.5}", "2", ""},
	{"{'minimum':1.5}", "-2", "the document: expected at least 1.5, found number -2"},
	{"{'minimum':1.5}", "'1'", ""},
	{"{'minimum':1.5}", "1e-400",
	"the document: expected at least 1.5, found number 1e-400"},
	{"{'maximum':9007199254740992}", "9007199254740992", ""},
	{"{'maximum':9007199254740992}", "9007199254740993",
	"the document: expected at most 9007199254740992, found number 9007199254740993"},
	{"{'maximum':9007199254740992}", "-9007199254740993", ""},
	{"{'maximum':9223372036854775807}", "9223372036854775807", ""},
	{"{'maximum':9223372036854775807}", "9223372036854775808",
	"the document: expected at most 9223372036854775807, found number 9223372036854775808"},
	{"{'minimum':-0}", "0", ""},
	{"{'minimum':0}", "-0.0", ""},
	{"{'minimum':0}", "-1e-9", "the document: expected at least 0, found number -1e-9"},
	/* exclusiveMinimum */
	{"{'exclusiveMinimum':0}", "1e-9", ""},
	{"{'exclusiveMinimum':0}", "0", "the document: expected more than 0, found number 0"},
	{"{'exclusiveMinimum':0}", "-0",
	"the document: expected more than 0, found number -0"},
	{"{'exclusiveMinimum':0}", "-1",
	"the document: expected more than 0, found number -1"},
	{"{'exclusiveMaximum':1}", "0.9999999999999999999999", ""},
	{"{'exclusiveMaximum':1}", "1", "the document: expected less than 1, found number 1"},
	{"{'exclusiveMaximum':1}", "1.0",
	"the document: expected less than 1, found number 1.0"},
	{"{'exclusiveMaximum':1}", "null", ""},
	/* multipleOf */
	{"{'multipleOf':0.01}", "0.07", ""},
	{"{'multipleOf':0.01}", "19.99", ""},
	{"{'multipleOf':0.01}", "4.015",
	"the document: expected a multiple of 0.01, found number 4.015"},
	{"{'multipleOf':0.01}", "1e300", ""},
	{"{'multipleOf':0.01}", "0", ""},
	{"{'multipleOf':2}", "4", ""},
	{"{'multipleOf':2}", "-4", ""},
	{"{'multipleOf':2}", "3", "the document: expected a multiple of 2, found number 3"},
	{"{'multipleOf':2}", "4.0", ""},
	{"{'multipleOf':2}", "1e400", ""},
	{"{'multipleOf':2}", "'3'", ""},
	{"{'multipleOf':1e-8}", "123.456", ""},
	{"{'multipleOf':3}", "1e30",
	"the document: expected a multiple of 3, found number 1e30"},
	{"{'multipleOf':3}", "111111111111111111111111111111", ""},
	{"{'multipleOf':3}", "111111111111111111111111111112",
	"the document: expected a multiple of 3, found number 111111111111111111111111111112"},
	{"{'multipleOf':0.3}", "1.2", ""},
	{"{'multipleOf':0.3}", "1.3",
	"the document: expected a multiple of 0.3, found number 1.3"},
	{"{'multipleOf':7}", "9007199254740993",
	"the document: expected a multiple of 7, found number 9007199254740993"},
	{"{'multipleOf':1e2}", "150",
	"the document: expected a multiple of 1e2, found number 150"},
	{"{'multipleOf':1e2}", "1500", ""},
	{"{'multipleOf':999999999999999999}", "999999999999999998000000000000000001", ""},
	{"{'multipleOf':999999999999999999}", "999999999999999998000000000000000002",
	"the document: expected a multiple of 999999999999999999, found number 999999999999999998000000000000000002"},
	/* allOf */
	{"{'allOf':[{'type':'integer'},{'minimum':3}]}", "3", ""},
	{"{'allOf':[{'type':'integer'},{'minimum':3}]}", "2",
	"the document: expected at least 3, found number 2"},
	{"{'allOf':[{'type':'integer'},{'minimum':3}]}", "'a'",
	"the document: expected integer, found string 'a'"},
	{"{'allOf':[{'type':'integer'},{'minimum':3}]}", "2.5",
	"the document: expected integer, found number 2.5\nthe document: expected at least 3, found number 2.5"},
	/* anyOf */
	{"{'anyOf':[{'type':'string'},{'minimum':3}]}", "'a'", ""},
	{"{'anyOf':[{'type':'string'},{'minimum':3}]}", "3", ""},
	{"{'anyOf':[{'type':'string'},{'minimum':3}]}", "2",
	"the document: fits none of the 2 alternatives of anyOf (1: expected string, found number 2; 2: expected at least 3, found number 2)"},
	{"{'anyOf':[{'type':'string'},{'minimum':3}]}", "null", ""},
	{"{'anyOf':[{'type':'string'}]}", "1",
	"the document: does not fit the alternative of anyOf (1: expected string, found number 1)"},
	{"{'anyOf':[{'required':['a']},{'type':'null'}]}", "{'b':1}",
	"the document: fits none of the 2 alternatives of anyOf (1: a: is missing, but required; 2: expected null, found object of 1 member)"},
	{"{'anyOf':[{'const':1},{'const':2},{'const':3},{'const':4},{'const':5},{'const':6},{'const':7}]}", "8",
	"the document: fits none of the 7 alternatives of anyOf (1: expected exactly 1, found number 8; 2: expected exactly 2, found number 8; 3: expected exactly 3, found number 8; 4: expected exactly 4, found number 8; 5: expected exactly 5, found number 8; ...)"},
	{"{'items':{'anyOf':[{'anyOf':[{'type':'string'},{'type':'null'}]},{'type':'array'}]}}", "[1]",
	"[0]: fits none of the 2 alternatives of anyOf (1: fits none of the 2 alternatives of anyOf (1: expected string, found number 1; 2: expected null, found number 1); 2: expected array, found number 1)"},
	/* oneOf */
	{"{'oneOf':[{'type':'integer'},{'minimum':3}]}", "1", ""},
	{"{'oneOf':[{'type':'integer'},{'minimum':3}]}", "3.5", ""},
	{"{'oneOf':[{'type':'integer'},{'minimum':3}]}", "3",
	"the document: fits more than one alternative of oneOf (numbers 1 and 2), expected exactly one"},
	{"{'oneOf':[{'type':'integer'},{'minimum':3}]}", "2.5",
	"the document: fits none of the 2 alternatives of oneOf (1: expected integer, found number 2.5; 2: expected at least 3, found number 2.5)"},
	{"{'oneOf':[{'type':'integer'},{'minimum':3}]}", "'a'", ""},
	{"{'oneOf':[{'type':'string'}]}", "1",
	"the document: does not fit the alternative of oneOf (1: expected string, found number 1)"},
	{"{'oneOf':[true,true,true]}", "1",
	"the document: fits more than one alternative of oneOf (numbers 1 and 2), expected exactly one"},
	/* not */
	{"{'not':{'type':'string'}}", "1", ""},
	{"{'not':{'type':'string'}}", "'a'",
	"the document: found string 'a', which must not fit {'type': 'string'}"},
	{"{'not':{}}", "1", "the document: found number 1, which must not fit {}"},
	{"{'not':{'not':{'type':'string'}}}", "'a'", ""},
	{"{'not':{'not':{'type':'string'}}}", "1",
	"the document: found number 1, which must not fit {'not': {'type': 'string'}}"},
	/* if */
	{"{'if':{'properties':{'a':{'const':1}},'required':['a']},'then':{'required':['b']},'else':{'required':['c']}}", "{'a':1,'b':1}",
	""},
	{"{'if':{'properties':{'a':{'const':1}},'required':['a']},'then':{'required':['b']},'else':{'required':['c']}}", "{'a':1}",
	"b: is missing, but required"},
	{"{'if':{'properties':{'a':{'const':1}},'required':['a']},'then':{'required':['b']},'else':{'required':['c']}}", "{'a':2,'c':1}",
	""},
	{"{'if':{'properties':{'a':{'const':1}},'required':['a']},'then':{'required':['b']},'else':{'required':['c']}}", "{'a':2}",
	"c: is missing, but required"},
	{"{'if':{'properties':{'a':{'const':1}},'required':['a']},'then':{'required':['b']},'else':{'required':['c']}}", "{}",
	"c: is missing, but required"},
	{"{'if':{'const':1}}", "2", ""},
	{"{'then':false,'else':false}", "1", ""},
	{"{'if':true,'else':false}", "1", ""},
	{"{'if':false,'then':false}", "1", ""},
	/* $ref */
	{"{'$ref':'#/$defs/a','$defs':{'a':{'type':'string'}}}", "'a'", ""},
	{"{'$ref':'#/$defs/a','$defs':{'a':{'type':'string'}}}", "1",
	"the document: expected string, found number 1"},
	{"{'$ref':'#/definitions/a','minLength':2,'definitions':{'a':{'type':'string'}}}", "'a'",
	"the document: expected at least 2 characters, found 1"},
	{"{'properties':{'x':{'type':'string'},'y':{'$ref':'#/properties/x'}}}", "{'y':1}",
	"y: expected string, found number 1"},
	{"{'$defs':{'a/b':{'type':'string'},'c~d':{'$ref':'#/$defs/a~1b'}},'$ref':'#/$defs/c~0d'}", "1",
	"the document: expected string, found number 1"},
	{"{'$defs':{'a b%':{'type':'string'}},'$ref':'#/$defs/a%20b%25'}", "1",
	"the document: expected string, found number 1"},
	{"{'prefixItems':[{'type':'string'},{'$ref':'#/prefixItems/0'}]}", "['a',1]",
	"[1]: expected string, found number 1"},
	{"{'$ref':'#/$defs/~01','$defs':{'~1':{'type':'string'}}}", "1",
	"the document: expected string, found number 1"},
	{"{'properties':{'children':{'items':{'$ref':'#'}}},'required':['name']}", "{'name':1,'children':[{'name':2,'children':[{'name':1},{}]}]}",
	"children[0].children[1].name: is missing, but required"},
	{"{'$defs':{'t':{'anyOf':[{'type':'null'},{'properties':{'next':{'$ref':'#/$defs/t'}},'required':['next'],'additionalProperties':false}]}},'$ref':'#/$defs/t'}", "{'next':{'next':null}}",
	""},
	{"{'$defs':{'t':{'anyOf':[{'type':'null'},{'type':'object','properties':{'next':{'$ref':'#/$defs/t'}},'required':['next'],'additionalProperties':false}]}},'$ref':'#/$defs/t'}", "{'next':{'next':1}}",
	"the document: fits none of the 2 alternatives of anyOf (1: expected null, found object of 1 member; 2: next: fits none of the 2 alternatives of anyOf (1: expected null, found object of 1 member; 2: next.next: fits none of the 2 alternatives of anyOf (1: expected null, found number 1; 2: expected object, found number 1)))"},
	/* annotations */
	{"{'title':'a','description':'b','default':1,'examples':[1],'deprecated':true,'readOnly':true,'writeOnly':false,'$comment':'c','$schema':'https://json-schema.org/draft/2020-12/schema','$id':'https://example.com/a','format':'date','contentEncoding':'base64','contentMediaType':'text/plain','contentSchema':{'what':1}}", "'no date'",
	""},
	{"{'$schema':'http://json-schema.org/draft-07/schema#','type':'string'}", "'a'", ""},
	/* what is not JSON */
	{"{}", "", "the document is empty; expected JSON"},
	{"{}", "  ", "the document is empty; expected JSON"},
	{"{}", "{", "the document is not JSON: a member name is missing"},
	{"{}", "{'a':1,'b':[1,{'c':2},]}",
	"the document is not JSON: invalid number, after b[1].c"},
	{"{}", "{'a':{'b':'x'",
	"the document is not JSON: the document is cut off, after a.b"},
	{"{}", "Here is the JSON: {}",
	"the document is not JSON: it begins with 'Here is the JSON: {}'"},
	{"{}", "```json", "the document is not JSON: it begins with '```json'"},
	{"{}", "1 2", "the document is not JSON: something follows the document"},
	{"{}", "{'a':01}",
	"the document is not JSON: a comma or the closing mark is missing, after a"},
	{"{}", "nul", "the document is not JSON: invalid word"},
	{"{}", "[1,2", "the document is not JSON: the document is cut off, after [1]"},
	{"{}", "'a", "the document is not JSON: a string has no end"},
	{"{}", "{'a':1}}",
	"the document is not JSON: something follows the document, after a"},
	{"{}", "{'a':1,,}", "the document is not JSON: a member name is missing, after a"},
	/* duplicates */
	{"{}", "{'a':1,'a':1}",
	"a: this name comes twice in its object; expected each name once"},
	{"{}", "[{'x':{'b':1,'c':2,'b':3}}]",
	"[0].x.b: this name comes twice in its object; expected each name once"},
	{"{}", "{'a':1,'\\u0061':2}",
	"a: this name comes twice in its object; expected each name once"},
};

static JsonSchema *
compile(const char *text)
{
	size_t		len;
	char	   *json = json_text(text, &len);
	JsonSchema *schema;
	Buf			problem;

	buf_init(&problem, 0);
	schema = json_schema_compile(json, len, &problem);
	if (schema == NULL)
		unit_show(text, buf_text(&problem));
	buf_free(&problem);
	free(json);
	return schema;
}

static void
check_one(const char *schema_text, const char *document, const char *expected)
{
	JsonSchema *schema = compile(schema_text);
	size_t		len;
	char	   *json = json_text(document, &len);
	Buf			problem;

	buf_init(&problem, 0);
	if (ok(schema != NULL, schema_text))
	{
		ok(json_schema_check(schema, json, len, &problem) == (*expected == '\0'), document);
		is_problem(&problem, expected, "what is wrong");
	}
	buf_free(&problem);
	free(json);
	json_schema_free(schema);
}

static void
test_checks(void)
{
	size_t		i;

	for (i = 0; i < lengthof(checks); i++)
		check_one(checks[i].schema, checks[i].document, checks[i].problem);
}

/* ---- compiling ---- */

static const struct
{
	const char *schema;
	const char *problem;
}			refused[] = {
	{"",
	"#: the document is empty; expected JSON"},
	{"1",
	"#: expected a schema: an object, true or false, found 1"},
	{"'a'",
	"#: expected a schema: an object, true or false, found 'a'"},
	{"null",
	"#: expected a schema: an object, true or false, found null"},
	{"[]",
	"#: expected a schema: an object, true or false, found []"},
	{"{",
	"#: the document is not JSON: a member name is missing"},
	{"{'type':'strng'}",
	"#/type: expected null, boolean, integer, number, string, array or object, or an array of these, found 'strng'; perhaps you meant 'string'"},
	{"{'type':[]}",
	"#/type: expected null, boolean, integer, number, string, array or object, or an array of these, found []"},
	{"{'type':['string','x']}",
	"#/type: expected null, boolean, integer, number, string, array or object, or an array of these, found ['string', 'x']"},
	{"{'type':1}",
	"#/type: expected null, boolean, integer, number, string, array or object, or an array of these, found 1"},
	{"{'enum':[]}",
	"#/enum: expected an array of at least one value, found []"},
	{"{'enum':1}",
	"#/enum: expected an array of at least one value, found 1"},
	{"{'required':'a'}",
	"#/required: expected an array of strings, found 'a'; list the names of the members in the required of the object"},
	{"{'required':[1]}",
	"#/required: expected an array of strings, found [1]; list the names of the members in the required of the object"},
	{"{'properties':[]}",
	"#/properties: expected an object whose values are schemas (objects, true or false), found []"},
	{"{'properties':{'a':1}}",
	"#/properties/a: expected a schema: an object, true or false, found 1"},
	{"{'properties':{'a':'string'}}",
	"#/properties/a: expected a schema: an object, true or false, found 'string'; perhaps you meant {'type': 'string'}"},
	{"{'properties':{'a':{'minLenght':1}}}",
	"#/properties/a/minLenght: is no keyword of JSON Schema; perhaps you meant minLength"},
	{"{'propertes':{}}",
	"#/propertes: is no keyword of JSON Schema; perhaps you meant properties"},
	{"{'Type':'string'}",
	"#/Type: is no keyword of JSON Schema; perhaps you meant type"},
	{"{'additionalproperties':false}",
	"#/additionalproperties: is no keyword of JSON Schema; perhaps you meant additionalProperties"},
	{"{'foo':1}",
	"#/foo: is no keyword of JSON Schema; the members of an object are described under its properties"},
	{"{'x-internal':1}",
	"#/x-internal: is no keyword of JSON Schema; the members of an object are described under its properties"},
	{"{'minLength':-1}",
	"#/minLength: expected an integer of at least 0, found -1"},
	{"{'minLength':1.5}",
	"#/minLength: expected an integer of at least 0, found 1.5"},
	{"{'minLength':'1'}",
	"#/minLength: expected an integer of at least 0, found '1'"},
	{"{'minimum':'1'}",
	"#/minimum: expected a number, found '1'"},
	{"{'exclusiveMinimum':true}",
	"#/exclusiveMinimum: expected a number, found true; write the bound itself here, instead of minimum"},
	{"{'multipleOf':0}",
	"#/multipleOf: expected a number greater than 0 of at most 18 significant digits, found 0"},
	{"{'multipleOf':-1}",
	"#/multipleOf: expected a number greater than 0 of at most 18 significant digits, found -1"},
	{"{'multipleOf':1.234567890123456789}",
	"#/multipleOf: expected a number greater than 0 of at most 18 significant digits, found 1.234567890123456789"},
	{"{'items':[{}]}",
	"#/items: expected a schema: an object, true or false, found [{}]; use prefixItems for an array of schemas"},
	{"{'prefixItems':[]}",
	"#/prefixItems: expected an array of at least one schema, found []"},
	{"{'prefixItems':{}}",
	"#/prefixItems: expected an array of at least one schema, found {}"},
	{"{'allOf':[]}",
	"#/allOf: expected an array of at least one schema, found []"},
	{"{'anyOf':{}}",
	"#/anyOf: expected an array of at least one schema, found {}"},
	{"{'oneOf':[1]}",
	"#/oneOf/0: expected a schema: an object, true or false, found 1"},
	{"{'not':1}",
	"#/not: expected a schema: an object, true or false, found 1"},
	{"{'uniqueItems':1}",
	"#/uniqueItems: expected true or false, found 1"},
	{"{'dependentRequired':{'a':'b'}}",
	"#/dependentRequired: expected an object whose values are arrays of strings, found {'a': 'b'}"},
	{"{'dependentSchemas':{'a':['b']}}",
	"#/dependentSchemas/a: expected a schema: an object, true or false, found ['b']"},
	{"{'pattern':'^a'}",
	"#/pattern: pattern is not supported; use enum, const, minLength and maxLength, or say it in description"},
	{"{'patternProperties':{}}",
	"#/patternProperties: patternProperties is not supported; use properties, additionalProperties and propertyNames"},
	{"{'properties':{'a':{'pattern':'a'}}}",
	"#/properties/a/pattern: pattern is not supported; use enum, const, minLength and maxLength, or say it in description"},
	{"{'unevaluatedProperties':false}",
	"#/unevaluatedProperties: unevaluatedProperties is not supported; use additionalProperties where the properties are"},
	{"{'unevaluatedItems':false}",
	"#/unevaluatedItems: unevaluatedItems is not supported; use items where the prefixItems are"},
	{"{'dependencies':{}}",
	"#/dependencies: dependencies is not supported; use dependentRequired or dependentSchemas"},
	{"{'additionalItems':false}",
	"#/additionalItems: additionalItems is not supported; use prefixItems, and items for the rest"},
	{"{'$dynamicRef':'#a'}",
	"#/$dynamicRef: $dynamicRef is not supported; use $ref"},
	{"{'$dynamicAnchor':'a'}",
	"#/$dynamicAnchor: $dynamicAnchor is not supported; use $ref with #/$defs/NAME"},
	{"{'$recursiveRef':'#'}",
	"#/$recursiveRef: $recursiveRef is not supported; use $ref"},
	{"{'$anchor':'a'}",
	"#/$anchor: $anchor is not supported; refer to #/$defs/NAME instead"},
	{"{'$vocabulary':{}}",
	"#/$vocabulary: $vocabulary is not supported; leave it out"},
	{"{'id':'a'}",
	"#/id: id is not supported; use $id"},
	{"{'nullable':true}",
	"#/nullable: nullable is not supported; add 'null' to type, as in ['string', 'null']"},
	{"{'example':1}",
	"#/example: example is not supported; use examples, an array"},
	{"{'discriminator':{}}",
	"#/discriminator: discriminator is not supported; use oneOf with a const in each alternative"},
	{"{'$schema':'https://example.com/mine'}",
	"#/$schema: expected 'https://json-schema.org/draft/2020-12/schema', found 'https://example.com/mine'; a dialect of its own could give the keywords another meaning"},
	{"{'$schema':1}",
	"#/$schema: expected 'https://json-schema.org/draft/2020-12/schema', found 1; a dialect of its own could give the keywords another meaning"},
	{"{'title':1}",
	"#/title: expected a string, found 1"},
	{"{'format':1}",
	"#/format: expected a string, found 1"},
	{"{'examples':1}",
	"#/examples: expected an array, found 1"},
	{"{'deprecated':'yes'}",
	"#/deprecated: expected true or false, found 'yes'"},
	{"{'properties':{'a':{'$id':'b'}}}",
	"#/properties/a/$id: $id is supported at the root only: here it would change what $ref means; leave it out"},
	{"{'$ref':'other.json'}",
	"#/$ref: expected '#' or a pointer within this schema, as in '#/$defs/NAME', found 'other.json'; put what it refers to under $defs and write #/$defs/NAME"},
	{"{'$ref':'https://example.com/s'}",
	"#/$ref: expected '#' or a pointer within this schema, as in '#/$defs/NAME', found 'https://example.com/s'; put what it refers to under $defs and write #/$defs/NAME"},
	{"{'$ref':'#a'}",
	"#/$ref: expected '#' or a pointer within this schema, as in '#/$defs/NAME', found '#a'; put what it refers to under $defs and write #/$defs/NAME"},
	{"{'$ref':1}",
	"#/$ref: expected '#' or a pointer within this schema, as in '#/$defs/NAME', found 1; put what it refers to under $defs and write #/$defs/NAME"},
	{"{'$ref':'#/$defs/a'}",
	"#/$ref: refers to nothing in this schema"},
	{"{'$ref':'#/$defs/a/','$defs':{'a':{}}}",
	"#/$ref: refers to nothing in this schema"},
	{"{'prefixItems':[{'$ref':'#/prefixItems/1'}]}",
	"#/prefixItems/0/$ref: refers to nothing in this schema"},
	{"{'prefixItems':[{'$ref':'#/prefixItems/00'}]}",
	"#/prefixItems/0/$ref: refers to nothing in this schema"},
	{"{'default':{},'$ref':'#/default'}",
	"#/$ref: refers to something that is no schema; put the schema under $defs"},
	{"{'$ref':'#/$defs','$defs':{}}",
	"#/$ref: refers to something that is no schema; put the schema under $defs"},
	{"{'$ref':'#'}",
	"#: leads back to itself without going into the document, so checking would never end"},
	{"{'$defs':{'a':{'$ref':'#/$defs/b'},'b':{'allOf':[{'$ref':'#/$defs/a'}]}}}",
	"#/$defs/b/allOf/0: leads back to itself without going into the document, so checking would never end"},
	{"{'not':{'$ref':'#'}}",
	"#/not: leads back to itself without going into the document, so checking would never end"},
	{"{'if':true,'then':{'$ref':'#'}}",
	"#/then: leads back to itself without going into the document, so checking would never end"},
	{"{'type':'string','type':'number'}",
	"#/type: this name comes twice in its object"},
	{"{'const':'\\u0000'}",
	"#: the schema holds \\u0000, half a surrogate pair or bytes that are not UTF-8"},
	{"{'const':'\\ud800'}",
	"#: the schema holds \\u0000, half a surrogate pair or bytes that are not UTF-8"},
	{"{'properties':{'a/b~c':{'typ':1}}}",
	"#/properties/a~1b~0c/typ: is no keyword of JSON Schema; perhaps you meant type"},
	{"{'$defs':{'a':{'items':{'foo':1}}}}",
	"#/$defs/a/items/foo: is no keyword of JSON Schema; the members of an object are described under its properties"},
	{"{'definitions':{'a':1}}",
	"#/definitions/a: expected a schema: an object, true or false, found 1"},
};

static void
test_refusals(void)
{
	size_t		i;

	for (i = 0; i < lengthof(refused); i++)
	{
		size_t		len;
		char	   *json = json_text(refused[i].schema, &len);
		JsonSchema *schema;
		Buf			problem;

		buf_init(&problem, 0);
		schema = json_schema_compile(json, len, &problem);
		ok(schema == NULL, refused[i].schema);
		is_problem(&problem, refused[i].problem, "why it is refused");
		json_schema_free(schema);
		buf_free(&problem);
		free(json);
	}
}

/* ---- shorthand ---- */

static const struct
{
	const char *text;
	const char *schema;			/* NULL: the text itself */
}			expansions[] = {
	{"{'architecture':'object','components':'array'}",
	"{'type':'object','properties':{'architecture':{'type':'object'},'components':{'type':'array'}},'required':['architecture','components']}"},
	{"{'a':'string','b':'number','c':'integer','d':'boolean','e':'object','f':'array','g':'any'}",
	"{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'number'},'c':{'type':'integer'},'d':{'type':'boolean'},'e':{'type':'object'},'f':{'type':'array'},'g':{}},'required':['a','b','c','d','e','f','g']}"},
	{"{'a':'string?','b':'any?'}",
	"{'type':'object','properties':{'a':{'type':'string'},'b':{}}}"},
	{"{'a':'string?','b':'integer'}",
	"{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'integer'}},'required':['b']}"},
	{"{'a':'string[]','b':'integer[]?','c':'any[]','d':'string[][]'}",
	"{'type':'object','properties':{'a':{'type':'array','items':{'type':'string'}},'b':{'type':'array','items':{'type':'integer'}},'c':{'type':'array','items':{}},'d':{'type':'array','items':{'type':'array','items':{'type':'string'}}}},'required':['a','c','d']}"},
	{"{'a':{'b':'string','c':{'d':'number?'}}}",
	"{'type':'object','properties':{'a':{'type':'object','properties':{'b':{'type':'string'},'c':{'type':'object','properties':{'d':{'type':'number'}}}},'required':['b','c']}},'required':['a']}"},
	{"{'a':{}}",
	"{'type':'object','properties':{'a':{'type':'object','properties':{}}},'required':['a']}"},
	{"{'title':'string','description':'string'}",
	"{'type':'object','properties':{'title':{'type':'string'},'description':{'type':'string'}},'required':['title','description']}"},
	{"{'format':'string','default':'any','const':'string'}",
	"{'type':'object','properties':{'format':{'type':'string'},'default':{},'const':{'type':'string'}},'required':['format','default','const']}"},
	{"{'type':'any'}",
	"{'type':'object','properties':{'type':{}},'required':['type']}"},
	{"{'type':'string[]'}",
	"{'type':'object','properties':{'type':{'type':'array','items':{'type':'string'}}},'required':['type']}"},
	{"{'type':'string?','name':'string'}",
	"{'type':'object','properties':{'type':{'type':'string'},'name':{'type':'string'}},'required':['name']}"},
	{"{'required':'boolean','enum':'array','items':'array'}",
	"{'type':'object','properties':{'required':{'type':'boolean'},'enum':{'type':'array'},'items':{'type':'array'}},'required':['required','enum','items']}"},
	{"{'properties':'object'}",
	"{'type':'object','properties':{'properties':{'type':'object'}},'required':['properties']}"},
	{"{'properties':{'name':'string'}}",
	"{'type':'object','properties':{'properties':{'type':'object','properties':{'name':{'type':'string'}},'required':['name']}},'required':['properties']}"},
	{"{'dependencies':{'name':'string'}}",
	"{'type':'object','properties':{'dependencies':{'type':'object','properties':{'name':{'type':'string'}},'required':['name']}},'required':['dependencies']}"},
	{"{'pattern':'string'}",
	"{'type':'object','properties':{'pattern':{'type':'string'}},'required':['pattern']}"},
	{"{'a':{'type':'array','minItems':2}}",
	"{'type':'object','properties':{'a':{'type': 'array', 'minItems': 2}},'required':['a']}"},
	{"{'a':{'type':'array','items':{'type':'string'}},'b':'string'}",
	"{'type':'object','properties':{'a':{'type': 'array', 'items': {'type': 'string'}},'b':{'type':'string'}},'required':['a','b']}"},
	{"{'\xC3\xA4" " b':'string'}",
	"{'type':'object','properties':{'\xC3\xA4" " b':{'type':'string'}},'required':['\xC3\xA4" " b']}"},
	{"{'a\\'b':'string'}",
	"{'type':'object','properties':{'a\\'b':{'type':'string'}},'required':['a\\'b']}"},
	{"true", NULL},
	{"false", NULL},
	{"{}", NULL},
	{" {'type':'object'} ", NULL},
	{"{'type':'string'}", NULL},
	{"{'type':['string','null']}", NULL},
	{"{'properties':{'a':{'type':'string'}}}", NULL},
	{"{'properties':{}}", NULL},
	{"{'type':'object','properties':{'a':{}}}", NULL},
	{"{'$schema':'https://json-schema.org/draft/2020-12/schema'}", NULL},
	{"{'$ref':'#/$defs/a','$defs':{'a':{}}}", NULL},
	{"{'anyOf':[{'type':'string'}]}", NULL},
	{"{'enum':['a']}", NULL},
	{"{'const':1}", NULL},
	{"{'type':'string','title':'string'}", NULL},
	{"{'items':{'type':'string'}}", NULL},
	{"{'required':['a'],'propertis':{}}", NULL},
	{"{'pattern':'^a'}", NULL},
	{"{'additionalProperties':false}", NULL},
	{"{'minimum':1}", NULL},
	{"{'type':'object','properties':{'a':'string'},'required':['a']}", NULL},
};

static const struct
{
	const char *text;
	const char *problem;
}			no_shorthand[] = {
	{"",
	"the document is empty; expected JSON"},
	{"{",
	"the document is not JSON: a member name is missing"},
	{"'string'",
	"expected a JSON Schema or shorthand like {'name':'string'}, found 'string'"},
	{"[]",
	"expected a JSON Schema or shorthand like {'name':'string'}, found []"},
	{"[{'a':'string'}]",
	"expected a JSON Schema or shorthand like {'name':'string'}, found [{'a': 'string'}]"},
	{"1",
	"expected a JSON Schema or shorthand like {'name':'string'}, found 1"},
	{"null",
	"expected a JSON Schema or shorthand like {'name':'string'}, found null"},
	{"{'a':'strng'}",
	"a: 'strng' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members; perhaps you meant 'string'"},
	{"{'a':'text'}",
	"a: 'text' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a':'null'}",
	"a: 'null' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a':''}",
	"a: '' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a':'?'}",
	"a: '?' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a':'[]'}",
	"a: '[]' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a':'string?[]'}",
	"a: 'string?[]' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members; perhaps you meant 'string'"},
	{"{'a':'String'}",
	"a: 'String' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members; perhaps you meant 'string'"},
	{"{'a':1}",
	"a: 1 is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a':true}",
	"a: true is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a':null}",
	"a: null is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a':['string']}",
	"a: ['string'] is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members; for more than that, write a JSON Schema: {'type':'array','items':...}"},
	{"{'a':{'b':{'c':'x'}}}",
	"a.b.c: 'x' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a?':'string'}",
	"['a?']: write the ? behind the type, not behind the name"},
	{"{'type':'string','name':'string'}",
	"the shorthand: {'type': 'string', 'name': 'string'} could be shorthand with a member called type, or a JSON Schema; name is no keyword with a value of its kind; write the schema: {'type':'object','properties':{...},'required':[...]}"},
	{"{'type':'object','propertes':{'a':'string'}}",
	"the shorthand: {'type': 'object', 'propertes': {'a': 'string'}} could be shorthand with a member called type, or a JSON Schema; propertes is no keyword with a value of its kind (perhaps you meant properties); write the schema: {'type':'object','properties':{...},'required':[...]}"},
	{"{'items':{'name':'string'}}",
	"the shorthand: {'items': {'name': 'string'}} could be shorthand with a member called items, or a JSON Schema; items.name is no keyword with a value of its kind; write the schema: {'type':'object','properties':{...},'required':[...]}"},
	{"{'a':{'type':'string','name':'string'}}",
	"a: {'type': 'string', 'name': 'string'} could be shorthand with a member called type, or a JSON Schema; a.name is no keyword with a value of its kind; write the schema: {'type':'object','properties':{...},'required':[...]}"},
	{"{'description':'anything'}",
	"description: 'anything' is no type; write 'string', 'number', 'integer', 'boolean', 'object', 'array', 'any', 'string[]' (an array of strings), a ? behind it for an optional member, or an object of such members"},
	{"{'a':'string','a':'number'}",
	"a: this name comes twice in its object"},
	{"{'a\\u0000':'string'}",
	"the schema holds \\u0000, half a surrogate pair or bytes that are not UTF-8"},
};

static void
test_shorthand(void)
{
	size_t		i;

	for (i = 0; i < lengthof(expansions); i++)
	{
		size_t		len;
		char	   *json = json_text(expansions[i].text, &len);
		const char *expected = expansions[i].schema ? expansions[i].schema : expansions[i].text;
		Buf			schema;
		Buf			problem;

		buf_init(&schema, 0);
		buf_init(&problem, 0);
		ok(json_schema_expand(json, len, &schema, &problem), expansions[i].text);
		is_problem(&schema, expected, "as a schema");
		is_text(buf_text(&problem), "", "without a problem");
		buf_free(&schema);
		buf_free(&problem);
		free(json);
	}
	for (i = 0; i < lengthof(no_shorthand); i++)
	{
		size_t		len;
		char	   *json = json_text(no_shorthand[i].text, &len);
		Buf			schema;
		Buf			problem;

		buf_init(&schema, 0);
		buf_init(&problem, 0);
		ok(!json_schema_expand(json, len, &schema, &problem), no_shorthand[i].text);
		is_problem(&problem, no_shorthand[i].problem, "why it is none");
		is_text(buf_text(&schema), "", "and nothing is written");
		buf_free(&schema);
		buf_free(&problem);
		free(json);
	}
}

/* What comes out of shorthand can be compiled, and means what was written. */
static void
test_shorthand_meaning(void)
{
	static const char shorthand[] = "{\"name\":\"string\",\"tags\":\"string[]?\",\"place\":{\"x\":\"number\"}}";
	Buf			schema;
	Buf			problem;

	buf_init(&schema, 0);
	buf_init(&problem, 0);
	ok(json_schema_expand(shorthand, strlen(shorthand), &schema, &problem), "shorthand");
	check_one(buf_text(&schema), "{'name':'a','place':{'x':1.5}}", "");
	check_one(buf_text(&schema), "{'name':'a','tags':['b'],'place':{'x':1,'y':2},'more':1}", "");
	check_one(buf_text(&schema), "{'name':1,'tags':['b',2],'place':{}}",
			  "name: expected string, found number 1\ntags[1]: expected string, found number 2\nplace.x: is missing, but required");
	buf_free(&schema);
	buf_free(&problem);
}

/* ---- limits ---- */

static void
repeat(Buf *text, const char *piece, int times)
{
	while (times-- > 0)
		buf_puts(text, piece);
}

static bool
compile_buf(const Buf *text, Buf *problem)
{
	JsonSchema *schema = json_schema_compile(text->data, text->len, problem);

	json_schema_free(schema);
	return schema != NULL;
}

static void
test_schema_limits(void)
{
	Buf			text;
	Buf			problem;
	int			i;

	buf_init(&text, 0);
	buf_init(&problem, 0);
	repeat(&text, "{\"not\":", 63);
	repeat(&text, "{}", 1);
	repeat(&text, "}", 63);
	ok(compile_buf(&text, &problem), "a schema as deep as JSON may be");

	buf_reset(&text);
	repeat(&text, "{\"not\":", 100000);
	ok(!compile_buf(&text, &problem), "a deeper one is refused");
	is_text(buf_text(&problem), "#: the document is not JSON: nested too deeply", "for its depth");

	buf_reset(&text);
	buf_reset(&problem);
	buf_puts(&text, "{\"allOf\":[true");
	repeat(&text, ",true", 10000);
	buf_puts(&text, "]}");
	ok(!compile_buf(&text, &problem), "too many schemas are refused");
	is_text(buf_text(&problem), "#/allOf/9999: the schema consists of too many schemas (more than 10000)", "where there are too many");

	buf_reset(&text);
	buf_reset(&problem);
	buf_puts(&text, "{\"enum\":[0");
	repeat(&text, ",0", 60000);
	buf_puts(&text, "]}");
	ok(!compile_buf(&text, &problem), "too many values are refused");
	is_text(buf_text(&problem), "#: the document has too many values to be looked at", "for their number");

	buf_reset(&text);
	buf_reset(&problem);
	buf_puts(&text, "{\"$ref\":\"#/$defs/0\",\"$defs\":{");
	for (i = 0; i < 200; i++)
		buf_printf(&text, "\"%d\":{\"$ref\":\"#/$defs/%d\"},", i, i + 1);
	buf_puts(&text, "\"200\":true}}");
	ok(!compile_buf(&text, &problem), "a long chain of references is refused");
	ok(strstr(buf_text(&problem), "more than 100 schemas in a row look at the same value") != NULL, "for its length");
	buf_free(&text);
	buf_free(&problem);
}

/* Twice as many ways through the schema at each level of the document. */
static const char *const intricate[] = {
	"{'$defs':{'a':{'anyOf':[{'items':{'$ref':'#/$defs/a'},'minItems':1},{'items':{'$ref':'#/$defs/a'},'maxItems':1,'minItems':1}]}},'$ref':'#/$defs/a'}",
	"{'$defs':{'a':{'not':{'anyOf':[{'items':{'$ref':'#/$defs/a'}},{'items':{'not':{'$ref':'#/$defs/a'}}}]}}},'$ref':'#/$defs/a'}",
	"{'$defs':{'a':{'allOf':[{'items':{'$ref':'#/$defs/a'}},{'items':{'$ref':'#/$defs/a'}}]}},'$ref':'#/$defs/a'}",
};

static void
test_work(void)
{
	size_t		i;
	Buf			document;

	buf_init(&document, 0);
	repeat(&document, "[", 60);
	repeat(&document, "]", 60);
	for (i = 0; i < lengthof(intricate); i++)
	{
		JsonSchema *schema = compile(intricate[i]);
		Buf			problem;

		buf_init(&problem, 0);
		ok(!json_schema_check(schema, document.data, document.len, &problem), "too much work is no verdict");
		if (!ok(strstr(buf_text(&problem), "takes more work than is allowed") != NULL, "and says so"))
			unit_show("got", buf_text(&problem));
		buf_free(&problem);
		json_schema_free(schema);
	}
	buf_free(&document);
}

/* A small schema that takes 2^levels ways to look at one value. */
static bool
check_doubling(int levels, Buf *problem)
{
	Buf			text;
	JsonSchema *schema;
	bool		good;
	int			i;

	buf_init(&text, 0);
	buf_puts(&text, "{\"$ref\":\"#/$defs/0\",\"$defs\":{");
	for (i = 0; i < levels; i++)
		buf_printf(&text, "\"%d\":{\"allOf\":[{\"$ref\":\"#/$defs/%d\"},{\"$ref\":\"#/$defs/%d\"}]},", i, i + 1, i + 1);
	buf_printf(&text, "\"%d\":{\"type\":\"integer\"}}}", levels);
	schema = json_schema_compile(text.data, text.len, problem);
	good = json_schema_check(schema, "1", 1, problem);
	json_schema_free(schema);
	buf_free(&text);
	return good;
}

/* Whoever checks an answer keeps all others waiting: the bound is some 20 ms. */
static void
test_bound(void)
{
	Buf			problem;

	buf_init(&problem, 0);
	ok(check_doubling(15, &problem), "33,000 ways are looked at");
	ok(!check_doubling(19, &problem), "half a million are not");
	ok(strstr(buf_text(&problem), "takes more work than is allowed") != NULL, "and it says so");
	ok(strchr(buf_text(&problem), '\n') == NULL, "once");
	buf_free(&problem);
}

static void
check_document(const char *schema_text, const Buf *document, const char *expected, const char *name)
{
	JsonSchema *schema = compile(schema_text);
	Buf			problem;

	buf_init(&problem, 0);
	ok(json_schema_check(schema, document->data, document->len, &problem) == (expected == NULL), name);
	if (expected && !ok(strstr(buf_text(&problem), expected) != NULL, "and says why"))
		unit_show("got", buf_text(&problem));
	buf_free(&problem);
	json_schema_free(schema);
}

static void
test_large_documents(void)
{
	Buf			document;

	buf_init(&document, 0);
	buf_puts(&document, "[0");
	repeat(&document, ",0", 100000);
	buf_putc(&document, ']');
	check_document("{'items':{'type':'integer','minimum':0,'maximum':0}}", &document, NULL, "many items");
	buf_reset(&document);
	buf_puts(&document, "[0");
	repeat(&document, ",0", 40000);
	buf_putc(&document, ']');
	check_document("{'uniqueItems':true}", &document, "[1]: is equal to [0]", "many equal items");

	buf_reset(&document);
	buf_puts(&document, "[0");
	repeat(&document, ",0", 600000);
	buf_putc(&document, ']');
	check_document("true", &document, "the document has too many values to be looked at", "more values than are allowed");

	buf_reset(&document);
	buf_putc(&document, '"');
	repeat(&document, "0123456789\xC3\xA4", 1000000);
	buf_putc(&document, '"');
	check_document("{'minLength':11000000,'maxLength':11000000}", &document, NULL, "a long string");
	check_document("{'maxLength':3}", &document, "expected at most 3 characters, found 11000000", "too long a string");

	buf_reset(&document);
	repeat(&document, "1", 1000000);
	check_document("{'type':'integer','multipleOf':3}", &document, "a multiple of 3, found number 1111", "a long number");

	buf_reset(&document);
	buf_puts(&document, "[1");
	repeat(&document, ",[1", 50);
	buf_puts(&document, ".0");
	repeat(&document, "0", 5000000);
	buf_puts(&document, "1");
	repeat(&document, "]", 51);
	check_document("{'items':{'$ref':'#'},'enum':[1,[1,2],[2,[1]],[1,[3]],[1,[4]]]}", &document, "expected one of 1, [1, 2]",
				   "a long number, compared at every depth");

	buf_reset(&document);
	repeat(&document, "[", 64);
	repeat(&document, "]", 64);
	check_document("{'items':{'$ref':'#'}}", &document, NULL, "as deep as allowed");
	check_document("{'anyOf':[{'type':'null'},{'items':{'$ref':'#'}}]}", &document, NULL, "through alternatives, too");
	buf_reset(&document);
	repeat(&document, "[", 65);
	repeat(&document, "]", 65);
	check_document("{'items':{'$ref':'#'}}", &document, "nested too deeply", "deeper than allowed");
	buf_free(&document);
}

/* At most 20 faults, of a bounded length, each in a line of its own. */
static void
test_many_faults(void)
{
	JsonSchema *schema = compile("{'items':{'type':'string'},'additionalProperties':{'anyOf':[{'type':'string'},{'enum':['a']},{'not':{}}]}}");
	Buf			document;
	Buf			problem;
	const char *p;
	int			lines = 1;

	buf_init(&document, 0);
	buf_init(&problem, 0);
	buf_puts(&document, "[0");
	repeat(&document, ",0", 1000);
	buf_putc(&document, ']');
	ok(!json_schema_check(schema, document.data, document.len, &problem), "a thousand faults");
	for (p = buf_text(&problem); *p; p++)
		lines += *p == '\n';
	is_int(lines, 20, "twenty of them are told");
	ok(strstr(buf_text(&problem), "\n[19]: expected string") != NULL, "the first ones");

	buf_reset(&document);
	buf_reset(&problem);
	buf_puts(&document, "{\"");
	repeat(&document, "\xC3\xA4\\n", 10000);
	buf_puts(&document, "\":[\"");
	repeat(&document, "\xE2\x82\xAC", 10000);
	buf_puts(&document, "\"]}");
	ok(!json_schema_check(schema, document.data, document.len, &problem), "a fault with a long name");
	ok(problem.len < 1200, "is told in short");
	ok(strchr(buf_text(&problem), '\n') == NULL, "in one line");
	buf_free(&document);
	buf_free(&problem);
	json_schema_free(schema);
}

/* The answer is repaired when it comes; what is left is judged as it is read. */
static void
test_bad_bytes(void)
{
	static const char bad_schema[] = "{\"const\":\"\xFF\"}";
	Buf			document;
	Buf			problem;

	buf_init(&document, 0);
	buf_init(&problem, 0);
	buf_puts(&document, "[\"\xFF\xC3\",\"\\ud800\\u0000\"]");
	check_document("{'items':{'minLength':2,'maxLength':2}}", &document, NULL, "what is no character counts as one");
	ok(json_schema_compile(bad_schema, strlen(bad_schema), &problem) == NULL, "but not in a schema");
	ok(strstr(buf_text(&problem), "bytes that are not UTF-8") != NULL, "and it says so");
	buf_reset(&problem);
	ok(json_schema_compile("tr\0ue", 5, &problem) == NULL, "a NUL byte in a schema");
	buf_free(&document);
	buf_free(&problem);
	json_schema_free(NULL);
}

/* ---- numbers ---- */

static void
test_numbers(void)
{
	/* in order; those in one row are equal */
	static const char *const order[][4] = {
		{"-1e1000"}, {"-9007199254740993"}, {"-9007199254740992"}, {"-10", "-1e1", "-10.0", "-0.1e2"},
		{"-1"}, {"-0.5"}, {"-1e-1000"}, {"0", "-0", "0.00", "0e99999999999999999999"}, {"1e-1000"},
		{"0.001", "1e-3", "0.1E-2", "1000e-6"}, {"0.0010001"}, {"1", "1.0", "10e-1", "0.01e+2"},
		{"1.0000000000000000000000000001"}, {"9.99"}, {"10"}, {"10.01", "1001e-2"}, {"9007199254740992"},
		{"9007199254740993"}, {"18446744073709551616"}, {"1e1000", "10e999"}, {"1e1001"},
	};
	size_t		i;
	size_t		j;
	size_t		k;

	for (i = 0; i < lengthof(order); i++)
	{
		for (j = 0; j < lengthof(order); j++)
		{
			const char *a = order[i][0];
			const char *b = order[j][0];
			int			result = json_number_compare(a, strlen(a), b, strlen(b));

			if (!ok((result < 0) == (i < j) && (result > 0) == (i > j), "numbers are in order"))
				printf("# %s, %s: %d\n", a, b, result);
		}
		for (k = 1; k < 4 && order[i][k]; k++)
			is_int(json_number_compare(order[i][0], strlen(order[i][0]), order[i][k], strlen(order[i][k])), 0,
				   order[i][k]);
	}
}

int
main(void)
{
	test_checks();
	test_refusals();
	test_shorthand();
	test_shorthand_meaning();
	test_schema_limits();
	test_work();
	test_bound();
	test_large_documents();
	test_many_faults();
	test_bad_bytes();
	test_numbers();
	return unit_done();
}
