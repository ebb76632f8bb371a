/*
 * step_write.c
 *		Steps that a flow has changed, to steps and queue.
 *
 * New rows are put in together, the others changed one by one where their keys lead
 * to; what is to be sent gets a row in the queue. What a step needs of its agent is
 * looked up here: where nothing else is said, the answer's format is the agent's, or JSON
 * where outputs are declared and the model can be held to a schema.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "rows.h"
#include "statements.h"
#include "step_write.h"

enum StepColumn {S_ATTEMPT_NO, S_STATE, S_VERDICT, S_AGENT_VERSION_ID, S_MODEL_ID, S_QUEUED_AT, S_STARTED_AT, S_SENT_AT, S_FINISHED_AT, S_TASK, S_FEEDBACK,
S_TIMEOUT_SECONDS, S_OUTPUT_FORMAT, S_JSON_SCHEMA, S_OUTPUTS, S_OUTPUT, S_ERROR_CLASS, S_ERROR_MESSAGE};
static const char *const step_columns[] = {"attempt_no", "state", "verdict", "agent_version_id", "model_id", "queued_at", "started_at", "sent_at",
"finished_at", "task", "feedback", "timeout_seconds", "output_format", "json_schema", "outputs", "output", "error_class", "error_message"};

enum NewStepColumn {N_EXECUTION_ID, N_STEP_NO, N_NAME, N_TITLE, N_PLAN_STEP, N_ITERATION, N_ROUND, N_STATE, N_VERDICT,
N_AGENT_VERSION_ID, N_MODEL_ID, N_QUEUED_AT, N_FINISHED_AT, N_TASK, N_FEEDBACK, N_TIMEOUT_SECONDS, N_MAX_RETRIES, N_OUTPUT_FORMAT,
N_JSON_SCHEMA, N_OUTPUTS, N_ERROR_CLASS, N_ERROR_MESSAGE, N_OWNER, N_TEAM};
static const char *const new_step_columns[] = {"execution_id", "step_no", "name", "title", "plan_step", "iteration", "round", "state",
"verdict", "agent_version_id", "model_id", "queued_at", "finished_at", "task", "feedback", "timeout_seconds", "max_retries",
"output_format", "json_schema", "outputs", "error_class", "error_message", "owner", "team"};
static const Oid new_step_types[] = {INT8OID, INT4OID, TEXTOID, TEXTOID, INT4OID, INT4OID, INT4OID, TEXTOID, TEXTOID, INT8OID, INT8OID,
TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, INT4OID, INT4OID, TEXTOID, JSONOID, JSONBOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};

enum QueueColumn {Q_EXECUTION_ID, Q_STEP_NO, Q_MODEL_ID, Q_ORDER_AT, Q_RUN_AT, Q_WAITING, Q_ATTEMPT_NO, Q_TOKENS,
Q_EPOCH, Q_CLAIMED_AT};
static const char *const queue_columns[] = {"execution_id", "step_no", "model_id", "order_at", "run_at", "waiting", "attempt_no", "tokens",
"epoch", "claimed_at"};
static const Oid queue_types[] = {INT8OID, INT4OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID, INT4OID, INT8OID,
INT8OID, TIMESTAMPTZOID};

/* What steps need of an agent's version. */
typedef struct AgentNeeds
{
	int64		agent_version_id;
	int64		model_id;
	int32		timeout_seconds;	/* 0 = not said */
	int64		prompt_bytes;
	int64		output_tokens;
	const char *output_format;	/* NULL = not said */
	bool		structured_output;
} AgentNeeds;

struct StepWriting
{
	MemoryContext context;		/* of what has been gathered */
	List	   *steps;			/* ChangedStep */
	size_t		size;
	List	   *agents;			/* AgentNeeds */
	Chain	   *chain;			/* NULL = nothing is claimed here */

	/* While it is written. */
	Rows	   *old_rows;
	Batch	   *new_rows;
	Batch	   *queue;
};

/* ---------- gathering ---------- */

StepWriting *
step_writing_create(Chain *chain)
{
	StepWriting *writing = palloc0(sizeof(StepWriting));

	writing->chain = chain;
	writing->context = AllocSetContextCreate(CurrentMemoryContext, "agent_studio steps to write", ALLOCSET_DEFAULT_SIZES);
	return writing;
}

size_t
step_writing_size(const StepWriting *writing)
{
	return writing->size;
}

/* "" is nothing. */
static void
keep(StepWriting *writing, const char **text)
{
	if (*text == NULL)
		return;
	writing->size += strlen(*text);
	*text = **text != '\0' ? pstrdup(*text) : NULL;
}

