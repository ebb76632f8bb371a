/*
 * workflow_load.c
 *		Executions and the current iterations of their steps, from the tables.
 *
 * A statement for all executions of a turn, their steps by their keys, and one more statement
 * for each plan that this process has not read before.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "rows.h"
#include "statements.h"
#include "workflow_private.h"

/* Of the workflow that was entered last; conditions are looked at in memory that does not last. */
static MemoryContext rows_context;

void
workflow_enter(const Workflow *workflow)
{
	rows_context = workflow->context;
	MemoryContextSwitchTo(rows_context);
}

/* They may be large, and most executions of a turn do not need theirs. */
Jsonb *
workflow_inputs(Workflow *workflow)
{
	if (workflow->inputs == NULL && workflow->stored_inputs != (Datum) 0)
	{
		MemoryContext caller = MemoryContextSwitchTo(workflow->context);

		workflow->inputs = DatumGetJsonbPCopy(workflow->stored_inputs);
		MemoryContextSwitchTo(caller);
	}
	return workflow->inputs;
}

RowData *
row_data(const FlowRow *row)
{
	FlowRow    *writable = unconstify(FlowRow *, row);

	if (writable->host == NULL)
		writable->host = MemoryContextAllocZero(rows_context, sizeof(RowData));
	return writable->host;
}

/* ---------- executions ---------- */

static Datum
column(uint64 row, int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, isnull);
}

static char *
text_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static Jsonb *
jsonb_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

/* As it is, be it compressed or elsewhere. */
static Datum
stored_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? (Datum) 0 : datumCopy(value, false, -1);
}

static bool
bool_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return !isnull && DatumGetBool(value);
}

static int64
int8_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* In the order of the statement's target list. */
static void
read_execution(uint64 row, Workflow *workflow, int64 *plan_key)
{
	workflow->execution_id = int8_column(row, 1);
	if (!execution_status_parse(text_column(row, 2), &workflow->status))
		elog(ERROR, "execution " INT64_FORMAT " has an unknown status", workflow->execution_id);
	workflow->started = bool_column(row, 3);
	*plan_key = plan_cache_key(int8_column(row, 4), bool_column(row, 5), workflow->execution_id);
	workflow->stored_inputs = stored_column(row, 6);
	workflow->agents = jsonb_column(row, 7);
	workflow->notify = jsonb_column(row, 8);
	workflow->pause_before_each_step = bool_column(row, 9);
	workflow->continue_on_warnings = bool_column(row, 10);
	workflow->task = text_column(row, 11);
	workflow->head_start = int8_column(row, 12);
	workflow->owner = text_column(row, 13);
	workflow->team = text_column(row, 14);
	workflow->is_test = bool_column(row, 15);
	workflow->is_purged = bool_column(row, 16);
	workflow->paused = workflow->status == EXECUTION_PAUSED;
	workflow->now = GetCurrentTimestamp();
}

