/*
 * fuzz_world.h
 *		What is around a flow: rows that are kept, as in the tables, and a host that
 *		answers whatever the input says, and looks whether each step begins in time.
 *
 * The ways between steps are told here once more, by doc/workflows.md, from the rows.
 */
#ifndef AS_FUZZ_WORLD_H
#define AS_FUZZ_WORLD_H

#include "flow.h"
#include "fuzz.h"
#include "fuzz_definition.h"

#define MOST_ROWS		2000
#define MOST_ENDS		4		/* in one turn */

/* A row of the table. */
typedef struct Kept
{
	int			step;
	int			step_no;
	int			iteration;
	int			round;
	StepState	state;
	StepVerdict verdict;
	int64_t		finished_at;
	bool	   *chosen;
} Kept;

typedef struct End
{
	int			step;
	bool		with_warnings;
	const char *unmet;
} End;

typedef struct World
{
	const WorkflowPlan *plan;
	Bytes		bytes;
	unsigned int how;			/* its settings, and what comes when the bytes have ended */
	int			rounds;			/* the product of the bounds of all loops */
	Kept	   *rows;
	int			nrows;
	Kept	  **current;		/* of each step */
	ExecutionStatus status;
	bool		is_paused;
	bool		is_quiet;		/* nothing may be asked of the host */
	int64_t		clock;

	/* the turn */
	Flow	   *flow;
	bool		by_hand;		/* a command is being applied */
	bool		resumed;
	End			ends[MOST_ENDS];
	int			nends;
} World;

/* ---- what the ways from a step are like, by doc/workflows.md ---- */

typedef enum Way
{
	NOT_YET,
	OPEN,
	CLOSED,
	BLOCKED
} Way;

static inline Way
way_from(const World *world, int from)
{
	const FlowRow *row = world->flow->current[from];
	const PlanStep *step = &world->plan->steps[from];

	if (row->verdict == VERDICT_MANUAL_REVIEW)
		return BLOCKED;
	if (row->state == STEP_COMPLETED || (row->state == STEP_PARTIAL && row->verdict == VERDICT_ACCEPTED))
		return OPEN;
	if (row->state == STEP_SKIPPED)
		return row->verdict == VERDICT_NONE ? CLOSED : OPEN;
	if (row->state == STEP_FAILED && step->on_failure == FAILURE_FALLBACK)
		return way_from(world, step->fallback);
	if (row->state == STEP_FAILED && step->on_failure == FAILURE_CONTINUE)
		return OPEN;
	return step_is_at_rest(row->state) ? BLOCKED : NOT_YET;
}

static inline bool
is_named_by(const PlanStep *decision, int to)
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

static inline Way
way_to(const World *world, int from, int to)
{
	const FlowRow *row = world->flow->current[from];
	Way			way = way_from(world, from);

	if (way == OPEN && row->state == STEP_COMPLETED && row->chosen && !row->chosen[to] &&
		is_named_by(&world->plan->steps[from], to))
		return CLOSED;
	return way;
}

static inline void
require_ways(const World *world, int to)
{
	const PlanStep *step = &world->plan->steps[to];
	int			open = 0;
	int			closed = 0;

	for (int i = 0; i < step->nafter; i++)
	{
		Way			way = way_to(world, step->after[i], to);

		open += way == OPEN;
		closed += way == CLOSED;
	}
	if (step->merge == PLAN_MERGE_ALL)
		require(open + closed == step->nafter);
	else
		require(open >= step->merge || open + closed == step->nafter);
	require(open > 0 || step->nafter == 0);
}

/* ---- when a step may begin ---- */

static inline bool
has_handed_off(const World *world, int to)
{
	for (int i = 0; i < world->flow->nrows; i++)
	{
		const FlowRow *row = world->flow->rows[i];

		if (row->verdict == VERDICT_HANDED_OFF && plan_serves(world->plan, to, row->step))
			return true;
	}
	for (int i = 0; i < world->nrows; i++)
	{
		const Kept *row = &world->rows[i];

		if (row->verdict == VERDICT_HANDED_OFF && plan_serves(world->plan, to, row->step))
			return true;
	}
	return false;
}

static inline bool
stands_in(const World *world, int to)
{
	for (int i = 0; i < world->plan->nsteps; i++)
	{
		if (world->plan->steps[i].fallback == to && world->flow->current[i]->state == STEP_FAILED)
			return true;
	}
	return false;
}

/* Nothing else goes on, and what completed later has been undone already. */
static inline void
require_rollback(const World *world, int self)
{
	const FlowRow *undone = world->flow->current[world->plan->steps[self].compensates];

	require(world->plan->rollback);
	require(undone->state == STEP_COMPLETED);
	for (int i = 0; i < world->plan->nsteps; i++)
	{
		const PlanStep *step = &world->plan->steps[i];
		const FlowRow *row = world->flow->current[i];

		require(i == self || !step_is_active(row->state));
		if (step->demand == DEMAND_COMPENSATION && row->state == STEP_PENDING &&
			world->flow->current[step->compensates]->state == STEP_COMPLETED)
			require(world->flow->current[step->compensates]->finished_at <= undone->finished_at);
	}
}

static inline void
require_time(const World *world, const FlowRow *row)
{
	switch (world->plan->steps[row->step].demand)
	{
		case DEMAND_NONE:
			require_ways(world, row->step);
			break;
		case DEMAND_FALLBACK:
			require(row->round > 1 || world->by_hand || stands_in(world, row->step));
			break;
		case DEMAND_SPECIALIST:
			require(has_handed_off(world, row->step));
			break;
		case DEMAND_COMPENSATION:
			if (row->round == 1 && !world->by_hand)
				require_rollback(world, row->step);
			break;
	}
}

