/*
 * workflow_write.c
 *		What has changed of executions with a plan, to the tables.
 *
 * Rows of all executions of a turn are gathered in batches, and each batch is one
 * statement: a thousand steps that follow from a thousand answers cost as many
 * statements as one.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "journal.h"
#include "statements.h"
#include "utf8.h"
#include "workflow_private.h"

#define MAX_PREVIEW		300		/* bytes of an output in a notice */
#define MAX_PREVIEW_LINES	5
#define MAX_PASSED		20
#define WRITE_BYTES		(8 * 1024 * 1024)	/* of steps in one statement, which takes them several times in memory */
#define MAX_APPROVAL	(64 * 1024)	/* bytes of what an approval asks */

static const Oid step_types[] = {
	INT8OID, INT4OID, TEXTOID, TEXTOID, INT4OID, INT4OID, INT4OID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID,
	TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, TEXTOID, TEXTOID, BOOLOID, INT4OID, INT4OID, TEXTOID,
	TEXTOID, BOOLOID, BOOLOID, BOOLOID, TEXTOID, TIMESTAMPTZOID
};
static const Oid execution_types[] = {INT8OID, TEXTOID, BOOLOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID};
static const Oid approval_types[] = {INT8OID, INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID};
static const Oid decision_types[] = {INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID};
static const Oid delivery_types[] = {INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
static const Oid told_types[] = {INT8OID, INT4OID, INT4OID, TEXTOID, TEXTOID, TEXTOID};
static const Oid command_types[] = {INT8OID, INT8OID, TEXTOID};

static void
begin_steps(WorkflowWriting *writing)
{
	MemoryContext caller = MemoryContextSwitchTo(writing->steps_context);

	writing->steps = batch_create(step_types, lengthof(step_types));
	writing->steps_bytes = 0;
	MemoryContextSwitchTo(caller);
}

WorkflowWriting *
workflow_writing_create(void)
{
	WorkflowWriting *writing = palloc(sizeof(WorkflowWriting));

	writing->steps_context = AllocSetContextCreate(CurrentMemoryContext, "agent_studio steps to write", ALLOCSET_DEFAULT_SIZES);
	begin_steps(writing);
	writing->executions = batch_create(execution_types, lengthof(execution_types));
	writing->notices = journal_notices_create();
	writing->approvals = batch_create(approval_types, lengthof(approval_types));
	writing->decisions = batch_create(decision_types, lengthof(decision_types));
	writing->deliveries = batch_create(delivery_types, lengthof(delivery_types));
	writing->told = batch_create(told_types, lengthof(told_types));
	writing->commands = batch_create(command_types, lengthof(command_types));
	return writing;
}

/* ---------- steps ---------- */

static void
add_text(WorkflowWriting *writing, int column, const char *text)
{
	batch_text(writing->steps, column, text);
	writing->steps_bytes += text != NULL ? strlen(text) : 0;
}

static void
add_task(Workflow *workflow, const FlowRow *row)
{
	RowData    *data = row_data(row);
	bool		is_too_large;
	char	   *task;

	if (!data->task_is_large || !row->to_queue)
	{
		add_text(workflow->writing, 10, data->task);
		return;
	}
	task = workflow_task(workflow, row, &is_too_large);
	add_text(workflow->writing, 10, task);
	pfree(task);
}

/* In the order of the columns of STATEMENT_WRITE_STEPS. */
static void
collect_row(Workflow *workflow, const FlowRow *row)
{
	Batch	   *steps = workflow->writing->steps;
	const PlanStep *step = plan_step_of(workflow, row);
	RowData    *data = row_data(row);

	batch_row(steps);
	batch_set(steps, 0, Int64GetDatum(workflow->execution_id));
	batch_set(steps, 1, Int32GetDatum(row->step_no));
	batch_text(steps, 2, step->name);
	batch_text(steps, 3, step->title);
	batch_set(steps, 4, Int32GetDatum(row->step + 1));
	batch_set(steps, 5, Int32GetDatum(row->iteration));
	batch_set(steps, 6, Int32GetDatum(row->round));
	batch_text(steps, 7, step_state_name(row->state));
	batch_text(steps, 8, step_verdict_name(row->verdict));
	if (data->agent_version_id != 0)
		batch_set(steps, 9, Int64GetDatum(data->agent_version_id));
	add_task(workflow, row);
	batch_text(steps, 11, data->instructions);
	add_text(workflow->writing, 12, data->feedback);
	batch_text(steps, 13, data->schema);
	batch_text(steps, 14, step->output_format);
	add_text(workflow->writing, 15, data->new_outputs);
	add_text(workflow->writing, 16, data->new_output);
	batch_set(steps, 17, BoolGetDatum(step_is_at_rest(row->state)));
	if (row->error_class != ERROR_CLASS_NONE)
	{
		batch_text(steps, 18, error_class_name(row->error_class));
		batch_text(steps, 19, row->error_message);
	}
	batch_set(steps, 20, BoolGetDatum(row->clears_error));
	if (data->timeout_seconds != 0 || (row->is_new && step->timeout_seconds > 0))
		batch_set(steps, 21, Int32GetDatum(data->timeout_seconds != 0 ? data->timeout_seconds : step->timeout_seconds));
	batch_set(steps, 22, Int32GetDatum(step->retry.max_retries));
	batch_text(steps, 23, workflow->owner);
	batch_text(steps, 24, workflow->team);
	batch_set(steps, 25, BoolGetDatum(row->is_new));
	batch_set(steps, 26, BoolGetDatum(row->to_queue));
	batch_set(steps, 27, BoolGetDatum(row->state == STEP_PAUSED));
	batch_text(steps, 28, workflow->priority);
	batch_set(steps, 29, TimestampTzGetDatum(workflow->now));
}

/* ---------- a step has completed ---------- */

static void
append_preview(StringInfo out, const text *output)
{
	const char *data = VARDATA_ANY(output);
	size_t		len = utf8_clip(data, VARSIZE_ANY_EXHDR(output), MAX_PREVIEW);
	int			lines = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (data[i] == '\n' && ++lines == MAX_PREVIEW_LINES)
			len = i;
	}
	while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == ' '))
		len--;
	appendStringInfo(out, "\nPreview:\n%.*s%s", (int) len, data, len < VARSIZE_ANY_EXHDR(output) ? "..." : "");
}

