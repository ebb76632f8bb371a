/*
 * unit.h
 *		The few lines of TAP that the tests of the pure code need, and the cutting
 *		of a stream into pieces as a network would.
 */
#ifndef AS_UNIT_H
#define AS_UNIT_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define lengthof(array)	(sizeof(array) / sizeof((array)[0]))

static int	unit_count = 0;
static int	unit_failed = 0;

static inline bool
unit_ok(bool passed, const char *file, int line, const char *name)
{
	printf("%s %d - %s\n", passed ? "ok" : "not ok", ++unit_count, name);
	if (!passed)
	{
		unit_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	return passed;
}

/* Prints text as a TAP comment, with its line ends made visible. */
static inline void
unit_show(const char *what, const char *text)
{
	printf("# %s: \"", what);
	for (; *text; text++)
	{
		if (*text == '\n')
			fputs("\\n", stdout);
		else if (*text == '\r')
			fputs("\\r", stdout);
		else
			putchar(*text);
	}
	puts("\"");
}

static inline bool
unit_is(const char *got, const char *want, const char *file, int line, const char *name)
{
	bool		same = strcmp(got, want) == 0;

	unit_ok(same, file, line, name);
	if (!same)
	{
		unit_show(" got", got);
		unit_show("want", want);
	}
	return same;
}

static inline bool
unit_is_int(int64_t got, int64_t want, const char *file, int line, const char *name)
{
	unit_ok(got == want, file, line, name);
	if (got != want)
		printf("#  got: %" PRId64 "\n# want: %" PRId64 "\n", got, want);
	return got == want;
}

static inline int
unit_done(void)
{
	printf("1..%d\n", unit_count);
	return unit_failed == 0 ? 0 : 1;
}

#define ok(passed, name)		unit_ok((passed), __FILE__, __LINE__, (name))
#define is_text(got, want, name)	unit_is((got), (want), __FILE__, __LINE__, (name))
#define is_int(got, want, name)	unit_is_int((got), (want), __FILE__, __LINE__, (name))

typedef void (*FeedPiece) (void *arg, const char *bytes, size_t len);

/* How to cut: 0 = whole, 1 = byte by byte, others = at random, by this seed. */
#define CUTS	40

static inline size_t
next_cut(uint32_t *seed, int cut, size_t rest)
{
	size_t		len;

	if (cut == 0)
		return rest;
	if (cut == 1)
		return 1;
	*seed = *seed * 1664525u + 1013904223u;
	len = 1 + (*seed >> 16) % (cut % 2 ? 5 : 60);
	return len < rest ? len : rest;
}

/* Each piece is a copy of its own, so that reading beyond it is noticed. */
static inline void
feed_in_pieces(const char *bytes, size_t len, int cut, FeedPiece feed, void *arg)
{
	uint32_t	seed = (uint32_t) cut;

	while (len > 0)
	{
		size_t		piece_len = next_cut(&seed, cut, len);
		char	   *piece = malloc(piece_len);

		memcpy(piece, bytes, piece_len);
		feed(arg, piece, piece_len);
		free(piece);
		bytes += piece_len;
		len -= piece_len;
	}
}

#endif							/* AS_UNIT_H */
