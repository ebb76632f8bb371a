/*
 * test_json_scan.c
 *		The JSON reader: values with their paths, repairs, and what is refused.
 */
#include "json_scan.h"
#include "unit.h"

#define R	"\xEF\xBF\xBD"

static void
see_value(void *arg, const JsonValue *value)
{
	Buf		   *seen = arg;
	int			i;

	buf_printf(seen, "%s", value->path);
	for (i = 0; i < value->nindex; i++)
		buf_printf(seen, "@%d", value->index[i]);
	buf_printf(seen, "%s%s;", value->kind == JSON_STRING ? "~" : "=", value->value);
	if (strlen(value->value) != value->len)
		buf_puts(seen, "NUL inside");
}

static const struct
{
	const char *json;
	const char *values;			/* path@index=value; strings have ~ */
	int			replaced;
}			good_cases[] = {
	{"1", "=1;"},
	{" \t\r\n\"a\" ", "~a;"},
	{"true", "=true;"},
	{"[false,null]", "[]@0=false;[]@1=null;"},
	{"{}", "={};"},
	{"[]", "=[];"},
	{"{\"a\":{},\"b\":[]}", "a={};b=[];"},
	{"[ [ ] , { } ]", "[]@0=[];[]@1={};"},
	{"{\"a\":{\"b\":[{\"c\":1},{\"c\":2}]},\"d\":3}", "a.b[].c@0=1;a.b[].c@1=2;d=3;"},
	{"[[1,2],[3]]", "[][]@0@0=1;[][]@0@1=2;[][]@1@0=3;"},
	{"-0.5e+10", "=-0.5e+10;"},
	{"[0,-0,1E5,1e-5,12.50]", "[]@0=0;[]@1=-0;[]@2=1E5;[]@3=1e-5;[]@4=12.50;"},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "~\"\\/\b\f\n\r\t;"},
	{"\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00\"", "~A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80;"},
	{"\"\\u0000\"", "~" R ";", 1},
	{"\"\\ud800\"", "~" R ";", 1},
	{"\"\\ud800x\"", "~" R "x;", 1},
	{"\"\\ud800\\u0041\"", "~" R "A;", 1},
	{"\"\\ud800\\ud83d\\ude00\"", "~" R "\xF0\x9F\x98\x80;", 1},
	{"\"\\ude00\"", "~" R ";", 1},
	{"\"a\xFF\xC3\"", "~a" R R ";", 2},
	{"{\"\\u0000\":1}", R "=1;", 1},
	{"\"\xC3\xA4\x7f\"", "~\xC3\xA4\x7f;"},
	{"{\"a.b\":1,\"[]\":2,\"a\\\\\":3}", "a\\.b=1;\\[\\]=2;a\\\\=3;"},
	{"{\"\":{\"a\":1,\"\":2}}", "\\-.a=1;\\-.\\-=2;"},
	{"{\"a\":1,\"a\":2}", "a=1;a=2;"},
	/* more than eight bytes, with something special at each place among them */
	{"\"0123456\\n9\"", "~0123456\n9;"},
	{"\"01234567\\\"012345678\"", "~01234567\"012345678;"},
	{"\"012345678\xC3\xA4" "012345678\xFF" "012345678\"",
	"~012345678\xC3\xA4" "012345678" R "012345678;", 1},
	{"\"~~~~~~~~!!!!!!!!\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f########\"",
	"~~~~~~~~~!!!!!!!!\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f########;"},
	{"{\"a long name.with a dot\":1,\"another \\u0041 long name\":2}",
	"a long name\\.with a dot=1;another A long name=2;"},
};

static const char *const bad_cases[] = {
	"", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}",
	"{a:1}", "{'a':1}", "{\"a\" 1}", "{1:1}", "{,}", "[,]", "[1 2]", "{\"a\":1 \"b\":2}",
	"1 2", "{} {}", "[1}", "{\"a\":1]", "]", "}", ",",
	"tru", "True", "nul", "NaN", "Infinity", "undefined",
	"01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "1_0", "--1",
	"\"", "\"a", "\"\\\"", "\"\\", "\"\\x\"", "\"\\u\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u123",
	"\"a\nb\"", "\"01234567\n01234567\"", "\"abc\x1fxyz\"", "\"\t\"", "\"\x01\"", "\xEF\xBB\xBF{}", "/* c */ 1", "1 // c", "\xFF",
};

static void
test_documents(void)
{
	size_t		i;

	for (i = 0; i < lengthof(good_cases); i++)
	{
		size_t		len = strlen(good_cases[i].json);
		char	   *copy = malloc(len);
		int64_t		replaced = 10;
		const char *error = "unset";
		Buf			seen;

		buf_init(&seen, 0);
		memcpy(copy, good_cases[i].json, len);
		ok(json_scan(copy, len, see_value, &seen, &replaced, &error) && error == NULL,
		   "a document is read");
		is_text(buf_text(&seen), good_cases[i].values, "its values");
		is_int(replaced, 10 + good_cases[i].replaced, "its repairs are added");
		buf_free(&seen);
		free(copy);
	}
	for (i = 0; i < lengthof(bad_cases); i++)
	{
		size_t		len = strlen(bad_cases[i]);
		char	   *copy = malloc(len + 1);
		const char *error = NULL;
		Buf			seen;

		buf_init(&seen, 0);
		memcpy(copy, bad_cases[i], len);
		if (!ok(!json_scan(copy, len, see_value, &seen, NULL, &error) && error != NULL,
				"what is not JSON is refused"))
			unit_show("json", bad_cases[i]);
		buf_free(&seen);
		free(copy);
	}
	ok(!json_scan("\"a\0b\"", 5, see_value, NULL, NULL, NULL), "a NUL byte is refused");
}

