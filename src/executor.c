/*
 * executor.c
 *		The worker that runs the steps of one database: its life, and its loop.
 *
 * One process, thousands of calls. A round of the loop:
 *
 *	1. wait for the latch, for curl's sockets (one nested epoll descriptor), or
 *	   for the next deadline - with no transaction open;
 *	2. move every transfer as far as it goes, and decode what it brought;
 *	3. write what has ended, and the thoughts that are due (results.c);
 *	4. apply commands, claim what there are places for, and send it (dispatch.c);
 *	5. when there is nothing else to do, bring daily totals up to date (roll_up.c).
 *
 * The tables are the state. What is in memory can be lost at any moment: the
 * next executor begins a new epoch, and queues again what this one had claimed.
 * A claim is fenced by epoch and attempt, so nothing is ever written twice.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "bad_row.h"
#include "budget.h"
#include "compat.h"
#include "executor.h"
#include "fault.h"
#include "launcher.h"
#include "live.h"
#include "spend.h"
#include "steady.h"
#include "turn.h"

#define ABSORB_MS			20	/* a round looks at what came for this long */
#define OPEN_LINE_MS		1000	/* a thought without an end is shown after this */
#define MAX_HOLD_OFF_MS		10000
#define MANY_TROUBLES		3	/* then as_check() tells of them */
#define MANY_CRASHES		3
#define CAREFUL_MS			10000
#define VERSION_SIZE		64

static Executor *executor = NULL;

/* ---------- life ---------- */

