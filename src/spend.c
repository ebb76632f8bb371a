/*
 * spend.c
 *		Budgets as the executor keeps them: what calls have cost, what they may cost.
 *
 * The tables and the arithmetic are in SQL (65_budgets.sql, 68_reservations.sql);
 * here is when they are asked. Whether there are budgets at all is known from the
 * last look at them, and an invalidation message of their table, which every
 * transaction receives when it begins, tells when to look again: without budgets
 * a turn costs nothing more.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "batch.h"
#include "spend.h"
#include "steady.h"
#include "statements.h"
#include "turn.h"
#include "wake.h"

#define HOLD_MS			60000	/* as put_back has it */
#define MORE_RELEASED	8		/* where what is left of a budget is for several small calls */
#define ALL_RELEASED	500

static Oid	budgets_table = InvalidOid;
static bool budgets_changed = true;

static void
on_invalidation(Datum arg, Oid relation)
{
	if (!OidIsValid(relation) || relation == budgets_table || !OidIsValid(budgets_table))
		budgets_changed = true;
}

void
spend_watch(void)
{
	CacheRegisterRelcacheCallback(on_invalidation, (Datum) 0);
}

static Oid
find_budgets_table(void)
{
	return get_relname_relid("budgets", get_namespace_oid("agent_studio", false));
}

/* For as_set_budget: the message goes out when its transaction commits. */
PG_FUNCTION_INFO_V1(agent_studio_budgets_changed);
Datum
agent_studio_budgets_changed(PG_FUNCTION_ARGS)
{
	CacheInvalidateRelcacheByRelid(find_budgets_table());
	as_wake_executor_on_commit();
	PG_RETURN_VOID();
}

static int64
single_count(int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull));
}

/* Every period begins at the beginning of a day, in UTC. */
static TimestampTz
next_day(void)
{
	return (GetCurrentTimestamp() / USECS_PER_DAY + 1) * USECS_PER_DAY;
}

/* Not many more of those that wait for a budget than calls have ended: the rest would wait again. */
static void
release_held(Executor *executor, int ended)
{
	Datum		args[1] = {Int32GetDatum(ended + MORE_RELEASED)};

	statement_run(STATEMENT_RELEASE_HELD, args, NULL);
	if (single_count(1) > 0)
		executor->look = true;
}

void
spend_refresh(Executor *executor)
{
	if (!budgets_changed && GetCurrentTimestamp() < executor->next_day)
		return;
	budgets_table = find_budgets_table();
	statement_run(STATEMENT_READ_BUDGETS, NULL, NULL);
	budgets_changed = false;	/* a message that comes from here on is news */
	executor->next_day = next_day();
	executor->counts_spending = single_count(1) > 0;
	executor->bounds_spending = single_count(2) > 0;
	statement_run(STATEMENT_COUNT_SPENDING, NULL, NULL);
	statement_run(STATEMENT_RELEASE_UNBOUND, NULL, NULL);
	release_held(executor, ALL_RELEASED);
	executor->look = true;
}

void
spend_begin(Executor *executor)
{
	statement_run(STATEMENT_FORGET_SPENDING, NULL, NULL);
	spend_refresh(executor);
}

/* ---------- before a call ---------- */

static Claim *
find_claim(Claim *claims, int nclaims, int64 execution_id, int32 step_no)
{
	for (int i = 0; i < nclaims; i++)
	{
		if (claims[i].execution_id == execution_id && claims[i].step_no == step_no)
			return &claims[i];
	}
	return NULL;
}

static void
mark_claims(Claim *claims, int nclaims, MemoryContext context)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	columns = SPI_tuptable->tupdesc;
		bool		isnull;
		int64		execution_id = DatumGetInt64(SPI_getbinval(row, columns, 1, &isnull));
		int32		step_no = DatumGetInt32(SPI_getbinval(row, columns, 2, &isnull));
		Claim	   *claim = find_claim(claims, nclaims, execution_id, step_no);
		char	   *refusal = SPI_getvalue(row, columns, 3);

		if (claim == NULL)
			continue;
		claim->put_back = refusal == NULL;
		claim->refusal = refusal != NULL ? MemoryContextStrdup(context, refusal) : NULL;
	}
}

int
spend_reserve(Executor *executor, Claim *claims, int nclaims)
{
	static const Oid types[] = {INT8OID, INT4OID};
	MemoryContext caller = CurrentMemoryContext;
	Batch	   *batch;
	Datum		args[BATCH_MAX_COLUMNS];
	int			left = 0;

	if (!executor->bounds_spending || nclaims == 0)
		return nclaims;
	batch = batch_create(types, lengthof(types));
	for (int i = 0; i < nclaims; i++)
	{
		batch_row(batch);
		batch_set(batch, 0, Int64GetDatum(claims[i].execution_id));
		batch_set(batch, 1, Int32GetDatum(claims[i].step_no));
	}
	batch_arrays(batch, args);
	statement_run(STATEMENT_RESERVE, args, NULL);
	mark_claims(claims, nclaims, caller);

	/* What was sent must be known after a crash: the vendor charges for it. */
	turn_commit_durably();
	for (int i = 0; i < nclaims; i++)
	{
		if (!claims[i].put_back)
			claims[left++] = claims[i];
	}
	if (left < nclaims)
	{
		executor->next_due = Min(executor->next_due, TimestampTzPlusMilliseconds(steady_now(), HOLD_MS));
		executor->look = true;
	}
	return left;
}

/* ---------- after it ---------- */

void
spend_add(Executor *executor, Call *const *calls, int n)
{
	static const Oid types[] = {INT8OID, INT4OID, INT4OID};
	Batch	   *batch;
	Datum		args[BATCH_MAX_COLUMNS];

	if (!executor->counts_spending || n == 0)
		return;
	batch = batch_create(types, lengthof(types));
	for (int i = 0; i < n; i++)
	{
		batch_row(batch);
		batch_set(batch, 0, Int64GetDatum(calls[i]->key.execution_id));
		batch_set(batch, 1, Int32GetDatum(calls[i]->key.step_no));
		batch_set(batch, 2, Int32GetDatum(calls[i]->key.attempt_no));
	}
	batch_arrays(batch, args);
	statement_run(STATEMENT_ADD_SPENDING, args, NULL);
	if (executor->bounds_spending)
		release_held(executor, n);
}