static bool
takes_from(const PlanStep *to, int from, int value)
{
	for (int i = 0; i < to->nmappings; i++)
	{
		for (int j = 0; j < to->mappings[i].nsources; j++)
		{
			if (to->mappings[i].sources[j].step == from && to->mappings[i].sources[j].value == value)
				return true;
		}
	}
	for (int i = 0; i < to->task.npieces; i++)
	{
		for (int j = 0; j < to->task.pieces[i].nsources; j++)
		{
			if (to->task.pieces[i].sources[j].step == from && to->task.pieces[i].sources[j].value == value)
				return true;
		}
	}
	return false;
}

/* Which output goes to which step. */
static void
append_passed(StringInfo out, const WorkflowPlan *plan, int from)
{
	const PlanStep *step = &plan->steps[from];
	int			passed = 0;

	for (int value = PLAN_WHOLE_ANSWER; value < step->noutputs; value++)
	{
		for (int to = 0; to < plan->nsteps && passed < MAX_PASSED; to++)
		{
			if (to == from || !takes_from(&plan->steps[to], from, value))
				continue;
			appendStringInfo(out, "%s\n  %s \xE2\x86\x92 Step %d (%s)", passed++ == 0 ? "\nOutput passed on:" : "",
							 value == PLAN_WHOLE_ANSWER ? "output" : step->outputs[value].name,
							 to + 1, plan->steps[to].name);
		}
	}
}

static void
tell_completed(Workflow *workflow, FlowRow *row)
{
	Batch	   *told = workflow->writing->told;
	StringInfoData tail;

	workflow_load_outputs(workflow, row);
	initStringInfo(&tail);
	if (row_data(row)->output != NULL)
		append_preview(&tail, row_data(row)->output);
	append_passed(&tail, workflow->plan, row->step);
	batch_row(told);
	batch_set(told, 0, Int64GetDatum(workflow->execution_id));
	batch_set(told, 1, Int32GetDatum(row->step_no));
	batch_set(told, 2, Int32GetDatum(row->step + 1));
	batch_text(told, 3, plan_step_of(workflow, row)->name);
	batch_text(told, 4, tail.data);
	batch_text(told, 5, row->iteration > 1 ? psprintf(", iteration %d", row->iteration) : NULL);
}

/* ---------- approvals and deliveries ---------- */

static const char *
expiry_name(PlanExpiry expiry)
{
	return expiry == EXPIRY_APPROVE ? "approve" : expiry == EXPIRY_MANUAL_REVIEW ? "manual_review" : "reject";
}

