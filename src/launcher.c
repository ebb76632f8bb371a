/*
 * launcher.c
 *		Keeps one executor alive in each database that wants one.
 *
 * A static worker without a database of its own. It reads pg_database, gives
 * each listed database a slot in shared memory, and starts an executor there.
 * An executor that finds no extension says so in its slot and ends; CREATE
 * EXTENSION makes the launcher look again. An executor that fails is started
 * again, later and later up to a minute. Life of a slot:
 *
 *		NONE ──start──> STARTING ──> RUNNING ──end──> STOPPED ──start──> ...
 *		  └─no free worker──> BLOCKED		└─no extension──> ABSENT
 *
 * Each step is logged once, when it happens, never once a round. While a slot
 * is held (see wake.h) nothing is started in its database.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "agent_studio.h"
#include "compat.h"
#include "fault.h"
#include "launcher.h"
#include "shmem.h"
#include "steady.h"

#define RESCAN_MS			60000	/* databases made without a word to us */
#define BLOCKED_RETRY_MS	10000
#define SHORT_LIFE_MS		10000	/* an executor that ends sooner has failed */
#define MAX_BACKOFF_MS		60000
#define MAX_STARTING		4	/* looking into many databases takes turns */

typedef struct Child
{
	BackgroundWorkerHandle *handle; /* NULL: none registered */
	pid_t		pid;			/* 0: not known to have begun */
	TimestampTz started_at;
	TimestampTz not_before;
	int			failures;		/* short lives in a row */
} Child;

static Child children[AS_MAX_DATABASES];

bool
as_database_is_listed(const char *name)
{
	char	   *raw = pstrdup(as_databases ? as_databases : "");
	List	   *names = NIL;
	ListCell   *lc;
	bool		listed = false;

	if (strcmp(raw, "*") == 0)
		return true;
	if (!SplitIdentifierString(raw, ',', &names))
		return false;
	foreach(lc, names)
	{
		const char *item = (const char *) lfirst(lc);

		if (strcmp(item, "*") == 0 || strcmp(item, name) == 0)
			listed = true;
	}
	list_free(names);
	return listed;
}

/* Slots of databases that are gone become free again. */
static void
free_slots_except(List *alive)
{
	for (int i = 0; i < AS_MAX_DATABASES; i++)
	{
		WorkerSlot *slot = &as_shared->slots[i];

		if (slot->dboid == InvalidOid || children[i].handle != NULL || list_member_oid(alive, slot->dboid))
			continue;
		LWLockAcquire(as_shared->lock, LW_EXCLUSIVE);
		SpinLockAcquire(&slot->mutex);
		if (slot->holds == 0 && slot->pid == 0)
		{
			slot->dboid = InvalidOid;
			slot->state = WORKER_NONE;
		}
		SpinLockRelease(&slot->mutex);
		LWLockRelease(as_shared->lock);
		memset(&children[i], 0, sizeof(Child));
	}
}

/* Templates have no executor: it would be in the way of every copy made of them. */
static bool
wants_executor(Form_pg_database database)
{
	return database->datallowconn && !database->datistemplate &&
		as_database_is_listed(NameStr(database->datname));
}

static void
note_database(Form_pg_database database)
{
	static bool full_logged = false;

	if (!wants_executor(database))
		return;
	if (as_slot(database->oid, true) == NULL && !full_logged)
	{
		full_logged = true;
		ereport(LOG,
				(errmsg("agent_studio: no executor for database \"%s\": %d databases have one already",
						NameStr(database->datname), AS_MAX_DATABASES),
				 errhint("Name the databases that need one in agent_studio.databases.")));
	}
}

static void
scan_databases(void)
{
	Relation	relation;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *alive = NIL;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		alive = lappend_oid(alive, database->oid);
		note_database(database);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	FAULT_POINT("scan");
	free_slots_except(alive);
	CommitTransactionCommand();
}

/*
 * The database's name; NULL if it is gone, or should have no executor. A slot is
 * no sign of that: a command that holds a database gives it one, a template too.
 */
static char *
listed_name(Oid dboid)
{
	MemoryContext caller = CurrentMemoryContext;
	HeapTuple	tuple;
	char	   *name = NULL;

	StartTransactionCommand();
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(dboid));
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (wants_executor(database))
			name = MemoryContextStrdup(caller, NameStr(database->datname));
		ReleaseSysCache(tuple);
	}
	CommitTransactionCommand();
	MemoryContextSwitchTo(caller);
	return name;
}

