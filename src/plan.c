/*
 * plan.c
 *		A plan that was read: its release, and walks through it.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything but the plan itself lives in the tree's memory. */
void
plan_free(WorkflowPlan *plan)
{
	if (plan == NULL)
		return;
	json_tree_free(plan->tree);
	free(plan);
}

int
plan_find_step(const WorkflowPlan *plan, const char *name)
{
	int			i;

	for (i = 0; i < plan->nsteps; i++)
	{
		if (strcmp(plan->steps[i].name, name) == 0)
			return i;
	}
	return PLAN_NO_STEP;
}

bool
plan_serves(const WorkflowPlan *plan, int helper, int owner)
{
	return set_has(&plan->steps[helper].serves, owner);
}

/* ---- conditions ---- */

static void
visit_numbered(const PlanStep *step, const char *what, int no, const char *condition, PlanCondition visit, void *arg)
{
	char		where[40];

	if (condition == NULL)
		return;
	snprintf(where, sizeof(where), "if of %s %d", what, no);
	visit(arg, step->name, where, condition);
}

void
plan_each_condition(const WorkflowPlan *plan, PlanCondition visit, void *arg)
{
	int			s;
	int			i;

	for (s = 0; s < plan->nsteps; s++)
	{
		const PlanStep *step = &plan->steps[s];

		if (step->when)
			visit(arg, step->name, "when", step->when);
		for (i = 0; i < step->ncases; i++)
			visit_numbered(step, "case", i + 1, step->cases[i].condition, visit, arg);
		for (i = 0; i < step->nrules; i++)
			visit_numbered(step, "rule", i + 1, step->rules[i].condition, visit, arg);
	}
}

/* ---- agents ---- */

/* A name that could not be read is empty. */
static void
visit_agent(const PlanStep *step, const char *agent, PlanAgent visit, void *arg)
{
	if (agent && *agent)
		visit(arg, step->name, agent);
}

void
plan_each_agent(const WorkflowPlan *plan, PlanAgent visit, void *arg)
{
	int			s;
	int			i;

	for (s = 0; s < plan->nsteps; s++)
	{
		const PlanStep *step = &plan->steps[s];

		visit_agent(step, step->agent.agent, visit, arg);
		for (i = 0; i < step->agent.nchoices; i++)
			visit_agent(step, step->agent.agents[i], visit, arg);
		visit_agent(step, step->hand_off_agent, visit, arg);
	}
}
