/*
 * redact.h
 *		Takes a key out of text that comes from outside.
 *
 * A vendor, or a gateway on the way to it, may quote the key that it was sent:
 * in an error, in an id, in the answer.  Nobody shall read it there.  The key is
 * found as it is and as a JSON string has it ("/" as "\/", "+" as "\u002b"), and
 * asterisks take its place.
 *
 * Of a key that is cut off REDACT_BEGINNING bytes are enough to be hidden, and
 * at the end of the text, where it may have been clipped, REDACT_SHORTEST.  A key
 * shorter than that is none: hiding it would tear holes into ordinary words.
 */
#ifndef AS_REDACT_H
#define AS_REDACT_H

#include "buf.h"

#define REDACT_SHORTEST		8
#define REDACT_BEGINNING	16

typedef struct Redactor
{
	const char *key;			/* NULL: nothing is hidden */
	size_t		len;
	char		first;			/* private: the first character that counts */
	size_t		within;			/* private: so much of the key has just been hidden */
	Buf			held;			/* private: what may be the beginning of the key */
} Redactor;

/* key may be NULL, and outlives the redactor. */
extern void redactor_init(Redactor *redactor, const char *key);
extern void redactor_free(Redactor *redactor);

/* Appends a piece of valid UTF-8 to out without the key; holds back what may yet be one. */
extern void redactor_feed(Redactor *redactor, const char *text, size_t len, Buf *out);

/* The end of the text: appends what was held back. */
extern void redactor_finish(Redactor *redactor, Buf *out);

/* A whole text, in place. */
extern void redact(const char *key, char *text, size_t len);

#endif							/* AS_REDACT_H */