static void
ignore_value(void *arg, const JsonValue *value)
{
	if (value->path[0] == '\0' && value->nindex == 0)
		++*(int *) arg;
}

static void
test_limits(void)
{
	Buf			json;
	int			nameless = 0;
	int			i;

	buf_init(&json, 0);
	for (i = 0; i < JSON_MAX_DEPTH; i++)
		buf_putc(&json, '[');
	for (i = 0; i < JSON_MAX_DEPTH; i++)
		buf_putc(&json, ']');
	ok(json_scan(json.data, json.len, ignore_value, &nameless, NULL, NULL),
	   "as deep as allowed");
	buf_reset(&json);
	for (i = 0; i < 100000; i++)
		buf_putc(&json, i % 2 ? '[' : '{');
	ok(!json_scan(json.data, json.len, ignore_value, &nameless, NULL, NULL), "too deep");

	buf_reset(&json);
	buf_puts(&json, "{\"");
	for (i = 0; i < JSON_MAX_PATH; i++)
		buf_putc(&json, 'x');
	buf_puts(&json, "\":{\"a\":1,\"b\":[2]},\"c\":3}");
	nameless = 0;
	ok(json_scan(json.data, json.len, ignore_value, &nameless, NULL, NULL), "a long name");
	is_int(nameless, 1, "has no path, and its neighbours have theirs");
	buf_free(&json);
}

static void
see_member(void *arg, const JsonMember *member)
{
	buf_printf(arg, "%s=", member->name);
	buf_append(arg, member->raw, member->raw_len);
	buf_puts(arg, ";");
}

static void
test_members(void)
{
	static const struct
	{
		const char *json;
		const char *members;	/* NULL: refused */
	}			cases[] = {
		{"{}", ""},
		{" { \"a\" : 1 , \"b\":{ \"a\":[1, 2] } } ", "a=1;b={ \"a\":[1, 2] };"},
		{"{\"\\u0061\":\"\\u0062\"}", "a=\"\\u0062\";"},
		{"{\"a\":1,\"a\":2}", "a=1;a=2;"},
		{"{\"a\":{\"b\":{}},\"c\":[{}]}", "a={\"b\":{}};c=[{}];"},
		{"[1]", NULL},
		{"\"a\"", NULL},
		{"", NULL},
		{"{\"a\":1", NULL},
		{"{\"a\":1} x", NULL},
		{"{\"a\":b}", NULL},
	};
	size_t		i;

	for (i = 0; i < lengthof(cases); i++)
	{
		const char *error = NULL;
		Buf			seen;
		bool		good;

		buf_init(&seen, 0);
		good = json_members(cases[i].json, strlen(cases[i].json), see_member, &seen, &error);
		ok(good == (cases[i].members != NULL) && good == (error == NULL),
		   "an object's members, or nothing");
		if (good)
			is_text(buf_text(&seen), cases[i].members, "as they stand in it");
		buf_free(&seen);
	}
}

static void
test_int64(void)
{
	static const struct
	{
		const char *number;
		bool		good;
		int64_t		value;
	}			cases[] = {
		{"0", true, 0}, {"-0", true, 0}, {"42", true, 42}, {"-42", true, -42},
		{"1.9", true, 1}, {"-1.1", true, -2}, {"-0.5", true, -1}, {"0.9", true, 0}, {"-1.0", true, -1},
		{"1e3", true, 1000}, {"1.5e1", true, 15}, {"1.55e1", true, 15}, {"12e-1", true, 1},
		{"1E+2", true, 100}, {"5e-400", true, 0}, {"-5e-400", true, -1}, {"0e999999999999", true, 0},
		{"0.0e99", true, 0}, {"0.001e3", true, 1},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"-9223372036854775807.5", true, INT64_MIN},
		{"9223372036854775808", false, 0}, {"-9223372036854775809", false, 0},
		{"-9223372036854775808.5", false, 0},
		{"1e19", false, 0}, {"1e999999999999999999999", false, 0}, {"99999999999999999999", false, 0},
	};
	size_t		i;
	JsonValue	text = {.path = "", .kind = JSON_STRING, .value = "1", .len = 1};
	int64_t		out;

	for (i = 0; i < lengthof(cases); i++)
	{
		JsonValue	value = {.path = "", .kind = JSON_NUMBER, .value = cases[i].number};
		bool		good;

		value.len = strlen(value.value);
		out = 0;
		good = json_int64(&value, &out);
		if (!ok(good == cases[i].good && (!good || out == cases[i].value), "a number as int64"))
			unit_show("number", cases[i].number);
	}
	ok(!json_int64(&text, &out), "a text is no number");
}

int
main(void)
{
	test_documents();
	test_limits();
	test_members();
	test_int64();
	return unit_done();
}
