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
#include "utils/numeric.h"

#include "condition.h"
#include "statements.h"
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

	if (data->loaded)
		return;
	data->loaded = true;
	if (!row->is_new)
		fetch_outputs(workflow->execution_id, row->step_no, &data->outputs, &data->output);
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
earlier_row(int step, int32 step_no)
{
	FlowRow    *row = palloc0(sizeof(FlowRow));

	row->step = step;
	row->step_no = step_no;
	row->state = STEP_COMPLETED;
	return row;
}

/* Whether the reader runs because this step has handed off to it. */
static bool
has_handed_off_to(const PlanStep *step, int reader)
{
	for (int i = 0; i < step->nrules; i++)
	{
		if (step->rules[i].action == RULE_HAND_OFF && step->rules[i].to == reader)
			return true;
	}
	return false;
}

/* Of a step whose criteria never held, the answer with the best score counts. */
static FlowRow *
best_row(Workflow *workflow, int step)
{
	Datum		args[2] = {Int64GetDatum(workflow->execution_id), Int32GetDatum(step + 1)};
	bool		isnull;

	statement_run(STATEMENT_BEST_ITERATION, args, NULL);
	if (SPI_processed != 1)
		return NULL;
	return earlier_row(step, DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)));
}

/*
 * The row whose outputs count for a step, where the reader asks for them (PLAN_NO_STEP:
 * nobody in particular); NULL = none. A fallback stands in for what failed. What has handed off runs again
 * after the reader, who wants what it said before.
 */
static FlowRow *
row_with_outputs(Workflow *workflow, int step, int reader)
{
	const PlanStep *plan_step = &workflow->plan->steps[step];
	FlowRow    *row = workflow->flow->current[step];

	if (row->state == STEP_PENDING && row->iteration > 1 && has_handed_off_to(plan_step, reader))
		return earlier_row(step, row->step_no - workflow->plan->nsteps);
	if (row->state == STEP_FAILED && plan_step->on_failure == FAILURE_FALLBACK)
		row = workflow->flow->current[plan_step->fallback];
	if (row->state == STEP_COMPLETED || (row->state == STEP_PARTIAL && row->verdict == VERDICT_ACCEPTED))
		return row;
	return row->state == STEP_FAILED && plan_step->criteria.given ? best_row(workflow, step) : NULL;
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
		return workflow_member(workflow->inputs, plan->inputs[source->value].name);
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

char *
workflow_render(Workflow *workflow, const FlowRow *row, const PlanText *text)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < text->npieces; i++)
	{
		const PlanPiece *piece = &text->pieces[i];

		if (piece->literal != NULL)
			appendBinaryStringInfo(&out, piece->literal, piece->len);
		else
			appendStringInfoString(&out, workflow_value_text(piece_value(workflow, row, piece)));
	}
	return out.data;
}

/* ---------- what conditions see ---------- */

static void
push_member(JsonbParseState **state, const char *name, int len, JsonbValue *value)
{
	JsonbValue *key = string_value(name, len);

	pushJsonbValue(state, WJB_KEY, key);
	pushJsonbValue(state, WJB_VALUE, value);
}

static void
push_object(JsonbParseState **state, Jsonb *object)
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
		pushJsonbValue(state, WJB_KEY, &key);
		pushJsonbValue(state, WJB_VALUE, &value);
	}
}

/* Of members of the same name the one that was pushed last counts. */
Jsonb *
workflow_scope(Workflow *workflow, const FlowRow *row, bool own)
{
	const PlanStep *step = plan_step_of(workflow, row);
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_object(&state, workflow->inputs);
	for (int i = 0; i < step->nmappings; i++)
	{
		const PlanMapping *mapping = &step->mappings[i];
		JsonbValue *value = workflow_value(workflow, mapping->sources, mapping->nsources, row->step);
		JsonbValue	none = {.type = jbvNull};

		push_member(&state, mapping->name, strlen(mapping->name), value != NULL ? value : &none);
	}
	if (own)
	{
		workflow_load_outputs(workflow, unconstify(FlowRow *, row));
		push_object(&state, row_data(row)->outputs);
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
push_jsonb(JsonbParseState **state, const char *name, Jsonb *object)
{
	JsonbValue	value;

	value.type = jbvBinary;
	value.val.binary.data = &object->root;
	value.val.binary.len = VARSIZE(object) - VARHDRSZ;
	push_member(state, name, strlen(name), &value);
}

/* The outputs of the steps that the condition names, and of no others. */
static void
push_steps(JsonbParseState **state, Workflow *workflow, const char *condition)
{
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
		FlowRow    *row = step == PLAN_NO_STEP ? NULL : row_with_outputs(workflow, step, PLAN_NO_STEP);

		if (row == NULL)
			continue;
		workflow_load_outputs(workflow, row);
		if (row_data(row)->outputs != NULL)
			push_jsonb(state, name, row_data(row)->outputs);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

Jsonb *
workflow_variables(Workflow *workflow, const FlowRow *row, const char *condition)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (workflow->inputs != NULL)
		push_jsonb(&state, "inputs", workflow->inputs);
	push_steps(&state, workflow, condition);
	push_number(&state, "iteration", row->iteration);
	push_number(&state, "retry_count", Max(row_data(row)->attempt_no - 1, 0));
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
