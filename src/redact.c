/*
 * redact.c
 *		Takes a key out of text that comes from outside.
 *
 * Backslashes do not count, neither in the key nor in the text, and an escape of
 * four digits is the character that it names, unless it is just how the key goes
 * on: so it does not matter whether a text is JSON, or JSON within JSON.  What is compared before it is known whether
 * a key begins is bounded, so no text can make this slow.
 */
#include "redact.h"

#include <string.h>

#include "utf8.h"

#define MAX_BACKSLASHES	8		/* before a character: JSON in JSON in JSON */
#define ESCAPE_DIGITS	4

#define NO_NUMBER		(-1)
#define CUT_OFF			(-2)	/* the text ends before it can be told */

/* ---- how a character may be spelled ---- */

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return NO_NUMBER;
}

static int
escape_value(const char *digits, size_t len)
{
	int			value = 0;

	for (size_t i = 0; i < ESCAPE_DIGITS; i++)
	{
		int			digit = i < len ? digit_value(digits[i]) : CUT_OFF;

		if (digit < 0)
			return digit;
		value = value * 16 + digit;
	}
	return value;
}

/* How many backslashes stand here. */
static size_t
plain_backslashes(const char *text, size_t len)
{
	size_t		n = 0;

	while (n < len && n < MAX_BACKSLASHES && text[n] == '\\')
		n++;
	return n;
}

/* How many bytes the backslashes here are, of which one may be spelled "\u005c". */
static size_t
backslashes(const char *text, size_t len)
{
	size_t		n = 0;

	for (int count = 0; count < MAX_BACKSLASHES && n < len; count++)
	{
		if (text[n] == '\\')
			n++;
		else if (n > 0 && text[n] == 'u' && escape_value(text + n + 1, len - n - 1) == '\\')
			n += 1 + ESCAPE_DIGITS;
		else
			break;
	}
	return n;
}

/* What is still to come of the key, and whether more of the text may come. */
typedef struct Rest
{
	const char *key;
	size_t		len;
	bool		is_end;
} Rest;

/* The digits of an escape may as well be the key's own. */
static bool
goes_on(const Rest *rest, const char *digits)
{
	size_t		n = rest->len < ESCAPE_DIGITS ? rest->len : ESCAPE_DIGITS;

	return n > 0 && memcmp(rest->key, digits, n) == 0;
}

/* How many bytes spell c here; 0 = they spell something else; or CUT_OFF. */
static int
spelling(const char *text, size_t len, char c, const Rest *rest)
{
	size_t		plain = plain_backslashes(text, len);
	size_t		n = backslashes(text, len);

	if (n == len && (plain == len || !rest->is_end))
		return CUT_OFF;
	if (n == len)
		n = plain;
	if (n > 0 && text[n] == 'u')
	{
		int			value = escape_value(text + n + 1, len - n - 1);

		if (value == CUT_OFF && !rest->is_end)
			return CUT_OFF;
		if (value == c && value < 0x80 && !(c == 'u' && goes_on(rest, text + n + 1)))
			return (int) n + 1 + ESCAPE_DIGITS;
	}
	if (text[n] == c)
		return (int) n + 1;
	return text[plain] == c ? (int) plain + 1 : 0;
}

/* The next character of the key that counts, and in *at where it ends; NUL = there is none. */
static char
next_of_key(const Redactor *redactor, size_t *at)
{
	const char *key = redactor->key;
	size_t		n = backslashes(key + *at, redactor->len - *at);
	int			value = NO_NUMBER;

	*at += n;
	if (*at == redactor->len)
		return '\0';
	if (n > 0 && key[*at] == 'u')
		value = escape_value(key + *at + 1, redactor->len - *at - 1);
	if (value <= 0 || value >= 0x80)
		return key[(*at)++];
	*at += 1 + ESCAPE_DIGITS;
	return (char) value;
}

/*
 * How many bytes of text spell the key from that place on.  *taken says up to
 * where in the key, always between characters; *cut that the text ended first.
 */
