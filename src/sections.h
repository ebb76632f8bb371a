/*
 * sections.h
 *		The sections of a Markdown text, found by their headings.
 *
 * Pure code: no memory, no PostgreSQL, no throwing.
 */
#ifndef AS_SECTIONS_H
#define AS_SECTIONS_H

#include "fence.h"

#define SECTION_KEY_MAX		200

/* What counts of a heading: two that have the same key are the same. */
typedef struct SectionKey
{
	size_t		len;			/* 0 = it can be no heading's */
	char		text[SECTION_KEY_MAX];
} SectionKey;

/*
 * Letters and digits, in lower case where they are ASCII, without what is put
 * before them as a number, and without punctuation, emphasis and pictures.
 */
extern void section_key(const char *text, size_t len, SectionKey *key);

extern bool section_key_equal(const SectionKey *a, const SectionKey *b);

/* body ends where the next heading of the same or a higher level begins. */
typedef void (*SectionVisit) (void *arg, const SectionKey *key, Slice body);

/* Every section, when it ends; one within another comes before that. */
extern void sections_each(Slice text, SectionVisit visit, void *arg);

#endif							/* AS_SECTIONS_H */