static void
collect_approval(Workflow *workflow, const FlowRow *row)
{
	Batch	   *approvals = workflow->writing->approvals;
	const PlanStep *step = plan_step_of(workflow, row);
	const char *by = step->approval.given && step->approval.by ? step->approval.by : workflow->owner;
	char	   *message = step->approval.message.npieces > 0
		? workflow_render(workflow, row, &step->approval.message, MAX_APPROVAL, NULL)
		: psprintf("Step %d %s waits for approval", row->step + 1, step->name);

	batch_row(approvals);
	batch_set(approvals, 0, Int64GetDatum(workflow->execution_id));
	batch_set(approvals, 1, Int32GetDatum(row->step_no));
	batch_text(approvals, 2, by);
	batch_text(approvals, 3, message[0] != '\0' ? message : step->name);
	batch_set(approvals, 4, TimestampTzGetDatum(workflow->now));
	if (step->approval.given && step->approval.within_seconds != PLAN_UNSET)
		batch_set(approvals, 5, TimestampTzGetDatum(TimestampTzPlusMilliseconds(workflow->now,
																				 (int64) step->approval.within_seconds * 1000)));
	batch_text(approvals, 6, step->approval.given ? expiry_name(step->approval.on_expiry) : "reject");
	batch_text(approvals, 7, workflow->owner);
	batch_text(approvals, 8, workflow->team);
	workflow_tell(workflow, row, "warning", "waiting",
				  psprintf("Step %d %s waits for the approval of \"%s\"", row->step + 1, step->name, by));
}

static void
collect_delivery(Workflow *workflow, const FlowRow *row, const char *action, const char *arguments)
{
	Batch	   *deliveries = workflow->writing->deliveries;

	batch_row(deliveries);
	batch_set(deliveries, 0, Int64GetDatum(workflow->execution_id));
	if (row != NULL)
		batch_set(deliveries, 1, Int32GetDatum(row->step_no));
	batch_text(deliveries, 2, action);
	batch_text(deliveries, 3, arguments);
	batch_text(deliveries, 4, workflow->owner);
	batch_text(deliveries, 5, workflow->team);
}

static void
collect_success_actions(Workflow *workflow, const FlowRow *row)
{
	const JsonNode *actions = plan_step_of(workflow, row)->success_actions;

	if (actions == NULL || workflow->is_test || row->state != STEP_COMPLETED ||
		(row->verdict != VERDICT_NONE && row->verdict != VERDICT_APPROVED && row->verdict != VERDICT_COMPLETED_BY_HAND))
		return;
	for (const JsonNode *item = actions->is.first; item != NULL; item = item->next)
	{
		const JsonNode *action = json_node_member(item, "action", strlen("action"));
		Buf			arguments;

		buf_init(&arguments, 64 * 1024);
		json_node_write(&arguments, item, 64 * 1024);
		collect_delivery(workflow, row, action != NULL ? action->is.text : "notify", pstrdup(buf_text(&arguments)));
		buf_free(&arguments);
	}
}

/* Who wanted to hear of the execution's end: each member that is not false is one to be told. */
static void
collect_notify(Workflow *workflow)
{
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (workflow->notify == NULL || !JB_ROOT_IS_OBJECT(workflow->notify))
		return;
	iterator = JsonbIteratorInit(&workflow->notify->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		Buf			arguments;
		char	   *channel;
		char	   *to;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (value.type == jbvNull || (value.type == jbvBool && !value.val.boolean))
			continue;
		channel = pnstrdup(key.val.string.val, key.val.string.len);
		to = workflow_value_text(&value);
		buf_init(&arguments, 64 * 1024);
		buf_puts(&arguments, "{\"status\": ");
		buf_json_string(&arguments, execution_status_name(workflow->flow->status),
						strlen(execution_status_name(workflow->flow->status)));
		buf_puts(&arguments, ", \"to\": ");
		buf_json_string(&arguments, to, strlen(to));
		buf_putc(&arguments, '}');
		collect_delivery(workflow, NULL, channel, pstrdup(buf_text(&arguments)));
		buf_free(&arguments);
	}
}

/* ---------- executions ---------- */

static const char *
hint_for_failure(ExecutionStatus status)
{
	return status == EXECUTION_MANUAL_REVIEW
		? "SELECT * FROM agent_studio.as_failure(execution) tells what can be done."
		: "SELECT * FROM agent_studio.as_failure(execution) tells what happened, and how to go on from there.";
}

static void
collect_error(Workflow *workflow, Batch *executions, ExecutionStatus status)
{
	const FlowRow *culprit = workflow->flow->culprit;
	const char *words;

	if (culprit != NULL && status != EXECUTION_COMPLETED)
	{
		words = culprit->error_class != ERROR_CLASS_NONE ? culprit->error_message : row_data(culprit)->error_message;
		batch_text(executions, 4, culprit->error_class != ERROR_CLASS_NONE
				   ? error_class_name(culprit->error_class) : row_data(culprit)->error_class);
		batch_text(executions, 5, psprintf("step %d %s: %s", culprit->step + 1,
										   plan_step_of(workflow, culprit)->name, words ? words : "failed"));
	}
	if (status == EXECUTION_FAILED || status == EXECUTION_MANUAL_REVIEW)
		batch_text(executions, 6, hint_for_failure(status));
}

