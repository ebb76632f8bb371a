/*
 * workflow_values.c
 *		Inputs and outputs as values: what templates are filled with, and what
 *		conditions look at.
 *
 * Outputs can be large, so those of a step are looked up only when something asks
 * for them, and then once.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "condition.h"
#include "statements.h"
#include "utf8.h"
#include "workflow_private.h"

/* ---------- looking up ---------- */

JsonbValue *
workflow_member(Jsonb *object, const char *name)
{
	if (object == NULL || !JB_ROOT_IS_OBJECT(object))
		return NULL;
	return getKeyJsonValueFromContainer(&object->root, name, strlen(name), NULL);
}

static void
fetch_outputs(int64 execution_id, int32 step_no, Jsonb **outputs, text **output)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		args[2] = {Int64GetDatum(execution_id), Int32GetDatum(step_no)};
	Datum		value;
	bool		isnull;

	statement_run(STATEMENT_STEP_OUTPUTS, args, NULL);
	if (SPI_processed != 1)
		return;
	MemoryContextSwitchTo(caller);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		*outputs = DatumGetJsonbPCopy(value);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
	if (!isnull)
		*output = DatumGetTextPCopy(value);
}

void
workflow_load_outputs(Workflow *workflow, FlowRow *row)
{
	RowData    *data = row_data(row);
	MemoryContext caller;

	if (data->loaded)
		return;
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(data));
	if (!row->is_new)
		fetch_outputs(workflow->execution_id, row->step_no, &data->outputs, &data->output);
	data->loaded = true;
	MemoryContextSwitchTo(caller);
}

/* Where outputs are declared and none came with the answer, those of an earlier attempt may be there. */
void
workflow_take_outputs(Workflow *workflow, FlowRow *row, const Buf *output, const Buf *outputs)
{
	RowData    *data = row_data(row);
	MemoryContext caller;

	if (outputs->len == 0 && plan_step_of(workflow, row)->noutputs > 0)
		return;
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(data));
	if (output->len > 0)
		data->output = cstring_to_text_with_len(buf_text(output), (int) output->len);
	if (outputs->len > 0)
		data->outputs = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(buf_text(outputs))));
	data->loaded = true;
	MemoryContextSwitchTo(caller);
}

char *
workflow_answer_of(Workflow *workflow, int32 step_no)
{
	Jsonb	   *outputs = NULL;
	text	   *output = NULL;

	fetch_outputs(workflow->execution_id, step_no, &outputs, &output);
	return output != NULL ? text_to_cstring(output) : NULL;
}

/* An earlier iteration of a step, which is not among the flow's rows, to look at its outputs. */
static FlowRow *
earlier_row(Workflow *workflow, int step, int32 step_no)
{
	MemoryContext caller;
	FlowRow    *row;
	ListCell   *lc;

	foreach(lc, workflow->earlier)
	{
		row = lfirst(lc);
		if (row->step_no == step_no)
			return row;
	}
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(row_data(workflow->flow->current[step])));
	row = palloc0(sizeof(FlowRow));
	row->step = step;
	row->step_no = step_no;
	row->state = STEP_COMPLETED;
	workflow->earlier = lappend(workflow->earlier, row);
	MemoryContextSwitchTo(caller);
	return row;
}

/* Of a step whose criteria never held, the answer with the best score counts, among those of its loop. */
static FlowRow *
best_row(Workflow *workflow, const FlowRow *row)
{
	Datum		args[3] = {Int64GetDatum(workflow->execution_id), Int32GetDatum(row->step + 1),
		Int32GetDatum(row->iteration - row->round)};
	bool		isnull;

	statement_run(STATEMENT_BEST_ITERATION, args, NULL);
	if (SPI_processed != 1)
		return NULL;
	return earlier_row(workflow, row->step, DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)));
}

static bool
failed_at_the_bound(const FlowRow *row)
{
	const char *class = row_data(row)->error_class;

	return row->state == STEP_FAILED && (row->error_class == ERROR_CLASS_MAX_ITERATIONS ||
										 (class != NULL && strcmp(class, "max_iterations") == 0));
}

/*
 * The row whose outputs count for a step, where the step reader asks for them; NULL =
 * none. A fallback stands in for what failed. What has handed off runs again after
 * the reader, who wants what it said before.
 */
