/*
 * test_buf.c
 *		Buffers: growth, limits, what is kept when something does not fit.
 */
#include "buf.h"
#include "unit.h"

static void
test_growth(void)
{
	Buf			buf;
	int			i;

	buf_init(&buf, 0);
	is_text(buf_text(&buf), "", "an unused buffer has a text");
	for (i = 0; i < 100000; i++)
		buf_putc(&buf, (char) ('a' + i % 26));
	is_int((int64_t) buf.len, 100000, "a buffer grows");
	ok(buf.data[buf.len] == '\0', "and stays terminated");
	ok(buf.cap <= 262144, "by doubling");
	buf_reset(&buf);
	is_text(buf_text(&buf), "", "a reset empties it");
	buf_printf(&buf, "%s-%d", "x", 42);
	is_text(buf_text(&buf), "x-42", "formatted");
	buf_consume(&buf, 2);
	is_text(buf_text(&buf), "42", "the first bytes dropped");
	buf_consume(&buf, 99);
	is_text(buf_text(&buf), "", "more dropped than there is");
	buf_free(&buf);
	buf_consume(&buf, 1);
	ok(buf.data == NULL, "freed");
}

static void
test_limit(void)
{
	Buf			buf;

	buf_init(&buf, 5);
	ok(buf_puts(&buf, "abc"), "within the limit");
	ok(!buf_puts(&buf, "defg"), "over the limit");
	ok(buf.failed, "the failure is remembered");
	is_text(buf_text(&buf), "abcde", "what fits is kept");
	ok(!buf_putc(&buf, 'x'), "later appends are ignored");
	buf_reset(&buf);
	ok(!buf.failed, "a reset forgives");
	ok(!buf_printf(&buf, "%08d", 7), "a format over the limit");
	is_text(buf_text(&buf), "00000", "is kept as far as it fits");
	ok(!buf_append(&buf, "x", SIZE_MAX), "an impossible length fails");
	buf_free(&buf);

	buf_init(&buf, 0);
	ok(!buf_append(&buf, "x", SIZE_MAX - 1), "also without a limit");
	buf_free(&buf);
}

static void
test_json_string(void)
{
	static const struct
	{
		const char *text;
		size_t		len;
		const char *json;
	}			cases[] = {
		{"", 0, "\"\""},
		{"plain", 5, "\"plain\""},
		{"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
		{"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
		{"\x01\x1f\x7f", 3, "\"\\u0001\\u001f\x7f\""},
		{"\xC3\xA4\xF0\x9F\x98\x80", 6, "\"\xC3\xA4\xF0\x9F\x98\x80\""},
		{"a\xFF\xC3", 3, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{"a\0b", 3, "\"a\xEF\xBF\xBD" "b\""},
		{"/</", 3, "\"/</\""},
	};
	size_t		i;

	for (i = 0; i < lengthof(cases); i++)
	{
		Buf			buf;

		buf_init(&buf, 0);
		buf_json_string(&buf, cases[i].text, cases[i].len);
		is_text(buf_text(&buf), cases[i].json, "a text as a JSON string");
		buf_free(&buf);
	}
}

int
main(void)
{
	test_growth();
	test_limit();
	test_json_string();
	return unit_done();
}