static void
on_sigterm(SIGNAL_ARGS)
{
	int			save_errno = errno;

	ShutdownRequestPending = true;

	/* A commit that waits for a standby ends only for this. */
	if (as_result_commit == RESULT_COMMIT_REMOTE)
	{
		InterruptPending = true;
		ProcDiePending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

static void
detach_slot(int code, Datum arg)
{
	WorkerSlot *slot = (WorkerSlot *) DatumGetPointer(arg);

	SpinLockAcquire(&slot->mutex);
	slot->procno = AS_NO_PROC;
	slot->pid = 0;
	if (slot->state != WORKER_ABSENT)
		slot->state = WORKER_STOPPED;
	SpinLockRelease(&slot->mutex);
	pg_atomic_write_u32(&slot->in_flight, 0);
	ConditionVariableBroadcast(&slot->changed);
	as_wake_launcher();
}

/* False if there is an executor already: a launcher that failed may have left one. */
static bool
attach_slot(WorkerSlot *slot)
{
	bool		is_free;

	SpinLockAcquire(&slot->mutex);
	is_free = slot->pid == 0;
	if (is_free)
	{
		slot->pid = MyProcPid;
		slot->procno = compat_my_proc_number();
	}
	SpinLockRelease(&slot->mutex);
	if (is_free)
		before_shmem_exit(detach_slot, PointerGetDatum(slot));
	return is_free;
}

static void
find_extension_work(void *arg)
{
	*(Oid *) arg = get_extension_oid(AS_EXTENSION, true);
}

/* False if it could not be looked up; InvalidOid if it is not there. */
static bool
find_extension(Oid *found)
{
	*found = InvalidOid;
	return turn_run(find_extension_work, found, TURN_COMMIT_ASYNC) == TURN_DONE;
}

static void
extension_version_work(void *arg)
{
	char	   *version = NULL;

	if (SPI_execute("SELECT extversion FROM pg_extension WHERE extname = '" AS_EXTENSION "'", true, 1) == SPI_OK_SELECT &&
		SPI_processed == 1)
		version = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	strlcpy(arg, version ? version : "", VERSION_SIZE);
}

/*
 * Whether the extension's tables are those that this library knows. Between the
 * installation of a release and the end of its update they may be others: whatever
 * was written then would fail, and the work with it. Releases that differ in their
 * last number only have the same tables.
 */
static bool
serves_extension(WorkerSlot *slot)
{
	char		version[VERSION_SIZE];
	char		problem[AS_PROBLEM_SIZE];
	size_t		len = strrchr(AS_VERSION, '.') + 1 - AS_VERSION;

	if (turn_run(extension_version_work, version, TURN_COMMIT_ASYNC) != TURN_DONE)
		proc_exit(1);			/* the launcher tries again, later and later */
	if (strncmp(version, AS_VERSION, len) == 0)
		return true;
	snprintf(problem, sizeof(problem), "the extension is of version %s, the library of " AS_VERSION, version);
	as_slot_set_state(slot, WORKER_ABSENT, problem);
	ereport(LOG, (errmsg("%s does not run: %s", MyBgworkerEntry->bgw_name, problem)));
	return false;
}

static bool
is_held(WorkerSlot *slot)
{
	bool		held;

	SpinLockAcquire(&slot->mutex);
	held = slot->holds > 0;
	SpinLockRelease(&slot->mutex);
	return held;
}

/* The epoch is on disk before anything is claimed in its name. */
static void
begin_epoch_work(void *arg)
{
	Executor   *self = arg;

	self->epoch = queue_begin_epoch();
	FAULT_POINT("epoch_begins");
	if (queue_recent_crashes(self->epoch) >= MANY_CRASHES)
		self->careful_until = TimestampTzPlusMilliseconds(steady_now(), CAREFUL_MS);
}

typedef struct Recovery
{
	const StepKey *only;		/* NULL = all */
	int			recovered;
	StepKey    *left;
	int			nleft;
} Recovery;

static void
recover_work(void *arg)
{
	Recovery   *recovery = arg;

	recovery->recovered = queue_recover(executor->epoch, recovery->only);
	FAULT_POINT("recovery");
}

static void
left_steps_work(void *arg)
{
	Recovery   *recovery = arg;

	MemoryContextSwitchTo(executor->round);
	recovery->left = queue_left_steps(executor->epoch, &recovery->nleft);
}

/*
 * If a row is at fault, each step is recovered alone, and only that one fails. How
 * many were dealt with: one that cannot be has to wait for the next executor.
 */
static int
recover_one_by_one(void)
{
	Recovery	all = {NULL};
	int			total = 0;

	if (turn_run(left_steps_work, &all, TURN_COMMIT_ASYNC) != TURN_DONE)
		proc_exit(1);
	for (int i = 0; i < all.nleft && !ShutdownRequestPending; i++)
	{
		Recovery	one = {&all.left[i]};
		TurnResult	result = turn_run(recover_work, &one, TURN_COMMIT_DURABLE);

		if (result == TURN_TRY_LATER)
			proc_exit(1);
		if (result == TURN_DONE || bad_row_end(one.only, "the step could not be queued again") != BAD_ROW_LEFT)
			total++;
	}
	return total;
}

static int
recover(void)
{
	Recovery	recovery = {NULL};

	switch (turn_run(recover_work, &recovery, TURN_COMMIT_DURABLE))
	{
		case TURN_BAD_ROW:
			return recover_one_by_one();
		case TURN_TRY_LATER:
			proc_exit(1);
		case TURN_DONE:
			break;
	}
	return recovery.recovered;
}

static void
recall_work(void *arg)
{
	queue_recall_sends(executor->limits, as_minute_ms);
	queue_recall_blocks(executor->limits);
	spend_begin(executor);
}

static void
begin_epoch(void)
{
	int			recovered;
	int			total = 0;

	if (turn_run(begin_epoch_work, executor, TURN_COMMIT_DURABLE) != TURN_DONE)
		proc_exit(1);			/* the launcher tries again, later and later */
	FAULT_POINT("epoch_begun");
	do
	{
		CHECK_FOR_INTERRUPTS();
		recovered = recover();
		FAULT_POINT("recovered");
		total += recovered;
	} while (recovered > 0 && !ShutdownRequestPending);
	if (turn_run(recall_work, NULL, TURN_COMMIT_ASYNC) != TURN_DONE)
		proc_exit(1);
	if (executor->careful_until != 0)
		ereport(LOG,
				(errmsg("agent_studio: the last executors of this database crashed; one call at a time for %d s",
						CAREFUL_MS / 1000)));
	if (total > 0)
		ereport(LOG, (errmsg("agent_studio: queued again %d steps that were under way when the executor ended", total)));
}

int64
executor_clock(void)
{
	return steady_now() / 1000;
}

static void
create_executor(WorkerSlot *slot)
{
	executor = MemoryContextAllocZero(TopMemoryContext, sizeof(Executor));
	executor->slot = slot;
	executor->dboid = MyDatabaseId;
	executor->round = AllocSetContextCreate(TopMemoryContext, "agent_studio round", ALLOCSET_DEFAULT_SIZES);
	executor->journal = journal_create();
	commands_init(&executor->commands);
	executor->began_at = GetCurrentTimestamp();
	dlist_init(&executor->running);
	dlist_init(&executor->ended);
	executor->next_roll_up = steady_now();
	executor->clock_set_back = true;	/* it may have been, before our time */
	executor->set_back_to = GetCurrentTimestamp();
	executor->next_due = DT_NOBEGIN;
	executor->next_allowance = DT_NOEND;
	executor->limits = limits_create(as_minute_ms);
	executor->look = true;
	executor->http = http_loop_create(as_max_host_connections,
									  as_ca_file && as_ca_file[0] ? as_ca_file : NULL);
	if (executor->http == NULL || executor->limits == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("agent_studio: could not start the HTTP loop")));
}

/* Stops in order: sockets close, and what they were for is queued again. */
static void
interrupt_calls(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &executor->running)
	{
		Call	   *call = dlist_container(Call, node, iter.cur);

		call_stop(call, OUTCOME_INTERRUPTED, "the executor was stopped while the model was answering");
		call_release_http(call, executor->http);
		executor_settle(executor, call);
	}
}