/* ---- the host ---- */

static inline void
require_row(const World *world, const FlowRow *row)
{
	require(!world->is_quiet);
	require(row->step >= 0 && row->step < world->plan->nsteps);
	require(row->iteration >= 1 && row->round >= 1 && row->round <= row->iteration);
}

static inline bool
host_holds(void *arg, const FlowRow *row, const char *condition, bool own, Buf *problem)
{
	World	   *world = arg;
	unsigned int answer = take_byte(&world->bytes);

	require_row(world, row);
	require(condition != NULL && condition[0] != '\0');
	require(!own || row->state == STEP_COMPLETED);
	if (answer >= 0xF8)
		buf_puts(problem, "it takes too long");
	return (answer & 1) != 0;
}

static inline bool
host_begin(void *arg, FlowRow *row, Buf *problem)
{
	World	   *world = arg;

	require_row(world, row);
	require(world->flow->current[row->step] == row);
	require(!world->plan->steps[row->step].is_decision);
	require(!step_is_active(row->state) || row->state == STEP_WAITING_APPROVAL);
	require_time(world, row);
	if (take_byte(&world->bytes) < 0xF8)
		return true;
	buf_puts(problem, "there is no such agent");
	return false;
}

static inline Kept *
find_kept(World *world, const FlowRow *row)
{
	for (int i = 0; i < world->nrows; i++)
	{
		if (world->rows[i].step_no == row->step_no)
			return &world->rows[i];
	}
	return NULL;
}

/* What it chose goes with the row, and is kept with it. */
static inline const bool *
host_decide(void *arg, FlowRow *row, const PlanCase *choice)
{
	World	   *world = arg;
	bool	   *chosen = calloc((size_t) world->plan->nsteps, sizeof(bool));

	require_row(world, row);
	require(world->plan->steps[row->step].is_decision);
	require(row->state == STEP_COMPLETED);
	require_time(world, row);
	for (int i = 0; i < choice->nto; i++)
		chosen[choice->to[i]] = true;
	require(row->host == NULL);
	row->host = chosen;
	return chosen;
}

static inline void
host_feedback(void *arg, FlowRow *from, FlowRow *to, const PlanText *text, const char *words)
{
	World	   *world = arg;

	require_row(world, from);
	require_row(world, to);
	require(world->flow->current[to->step] == to && to->is_new);
	require(text == NULL || words == NULL);
}

static inline void
host_tell(void *arg, const FlowRow *row, const char *severity, const char *kind, const PlanText *text, const char *words)
{
	require_row(arg, row);
	require(severity[0] != '\0' && kind[0] != '\0');
	require(text != NULL || words != NULL);
	if (words)
		require_text(words, strlen(words));
}

/* ---- from the table to a flow, and back ---- */

static inline void
load(World *world, const FlowHost *host)
{
	world->flow = flow_create(world->plan, host);
	require(world->flow != NULL);
	world->flow->paused = world->is_paused;
	world->flow->pause_before_each_step = (world->how & 1) != 0;
	world->flow->continue_on_warnings = (world->how & 2) == 0;
	if (world->nrows == 0)
	{
		require(flow_begin(world->flow));
		return;
	}
	for (int i = 0; i < world->plan->nsteps; i++)
	{
		const Kept *kept = world->current[i];
		FlowRow    *row = flow_add_row(world->flow, i, kept->iteration);

		require(row != NULL && world->flow->current[i] == row && row->step_no == kept->step_no);
		row->round = kept->round;
		row->state = kept->state;
		row->verdict = kept->verdict;
		row->finished_at = kept->finished_at;
		row->chosen = kept->chosen;
	}
}

static inline void
require_unchanged(const FlowRow *row, const Kept *kept)
{
	require(kept != NULL && !row->is_new);
	require(row->state == kept->state && row->verdict == kept->verdict);
	require(row->round == kept->round && row->chosen == kept->chosen);
	require(!row->to_queue && !row->to_ask && row->error_class == ERROR_CLASS_NONE);
}

static inline void
keep_row(World *world, const FlowRow *row)
{
	Kept	   *kept = find_kept(world, row);

	if (!row->is_new && !row->is_changed)
	{
		require_unchanged(row, kept);
		return;
	}
	require((kept == NULL) == row->is_new);
	require(row->to_queue ? row->state != STEP_PENDING && row->state != STEP_WAITING_APPROVAL : true);
	require(row->to_ask || row->state != STEP_WAITING_APPROVAL || (kept && kept->state == STEP_WAITING_APPROVAL));
	if (kept == NULL)
	{
		require(world->nrows < MOST_ROWS);
		kept = &world->rows[world->nrows++];
		*kept = (Kept) {.step = row->step, .step_no = row->step_no, .iteration = row->iteration, .round = row->round};
	}
	if (row->host)
	{
		free(kept->chosen);
		kept->chosen = row->host;
	}
	if (!step_is_at_rest(row->state))
		kept->finished_at = 0;
	else if (kept->finished_at == 0 || row->clears_error)
		kept->finished_at = world->clock;
	kept->state = row->state;
	kept->verdict = row->verdict;
}

static inline void
keep(World *world)
{
	for (int i = 0; i < world->flow->nrows; i++)
		keep_row(world, world->flow->rows[i]);
	for (int i = 0; i < world->nrows; i++)
	{
		Kept	   *kept = &world->rows[i];
		Kept	   *other = world->current[kept->step];

		if (other == NULL || other->iteration < kept->iteration)
			world->current[kept->step] = kept;
	}
}

#endif							/* AS_FUZZ_WORLD_H */
