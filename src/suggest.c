/*
 * suggest.c
 *		"Perhaps you meant ...", with PostgreSQL's own Levenshtein distance.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "suggest.h"

#define MAX_DISTANCE	3
#define MAX_LENGTH		200		/* the distance function takes no more than 255 */

const char *
as_suggest(const char *wanted, const char **candidates, int n)
{
	size_t		wanted_len = strlen(wanted);
	int			limit = Min(MAX_DISTANCE, (int) (wanted_len + 1) / 2);
	const char *best = NULL;

	if (wanted_len == 0 || wanted_len > MAX_LENGTH)
		return NULL;
	for (int i = 0; i < n; i++)
	{
		size_t		len = strlen(candidates[i]);
		int			distance;

		if (len > MAX_LENGTH)
			continue;
		distance = varstr_levenshtein_less_equal(wanted, wanted_len, candidates[i], len, 1, 1, 1, limit, true);
		if (distance <= limit)
		{
			best = candidates[i];
			limit = distance - 1;
		}
		if (limit < 0)
			break;
	}
	return best;
}

PG_FUNCTION_INFO_V1(agent_studio_suggest);
Datum
agent_studio_suggest(PG_FUNCTION_ARGS)
{
	Datum	   *items;
	bool	   *nulls;
	const char **candidates;
	const char *best;
	int			nitems;
	int			n = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &nitems);
	candidates = palloc(sizeof(char *) * Max(nitems, 1));
	for (int i = 0; i < nitems; i++)
	{
		if (!nulls[i])
			candidates[n++] = TextDatumGetCString(items[i]);
	}
	best = as_suggest(text_to_cstring(PG_GETARG_TEXT_PP(0)), candidates, n);
	if (best == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(best));
}