void
step_writing_add(StepWriting *writing, const ChangedStep *step)
{
	MemoryContext caller = MemoryContextSwitchTo(writing->context);
	ChangedStep *copy = palloc(sizeof(ChangedStep));

	*copy = *step;
	keep(writing, &copy->outputs);
	keep(writing, &copy->output);
	keep(writing, &copy->error_class);
	keep(writing, &copy->error_message);
	keep(writing, &copy->feedback);
	keep(writing, &copy->task);
	keep(writing, &copy->instructions);
	keep(writing, &copy->schema);
	keep(writing, &copy->output_format);
	keep(writing, &copy->name);
	keep(writing, &copy->title);
	keep(writing, &copy->owner);
	keep(writing, &copy->team);
	writing->steps = lappend(writing->steps, copy);
	MemoryContextSwitchTo(caller);
}

/* ---------- what a step needs of its agent ---------- */

static AgentNeeds *
look_up_agent(StepWriting *writing, int64 agent_version_id)
{
	Datum		args[1] = {Int64GetDatum(agent_version_id)};
	MemoryContext caller = CurrentMemoryContext;
	AgentNeeds *needs = MemoryContextAllocZero(writing->context, sizeof(AgentNeeds));
	HeapTuple	row;
	TupleDesc	descriptor;
	bool		isnull;
	char	   *format;

	needs->agent_version_id = agent_version_id;
	statement_run(STATEMENT_AGENT_NEEDS, args, NULL);
	MemoryContextSwitchTo(writing->context);
	if (SPI_processed == 1)
	{
		row = SPI_tuptable->vals[0];
		descriptor = SPI_tuptable->tupdesc;
		needs->model_id = DatumGetInt64(SPI_getbinval(row, descriptor, 1, &isnull));
		needs->timeout_seconds = DatumGetInt32(SPI_getbinval(row, descriptor, 2, &isnull));
		needs->prompt_bytes = DatumGetInt64(SPI_getbinval(row, descriptor, 3, &isnull));
		needs->output_tokens = DatumGetInt64(SPI_getbinval(row, descriptor, 4, &isnull));
		format = SPI_getvalue(row, descriptor, 5);
		needs->output_format = format != NULL ? MemoryContextStrdup(writing->context, format) : NULL;
		needs->structured_output = DatumGetBool(SPI_getbinval(row, descriptor, 6, &isnull));
	}
	writing->agents = lappend(writing->agents, needs);
	MemoryContextSwitchTo(caller);
	return needs;
}

static const AgentNeeds *
needs_of(StepWriting *writing, int64 agent_version_id)
{
	static const AgentNeeds nothing = {0};
	ListCell   *lc;

	if (agent_version_id == 0)
		return &nothing;
	foreach(lc, writing->agents)
	{
		AgentNeeds *needs = lfirst(lc);

		if (needs->agent_version_id == agent_version_id)
			return needs;
	}
	return look_up_agent(writing, agent_version_id);
}

static const char *
used_format(const ChangedStep *step, const AgentNeeds *needs)
{
	if (step->output_format != NULL)
		return step->output_format;
	return step->schema != NULL && needs->structured_output ? "json" : needs->output_format;
}

/* What the model is told, and held to. */
static void
settle_task(ChangedStep *step, const AgentNeeds *needs)
{
	step->output_format = used_format(step, needs);
	if (step->output_format != NULL && strcmp(step->output_format, "json") == 0)
		return;
	step->schema = NULL;
	if (step->task != NULL && step->instructions != NULL)
		step->task = psprintf("%s\n\n%s", step->task, step->instructions);
}

/* ---------- rows of steps ---------- */

