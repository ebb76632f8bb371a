/*
 * turn.c
 *		The executor's short transactions.
 *
 * A transaction is opened when there is something to write and closed at once;
 * none is open while the executor waits. lock_timeout is shorter than the
 * server's deadlock_timeout, so where the executor's locks meet a user's (ALTER,
 * VACUUM FULL, DROP EXTENSION), it is the executor that steps back and tries
 * again, with its results kept in memory.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "agent_studio.h"
#include "turn.h"
#include "utf8.h"

static char last_error[256];
static volatile sig_atomic_t turn_is_open = false;

const char *
turn_error(void)
{
	return last_error;
}

/* Cut between characters: the words are stored and shown. */
static void
keep_words(const char *message)
{
	size_t		len = utf8_clip(message, strlen(message), sizeof(last_error) - 1);

	memcpy(last_error, message, len);
	last_error[len] = '\0';
}

/* Whether trying the same again may succeed without any change of what is written. */
static bool
is_passing(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:	/* lock_not_available */
		case ERRCODE_INVALID_TRANSACTION_STATE: /* read-only for a while */
			return true;
		default:
			return false;
	}
}

/*
 * lock_timeout sends a SIGINT to its own process, as pg_cancel_backend does to
 * another one. Outside of a turn there is nothing that it could cancel.
 */
void
turn_on_sigint(SIGNAL_ARGS)
{
	int			save_errno = errno;

	if (turn_is_open)
	{
		InterruptPending = true;
		QueryCancelPending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

static void
set_commit_level(TurnCommit commit)
{
	const char *level;

	if (commit == TURN_COMMIT_ASYNC)
		level = "off";
	else if (as_result_commit == RESULT_COMMIT_REMOTE)
		return;					/* the cluster's own setting */
	else
		level = "local";
	(void) set_config_option("synchronous_commit", level, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

static void
run_in_transaction(TurnWork work, void *arg, TurnCommit commit)
{
	StartTransactionCommand();
	set_commit_level(commit);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	PushActiveSnapshot(GetTransactionSnapshot());
	work(arg);
	PopActiveSnapshot();
	SPI_finish();
	CommitTransactionCommand();
}

TurnResult
turn_run(TurnWork work, void *arg, TurnCommit commit)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile TurnResult result = TURN_DONE;

	SetCurrentStatementStartTimestamp();
	turn_is_open = true;
	PG_TRY();
	{
		run_in_transaction(work, arg, commit);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		HOLD_INTERRUPTS();
		turn_is_open = false;
		QueryCancelPending = false;
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		keep_words(error->message ? error->message : "unknown error");
		result = is_passing(error->sqlerrcode) ? TURN_TRY_LATER : TURN_BAD_ROW;
		FreeErrorData(error);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	turn_is_open = false;
	QueryCancelPending = false;
	MemoryContextSwitchTo(caller);
	pgstat_report_stat(false);
	return result;
}

static void
set_for_process(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

void
turn_prepare_process(void)
{
	set_for_process("search_path", "pg_catalog, pg_temp");
	set_for_process("lock_timeout", "500ms");
	set_for_process("default_transaction_read_only", "off");
	set_for_process("default_transaction_isolation", "read committed");
	set_for_process("idle_in_transaction_session_timeout", "0");
	set_for_process("statement_timeout", "0");
	set_for_process("row_security", "on");
#if PG_VERSION_NUM >= 170000
	set_for_process("transaction_timeout", "0");
#endif

	/* Index scans whatever the size was when a plan was made: see statements.h. */
	set_for_process("plan_cache_mode", "force_generic_plan");
	set_for_process("enable_seqscan", "off");
	set_for_process("enable_hashjoin", "off");
	set_for_process("enable_mergejoin", "off");
	set_for_process("jit", "off");
}
