/*
 * suggest.h
 *		"Perhaps you meant ...".
 */
#ifndef AS_SUGGEST_H
#define AS_SUGGEST_H

/* The candidate spelt most like wanted; NULL when none comes near. */
extern const char *as_suggest(const char *wanted, const char **candidates, int n);

#endif							/* AS_SUGGEST_H */
