/*
 * attempt_write.c
 *		Ended attempts to the tables: attempts, queue, steps, executions.
 *
 * A result is written only if the queue still holds that very attempt for this
 * epoch: what is fenced out leaves no trace. A row that somebody else changes at the
 * same moment raises, and then the results are written one by one, that one later (results.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "journal.h"
#include "prices.h"
#include "queue.h"
#include "rows.h"

#define SCORE_TYPMOD	(((4 << 16) | 3) + VARHDRSZ)	/* numeric(4, 3) */

/* One name for each column that is read or written, in the order of the names. */
enum QueueColumn {Q_EPOCH, Q_ATTEMPT_NO, Q_MODEL_ID, Q_ORDER_AT, Q_CLAIMED_AT, Q_WAITING, Q_RUN_AT, Q_FAILURES, Q_FALLBACK_NO};
static const char *const queue_columns[] = {"epoch", "attempt_no", "model_id", "order_at", "claimed_at", "waiting", "run_at", "failures",
"fallback_no"};

enum StepColumn {S_OWNER, S_TEAM, S_STARTED_AT, S_STATE, S_RETRY_AT, S_OUTPUTS, S_QUALITY_SCORE, S_FINISHED_AT, S_OUTPUT, S_FINISH_REASON,
S_ERROR_CLASS, S_ERROR_MESSAGE};
static const char *const step_columns[] = {"owner", "team", "started_at", "state", "retry_at", "outputs", "quality_score", "finished_at", "output",
"finish_reason", "error_class", "error_message"};

enum ExecutionColumn {E_STATUS, E_WORKFLOW, E_IS_TEST, E_ATTEMPTS, E_INPUT_TOKENS, E_CACHED_INPUT_TOKENS, E_OUTPUT_TOKENS,
E_REASONING_TOKENS, E_INPUT_COST, E_OUTPUT_COST, E_FINISHED_AT, E_ERROR_CLASS, E_ERROR_MESSAGE, E_ERROR_HINT};
static const char *const execution_columns[] = {"status", "workflow", "is_test", "attempts", "input_tokens", "cached_input_tokens",
"output_tokens", "reasoning_tokens", "input_cost_usd", "output_cost_usd", "finished_at", "error_class", "error_message", "error_hint"};

enum AttemptColumn {A_EXECUTION_ID, A_STEP_NO, A_ATTEMPT_NO, A_OUTCOME, A_EPOCH, A_AGENT_VERSION_ID, A_MODEL_ID, A_ANSWERED_BY,
A_SENT_AT, A_FIRST_BYTE_AT, A_FIRST_TOKEN_AT, A_FINISHED_AT, A_INPUT_TOKENS, A_CACHED_INPUT_TOKENS, A_OUTPUT_TOKENS,
A_REASONING_TOKENS, A_INPUT_COST, A_OUTPUT_COST, A_POSSIBLY_BILLED, A_FINISH_REASON, A_HTTP_STATUS, A_REQUEST_ID, A_RESPONSE_ID,
A_ERROR_CLASS, A_ERROR_CODE, A_ERROR_MESSAGE, A_RETRYABLE, A_PARTIAL_OUTPUT, A_OWNER, A_TEAM, A_WORKFLOW, A_IS_TEST};
static const char *const attempt_columns[] = {"execution_id", "step_no", "attempt_no", "outcome", "epoch", "agent_version_id", "model_id",
"answered_by", "sent_at", "first_byte_at", "first_token_at", "finished_at", "input_tokens", "cached_input_tokens", "output_tokens",
"reasoning_tokens", "input_cost_usd", "output_cost_usd", "possibly_billed", "finish_reason", "http_status", "request_id", "response_id",
"error_class", "error_code", "error_message", "retryable", "partial_output", "owner", "team", "workflow", "is_test"};
static const Oid attempt_types[] = {INT8OID, INT4OID, INT4OID, TEXTOID, INT8OID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID,
TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, INT8OID, NUMERICOID, NUMERICOID, BOOLOID, TEXTOID, INT4OID,
TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID};

static const char *const stale_columns[] = {"day", "at"};
static const Oid stale_types[] = {DATEOID, TIMESTAMPTZOID};

