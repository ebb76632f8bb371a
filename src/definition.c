/*
 * definition.c
 *		Workflows' definitions, for SQL: what is wrong with one, and what is in it.
 *
 * The pure code reports through callbacks, which must not throw: what they are
 * told is kept in Bufs, text after text, and becomes rows later. Its memory is not
 * PostgreSQL's, so it is tied to a context, with which it goes, also by an error.
 *
 * Whether a condition is an SQL/JSON path is asked of PostgreSQL, and whether it
 * is a predicate seen in what it was read into. Only those have a truth value.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/jsonpath.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#endif

#include "compat.h"
#include "near.h"
#include "plan.h"
#include "utf8.h"

#define SHOWN_MAX		60
#define SHOWN_PROBLEMS	20
#define INPUT_NODES		500000
#define DETAIL_MAX		5000

/* What was read, and what was told of it. */
typedef struct Definition
{
	MemoryContextCallback release;
	WorkflowPlan *plan;			/* NULL: not asked for, or there are problems */
	JsonTree   *inputs;			/* of complete_inputs */
	Buf			problems;		/* step, problem, hint; each with its NUL */
	Buf			conditions;		/* step, where, condition */
	Buf			agents;			/* step, agent */
	Buf			text;			/* what is being written */
} Definition;

static void
release_definition(void *arg)
{
	Definition *definition = arg;

	plan_free(definition->plan);
	json_tree_free(definition->inputs);
	buf_free(&definition->problems);
	buf_free(&definition->conditions);
	buf_free(&definition->agents);
	buf_free(&definition->text);
}

static Definition *
make_definition(void)
{
	Definition *definition = palloc0(sizeof(Definition));

	definition->release.func = release_definition;
	definition->release.arg = definition;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &definition->release);
	return definition;
}

static void
check_memory(const Buf *buf)
{
	if (buf->failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

/* ---- what is told ---- */

/* NULL is kept as an empty text. */
static void
put_text(Buf *out, const char *text)
{
	if (text)
		buf_puts(out, text);
	buf_append(out, "", 1);
}

static void
note_problem(void *arg, const char *step, const char *problem, const char *hint)
{
	Definition *definition = arg;

	put_text(&definition->problems, step);
	put_text(&definition->problems, problem);
	put_text(&definition->problems, hint);
}

static void
note_condition(void *arg, const char *step, const char *where, const char *condition)
{
	Definition *definition = arg;

	put_text(&definition->conditions, step);
	put_text(&definition->conditions, where);
	put_text(&definition->conditions, condition);
}

static void
note_agent(void *arg, const char *step, const char *agent)
{
	Definition *definition = arg;

	put_text(&definition->agents, step);
	put_text(&definition->agents, agent);
}

/* The next n texts; false at the end. *at is where they begin. */
static bool
next_texts(const Buf *buf, size_t *at, const char **texts, int n)
{
	if (*at >= buf->len)
		return false;
	for (int i = 0; i < n; i++)
	{
		texts[i] = buf->data + *at;
		*at += strlen(texts[i]) + 1;
	}
	return true;
}

static char *
jsonb_text(Jsonb *jsonb, size_t *len)
{
	char	   *text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));

	*len = strlen(text);
	return text;
}

/* Everything that can be seen, whether it is good or not. */
static Definition *
inspect(Jsonb *jsonb)
{
	Definition *definition = make_definition();
	size_t		len;
	char	   *text = jsonb_text(jsonb, &len);

	plan_inspect(text, len, note_problem, note_condition, note_agent, definition);
	check_memory(&definition->problems);
	check_memory(&definition->conditions);
	check_memory(&definition->agents);
	return definition;
}

/* ---- raising problems ---- */

static void
put_problems(const Definition *definition, StringInfo detail, const char **hint)
{
	const char *texts[3];
	size_t		at = 0;
	int			n = 0;

	for (; next_texts(&definition->problems, &at, texts, 3); n++)
	{
		if (n == 0)
			*hint = texts[2];
		if (n >= SHOWN_PROBLEMS)
			continue;
		appendStringInfo(detail, "%s%s%s%s", n > 0 ? "\n" : "", *texts[0] ? "Step " : "", texts[0], *texts[0] ? ": " : "");
		appendStringInfoString(detail, texts[1]);
	}
	if (n > SHOWN_PROBLEMS)
		appendStringInfo(detail, "\n(and %d more)", n - SHOWN_PROBLEMS);
}

