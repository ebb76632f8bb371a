/*
 * test_utf8.c
 *		Repairs: which bytes become U+FFFD, how many, and however they are cut.
 */
#include "unit.h"
#include "utf8.h"

#define R	"\xEF\xBF\xBD"

static const struct
{
	const char *name;
	const char *bytes;
	size_t		len;
	const char *text;
	int			replaced;
}			cases[] = {
	{"empty", "", 0, "", 0},
	{"ASCII", "abc", 3, "abc", 0},
	{"two, three, four bytes", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 9,
	"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 0},
	{"the borders", "\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF", 17,
	"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF", 0},
	{"NUL", "a\0b", 3, "a" R "b", 1},
	{"a stray continuation", "a\x80" "b", 3, "a" R "b", 1},
	{"overlong", "\xC0\xAF\xE0\x80\x80", 5, R R R R R, 5},
	{"a surrogate", "\xED\xA0\x80", 3, R R R, 3},
	{"beyond U+10FFFF", "\xF4\x90\x80\x80\xF5", 5, R R R R R, 5},
	{"one for a start that could have become valid", "\xE2\x82" "a\xF0\x9F\x98" "b", 7,
	R "a" R "b", 2},
	{"cut at the end", "a\xE2\x82", 3, "a" R, 1},
	{"a start after a start", "\xC3\xC3\xA4", 3, R "\xC3\xA4", 1},
};

typedef struct Target
{
	Utf8Repair	repair;
	Buf			out;
} Target;

static void
feed(void *arg, const char *bytes, size_t len)
{
	Target	   *target = arg;

	utf8_repair_feed(&target->repair, bytes, len, &target->out);
}

static void
test_repair(void)
{
	size_t		i;
	int			cut;

	for (i = 0; i < lengthof(cases); i++)
	{
		bool		good = true;

		for (cut = 0; cut < CUTS && good; cut++)
		{
			Target		target;

			utf8_repair_init(&target.repair);
			buf_init(&target.out, 0);
			feed_in_pieces(cases[i].bytes, cases[i].len, cut, feed, &target);
			utf8_repair_finish(&target.repair, &target.out);
			good = strcmp(buf_text(&target.out), cases[i].text) == 0 &&
				target.repair.replaced == cases[i].replaced;
			if (!good)
				unit_show("got", buf_text(&target.out));
			buf_free(&target.out);
		}
		ok(good, cases[i].name);
	}
}

static void
test_clip(void)
{
	const char *text = "a\xC3\xA4\xF0\x9F\x98\x80";

	is_int((int64_t) utf8_clip(text, 7, 10), 7, "short enough");
	is_int((int64_t) utf8_clip(text, 7, 7), 7, "just fits");
	is_int((int64_t) utf8_clip(text, 7, 6), 3, "not within four bytes");
	is_int((int64_t) utf8_clip(text, 7, 4), 3, "not after the first of four");
	is_int((int64_t) utf8_clip(text, 7, 3), 3, "between two characters");
	is_int((int64_t) utf8_clip(text, 7, 2), 1, "not within two bytes");
	is_int((int64_t) utf8_clip(text, 7, 0), 0, "nothing");
}

int
main(void)
{
	test_repair();
	test_clip();
	return unit_done();
}
