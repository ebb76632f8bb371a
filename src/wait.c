/*
 * wait.c
 *		as_wait: a backend that waits for an execution to come to rest.
 *
 * It sleeps on the condition variable that the executor broadcasts after each
 * commit, and looks again with a new snapshot.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "shmem.h"
#include "steady.h"
#include "visible.h"

#define RECHECK_MS		1000	/* should a broadcast be missed, or no executor run */

static void
refuse_hopeless(const Look *look, int64 execution_id)
{
	if (!look->found)
		as_refuse_execution(execution_id);
	if (look->at_rest)
		return;
	if (look->own)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("execution " INT64_FORMAT " was submitted in this transaction and starts after COMMIT", execution_id),
				 errhint("COMMIT first, then wait; or use CALL agent_studio.as_follow_task(...), which commits by itself.")));
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a transaction in isolation level REPEATABLE READ or SERIALIZABLE never sees an execution end"),
				 errhint("Wait in a transaction of its own, in isolation level READ COMMITTED.")));
}

PG_FUNCTION_INFO_V1(agent_studio_wait);
Datum
agent_studio_wait(PG_FUNCTION_ARGS)
{
	WorkerSlot *slot = as_slot(MyDatabaseId, true);
	int64		execution_id;
	double		seconds;
	TimestampTz deadline;
	Look		look;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("neither argument of as_wait may be NULL")));
	execution_id = PG_GETARG_INT64(0);
	seconds = DatumGetFloat8(DirectFunctionCall1(numeric_float8, PG_GETARG_DATUM(1)));
	if (!(seconds >= 0 && seconds <= 1000000))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("timeout_seconds must be from 0 to 1000000")));

	deadline = TimestampTzPlusMilliseconds(steady_now(), (int64) (seconds * 1000));
	for (;;)
	{
		uint64		seen = slot ? pg_atomic_read_u64(&slot->changes) : 0;
		long		left;

		as_look_at(execution_id, &look);
		refuse_hopeless(&look, execution_id);
		left = TimestampDifferenceMilliseconds(steady_now(), deadline);
		if (look.at_rest || left <= 0)
			break;
		as_await_change(slot, seen, (int) Min(left, RECHECK_MS));
	}
	PG_RETURN_TEXT_P(cstring_to_text(look.status));
}

/* COMMIT would say "invalid transaction termination", and not why. */
PG_FUNCTION_INFO_V1(agent_studio_require_no_block);
Datum
agent_studio_require_no_block(PG_FUNCTION_ARGS)
{
	if (IsTransactionBlock())
	{
		error_context_stack = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("%s commits, so it cannot run within a transaction block", text_to_cstring(PG_GETARG_TEXT_PP(0))),
				 errhint("COMMIT first, and call it outside of BEGIN and of blocks with EXCEPTION.")));
	}
	PG_RETURN_VOID();
}
