/*
 * visible.c
 *		An execution as the current user can see it.
 *
 * Read through SQL, so that privileges and row-level security are PostgreSQL's.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "visible.h"

void
as_look_at(int64 execution_id, Look *look)
{
	static const char sql[] =
		"SELECT e.status, e.finished_at IS NOT NULL, e.xmin FROM agent_studio.executions e"
		" WHERE e.execution_id OPERATOR(pg_catalog.=) $1";
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[1] = {INT8OID};
	Datum		values[1] = {Int64GetDatum(execution_id)};
	bool		isnull;

	memset(look, 0, sizeof(Look));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute_with_args(sql, 1, types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look at an execution");
	if (SPI_processed == 1)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		TransactionId xmin = DatumGetTransactionId(SPI_getbinval(tuple, desc, 3, &isnull));

		look->found = true;
		look->status = MemoryContextStrdup(caller, SPI_getvalue(tuple, desc, 1));
		look->at_rest = DatumGetBool(SPI_getbinval(tuple, desc, 2, &isnull));
		look->own = TransactionIdIsCurrentTransactionId(xmin);
	}
	SPI_finish();
}

void
as_refuse_execution(int64 execution_id)
{
	/* Which of our functions noticed is of no interest to the caller. */
	error_context_stack = NULL;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("execution " INT64_FORMAT " does not exist", execution_id),
			 errhint("Or it belongs to somebody whose executions you may not see. Yours: SELECT execution_id, status, agent, task FROM agent_studio.executions.")));
}

PG_FUNCTION_INFO_V1(agent_studio_require_execution);
Datum
agent_studio_require_execution(PG_FUNCTION_ARGS)
{
	Look		look;

	if (PG_ARGISNULL(0))
	{
		error_context_stack = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the execution must not be NULL"),
				 errhint("Give the id that as_execute_task returned.")));
	}
	as_look_at(PG_GETARG_INT64(0), &look);
	if (!look.found)
		as_refuse_execution(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}
