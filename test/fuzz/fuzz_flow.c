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
#include "fuzz_world.h"

#define MOST_ROUNDS		36		/* of all loops within each other */

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

enum
{
	APPROVE,
	REJECT,
	EXPIRE,
	ACCEPT,
	COMPLETE,
	SKIP,
	RETRY,
	WANTS
};

typedef struct Command
{
	int			step;
	unsigned int wanted;		/* one of those, and more times of them */
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
	switch (command->wanted % WANTS)
	{
		case APPROVE:
			done = flow_approve(flow, row, &why);
			break;
		case REJECT:
			done = flow_reject(flow, row, "not so", &why);
			break;
		case EXPIRE:
			done = flow_expire_to_review(flow, row, &why);
			break;
		case ACCEPT:
			done = flow_accept_partial(flow, row, &why);
			break;
		case COMPLETE:
			done = flow_complete_by_hand(flow, row, &why);
			break;
		case SKIP:
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
				commands[ncommands++] = (Command) {i, APPROVE + (world->how >> 5) % 3};
			else
				work(world, i, world->how & 0x1C);
		}
		turn(world, commands, ncommands);
		require(++turns <= 4 * MOST_ROWS);
	}
}

static bool
has_been_rolled_back(const World *world)
{
	for (int i = 0; i < world->plan->nsteps; i++)
	{
		if (world->plan->steps[i].demand == DEMAND_COMPENSATION && world->current[i]->state != STEP_PENDING)
			return true;
	}
	return false;
}

/* People can get it to its end, whatever has failed and is held, as long as nothing was undone. */
static void
mend(World *world)
{
	Command		commands[6 * MOST_STEPS];
	int			rounds = 0;

	while (world->status != EXECUTION_COMPLETED && !has_been_rolled_back(world))
	{
		int			ncommands = 0;

		for (int i = 0; i < world->plan->nsteps; i++)
		{
			commands[ncommands++] = (Command) {i, SKIP};
			commands[ncommands++] = (Command) {i, ACCEPT};
			commands[ncommands++] = (Command) {i, COMPLETE};
		}
		turn(world, commands, ncommands);
		come_to_rest(world);
		require(++rounds <= MOST_ROWS);
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
	mend(&world);
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