static size_t
follow(const Redactor *redactor, size_t from, const char *text, size_t len, bool is_end, size_t *taken, bool *cut)
{
	const char *key = redactor->key;
	size_t		used = 0;
	size_t		at = from;

	*cut = false;
	while (at < redactor->len)
	{
		size_t		next = at;
		char		c = next_of_key(redactor, &next);
		Rest		rest = {key + next, redactor->len - next, is_end};
		int			n = c != '\0' ? spelling(text + used, len - used, c, &rest) : 0;

		*cut = n == CUT_OFF;
		if (n <= 0 && c != '\0')
			break;
		used += (size_t) n;
		at = next;
	}
	for (; at > from && at < redactor->len && ((unsigned char) key[at] & 0xC0) == 0x80; at--)
		used--;
	*taken = at;
	return used;
}

/* ---- hiding ---- */

static bool
is_enough(const Redactor *redactor, size_t taken)
{
	return taken == redactor->len || taken >= REDACT_BEGINNING;
}

/* Where the next key may begin. */
static size_t
next_start(const Redactor *redactor, const char *text, size_t len, size_t at)
{
	while (at < len && text[at] != redactor->first && text[at] != '\\')
		at++;
	return at;
}

/* A key does not begin here: at the next byte, but not within the same backslashes. */
static size_t
pass(const char *text, size_t len, size_t at)
{
	if (text[at] != '\\')
		return at + 1;
	while (at < len && text[at] == '\\')
		at++;
	return at;
}

/* Returns where what is not yet decided begins: len = all of it is. */
static size_t
hide(Redactor *redactor, char *text, size_t len)
{
	size_t		at = 0;

	for (;;)
	{
		size_t		from = redactor->within;
		size_t		taken;
		size_t		used;
		bool		cut;

		if (from == 0)
			at = next_start(redactor, text, len, at);
		if (from == 0 && at == len)
			return len;
		used = follow(redactor, from, text + at, len - at, false, &taken, &cut);
		redactor->within = 0;
		if (from > 0 || is_enough(redactor, taken))
		{
			memset(text + at, '*', used);
			at += used;
			redactor->within = cut ? taken : 0;
		}
		else if (!cut)
			at = pass(text, len, at);
		if (cut)
			return at;
	}
}

/* Nothing follows on what is undecided: most of a key is hidden all the same. */
static void
hide_rest(const Redactor *redactor, char *text, size_t len)
{
	size_t		taken;
	bool		cut;

	if (len == 0 || redactor->within > 0)
		return;
	follow(redactor, 0, text, len, true, &taken, &cut);
	if (taken == redactor->len || taken >= REDACT_SHORTEST)
		memset(text, '*', len);
}

/* ---- from outside ---- */

/* One that is not valid UTF-8 cannot stand in a text that is. */
static bool
is_text(const char *key, size_t len)
{
	size_t		used;

	for (; len > 0; key += used, len -= used)
	{
		if (utf8_sequence(key, len, &used) != UTF8_GOOD)
			return false;
	}
	return true;
}

void
redactor_init(Redactor *redactor, const char *key)
{
	size_t		skip = key != NULL ? strspn(key, "\\") : 0;

	memset(redactor, 0, sizeof(*redactor));
	buf_init(&redactor->held, 0);
	if (key == NULL || strlen(key) < skip + REDACT_SHORTEST || !is_text(key, strlen(key)))
		return;
	redactor->key = key + skip;
	redactor->len = strlen(redactor->key);
	redactor->first = redactor->key[0];
}

void
redactor_free(Redactor *redactor)
{
	buf_free(&redactor->held);
}

void
redactor_feed(Redactor *redactor, const char *text, size_t len, Buf *out)
{
	Buf		   *held = &redactor->held;
	size_t		decided;

	if (redactor->key == NULL)
	{
		buf_append(out, text, len);
		return;
	}
	buf_append(held, text, len);
	decided = hide(redactor, held->data, held->len);
	buf_append(out, held->data, decided);
	buf_consume(held, decided);
}

void
redactor_finish(Redactor *redactor, Buf *out)
{
	Buf		   *held = &redactor->held;

	if (held->len == 0)
		return;
	hide_rest(redactor, held->data, held->len);
	buf_append(out, held->data, held->len);
	buf_reset(held);
	redactor->within = 0;
}

void
redact(const char *key, char *text, size_t len)
{
	Redactor	redactor;
	size_t		decided;

	redactor_init(&redactor, key);
	if (redactor.key == NULL || len == 0)
		return;
	decided = hide(&redactor, text, len);
	hide_rest(&redactor, text + decided, len - decided);
}