static bool
register_executor(int index, Oid dboid, const char *name)
{
	BackgroundWorker worker;
	MemoryContext caller;
	bool		registered;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, AS_LIBRARY, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "agent_studio_executor_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "agent_studio executor (%s)", name);
	strlcpy(worker.bgw_type, "agent_studio executor", BGW_MAXLEN);
	worker.bgw_main_arg = Int32GetDatum(index);
	worker.bgw_notify_pid = MyProcPid;
	memcpy(worker.bgw_extra, &dboid, sizeof(dboid));

	/* The handle outlives the round. */
	caller = MemoryContextSwitchTo(TopMemoryContext);
	registered = RegisterDynamicBackgroundWorker(&worker, &children[index].handle);
	MemoryContextSwitchTo(caller);
	return registered;
}

/* Whether an executor should be started in this slot, now. Claims it by STARTING. */
static bool
claim_start(WorkerSlot *slot, const Child *child, TimestampTz now)
{
	bool		claimed = false;

	if (child->handle != NULL || now < child->not_before)
		return false;
	SpinLockAcquire(&slot->mutex);
	if (slot->holds == 0 &&
		(slot->state == WORKER_NONE || slot->state == WORKER_STOPPED || slot->state == WORKER_BLOCKED))
	{
		slot->state = WORKER_STARTING;
		claimed = true;
	}
	SpinLockRelease(&slot->mutex);
	return claimed;
}

static void
start_executor(int index, TimestampTz now)
{
	WorkerSlot *slot = &as_shared->slots[index];
	Child	   *child = &children[index];
	bool		was_blocked = slot->state == WORKER_BLOCKED;
	char	   *name;

	if (!claim_start(slot, child, now))
		return;
	name = listed_name(slot->dboid);
	if (name == NULL)
	{
		as_slot_set_state(slot, WORKER_STOPPED, "not named in agent_studio.databases");
		child->not_before = TimestampTzPlusMilliseconds(now, RESCAN_MS);
		return;
	}

	child->started_at = now;
	FAULT_POINT("register");
	if (!register_executor(index, slot->dboid, name))
	{
		as_slot_set_state(slot, WORKER_BLOCKED, "max_worker_processes is used up");
		child->not_before = TimestampTzPlusMilliseconds(now, BLOCKED_RETRY_MS);
		if (!was_blocked)
			ereport(LOG,
					(errmsg("agent_studio: no background worker is free for database \"%s\"", name),
					 errhint("Raise max_worker_processes. It is tried again every %d s.", BLOCKED_RETRY_MS / 1000)));
	}
	FAULT_POINT("registered");
	pfree(name);
}

/* A worker slot has become free: nobody waits for one any longer than needed. */
static void
retry_blocked(TimestampTz now)
{
	for (int i = 0; i < AS_MAX_DATABASES; i++)
	{
		if (as_shared->slots[i].state == WORKER_BLOCKED)
			children[i].not_before = now;
	}
}

/*
 * What is left of an executor that has ended goes from its slot. One that a former
 * launcher left behind may be in it: then ours found the slot taken, and has ended
 * for that.
 */
static void
clear_slot(WorkerSlot *slot, pid_t ended)
{
	SpinLockAcquire(&slot->mutex);
	if (slot->pid == 0 || slot->pid == ended)
	{
		slot->pid = 0;
		slot->procno = AS_NO_PROC;
		if (slot->state != WORKER_ABSENT && slot->state != WORKER_NONE)
			slot->state = WORKER_STOPPED;
	}
	SpinLockRelease(&slot->mutex);
	ConditionVariableBroadcast(&slot->changed);
}

/* Our executor may have ended: decide when the next one may start. */
static void
reap_executor(int index, TimestampTz now)
{
	WorkerSlot *slot = &as_shared->slots[index];
	Child	   *child = &children[index];
	pid_t		pid;
	BgwHandleStatus status;

	if (child->handle == NULL)
		return;
	status = GetBackgroundWorkerPid(child->handle, &pid);
	if (status == BGWH_STARTED)
		child->pid = pid;
	if (status != BGWH_STOPPED)
		return;
	FAULT_POINT("reap");
	pfree(child->handle);
	child->handle = NULL;
	retry_blocked(now);
	clear_slot(slot, child->pid);
	child->pid = 0;

	if (slot->state == WORKER_ABSENT || slot->holds > 0 ||
		TimestampDifferenceExceeds(child->started_at, now, SHORT_LIFE_MS))
	{
		child->failures = 0;
		child->not_before = now;
	}
	else
	{
		child->not_before = TimestampTzPlusMilliseconds(now,
														Min(MAX_BACKOFF_MS, 250 << Min(child->failures, 8)));
		child->failures++;
	}
}

