/*
 * mention.c
 *		Whether an execution mentions what somebody searches the history for.
 *
 * A history has millions of rows. To fold the case of each of them as its locale
 * would is what a search would spend its time with; most are plain ASCII, and need
 * no locale. Those that are not, and what is not that is searched for, are folded
 * by lower().
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"

#define TEXTS	4

/* Copies in lower case; returns whether it is ASCII throughout. */
static bool
fold(char *to, const char *from, size_t length)
{
	unsigned char all = 0;

	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = from[i];

		all |= c;
		to[i] = c + ((unsigned char) (c - 'A') < 26 ? 'a' - 'A' : 0);
	}
	return all < 0x80;
}

static bool
fold_text(char *to, const text *from)
{
	return fold(to, VARDATA_ANY(from), VARSIZE_ANY_EXHDR(from));
}

/* As they are, with a blank between them. */
static text *
join(text *const *texts, int count, size_t length)
{
	text	   *joined = palloc(VARHDRSZ + length);
	char	   *end = VARDATA(joined);

	SET_VARSIZE(joined, VARHDRSZ + length);
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			*end++ = ' ';
		memcpy(end, VARDATA_ANY(texts[i]), VARSIZE_ANY_EXHDR(texts[i]));
		end += VARSIZE_ANY_EXHDR(texts[i]);
	}
	return joined;
}

static bool
mentions_by_locale(Oid collation, text *joined, text *wanted)
{
	Datum		in = DirectFunctionCall1Coll(lower, collation, PointerGetDatum(joined));
	Datum		what = DirectFunctionCall1Coll(lower, collation, PointerGetDatum(wanted));

	return DatumGetInt32(DirectFunctionCall2Coll(textpos, collation, in, what)) > 0;
}

PG_FUNCTION_INFO_V1(agent_studio_mentions);
Datum
agent_studio_mentions(PG_FUNCTION_ARGS)
{
	text	   *wanted;
	text	   *texts[TEXTS];
	text	   *joined;
	char	   *needle;
	char	   *folded;
	size_t		length = 0;
	int			count = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	wanted = PG_GETARG_TEXT_PP(0);
	for (int i = 1; i <= TEXTS; i++)
	{
		if (PG_ARGISNULL(i))
			continue;
		texts[count] = PG_GETARG_TEXT_PP(i);
		length += VARSIZE_ANY_EXHDR(texts[count]);
		count++;
	}
	length += Max(count - 1, 0);
	joined = join(texts, count, length);
	needle = palloc(VARSIZE_ANY_EXHDR(wanted) + 1);
	folded = palloc(length + 1);
	if (fold_text(needle, wanted) && fold_text(folded, joined))
		PG_RETURN_BOOL(memmem(folded, length, needle, VARSIZE_ANY_EXHDR(wanted)) != NULL);
	PG_RETURN_BOOL(mentions_by_locale(PG_GET_COLLATION(), joined, wanted));
}
