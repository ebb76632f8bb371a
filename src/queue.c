/*
 * queue.c
 *		The executor's view of the tables: claims, results, timers, commands.
 *
 * Translates between C structs and the rows of statements.c, and knows nothing
 * else. Set-based throughout: n calls are one statement.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "queue.h"
#include "statements.h"
#include "workflow.h"

static Datum
result_value(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

static int64
single_count(void)
{
	bool		isnull;

	return SPI_processed == 1 ? DatumGetInt64(result_value(0, 1, &isnull)) : 0;
}

int64
queue_begin_epoch(void)
{
	statement_run(STATEMENT_BEGIN_EPOCH, NULL, NULL);
	return single_count();
}

void
queue_end_epoch(int64 epoch)
{
	Datum		args[1] = {Int64GetDatum(epoch)};

	statement_run(STATEMENT_END_EPOCH, args, NULL);
}

bool
queue_roll_up(void)
{
	statement_run(STATEMENT_ROLL_UP, NULL, NULL);
	return single_count() != 0;
}

int
queue_recent_crashes(int64 epoch)
{
	Datum		args[1] = {Int64GetDatum(epoch)};

	statement_run(STATEMENT_RECENT_CRASHES, args, NULL);
	return (int) single_count();
}

void
queue_mend_waits(void)
{
	statement_run(STATEMENT_MEND_WAITS, NULL, NULL);
}

void
queue_reopen_days(TimestampTz after)
{
	Datum		args[1] = {TimestampTzGetDatum(after)};

	statement_run(STATEMENT_REOPEN_DAYS, args, NULL);
}

int
queue_recover(int64 epoch, const StepKey *only)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		args[3] = {Int64GetDatum(epoch)};
	Datum		failed;
	bool		isnull;
	int			recovered;

	if (only != NULL)
	{
		args[1] = Int64GetDatum(only->execution_id);
		args[2] = Int32GetDatum(only->step_no);
	}
	statement_run(STATEMENT_RECOVER, args, only != NULL ? NULL : " nn");
	recovered = (int) single_count();
	failed = result_value(0, 2, &isnull);
	if (!isnull)
	{
		ArrayType  *executions;

		MemoryContextSwitchTo(caller);
		executions = DatumGetArrayTypePCopy(failed);
		workflow_advance_executions((int64 *) ARR_DATA_PTR(executions),
									ArrayGetNItems(ARR_NDIM(executions), ARR_DIMS(executions)));
	}
	return recovered;
}

/* ---------- steps by their keys ---------- */

static StepKey *
read_steps(MemoryContext context, int *count)
{
	StepKey    *steps;
	bool		isnull;

	*count = (int) SPI_processed;
	steps = MemoryContextAlloc(context, Max(1, *count) * sizeof(StepKey));
	for (int i = 0; i < *count; i++)
	{
		steps[i].execution_id = DatumGetInt64(result_value(i, 1, &isnull));
		steps[i].step_no = DatumGetInt32(result_value(i, 2, &isnull));
		steps[i].epoch = DatumGetInt64(result_value(i, 3, &isnull));
		if (isnull)
			steps[i].epoch = 0;
	}
	return steps;
}

StepKey *
queue_left_steps(int64 epoch, int *count)
{
	Datum		args[1] = {Int64GetDatum(epoch)};

	statement_run(STATEMENT_LEFT_STEPS, args, NULL);
	return read_steps(CurrentMemoryContext, count);
}

StepKey *
queue_lost_steps(int *count)
{
	statement_run(STATEMENT_LOST_STEPS, NULL, NULL);
	return read_steps(CurrentMemoryContext, count);
}

StepKey *
queue_ready_steps(int *count)
{
	statement_run(STATEMENT_READY_STEPS, NULL, NULL);
	return read_steps(CurrentMemoryContext, count);
}

void
queue_fail_unwritable(const StepKey *step, const char *why)
{
	Datum		args[4] = {
		Int64GetDatum(step->execution_id), Int32GetDatum(step->step_no),
		Int64GetDatum(step->epoch), CStringGetTextDatum(why)
	};

	statement_run(STATEMENT_FAIL_UNWRITABLE, args, step->epoch == 0 ? "  n " : NULL);
}

void
queue_remove(const StepKey *step)
{
	Datum		args[3] = {
		Int64GetDatum(step->execution_id), Int32GetDatum(step->step_no), Int64GetDatum(step->epoch)
	};

	statement_run(STATEMENT_UNQUEUE, args, step->epoch == 0 ? "  n" : NULL);
}

/* ---------- commands and timers ---------- */

