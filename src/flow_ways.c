/*
 * flow_ways.c
 *		Which ways between steps are open, and whether a step is to start because of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "flow_private.h"
#include "utf8.h"

/* ---------- ways ---------- */

Way
flow_way_out(const Flow *flow, int from)
{
	const FlowRow *row = flow->current[from];
	const PlanStep *step = &flow->plan->steps[from];

	if (row->verdict == VERDICT_MANUAL_REVIEW)
		return WAY_HELD;
	switch (row->state)
	{
		case STEP_COMPLETED:
			return WAY_OPEN;
		case STEP_PARTIAL:
			return row->verdict == VERDICT_ACCEPTED ? WAY_OPEN : WAY_HELD;
		case STEP_SKIPPED:
			return row->verdict == VERDICT_NONE ? WAY_CLOSED : WAY_OPEN;
		case STEP_CANCELED:
			return WAY_BLOCKED;
		case STEP_FAILED:
			if (step->on_failure == FAILURE_CONTINUE)
				return WAY_OPEN;
			return step->on_failure == FAILURE_FALLBACK ? flow_way_out(flow, step->fallback) : WAY_BLOCKED;
		default:
			return WAY_UNKNOWN;
	}
}

/* Whether the flow may still come back to from before it gets out of the loop to to, which comes after it. */
static bool
may_come_back(const Flow *flow, int from, int to)
{
	const StepSet *loops = &flow->plan->steps[from].loops;
	const StepSet *also = &flow->plan->steps[to].loops;

	for (int word = 0; word < PLAN_ROW_WORDS; word++)
	{
		uint64_t	left = loops->bits[word] & ~also->bits[word];

		for (int end = word * 64; left != 0; end++, left >>= 1)
		{
			if ((left & 1) != 0 && end != from && !step_is_at_rest(flow->current[end]->state))
				return true;
		}
	}
	return false;
}

static bool
is_case_of(const PlanStep *decision, int to)
{
	for (int i = 0; i < decision->ncases; i++)
	{
		for (int j = 0; j < decision->cases[i].nto; j++)
		{
			if (decision->cases[i].to[j] == to)
				return true;
		}
	}
	return false;
}

static Way
way_between(const Flow *flow, int from, int to)
{
	const FlowRow *row = flow->current[from];
	const PlanStep *step = &flow->plan->steps[from];
	Way			way = flow_way_out(flow, from);

	if (way == WAY_UNKNOWN || may_come_back(flow, from, to))
		return WAY_UNKNOWN;
	if (way == WAY_OPEN && step->is_decision && row->chosen != NULL && !row->chosen[to] && is_case_of(step, to))
		return WAY_CLOSED;
	return way;
}

/* ---------- readiness ---------- */

static bool
fallback_is_wanted(const Flow *flow, int fallback)
{
	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		const PlanStep *step = &flow->plan->steps[i];

		if (step->on_failure == FAILURE_FALLBACK && step->fallback == fallback &&
			flow->current[i]->state == STEP_FAILED && flow->current[i]->verdict != VERDICT_MANUAL_REVIEW)
			return true;
	}
	return false;
}

/* A loop of its own goes round: what was wanted is so until the loop's end. */
static bool
is_in_its_loop(const FlowRow *row)
{
	return row->state == STEP_PENDING && row->round > 1;
}

bool
flow_hands_off_to(const PlanStep *owner, int specialist)
{
	for (int i = 0; i < owner->nrules; i++)
	{
		if (owner->rules[i].action == RULE_HAND_OFF && owner->rules[i].to == specialist)
			return true;
	}
	return false;
}

/* Whether a step that this one has handed off to has not come to a good end yet. */
static bool
awaits_specialist(const Flow *flow, int step)
{
	const PlanStep *owner = &flow->plan->steps[step];

	for (int i = 0; i < owner->nrules; i++)
	{
		const FlowRow *specialist;

		if (owner->rules[i].action != RULE_HAND_OFF)
			continue;
		specialist = flow->current[owner->rules[i].to];
		if ((specialist->state != STEP_PENDING || is_in_its_loop(specialist)) &&
			flow_way_out(flow, specialist->step) != WAY_OPEN)
			return true;
	}
	return false;
}

/* Specialists and compensations are started by who wants them, but for the further rounds of their loops. */
bool
flow_is_wanted(const Flow *flow, int to)
{
	return is_in_its_loop(flow->current[to]) ||
		(flow->plan->steps[to].demand == DEMAND_FALLBACK && fallback_is_wanted(flow, to));
}

static Readiness
readiness_by_ways(const Flow *flow, int to)
{
	const PlanStep *step = &flow->plan->steps[to];
	int			open = 0;
	int			closed = 0;
	int			needed;

	for (int i = 0; i < step->nafter; i++)
	{
		Way			way = way_between(flow, step->after[i], to);

		open += way == WAY_OPEN;
		closed += way == WAY_CLOSED;
	}
	if (step->nafter > 0 && closed == step->nafter)
		return READY_SKIP;
	needed = step->nafter - closed;
	if (step->merge != PLAN_MERGE_ALL && step->merge < needed)
		needed = step->merge;
	return open >= needed ? READY_START : READY_WAIT;
}

Readiness
flow_readiness(const Flow *flow, int to)
{
	if (awaits_specialist(flow, to))
		return READY_WAIT;
	if (flow->plan->steps[to].demand != DEMAND_NONE)
		return flow_is_wanted(flow, to) ? READY_START : READY_WAIT;
	return readiness_by_ways(flow, to);
}
