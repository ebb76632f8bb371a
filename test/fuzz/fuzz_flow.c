/*
 * fuzz_flow.c
 *		Workflows that run, with anything happening to them.
 *
 * The input is a definition, a NUL byte and what happens; or, where it does not
 * begin as JSON does, the definition is made of it too. The rows are kept outside,
 * as in the tables, and a flow is made of them for each turn. After each turn:
 * the moves were legal, no step has begun before its time, each has one live
 * row, loops are within their bounds, and nothing more follows from the same
 * rows. When nothing happens any more but that work ends, all of it comes to rest.
 */
#include "flow.h"
#include "fuzz.h"
#include "fuzz_definition.h"

#define MOST_ROUNDS		36		/* of all loops within each other */
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

static Way
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

static bool
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

static Way
way_to(const World *world, int from, int to)
{
	const FlowRow *row = world->flow->current[from];
	Way			way = way_from(world, from);

	if (way == OPEN && row->state == STEP_COMPLETED && row->chosen && !row->chosen[to] &&
		is_named_by(&world->plan->steps[from], to))
		return CLOSED;
	return way;
}

static void
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

static bool
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

static bool
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
static void
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

static void
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

static void
require_row(const World *world, const FlowRow *row)
{
	require(!world->is_quiet);
	require(row->step >= 0 && row->step < world->plan->nsteps);
	require(row->iteration >= 1 && row->round >= 1 && row->round <= row->iteration);
}

static bool
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

static bool
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

static Kept *
find_kept(World *world, const FlowRow *row)
{
	for (int i = 0; i < world->nrows; i++)
	{
		if (world->rows[i].step_no == row->step_no)
			return &world->rows[i];
	}
	return NULL;
}

/* Rows of decisions are kept from the beginning, or have been by the time. */
static const bool *
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

static void
host_feedback(void *arg, FlowRow *from, FlowRow *to, const PlanText *text, const char *words)
{
	World	   *world = arg;

	require_row(world, from);
	require_row(world, to);
	require(world->flow->current[to->step] == to && to->is_new);
	require(text == NULL || words == NULL);
}

static void
host_tell(void *arg, const FlowRow *row, const char *severity, const char *kind, const PlanText *text, const char *words)
{
	require_row(arg, row);
	require(severity[0] != '\0' && kind[0] != '\0');
	require(text != NULL || words != NULL);
	if (words)
		require_text(words, strlen(words));
}

/* ---- from the table to a flow, and back ---- */

static void
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

static void
require_unchanged(const FlowRow *row, const Kept *kept)
{
	require(kept != NULL && !row->is_new);
	require(row->state == kept->state && row->verdict == kept->verdict);
	require(row->round == kept->round && row->chosen == kept->chosen);
	require(!row->to_queue && !row->to_ask && row->error_class == ERROR_CLASS_NONE);
}

static void
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

static void
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

/* ---- what must hold after each turn ---- */

static int
bound_of(const PlanStep *step)
{
	int			bound = step->criteria.given ? step->criteria.max_iterations : 1;

	for (int i = 0; i < step->nrules; i++)
	{
		const PlanRule *rule = &step->rules[i];

		if ((rule->action == RULE_GO_BACK || rule->action == RULE_HAND_OFF) && rule->max_iterations > bound)
			bound = rule->max_iterations;
	}
	return bound;
}

static void
check_rows(const World *world)
{
	for (int i = 0; i < world->nrows; i++)
	{
		const Kept *row = &world->rows[i];

		require(world->current[row->step] == row || step_is_at_rest(row->state));
		require(row->round <= bound_of(&world->plan->steps[row->step]));
		require(row->iteration <= world->rounds * world->plan->nsteps);
		require(row->step_no == (row->iteration - 1) * world->plan->nsteps + row->step + 1);
	}
}

static void
check_status(const World *world)
{
	int			active = 0;
	int			waiting = 0;
	int			pending = 0;

	for (int i = 0; i < world->plan->nsteps; i++)
	{
		StepState	state = world->current[i]->state;

		active += step_is_active(state);
		waiting += state == STEP_WAITING_APPROVAL;
		pending += state == STEP_PENDING;
	}
	require(execution_is_at_rest(world->status) == (active == 0));
	require(world->status != EXECUTION_COMPLETED || pending == 0);
	require((world->status == EXECUTION_PAUSED) == (active > 0 && world->is_paused));
	require((world->status == EXECUTION_WAITING_APPROVAL) == (active > 0 && !world->is_paused && waiting == active));
}