void
queue_apply_cancels(const int64 *executions, int count)
{
	Datum		args[1] = {batch_int8_array(executions, count)};

	statement_run(STATEMENT_APPLY_CANCEL, args, NULL);
}

void
queue_refuse_command(const WorkflowCommand *command, const char *why)
{
	Datum		args[3] = {
		Int64GetDatum(command->execution_id), Int64GetDatum(command->command_id), CStringGetTextDatum(why)
	};

	statement_run(STATEMENT_REFUSE_COMMAND, args, NULL);
}

void
queue_withdraw_approval(const WorkflowCommand *expiry)
{
	Datum		args[2] = {Int64GetDatum(expiry->execution_id), Int32GetDatum(expiry->step_no)};

	statement_run(STATEMENT_WITHDRAW_APPROVAL, args, NULL);
}

int
queue_release_due(TimestampTz now)
{
	Datum		args[1] = {TimestampTzGetDatum(now)};

	statement_run(STATEMENT_RELEASE_DUE, args, NULL);
	return (int) SPI_processed;
}

static TimestampTz
single_time(Statement statement)
{
	bool		isnull;

	statement_run(statement, NULL, NULL);
	return SPI_processed == 1 ? DatumGetTimestampTz(result_value(0, 1, &isnull)) : DT_NOEND;
}

TimestampTz
queue_next_due(void)
{
	return Min(single_time(STATEMENT_NEXT_DUE), single_time(STATEMENT_NEXT_EXPIRY));
}

/* ---------- claim ---------- */

typedef struct RowReader
{
	int			row;
	int			column;
	MemoryContext context;		/* where texts go */
} RowReader;