/* A definition without problems; else they are raised. */
static Definition *
read_definition(Jsonb *jsonb)
{
	Definition *definition = make_definition();
	const char *hint = "";
	StringInfoData detail;
	size_t		len;
	char	   *text = jsonb_text(jsonb, &len);

	definition->plan = plan_read(text, len, note_problem, definition);
	check_memory(&definition->problems);
	if (definition->plan)
		return definition;
	initStringInfo(&detail);
	put_problems(definition, &detail, &hint);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the workflow's definition has problems"),
			 errdetail_internal("%s", detail.data),
			 *hint ? errhint("%s", hint) : 0));
	return NULL;
}

/* ---- conditions ---- */

#if PG_VERSION_NUM >= 160000

static JsonPath *
read_path(const char *text, const char **why)
{
	ErrorSaveContext context = {T_ErrorSaveContext};
	Datum		path;

	context.details_wanted = true;
	if (DirectInputFunctionCallSafe(jsonpath_in, unconstify(char *, text), JSONPATHOID, -1, (Node *) &context, &path))
		return DatumGetJsonPathP(path);
	*why = context.error_data->message;
	return NULL;
}

#else

/* An error in the input, or one that says that it is too much. */
static bool
is_about_input(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

static JsonPath *
read_path(const char *text, const char **why)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	JsonPath   *volatile path = NULL;
	ErrorData  *error;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		path = DatumGetJsonPathP(DirectFunctionCall1(jsonpath_in, CStringGetDatum(text)));
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
		if (!is_about_input(error))
			ReThrowError(error);
		*why = error->message;
	}
	PG_END_TRY();
	return path;
}

#endif

static bool
is_predicate(JsonPath *path)
{
	JsonPathItem root;

	jspInit(&root, path);
	if (jspHasNext(&root))
		return false;
	switch (root.type)
	{
		case jpiBool:
		case jpiAnd:
		case jpiOr:
		case jpiNot:
		case jpiIsUnknown:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiExists:
		case jpiStartsWith:
		case jpiLikeRegex:
			return true;
		default:
			return false;
	}
}

static void
check_condition(Definition *definition, const char *step, const char *where, const char *condition)
{
	const char *why = NULL;
	JsonPath   *path = read_path(condition, &why);

	if (path == NULL)
		note_problem(definition, step, psprintf("%s is no SQL/JSON path: %s", where, why),
					 "Write a predicate, as in $.score > 0.8 or exists($.issues[*]); texts stand in double quotes.");
	else if (!is_predicate(path))
		note_problem(definition, step, psprintf("%s is neither true nor false", where),
					 "Compare it with something, as in $.approved == true, or write exists(...).");
}

static void
check_conditions(Definition *definition)
{
	const char *texts[3];
	size_t		at = 0;

	while (next_texts(&definition->conditions, &at, texts, 3))
	{
		CHECK_FOR_INTERRUPTS();
		check_condition(definition, texts[0], texts[1], texts[2]);
	}
	check_memory(&definition->problems);
}

/* ---- rows ---- */

static Datum
text_datum(const char *text)
{
	return CStringGetTextDatum(text);
}

