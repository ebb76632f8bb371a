/*
 * workflow_load.c
 *		Executions and the current iterations of their steps, from the tables.
 *
 * Two statements for all executions of a turn, and one more for each plan that
 * this process has not read before.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

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

static int32
int4_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
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

static void
read_step(uint64 at, Workflow *workflow)
{
	int			step = int4_column(at, 2) - 1;
	FlowRow    *row;
	RowData    *data;
	char	   *verdict = text_column(at, 7);
	Jsonb	   *chosen = jsonb_column(at, 10);

	if (step < 0 || step >= workflow->plan->nsteps)
		elog(ERROR, "execution " INT64_FORMAT " has a step that its definition does not have", workflow->execution_id);
	row = flow_add_row(workflow->flow, step, int4_column(at, 4));
	if (row == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	row->step_no = int4_column(at, 3);
	row->round = int4_column(at, 5);
	if (!step_state_parse(text_column(at, 6), &row->state) ||
		(verdict != NULL && !step_verdict_parse(verdict, &row->verdict)))
		elog(ERROR, "step %d of execution " INT64_FORMAT " has an unknown state", row->step_no, workflow->execution_id);
	row->finished_at = int8_column(at, 9);
	data = row_data(row);
	data->attempt_no = int4_column(at, 8);
	data->feedback = text_column(at, 11);
	data->error_class = text_column(at, 12);
	data->error_message = text_column(at, 13);
	if (chosen != NULL && workflow->plan->steps[step].is_decision)
		row->chosen = data->chosen = read_chosen(workflow->plan, chosen);
}

static Workflow *
find_workflow(Workflow *workflows, int count, int64 execution_id)
{
	for (int i = 0; i < count; i++)
	{
		if (workflows[i].execution_id == execution_id)
			return &workflows[i];
	}
	return NULL;
}

static void
load_steps(Workflow *workflows, int count)
{
	Workflow   *workflow = NULL;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int64		execution_id = int8_column(i, 1);

		if (workflow == NULL || workflow->execution_id != execution_id)
			workflow = find_workflow(workflows, count, execution_id);
		if (workflow == NULL)
			continue;
		workflow_enter(workflow);
		read_step(i, workflow);
	}
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
		statement_run(STATEMENT_LOAD_STEPS, args, NULL);
		load_steps(workflows, *count);
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