static Datum
jsonb_datum(const char *json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

static void
add_new_row(Batch *batch, const ChangedStep *step, const AgentNeeds *needs)
{
	int32		timeout = step->timeout_seconds != 0 ? step->timeout_seconds : needs->timeout_seconds;

	batch_row(batch);
	batch_set(batch, N_EXECUTION_ID, Int64GetDatum(step->execution_id));
	batch_set(batch, N_STEP_NO, Int32GetDatum(step->step_no));
	batch_text(batch, N_NAME, step->name);
	batch_text(batch, N_TITLE, step->title);
	batch_set(batch, N_PLAN_STEP, Int32GetDatum(step->plan_step));
	batch_set(batch, N_ITERATION, Int32GetDatum(step->iteration));
	batch_set(batch, N_ROUND, Int32GetDatum(step->round));
	batch_text(batch, N_STATE, step_state_name(step->state));
	batch_text(batch, N_VERDICT, step_verdict_name(step->verdict));
	if (step->agent_version_id != 0)
		batch_set(batch, N_AGENT_VERSION_ID, Int64GetDatum(step->agent_version_id));
	if (needs->model_id != 0)
		batch_set(batch, N_MODEL_ID, Int64GetDatum(needs->model_id));
	batch_time(batch, N_QUEUED_AT, step->to_queue ? step->now : 0);
	batch_time(batch, N_FINISHED_AT, step_is_at_rest(step->state) ? step->now : 0);
	batch_text(batch, N_TASK, step->task);
	batch_text(batch, N_FEEDBACK, step->feedback);
	if (timeout != 0)
		batch_set(batch, N_TIMEOUT_SECONDS, Int32GetDatum(timeout));
	batch_set(batch, N_MAX_RETRIES, Int32GetDatum(step->max_retries));
	batch_text(batch, N_OUTPUT_FORMAT, step->output_format);
	batch_text(batch, N_JSON_SCHEMA, step->schema);
	if (step->outputs != NULL)
		batch_set(batch, N_OUTPUTS, jsonb_datum(step->outputs));
	batch_text(batch, N_ERROR_CLASS, step->error_class);
	batch_text(batch, N_ERROR_MESSAGE, step->error_message);
	batch_text(batch, N_OWNER, step->owner);
	batch_text(batch, N_TEAM, step->team);
}

/* NULL: as it was. */
static void
set_text(Rows *rows, int column, const char *value)
{
	if (value != NULL)
		rows_set(rows, column, CStringGetTextDatum(value));
}

static bool
is_null(const Rows *rows, int column)
{
	bool		isnull;

	(void) rows_value(rows, column, &isnull);
	return isnull;
}

static void
set_verdict(Rows *rows, StepVerdict verdict)
{
	const char *name = step_verdict_name(verdict);

	if (name == NULL || name[0] == '\0')
		rows_set_null(rows, S_VERDICT);
	else
		rows_set(rows, S_VERDICT, CStringGetTextDatum(name));
}

static void
set_end(Rows *rows, const ChangedStep *step)
{
	if (!step_is_at_rest(step->state))
		rows_set_null(rows, S_FINISHED_AT);
	else if (step->clears_error || is_null(rows, S_FINISHED_AT))
		rows_set(rows, S_FINISHED_AT, TimestampTzGetDatum(step->now));
	if (step->error_class != NULL)
	{
		set_text(rows, S_ERROR_CLASS, step->error_class);
		rows_set_null(rows, S_ERROR_MESSAGE);
		set_text(rows, S_ERROR_MESSAGE, step->error_message);
	}
	else if (step->clears_error)
	{
		rows_set_null(rows, S_ERROR_CLASS);
		rows_set_null(rows, S_ERROR_MESSAGE);
	}
}

static void
set_timeout(Rows *rows, const ChangedStep *step, const AgentNeeds *needs)
{
	if (step->timeout_seconds != 0)
		rows_set(rows, S_TIMEOUT_SECONDS, Int32GetDatum(step->timeout_seconds));
	else if (needs->timeout_seconds != 0 && is_null(rows, S_TIMEOUT_SECONDS))
		rows_set(rows, S_TIMEOUT_SECONDS, Int32GetDatum(needs->timeout_seconds));
}

/* Of a step that is claimed at once. */
static void
set_running(Rows *rows, const ChangedStep *step, int32 attempt_no)
{
	set_text(rows, S_STATE, step_state_name(STEP_RUNNING));
	rows_set(rows, S_ATTEMPT_NO, Int32GetDatum(attempt_no));
	rows_set(rows, S_SENT_AT, TimestampTzGetDatum(step->now));
	if (is_null(rows, S_STARTED_AT))
		rows_set(rows, S_STARTED_AT, TimestampTzGetDatum(step->now));
}

/* The number of its attempt, the one that begins if it is claimed. */
static int32
change_row(Rows *rows, const ChangedStep *step, const AgentNeeds *needs, bool is_claimed)
{
	Datum		key[2] = {Int64GetDatum(step->execution_id), Int32GetDatum(step->step_no)};
	int32		attempt_no;
	bool		isnull;

	if (!rows_find(rows, key, 2))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("step %d of execution " INT64_FORMAT " is not there any more", step->step_no, step->execution_id)));
	attempt_no = DatumGetInt32(rows_value(rows, S_ATTEMPT_NO, &isnull));
	set_text(rows, S_STATE, step_state_name(step->state));
	set_verdict(rows, step->verdict);
	if (step->agent_version_id != 0)
		rows_set(rows, S_AGENT_VERSION_ID, Int64GetDatum(step->agent_version_id));
	if (needs->model_id != 0)
		rows_set(rows, S_MODEL_ID, Int64GetDatum(needs->model_id));
	if (step->to_queue)
		rows_set(rows, S_QUEUED_AT, TimestampTzGetDatum(step->now));
	set_text(rows, S_TASK, step->task);
	set_text(rows, S_FEEDBACK, step->feedback);
	set_timeout(rows, step, needs);
	set_text(rows, S_OUTPUT_FORMAT, step->output_format);
	set_text(rows, S_JSON_SCHEMA, step->schema);
	if (step->outputs != NULL)
		rows_set(rows, S_OUTPUTS, jsonb_datum(step->outputs));
	set_text(rows, S_OUTPUT, step->output);
	set_end(rows, step);
	if (is_claimed)
		set_running(rows, step, ++attempt_no);
	rows_update(rows);
	return attempt_no;
}