static FlowRow *
row_with_outputs(Workflow *workflow, int step, int reader)
{
	const PlanStep *plan_step = &workflow->plan->steps[step];
	FlowRow    *row = workflow->flow->current[step];
	FlowRow    *instead = NULL;

	if (row->state == STEP_PENDING && row->iteration > 1 && plan_serves(workflow->plan, reader, step))
		return earlier_row(workflow, step, row->step_no - workflow->plan->nsteps);
	if (row->state == STEP_COMPLETED || (row->state == STEP_PARTIAL && row->verdict == VERDICT_ACCEPTED))
		return row;
	if (row->state == STEP_FAILED && plan_step->on_failure == FAILURE_FALLBACK)
		instead = row_with_outputs(workflow, plan_step->fallback, reader);
	if (instead == NULL && plan_step->criteria.given && failed_at_the_bound(row))
		return best_row(workflow, row);
	return instead;
}

static JsonbValue *
string_value(const char *data, int len)
{
	JsonbValue *value = palloc(sizeof(JsonbValue));

	value->type = jbvString;
	value->val.string.val = unconstify(char *, data);
	value->val.string.len = len;
	return value;
}

static JsonbValue *
output_value(Workflow *workflow, FlowRow *row, const char *name)
{
	RowData    *data = row_data(row);

	workflow_load_outputs(workflow, row);
	if (name != NULL)
		return workflow_member(data->outputs, name);
	return data->output != NULL
		? string_value(VARDATA_ANY(data->output), VARSIZE_ANY_EXHDR(data->output)) : NULL;
}

static JsonbValue *
source_value(Workflow *workflow, const PlanSource *source, int reader)
{
	const WorkflowPlan *plan = workflow->plan;
	FlowRow    *row;

	if (source->step == PLAN_INPUTS)
		return workflow_member(workflow_inputs(workflow), plan->inputs[source->value].name);
	row = row_with_outputs(workflow, source->step, reader);
	if (row == NULL)
		return NULL;
	return output_value(workflow, row, source->value == PLAN_WHOLE_ANSWER ? NULL
						: plan->steps[source->step].outputs[source->value].name);
}

JsonbValue *
workflow_value(Workflow *workflow, const PlanSource *sources, int nsources, int reader)
{
	for (int i = 0; i < nsources; i++)
	{
		JsonbValue *value = source_value(workflow, &sources[i], reader);

		if (value != NULL && value->type != jbvNull)
			return value;
	}
	return NULL;
}

char *
workflow_value_text(const JsonbValue *value)
{
	Jsonb	   *whole;

	if (value == NULL || value->type == jbvNull)
		return pstrdup("");
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	whole = JsonbValueToJsonb(unconstify(JsonbValue *, value));
	return JsonbToCString(NULL, &whole->root, VARSIZE(whole));
}

/* ---------- templates ---------- */

static JsonbValue *
piece_value(Workflow *workflow, const FlowRow *row, const PlanPiece *piece)
{
	if (piece->own_output != PLAN_UNSET)
		return output_value(workflow, unconstify(FlowRow *, row),
							plan_step_of(workflow, row)->outputs[piece->own_output].name);
	return workflow_value(workflow, piece->sources, piece->nsources, row->step);
}

/* Large answers many times would be more than there is memory for. */
char *
workflow_render(Workflow *workflow, const FlowRow *row, const PlanText *text, size_t most, bool *is_cut)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < text->npieces && out.len <= most; i++)
	{
		const PlanPiece *piece = &text->pieces[i];
		char	   *value = piece->literal != NULL ? NULL : workflow_value_text(piece_value(workflow, row, piece));
		const char *data = value != NULL ? value : piece->literal;
		size_t		len = value != NULL ? strlen(value) : piece->len;

		appendBinaryStringInfo(&out, data, (int) Min(len, most + 1 - out.len));
		if (value != NULL)
			pfree(value);
	}
	if (is_cut != NULL)
		*is_cut = out.len > most;
	out.data[utf8_clip(out.data, out.len, most)] = '\0';
	return out.data;
}

/* ---------- what conditions see ---------- */

#define MAX_SEEN	(32 * 1024 * 1024)	/* bytes of values, which take several times as much while they are gathered */

