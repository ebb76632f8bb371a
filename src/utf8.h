/*
 * utf8.h
 *		Makes bytes from outside storable as PostgreSQL text.
 *
 * A model may send invalid UTF-8, NUL bytes and lone surrogates, none of which
 * text can hold.  A paid answer must not be lost for that: each bad sequence
 * becomes U+FFFD and is counted.  The repairer is a stream: a character split
 * over two reads is put together again.
 */
#ifndef AS_UTF8_H
#define AS_UTF8_H

#include "buf.h"

#define UTF8_REPLACEMENT	"\xEF\xBF\xBD"	/* U+FFFD */

typedef enum Utf8Verdict
{
	UTF8_GOOD,					/* a whole character that text can hold */
	UTF8_BAD,					/* never part of one: to be replaced (NUL too) */
	UTF8_PARTIAL				/* the text ends within a character */
} Utf8Verdict;

typedef struct Utf8Repair
{
	unsigned char pending[4];	/* start of a character not yet complete */
	int			npending;
	int64_t		replaced;		/* how many U+FFFD were put in */
} Utf8Repair;

/* Judges what text (len > 0) begins with; *used says how many bytes that is. */
extern Utf8Verdict utf8_sequence(const char *text, size_t len, size_t *used);

extern void utf8_repair_init(Utf8Repair *repair);

/* Appends the repaired form of the piece to out; may hold back up to 3 bytes. */
extern void utf8_repair_feed(Utf8Repair *repair, const char *data, size_t len, Buf *out);

/* The end: an incomplete character becomes U+FFFD. */
extern void utf8_repair_finish(Utf8Repair *repair, Buf *out);

/* Length of the longest prefix of at most max bytes that ends between characters. */
extern size_t utf8_clip(const char *text, size_t len, size_t max);

#endif							/* AS_UTF8_H */