/* The same rows, once more: nothing follows from them. */
static void
check_again(World *world, const FlowHost *host)
{
	ExecutionStatus status = world->status;

	world->is_quiet = true;
	load(world, host);
	flow_advance(world->flow);
	require(!world->flow->out_of_memory && world->flow->bug[0] == '\0');
	require(world->flow->status == status);
	require(world->flow->nrows == world->plan->nsteps);
	for (int i = 0; i < world->flow->nrows; i++)
		require(!world->flow->rows[i]->is_changed);
	flow_free(world->flow);
	world->is_quiet = false;
}

/* ---- a turn ---- */

typedef struct Command
{
	int			step;
	unsigned int wanted;
} Command;

static void
apply(World *world, const Command *command)
{
	Flow	   *flow = world->flow;
	FlowRow    *row = flow->current[command->step];
	FlowRow		before = *row;
	const char *why = NULL;
	bool		done = false;

	if (world->status == EXECUTION_COMPLETED)
		return;
	world->by_hand = true;
	switch (command->wanted % 8)
	{
		case 0:
			done = flow_approve(flow, row, &why);
			break;
		case 1:
			done = flow_reject(flow, row, "not so", &why);
			break;
		case 2:
			done = flow_expire_to_review(flow, row, &why);
			break;
		case 3:
			done = flow_accept_partial(flow, row, &why);
			break;
		case 4:
			done = flow_complete_by_hand(flow, row, &why);
			break;
		case 5:
			done = flow_skip(flow, row, &why);
			break;
		default:
			done = flow_retry(flow, row, &why);
			break;
	}
	world->by_hand = false;
	world->resumed |= done;
	require(done || (why != NULL && memcmp(&before, row, sizeof(before)) == 0));
}

static void
turn(World *world, const Command *commands, int ncommands)
{
	static const FlowHost functions = {NULL, host_holds, host_begin, host_decide, host_feedback, host_tell};
	FlowHost	host = functions;

	host.arg = world;
	world->clock++;
	load(world, &host);
	for (int i = 0; i < world->nends; i++)
	{
		FlowRow    *row = world->flow->current[world->ends[i].step];

		if (row->state == STEP_COMPLETED && !execution_is_at_rest(world->status))
			flow_completed(world->flow, row, world->ends[i].with_warnings, world->ends[i].unmet);
	}
	for (int i = 0; i < ncommands; i++)
		apply(world, &commands[i]);
	if (!execution_is_at_rest(world->status) || world->resumed)
	{
		flow_advance(world->flow);
		if (world->flow->bug[0] != '\0')
			fprintf(stderr, "%s\n", world->flow->bug);
		require(!world->flow->out_of_memory && world->flow->bug[0] == '\0');
		world->status = world->flow->status;
	}
	keep(world);
	flow_free(world->flow);
	world->nends = 0;
	world->resumed = false;
	check_rows(world);
	check_status(world);
	check_again(world, &host);
}

/* ---- what happens ---- */

static void
move_kept(World *world, Kept *row, StepState state)
{
	require(step_may_become(row->state, state));
	row->state = state;
	row->finished_at = step_is_at_rest(state) ? world->clock : 0;
}

/* An attempt of the executor's has ended, in one of its ways. */
static void
end_attempt(World *world, Kept *row, unsigned int how)
{
	static const StepState states[] = {
		STEP_COMPLETED, STEP_COMPLETED, STEP_COMPLETED, STEP_FAILED, STEP_FAILED, STEP_PARTIAL, STEP_RETRYING, STEP_QUEUED
	};

	move_kept(world, row, states[how % 8]);
	if (row->state == STEP_COMPLETED)
		world->ends[world->nends++] = (End) {row->step, (how & 8) != 0, (how & 16) != 0 ? "it has no heading" : NULL};
}

