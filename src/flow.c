/*
 * flow.c
 *		Where an execution stands in its plan, and what comes next.
 *
 * flow_advance looks at every pending step until nothing changes any more: a step
 * starts when enough ways to it are open, and is skipped when all are closed.
 * What a way is follows from the row of the step that it comes from, so nothing
 * has to be remembered between two calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "flow_private.h"
#include "utf8.h"

/* ---------- rows ---------- */

Flow *
flow_create(const WorkflowPlan *plan, const FlowHost *host)
{
	Flow	   *flow = calloc(1, sizeof(Flow));

	if (flow == NULL)
		return NULL;
	flow->plan = plan;
	flow->host = host;
	flow->continue_on_warnings = true;
	flow->current = calloc((size_t) plan->nsteps, sizeof(FlowRow *));
	if (flow->current == NULL)
	{
		free(flow);
		return NULL;
	}
	return flow;
}

void
flow_free(Flow *flow)
{
	if (flow == NULL)
		return;
	for (int i = 0; i < flow->nrows; i++)
		free(flow->rows[i]);
	free(flow->rows);
	free(flow->current);
	free(flow);
}

static bool
grow(Flow *flow)
{
	int			capacity = flow->capacity > 0 ? flow->capacity * 2 : flow->plan->nsteps + 8;
	FlowRow   **rows = realloc(flow->rows, (size_t) capacity * sizeof(FlowRow *));

	if (rows == NULL)
		return false;
	flow->rows = rows;
	flow->capacity = capacity;
	return true;
}

FlowRow *
flow_add_row(Flow *flow, int step, int iteration)
{
	FlowRow    *row = NULL;

	if (flow->nrows < flow->capacity || grow(flow))
		row = calloc(1, sizeof(FlowRow));
	if (row == NULL)
	{
		flow->out_of_memory = true;
		return NULL;
	}
	row->step = step;
	row->iteration = iteration;
	row->round = 1;
	row->step_no = (iteration - 1) * flow->plan->nsteps + step + 1;
	flow->rows[flow->nrows++] = row;
	if (flow->current[step] == NULL || flow->current[step]->iteration < iteration)
		flow->current[step] = row;
	return row;
}

/* A fresh iteration of a step. */
FlowRow *
flow_add_iteration(Flow *flow, int step, int round)
{
	FlowRow    *row = flow_add_row(flow, step, flow->current[step]->iteration + 1);

	if (row != NULL)
	{
		row->is_new = true;
		row->round = round;
	}
	return row;
}

bool
flow_begin(Flow *flow)
{
	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		FlowRow    *row = flow_add_row(flow, i, 1);

		if (row == NULL)
			return false;
		row->is_new = true;
	}
	return true;
}

const PlanStep *
flow_step_of(const Flow *flow, const FlowRow *row)
{
	return &flow->plan->steps[row->step];
}

/* The one place where the state of a row changes. */
void
flow_move(Flow *flow, FlowRow *row, StepState state)
{
	if (!step_may_become(row->state, state))
	{
		snprintf(flow->bug, sizeof(flow->bug), "step %s cannot go from %s to %s", flow_step_of(flow, row)->name,
				 step_state_name(row->state), step_state_name(state));
		return;
	}
	row->state = state;
	row->is_changed = true;
}

void
flow_tell(Flow *flow, const FlowRow *row, const char *severity, const char *kind, const PlanText *text, const char *words)
{
	flow->host->tell(flow->host->arg, row, severity, kind, text, words);
}

void
flow_fail(Flow *flow, FlowRow *row, ErrorClass error_class, const char *words)
{
	flow_move(flow, row, STEP_FAILED);
	row->error_class = error_class;
	snprintf(row->error_message, sizeof(row->error_message), "%.*s",
			 (int) utf8_clip(words, strlen(words), sizeof(row->error_message) - 1), words);
	flow_tell(flow, row, "error", "step_failed", NULL, row->error_message);
}

static bool
flow_is_broken(const Flow *flow)
{
	return flow->out_of_memory || flow->bug[0] != '\0';
}

/* ---------- starting ---------- */

static void
queue_step(Flow *flow, FlowRow *row)
{
	Buf			problem;

	buf_init(&problem, sizeof(row->error_message) - 1);
	if (flow->host->begin(flow->host->arg, row, &problem))
	{
		flow_move(flow, row, flow->paused ? STEP_PAUSED : STEP_QUEUED);
		row->to_queue = true;
	}
	else
		flow_fail(flow, row, ERROR_CLASS_BAD_REQUEST, buf_text(&problem));
	buf_free(&problem);
}

