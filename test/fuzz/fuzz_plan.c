/*
 * fuzz_plan.c
 *		Workflows' definitions.
 *
 * There is a plan if and only if no problem was told, each problem is text with a
 * hint, and every number in a plan leads somewhere.
 */
#include "fuzz.h"
#include "plan.h"

typedef struct Told
{
	int			problems;
	int			visits;
} Told;

static void
require_line(const char *text)
{
	size_t		len = strlen(text);

	require(len > 0 && len < 5000);
	require_text(text, len);
	for (; *text; text++)
		require((unsigned char) *text >= 0x20);
}

static void
take_problem(void *arg, const char *step, const char *problem, const char *hint)
{
	Told	   *told = arg;

	if (step)
		require_line(step);
	require_line(problem);
	require_line(hint);
	told->problems++;
}

static void
take_condition(void *arg, const char *step, const char *where, const char *condition)
{
	Told	   *told = arg;

	require_line(step);
	require_line(where);
	require(*condition != '\0' && strlen(condition) <= 10 * 1024);
	told->visits++;
}

static void
take_agent(void *arg, const char *step, const char *agent)
{
	Told	   *told = arg;

	require_line(step);
	require(*agent != '\0');
	told->visits++;
}

/* ---- a plan ---- */

static void
check_sources(const WorkflowPlan *plan, const PlanSource *sources, int n)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		const PlanSource *source = &sources[i];

		if (source->step == PLAN_INPUTS)
		{
			require(source->value >= 0 && source->value < plan->ninputs);
			continue;
		}
		require(source->step >= 0 && source->step < plan->nsteps);
		require(!plan->steps[source->step].is_decision);
		require(source->value >= PLAN_WHOLE_ANSWER && source->value < plan->steps[source->step].noutputs);
	}
}

static void
check_text(const WorkflowPlan *plan, const PlanStep *step, const PlanText *text)
{
	int			i;

	for (i = 0; i < text->npieces; i++)
	{
		const PlanPiece *piece = &text->pieces[i];

		require(piece->own_output >= PLAN_UNSET && piece->own_output < step->noutputs);
		require(piece->literal != NULL || piece->own_output != PLAN_UNSET || piece->nsources > 0);
		check_sources(plan, piece->sources, piece->nsources);
	}
}

static void
check_rule(const WorkflowPlan *plan, const PlanStep *step, const PlanRule *rule)
{
	int			self = (int) (step - plan->steps);

	check_text(plan, step, &rule->text);
	if (rule->action != RULE_GO_BACK && rule->action != RULE_HAND_OFF)
		return;
	require(rule->to >= 0 && rule->to < plan->nsteps);
	require(rule->max_iterations >= 1 && rule->max_iterations <= 100);
	require((rule->action == RULE_GO_BACK) == (rule->body != NULL));
	if (rule->body)
		require(rule->body[self] && rule->body[rule->to]);
	else
		require(plan->steps[rule->to].demand == DEMAND_SPECIALIST);
}

/* What has a step in it is before the step; without cycles that ends. */
static int
depth(const WorkflowPlan *plan, int step, int left)
{
	int			deepest = 0;
	int			i;

	require(left > 0);
	for (i = 0; i < plan->steps[step].nafter; i++)
	{
		int			found = 1 + depth(plan, plan->steps[step].after[i], left - 1);

		deepest = found > deepest ? found : deepest;
	}
	return deepest;
}

static void
check_step(const WorkflowPlan *plan, const PlanStep *step)
{
	int			i;

	require_line(step->name);
	require(step->title != NULL);
	require(plan_find_step(plan, step->name) == step - plan->steps);
	require(step->demand == DEMAND_NONE || step->nafter == 0);
	require(step->merge >= PLAN_MERGE_ALL && step->merge <= step->nafter);
	require(step->is_decision || step->task.npieces > 0);
	check_text(plan, step, &step->task);
	check_text(plan, step, &step->approval.message);
	for (i = 0; i < step->nmappings; i++)
	{
		require(step->mappings[i].nsources > 0);
		check_sources(plan, step->mappings[i].sources, step->mappings[i].nsources);
	}
	for (i = 0; i < step->nrules; i++)
		check_rule(plan, step, &step->rules[i]);
	if (step->agent.chosen)
		check_sources(plan, &step->agent.by, 1);
	require(step->is_decision || step->agent.chosen || step->agent.agent != NULL);
	require(step->fallback >= PLAN_NO_STEP && step->fallback < plan->nsteps);
	require((step->on_failure == FAILURE_FALLBACK) == (step->fallback != PLAN_NO_STEP));
	if (plan->nsteps <= 12)
		depth(plan, (int) (step - plan->steps), plan->nsteps);
}

/* What its outputs are asked for with is JSON that a schema can be made of. */
static void
check_outputs(const PlanStep *step)
{
	JsonSchema *schema;
	Buf			text;
	Buf			problem;

	buf_init(&text, 0);
	buf_init(&problem, 0);
	plan_step_instructions(step, &text);
	buf_reset(&text);
	plan_step_schema(step, &text);
	require((text.len > 0) == (step->noutputs > 0));
	if (text.len > 0)
	{
		schema = json_schema_compile(text.data, text.len, &problem);
		require(schema != NULL);
		json_schema_free(schema);
	}
	buf_free(&text);
	buf_free(&problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = malloc(size + (size == 0));
	Told		told = {0, 0};
	Told		seen = {0, 0};
	WorkflowPlan *plan;
	int			i;

	if (size > 0)
		memcpy(copy, data, size);
	plan = plan_read(copy, size, take_problem, &told);
	require((plan == NULL) == (told.problems > 0));
	require(plan_inspect(copy, size, take_problem, take_condition, take_agent, &seen) == (plan != NULL));
	require(seen.problems == told.problems);
	for (i = 0; plan && i < plan->nsteps; i++)
	{
		check_step(plan, &plan->steps[i]);
		check_outputs(&plan->steps[i]);
	}
	plan_free(plan);
	free(copy);
	return 0;
}