SharedPlan *
workflow_plan(int64 key)
{
	MemoryContext caller = CurrentMemoryContext;
	SharedPlan *cached = plan_cache_find(key);
	Datum		args[1] = {Int64GetDatum(key)};
	char	   *definition;

	if (cached != NULL)
		return cached;
	statement_run(STATEMENT_DEFINITION, args, NULL);
	if (SPI_processed != 1 || (definition = text_column(0, 1)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the definition of an execution is missing")));
	MemoryContextSwitchTo(caller);
	return plan_cache_add(key, definition);
}

/* ---------- steps ---------- */

FlowRow *
workflow_find_row(const Workflow *workflow, int32 step_no)
{
	for (int i = 0; i < workflow->flow->nrows; i++)
	{
		if (workflow->flow->rows[i]->step_no == step_no)
			return workflow->flow->rows[i];
	}
	return NULL;
}

static bool *
read_chosen(const WorkflowPlan *plan, Jsonb *chosen)
{
	bool	   *steps = palloc0(plan->nsteps * sizeof(bool));
	JsonbIterator *iterator = JsonbIteratorInit(&chosen->root);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		int			step;

		if (token != WJB_ELEM || value.type != jbvString)
			continue;
		step = plan_find_step(plan, pnstrdup(value.val.string.val, value.val.string.len));
		if (step != PLAN_NO_STEP)
			steps[step] = true;
	}
	return steps;
}

/* A row of steps, as far as the flow wants to know of it. Texts are NULL where they are not asked for. */
typedef struct StoredStep
{
	bool		is_there;
	int32		step_no;
	int32		iteration;
	int32		round;
	StepState	state;
	StepVerdict verdict;
	int32		attempt_no;
	int64		finished_at;
	Jsonb	   *chosen;			/* of a decision */
	char	   *feedback;
	char	   *error_class;
	char	   *error_message;
} StoredStep;

enum StepColumn {S_STEP_NO, S_PLAN_STEP, S_ITERATION, S_ROUND, S_STATE, S_VERDICT, S_ATTEMPT_NO, S_FINISHED_AT, S_AGENT_VERSION_ID, S_OUTPUTS,
S_FEEDBACK, S_ERROR_CLASS, S_ERROR_MESSAGE};
static const char *const step_columns[] = {"step_no", "plan_step", "iteration", "round", "state", "verdict", "attempt_no", "finished_at",
"agent_version_id", "outputs", "feedback", "error_class", "error_message"};

static int32
int4_value(const Rows *rows, int column)
{
	bool		isnull;
	Datum		value = rows_value(rows, column, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

static char *
text_value(const Rows *rows, int column)
{
	bool		isnull;
	Datum		value = rows_value(rows, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static StepState
state_value(const Workflow *workflow, const Rows *rows)
{
	char	   *name = text_value(rows, S_STATE);
	StepState	state;

	if (name == NULL || !step_state_parse(name, &state))
		elog(ERROR, "step %d of execution " INT64_FORMAT " has an unknown state", int4_value(rows, S_STEP_NO), workflow->execution_id);
	pfree(name);
	return state;
}

static Jsonb *
chosen_value(const Rows *rows)
{
	bool		is_decision;
	bool		isnull;
	Datum		outputs = rows_value(rows, S_OUTPUTS, &isnull);
	JsonbValue *chosen;

	(void) rows_value(rows, S_AGENT_VERSION_ID, &is_decision);
	if (!is_decision || isnull)
		return NULL;
	chosen = workflow_member(DatumGetJsonbP(outputs), "chosen");
	return chosen != NULL ? JsonbValueToJsonb(chosen) : NULL;
}

static void
read_stored(const Workflow *workflow, const Rows *rows, StoredStep *stored, StepState state)
{
	char	   *verdict = text_value(rows, S_VERDICT);
	bool		isnull;

	memset(stored, 0, sizeof(StoredStep));
	stored->is_there = true;
	stored->step_no = int4_value(rows, S_STEP_NO);
	stored->iteration = int4_value(rows, S_ITERATION);
	stored->round = int4_value(rows, S_ROUND);
	stored->state = state;
	if (verdict != NULL && !step_verdict_parse(verdict, &stored->verdict))
		elog(ERROR, "step %d of execution " INT64_FORMAT " has an unknown verdict", stored->step_no, workflow->execution_id);
	stored->attempt_no = int4_value(rows, S_ATTEMPT_NO);
	stored->finished_at = DatumGetInt64(rows_value(rows, S_FINISHED_AT, &isnull));
	stored->chosen = chosen_value(rows);
	if (state != STEP_COMPLETED)
		stored->feedback = text_value(rows, S_FEEDBACK);
	stored->error_class = text_value(rows, S_ERROR_CLASS);
	stored->error_message = text_value(rows, S_ERROR_MESSAGE);
}

static void
add_stored(Workflow *workflow, int step, const StoredStep *stored)
{
	FlowRow    *row = flow_add_row(workflow->flow, step, stored->iteration);
	RowData    *data;

	if (row == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	row->step_no = stored->step_no;
	row->round = stored->round;
	row->state = stored->state;
	row->verdict = stored->verdict;
	row->finished_at = stored->finished_at;
	data = row_data(row);
	data->attempt_no = stored->attempt_no;
	data->feedback = stored->feedback;
	data->error_class = stored->error_class;
	data->error_message = stored->error_message;
	if (stored->chosen != NULL && workflow->plan->steps[step].is_decision)
		row->chosen = data->chosen = read_chosen(workflow->plan, stored->chosen);
}

static bool
is_under_way(StepState state)
{
	return state == STEP_QUEUED || state == STEP_RUNNING || state == STEP_RETRYING || state == STEP_PAUSED;
}

/*
 * The newest iteration of each step, and the newest one that is under way, should
 * that be an earlier one. Of the same step they lie in the order of their iterations.
 */
static void
load_steps(Workflow *workflow, Rows *rows)
{
	Datum		key[1] = {Int64GetDatum(workflow->execution_id)};
	int			nsteps = workflow->plan->nsteps;
	StoredStep *newest = palloc0(2 * nsteps * sizeof(StoredStep));

	for (bool found = rows_find(rows, key, 1); found; found = rows_next(rows))
	{
		int			step = int4_value(rows, S_PLAN_STEP) - 1;
		StepState	state = state_value(workflow, rows);
		StoredStep *place;

		if (step < 0 || step >= nsteps)
			elog(ERROR, "execution " INT64_FORMAT " has a step that its definition does not have", workflow->execution_id);
		place = &newest[2 * step + is_under_way(state)];
		if (!place->is_there || place->iteration < int4_value(rows, S_ITERATION))
			read_stored(workflow, rows, place, state);
	}
	for (int i = 0; i < 2 * nsteps; i++)
	{
		if (newest[i].is_there)
			add_stored(workflow, i / 2, &newest[i]);
	}
}

static void
load_all_steps(Workflow *workflows, int count)
{
	Rows	   *rows = rows_open("steps", step_columns, lengthof(step_columns));

	for (int i = 0; i < count; i++)
	{
		workflow_enter(&workflows[i]);
		load_steps(&workflows[i], rows);
	}
	rows_close(rows);
}

/* Every step of the plan has a row, or none has: then nothing has begun yet. */
static void
complete_rows(Workflow *workflow)
{
	if (workflow->flow->nrows == 0)
	{
		if (!flow_begin(workflow->flow))
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		return;
	}
	for (int i = 0; i < workflow->plan->nsteps; i++)
	{
		if (workflow->flow->current[i] == NULL)
			elog(ERROR, "execution " INT64_FORMAT " lacks rows of its steps", workflow->execution_id);
	}
}

static void
prepare(Workflow *workflow, int64 plan_key)
{
	workflow->context = AllocSetContextCreate(CurrentMemoryContext, "agent_studio workflow", ALLOCSET_SMALL_SIZES);
	workflow->cached = workflow_plan(plan_key);
	workflow->plan = workflow->cached->plan;
	workflow_set_host(workflow);
	workflow->flow = flow_create(workflow->plan, &workflow->host);
	if (workflow->flow == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	workflow->flow->paused = workflow->paused;
	workflow->flow->pause_before_each_step = workflow->pause_before_each_step;
	workflow->flow->continue_on_warnings = workflow->continue_on_warnings;
}

void
workflow_release(Workflow *workflow)
{
	flow_free(workflow->flow);
	workflow->flow = NULL;
	plan_cache_release(workflow->cached);
	workflow->cached = NULL;
	if (workflow->context != NULL)
		MemoryContextDelete(workflow->context);
	workflow->context = NULL;
}

Workflow *
workflow_load(const int64 *executions, int n, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		args[1] = {batch_int8_array(executions, n)};
	Workflow   *workflows;
	int64	   *plan_keys;

	statement_run(STATEMENT_LOAD_EXECUTIONS, args, NULL);
	MemoryContextSwitchTo(caller);
	*count = (int) SPI_processed;
	workflows = palloc0(Max(1, *count) * sizeof(Workflow));
	plan_keys = palloc(Max(1, *count) * sizeof(int64));
	for (int i = 0; i < *count; i++)
		read_execution(i, &workflows[i], &plan_keys[i]);
	if (*count == 0)
		return workflows;

	PG_TRY();
	{
		for (int i = 0; i < *count; i++)
			prepare(&workflows[i], plan_keys[i]);
		load_all_steps(workflows, *count);
		MemoryContextSwitchTo(caller);
		for (int i = 0; i < *count; i++)
			complete_rows(&workflows[i]);
	}
	PG_CATCH();
	{
		for (int i = 0; i < *count; i++)
			workflow_release(&workflows[i]);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return workflows;
}
