/*
 * condition.c
 *		Conditions of workflows: SQL/JSON path predicates.
 *
 * A path is written by the workflow's author and looks at what a model answered, so
 * its cost is nobody's promise: it is given a quarter of a second, and then counts
 * as an error of that step alone.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timeout.h"

#include "condition.h"
#include "utf8.h"

#define LONGEST_MS	250

static volatile sig_atomic_t too_long = false;

static void
on_timeout(void)
{
	too_long = true;
	InterruptPending = true;
	QueryCancelPending = true;
}

static Datum
match(const char *path, Jsonb *target, Jsonb *variables, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, 4);
	FmgrInfo	flinfo;
	Datum		result;

	fmgr_info(F_JSONB_PATH_MATCH, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 4, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(target);
	fcinfo->args[1].value = DirectFunctionCall1(jsonpath_in, CStringGetDatum(path));
	fcinfo->args[2].value = JsonbPGetDatum(variables);
	fcinfo->args[3].value = BoolGetDatum(true); /* silent */
	for (int i = 0; i < 4; i++)
		fcinfo->args[i].isnull = false;
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}

/* Not as a canceled query, which would be tried again: it would be as slow then. */
static void
refuse_slow(const char *path, MemoryContext caller)
{
	MemoryContextSwitchTo(caller);
	FlushErrorState();
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a condition of the workflow takes longer than %d ms: %.*s", LONGEST_MS,
					(int) utf8_clip(path, strlen(path), 200), path)));
}

bool
condition_holds(const char *path, Jsonb *target, Jsonb *variables)
{
	static TimeoutId timeout = MAX_TIMEOUTS;
	MemoryContext caller = CurrentMemoryContext;
	volatile bool isnull = true;
	volatile Datum result = (Datum) 0;

	if (timeout == MAX_TIMEOUTS)
		timeout = RegisterTimeout(USER_TIMEOUT, on_timeout);
	too_long = false;
	enable_timeout_after(timeout, LONGEST_MS);
	PG_TRY();
	{
		bool		none;

		result = match(path, target, variables, &none);
		isnull = none;
	}
	PG_CATCH();
	{
		disable_timeout(timeout, false);
		if (!too_long)
			PG_RE_THROW();
		refuse_slow(path, caller);
	}
	PG_END_TRY();
	disable_timeout(timeout, false);

	/* It may have gone off just behind the last look at interrupts. */
	if (too_long)
		QueryCancelPending = false;
	return !isnull && DatumGetBool(result);
}

static bool
ends_word(char c)
{
	return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
}

const char *
condition_next_step(const char *from, const char **end)
{
	const char *at = strstr(from, "$steps");
	const char *name;
	size_t		len = 0;

	if (at == NULL)
		return NULL;
	name = at + strlen("$steps");
	name += strspn(name, " \t\r\n");
	if (*name == '.')
		name++;
	name += strspn(name, " \t\r\n");
	if (*name == '"')
		len = strcspn(++name, "\"");
	else
	{
		while (!ends_word(name[len]))
			len++;
	}
	*end = name + len;
	return pnstrdup(name, len);
}
