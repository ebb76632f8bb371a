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
#include "catalog/pg_authid.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "agent_studio.h"
#include "turn.h"
#include "utf8.h"

static char last_error[256];
static bool missed_table = false;
static bool lost_race = false;

const char *
turn_error(void)
{
	return last_error;
}

bool
turn_lost_race(void)
{
	return lost_race;
}

bool
turn_missed_table(void)
{
	bool		missed = missed_table;

	missed_table = false;
	return missed;
}

/* A quota or ulimit that is used up is a full disk, too, but has no SQLSTATE of its own. */
static bool
is_out_of_space(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INTERNAL_ERROR &&
		(error->saved_errno == EDQUOT || error->saved_errno == EFBIG);
}

/*
 * What is said of a row that somebody else has changed since it was found (rows.c). It has no SQLSTATE
 * of its own, and its words are never translated.
 */
static bool
is_lost_race(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INTERNAL_ERROR && error->message != NULL &&
		(strcmp(error->message, "tuple concurrently updated") == 0 || strcmp(error->message, "tuple concurrently deleted") == 0);
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
is_passing(const ErrorData *error)
{
	if (is_out_of_space(error))
		return true;
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
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

void
turn_commit_durably(void)
{
	set_commit_level(TURN_COMMIT_DURABLE);
}

/*
 * lock_timeout sends the process a SIGINT, and so does pg_cancel_backend. Only the
 * first is obeyed: there is no query of anybody's to cancel.
 */
void
turn_on_sigint(SIGNAL_ARGS)
{
	int			save_errno = errno;

	if (get_timeout_indicator(LOCK_TIMEOUT, false))
	{
		InterruptPending = true;
		QueryCancelPending = true;
		SetLatch(MyLatch);
	}
	errno = save_errno;
}

/* A lock that came at the same moment as its timeout: the turn is over. */
static void
forget_lock_timeout(void)
{
	QueryCancelPending = false;
	(void) get_timeout_indicator(LOCK_TIMEOUT, true);
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
	errno = 0;					/* what is_out_of_space sees is of this turn */
	PG_TRY();
	{
		run_in_transaction(work, arg, commit);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		HOLD_INTERRUPTS();
		QueryCancelPending = false;
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		keep_words(error->message ? error->message : "unknown error");
		missed_table |= error->sqlerrcode == ERRCODE_UNDEFINED_TABLE;
		lost_race = is_lost_race(error);
		result = is_passing(error) ? TURN_TRY_LATER : TURN_BAD_ROW;
		FreeErrorData(error);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	forget_lock_timeout();
	MemoryContextSwitchTo(caller);
	pgstat_report_stat(false);
	return result;
}

/*
 * What the executor needs to be as it is, whatever ALTER DATABASE, ALTER ROLE or
 * postgresql.conf say: they mean the sessions of users.
 */
static const char *const own_settings[][2] = {
	{"search_path", "pg_catalog, pg_temp"},

	/* It steps back for others, and never stops in the middle. */
	{"lock_timeout", "500ms"},
	{"statement_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
#if PG_VERSION_NUM >= 170000
	{"transaction_timeout", "0"},
#endif
	{"exit_on_error", "off"},

	/* Who closes hours looks whether it is still writing: see next_hours_to_close. */
	{"track_activities", "on"},

	/* It writes, and sees what was committed meanwhile. */
	{"default_transaction_read_only", "off"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_deferrable", "off"},

	/* Rows are what they are: constraints and triggers hold, damage is told. */
	{"session_replication_role", "origin"},
	{"row_security", "on"},
	{"zero_damaged_pages", "off"},
	{"ignore_checksum_failure", "off"},
	{"transform_null_equals", "off"},

	/* Index scans whatever the size was when a plan was made: see statements.h. */
	{"plan_cache_mode", "force_generic_plan"},
	{"enable_indexscan", "on"},
	{"enable_nestloop", "on"},
	{"enable_seqscan", "off"},
	{"enable_hashjoin", "off"},
	{"enable_mergejoin", "off"},
	{"max_parallel_workers_per_gather", "0"},
	{"jit", "off"},
};

static void
set_for_process(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

/* role and session_authorization can be set for a database, too. */
static void
be_oneself(void)
{
	if (GetSessionUserId() != BOOTSTRAP_SUPERUSERID)
	{
		StartTransactionCommand();
		set_for_process("session_authorization", GetUserNameFromId(BOOTSTRAP_SUPERUSERID, false));
		CommitTransactionCommand();
	}
	set_for_process("role", "none");
}

void
turn_prepare_process(void)
{
	for (int i = 0; i < lengthof(own_settings); i++)
		set_for_process(own_settings[i][0], own_settings[i][1]);
	be_oneself();
}
