/*
 * fuzz_redact.c
 *		A key, the first line of the input, and a text that may quote it.
 *
 * Whether the text comes whole or in pieces: it stays a text of the same length,
 * every byte is what it was or an asterisk, and the key is not in it.
 */
#include "fuzz.h"
#include "redact.h"

typedef struct Target
{
	Redactor	redactor;
	Buf			out;
} Target;

static void
feed(void *arg, const char *bytes, size_t len)
{
	Target	   *target = arg;

	redactor_feed(&target->redactor, bytes, len, &target->out);
}

/* Whether it is a key that can be told from ordinary words, and stand in a text. */
static bool
is_key(const char *key)
{
	size_t		len = strlen(key);
	size_t		used;

	if (len < REDACT_SHORTEST || key[0] == '\\')
		return false;
	if (strchr(key, '*') != NULL)	/* what is hidden could look like it */
		return false;
	if (strstr(key, "\\\\\\\\") != NULL)	/* more than are followed once they are doubled */
		return false;
	for (; len > 0; key += used, len -= used)
	{
		if (utf8_sequence(key, len, &used) != UTF8_GOOD)
			return false;
	}
	return true;
}

static void
check(const char *key, const Buf *text, const Buf *result)
{
	size_t		i;

	require(result->len == text->len);
	require_text(buf_text(result), result->len);
	for (i = 0; i < text->len; i++)
		require(result->data[i] == text->data[i] || result->data[i] == '*');
	if (is_key(key))
		require(strstr(buf_text(result), key) == NULL);
}

/* Pieces of a decoder end between characters: without others, any piece does. */
static void
check_pieces(const char *key, uint8_t choice, const Buf *text)
{
	Target		target;

	redactor_init(&target.redactor, key);
	buf_init(&target.out, 0);
	fuzz_feed(buf_text(text), text->len, choice, feed, &target);
	redactor_finish(&target.redactor, &target.out);
	check(key, text, &target.out);
	redactor_free(&target.redactor);
	buf_free(&target.out);
}

static bool
is_ascii(const Buf *text)
{
	size_t		i;

	for (i = 0; i < text->len; i++)
	{
		if ((unsigned char) text->data[i] >= 0x80)
			return false;
	}
	return true;
}

static void
check_text(const char *key, uint8_t choice, const Buf *text)
{
	Buf			whole;

	buf_init(&whole, 0);
	buf_append(&whole, buf_text(text), text->len);
	redact(key, whole.data, whole.len);
	check(key, text, &whole);
	buf_free(&whole);
	check_pieces(key, is_ascii(text) ? choice : 0, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
	Utf8Repair	repair;
	Buf			key;
	Buf			text;

	if (end == NULL)
		return 0;
	buf_init(&key, 0);
	buf_init(&text, 0);
	buf_append(&key, data + 1, (size_t) (end - data) - 1);
	utf8_repair_init(&repair);
	utf8_repair_feed(&repair, (const char *) end + 1, size - (size_t) (end - data) - 1, &text);
	utf8_repair_finish(&repair, &text);
	check_text(buf_text(&key), data[0], &text);
	buf_free(&key);
	buf_free(&text);
	return 0;
}
