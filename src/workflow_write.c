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
#include "rows.h"
#include "statements.h"
#include "step_write.h"
#include "utf8.h"
#include "workflow_private.h"

#define MAX_PREVIEW		300		/* bytes of an output in a notice */
#define MAX_PREVIEW_LINES	5
#define MAX_PASSED		20
#define WRITE_BYTES		(8 * 1024 * 1024)	/* of steps in one statement, which takes them several times in memory */
#define FAN_OUT_STRIDE	(100 * INT64CONST(1000))	/* microseconds */
#define MAX_APPROVAL	(64 * 1024)	/* bytes of what an approval asks */

static const Oid approval_types[] = {INT8OID, INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID};
static const Oid decision_types[] = {INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID};
static const Oid delivery_types[] = {INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
static const Oid command_types[] = {INT8OID, INT8OID, TEXTOID};

WorkflowWriting *
workflow_writing_create(Chain *chain)
{
	WorkflowWriting *writing = palloc0(sizeof(WorkflowWriting));

	writing->context = CurrentMemoryContext;

	writing->steps = step_writing_create(chain);
	writing->executions = NIL;
	writing->notices = journal_notices_create();
	writing->approvals = batch_create(approval_types, lengthof(approval_types));
	writing->decisions = batch_create(decision_types, lengthof(decision_types));
	writing->deliveries = batch_create(delivery_types, lengthof(delivery_types));
	writing->commands = batch_create(command_types, lengthof(command_types));
	return writing;
}

/* ---------- steps ---------- */

/* As it was kept, or, where it is large, made again for the moment of writing. */
static char *
task_to_write(Workflow *workflow, const FlowRow *row)
{
	bool		is_too_large;

	if (!row_data(row)->task_is_large || !row->to_queue)
		return row_data(row)->task;
	return workflow_task(workflow, row, &is_too_large);
}

/*
 * A step that follows another one takes over its place in the queue, so that what was
 * begun is finished first. What there is no place for queues behind the others, and each
 * further one a stride behind the last: who has much to do lets others in between.
 */
static TimestampTz
place_in_queue(Workflow *workflow)
{
	if (workflow->places == NIL)
		return workflow->now - workflow->head_start + workflow->nfanned++ * FAN_OUT_STRIDE;
	else
	{
		TimestampTz *place = linitial(workflow->places);

		workflow->places = list_delete_first(workflow->places);
		return *place;
	}
}

static void
collect_row(Workflow *workflow, const FlowRow *row)
{
	const PlanStep *step = plan_step_of(workflow, row);
	RowData    *data = row_data(row);
	ChangedStep changed = {
		.execution_id = workflow->execution_id,
		.step_no = row->step_no,
		.is_new = row->is_new,
		.state = row->state,
		.verdict = row->verdict,
		.outputs = data->new_outputs,
		.output = data->new_output,
		.clears_error = row->clears_error,
		.feedback = data->feedback,
		.timeout_seconds = data->timeout_seconds,
		.now = workflow->now,
		.agent_version_id = data->agent_version_id,
		.task = task_to_write(workflow, row),
		.instructions = data->instructions,
		.schema = data->schema,
		.output_format = step->output_format,
		.to_queue = row->to_queue,
		.name = step->name,
		.title = step->title,
		.plan_step = row->step + 1,
		.iteration = row->iteration,
		.round = row->round,
		.max_retries = step->retry.max_retries,
		.owner = workflow->owner,
		.team = workflow->team,
	};

	if (changed.timeout_seconds == 0 && row->is_new && step->timeout_seconds > 0)
		changed.timeout_seconds = step->timeout_seconds;
	if (row->error_class != ERROR_CLASS_NONE)
	{
		changed.error_class = error_class_name(row->error_class);
		changed.error_message = row->error_message;
	}
	if (row->to_queue)
		changed.order_at = place_in_queue(workflow);
	step_writing_add(workflow->writing->steps, &changed);
	if (data->task_is_large && changed.task != NULL)
		pfree(unconstify(char *, changed.task));
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

/* Of all its attempts; NULL = not known. */
static char *
cost_of_step(Workflow *workflow, const FlowRow *row)
{
	const StepEnd *end = row_data(row)->end;
	Datum		args[2] = {Int64GetDatum(workflow->execution_id), Int32GetDatum(row->step_no)};
	MemoryContext caller = CurrentMemoryContext;
	char	   *cost;

	if (end->attempt_no == 1)
		return end->cost != NULL ? psprintf("$%s", end->cost) : NULL;
	statement_run(STATEMENT_STEP_COST, args, NULL);
	cost = SPI_processed == 1 ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1) : NULL;
	MemoryContextSwitchTo(caller);
	return cost != NULL ? pstrdup(cost) : NULL;
}

static void
tell_completed(Workflow *workflow, FlowRow *row)
{
	const StepEnd *end = row_data(row)->end;
	char	   *cost = cost_of_step(workflow, row);
	StringInfoData message;

	workflow_load_outputs(workflow, row);
	initStringInfo(&message);
	appendStringInfo(&message, "Step %d Complete: %s (" INT64_FORMAT "s, %s", row->step + 1, plan_step_of(workflow, row)->name,
					 (int64) (end->finished_at - end->started_at + USECS_PER_SEC / 2) / USECS_PER_SEC,
					 cost != NULL ? cost : "cost not known");
	if (row->iteration > 1)
		appendStringInfo(&message, ", iteration %d", row->iteration);
	appendStringInfoChar(&message, ')');
	if (row_data(row)->output != NULL)
		append_preview(&message, row_data(row)->output);
	append_passed(&message, workflow->plan, row->step);
	/* Not now: what follows may have begun. */
	workflow_tell_at(workflow, row, end->finished_at, "success", "step_completed", message.data);
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

/* A row of executions that is to be changed. Lives as long as the writing. */
typedef struct ChangedExecution
{
	int64		execution_id;
	ExecutionStatus status;
	TimestampTz now;
	const char *error_class;	/* NULL = no failure, so the next two */
	const char *error_message;
	const char *error_hint;
} ChangedExecution;

enum ExecutionColumn {E_STATUS, E_STARTED_AT, E_FINISHED_AT, E_PURGED_AT, E_ERROR_CLASS, E_ERROR_MESSAGE, E_ERROR_HINT};
static const char *const execution_columns[] = {"status", "started_at", "finished_at", "purged_at", "error_class", "error_message",
"error_hint"};

static ChangedExecution *
add_execution(Workflow *workflow, ExecutionStatus status)
{
	MemoryContext caller = MemoryContextSwitchTo(workflow->writing->context);
	ChangedExecution *changed = palloc0(sizeof(ChangedExecution));

	changed->execution_id = workflow->execution_id;
	changed->status = status;
	changed->now = workflow->now;
	workflow->writing->executions = lappend(workflow->writing->executions, changed);
	MemoryContextSwitchTo(caller);
	return changed;
}

static const char *
keep_words(Workflow *workflow, const char *words)
{
	return words != NULL ? MemoryContextStrdup(workflow->writing->context, words) : NULL;
}

static const char *
hint_for_failure(ExecutionStatus status)
{
	return status == EXECUTION_MANUAL_REVIEW
		? "SELECT * FROM agent_studio.as_failure(execution) tells what can be done."
		: "SELECT * FROM agent_studio.as_failure(execution) tells what happened, and how to go on from there.";
}

static void
collect_error(Workflow *workflow, ChangedExecution *changed, ExecutionStatus status)
{
	const FlowRow *culprit = workflow->flow->culprit;
	const char *words;

	if (culprit != NULL && status != EXECUTION_COMPLETED)
	{
		words = culprit->error_class != ERROR_CLASS_NONE ? culprit->error_message : row_data(culprit)->error_message;
		changed->error_class = culprit->error_class != ERROR_CLASS_NONE
			? error_class_name(culprit->error_class) : keep_words(workflow, row_data(culprit)->error_class);
		changed->error_message = keep_words(workflow, psprintf("step %d %s: %s", culprit->step + 1,
															   plan_step_of(workflow, culprit)->name, words ? words : "failed"));
	}
	if (status == EXECUTION_FAILED || status == EXECUTION_MANUAL_REVIEW)
		changed->error_hint = hint_for_failure(status);
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
	ExecutionStatus status = workflow->flow->status;
	ChangedExecution *changed;

	/* The claim says when it begins to run. */
	if (status == EXECUTION_RUNNING && !workflow->started)
		status = EXECUTION_QUEUED;
	if (status == workflow->status && !workflow->resumed)
		return;
	changed = add_execution(workflow, status);
	if (!execution_is_at_rest(status))
		return;
	collect_error(workflow, changed, status);
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

static void
set_words(Rows *rows, int column, const char *words)
{
	if (words == NULL)
		rows_set_null(rows, column);
	else
		rows_set(rows, column, CStringGetTextDatum(words));
}

static void
write_execution(Rows *rows, const ChangedExecution *changed)
{
	Datum		key[1] = {Int64GetDatum(changed->execution_id)};
	bool		at_rest = execution_is_at_rest(changed->status);
	bool		not_started;

	if (!rows_find(rows, key, 1))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("execution " INT64_FORMAT " is not there any more", changed->execution_id)));
	(void) rows_value(rows, E_STARTED_AT, &not_started);
	set_words(rows, E_STATUS, execution_status_name(changed->status));
	set_words(rows, E_ERROR_CLASS, changed->error_class);
	set_words(rows, E_ERROR_MESSAGE, changed->error_message);
	set_words(rows, E_ERROR_HINT, changed->error_hint);
	if (at_rest)
		rows_set(rows, E_FINISHED_AT, TimestampTzGetDatum(changed->now));
	else
	{
		rows_set_null(rows, E_FINISHED_AT);
		rows_set_null(rows, E_PURGED_AT);
	}
	if (at_rest && not_started)
		rows_set(rows, E_STARTED_AT, TimestampTzGetDatum(changed->now));
	rows_update(rows);
}

static void
write_executions(const List *executions)
{
	Rows	   *rows;
	ListCell   *lc;

	if (executions == NIL)
		return;
	rows = rows_open("executions", execution_columns, lengthof(execution_columns));
	foreach(lc, executions)
		write_execution(rows, lfirst(lc));
	rows_close(rows);
}

void
workflow_collect(Workflow *workflow)
{
	Flow	   *flow = workflow->flow;

	for (int i = 0; i < flow->nrows; i++)
	{
		FlowRow    *row = flow->rows[i];

		if (row_data(row)->end != NULL && row->state == STEP_COMPLETED)
			tell_completed(workflow, row);
		if ((row->is_changed && row->state == STEP_COMPLETED) || row_data(row)->end != NULL)
			collect_success_actions(workflow, row);
		if (row->to_ask && row->state == STEP_WAITING_APPROVAL)
			collect_approval(workflow, row);
		if (row->is_new || row->is_changed)
			collect_row(workflow, row);
		if (step_writing_size(workflow->writing->steps) > WRITE_BYTES)
			step_writing_flush(workflow->writing->steps);
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
	step_writing_flush(writing->steps);
	write_executions(writing->executions);
	journal_notices_write(writing->notices);
	write_batch(STATEMENT_WRITE_DECISIONS, writing->decisions);
	write_batch(STATEMENT_WRITE_APPROVALS, writing->approvals);
	write_batch(STATEMENT_WRITE_DELIVERIES, writing->deliveries);
	write_batch(STATEMENT_END_COMMANDS, writing->commands);
}