static void
end_epoch_work(void *arg)
{
	queue_end_epoch(executor->epoch);
	FAULT_POINT("epoch_ends");
}

static void
stop_in_order(void)
{
	bool		written;

	interrupt_calls();
	FAULT_POINT("stop");
	do
	{
		MemoryContextReset(executor->round);
		written = executor_write(executor) == TURN_DONE;
	} while (written && executor->nended > 0);
	if (written)
		(void) turn_run(end_epoch_work, NULL, TURN_COMMIT_DURABLE);
	FAULT_POINT("epoch_ended");
	http_loop_free(executor->http);
	proc_exit(0);
}

/* ---------- the loop ---------- */

/* For as_check(). */
static void
tell_trouble(Executor *self, int troubles)
{
	char		text[AS_PROBLEM_SIZE];
	size_t		len;

	len = snprintf(text, sizeof(text), "%d transactions in a row failed: %s", troubles, turn_error());
	if (len >= sizeof(text))
		text[utf8_clip(text, sizeof(text) - 1, sizeof(text) - 4)] = '\0';
	as_slot_set_state(self->slot, WORKER_RUNNING, text);
}

void
executor_hold_off(Executor *self, TroubleKind kind)
{
	int			troubles = ++self->troubles[kind];
	int64		wait_ms = Min(MAX_HOLD_OFF_MS, 100 << Min(troubles - 1, 10));

	self->hold_off_until = TimestampTzPlusMilliseconds(steady_now(), wait_ms);
	if (troubles >= MANY_TROUBLES)
		tell_trouble(self, troubles);
}

void
executor_is_well(Executor *self, TroubleKind kind)
{
	if (self->troubles[kind] == 0)
		return;
	self->troubles[kind] = 0;
	for (int i = 0; i < TROUBLE_KINDS; i++)
	{
		if (self->troubles[i] >= MANY_TROUBLES)
			return;
	}
	as_slot_set_state(self->slot, WORKER_RUNNING, NULL);
}

/*
 * An answer may be large, and judging it costly: what is left after a while waits
 * for the next round, so that shutdown, commands and other work do not.
 */
static void
absorb_network(void)
{
	TimestampTz enough = TimestampTzPlusMilliseconds(steady_now(), ABSORB_MS);
	HttpCall   *http;

	budget_pace(executor);
	http_loop_run(executor->http);
	while (!ShutdownRequestPending && steady_now() < enough &&
		   (http = http_next(executor->http)) != NULL)
	{
		Call	   *call = http->owner;

		call_absorb(call);
		budget_weigh(executor, call);
		FAULT_POINT("stream");
		if (call_has_ended(call))
		{
			FAULT_POINT("answered");
			call_release_http(call, executor->http);
			executor_settle(executor, call);
		}
	}
}

