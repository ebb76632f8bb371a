/*
 * few.c
 *		All executions that the current user can see, if they are few.
 *
 * Who sees few of very many finds them by their ids, instead of looking through
 * all the others. Whoever asks is as right without an answer, but slow.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

/*
 * That somebody sees more than so many is remembered, and does no harm where it
 * is not true any more. It counts from the next statement on, so that within one
 * the answer stays the same.
 */
static Oid	sees_many = InvalidOid;
static int64 how_many = 0;
static TimestampTz noticed_in = 0;

/* The range and its order lead to the index; equality would leave a choice. */
static SPIPlanPtr
few_plan(void)
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
		" LIMIT $1) f"
		"";
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

/* The ids as bigint[], in the given memory context; 0 = there are more than so many. */
static Datum
look_for_few(int64 most, MemoryContext context)
{
	Datum		limit = Int64GetDatum(most + 1);
	Datum		ids = (Datum) 0;
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute_plan(few_plan(), &limit, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the executions that somebody sees");
	if (DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull)) <= most)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		ids = datumCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull), false, -1);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return ids;
}

/* Nor do they bind those who read everything. */
static bool
is_bound_by_policies(void)
{
	Oid			executions = get_relname_relid("executions", get_namespace_oid("agent_studio", false));

	return check_enable_rls(executions, InvalidOid, true) == RLS_ENABLED
		&& !has_privs_of_role(GetUserId(), get_role_oid("agent_studio_monitor", false));
}

PG_FUNCTION_INFO_V1(agent_studio_few_executions);
Datum
agent_studio_few_executions(PG_FUNCTION_ARGS)
{
	int64		most = PG_GETARG_INT64(0);
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	Datum		ids;

	if (!is_bound_by_policies()
		|| (sees_many == GetUserId() && how_many >= most && noticed_in != statement))
		PG_RETURN_NULL();
	ids = look_for_few(most, CurrentMemoryContext);
	if (ids != (Datum) 0)
		PG_RETURN_DATUM(ids);
	sees_many = GetUserId();
	how_many = most;
	noticed_in = statement;
	PG_RETURN_NULL();
}
