/*
 * plan_read.c
 *		From a definition to a plan.
 *
 * Names come first, for all steps, then their types and outputs, so that every
 * step can refer to every other; then the steps one by one, the order, and what
 * can be judged only when that is known. Each part reports what it finds and goes
 * on, so that the author sees all that is wrong at once.
 */
#include "plan_private.h"

#include <stdlib.h>
#include <string.h>

#include "template.h"
#include "utf8.h"

#define EXPLANATION_MAX	500

static const char *const pattern_words[] = {
	"sequential", "parallel", "iterative", "dynamic", NULL
};

/* ---- settings ---- */

static void
read_settings(Reader *reader, const JsonNode *root)
{
	static const char *const allowed[] = {
		"retry", "on_failure", "timeout_seconds", "rollback", "manual_retry", "manual_intervention",
		"checkpoint_retention_days", "notify", "success_target_percent", "duration_target_seconds", NULL
	};
	static const char *const failure_words[] = {"stop", "retry_then_stop", "continue", "manual_review", NULL};
	static const PlanFailure meaning[] = {FAILURE_STOP, FAILURE_STOP, FAILURE_CONTINUE, FAILURE_MANUAL_REVIEW};
	const JsonNode *settings = plan_member(reader, root, "settings", NODE_OBJECT);
	WorkflowPlan *plan = reader->plan;

	if (settings == NULL)
		return;
	plan_at(reader, "settings");
	plan_only_members(reader, settings, allowed);
	reader->on_failure = meaning[plan_word(reader, settings, "on_failure", failure_words, 0)];
	reader->timeout_seconds = plan_int(reader, settings, "timeout_seconds", 1, PLAN_MAX_SECONDS, PLAN_UNSET);
	plan->rollback = plan_bool(reader, settings, "rollback", false);
	plan->manual_retry = plan_bool(reader, settings, "manual_retry", true);
	plan->manual_intervention = plan_bool(reader, settings, "manual_intervention", true);
	plan->checkpoint_retention_days = plan_int(reader, settings, "checkpoint_retention_days", 1, 3650, 30);
	plan->notify = plan_member(reader, settings, "notify", NODE_OBJECT);
	/* Targets decide nothing here: views compare with them. */
	(void) plan_number(reader, settings, "success_target_percent", 0, 100, 0);
	(void) plan_int(reader, settings, "duration_target_seconds", 1, PLAN_MAX_SECONDS, PLAN_UNSET);
	plan_read_retry(reader, settings, "settings: retry", &reader->retry, &reader->retry);
	plan_at(reader, NULL);
}

/* ---- the steps' heads ---- */

/* A step is spoken of by its name, or, if it has none, by its number. */
static void
read_name(Reader *reader, int i)
{
	PlanStep   *step = &reader->plan->steps[i];
	const JsonNode *node = reader->notes[i].node;
	const JsonNode *name = node ? plan_any_member(node, "name") : NULL;
	char	   *number = plan_alloc(reader, 1, 16);

	if (number)
	{
		Buf			text;

		buf_init(&text, 15);
		buf_printf(&text, "#%d", i + 1);
		memcpy(number, buf_text(&text), text.len + 1);
		buf_free(&text);
	}
	step->name = number ? number : "";
	plan_at_step(reader, i);
	if (node == NULL)
		plan_tell(reader, "Write {\"name\": ..., \"agent\": ..., \"task\": ...}.", "a step must be an object");
	else if (name == NULL)
		plan_tell_missing(reader, "name", "Give it a name, by which other steps refer to it.");
	else if (name->kind != NODE_STRING || !template_is_step_name(name->is.text, name->by.len))
		plan_tell(reader, "Use letters in lower case, digits, _ and -, beginning with a letter, 63 at most.",
				  "name is no name of a step");
	else if (strcmp(name->is.text, "inputs") == 0)
		plan_tell(reader, "Name it otherwise.", "the name inputs stands for the inputs of the workflow");
	else
	{
		step->name = name->is.text;
		reader->notes[i].good_name = true;
	}
	step->title = step->name;
}

/* What other steps may have to know of this one. */
static void
read_head(Reader *reader, int i)
{
	static const char *const type_words[] = {"agent", "decision", NULL};
	PlanStep   *step = &reader->plan->steps[i];
	StepNotes  *notes = &reader->notes[i];
	const char *title;

	step->fallback = step->compensates = PLAN_NO_STEP;
	step->timeout_seconds = reader->timeout_seconds;
	step->retry = reader->retry;
	step->merge = PLAN_MERGE_ALL;
	if (notes->node == NULL)
		return;
	plan_at_step(reader, i);
	step->is_decision = plan_word(reader, notes->node, "type", type_words, 0) == 1;
	title = plan_text(reader, notes->node, "title");
	if (title)
		step->title = title;
	notes->inputs = plan_member(reader, notes->node, "inputs", NODE_OBJECT);
	notes->outputs = plan_member(reader, notes->node, "outputs", NODE_OBJECT);
	step->outputs = plan_values(reader, notes->outputs, false, &step->noutputs);
}

static bool
make_steps(Reader *reader, const JsonNode *array)
{
	const JsonNode *node;

	reader->plan->steps = plan_alloc(reader, array->count, sizeof(PlanStep));
	reader->notes = plan_alloc(reader, array->count, sizeof(StepNotes));
	if (reader->failed)
		return false;
	reader->plan->nsteps = (int) array->count;
	for (node = array->is.first; node; node = node->next)
		reader->notes[node->index].node = node->kind == NODE_OBJECT ? node : NULL;
	return true;
}