static void
tell_end(Workflow *workflow, ExecutionStatus status)
{
	switch (status)
	{
		case EXECUTION_COMPLETED:
			workflow_tell(workflow, NULL, "success", "completed", psprintf("Complete: %s", workflow->task));
			break;
		case EXECUTION_FAILED:
			workflow_tell(workflow, NULL, "error", "failed", psprintf("Failed: %s - as_failure(" INT64_FORMAT ") tells what can be done",
																	  workflow->task, workflow->execution_id));
			break;
		case EXECUTION_MANUAL_REVIEW:
			workflow_tell(workflow, NULL, "warning", "manual_review",
						  psprintf("Requires Manual Review: %s - as_failure(" INT64_FORMAT ") tells what can be done",
								   workflow->task, workflow->execution_id));
			break;
		default:
			break;
	}
}

static void
collect_status(Workflow *workflow)
{
	Batch	   *executions = workflow->writing->executions;
	ExecutionStatus status = workflow->flow->status;

	/* The claim says when it begins to run. */
	if (status == EXECUTION_RUNNING && !workflow->started)
		status = EXECUTION_QUEUED;
	if (status == workflow->status && !workflow->resumed)
		return;
	batch_row(executions);
	batch_set(executions, 0, Int64GetDatum(workflow->execution_id));
	batch_text(executions, 1, execution_status_name(status));
	batch_set(executions, 2, BoolGetDatum(execution_is_at_rest(status)));
	batch_set(executions, 3, TimestampTzGetDatum(workflow->now));
	if (!execution_is_at_rest(status))
		return;
	collect_error(workflow, executions, status);
	tell_end(workflow, status);
	collect_notify(workflow);
}

/* ---------- to the tables ---------- */

static void
write_batch(Statement statement, const Batch *batch)
{
	Datum		args[BATCH_MAX_COLUMNS];

	if (batch->nrows == 0)
		return;
	batch_arrays(batch, args);
	statement_run(statement, args, NULL);
}

/*
 * Rows are changed where they were found; one that somebody else has changed in
 * between is there no more, and is found again when this is done once more.
 */
static void
require_whole_write(int64 missed)
{
	if (missed != 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("%lld rows of executions were changed by somebody else while they were written", (long long) missed)));
}

/* And begins anew. */
static void
write_steps(WorkflowWriting *writing)
{
	MemoryContext caller = MemoryContextSwitchTo(writing->steps_context);
	bool		isnull;

	write_batch(STATEMENT_WRITE_STEPS, writing->steps);
	if (writing->steps->nrows > 0)
		require_whole_write(DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)));
	MemoryContextSwitchTo(caller);
	MemoryContextReset(writing->steps_context);
	begin_steps(writing);
}

void
workflow_collect(Workflow *workflow)
{
	Flow	   *flow = workflow->flow;

	for (int i = 0; i < flow->nrows; i++)
	{
		FlowRow    *row = flow->rows[i];

		if (row_data(row)->completed_now && row->state == STEP_COMPLETED)
			tell_completed(workflow, row);
		if ((row->is_changed && row->state == STEP_COMPLETED) || row_data(row)->completed_now)
			collect_success_actions(workflow, row);
		if (row->to_ask && row->state == STEP_WAITING_APPROVAL)
			collect_approval(workflow, row);
		if (row->is_new || row->is_changed)
			collect_row(workflow, row);
		if (workflow->writing->steps_bytes > WRITE_BYTES)
			write_steps(workflow->writing);
	}
	collect_status(workflow);
}

void
workflow_collect_command(WorkflowWriting *writing, const WorkflowCommand *command, const char *refusal)
{
	if (command->is_expiry)
		return;
	batch_row(writing->commands);
	batch_set(writing->commands, 0, Int64GetDatum(command->execution_id));
	batch_set(writing->commands, 1, Int64GetDatum(command->command_id));
	batch_text(writing->commands, 2, refusal);
}

void
workflow_write(WorkflowWriting *writing)
{
	write_batch(STATEMENT_TELL_COMPLETED, writing->told);
	write_steps(writing);
	write_batch(STATEMENT_WRITE_EXECUTIONS, writing->executions);
	if (writing->executions->nrows > 0)
		require_whole_write(writing->executions->nrows - (int64) SPI_processed);
	journal_notices_write(writing->notices);
	write_batch(STATEMENT_WRITE_DECISIONS, writing->decisions);
	write_batch(STATEMENT_WRITE_APPROVALS, writing->approvals);
	write_batch(STATEMENT_WRITE_DELIVERIES, writing->deliveries);
	write_batch(STATEMENT_END_COMMANDS, writing->commands);
}