typedef struct AttemptWriting
{
	int64		epoch;
	Rows	   *queue;
	Rows	   *steps;
	Rows	   *executions;
	Prices	   *prices;
	Batch	   *attempts;
	Batch	   *notices;
	Batch	   *stale_days;
	int			written;
} AttemptWriting;

/* ---------- attempts ---------- */

static const Answer *
answer_of(const Call *call)
{
	return call->decoding ? &call->decoder.answer : NULL;
}

static void
add_answer(Batch *batch, const Answer *answer)
{
	if (answer == NULL)
		return;
	batch_text(batch, A_ANSWERED_BY, answer->model);
	batch_count(batch, A_INPUT_TOKENS, answer->input_tokens);
	batch_count(batch, A_CACHED_INPUT_TOKENS, answer->cached_input_tokens);
	batch_count(batch, A_OUTPUT_TOKENS, answer->output_tokens);
	batch_count(batch, A_REASONING_TOKENS, answer->reasoning_tokens);
	if (answer->finish != FINISH_NONE)
		batch_text(batch, A_FINISH_REASON, finish_reason_name(answer->finish));
	batch_text(batch, A_RESPONSE_ID, answer->response_id);
}

static void
add_error(Batch *batch, const Call *call)
{
	if (call->outcome == OUTCOME_COMPLETED)
		return;
	batch_text(batch, A_ERROR_CLASS, error_class_name(call->error.error_class));
	batch_text(batch, A_ERROR_CODE, call->error.code);
	batch_text(batch, A_ERROR_MESSAGE, call->error.message);
	batch_set(batch, A_RETRYABLE, BoolGetDatum(call->error.retryable));
	batch_text_len(batch, A_PARTIAL_OUTPUT, buf_text(&call->output), call->output.len);
}

/* A value of a row that was found, copied, as the batch wants to keep it. */
static void
take_text(Batch *batch, int to, const Rows *rows, int column)
{
	bool		isnull;
	Datum		value = rows_value(rows, column, &isnull);

	if (!isnull)
		batch_set(batch, to, PointerGetDatum(PG_DETOAST_DATUM_COPY(value)));
}

static void
add_attempt(AttemptWriting *writing, const Call *call, int64 model_id, const AttemptCost *cost)
{
	Batch	   *batch = writing->attempts;
	bool		isnull;

	batch_row(batch);
	batch_set(batch, A_EXECUTION_ID, Int64GetDatum(call->key.execution_id));
	batch_set(batch, A_STEP_NO, Int32GetDatum(call->key.step_no));
	batch_set(batch, A_ATTEMPT_NO, Int32GetDatum(call->key.attempt_no));
	batch_text(batch, A_OUTCOME, outcome_name(call->outcome));
	batch_set(batch, A_EPOCH, Int64GetDatum(writing->epoch));
	if (call->agent_version_id != 0)
		batch_set(batch, A_AGENT_VERSION_ID, Int64GetDatum(call->agent_version_id));
	batch_set(batch, A_MODEL_ID, Int64GetDatum(model_id));
	batch_time(batch, A_SENT_AT, call->sent_at);
	batch_time(batch, A_FIRST_BYTE_AT, call->first_byte_at);
	batch_time(batch, A_FIRST_TOKEN_AT, call->first_token_at);
	batch_time(batch, A_FINISHED_AT, call->finished_at);
	if (!cost->input_is_null)
		batch_set(batch, A_INPUT_COST, cost->input);
	if (!cost->output_is_null)
		batch_set(batch, A_OUTPUT_COST, cost->output);
	batch_set(batch, A_POSSIBLY_BILLED, BoolGetDatum(call->possibly_billed));
	if (call->http_status > 0)
		batch_set(batch, A_HTTP_STATUS, Int32GetDatum(call->http_status));
	batch_text(batch, A_REQUEST_ID, call->head.request_id);
	add_answer(batch, answer_of(call));
	add_error(batch, call);
	take_text(batch, A_OWNER, writing->steps, S_OWNER);
	take_text(batch, A_TEAM, writing->steps, S_TEAM);
	take_text(batch, A_WORKFLOW, writing->executions, E_WORKFLOW);
	batch_set(batch, A_IS_TEST, rows_value(writing->executions, E_IS_TEST, &isnull));
}