static void
read_steps(Reader *reader, const JsonNode *array)
{
	int			i;

	if (!make_steps(reader, array))
		return;
	for (i = 0; i < reader->plan->nsteps; i++)
		read_name(reader, i);
	plan_index_names(reader);
	for (i = 0; i < reader->plan->nsteps; i++)
		read_head(reader, i);
	for (i = 0; i < reader->plan->nsteps && !reader->failed; i++)
		plan_read_step(reader, i);
	if (reader->failed)
		return;
	plan_order(reader);
	plan_check(reader);
}

/* ---- all of it ---- */

static void
read_pattern(Reader *reader, const JsonNode *root)
{
	if (plan_any_member(root, "pattern") == NULL)
		plan_tell_missing(reader, "pattern", "Use one of: sequential, parallel, iterative, dynamic.");
	reader->plan->pattern = pattern_words[plan_word(reader, root, "pattern", pattern_words, 0)];
}

static void
read_root(Reader *reader, const JsonNode *root)
{
	static const char *const allowed[] = {"pattern", "inputs", "steps", "settings", NULL};
	const JsonNode *steps;

	plan_only_members(reader, root, allowed);
	read_pattern(reader, root);
	reader->inputs = plan_member(reader, root, "inputs", NODE_OBJECT);
	reader->plan->inputs = plan_values(reader, reader->inputs, true, &reader->plan->ninputs);
	read_settings(reader, root);
	steps = plan_member(reader, root, "steps", NODE_ARRAY);
	if (plan_any_member(root, "steps") == NULL)
		plan_tell_missing(reader, "steps", "Give it at least one step: \"steps\": [{\"name\": ..., \"agent\": ..., \"task\": ...}].");
	else if (steps && (steps->count == 0 || steps->count > PLAN_MAX_STEPS))
		plan_tell(reader, steps->count == 0 ? "Give it at least one." : "Let workflows start one another, or make steps do more.",
				  "there are %u steps, there must be from 1 to %d", steps->count, PLAN_MAX_STEPS);
	else if (steps)
		read_steps(reader, steps);
}

static void
read_document(Reader *reader)
{
	const JsonNode *root = json_tree_root(reader->tree);
	const JsonNode *twice = json_tree_duplicate(reader->tree);

	if (root->kind != NODE_OBJECT)
		plan_tell(reader, "Write {\"inputs\": {...}, \"steps\": [...]}.", "a definition must be an object");
	else if (twice)
		plan_tell(reader, "Leave one of them out.", "the member %s comes twice in its object",
				  plan_quote(reader, twice->name, twice->name_len));
	else
		read_root(reader, root);
	plan_at_step(reader, PLAN_NO_STEP);
	if (reader->failed)
		plan_tell(reader, "Try it again.", "out of memory");
}

static bool
parse(Reader *reader, const char *definition, size_t len)
{
	Buf			why;

	buf_init(&why, 0);
	if (len > PLAN_MAX_BYTES)
		buf_printf(&why, "the definition is larger than %d kB", PLAN_MAX_BYTES / 1024);
	else
		reader->tree = json_tree_parse(definition, len, PLAN_MAX_NODES, &why);
	if (reader->tree == NULL)
		plan_tell(reader, "Look at doc/workflows.md for what a definition is like.", "%.*s",
				  (int) utf8_clip(buf_text(&why), why.len, EXPLANATION_MAX), buf_text(&why));
	buf_free(&why);
	return reader->tree != NULL;
}

static void
reader_init(Reader *reader, PlanProblem problem, void *arg)
{
	static const PlanRetry usual = {3, 5, true, 300};

	memset(reader, 0, sizeof(*reader));
	reader->problem = problem;
	reader->arg = arg;
	reader->retry = usual;
	reader->timeout_seconds = PLAN_UNSET;
	buf_init(&reader->words, 0);
	buf_init(&reader->hint, 0);
	buf_init(&reader->quoted[0], 0);
	buf_init(&reader->quoted[1], 0);
}

static void
reader_free(Reader *reader)
{
	buf_free(&reader->words);
	buf_free(&reader->hint);
	buf_free(&reader->quoted[0]);
	buf_free(&reader->quoted[1]);
}

/* Reads into plan, and walks through what could be read. */
static bool
inspect(WorkflowPlan *plan, const char *definition, size_t len, PlanProblem problem,
		PlanCondition condition, PlanAgent agent, void *arg)
{
	Reader		reader;

	reader_init(&reader, problem, arg);
	reader.plan = plan;
	plan->manual_retry = plan->manual_intervention = true;
	plan->checkpoint_retention_days = 30;
	if (parse(&reader, definition, len))
		read_document(&reader);
	plan->tree = reader.tree;
	if (condition && !reader.failed)
		plan_each_condition(plan, condition, arg);
	if (agent && !reader.failed)
		plan_each_agent(plan, agent, arg);
	reader_free(&reader);
	return reader.nproblems == 0;
}

bool
plan_inspect(const char *definition, size_t len, PlanProblem problem,
			 PlanCondition condition, PlanAgent agent, void *arg)
{
	WorkflowPlan *plan = calloc(1, sizeof(WorkflowPlan));
	bool		good = false;

	if (plan == NULL)
		problem(arg, NULL, "out of memory", "Try it again.");
	else
		good = inspect(plan, definition, len, problem, condition, agent, arg);
	plan_free(plan);
	return good;
}

WorkflowPlan *
plan_read(const char *definition, size_t len, PlanProblem problem, void *arg)
{
	WorkflowPlan *plan = calloc(1, sizeof(WorkflowPlan));

	if (plan == NULL)
		problem(arg, NULL, "out of memory", "Try it again.");
	else if (!inspect(plan, definition, len, problem, NULL, NULL, arg))
	{
		plan_free(plan);
		plan = NULL;
	}
	return plan;
}
