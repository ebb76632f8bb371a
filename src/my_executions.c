/*
 * my_executions.c
 *		All executions that the current user can see, and whether they are few.
 *
 * Who sees few of very many finds what belongs to them by their ids, instead of
 * looking through all the others: see mine.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"

#include "my_executions.h"
#include "roles.h"

/* Beyond so many ids, looking through the table is as fast. */
#define FEW 5000

/*
 * That somebody sees more is remembered for good, and does no harm where it is not
 * true any more; that he sees no more, until the next statement of his: a function
 * may plan its queries for each row of one.
 */
static Oid	sees_many = InvalidOid;
static Oid	sees_few = InvalidOid;
static TimestampTz saw_few_in = 0;

/* The range and its order lead to the index; equality would leave a choice. */
static SPIPlanPtr
plan_of_ids(void)
{
	static const char sql[] =
		"SELECT coalesce(pg_catalog.array_agg(DISTINCT f.execution_id), '{}'), pg_catalog.count(*)"
		" FROM (SELECT e.execution_id"
		" FROM pg_catalog.unnest(agent_studio_private.my_roles()) r (name) CROSS JOIN LATERAL ("
		"(SELECT o.execution_id FROM agent_studio.executions o"
		" WHERE o.owner OPERATOR(pg_catalog.>=) r.name AND o.owner OPERATOR(pg_catalog.<=) r.name ORDER BY o.owner LIMIT $1)"
		" UNION ALL "
		"(SELECT t.execution_id FROM agent_studio.executions t"
		" WHERE t.team OPERATOR(pg_catalog.>=) r.name AND t.team OPERATOR(pg_catalog.<=) r.name ORDER BY t.team LIMIT $1)) e"
		" LIMIT $1) f";
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {INT8OID};

	if (plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare_cursor(sql, 1, types, CURSOR_OPT_GENERIC_PLAN);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not plan to look for the executions that somebody sees");
		plan = made;
	}
	return plan;
}

/* Of the first so many, or of all, the number, and the ids as bigint[] if somebody wants them. */
static int64
find_ids(int64 most, bool all, Datum *ids)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		limit = Int64GetDatum(most);
	int			level = NewGUCNestLevel();
	int64		count;
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	/* Whoever has very many must not sort them all to see that they are. */
	(void) set_config_option("enable_sort", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (SPI_execute_plan(plan_of_ids(), &limit, all ? "n" : " ", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the executions that somebody sees");
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	if (ids != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);

		*ids = datumCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull), false, -1);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	AtEOXact_GUC(true, level);
	return count;
}

bool
my_executions_are_few(void)
{
	Oid			user = GetUserId();
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (sees_many == user || (sees_few == user && saw_few_in == statement))
		return sees_many != user;
	if (find_ids(FEW + 1, false, NULL) > FEW)
		sees_many = user;
	else
	{
		sees_few = user;
		saw_few_in = statement;
	}
	return sees_many != user;
}

PG_FUNCTION_INFO_V1(agent_studio_planned_executions);
Datum
agent_studio_planned_executions(PG_FUNCTION_ARGS)
{
	Datum		ids;

	roles_check_plan();
	(void) find_ids(0, true, &ids);
	PG_RETURN_DATUM(ids);
}
