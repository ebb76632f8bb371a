/*
 * live.c
 *		What calls have streamed so far, told while they run.
 *
 * A call that is under way for a second gets a row in live_usage, which is written
 * again once a second while it grows, and goes with the attempt's result. Answers
 * that come faster than that cost nothing. The row is an estimate for those who look
 * on: it may be lost, and nothing is decided by it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "batch.h"
#include "fault.h"
#include "live.h"
#include "statements.h"
#include "steady.h"

#define INTERVAL_MS		1000
#define MS_PER_CALL		2		/* with very many calls: 500 rows a second at most */

static const Oid live_types[] = {INT8OID, INT4OID, INT4OID, INT8OID, INT8OID, INT8OID, INT8OID,
TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID};
static const Oid key_types[] = {INT8OID, INT4OID};

/* Whether there is something that the row does not say. */
static bool
has_news(const Call *call)
{
	return call->live_at == 0 || call->streamed_bytes != call->live_bytes || call->first_byte_at != call->live_first_byte_at;
}

static void
tell_duration(Call *call, TimestampTz now)
{
	char		message[300];

	if (call->told_duration || !TimestampDifferenceExceeds(call->began, now, as_minute_ms))
		return;
	call->told_duration = true;
	if (call->plan_step != NULL)
		snprintf(message, sizeof(message), "Step %d %.200s: execution time exceeded %g seconds - still running",
				 call->plan_step_no, call->plan_step->name, as_minute_ms / 1000.0);
	else
		snprintf(message, sizeof(message), "Execution time exceeded %g seconds - task still running", as_minute_ms / 1000.0);
	journal_notice(call->journal, &call->key, "warning", "duration", message);
}

void
live_look(Executor *executor, Call *call, TimestampTz now)
{
	int			interval_ms = Max(INTERVAL_MS, executor->nrunning * MS_PER_CALL);

	tell_duration(call, now);
	if (!TimestampDifferenceExceeds(Max(call->began, call->live_at), now, interval_ms) || !has_news(call))
		return;
	call->live_due = true;
	executor->live_due = true;
}

static int64
told_or(int64 told, int64 estimate)
{
	return told >= 0 ? told : estimate;
}

/* In the order of the columns of write_live. */
static void
add_call(Batch *batch, const Call *call)
{
	const Answer *answer = &call->decoder.answer;

	batch_row(batch);
	batch_set(batch, 0, Int64GetDatum(call->key.execution_id));
	batch_set(batch, 1, Int32GetDatum(call->key.step_no));
	batch_set(batch, 2, Int32GetDatum(call->key.attempt_no));
	batch_count(batch, 3, call->decoding ? told_or(answer->input_tokens, call->prompt_tokens) : call->prompt_tokens);
	batch_count(batch, 4, call->decoding ? answer->cached_input_tokens : -1);
	batch_count(batch, 5, call_output_tokens(call));
	batch_count(batch, 6, call->decoding ? told_or(answer->reasoning_tokens, call->reasoning_bytes / BYTES_PER_TOKEN) : 0);
	batch_time(batch, 7, call->first_byte_at);
	batch_time(batch, 8, call->first_token_at);
	batch_time(batch, 9, GetCurrentTimestamp());
	batch_text(batch, 10, call->key.owner);
	batch_text(batch, 11, call->key.team);
}

static void
run_batch(Statement statement, const Batch *batch, Datum *args, int first)
{
	if (batch->nrows == 0)
		return;
	batch_arrays(batch, &args[first]);
	statement_run(statement, args, NULL);
}

void
live_write(Executor *executor)
{
	Datum		args[BATCH_MAX_COLUMNS + 1] = {Int64GetDatum(executor->epoch)};
	Batch	   *batch;
	dlist_iter	iter;

	if (!executor->live_due)
		return;
	batch = batch_create(live_types, lengthof(live_types));
	dlist_foreach(iter, &executor->running)
	{
		const Call *call = dlist_container(Call, node, iter.cur);

		if (call->live_due)
			add_call(batch, call);
	}
	run_batch(STATEMENT_WRITE_LIVE, batch, args, 1);
	FAULT_POINT("live");
}

void
live_forget(Call *const *calls, int n)
{
	Datum		args[BATCH_MAX_COLUMNS];
	Batch	   *batch = batch_create(key_types, lengthof(key_types));

	for (int i = 0; i < n; i++)
	{
		if (calls[i]->live_at == 0)
			continue;
		batch_row(batch);
		batch_set(batch, 0, Int64GetDatum(calls[i]->key.execution_id));
		batch_set(batch, 1, Int32GetDatum(calls[i]->key.step_no));
	}
	run_batch(STATEMENT_FORGET_LIVE, batch, args, 0);
}

void
live_written(Executor *executor)
{
	dlist_iter	iter;

	if (!executor->live_due)
		return;
	executor->live_due = false;
	dlist_foreach(iter, &executor->running)
	{
		Call	   *call = dlist_container(Call, node, iter.cur);

		if (!call->live_due)
			continue;
		call->live_due = false;
		call->live_at = steady_now();
		call->live_first_byte_at = call->first_byte_at;
		call->live_bytes = call->streamed_bytes;
	}
}