static int64
next_int64(RowReader *reader)
{
	bool		isnull;
	Datum		value = result_value(reader->row, reader->column++, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static int32
next_int32(RowReader *reader)
{
	bool		isnull;
	Datum		value = result_value(reader->row, reader->column++, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

static bool
next_bool(RowReader *reader)
{
	bool		isnull;
	Datum		value = result_value(reader->row, reader->column++, &isnull);

	return isnull ? false : DatumGetBool(value);
}

static char *
next_text(RowReader *reader)
{
	bool		isnull;
	Datum		value = result_value(reader->row, reader->column++, &isnull);
	MemoryContext caller;
	char	   *copy;

	if (isnull)
		return NULL;
	caller = MemoryContextSwitchTo(reader->context);
	copy = TextDatumGetCString(value);
	MemoryContextSwitchTo(caller);
	return copy;
}

/* In the order of the claim's target list. */
static void
read_claim(RowReader *reader, Claim *claim)
{
	int64		workflow_version_id;
	bool		has_own_plan;

	claim->execution_id = next_int64(reader);
	claim->step_no = next_int32(reader);
	claim->attempt_no = next_int32(reader);
	claim->failures = next_int32(reader);
	claim->model_id = next_int64(reader);
	claim->started_at = (TimestampTz) next_int64(reader);
	claim->max_retries = next_int32(reader);
	claim->timeout_seconds = next_int32(reader);
	claim->verbose = next_bool(reader);
	claim->owner = next_text(reader);
	claim->team = next_text(reader);
	claim->task = next_text(reader);
	claim->context = next_text(reader);
	claim->system_prompt = next_text(reader);
	claim->temperature = next_text(reader);
	claim->top_p = next_text(reader);
	claim->max_output_tokens = next_int32(reader);
	claim->progress_lines = next_bool(reader);
	claim->server = next_text(reader);
	claim->deployment = next_text(reader);
	claim->model_max_output_tokens = next_int32(reader);
	claim->max_tokens_parameter = next_text(reader);
	claim->request_options = next_text(reader);
	claim->last_seq = next_int64(reader);
	claim->tokens = next_int64(reader);
	claim->requests_limit = next_int32(reader);
	claim->tokens_limit = next_int64(reader);
	claim->output_format = next_text(reader);
	claim->json_schema = next_text(reader);
	claim->structured_output = next_bool(reader);
	claim->fallback_no = next_int32(reader);
	claim->next_model_id = next_int64(reader);
	claim->own_model_id = next_int64(reader);
	claim->agent_version_id = next_int64(reader);
	workflow_version_id = next_int64(reader);
	has_own_plan = next_bool(reader);
	claim->plan_key = plan_cache_key(workflow_version_id, has_own_plan, claim->execution_id);
	claim->plan_step = next_int32(reader) - 1;
	claim->phases = next_text(reader);
}

WorkflowCommand *
queue_pending_commands(int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	WorkflowCommand *commands;

	statement_run(STATEMENT_PENDING_COMMANDS, NULL, NULL);
	*count = (int) SPI_processed;
	commands = MemoryContextAllocZero(caller, Max(1, *count) * sizeof(WorkflowCommand));
	for (int i = 0; i < *count; i++)
	{
		RowReader	reader = {i, 1, caller};
		WorkflowCommand *command = &commands[i];

		command->execution_id = next_int64(&reader);
		command->command_id = next_int64(&reader);
		command->wanted = next_text(&reader);
		command->step_no = next_int32(&reader);
		command->actor = next_text(&reader);
		command->reason = next_text(&reader);
		command->timeout_seconds = next_int32(&reader);
		command->immediately = next_bool(&reader);
		command->outputs = next_text(&reader);
		command->output = next_text(&reader);
	}
	return commands;
}

WorkflowCommand *
queue_expired_approvals(TimestampTz now, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		args[1] = {TimestampTzGetDatum(now)};
	WorkflowCommand *commands;

	statement_run(STATEMENT_EXPIRED_APPROVALS, args, NULL);
	*count = (int) SPI_processed;
	commands = MemoryContextAllocZero(caller, Max(1, *count) * sizeof(WorkflowCommand));
	for (int i = 0; i < *count; i++)
	{
		RowReader	reader = {i, 1, caller};

		commands[i].execution_id = next_int64(&reader);
		commands[i].step_no = next_int32(&reader);
		commands[i].wanted = next_text(&reader);
		commands[i].is_expiry = true;
	}
	return commands;
}

static void
run_command(Statement statement, const WorkflowCommand *command)
{
	Datum		args[2] = {Int64GetDatum(command->execution_id), Int64GetDatum(command->command_id)};

	statement_run(statement, args, NULL);
}

void
queue_pause(const WorkflowCommand *command)
{
	run_command(STATEMENT_PAUSE, command);
}

void
queue_resume(const WorkflowCommand *command)
{
	run_command(STATEMENT_RESUME, command);
}

void
queue_hand_over(Call *const *calls, const Decision *decisions, int n)
{
	static const Oid types[] = {INT8OID, INT4OID, TEXTOID};
	Batch	   *batch = batch_create(types, lengthof(types));
	Datum		args[BATCH_MAX_COLUMNS];

	for (int i = 0; i < n; i++)
	{
		if (decisions[i].next_agent == NULL)
			continue;
		batch_row(batch);
		batch_set(batch, 0, Int64GetDatum(calls[i]->key.execution_id));
		batch_set(batch, 1, Int32GetDatum(calls[i]->key.step_no));
		batch_text(batch, 2, decisions[i].next_agent);
	}
	if (batch->nrows == 0)
		return;
	batch_arrays(batch, args);
	statement_run(STATEMENT_HAND_OVER, args, NULL);
}

static const Oid use_types[] = {INT8OID, INT4OID, INT8OID, INT8OID, BOOLOID};

static Batch *
uses_batch(const ModelUse *uses, int nuses)
{
	Batch	   *batch = batch_create(use_types, lengthof(use_types));

	for (int i = 0; i < nuses; i++)
	{
		batch_row(batch);
		batch_set(batch, 0, Int64GetDatum(uses[i].model_id));
		batch_set(batch, 1, Int32GetDatum(uses[i].in_flight));
		batch_set(batch, 2, Int64GetDatum(uses[i].requests));
		batch_set(batch, 3, Int64GetDatum(uses[i].tokens));
		batch_set(batch, 4, BoolGetDatum(uses[i].blocked));
	}
	return batch;
}

static Claim *
read_claims(MemoryContext context, int *count)
{
	Claim	   *claims;

	*count = (int) SPI_processed;
	claims = MemoryContextAllocZero(context, Max(1, *count) * sizeof(Claim));
	for (int i = 0; i < *count; i++)
	{
		RowReader	reader = {i, 1, context};

		read_claim(&reader, &claims[i]);
	}
	return claims;
}

Claim *
queue_claim(int64 epoch, int places, int64 tokens, const ModelUse *uses, int nuses,
			const StepKey *only, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		args[11];

	batch_arrays(uses_batch(uses, nuses), args);
	args[5] = Int32GetDatum(places);
	args[6] = Int64GetDatum(epoch);
	args[7] = TimestampTzGetDatum(GetCurrentTimestamp());
	args[8] = Int64GetDatum(only != NULL ? only->execution_id : 0);
	args[9] = Int32GetDatum(only != NULL ? only->step_no : 0);
	args[10] = Int64GetDatum(tokens);
	statement_run(STATEMENT_CLAIM, args, only != NULL ? NULL : "        nn ");
	return read_claims(caller, count);
}

Claim *
queue_chained(int64 epoch, const ChainedStep *steps, int n, int *count)
{
	static const Oid types[] = {INT8OID, INT4OID};
	MemoryContext caller = CurrentMemoryContext;
	Batch	   *batch = batch_create(types, lengthof(types));
	Datum		args[4];

	for (int i = 0; i < n; i++)
	{
		batch_row(batch);
		batch_set(batch, 0, Int64GetDatum(steps[i].execution_id));
		batch_set(batch, 1, Int32GetDatum(steps[i].step_no));
	}
	batch_arrays(batch, args);
	args[2] = Int64GetDatum(epoch);
	args[3] = TimestampTzGetDatum(GetCurrentTimestamp());
	statement_run(STATEMENT_CHAINED, args, NULL);
	return read_claims(caller, count);
}

void
queue_reroute(const int64 *models, int n)
{
	Datum		args[1] = {batch_int8_array(models, n)};

	statement_run(STATEMENT_REROUTE, args, NULL);
}

void
queue_recall_sends(Limits *limits, int64 minute_ms)
{
	Datum		args[1] = {TimestampTzGetDatum(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), -minute_ms))};

	statement_run(STATEMENT_RECENT_SENDS, args, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		RowReader	reader = {(int) i, 1, CurrentMemoryContext};
		int64		model_id = next_int64(&reader);
		int64		sent_at = next_int64(&reader);

		limits_recall(limits, model_id, sent_at / 1000, next_int64(&reader));
	}
}

void
queue_recall_blocks(Limits *limits)
{
	statement_run(STATEMENT_BLOCKED_MODELS, NULL, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		RowReader	reader = {(int) i, 1, CurrentMemoryContext};
		int64		model_id = next_int64(&reader);

		limits_block(limits, model_id, next_int64(&reader) / 1000);
	}
}

/* ---------- what vendors say of their limits ---------- */

static const Oid headroom_types[] = {INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID, TIMESTAMPTZOID,
	TIMESTAMPTZOID};

static bool
tells_headroom(const Call *call)
{
	return call->head.limit_requests >= 0 || call->head.remaining_requests >= 0 ||
		call->head.limit_tokens >= 0 || call->head.remaining_tokens >= 0 || call_told_wait_ms(call) > 0;
}

/* Whether no later call of the batch tells of the same model. */
static bool
is_newest(Call *const *calls, int n, int i)
{
	for (int j = i + 1; j < n; j++)
	{
		if (calls[j]->model_id == calls[i]->model_id && tells_headroom(calls[j]))
			return false;
	}
	return true;
}

/* The latest time before which this model wants nothing, by any call of the batch; 0 = none said. */
static TimestampTz
blocked_until(Call *const *calls, int n, int64 model_id)
{
	TimestampTz until = 0;

	for (int i = 0; i < n; i++)
	{
		int64		wait_ms = calls[i]->model_id == model_id ? call_told_wait_ms(calls[i]) : 0;

		if (wait_ms > 0)
			until = Max(until, TimestampTzPlusMilliseconds(calls[i]->finished_at, wait_ms));
	}
	return until;
}

static void
add_headroom(Batch *batch, const Call *call, TimestampTz until)
{
	const HttpHead *head = &call->head;

	batch_row(batch);
	batch_set(batch, 0, Int64GetDatum(call->model_id));
	batch_time(batch, 1, call->finished_at);
	batch_count(batch, 2, head->limit_requests);
	batch_count(batch, 3, head->remaining_requests);
	if (head->reset_requests_ms >= 0)
		batch_time(batch, 4, TimestampTzPlusMilliseconds(call->finished_at, head->reset_requests_ms));
	batch_count(batch, 5, head->limit_tokens);
	batch_count(batch, 6, head->remaining_tokens);
	if (head->reset_tokens_ms >= 0)
		batch_time(batch, 7, TimestampTzPlusMilliseconds(call->finished_at, head->reset_tokens_ms));
	batch_time(batch, 8, until);
}

void
queue_write_headroom(Call *const *calls, int n)
{
	Batch	   *batch = batch_create(headroom_types, lengthof(headroom_types));
	Datum		args[BATCH_MAX_COLUMNS];

	for (int i = 0; i < n; i++)
	{
		if (tells_headroom(calls[i]) && is_newest(calls, n, i))
			add_headroom(batch, calls[i], blocked_until(calls, n, calls[i]->model_id));
	}
	if (batch->nrows == 0)
		return;
	batch_arrays(batch, args);
	statement_run(STATEMENT_WRITE_HEADROOM, args, NULL);
}