/* Where it cannot be found out, any answer would be a guess: the step fails, and says why. */
bool
flow_holds(Flow *flow, FlowRow *row, const char *condition, bool own)
{
	Buf			problem;
	bool		result;

	buf_init(&problem, sizeof(row->error_message) - 1);
	result = flow->host->holds(flow->host->arg, row, condition, own, &problem);
	if (problem.len > 0)
	{
		flow_fail(flow, row, ERROR_CLASS_BAD_REQUEST, buf_text(&problem));
		result = false;
	}
	buf_free(&problem);
	return result;
}

static void
decide(Flow *flow, FlowRow *row)
{
	const PlanStep *step = flow_step_of(flow, row);
	static const PlanCase nowhere = {NULL, 0, NULL};
	const PlanCase *choice = &nowhere;

	for (int i = 0; i < step->ncases && choice == &nowhere; i++)
	{
		const char *condition = step->cases[i].condition;

		if (condition == NULL || flow_holds(flow, row, condition, false))
			choice = &step->cases[i];
		if (row->error_class != ERROR_CLASS_NONE)
			return;
	}
	flow_move(flow, row, STEP_COMPLETED);
	row->chosen = flow->host->decide(flow->host->arg, row, choice);
}

void
flow_start(Flow *flow, FlowRow *row)
{
	const PlanStep *step = flow_step_of(flow, row);

	if (step->when != NULL && !flow_holds(flow, row, step->when, false))
	{
		if (row->error_class != ERROR_CLASS_NONE)
			return;
		flow_move(flow, row, STEP_SKIPPED);
		row->verdict = VERDICT_PASSED_OVER;
		flow_tell(flow, row, "info", "step_skipped", NULL, "passed over: its condition does not hold");
	}
	else if (step->is_decision)
		decide(flow, row);
	else if ((step->approval.given || flow->pause_before_each_step) && row->verdict != VERDICT_APPROVED)
	{
		flow_move(flow, row, STEP_WAITING_APPROVAL);
		row->to_ask = true;
	}
	else
		queue_step(flow, row);
}

/* ---------- the end ---------- */

static bool
has_consumer(const Flow *flow, int from)
{
	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		for (int j = 0; j < flow->plan->steps[i].nafter; j++)
		{
			if (flow->plan->steps[i].after[j] == from)
				return true;
		}
	}
	return false;
}

bool
flow_is_rolling_back(const Flow *flow)
{
	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		const FlowRow *row = flow->current[i];

		if (flow->plan->steps[i].demand == DEMAND_COMPENSATION && row->state != STEP_PENDING &&
			row->verdict != VERDICT_SKIPPED_BY_HAND)
			return true;
	}
	return false;
}

/* The next step of the rollback: what undoes the step that completed last. */
static FlowRow *
next_compensation(const Flow *flow)
{
	FlowRow    *next = NULL;
	int64_t		latest = 0;

	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		const PlanStep *step = &flow->plan->steps[i];
		const FlowRow *undone;

		if (step->demand != DEMAND_COMPENSATION || flow->current[i]->state != STEP_PENDING)
			continue;
		undone = flow->current[step->compensates];
		if (undone->state != STEP_COMPLETED ||
			(next != NULL && (undone->finished_at < latest ||
							  (undone->finished_at == latest &&
							   step->compensates < flow_step_of(flow, next)->compensates))))
			continue;
		next = flow->current[i];
		latest = undone->finished_at;
	}
	return next;
}

/* Earlier iterations among them: see renew_demand. */
static bool
any_active(const Flow *flow, bool *all_wait)
{
	bool		found = false;

	*all_wait = true;
	for (int i = 0; i < flow->nrows; i++)
	{
		StepState	state = flow->rows[i]->state;

		if (!step_is_active(state))
			continue;
		found = true;
		if (state != STEP_WAITING_APPROVAL)
			*all_wait = false;
	}
	return found;
}

/* Whether a step compensates, or runs on demand for one that does. */
static bool
serves_rollback(const WorkflowPlan *plan, int step)
{
	if (plan->steps[step].demand == DEMAND_COMPENSATION)
		return true;
	for (int i = 0; i < plan->nsteps && plan->steps[step].demand != DEMAND_NONE; i++)
	{
		if (plan->steps[i].demand == DEMAND_COMPENSATION && plan_serves(plan, step, i))
			return true;
	}
	return false;
}

