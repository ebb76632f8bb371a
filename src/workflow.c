/*
 * workflow.c
 *		Takes executions that have a plan as far as they go.
 *
 * The plan and the rows of the steps say what follows; nothing is remembered in
 * memory between two calls. All executions that something has happened to in a
 * turn are loaded and written together.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "fault.h"
#include "statements.h"
#include "workflow_private.h"

static int
compare_ids(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return (x > y) - (x < y);
}

static int
sort_distinct(int64 *ids, int n)
{
	int			kept = 0;

	qsort(ids, n, sizeof(int64), compare_ids);
	for (int i = 0; i < n; i++)
	{
		if (kept == 0 || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	}
	return kept;
}

/* The rows say whether the end was written, or fenced out. */
static void
take_end(Workflow *workflow, const StepEnd *end)
{
	FlowRow    *row = workflow_find_row(workflow, end->step_no);

	if (row == NULL || row->state != end->state || row_data(row)->attempt_no != end->attempt_no)
		return;
	workflow->places = lappend(workflow->places, unconstify(TimestampTz *, &end->order_at));
	if (row->state != STEP_COMPLETED)
		return;
	row_data(row)->end = end;
	workflow_take_outputs(workflow, row, end->output, end->outputs);
	flow_completed(workflow->flow, row, end->with_warnings, end->unmet);
}

static int
compare_ends(const void *a, const void *b)
{
	return compare_ids(&((const StepEnd *) a)->execution_id, &((const StepEnd *) b)->execution_id);
}

static int
compare_ends_and_steps(const void *a, const void *b)
{
	int			order = compare_ends(a, b);

	return order != 0 ? order : ((const StepEnd *) a)->step_no - ((const StepEnd *) b)->step_no;
}

/* ends are in the order of their executions. */
static void
take_on(Workflow *workflow, const StepEnd *ends, int nends, const WorkflowCommand *commands, int ncommands)
{
	StepEnd		key = {.execution_id = workflow->execution_id};
	const StepEnd *end = nends > 0 ? bsearch(&key, ends, nends, sizeof(StepEnd), compare_ends) : NULL;

	while (end != NULL && end > ends && end[-1].execution_id == workflow->execution_id)
		end--;
	for (; end != NULL && end < ends + nends && end->execution_id == workflow->execution_id; end++)
	{
		if (!execution_is_at_rest(workflow->status))
			take_end(workflow, end);
	}
	for (int i = 0; i < ncommands; i++)
	{
		if (commands[i].execution_id == workflow->execution_id)
			workflow_apply(workflow, &commands[i]);
	}

	/* What has come to rest stays there, unless somebody has taken it up again. */
	if (execution_is_at_rest(workflow->status) && !workflow->resumed)
		return;
	flow_advance(workflow->flow);
	if (workflow->flow->out_of_memory)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (workflow->flow->bug[0] != '\0')
		elog(ERROR, "execution " INT64_FORMAT ": %s", workflow->execution_id, workflow->flow->bug);
	workflow_collect(workflow);
}

static void
take_all_on(int64 *ids, int n, const StepEnd *ends, int nends, const WorkflowCommand *commands, int ncommands, Chain *chain)
{
	MemoryContext caller = CurrentMemoryContext;
	WorkflowWriting *writing = workflow_writing_create(chain);
	int			count;
	Workflow   *workflows = workflow_load(ids, n, &count);

	PG_TRY();
	{
		for (int i = 0; i < count; i++)
		{
			workflows[i].writing = writing;
			workflow_enter(&workflows[i]);
			take_on(&workflows[i], ends, nends, commands, ncommands);
			MemoryContextSwitchTo(caller);
			workflow_release(&workflows[i]);
		}
		FAULT_POINT("advance");
		workflow_write(writing);
	}
	PG_FINALLY();
	{
		for (int i = 0; i < count; i++)
			workflow_release(&workflows[i]);
	}
	PG_END_TRY();
}

void
workflow_advance(StepEnd *ends, int nends, const WorkflowCommand *commands, int ncommands, Chain *chain)
{
	int64	   *ids;
	int			n = 0;

	if (nends + ncommands == 0)
		return;
	ids = palloc((nends + ncommands) * sizeof(int64));
	for (int i = 0; i < nends; i++)
		ids[n++] = ends[i].execution_id;
	for (int i = 0; i < ncommands; i++)
		ids[n++] = commands[i].execution_id;
	qsort(ends, nends, sizeof(StepEnd), compare_ends_and_steps);
	take_all_on(ids, sort_distinct(ids, n), ends, nends, commands, ncommands, chain);
}

void
workflow_advance_executions(const int64 *executions, int n)
{
	int64	   *ids = palloc(Max(1, n) * sizeof(int64));

	if (n == 0)
		return;
	memcpy(ids, executions, n * sizeof(int64));
	take_all_on(ids, sort_distinct(ids, n), NULL, 0, NULL, 0, NULL);
}

/*
 * start_execution(id): in the transaction that submits it, the first steps of a new
 * execution are queued. By the same code that the executor runs, so that there is
 * one set of rules.
 */
PG_FUNCTION_INFO_V1(agent_studio_start_execution);
Datum
agent_studio_start_execution(PG_FUNCTION_ARGS)
{
	int64		execution_id = PG_GETARG_INT64(0);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	workflow_advance_executions(&execution_id, 1);
	SPI_finish();
	PG_RETURN_VOID();
}
