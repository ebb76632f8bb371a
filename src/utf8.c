/*
 * utf8.c
 *		Makes bytes from outside storable as PostgreSQL text.
 *
 * What counts as one bad sequence follows the Unicode standard's "maximal
 * subpart": the longest start of a character that could have become valid is
 * replaced by one U+FFFD, every other stray byte by one of its own.  So the
 * count does not depend on how the network cut the stream.
 */
#include "utf8.h"

#include <string.h>

/* Length of the character that a lead byte promises; 0 if it leads none. */
static size_t
promised_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xC2)
		return 0;
	if (lead < 0xE0)
		return 2;
	if (lead < 0xF0)
		return 3;
	return lead < 0xF5 ? 4 : 0;
}

/*
 * May second follow lead?  The lead's neighbours at the borders rule out
 * overlong forms, surrogates, and code points beyond U+10FFFF.
 */
static bool
second_fits(unsigned char lead, unsigned char second)
{
	unsigned char low = 0x80;
	unsigned char high = 0xBF;

	if (lead == 0xE0)
		low = 0xA0;
	else if (lead == 0xED)
		high = 0x9F;
	else if (lead == 0xF0)
		low = 0x90;
	else if (lead == 0xF4)
		high = 0x8F;
	return second >= low && second <= high;
}

Utf8Verdict
utf8_sequence(const char *text, size_t len, size_t *used)
{
	const unsigned char *p = (const unsigned char *) text;
	size_t		promised = promised_length(p[0]);
	size_t		i;

	*used = 1;
	if (promised == 0 || p[0] == 0)
		return UTF8_BAD;
	for (i = 1; i < promised; i++)
	{
		*used = i;
		if (i == len)
			return UTF8_PARTIAL;
		if (i == 1 ? !second_fits(p[0], p[1]) : (p[i] & 0xC0) != 0x80)
			return UTF8_BAD;
	}
	*used = promised;
	return UTF8_GOOD;
}

void
utf8_repair_init(Utf8Repair *repair)
{
	memset(repair, 0, sizeof(*repair));
}

static void
put_replacement(Utf8Repair *repair, Buf *out)
{
	buf_puts(out, UTF8_REPLACEMENT);
	repair->replaced++;
}

/*
 * Completes the pending character with bytes of the new piece.  Returns how
 * many of them it took; the byte that breaks the character is not taken.
 */
static size_t
feed_pending(Utf8Repair *repair, const char *data, size_t len, Buf *out)
{
	size_t		taken = 0;

	while (repair->npending > 0 && taken < len)
	{
		Utf8Verdict verdict;
		size_t		used;

		repair->pending[repair->npending] = (unsigned char) data[taken];
		verdict = utf8_sequence((const char *) repair->pending,
								(size_t) repair->npending + 1, &used);
		if (verdict == UTF8_BAD)
		{
			put_replacement(repair, out);
			repair->npending = 0;
			return taken;
		}
		taken++;
		repair->npending++;
		if (verdict == UTF8_GOOD)
		{
			buf_append(out, repair->pending, (size_t) repair->npending);
			repair->npending = 0;
		}
	}
	return taken;
}

void
utf8_repair_feed(Utf8Repair *repair, const char *data, size_t len, Buf *out)
{
	const char *end = data + len;
	const char *p = data + feed_pending(repair, data, len, out);
	const char *run = p;

	while (p < end)
	{
		Utf8Verdict verdict;
		size_t		used;

		verdict = utf8_sequence(p, (size_t) (end - p), &used);
		if (verdict == UTF8_GOOD)
		{
			p += used;
			continue;
		}
		buf_append(out, run, (size_t) (p - run));
		if (verdict == UTF8_BAD)
			put_replacement(repair, out);
		else
		{
			memcpy(repair->pending, p, used);
			repair->npending = (int) used;
		}
		p += used;
		run = p;
	}
	buf_append(out, run, (size_t) (p - run));
}

void
utf8_repair_finish(Utf8Repair *repair, Buf *out)
{
	if (repair->npending > 0)
		put_replacement(repair, out);
	repair->npending = 0;
}

size_t
utf8_clip(const char *text, size_t len, size_t max)
{
	size_t		clip = max;

	if (len <= max)
		return len;
	while (clip > 0 && max - clip < 3 && ((unsigned char) text[clip] & 0xC0) == 0x80)
		clip--;
	return clip;
}