static void
tell_unpriced(AttemptWriting *writing, const Call *call, const AttemptCost *cost)
{
	Batch	   *notices = writing->notices;
	const Answer *answer = answer_of(call);

	if (answer == NULL || answer->output_tokens < 0 || (!cost->input_is_null && !cost->output_is_null))
		return;
	batch_row(notices);
	batch_set(notices, 0, Int64GetDatum(call->key.execution_id));
	batch_set(notices, 1, Int32GetDatum(call->key.step_no));
	batch_time(notices, 2, call->finished_at);
	batch_text(notices, 3, "info");
	batch_text(notices, 4, "no_price");
	batch_text(notices, 5, psprintf("Model %s has no price: the cost is not known", cost->model ? cost->model : ""));
	take_text(notices, 6, writing->steps, S_OWNER);
	take_text(notices, 7, writing->steps, S_TEAM);
}

/* ---------- queue ---------- */

static bool
row_has_text(const Rows *rows, int column, const char *words)
{
	bool		isnull;
	Datum		value = rows_value(rows, column, &isnull);

	return !isnull && strcmp(TextDatumGetCString(value), words) == 0;
}

/* Whether it waits for this very attempt. */
static bool
find_claimed(AttemptWriting *writing, const Call *call)
{
	Datum		key[2] = {Int64GetDatum(call->key.execution_id), Int32GetDatum(call->key.step_no)};
	bool		unclaimed;
	bool		isnull;

	return rows_find(writing->queue, key, 2) &&
		DatumGetInt64(rows_value(writing->queue, Q_EPOCH, &unclaimed)) == writing->epoch && !unclaimed &&
		DatumGetInt32(rows_value(writing->queue, Q_ATTEMPT_NO, &isnull)) == call->key.attempt_no;
}

static void
queue_again(Rows *queue, const Decision *decision, const Call *call, bool held)
{
	rows_set_null(queue, Q_EPOCH);
	rows_set_null(queue, Q_CLAIMED_AT);
	rows_set(queue, Q_WAITING, BoolGetDatum(held || decision->retry_at > call->finished_at));
	rows_set(queue, Q_RUN_AT, TimestampTzGetDatum(held ? DT_NOEND : decision->retry_at));
	rows_set(queue, Q_FAILURES, Int32GetDatum(decision->failures));
	if (decision->model_id != 0)
		rows_set(queue, Q_MODEL_ID, Int64GetDatum(decision->model_id));
	rows_set(queue, Q_FALLBACK_NO, Int32GetDatum(decision->fallback_no));
	rows_update(queue);
}

/* ---------- steps and executions ---------- */

static void
set_text(Rows *rows, int column, const char *text, size_t len)
{
	if (len == 0)
		rows_set_null(rows, column);
	else
		rows_set(rows, column, PointerGetDatum(cstring_to_text_with_len(text, (int) len)));
}

static void
set_words(Rows *rows, int column, const char *words)
{
	set_text(rows, column, words, words != NULL ? strlen(words) : 0);
}

static void
set_time(Rows *rows, int column, TimestampTz at)
{
	if (at == 0)
		rows_set_null(rows, column);
	else
		rows_set(rows, column, TimestampTzGetDatum(at));
}

static const char *
finish_words(const Call *call)
{
	const Answer *answer = answer_of(call);

	return answer != NULL && answer->finish != FINISH_NONE ? finish_reason_name(answer->finish) : NULL;
}

static void
end_step(Rows *steps, const Call *call, const Decision *decision, bool held)
{
	bool		ended = decision->retry_at == 0;
	bool		failed = call->outcome != OUTCOME_COMPLETED;

	set_words(steps, S_STATE, held ? "paused" : step_state_name(decision->step_state));
	set_time(steps, S_RETRY_AT, held ? 0 : decision->retry_at);
	if (call->outputs.len > 0)
		rows_set(steps, S_OUTPUTS, DirectFunctionCall1(jsonb_in, CStringGetDatum(buf_text(&call->outputs))));
	if (call->quality_score >= 0)
		rows_set(steps, S_QUALITY_SCORE,
				 DirectFunctionCall2(numeric, DirectFunctionCall1(float8_numeric, Float8GetDatum(call->quality_score)),
									 Int32GetDatum(SCORE_TYPMOD)));
	set_time(steps, S_FINISHED_AT, ended ? call->finished_at : 0);
	set_text(steps, S_OUTPUT, buf_text(&call->output), ended ? call->output.len : 0);
	set_words(steps, S_FINISH_REASON, finish_words(call));
	set_words(steps, S_ERROR_CLASS, failed ? error_class_name(call->error.error_class) : NULL);
	set_words(steps, S_ERROR_MESSAGE, failed ? call->error.message : NULL);
	rows_update(steps);
}

