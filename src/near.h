/*
 * near.h
 *		"Perhaps you meant ...", for the pure code.
 */
#ifndef AS_NEAR_H
#define AS_NEAR_H

#include <stddef.h>

#define NEAR_MAX_LENGTH		64	/* a longer name is near to nothing */

typedef struct Near
{
	const char *wanted;
	size_t		len;
	int			limit;			/* what a candidate's distance has to be below */
	const char *best;			/* the nearest so far; NULL = none comes near */
} Near;

extern void near_init(Near *near, const char *wanted, size_t len);

/* The candidate has to live as long as best is used. */
extern void near_offer(Near *near, const char *candidate);

#endif							/* AS_NEAR_H */
