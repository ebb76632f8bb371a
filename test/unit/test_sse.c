/*
 * test_sse.c
 *		Server-sent events: every line end, every cut.
 */
#include "sse.h"
#include "unit.h"

#define TEXT(literal)	literal, sizeof(literal) - 1

static const struct
{
	const char *name;
	const char *bytes;
	size_t		len;
	const char *events;			/* "name|data" each, then a semicolon */
	size_t		max;			/* 0: no limit */
	bool		overflow;
}			cases[] = {
	{"nothing", TEXT(""), ""},
	{"one event", TEXT("data: a\n\n"), "|a;"},
	{"CR", TEXT("data: a\r\rdata: b\r\r"), "|a;|b;"},
	{"CRLF", TEXT("data: a\r\n\r\ndata: b\r\n\r\n"), "|a;|b;"},
	{"mixed line ends", TEXT("data: a\r\n\ndata: b\r\r\ndata: c\n\r"), "|a;|b;|c;"},
	{"no space after the colon", TEXT("data:a\n\n"), "|a;"},
	{"only one space is dropped", TEXT("data:  a\n\n"), "| a;"},
	{"several data lines", TEXT("data: a\ndata: b\ndata:\ndata: c\n\n"), "|a\nb\n\nc;"},
	{"an empty data line is data", TEXT("data:\n\ndata\n\n"), "|;|;"},
	{"a named event", TEXT("event: error\ndata: a\n\ndata: b\n\n"), "error|a;|b;"},
	{"a name without data is no event", TEXT("event: x\n\ndata: b\n\n"), "|b;"},
	{"comments", TEXT(": keep-alive\n\n:\n\ndata: a\n: inside\ndata: b\n\n"), "|a\nb;"},
	{"unknown fields", TEXT("id: 7\nretry: 10\nfoo\ndata2: x\ndata: a\n\n"), "|a;"},
	{"byte-order mark", TEXT("\xEF\xBB\xBF" "data: a\n\n"), "|a;"},
	{"half a byte-order mark", TEXT("\xEF\xBB" "data: a\n\ndata: b\n\n"), "|b;"},
	{"only at the start", TEXT("data: a\n\n\xEF\xBB\xBF" "data: b\n\n"), "|a;"},
	{"blank lines before", TEXT("\n\r\n\rdata: a\n\n"), "|a;"},
	{"no blank line at the end", TEXT("data: a\n\ndata: b\n"), "|a;|b;"},
	{"no line end at the end", TEXT("data: a\n\ndata: b"), "|a;|b;"},
	{"colon and NUL in the data", TEXT("data: a:b\n\n"), "|a:b;"},
	{"within the limit", TEXT("data: abcd\n\n"), "|abcd;", 10},
	{"a line over the limit", TEXT("data: a\n\ndata: abcdefghi\n\ndata: b\n\n"), "|a;", 10, true},
	{"an event over the limit", TEXT("data: abcd\ndata: efgh\ndata: ijkl\n\n"), "", 10, true},
	{"a comment over the limit", TEXT(": abcdefghijkl\ndata: a\n\n"), "", 10, true},
	{"a cut line over the limit", TEXT("data: abcdefghijkl"), "", 10, true},
	{"a long name is clipped",
		TEXT("event: 0123456789012345678901234567890123456789012345678901234567890123456789\ndata: a\n\n"),
	"012345678901234567890123456789012345678901234567890123456789012|a;"},
};

typedef struct Target
{
	SseSplitter sse;
	Buf			seen;
} Target;

static void
see_event(void *arg, const char *event, const char *data, size_t len)
{
	Buf		   *seen = arg;

	buf_printf(seen, "%s|", event);
	buf_append(seen, data, len);
	buf_puts(seen, data[len] == '\0' ? ";" : "not terminated");
}

static void
feed(void *arg, const char *bytes, size_t len)
{
	Target	   *target = arg;

	sse_feed(&target->sse, bytes, len, see_event, &target->seen);
}

int
main(void)
{
	size_t		i;
	int			cut;

	for (i = 0; i < lengthof(cases); i++)
	{
		bool		good = true;

		for (cut = 0; cut < CUTS && good; cut++)
		{
			Target		target;

			sse_init(&target.sse, cases[i].max);
			buf_init(&target.seen, 0);
			feed_in_pieces(cases[i].bytes, cases[i].len, cut, feed, &target);
			sse_finish(&target.sse, see_event, &target.seen);
			good = strcmp(buf_text(&target.seen), cases[i].events) == 0 &&
				target.sse.overflow == cases[i].overflow;
			if (!good)
				unit_show("got", buf_text(&target.seen));
			buf_free(&target.seen);
			sse_free(&target.sse);
		}
		ok(good, cases[i].name);
	}
	return unit_done();
}