/* One step of the queue is taken a bit further. */
static void
work(World *world, int step, unsigned int how)
{
	Kept	   *row = world->current[step];

	if (row->state == STEP_QUEUED || row->state == STEP_RETRYING)
		move_kept(world, row, how == 0xFF ? STEP_FAILED : world->is_paused ? STEP_PAUSED : STEP_RUNNING);
	else if (row->state == STEP_RUNNING && world->nends < MOST_ENDS)
		end_attempt(world, row, how);
}

static void
set_paused(World *world, bool paused)
{
	if (execution_is_at_rest(world->status))
		return;
	world->is_paused = paused;
	world->status = paused ? EXECUTION_PAUSED : EXECUTION_RUNNING;
	for (int i = 0; i < world->plan->nsteps; i++)
	{
		Kept	   *row = world->current[i];

		if (paused && (row->state == STEP_QUEUED || row->state == STEP_RETRYING))
			move_kept(world, row, STEP_PAUSED);
		else if (!paused && row->state == STEP_PAUSED)
			move_kept(world, row, STEP_QUEUED);
	}
}

/* Some work, then some commands, then what follows. */
static void
happen(World *world)
{
	unsigned int nsteps = (unsigned int) world->plan->nsteps;
	Command		commands[3];
	unsigned int what = take_byte(&world->bytes);
	int			ncommands = (int) (what % 4);

	if (what >= 0xE0)
		set_paused(world, !world->is_paused);
	for (unsigned int i = 0; i <= (what >> 2) % 4; i++)
		work(world, (int) (take_byte(&world->bytes) % nsteps), take_byte(&world->bytes));
	for (int i = 0; i < ncommands; i++)
	{
		commands[i].step = (int) (take_byte(&world->bytes) % nsteps);
		commands[i].wanted = take_byte(&world->bytes);
	}
	turn(world, commands, ncommands);
}

/* Nobody does anything any more but answer what is asked, and all work ends. */
static void
come_to_rest(World *world)
{
	int			turns = 0;

	while (!execution_is_at_rest(world->status))
	{
		Command		commands[1];
		int			ncommands = 0;

		set_paused(world, false);
		for (int i = 0; i < world->plan->nsteps; i++)
		{
			if (world->current[i]->state == STEP_WAITING_APPROVAL && ncommands == 0)
				commands[ncommands++] = (Command) {i, (world->how >> 5) % 3};
			else
				work(world, i, world->how & 0x1C);
		}
		turn(world, commands, ncommands);
		require(++turns <= 4 * MOST_ROWS);
	}
}

static bool
is_small(const WorkflowPlan *plan, int *rounds)
{
	*rounds = 1;
	for (int i = 0; i < plan->nsteps && *rounds <= MOST_ROUNDS; i++)
		*rounds *= bound_of(&plan->steps[i]);
	return plan->nsteps <= 2 * MOST_STEPS && *rounds <= MOST_ROUNDS;
}

static void
run(const WorkflowPlan *plan, Bytes bytes)
{
	World		world = {.plan = plan, .bytes = bytes, .status = EXECUTION_RUNNING};

	world.how = take_byte(&world.bytes);
	if (!is_small(plan, &world.rounds))
		return;
	world.rows = malloc(MOST_ROWS * sizeof(Kept));
	world.current = calloc((size_t) plan->nsteps, sizeof(Kept *));
	turn(&world, NULL, 0);
	while (world.bytes.left > 0)
		happen(&world);
	come_to_rest(&world);
	for (int i = 0; i < world.nrows; i++)
		free(world.rows[i].chosen);
	free(world.rows);
	free(world.current);
}

/* ---- the input ---- */

static void
no_plan(void *arg, const char *step, const char *problem, const char *hint)
{
	(void) arg;
	(void) step;
	require(problem[0] != '\0' && hint[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	Bytes		bytes = {data, size};
	WorkflowPlan *plan;
	Buf			definition;

	buf_init(&definition, 0);
	if (size > 0 && data[0] == '{')
	{
		buf_append(&definition, data, nul ? (size_t) (nul - data) : size);
		bytes.next += definition.len;
		bytes.left -= definition.len;
		take_byte(&bytes);
	}
	else
		fuzz_definition(&bytes, &definition);
	plan = plan_read(buf_text(&definition), definition.len, no_plan, NULL);
	buf_free(&definition);
	if (plan == NULL)
		return -1;
	run(plan, bytes);
	plan_free(plan);
	return 0;
}
