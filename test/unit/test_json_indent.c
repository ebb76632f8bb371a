/*
 * test_json_indent.c
 *		JSON laid out: what it says stays.
 */
#include "json_indent.h"
#include "unit.h"

static const struct
{
	const char *name;
	const char *json;
	const char *laid_out;
}			documents[] = {
	{"nothing", "", ""},
	{"a number", " -1.5e3 ", "-1.5e3"},
	{"members keep their order", "{\"b\" : 1,\"a\":null}", "{\n  \"b\": 1,\n  \"a\": null\n}"},
	{"what is empty stays on its line", "{\"a\": {}, \"b\" : [ ]}", "{\n  \"a\": {},\n  \"b\": []\n}"},
	{"within each other", "[[1, {\"a\": [true]}]]", "[\n  [\n    1,\n    {\n      \"a\": [\n        true\n      ]\n    }\n  ]\n]"},
	{"signs within strings", "[\"{[,:]} \\\" \\\\\", \"\\n\"]", "[\n  \"{[,:]} \\\" \\\\\",\n  \"\\n\"\n]"},
	{"a string that does not end", "[\"a\\", "[\n  \"a\\"},
};

int
main(void)
{
	for (size_t i = 0; i < lengthof(documents); i++)
	{
		Buf			out;

		buf_init(&out, 0);
		json_indent(documents[i].json, strlen(documents[i].json), &out);
		is_text(buf_text(&out), documents[i].laid_out, documents[i].name);
		buf_free(&out);
	}
	return unit_done();
}
