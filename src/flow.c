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
static FlowRow *
add_iteration(Flow *flow, int step, int round)
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

static void
tell(Flow *flow, const FlowRow *row, const char *severity, const char *kind, const PlanText *text, const char *words)
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
	tell(flow, row, "error", "step_failed", NULL, row->error_message);
}

static bool
flow_is_broken(const Flow *flow)
{
	return flow->out_of_memory || flow->bug[0] != '\0';
}

/* ---------- ways ---------- */

typedef enum Way
{
	WAY_UNKNOWN,
	WAY_OPEN,
	WAY_CLOSED,
	WAY_BLOCKED,
	WAY_HELD
} Way;

static Way
way_out(const Flow *flow, int from)
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
			return step->on_failure == FAILURE_FALLBACK ? way_out(flow, step->fallback) : WAY_BLOCKED;
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
	Way			way = way_out(flow, from);

	if (way == WAY_UNKNOWN || may_come_back(flow, from, to))
		return WAY_UNKNOWN;
	if (way == WAY_OPEN && step->is_decision && row->chosen != NULL && !row->chosen[to] && is_case_of(step, to))
		return WAY_CLOSED;
	return way;
}

/* ---------- readiness ---------- */

typedef enum Readiness
{
	READY_WAIT,
	READY_START,
	READY_SKIP
} Readiness;

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

static bool
hands_off_to(const PlanStep *owner, int specialist)
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
			way_out(flow, specialist->step) != WAY_OPEN)
			return true;
	}
	return false;
}

/* Specialists and compensations are started by who wants them, but for the further rounds of their loops. */
static bool
is_wanted(const Flow *flow, int to)
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

static Readiness
readiness(const Flow *flow, int to)
{
	if (awaits_specialist(flow, to))
		return READY_WAIT;
	if (flow->plan->steps[to].demand != DEMAND_NONE)
		return is_wanted(flow, to) ? READY_START : READY_WAIT;
	return readiness_by_ways(flow, to);
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
static bool
holds(Flow *flow, FlowRow *row, const char *condition, bool own)
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

		if (condition == NULL || holds(flow, row, condition, false))
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

	if (step->when != NULL && !holds(flow, row, step->when, false))
	{
		if (row->error_class != ERROR_CLASS_NONE)
			return;
		flow_move(flow, row, STEP_SKIPPED);
		row->verdict = VERDICT_PASSED_OVER;
		tell(flow, row, "info", "step_skipped", NULL, "passed over: its condition does not hold");
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

/* ---------- loops ---------- */

static void renew_helpers(Flow *flow, const PlanStep *step);

/*
 * What runs on demand for a step begins anew with it, and what runs on demand for that.
 * Where it is at work for another step, both take what it brings.
 */
static void
renew_demand(Flow *flow, int step)
{
	if (!step_is_at_rest(flow->current[step]->state) || add_iteration(flow, step, 1) == NULL)
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
		(void) add_iteration(flow, i, i == end->step ? end->round + 1 : 1);
		renew_helpers(flow, &flow->plan->steps[i]);
	}
	if (flow->out_of_memory)
		return;
	flow->host->feedback(flow->host->arg, end, flow->current[to], text, words);
	tell(flow, end, "info", "went_back", text, words);
}

static void
hand_off(Flow *flow, FlowRow *row, const PlanRule *rule)
{
	FlowRow    *specialist;

	row->verdict = VERDICT_HANDED_OFF;
	row->is_changed = true;
	(void) add_iteration(flow, row->step, row->round + 1);
	renew_demand(flow, rule->to);
	if (flow->out_of_memory)
		return;
	specialist = flow->current[rule->to];
	tell(flow, row, "warning", "handed_off", &rule->text, rule->text.npieces > 0 ? NULL : "handed off to a specialist");
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
			tell(flow, row, rule->severity, "rule", &rule->text, NULL);
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
			tell(flow, row, "warning", "manual_review", &rule->text,
				 rule->text.npieces > 0 ? NULL : "requires manual review");
			return false;
		case RULE_FAIL:
			flow_fail(flow, row, ERROR_CLASS_INVALID_OUTPUT, "a rule of the workflow refuses its result");
			if (rule->text.npieces > 0)
				tell(flow, row, "error", "rule", &rule->text, NULL);
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

		if (rule->condition != NULL && !holds(flow, row, rule->condition, true))
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
		tell(flow, row, "warning", "manual_review", NULL, "it completed with warnings, and the run does not continue on these");
	}
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
		if (demand == DEMAND_SPECIALIST && state == STEP_PENDING && hands_off_to(owner, step))
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
		Way			way = way_out(flow, i);

		if (serves_rollback(flow->plan, i) || (row->state != STEP_PENDING && !is_of_use(flow, i)))
			continue;			/* it decides nothing */
		if (way == WAY_HELD || (row->state == STEP_FAILED && way == WAY_BLOCKED &&
								step->on_failure == FAILURE_MANUAL_REVIEW))
			held = true;
		if (way == WAY_BLOCKED && row->state == STEP_FAILED)
			blame(flow, row);
		if (step->demand == DEMAND_NONE
			? row->state == STEP_PENDING || (way == WAY_BLOCKED && !has_consumer(flow, i))
			: row->state == STEP_PENDING && is_wanted(flow, i))
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
			ready = readiness(flow, row->step);
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
		tell(flow, compensation, "warning", "rollback", NULL, "rolling back");
		flow_start(flow, compensation);
	}
	if (flow->status == EXECUTION_COMPLETED)
		skip_the_rest(flow);
}