static void
look_at_running(TimestampTz now)
{
	static TimestampTz last_sweep = 0;
	TimestampTz before = TimestampTzPlusMilliseconds(now, -OPEN_LINE_MS);
	dlist_iter	iter;

	if (!TimestampDifferenceExceeds(last_sweep, now, OPEN_LINE_MS / 2))
		return;
	last_sweep = now;
	dlist_foreach(iter, &executor->running)
	{
		Call	   *call = dlist_container(Call, node, iter.cur);

		call_flush_line(call, before);
		live_look(executor, call, now);
	}
}

static bool
write_is_due(TimestampTz now)
{
	if (executor->nended > 0 || executor->commands.count > 0 || executor->live_due)
		return true;
	return !journal_is_empty(executor->journal) &&
		(budget_is_short(executor) || TimestampDifferenceExceeds(executor->journal->oldest, now, as_thought_interval_ms));
}

static bool
look_is_due(TimestampTz now)
{
	if (pg_atomic_read_u32(&executor->slot->wake) != 0 &&
		pg_atomic_exchange_u32(&executor->slot->wake, 0) != 0)
		executor->look = true;
	if (now >= executor->next_due || now >= executor->next_poll || now >= executor->next_allowance)
		executor->look = true;
	if (executor->careful_until != 0 && now >= executor->careful_until)
	{
		executor->careful_until = 0;
		executor->look = true;
	}
	return executor->look;
}

/* The clock on the wall was set: what waits for a time is looked at anew. */
static void
look_at_clock(void)
{
	int64		jump = steady_clock_jump();

	if (jump == 0)
		return;
	ereport(LOG, (errmsg("agent_studio: the clock was set %s by %.0f s", jump < 0 ? "back" : "forward",
						 fabs((double) jump) / USECS_PER_SEC)));
	executor->next_due = DT_NOBEGIN;
	executor->next_day = DT_NOBEGIN;
	if (jump < 0)
	{
		executor->set_back_to = executor->clock_set_back ? Min(executor->set_back_to, GetCurrentTimestamp()) : GetCurrentTimestamp();
		executor->clock_set_back = true;
	}
	executor->look = true;
}

static void
mend_waits_work(void *arg)
{
	queue_mend_waits();
}

static void
reopen_days_work(void *arg)
{
	queue_reopen_days(*(const TimestampTz *) arg);
}

/* False if it has to be tried again. A row that cannot be changed waits for as long as it says. */
static bool
mend_times(void)
{
	if (turn_run(reopen_days_work, &executor->set_back_to, TURN_COMMIT_ASYNC) == TURN_TRY_LATER ||
		turn_run(mend_waits_work, NULL, TURN_COMMIT_ASYNC) == TURN_TRY_LATER)
	{
		executor_hold_off(executor, TROUBLE_DISPATCH);
		return false;
	}
	executor->clock_set_back = false;
	return true;
}

static void
work_a_round(void)
{
	TimestampTz now;

	MemoryContextReset(executor->round);
	MemoryContextSwitchTo(executor->round);
	absorb_network();
	look_at_clock();
	now = steady_now();
	look_at_running(now);
	if (now < executor->hold_off_until)
		return;

	if (executor->clock_set_back && !mend_times())
		return;
	if (write_is_due(now))
	{
		/* Places are free, or what people want has made steps ready: resume, approve. */
		bool		more_to_send = executor->nended > 0 || executor->commands.count > 0;

		/* A row that cannot be written stops no other work. */
		if (executor_write(executor) == TURN_TRY_LATER)
			return;
		executor->look |= more_to_send;
	}
	if (look_is_due(now))
	{
		executor->next_poll = TimestampTzPlusMilliseconds(now, as_poll_interval_ms);
		executor_dispatch(executor);
	}
	if (now >= executor_roll_up_time(executor))
		executor_roll_up(executor);
}

static void
earlier(long *timeout_ms, TimestampTz now, TimestampTz deadline)
{
	if (deadline != DT_NOEND)
		*timeout_ms = Min(*timeout_ms, TimestampDifferenceMilliseconds(now, deadline));
}

