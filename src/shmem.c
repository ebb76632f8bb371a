/*
 * shmem.c
 *		Shared memory: one slot a database, and the launcher's two fields.
 *
 * Slots are assigned once and given back only when their database is gone, so a
 * pointer to one stays good while its database can be connected to.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "pgstat.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "compat.h"
#include "shmem.h"
#include "steady.h"

AsShared   *as_shared = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_shmem(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(AsShared)));
	RequestNamedLWLockTranche(AS_LIBRARY, 1);
}

static void
reset_slot(WorkerSlot *slot)
{
	SpinLockInit(&slot->mutex);
	slot->dboid = InvalidOid;
	slot->state = WORKER_NONE;
	slot->procno = AS_NO_PROC;
	pg_atomic_init_u32(&slot->wake, 0);
	pg_atomic_init_u32(&slot->in_flight, 0);
	pg_atomic_init_u64(&slot->changes, 0);
	ConditionVariableInit(&slot->changed);
}

static void
startup_shmem(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	as_shared = ShmemInitStruct(AS_LIBRARY, sizeof(AsShared), &found);
	if (!found)
	{
		memset(as_shared, 0, sizeof(AsShared));
		as_shared->lock = &(GetNamedLWLockTranche(AS_LIBRARY))->lock;
		SpinLockInit(&as_shared->mutex);
		as_shared->launcher_procno = AS_NO_PROC;
		pg_atomic_init_u32(&as_shared->launcher_wake, 0);
		for (int i = 0; i < AS_MAX_DATABASES; i++)
			reset_slot(&as_shared->slots[i]);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
as_shmem_install(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}

WorkerSlot *
as_slot(Oid dboid, bool create)
{
	WorkerSlot *found = NULL;
	WorkerSlot *free_slot = NULL;

	if (as_shared == NULL)
		return NULL;

	LWLockAcquire(as_shared->lock, create ? LW_EXCLUSIVE : LW_SHARED);
	for (int i = 0; i < AS_MAX_DATABASES && found == NULL; i++)
	{
		WorkerSlot *slot = &as_shared->slots[i];

		if (slot->dboid == dboid)
			found = slot;
		else if (slot->dboid == InvalidOid && free_slot == NULL)
			free_slot = slot;
	}
	if (found == NULL && create && free_slot != NULL)
	{
		free_slot->dboid = dboid;
		free_slot->state = WORKER_NONE;
		free_slot->problem[0] = '\0';
		found = free_slot;
	}
	LWLockRelease(as_shared->lock);
	return found;
}

const char *
as_worker_state_name(WorkerState state)
{
	switch (state)
	{
		case WORKER_NONE:
			return "not started";
		case WORKER_STARTING:
			return "starting";
		case WORKER_RUNNING:
			return "running";
		case WORKER_ABSENT:
			return "no extension to serve";
		case WORKER_STOPPED:
			return "stopped";
		case WORKER_BLOCKED:
			return "blocked";
	}
	return "unknown";
}

void
as_slot_set_state(WorkerSlot *slot, WorkerState state, const char *problem)
{
	SpinLockAcquire(&slot->mutex);
	slot->state = state;
	strlcpy(slot->problem, problem ? problem : "", AS_PROBLEM_SIZE);
	SpinLockRelease(&slot->mutex);
}

static void
wake_process(int procno)
{
	if (procno != AS_NO_PROC)
		SetLatch(&ProcGlobal->allProcs[procno].procLatch);
}

void
as_wake_executor(WorkerSlot *slot)
{
	int			procno;

	pg_atomic_write_u32(&slot->wake, 1);
	SpinLockAcquire(&slot->mutex);
	procno = slot->procno;
	SpinLockRelease(&slot->mutex);
	wake_process(procno);
}

void
as_wake_launcher(void)
{
	int			procno;

	pg_atomic_write_u32(&as_shared->launcher_wake, 1);
	SpinLockAcquire(&as_shared->mutex);
	procno = as_shared->launcher_procno;
	SpinLockRelease(&as_shared->mutex);
	wake_process(procno);
}

void
as_announce_change(WorkerSlot *slot)
{
	pg_atomic_fetch_add_u64(&slot->changes, 1);
	ConditionVariableBroadcast(&slot->changed);
}

void
as_await_change(WorkerSlot *slot, uint64 seen, int timeout_ms)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(steady_now(), timeout_ms);

	if (slot == NULL)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 timeout_ms, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		return;
	}

	ConditionVariablePrepareToSleep(&slot->changed);
	while (pg_atomic_read_u64(&slot->changes) == seen)
	{
		long		left = TimestampDifferenceMilliseconds(steady_now(), deadline);

		if (left <= 0)
			break;
		ConditionVariableTimedSleep(&slot->changed, left, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}