static void
count_seen(size_t *seen, const JsonbValue *value)
{
	*seen += value->type == jbvBinary ? value->val.binary.len : value->type == jbvString ? value->val.string.len : 0;
	if (*seen > MAX_SEEN)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a condition of the workflow would have to look at more than %d MB", MAX_SEEN / (1024 * 1024))));
}

static void
push_member(JsonbParseState **state, const char *name, int len, JsonbValue *value)
{
	JsonbValue *key = string_value(name, len);

	pushJsonbValue(state, WJB_KEY, key);
	pushJsonbValue(state, WJB_VALUE, value);
}

/* What the step has inputs of the same name for is left out; NULL: nothing is. */
static bool
has_input(const PlanStep *step, const JsonbValue *name)
{
	for (int i = 0; step != NULL && i < step->nmappings; i++)
	{
		if (strlen(step->mappings[i].name) == name->val.string.len &&
			memcmp(step->mappings[i].name, name->val.string.val, name->val.string.len) == 0)
			return true;
	}
	return false;
}

static void
push_object(JsonbParseState **state, Jsonb *object, const PlanStep *unless_input)
{
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (object == NULL || !JB_ROOT_IS_OBJECT(object))
		return;
	iterator = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (has_input(unless_input, &key))
			continue;
		pushJsonbValue(state, WJB_KEY, &key);
		pushJsonbValue(state, WJB_VALUE, &value);
	}
}

/* Of members of the same name the one that was pushed last counts. An input without a source that is there is not there. */
Jsonb *
workflow_scope(Workflow *workflow, const FlowRow *row, bool own)
{
	const PlanStep *step = plan_step_of(workflow, row);
	JsonbParseState *state = NULL;
	size_t		seen = 0;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_object(&state, workflow_inputs(workflow), step);
	for (int i = 0; i < step->nmappings; i++)
	{
		const PlanMapping *mapping = &step->mappings[i];
		JsonbValue *value = workflow_value(workflow, mapping->sources, mapping->nsources, row->step);

		if (value == NULL)
			continue;
		count_seen(&seen, value);
		push_member(&state, mapping->name, strlen(mapping->name), value);
	}
	if (own)
	{
		workflow_load_outputs(workflow, unconstify(FlowRow *, row));
		push_object(&state, row_data(row)->outputs, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
push_number(JsonbParseState **state, const char *name, int64 number)
{
	JsonbValue	value;

	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(number);
	push_member(state, name, strlen(name), &value);
}

static void
push_jsonb(JsonbParseState **state, const char *name, Jsonb *object, size_t *seen)
{
	JsonbValue	value;

	value.type = jbvBinary;
	value.val.binary.data = &object->root;
	value.val.binary.len = VARSIZE(object) - VARHDRSZ;
	count_seen(seen, &value);
	push_member(state, name, strlen(name), &value);
}

/* The outputs of the steps that the condition names, each once, and of no others. */
static void
push_steps(JsonbParseState **state, Workflow *workflow, const char *condition, int reader, size_t *seen)
{
	StepSet		pushed = {{0}};
	JsonbValue	key;
	const char *at = condition;
	const char *name;

	key.type = jbvString;
	key.val.string.val = "steps";
	key.val.string.len = strlen("steps");
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	while ((name = condition_next_step(at, &at)) != NULL)
	{
		int			step = plan_find_step(workflow->plan, name);
		FlowRow    *row;

		if (step == PLAN_NO_STEP || set_has(&pushed, step))
			continue;
		set_add(&pushed, step);
		row = row_with_outputs(workflow, step, reader);
		if (row == NULL)
			continue;
		workflow_load_outputs(workflow, row);
		if (row_data(row)->outputs != NULL)
			push_jsonb(state, name, row_data(row)->outputs, seen);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

Jsonb *
workflow_variables(Workflow *workflow, const FlowRow *row, const char *condition)
{
	JsonbParseState *state = NULL;
	size_t		seen = 0;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (workflow_inputs(workflow) != NULL)
		push_jsonb(&state, "inputs", workflow_inputs(workflow), &seen);
	push_steps(&state, workflow, condition, row->step, &seen);
	push_number(&state, "iteration", row->iteration);
	push_number(&state, "retry_count", Max(row_data(row)->attempt_no - 1, 0));
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