/* Whether somebody wants what a step brings: it decides nothing once those for whom it ran have gone on without it. */
static bool
is_of_use(const Flow *flow, int step)
{
	PlanDemand	demand = flow->plan->steps[step].demand;

	for (int i = 0; i < flow->plan->nsteps && demand != DEMAND_NONE; i++)
	{
		const PlanStep *owner = &flow->plan->steps[i];
		StepState	state = flow->current[i]->state;

		if (demand == DEMAND_FALLBACK && owner->on_failure == FAILURE_FALLBACK && owner->fallback == step &&
			state == STEP_FAILED && is_of_use(flow, i))
			return true;
		if (demand == DEMAND_SPECIALIST && state == STEP_PENDING && flow_hands_off_to(owner, step))
			return true;
	}
	return demand == DEMAND_NONE;
}

/* Of two failed steps, the one that failed later tells why the execution did. */
static void
blame(Flow *flow, FlowRow *row)
{
	if (flow->culprit == NULL || row->finished_at == 0 ||
		(flow->culprit->finished_at != 0 && row->finished_at >= flow->culprit->finished_at))
		flow->culprit = row;
}

static ExecutionStatus
status_at_rest(Flow *flow)
{
	bool		held = false;
	bool		blocked = false;

	flow->culprit = NULL;
	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		const PlanStep *step = &flow->plan->steps[i];
		FlowRow    *row = flow->current[i];
		Way			way = flow_way_out(flow, i);

		if (serves_rollback(flow->plan, i) || (row->state != STEP_PENDING && !is_of_use(flow, i)))
			continue;			/* it decides nothing */
		if (way == WAY_HELD || (row->state == STEP_FAILED && way == WAY_BLOCKED &&
								step->on_failure == FAILURE_MANUAL_REVIEW))
			held = true;
		if (way == WAY_BLOCKED && row->state == STEP_FAILED)
			blame(flow, row);
		if (step->demand == DEMAND_NONE
			? row->state == STEP_PENDING || (way == WAY_BLOCKED && !has_consumer(flow, i))
			: row->state == STEP_PENDING && flow_is_wanted(flow, i))
			blocked = true;
	}
	return held ? EXECUTION_MANUAL_REVIEW : blocked ? EXECUTION_FAILED : EXECUTION_COMPLETED;
}

/* What was on demand and never needed. */
static void
skip_the_rest(Flow *flow)
{
	for (int i = 0; i < flow->plan->nsteps; i++)
	{
		if (flow->current[i]->state == STEP_PENDING)
			flow_move(flow, flow->current[i], STEP_SKIPPED);
	}
}

/* Starts and skips until nothing changes; mostly once is enough, as each step comes behind those before it. */
static void
move_on(Flow *flow)
{
	bool		moved;

	do
	{
		moved = false;
		for (int i = 0; i < flow->plan->nsteps && !flow_is_broken(flow); i++)
		{
			FlowRow    *row = flow->current[flow->plan->order[i]];
			Readiness	ready;

			if (row->state != STEP_PENDING)
				continue;
			ready = flow_readiness(flow, row->step);
			if (ready == READY_SKIP)
				flow_move(flow, row, STEP_SKIPPED);
			else if (ready == READY_START)
				flow_start(flow, row);
			moved |= ready != READY_WAIT;
		}
	} while (moved && !flow_is_broken(flow));
}

void
flow_advance(Flow *flow)
{
	FlowRow    *compensation;
	bool		all_wait;

	for (;;)
	{
		move_on(flow);
		if (flow_is_broken(flow))
			return;
		if (any_active(flow, &all_wait))
		{
			flow->status = flow->paused ? EXECUTION_PAUSED
				: all_wait ? EXECUTION_WAITING_APPROVAL : EXECUTION_RUNNING;
			return;
		}
		flow->status = status_at_rest(flow);
		if (flow->status != EXECUTION_FAILED || !flow->plan->rollback)
			break;
		compensation = next_compensation(flow);
		if (compensation == NULL)
			break;
		flow_tell(flow, compensation, "warning", "rollback", NULL, "rolling back");
		flow_start(flow, compensation);
	}
	if (flow->status == EXECUTION_COMPLETED)
		skip_the_rest(flow);
}
