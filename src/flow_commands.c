/*
 * flow_commands.c
 *		What people may do to a step, and in which state.
 *
 * Each command changes one row and nothing else; flow_advance finds out what
 * follows. The same rules are kept by the functions that take the commands; what
 * has changed since then is found here, and refused in words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "flow_private.h"

static bool
is_current(const Flow *flow, const FlowRow *row, const char **why)
{
	if (flow->current[row->step] == row)
		return true;
	*why = "the flow has gone back since: this is not the current iteration of the step";
	return false;
}

static bool
waits(const Flow *flow, const FlowRow *row, const char **why)
{
	if (!is_current(flow, row, why))
		return false;
	if (row->state == STEP_WAITING_APPROVAL)
		return true;
	*why = "the step does not wait for an approval any more";
	return false;
}

/* Whether what runs on demand for it has not come to rest: then that has to be waited for. */
static bool
awaits_helper(const Flow *flow, const FlowRow *row, const char **why)
{
	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		if (step_is_active(flow->current[i]->state) && plan_serves(flow->plan, i, row->step))
		{
			*why = "another step is at work for it";
			return true;
		}
	}
	return false;
}

/* At rest, but not for good: failed, partial, or held for a review. */
static bool
is_open_to_repair(const Flow *flow, const FlowRow *row, const char **why)
{
	if (!is_current(flow, row, why))
		return false;
	if (flow_is_rolling_back(flow))
	{
		*why = "the workflow has been rolled back";
		return false;
	}
	if (row->state == STEP_FAILED || row->verdict == VERDICT_MANUAL_REVIEW ||
		(row->state == STEP_PARTIAL && row->verdict != VERDICT_ACCEPTED))
		return !awaits_helper(flow, row, why);
	*why = "the step is neither failed nor partial, nor does it wait for a review";
	return false;
}

static bool has_been_passed(const Flow *flow, int step);

/* Whether a step still waits for what the other one, which runs on demand for it, brings. */
static bool
waits_for_helper(const Flow *flow, int step, int helper)
{
	const PlanStep *owner = &flow->plan->steps[step];

	if (owner->fallback == helper)
		return flow->current[step]->state == STEP_FAILED && !has_been_passed(flow, step);
	for (int i = 0; i < owner->nrules; i++)
	{
		if (owner->rules[i].action == RULE_HAND_OFF && owner->rules[i].to == helper)
			return flow->current[step]->state == STEP_PENDING;
	}
	return false;
}

/* Whether a step behind it has begun, or nobody waits any more for one that runs on demand. */
static bool
has_been_passed(const Flow *flow, int step)
{
	bool		is_helper = flow->plan->steps[step].demand == DEMAND_FALLBACK ||
		flow->plan->steps[step].demand == DEMAND_SPECIALIST;

	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		const PlanStep *other = &flow->plan->steps[i];

		for (int j = 0; j < other->nafter; j++)
		{
			if (other->after[j] == step && flow->current[i]->state != STEP_PENDING)
				return true;
		}
		if (is_helper && waits_for_helper(flow, i, step))
			return false;
	}
	return is_helper;
}

/* No repair would be noticed then. */
static bool
is_behind(const Flow *flow, const FlowRow *row, const char **why)
{
	if (!has_been_passed(flow, row->step))
		return false;
	*why = "the workflow has gone on without it";
	return true;
}

/* Somebody has to say what becomes of it, even where the workflow has gone on. */
static bool
is_held_for_review(const Flow *flow, const FlowRow *row)
{
	return row->verdict == VERDICT_MANUAL_REVIEW ||
		(row->state == STEP_FAILED && flow_step_of(flow, row)->on_failure == FAILURE_MANUAL_REVIEW);
}

/* Whether the flow can be told to go on without the step's own answer. */
static bool
can_be_replaced(const Flow *flow, const FlowRow *row, const char **why)
{
	return is_open_to_repair(flow, row, why) && (is_held_for_review(flow, row) || !is_behind(flow, row, why));
}

/* A step that has not begun may be passed over when it is its turn: the flow leaves no gaps. */
static bool
is_its_turn(const Flow *flow, const FlowRow *row, const char **why)
{
	const PlanStep *step = flow_step_of(flow, row);

	for (int i = 0; i < step->nafter; i++)
	{
		if (!step_is_at_rest(flow->current[step->after[i]]->state))
		{
			*why = "a step before it has not come to rest";
			return false;
		}
	}
	return true;
}

bool
flow_approve(Flow *flow, FlowRow *row, const char **why)
{
	if (!waits(flow, row, why))
		return false;
	row->verdict = VERDICT_APPROVED;
	row->is_changed = true;
	flow_start(flow, row);
	return true;
}

bool
flow_reject(Flow *flow, FlowRow *row, const char *words, const char **why)
{
	if (!waits(flow, row, why))
		return false;
	flow_fail(flow, row, ERROR_CLASS_CANCELED, words);
	return true;
}

bool
flow_expire_to_review(Flow *flow, FlowRow *row, const char **why)
{
	if (!waits(flow, row, why))
		return false;
	flow_fail(flow, row, ERROR_CLASS_CANCELED, "nobody approved it in time");
	row->verdict = VERDICT_MANUAL_REVIEW;
	return true;
}

static void
clear(FlowRow *row)
{
	row->verdict = VERDICT_NONE;
	row->error_class = ERROR_CLASS_NONE;
	row->clears_error = true;
	row->is_changed = true;
}

bool
flow_retry(Flow *flow, FlowRow *row, const char **why)
{
	if (!is_open_to_repair(flow, row, why) || is_behind(flow, row, why))
		return false;
	clear(row);
	flow_start(flow, row);
	return true;
}

bool
flow_accept_partial(Flow *flow, FlowRow *row, const char **why)
{
	if (!is_open_to_repair(flow, row, why))
		return false;
	if (row->state != STEP_PARTIAL)
	{
		*why = "the step is not partial";
		return false;
	}
	row->verdict = VERDICT_ACCEPTED;
	row->is_changed = true;
	return true;
}

bool
flow_complete_by_hand(Flow *flow, FlowRow *row, const char **why)
{
	if (!can_be_replaced(flow, row, why))
		return false;
	clear(row);
	flow_move(flow, row, STEP_COMPLETED);
	row->verdict = VERDICT_COMPLETED_BY_HAND;
	return true;
}

bool
flow_skip(Flow *flow, FlowRow *row, const char **why)
{
	bool		not_begun = row->state == STEP_WAITING_APPROVAL || row->state == STEP_PENDING;

	if (not_begun && !flow_is_rolling_back(flow))
	{
		if (!is_current(flow, row, why) || awaits_helper(flow, row, why) || !is_its_turn(flow, row, why))
			return false;
	}
	else if (!can_be_replaced(flow, row, why))
		return false;
	clear(row);
	flow_move(flow, row, STEP_SKIPPED);
	row->verdict = VERDICT_SKIPPED_BY_HAND;
	return true;
}