/* ---------- rows of the queue ---------- */

static void
add_to_queue(StepWriting *writing, const ChangedStep *step, const AgentNeeds *needs, int64 tokens, int32 attempt_no, bool is_claimed)
{
	Batch	   *queue = writing->queue;
	bool		paused = step->state == STEP_PAUSED;

	batch_row(queue);
	batch_set(queue, Q_EXECUTION_ID, Int64GetDatum(step->execution_id));
	batch_set(queue, Q_STEP_NO, Int32GetDatum(step->step_no));
	if (needs->model_id != 0)
		batch_set(queue, Q_MODEL_ID, Int64GetDatum(needs->model_id));
	batch_set(queue, Q_ORDER_AT, TimestampTzGetDatum(step->order_at));
	batch_set(queue, Q_RUN_AT, TimestampTzGetDatum(paused ? DT_NOEND : step->now));
	batch_set(queue, Q_WAITING, BoolGetDatum(paused));
	batch_set(queue, Q_ATTEMPT_NO, Int32GetDatum(attempt_no));
	batch_set(queue, Q_TOKENS, Int64GetDatum(tokens));
	if (!is_claimed)
		return;
	batch_set(queue, Q_EPOCH, Int64GetDatum(writing->chain->epoch));
	batch_set(queue, Q_CLAIMED_AT, TimestampTzGetDatum(step->now));
}

/* A new iteration is claimed in the ordinary way: its row is put in with others. */
static bool
is_taken(StepWriting *writing, const ChangedStep *step, const AgentNeeds *needs, int64 tokens)
{
	return writing->chain != NULL && step->to_queue && !step->is_new && step->state == STEP_QUEUED &&
		chain_take(writing->chain, step->execution_id, step->step_no, needs->model_id, step->order_at, tokens);
}

static void
write_step(StepWriting *writing, ChangedStep *step)
{
	const AgentNeeds *needs = needs_of(writing, step->agent_version_id);
	int64		task_bytes = step->task != NULL ? strlen(step->task) : 0;
	int64		tokens = (needs->prompt_bytes + task_bytes) / 4 + needs->output_tokens;
	bool		is_claimed = is_taken(writing, step, needs, tokens);
	int32		attempt_no = 0;

	settle_task(step, needs);
	if (step->is_new)
		add_new_row(writing->new_rows, step, needs);
	else
		attempt_no = change_row(writing->old_rows, step, needs, is_claimed);
	if (step->to_queue)
		add_to_queue(writing, step, needs, tokens, attempt_no, is_claimed);
}

/* No statement is run while the rows are written. */
static void
look_ahead(StepWriting *writing, const ChangedStep *step)
{
	const AgentNeeds *needs = needs_of(writing, step->agent_version_id);

	if (writing->chain != NULL && step->to_queue)
		chain_look(writing->chain, needs->model_id);
}

void
step_writing_flush(StepWriting *writing)
{
	MemoryContext caller = MemoryContextSwitchTo(writing->context);
	ListCell   *lc;

	if (writing->steps != NIL)
	{
		foreach(lc, writing->steps)
			look_ahead(writing, lfirst(lc));
		writing->new_rows = batch_create(new_step_types, lengthof(new_step_types));
		writing->queue = batch_create(queue_types, lengthof(queue_types));
		writing->old_rows = rows_open("steps", step_columns, lengthof(step_columns));
		foreach(lc, writing->steps)
			write_step(writing, lfirst(lc));
		rows_close(writing->old_rows);
		rows_insert_batch("steps", new_step_columns, writing->new_rows);
		rows_insert_batch("queue", queue_columns, writing->queue);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextReset(writing->context);
	writing->steps = NIL;
	writing->agents = NIL;
	writing->size = 0;
}