/* Starts and reaps; returns after how many milliseconds to look again. */
static long
tend_executors(void)
{
	TimestampTz now = steady_now();
	long		sleep_ms = RESCAN_MS;
	int			starting = 0;

	for (int i = 0; i < AS_MAX_DATABASES; i++)
	{
		if (as_shared->slots[i].dboid != InvalidOid)
			reap_executor(i, now);
		if (children[i].handle != NULL && as_shared->slots[i].state == WORKER_STARTING)
			starting++;
	}
	for (int i = 0; i < AS_MAX_DATABASES; i++)
	{
		WorkerSlot *slot = &as_shared->slots[i];

		if (slot->dboid == InvalidOid || slot->state == WORKER_ABSENT || children[i].handle != NULL)
			continue;
		if (starting < MAX_STARTING)
		{
			start_executor(i, now);
			if (children[i].handle != NULL)
				starting++;
		}
		if (children[i].handle == NULL)
			sleep_ms = Min(sleep_ms, Max(100, TimestampDifferenceMilliseconds(now, children[i].not_before)));
	}
	return sleep_ms;
}

static void
detach_launcher(int code, Datum arg)
{
	SpinLockAcquire(&as_shared->mutex);
	as_shared->launcher_procno = AS_NO_PROC;
	as_shared->launcher_pid = 0;
	SpinLockRelease(&as_shared->mutex);
}

static void
attach_launcher(void)
{
	SpinLockAcquire(&as_shared->mutex);
	as_shared->launcher_procno = compat_my_proc_number();
	as_shared->launcher_pid = MyProcPid;
	SpinLockRelease(&as_shared->mutex);
	before_shmem_exit(detach_launcher, (Datum) 0);
}

/*
 * Executors outlive a launcher that failed, and clear their slots themselves.
 * One that was registered but had not begun is given up: should it come after
 * all, it finds its slot taken and ends.
 */
static void
give_up_unstarted(void)
{
	for (int i = 0; i < AS_MAX_DATABASES; i++)
	{
		WorkerSlot *slot = &as_shared->slots[i];

		SpinLockAcquire(&slot->mutex);
		if (slot->state == WORKER_STARTING && slot->pid == 0)
			slot->state = WORKER_STOPPED;
		SpinLockRelease(&slot->mutex);
	}
}

void
agent_studio_launcher_main(Datum arg)
{
	TimestampTz next_scan = 0;
	MemoryContext round;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGINT, SIG_IGN);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	FAULT_POINT("launcher_starts");
	attach_launcher();
	give_up_unstarted();
	round = AllocSetContextCreate(TopMemoryContext, "agent_studio launcher round", ALLOCSET_DEFAULT_SIZES);
	pgstat_report_appname("agent_studio launcher");
	pgstat_report_activity(STATE_IDLE, NULL);

	for (;;)
	{
		long		sleep_ms;

		MemoryContextReset(round);
		MemoryContextSwitchTo(round);
		CHECK_FOR_INTERRUPTS();
		if (ShutdownRequestPending)
			proc_exit(1);		/* 0 would end it for good: see bgworker.c */
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			next_scan = 0;

			/* agent_studio.databases may name now what it left out before. */
			for (int i = 0; i < AS_MAX_DATABASES; i++)
				children[i].not_before = 0;
		}
		if (pg_atomic_exchange_u32(&as_shared->launcher_wake, 0) != 0 || steady_now() >= next_scan)
		{
			scan_databases();
			MemoryContextSwitchTo(round);
			next_scan = TimestampTzPlusMilliseconds(steady_now(), RESCAN_MS);
		}
		sleep_ms = tend_executors();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, sleep_ms, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

void
as_launcher_register(void)
{
	BackgroundWorker worker;

	if (IsBinaryUpgrade)
		return;
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, AS_LIBRARY, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "agent_studio_launcher_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "agent_studio launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "agent_studio launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}
