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
		return true;
	*why = "the step is neither failed nor partial, nor does it wait for a review";
	return false;
}

/* Whether a step behind it has begun: it has been passed by, and no repair would be noticed. */
static bool
is_behind(const Flow *flow, const FlowRow *row, const char **why)
{
	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		const PlanStep *step = &flow->plan->steps[i];

		for (int j = 0; j < step->nafter; j++)
		{
			if (step->after[j] == row->step && flow->current[i]->state != STEP_PENDING)
			{
				*why = "the workflow has gone on without it";
				return true;
			}
		}
	}
	return false;
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
	if (!is_open_to_repair(flow, row, why) || is_behind(flow, row, why))
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
		if (!is_current(flow, row, why))
			return false;
	}
	else if (!is_open_to_repair(flow, row, why) || is_behind(flow, row, why))
		return false;
	clear(row);
	flow_move(flow, row, STEP_SKIPPED);
	row->verdict = VERDICT_SKIPPED_BY_HAND;
	return true;
}
