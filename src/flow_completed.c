/*
 * flow_completed.c
 *		What follows from a step that has completed: its rules, ways back, hand-offs, and
 *		another try until its criteria hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "flow_private.h"
#include "utf8.h"

/* ---------- loops ---------- */

static void renew_helpers(Flow *flow, const PlanStep *step);

/*
 * What runs on demand for a step begins anew with it, and what runs on demand for that.
 * Where it is at work for another step, both take what it brings.
 */
static void
renew_demand(Flow *flow, int step)
{
	if (!step_is_at_rest(flow->current[step]->state) || flow_add_iteration(flow, step, 1) == NULL)
		return;
	renew_helpers(flow, &flow->plan->steps[step]);
}

static void
renew_helpers(Flow *flow, const PlanStep *step)
{
	if (step->on_failure == FAILURE_FALLBACK)
		renew_demand(flow, step->fallback);
	for (int i = 0; i < step->nrules; i++)
	{
		if (step->rules[i].action == RULE_HAND_OFF)
			renew_demand(flow, step->rules[i].to);
	}
}

static void
go_back(Flow *flow, FlowRow *end, const bool *body, int to, const PlanText *text, const char *words)
{
	end->verdict = VERDICT_WENT_BACK;
	end->is_changed = true;
	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		if (!body[i])
			continue;
		(void) flow_add_iteration(flow, i, i == end->step ? end->round + 1 : 1);
		renew_helpers(flow, &flow->plan->steps[i]);
	}
	if (flow->out_of_memory)
		return;
	flow->host->feedback(flow->host->arg, end, flow->current[to], text, words);
	flow_tell(flow, end, "info", "went_back", text, words);
}

static void
hand_off(Flow *flow, FlowRow *row, const PlanRule *rule)
{
	FlowRow    *specialist;

	row->verdict = VERDICT_HANDED_OFF;
	row->is_changed = true;
	(void) flow_add_iteration(flow, row->step, row->round + 1);
	renew_demand(flow, rule->to);
	if (flow->out_of_memory)
		return;
	specialist = flow->current[rule->to];
	flow_tell(flow, row, "warning", "handed_off", &rule->text, rule->text.npieces > 0 ? NULL : "handed off to a specialist");
	if (specialist->state != STEP_PENDING)
		return;
	if (rule->text.npieces > 0)
		flow->host->feedback(flow->host->arg, row, specialist, &rule->text, NULL);
	flow_start(flow, specialist);
}

/* Rounds of a loop are bounded; at the bound the step has failed. */
static bool
bound_is_reached(Flow *flow, FlowRow *row, int max_iterations, const char *unmet)
{
	char		words[600];

	if (row->round < max_iterations)
		return false;
	snprintf(words, sizeof(words), "not good enough after %d iterations%s%s", row->round,
			 unmet ? ": " : "", unmet ? unmet : "");
	flow_fail(flow, row, ERROR_CLASS_MAX_ITERATIONS, words);
	return true;
}

static void
repeat_for_criteria(Flow *flow, FlowRow *row, const char *unmet)
{
	bool	   *body;

	if (bound_is_reached(flow, row, flow_step_of(flow, row)->criteria.max_iterations, unmet))
		return;
	body = calloc((size_t) flow->plan->nsteps, sizeof(bool));
	if (body == NULL)
	{
		flow->out_of_memory = true;
		return;
	}
	body[row->step] = true;
	go_back(flow, row, body, row->step, NULL, unmet);
	free(body);
}

/* ---------- rules ---------- */

/* Whether the rules after this one are still looked at. */
static bool
apply_rule(Flow *flow, FlowRow *row, const PlanRule *rule)
{
	switch (rule->action)
	{
		case RULE_NOTIFY:
			flow_tell(flow, row, rule->severity, "rule", &rule->text, NULL);
			return true;
		case RULE_GO_BACK:
			if (!bound_is_reached(flow, row, rule->max_iterations, NULL))
				go_back(flow, row, rule->body, rule->to, &rule->text, NULL);
			return false;
		case RULE_HAND_OFF:
			if (!bound_is_reached(flow, row, rule->max_iterations, NULL))
				hand_off(flow, row, rule);
			return false;
		case RULE_MANUAL_REVIEW:
			row->verdict = VERDICT_MANUAL_REVIEW;
			row->is_changed = true;
			flow_tell(flow, row, "warning", "manual_review", &rule->text,
				 rule->text.npieces > 0 ? NULL : "requires manual review");
			return false;
		case RULE_FAIL:
			flow_fail(flow, row, ERROR_CLASS_INVALID_OUTPUT, "a rule of the workflow refuses its result");
			if (rule->text.npieces > 0)
				flow_tell(flow, row, "error", "rule", &rule->text, NULL);
			return false;
	}
	return false;
}

void
flow_completed(Flow *flow, FlowRow *row, bool with_warnings, const char *unmet)
{
	const PlanStep *step = flow_step_of(flow, row);

	if (flow->current[row->step] != row)
		return;
	if (unmet != NULL && step->criteria.given)
	{
		repeat_for_criteria(flow, row, unmet);
		return;
	}
	for (int i = 0; i < step->nrules; i++)
	{
		const PlanRule *rule = &step->rules[i];

		if (rule->condition != NULL && !flow_holds(flow, row, rule->condition, true))
		{
			if (row->error_class != ERROR_CLASS_NONE)
				return;
			continue;
		}
		if (!apply_rule(flow, row, rule))
			return;
	}
	if (with_warnings && !flow->continue_on_warnings)
	{
		row->verdict = VERDICT_MANUAL_REVIEW;
		row->is_changed = true;
		flow_tell(flow, row, "warning", "manual_review", NULL, "it completed with warnings, and the run does not continue on these");
	}
}
