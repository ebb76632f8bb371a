/*
 * wake.c
 *		What happens at the end of a transaction: workers are woken, holds end.
 *
 * The transaction callback is registered once a backend. During the transaction
 * only flags are set; at commit the callback sets latches, at abort it forgets.
 * It must not throw, so slots are looked up when the flag is set. PREPARE
 * TRANSACTION wakes nobody: the executor's slow poll finds such work later.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "launcher.h"
#include "shmem.h"
#include "steady.h"
#include "wake.h"

#define MAX_HOLDS			8
#define GONE_TIMEOUT_MS		30000

static bool callback_registered = false;
static WorkerSlot *wake_slot = NULL;
static WorkerSlot *probe_slot = NULL;
static bool launcher_due = false;
static bool warned = false;
static WorkerSlot *held[MAX_HOLDS];
static int	nheld = 0;

static void
release_holds(void)
{
	while (nheld > 0)
	{
		WorkerSlot *slot = held[--nheld];

		SpinLockAcquire(&slot->mutex);
		slot->holds--;
		SpinLockRelease(&slot->mutex);
		as_wake_launcher();
	}
}

static void
at_commit(void)
{
	if (wake_slot != NULL)
		as_wake_executor(wake_slot);
	if (probe_slot != NULL)
	{
		/* Only an absence is looked at again: a running executor stays as it is. */
		SpinLockAcquire(&probe_slot->mutex);
		if (probe_slot->state == WORKER_ABSENT)
			probe_slot->state = WORKER_NONE;
		SpinLockRelease(&probe_slot->mutex);
		as_wake_launcher();
	}
	if (launcher_due)
		as_wake_launcher();
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;

	if (event == XACT_EVENT_COMMIT)
		at_commit();
	wake_slot = NULL;
	probe_slot = NULL;
	launcher_due = false;
	warned = false;
	release_holds();
}

static void
register_callback(void)
{
	if (callback_registered)
		return;
	RegisterXactCallback(end_of_transaction, NULL);
	callback_registered = true;
}

void
as_wake_executor_on_commit(void)
{
	register_callback();
	if (wake_slot == NULL)
		wake_slot = as_slot(MyDatabaseId, false);
}

void
as_probe_database_on_commit(void)
{
	register_callback();
	if (probe_slot == NULL)
		probe_slot = as_slot(MyDatabaseId, true);
}

void
as_wake_launcher_on_commit(void)
{
	register_callback();
	launcher_due = true;
}

void
as_hold_executor(Oid dboid)
{
	WorkerSlot *slot = as_slot(dboid, true);

	if (slot == NULL)
		return;
	for (int i = 0; i < nheld; i++)
	{
		if (held[i] == slot)
			return;
	}
	if (nheld == MAX_HOLDS)
		return;

	register_callback();
	SpinLockAcquire(&slot->mutex);
	slot->holds++;
	SpinLockRelease(&slot->mutex);
	held[nheld++] = slot;
	as_wake_executor(slot);
}

static bool
executor_is_gone(WorkerSlot *slot)
{
	bool		gone;

	SpinLockAcquire(&slot->mutex);
	gone = slot->pid == 0 && slot->state != WORKER_STARTING;
	SpinLockRelease(&slot->mutex);
	return gone;
}

void
as_wait_executor_gone(Oid dboid)
{
	WorkerSlot *slot = as_slot(dboid, false);
	TimestampTz start = steady_now();

	if (slot == NULL)
		return;
	ConditionVariablePrepareToSleep(&slot->changed);
	while (!executor_is_gone(slot))
	{
		if (TimestampDifferenceExceeds(start, steady_now(), GONE_TIMEOUT_MS))
			break;
		ConditionVariableTimedSleep(&slot->changed, 100, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

/*
 * Why nothing would pick up work in this database; NULL if something will, now
 * or within seconds.
 */
static const char *
executor_problem(WorkerSlot *slot)
{
	const char *problem = NULL;
	pid_t		launcher_pid;

	if (as_shared == NULL)
		return "the library is not in shared_preload_libraries";
	SpinLockAcquire(&as_shared->mutex);
	launcher_pid = as_shared->launcher_pid;
	SpinLockRelease(&as_shared->mutex);
	if (launcher_pid == 0)
		return "the launcher is not running";
	if (!as_database_is_listed(get_database_name(MyDatabaseId)))
		return "agent_studio.databases does not name it";
	if (slot == NULL)
		return "the launcher has not seen this database yet";

	SpinLockAcquire(&slot->mutex);
	if (slot->state == WORKER_BLOCKED)
		problem = "no background worker slot is free";
	else if (slot->state == WORKER_ABSENT && slot->problem[0] != '\0')
		problem = "library and extension are of different versions";
	SpinLockRelease(&slot->mutex);
	return problem;
}

PG_FUNCTION_INFO_V1(agent_studio_wake);
Datum
agent_studio_wake(PG_FUNCTION_ARGS)
{
	const char *problem;

	as_wake_executor_on_commit();
	problem = warned ? NULL : executor_problem(wake_slot);
	if (problem != NULL)
	{
		warned = true;
		ereport(WARNING,
				(errmsg("no executor is at work in this database: %s", problem),
				 errdetail("What was submitted waits until one is."),
				 errhint("SELECT * FROM agent_studio.as_check() tells what to do.")));
	}
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(agent_studio_extension_created);
Datum
agent_studio_extension_created(PG_FUNCTION_ARGS)
{
	if (IsBinaryUpgrade)
		PG_RETURN_VOID();
	if (as_shared == NULL)
		ereport(WARNING,
				(errmsg("agent_studio is not in shared_preload_libraries: nothing will run"),
				 errhint("Add it there and restart the server; SELECT * FROM agent_studio.as_check() tells how.")));
	else
		as_probe_database_on_commit();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(agent_studio_change_count);
Datum
agent_studio_change_count(PG_FUNCTION_ARGS)
{
	WorkerSlot *slot = as_slot(MyDatabaseId, false);

	PG_RETURN_INT64(slot ? (int64) pg_atomic_read_u64(&slot->changes) : 0);
}

PG_FUNCTION_INFO_V1(agent_studio_await_change);
Datum
agent_studio_await_change(PG_FUNCTION_ARGS)
{
	uint64		seen = (uint64) PG_GETARG_INT64(0);
	int			timeout_ms = Max(PG_GETARG_INT32(1), 0);
	WorkerSlot *slot = as_slot(MyDatabaseId, true);

	as_await_change(slot, seen, timeout_ms);
	PG_RETURN_INT64(slot ? (int64) pg_atomic_read_u64(&slot->changes) : 0);
}