/* A sum is NULL (not known) until somebody knows a part of it. */
static void
add_tokens(Rows *executions, int column, int64 tokens)
{
	bool		isnull;
	int64		sum = DatumGetInt64(rows_value(executions, column, &isnull));

	if (tokens < 0)
		return;
	if (pg_add_s64_overflow(isnull ? 0 : sum, tokens, &sum))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("the tokens of an execution are out of range")));
	rows_set(executions, column, Int64GetDatum(sum));
}

static void
add_cost(Rows *executions, int column, Datum cost, bool is_null)
{
	bool		isnull;
	Datum		sum = rows_value(executions, column, &isnull);

	if (!is_null)
		rows_set(executions, column, isnull ? cost : DirectFunctionCall2(numeric_add, sum, cost));
}

static void
add_to_execution(Rows *executions, const Call *call, const AttemptCost *cost)
{
	const Answer *answer = answer_of(call);
	bool		isnull;
	int32		attempts = DatumGetInt32(rows_value(executions, E_ATTEMPTS, &isnull));

	rows_set(executions, E_ATTEMPTS, Int32GetDatum(attempts + 1));
	if (answer != NULL)
	{
		add_tokens(executions, E_INPUT_TOKENS, answer->input_tokens);
		add_tokens(executions, E_CACHED_INPUT_TOKENS, answer->cached_input_tokens);
		add_tokens(executions, E_OUTPUT_TOKENS, answer->output_tokens);
		add_tokens(executions, E_REASONING_TOKENS, answer->reasoning_tokens);
	}
	add_cost(executions, E_INPUT_COST, cost->input, cost->input_is_null);
	add_cost(executions, E_OUTPUT_COST, cost->output, cost->output_is_null);
}

/* Of one with a plan, the flow decides. */
static void
move_execution(Rows *executions, const Call *call, const Decision *decision, bool held)
{
	bool		failed = call->outcome != OUTCOME_COMPLETED;
	bool		ended = decision->retry_at == 0 && call->plan_step == NULL;

	if (call->plan_step == NULL && !held)
		set_words(executions, E_STATUS, decision->execution_status);
	set_time(executions, E_FINISHED_AT, ended ? call->finished_at : 0);
	set_words(executions, E_ERROR_CLASS, ended && failed ? error_class_name(call->error.error_class) : NULL);
	set_words(executions, E_ERROR_MESSAGE, ended && failed ? call->error.message : NULL);
	set_words(executions, E_ERROR_HINT, ended && failed ? call->hint : NULL);
}

/* ---------- all of a turn ---------- */

/*
 * What ended some time ago says so to the daily totals, which may have been told by
 * now: as the trigger on executions does, and within the time that it allows.
 */
#define LATE_AFTER_MS (5 * 60 * 1000)

static void
mark_late(AttemptWriting *writing, const Call *call)
{
	DateADT		day = (DateADT) (call->finished_at / USECS_PER_DAY);
	Batch	   *days = writing->stale_days;
	int			last = days->nrows - 1;

	if (!TimestampDifferenceExceeds(call->finished_at, GetCurrentTimestamp(), LATE_AFTER_MS))
		return;
	if (last >= 0 && DatumGetDateADT(days->values[0][last]) == day &&
		DatumGetTimestampTz(days->values[1][last]) <= call->finished_at)
		return;
	batch_row(days);
	batch_set(days, 0, DateADTGetDatum(day));
	batch_set(days, 1, TimestampTzGetDatum(call->finished_at));
}

typedef struct Ended
{
	const Call *call;
	const Decision *decision;
	WrittenAttempt *attempt;
} Ended;

/* NULL = one of the two is not known. */
static const char *
shown_cost(const AttemptCost *cost)
{
	if (cost->input_is_null || cost->output_is_null)
		return NULL;
	return prices_shown(DirectFunctionCall2(numeric_add, cost->input, cost->output));
}

