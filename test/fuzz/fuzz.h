/*
 * fuzz.h
 *		What the fuzz targets share: cutting an input into pieces that the input
 *		itself chooses, and properties that every text has to have.
 */
#ifndef AS_FUZZ_H
#define AS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "utf8.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

typedef void (*FeedPiece) (void *arg, const char *bytes, size_t len);

/* The first byte chooses how long the pieces are; 0 = one piece. */
static inline void
fuzz_feed(const char *bytes, size_t len, uint8_t choice, FeedPiece feed, void *arg)
{
	uint32_t	seed = choice;

	while (len > 0)
	{
		size_t		piece_len = len;
		char	   *piece;

		if (choice != 0)
		{
			seed = seed * 1664525u + 1013904223u;
			piece_len = 1 + (seed >> 16) % (1 + choice % 32);
			piece_len = piece_len < len ? piece_len : len;
		}
		piece = malloc(piece_len);
		memcpy(piece, bytes, piece_len);
		feed(arg, piece, piece_len);
		free(piece);
		bytes += piece_len;
		len -= piece_len;
	}
}

/* Valid UTF-8 without NUL, with its own NUL behind it. */
static inline void
require_text(const char *text, size_t len)
{
	size_t		used;

	require(text[len] == '\0');
	for (; len > 0; text += used, len -= used)
		require(utf8_sequence(text, len, &used) == UTF8_GOOD);
}

static inline void
require_same(const Buf *a, const Buf *b)
{
	require(a->len == b->len);
	require(memcmp(buf_text(a), buf_text(b), a->len) == 0);
}

#endif							/* AS_FUZZ_H */