/* A row of texts, of which those that are empty become NULL. */
static void
put_texts(ReturnSetInfo *result, const char **texts, int n)
{
	Datum		values[3];
	bool		nulls[3];

	for (int i = 0; i < n; i++)
	{
		nulls[i] = *texts[i] == '\0';
		values[i] = nulls[i] ? (Datum) 0 : text_datum(texts[i]);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_all(FunctionCallInfo fcinfo, const Buf *buf, int n)
{
	const char *texts[3];
	size_t		at = 0;

	while (next_texts(buf, &at, texts, n))
		put_texts((ReturnSetInfo *) fcinfo->resultinfo, texts, n);
}

PG_FUNCTION_INFO_V1(agent_studio_definition_problems);
Datum
agent_studio_definition_problems(PG_FUNCTION_ARGS)
{
	Definition *definition;

	InitMaterializedSRF(fcinfo, 0);
	definition = inspect(PG_GETARG_JSONB_P(0));
	check_conditions(definition);
	put_all(fcinfo, &definition->problems, 3);
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(agent_studio_definition_agents);
Datum
agent_studio_definition_agents(PG_FUNCTION_ARGS)
{
	Definition *definition;

	InitMaterializedSRF(fcinfo, 0);
	definition = inspect(PG_GETARG_JSONB_P(0));
	put_all(fcinfo, &definition->agents, 2);
	PG_RETURN_NULL();
}

/* ---- steps ---- */

static Datum
text_array(Datum *items, int n)
{
	return PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
names_after(const WorkflowPlan *plan, const PlanStep *step)
{
	Datum	   *items = palloc(sizeof(Datum) * Max(step->nafter, 1));

	for (int i = 0; i < step->nafter; i++)
		items[i] = text_datum(plan->steps[step->after[i]].name);
	return text_array(items, step->nafter);
}

static Datum
names_of_outputs(const PlanStep *step)
{
	Datum	   *items = palloc(sizeof(Datum) * Max(step->noutputs, 1));

	for (int i = 0; i < step->noutputs; i++)
		items[i] = text_datum(step->outputs[i].name);
	return text_array(items, step->noutputs);
}

static const char *
demand_name(PlanDemand demand)
{
	switch (demand)
	{
		case DEMAND_FALLBACK:
			return "fallback";
		case DEMAND_SPECIALIST:
			return "specialist";
		case DEMAND_COMPENSATION:
			return "compensation";
		case DEMAND_NONE:
			break;
	}
	return NULL;
}

/* The agent, or those that an output chooses among, the default last. */
static char *
agent_words(const PlanAgentChoice *agent)
{
	StringInfoData words;

	initStringInfo(&words);
	for (int i = 0; i < agent->nchoices; i++)
	{
		bool		again = agent->agent && strcmp(agent->agents[i], agent->agent) == 0;

		for (int j = 0; j < i && !again; j++)
			again = strcmp(agent->agents[i], agent->agents[j]) == 0;
		if (!again)
			appendStringInfo(&words, "%s%s", words.len > 0 ? " | " : "", agent->agents[i]);
	}
	if (agent->agent)
		appendStringInfo(&words, "%s%s", words.len > 0 ? " | " : "", agent->agent);
	return words.len > 0 ? words.data : NULL;
}

static void
put_step(ReturnSetInfo *result, const WorkflowPlan *plan, int i)
{
	const PlanStep *step = &plan->steps[i];
	const char *demand = demand_name(step->demand);
	char	   *agent = agent_words(&step->agent);
	Datum		values[10];
	bool		nulls[10] = {false};

	values[0] = Int32GetDatum(i + 1);
	values[1] = text_datum(step->name);
	values[2] = text_datum(step->title);
	values[3] = text_datum(step->is_decision ? "decision" : "agent");
	nulls[4] = agent == NULL;
	values[4] = agent ? text_datum(agent) : (Datum) 0;
	values[5] = names_after(plan, step);
	values[6] = names_of_outputs(step);
	values[7] = BoolGetDatum(step->is_final);
	nulls[8] = demand == NULL;
	values[8] = demand ? text_datum(demand) : (Datum) 0;
	nulls[9] = step->timeout_seconds == PLAN_UNSET;
	values[9] = Int32GetDatum(step->timeout_seconds);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(agent_studio_definition_steps);
Datum
agent_studio_definition_steps(PG_FUNCTION_ARGS)
{
	Definition *definition;

	InitMaterializedSRF(fcinfo, 0);
	definition = read_definition(PG_GETARG_JSONB_P(0));
	for (int i = 0; i < definition->plan->nsteps; i++)
		put_step((ReturnSetInfo *) fcinfo->resultinfo, definition->plan, i);
	PG_RETURN_NULL();
}

/* ---- which output goes where ---- */

/* Outputs of a step that go to the one being looked at; the whole answer comes last. */
typedef struct Edges
{
	const WorkflowPlan *plan;
	const char *to;
	bool	  **used;			/* by step and output */
} Edges;

static void
use_sources(Edges *edges, const PlanSource *sources, int n)
{
	for (int i = 0; i < n; i++)
	{
		const PlanStep *step;

		if (sources[i].step == PLAN_INPUTS)
			continue;
		step = &edges->plan->steps[sources[i].step];
		if (edges->used[sources[i].step] == NULL)
			edges->used[sources[i].step] = palloc0(sizeof(bool) * (step->noutputs + 1));
		edges->used[sources[i].step][sources[i].value == PLAN_WHOLE_ANSWER ? step->noutputs : sources[i].value] = true;
	}
}

static void
use_text(Edges *edges, const PlanText *text)
{
	for (int i = 0; i < text->npieces; i++)
		use_sources(edges, text->pieces[i].sources, text->pieces[i].nsources);
}

static void
use_step(Edges *edges, const PlanStep *step)
{
	for (int i = 0; i < step->nmappings; i++)
		use_sources(edges, step->mappings[i].sources, step->mappings[i].nsources);
	use_text(edges, &step->task);
	use_text(edges, &step->approval.message);
	if (step->agent.chosen)
		use_sources(edges, &step->agent.by, 1);
}

static void
put_edges(ReturnSetInfo *result, Edges *edges)
{
	for (int i = 0; i < edges->plan->nsteps; i++)
	{
		const PlanStep *from = &edges->plan->steps[i];

		for (int j = 0; edges->used[i] && j <= from->noutputs; j++)
		{
			const char *texts[3] = {from->name, edges->to, j < from->noutputs ? from->outputs[j].name : "output"};

			if (edges->used[i][j])
				put_texts(result, texts, 3);
		}
	}
}

PG_FUNCTION_INFO_V1(agent_studio_definition_edges);
Datum
agent_studio_definition_edges(PG_FUNCTION_ARGS)
{
	Definition *definition;
	Edges		edges;

	InitMaterializedSRF(fcinfo, 0);
	definition = read_definition(PG_GETARG_JSONB_P(0));
	edges.plan = definition->plan;
	for (int i = 0; i < edges.plan->nsteps; i++)
	{
		edges.to = edges.plan->steps[i].name;
		edges.used = palloc0(sizeof(bool *) * edges.plan->nsteps);
		use_step(&edges, &edges.plan->steps[i]);
		put_edges((ReturnSetInfo *) fcinfo->resultinfo, &edges);
		pfree(edges.used);
	}
	PG_RETURN_NULL();
}

/* ---- inputs ---- */

static void
put_line(StringInfo detail)
{
	if (detail->len > 0)
		appendStringInfoChar(detail, '\n');
}

static const JsonNode *
given_input(const Definition *definition, const PlanValue *value)
{
	return json_node_member(json_tree_root(definition->inputs), value->name, strlen(value->name));
}

static const char *
node_words(Definition *definition, const JsonNode *node)
{
	buf_reset(&definition->text);
	json_node_write(&definition->text, node, SHOWN_MAX);
	check_memory(&definition->text);
	return pnstrdup(buf_text(&definition->text), definition->text.len);
}

static void
put_type(StringInfo out, const PlanValue *value)
{
	if (value->type != PLAN_ENUM)
		appendStringInfoString(out, plan_type_name(value->type));
	for (int i = 0; i < value->nchoices; i++)
		appendStringInfo(out, "%s\"%s\"", i > 0 ? " or " : "", value->choices[i]);
}

static void
check_given(Definition *definition, StringInfo detail)
{
	const WorkflowPlan *plan = definition->plan;

	for (int i = 0; i < plan->ninputs; i++)
	{
		const PlanValue *value = &plan->inputs[i];
		const JsonNode *node = given_input(definition, value);

		if (node ? plan_value_fits(value, node) : !value->required)
			continue;
		put_line(detail);
		appendStringInfo(detail, "Input \"%s\" %s", value->name, node ? "must be: " : "is missing: ");
		put_type(detail, value);
		if (node)
			appendStringInfo(detail, "; it is %s", node_words(definition, node));
	}
}

static void
put_unknown(const WorkflowPlan *plan, const JsonNode *node, StringInfo detail)
{
	Near		near;

	near_init(&near, node->name, node->name_len);
	for (int i = 0; i < plan->ninputs; i++)
		near_offer(&near, plan->inputs[i].name);
	put_line(detail);
	appendStringInfo(detail, "Input \"%s\" is not known.",
					 pnstrdup(node->name, utf8_clip(node->name, node->name_len, SHOWN_MAX)));
	if (near.best)
		appendStringInfo(detail, " Perhaps you meant \"%s\".", near.best);
}

/* Lines enough are enough. */
static void
check_unknown(Definition *definition, StringInfo detail)
{
	const WorkflowPlan *plan = definition->plan;
	const JsonNode *node = json_tree_root(definition->inputs)->is.first;

	for (; node && detail->len < DETAIL_MAX; node = node->next)
	{
		bool		known = false;

		for (int i = 0; i < plan->ninputs && !known; i++)
			known = strcmp(plan->inputs[i].name, node->name) == 0;
		if (!known)
			put_unknown(plan, node, detail);
	}
}

static void
put_declared(const WorkflowPlan *plan, StringInfo hint)
{
	for (int i = 0; i < plan->ninputs && hint->len < 1000; i++)
	{
		const PlanValue *value = &plan->inputs[i];

		appendStringInfo(hint, "%s%s (", i > 0 ? ", " : "This workflow has the inputs ", value->name);
		put_type(hint, value);
		appendStringInfoString(hint, value->required ? ")" : ", optional)");
	}
	appendStringInfoString(hint, plan->ninputs > 0 ? "." : "This workflow has no inputs.");
}

static void
refuse_inputs(Definition *definition, StringInfo detail)
{
	StringInfoData hint;

	initStringInfo(&hint);
	put_declared(definition->plan, &hint);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the inputs do not fit the workflow"),
			 errdetail_internal("%s", detail->data),
			 errhint("%s", hint.data)));
}

static void
read_inputs(Definition *definition, Jsonb *jsonb)
{
	StringInfoData detail;
	size_t		len;
	char	   *text = jsonb_text(jsonb, &len);

	initStringInfo(&detail);
	definition->inputs = json_tree_parse(text, len, INPUT_NODES, &definition->text);
	check_memory(&definition->text);
	if (definition->inputs == NULL)
		appendStringInfoString(&detail, buf_text(&definition->text));
	else if (json_tree_root(definition->inputs)->kind != NODE_OBJECT)
		appendStringInfoString(&detail, "They must be a JSON object: one member for each input.");
	else
	{
		check_given(definition, &detail);
		check_unknown(definition, &detail);
	}
	if (detail.len > 0)
		refuse_inputs(definition, &detail);
}

/* In the order of their declaration; what is optional and not given stays away. */
static char *
completed_text(Definition *definition)
{
	Buf		   *out = &definition->text;
	int			n = 0;

	buf_reset(out);
	buf_putc(out, '{');
	for (int i = 0; i < definition->plan->ninputs; i++)
	{
		const PlanValue *value = &definition->plan->inputs[i];
		const JsonNode *node = given_input(definition, value);

		if (node == NULL)
			node = value->default_value;
		if (node == NULL)
			continue;
		buf_puts(out, n++ > 0 ? "," : "");
		buf_json_string(out, value->name, strlen(value->name));
		buf_putc(out, ':');
		json_node_write(out, node, SIZE_MAX / 2);
	}
	buf_putc(out, '}');
	check_memory(out);
	return out->data;
}

PG_FUNCTION_INFO_V1(agent_studio_complete_inputs);
Datum
agent_studio_complete_inputs(PG_FUNCTION_ARGS)
{
	Definition *definition;
	Jsonb	   *inputs;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	definition = read_definition(PG_GETARG_JSONB_P(0));
	inputs = PG_ARGISNULL(1) ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"))) : PG_GETARG_JSONB_P(1);
	read_inputs(definition, inputs);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(completed_text(definition))));
}