/* How long to wait when neither latch nor network stir. */
static long
next_timeout(void)
{
	TimestampTz now = steady_now();
	long		timeout_ms = as_poll_interval_ms;
	long		http_ms = http_loop_timeout(executor->http);

	if (http_ms >= 0)
		timeout_ms = Min(timeout_ms, http_ms);
	if (executor->nrunning > 0)
		timeout_ms = Min(timeout_ms, OPEN_LINE_MS / 2);
	if (now < executor->hold_off_until)
	{
		earlier(&timeout_ms, now, executor->hold_off_until);
		return timeout_ms;
	}
	if (executor->look || write_is_due(now))
		return 0;
	earlier(&timeout_ms, now, executor->next_due);
	earlier(&timeout_ms, now, executor->next_poll);
	earlier(&timeout_ms, now, executor->next_allowance);
	earlier(&timeout_ms, now, executor_roll_up_time(executor));
	if (!journal_is_empty(executor->journal))
		earlier(&timeout_ms, now,
				TimestampTzPlusMilliseconds(executor->journal->oldest, as_thought_interval_ms + 1));
	return timeout_ms;
}

static void
show_activity(void)
{
	static int	shown = -1;
	char		text[64];

	if (shown == executor->nrunning)
		return;
	shown = executor->nrunning;
	pg_atomic_write_u32(&executor->slot->in_flight, shown);
	snprintf(text, sizeof(text), shown == 1 ? "%d model call in flight" : "%d model calls in flight", shown);
	pgstat_report_activity(shown > 0 ? STATE_RUNNING : STATE_IDLE, text);
}

static void
listed_work(void *arg)
{
	const char *name = get_database_name(MyDatabaseId);

	*(bool *) arg = name != NULL && as_database_is_listed(name);
}

static bool
should_stop(void)
{
	bool		listed = true;

	if (ShutdownRequestPending || is_held(executor->slot))
		return true;
	if (!ConfigReloadPending)
		return false;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	if (turn_run(listed_work, &listed, TURN_COMMIT_ASYNC) == TURN_DONE && !listed)
		return true;
	executor->look = true;
	return false;
}

/*
 * A DROP may be over before an executor that waits for its locks has seen the hold.
 * Then its tables are gone, or are those of another CREATE EXTENSION: sockets close
 * with the process, and there is nothing to write.
 */
static void
leave_if_dropped(void)
{
	Oid			found;

	if (!turn_missed_table() || !find_extension(&found) || found == executor->extension)
		return;
	if (!OidIsValid(found))
		as_slot_set_state(executor->slot, WORKER_ABSENT, NULL);
	proc_exit(0);
}

static WaitEventSet *
create_wait_set(void)
{
	WaitEventSet *set = compat_create_wait_set(3);

	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(set, WL_SOCKET_READABLE, http_loop_fd(executor->http), NULL, NULL);
	return set;
}

static void
run_loop(void)
{
	WaitEventSet *set = create_wait_set();
	WaitEvent	events[2];

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		FAULT_POINT("round");
		if (should_stop())
			stop_in_order();
		work_a_round();
		leave_if_dropped();
		show_activity();
		(void) WaitEventSetWait(set, next_timeout(), events, lengthof(events), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

void
agent_studio_executor_main(Datum arg)
{
	WorkerSlot *slot = &as_shared->slots[DatumGetInt32(arg)];
	Oid			dboid;
	Oid			extension = InvalidOid;

	memcpy(&dboid, MyBgworkerEntry->bgw_extra, sizeof(dboid));
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, on_sigterm);
	pqsignal(SIGINT, turn_on_sigint);
	BackgroundWorkerUnblockSignals();
	FAULT_POINT("executor_starts");
	if (!attach_slot(slot))
		proc_exit(0);
	FAULT_POINT("executor_attached");
	BackgroundWorkerInitializeConnectionByOid(dboid, InvalidOid, 0);
	pgstat_report_appname("agent_studio executor");
	turn_prepare_process();

	if (is_held(slot) || !find_extension(&extension) || !OidIsValid(extension))
	{
		if (!is_held(slot))
			as_slot_set_state(slot, WORKER_ABSENT, NULL);
		proc_exit(0);
	}
	if (!serves_extension(slot))
		proc_exit(0);
	budget_prepare_process();
	create_executor(slot);
	spend_watch();
	executor->extension = extension;
	begin_epoch();
	SpinLockAcquire(&slot->mutex);
	slot->epoch = executor->epoch;
	SpinLockRelease(&slot->mutex);
	as_slot_set_state(slot, WORKER_RUNNING, NULL);
	run_loop();
}
