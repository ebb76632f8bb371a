/*
 * fuzz_plain_text.c
 *		Markdown.  Whatever it is, the text is text, and holds nothing that a
 *		terminal would obey.
 */
#include "fuzz.h"
#include "plain_text.h"

static void
check_text(const Buf *out)
{
	const char *text = buf_text(out);

	for (size_t i = 0; i < out->len; i++)
	{
		size_t		used;

		require((unsigned char) text[i] >= 0x20 || text[i] == '\n' || text[i] == '\t');
		require(text[i] != 0x7F);
		require(utf8_sequence(text + i, out->len - i, &used) == UTF8_GOOD);
		require(!(used == 2 && text[i] == '\xC2' && (unsigned char) text[i + 1] < 0xA0));
		i += used - 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Buf			out;
	PlainText	outcome;

	buf_init(&out, 1 << 20);
	outcome = plain_text((const char *) data, size, 64 << 20, NULL, &out);
	require(outcome == PLAIN_TEXT_DONE || outcome == PLAIN_TEXT_TOO_LARGE);
	if (outcome == PLAIN_TEXT_DONE)
		check_text(&out);
	buf_free(&out);
	return 0;
}
