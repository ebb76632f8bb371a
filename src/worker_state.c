/*
 * worker_state.c
 *		What shared memory says of the workers, as a row for as_check().
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "access/htup_details.h"

#include "agent_studio.h"
#include "launcher.h"
#include "shmem.h"

#define COLUMNS 9

static void
fill_from_slot(WorkerSlot *slot, Datum *values, bool *nulls)
{
	WorkerState state;
	pid_t		pid;
	int64		epoch;
	char		problem[AS_PROBLEM_SIZE];

	SpinLockAcquire(&slot->mutex);
	state = slot->state;
	pid = slot->pid;
	epoch = slot->epoch;
	strlcpy(problem, slot->problem, sizeof(problem));
	SpinLockRelease(&slot->mutex);

	values[4] = CStringGetTextDatum(as_worker_state_name(state));
	values[5] = Int32GetDatum(pid);
	nulls[5] = pid == 0;
	values[6] = Int64GetDatum(epoch);
	nulls[6] = epoch == 0;
	values[7] = Int32GetDatum((int32) pg_atomic_read_u32(&slot->in_flight));
	values[8] = CStringGetTextDatum(problem);
	nulls[8] = problem[0] == '\0';
}

PG_FUNCTION_INFO_V1(agent_studio_worker_state);
Datum
agent_studio_worker_state(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS];
	WorkerSlot *slot;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(values, 0, sizeof(values));
	memset(nulls, false, sizeof(nulls));
	values[0] = BoolGetDatum(as_shared != NULL);
	values[1] = CStringGetTextDatum(AS_VERSION);
	nulls[2] = nulls[5] = nulls[6] = nulls[8] = true;
	values[3] = BoolGetDatum(as_database_is_listed(get_database_name(MyDatabaseId)));
	values[4] = CStringGetTextDatum("not started");
	values[7] = Int32GetDatum(0);

	if (as_shared != NULL)
	{
		pid_t		launcher_pid;

		SpinLockAcquire(&as_shared->mutex);
		launcher_pid = as_shared->launcher_pid;
		SpinLockRelease(&as_shared->mutex);
		values[2] = Int32GetDatum(launcher_pid);
		nulls[2] = launcher_pid == 0;
	}
	slot = as_slot(MyDatabaseId, false);
	if (slot != NULL)
		fill_from_slot(slot, values, nulls);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
