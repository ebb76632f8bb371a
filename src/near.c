/*
 * near.c
 *		"Perhaps you meant ...", for the pure code.
 *
 * Levenshtein's distance, upper and lower case being the same. Candidates whose
 * length alone rules them out cost nothing.
 */
#include "near.h"

#include <string.h>

#define MAX_DISTANCE	3

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static int
smaller(int a, int b)
{
	return a < b ? a : b;
}

static int
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int			row[NEAR_MAX_LENGTH + 1];
	size_t		i;
	size_t		j;

	for (j = 0; j <= b_len; j++)
		row[j] = (int) j;
	for (i = 1; i <= a_len; i++)
	{
		int			diagonal = row[0];

		row[0] = (int) i;
		for (j = 1; j <= b_len; j++)
		{
			int			above = row[j];
			int			change = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));

			row[j] = smaller(change, smaller(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[b_len];
}

/* A short word may differ in less, or everything would be near to everything. */
void
near_init(Near *near, const char *wanted, size_t len)
{
	near->wanted = wanted;
	near->len = len;
	near->limit = smaller(MAX_DISTANCE, (int) (len > NEAR_MAX_LENGTH ? NEAR_MAX_LENGTH : len + 2) / 3) + 1;
	near->best = NULL;
}

void
near_offer(Near *near, const char *candidate)
{
	size_t		len = strlen(candidate);
	size_t		differ = len > near->len ? len - near->len : near->len - len;
	int			found;

	if (near->len > NEAR_MAX_LENGTH || len > NEAR_MAX_LENGTH || differ >= (size_t) near->limit)
		return;
	found = distance(near->wanted, near->len, candidate, len);
	/* they have to have something in common */
	if (found >= near->limit || (size_t) found >= (len > near->len ? len : near->len))
		return;
	near->limit = found;
	near->best = candidate;
}
