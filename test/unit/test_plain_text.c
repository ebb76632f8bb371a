/*
 * test_plain_text.c
 *		Markdown made text: what its signs become, and what no text can bring about.
 */
#include "plain_text.h"
#include "unit.h"

#define ROOM	(16 * 1024 * 1024)

static const struct
{
	const char *name;
	const char *markdown;
	const char *text;
}			documents[] = {
	{"nothing", "", ""},
	{"a paragraph keeps its lines", "a *b*\n**c** `d`\n\ne\n", "a b\nc d\n\ne\n"},
	{"headings", "# Gr\xC3\xB6\xC3\x9F" "e *x*\n## b\n### c\ntext", "Gr\xC3\xB6\xC3\x9F" "e x\n=======\n\nb\n-\n\nc\n\ntext\n"},
	{"an empty heading", "#\n\na", "a\n"},
	{"a hard break", "a  \nb", "a\nb\n"},
	{"a rule", "a\n\n---\n\nb", "a\n\n----------------------------------------\n\nb\n"},
	{"code is indented", "```py\na\n\n\tb *c*\n```\n", "    a\n\n    \tb *c*\n"},
	{"plaintext is not", "```plaintext\n a\n# b\n```", " a\n# b\n"},
	{"a tight list", "- a\n- b\n  c\n  - d\n\ne", "- a\n- b\n  c\n  - d\n\ne\n"},
	{"a loose list", "9. a\n\n   b\n9. c\n", "9. a\n\n   b\n\n10. c\n"},
	{"empty items", "-\n- a\n-\n", "- \n- a\n- \n"},
	{"lists within lists, begun on one line", "- 1. - a", "- 1. - a\n"},
	{"a quote", "> a\n> b\n>\n> - c\n", "> a\n> b\n>\n> - c\n"},
	{"an empty quote", ">\n\na", "> \n\na\n"},
	{"code in an item", "- a\n\n      b\n", "- a\n\n      b\n"},
	{"links", "[a](http://x) <http://y> <m@z> [b]() [](c)", "a (http://x) http://y m@z b (c)\n"},
	{"an image in a link", "[![a](b)](c)", "a (b) (c)\n"},
	{"a table stays one", "| a | *b* |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |\n"},
	{"HTML stays", "a <b>c</b>\n\n<script>\nx\n</script>\n", "a <b>c</b>\n\n<script>\nx\n</script>\n"},
	{"entities", "&lt;a&gt; &#27;[2J", "<a> [2J\n"},
	{"controls and marks of direction go", "a\x1B[2J\x07 \xE2\x80\xAE\xC2\x9B" "b\xE2\x81\xA6 `c\x7F`\n\n    \x1B]0", "a[2J b c\n\n    ]0\n"},
	{"an address with them", "[a](<x\xE2\x80\xAE>)", "a (x)\n"},
	{"broken UTF-8", "a\xFF\xC3", "a\xEF\xBF\xBD\xEF\xBF\xBD\n"},
};

static bool
stop_at_once(void)
{
	return true;
}

static PlainText
outcome_of(const char *before, const char *piece, int count, size_t memory, size_t *len)
{
	Buf			markdown;
	Buf			out;
	PlainText	outcome;

	buf_init(&markdown, 0);
	buf_init(&out, memory);
	buf_puts(&markdown, before);
	for (int i = 0; i < count; i++)
		buf_puts(&markdown, piece);
	outcome = plain_text(buf_text(&markdown), markdown.len, memory, NULL, &out);
	*len = out.len;
	buf_free(&markdown);
	buf_free(&out);
	return outcome;
}

static void
test_bounds(void)
{
	size_t		len;
	Buf			out;

	ok(outcome_of("", "> ", 20000, ROOM * 4, &len) == PLAIN_TEXT_DONE && len < 1000, "20,000 quotes within each other");
	ok(outcome_of("", "- ", 20000, ROOM * 4, &len) == PLAIN_TEXT_DONE && len < 1000, "20,000 lists within each other");
	ok(outcome_of("a", "[", 100000, ROOM * 4, &len) == PLAIN_TEXT_DONE && len == 100002, "100,000 brackets");
	ok(outcome_of("", "*a _b ", 200000, ROOM, &len) == PLAIN_TEXT_TOO_LARGE, "what needs more memory than it may have");
	ok(outcome_of("", "![[]()", 100000, ROOM, &len) == PLAIN_TEXT_TOO_TANGLED, "what would take hours");
	ok(outcome_of("", "![a](b) [c](d)\n", 1000, ROOM, &len) == PLAIN_TEXT_DONE, "a thousand images and links are none of that");
	buf_init(&out, 0);
	ok(plain_text("a", 1, ROOM, stop_at_once, &out) == PLAIN_TEXT_STOPPED && out.len == 0, "it stops when it is told to");
	ok(plain_text("a", 1, 100, NULL, &out) == PLAIN_TEXT_TOO_LARGE, "no memory at all");
	buf_free(&out);
	buf_init(&out, 2);
	ok(plain_text("abc", 3, ROOM, NULL, &out) == PLAIN_TEXT_TOO_LARGE, "no room for the text");
	buf_free(&out);
}

int
main(void)
{
	for (size_t i = 0; i < lengthof(documents); i++)
	{
		Buf			out;

		buf_init(&out, 0);
		ok(plain_text(documents[i].markdown, strlen(documents[i].markdown), ROOM, NULL, &out) == PLAIN_TEXT_DONE, documents[i].name);
		is_text(buf_text(&out), documents[i].text, documents[i].name);
		buf_free(&out);
	}
	test_bounds();
	return unit_done();
}