static void
remember(AttemptWriting *writing, const AttemptCost *cost, WrittenAttempt *attempt)
{
	bool		isnull;

	attempt->started_at = DatumGetTimestampTz(rows_value(writing->steps, S_STARTED_AT, &isnull));
	attempt->order_at = DatumGetTimestampTz(rows_value(writing->queue, Q_ORDER_AT, &isnull));
	attempt->cost = shown_cost(cost);
}

static void
write_attempt(AttemptWriting *writing, const Ended *ended)
{
	const Call *call = ended->call;
	const Decision *decision = ended->decision;
	Datum		key[2] = {Int64GetDatum(call->key.execution_id), Int32GetDatum(call->key.step_no)};
	bool		isnull;
	bool		held;
	int64		model_id;
	AttemptCost cost;

	if (!find_claimed(writing, call) || !rows_find(writing->steps, key, 2))
		return;
	held = decision->retry_at != 0 && row_has_text(writing->executions, E_STATUS, "paused");
	model_id = DatumGetInt64(rows_value(writing->queue, Q_MODEL_ID, &isnull));
	prices_cost(writing->prices, model_id, call->finished_at, answer_of(call), call->possibly_billed, &cost);
	remember(writing, &cost, ended->attempt);
	add_attempt(writing, call, model_id, &cost);
	tell_unpriced(writing, call, &cost);
	mark_late(writing, call);
	if (decision->retry_at == 0)
		rows_delete(writing->queue);
	else
		queue_again(writing->queue, decision, call, held);
	end_step(writing->steps, call, decision, held);
	add_to_execution(writing->executions, call, &cost);
	move_execution(writing->executions, call, decision, held);
	writing->written++;
}

static int
compare_ended(const void *a, const void *b)
{
	const JournalKey *x = &((const Ended *) a)->call->key;
	const JournalKey *y = &((const Ended *) b)->call->key;

	if (x->execution_id != y->execution_id)
		return x->execution_id < y->execution_id ? -1 : 1;
	return (x->step_no > y->step_no) - (x->step_no < y->step_no);
}

/* Those of one execution together: its row is written once. */
static Ended *
by_execution(Call *const *calls, const Decision *decisions, WrittenAttempt *attempts, int n)
{
	Ended	   *ended = palloc(Max(1, n) * sizeof(Ended));

	for (int i = 0; i < n; i++)
	{
		ended[i].call = calls[i];
		ended[i].decision = &decisions[i];
		ended[i].attempt = &attempts[i];
	}
	qsort(ended, n, sizeof(Ended), compare_ended);
	return ended;
}

static void
write_execution(AttemptWriting *writing, const Ended *ended, int n)
{
	Datum		key[1] = {Int64GetDatum(ended->call->key.execution_id)};
	int			before = writing->written;

	if (!rows_find(writing->executions, key, 1))
		return;
	for (int i = 0; i < n; i++)
		write_attempt(writing, &ended[i]);
	if (writing->written > before)
		rows_update(writing->executions);
}

static void
open_tables(AttemptWriting *writing)
{
	writing->queue = rows_open("queue", queue_columns, lengthof(queue_columns));
	writing->steps = rows_open("steps", step_columns, lengthof(step_columns));
	writing->executions = rows_open("executions", execution_columns, lengthof(execution_columns));
	writing->prices = prices_begin();
	writing->attempts = batch_create(attempt_types, lengthof(attempt_types));
	writing->notices = journal_notices_create();
	writing->stale_days = batch_create(stale_types, lengthof(stale_types));
}

static void
close_tables(AttemptWriting *writing)
{
	rows_close(writing->executions);
	rows_close(writing->steps);
	rows_close(writing->queue);
	rows_insert_batch("attempts", attempt_columns, writing->attempts);
	rows_insert_batch("stale_days", stale_columns, writing->stale_days);
	journal_notices_write(writing->notices);
}

int
queue_write_results(int64 epoch, Call *const *calls, const Decision *decisions, WrittenAttempt *attempts, int n)
{
	AttemptWriting writing = {epoch};
	Ended	   *ended = by_execution(calls, decisions, attempts, n);

	open_tables(&writing);
	for (int i = 0, next; i < n; i = next)
	{
		for (next = i + 1; next < n && ended[next].call->key.execution_id == ended[i].call->key.execution_id; next++)
			;
		write_execution(&writing, &ended[i], next - i);
	}
	close_tables(&writing);
	return writing.written;
}
